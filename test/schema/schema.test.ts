import { describe, expect, it } from 'vitest'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField, Type } from '../../src/schema/type.js'
import { codeThrownBy, thrownBy } from '../support/thrown.js'

const int: Type = { kind: 'int' }
const string: Type = { kind: 'string' }

function field(id: number, name: string, type: Type = int, required = false): NestedField {
  return { id, name, type, required }
}

const point: Type = { kind: 'struct', fields: [field(8, 'x'), field(9, 'y', { kind: 'double' }, true)] }
const schema = new Schema(
  [
    field(1, 'id', { kind: 'long' }, true),
    field(2, 'Data', string),
    field(3, 'points', { kind: 'list', elementId: 7, element: point, elementRequired: true }),
    field(4, 'props', { kind: 'map', keyId: 10, key: string, valueId: 11, value: { kind: 'struct', fields: [field(12, 'v')] }, valueRequired: false }),
    field(5, 'tags', { kind: 'list', elementId: 13, element: string, elementRequired: false }),
    field(6, 'home', { kind: 'struct', fields: [field(14, 'zip', string, true), field(15, '__proto__', int)] }, true),
  ],
  { schemaId: 3, identifierFieldIds: [1, 14] },
)

describe('a schema', () => {
  it('finds fields by path at any depth, with and without the names of lists and maps', () => {
    expect(schema.findField('id')?.id).toBe(1)
    expect(schema.findField('points.element.x')?.id).toBe(8)
    expect(schema.findField('points.x')?.id).toBe(8)
    expect(schema.findField('props.value.v')?.id).toBe(12)
    expect(schema.findField('props.v')?.id).toBe(12)
    expect(schema.findField('props.key')).toEqual({ id: 10, name: 'key', type: string, required: true })
    expect(schema.findField('tags.element')?.id).toBe(13)
    expect(schema.findField('tags')?.type.kind).toBe('list')
    expect(schema.findField('home.__proto__')?.id).toBe(15)
    expect(schema.findField('toString')).toBeUndefined()
    expect(schema.findField('')).toBeUndefined()
  })

  it('matches case unless told not to', () => {
    expect(schema.findField('data')).toBeUndefined()
    expect(schema.findField('data', { caseSensitive: false })?.id).toBe(2)
    expect(schema.findField('POINTS.Y', { caseSensitive: false })?.id).toBe(9)
    const both = new Schema([field(1, 'a'), field(2, 'A'), field(3, 'b')])
    expect(both.findField('B', { caseSensitive: false })?.id).toBe(3)
    expect(codeThrownBy(() => both.findField('a', { caseSensitive: false }))).toBe('INVALID')
  })

  it('names the columns there are when one is missing', () => {
    expect(thrownBy(() => schema.requireField('ip'))).toMatchObject({ code: 'NOT_FOUND', column: 'ip' })
    expect(thrownBy(() => schema.requireField('ip')).message).toContain('id, Data, points')
    expect(schema.requireField('id').id).toBe(1)
  })

  it('knows paths, parents and ids', () => {
    expect(schema.pathOf(8)).toBe('points.element.x')
    expect(schema.pathOf(99)).toBeUndefined()
    expect(schema.parentOf(8)?.id).toBe(7)
    expect(schema.parentOf(1)).toBeUndefined()
    expect(schema.ancestorsOf(8).map((ancestor) => ancestor.id)).toEqual([7, 3])
    expect(schema.highestFieldId()).toBe(15)
    expect(new Schema([]).highestFieldId()).toBe(0)
    expect([...schema.fieldIds()].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    expect(schema.identifierPaths()).toEqual(['id', 'home.zip'])
  })

  it('gives a path that two fields share to the one that is less deep', () => {
    const struct = field(1, 'a', { kind: 'struct', fields: [field(2, 'b')] })
    for (const fields of [[struct, field(3, 'a.b')], [field(3, 'a.b'), struct]]) {
      const dotted = new Schema(fields)
      expect(dotted.findField('a.b')?.id).toBe(3)
      expect(dotted.fieldById(2)?.name).toBe('b')
    }
  })

  it('refuses two fields with one id, naming both', () => {
    const twice = new Schema([field(1, 'a'), field(2, 's', { kind: 'struct', fields: [field(1, 'b')] })])
    expect(thrownBy(() => twice.highestFieldId()).message).toBe('Fields a and s.b have the same id 1')
  })

  it('refuses types over the depth limit without exhausting the stack', () => {
    let type: Type = int
    for (let level = 1; level <= 100_000; level++) type = { kind: 'list', elementId: level + 1, element: type, elementRequired: true }
    expect(codeThrownBy(() => new Schema([field(1, 'deep', type)]).highestFieldId())).toBe('INVALID')
  })

  it('selects columns by path in its own order, with what encloses them', () => {
    const selected = schema.select(['home.zip', 'points.y', 'id'])
    expect(selected.fields.map((column) => column.name)).toEqual(['id', 'points', 'home'])
    expect([...selected.fieldIds()]).toEqual([1, 3, 7, 9, 6, 14])
    expect(schema.select(['*'])).toBe(schema)
    expect(schema.select(['DATA'], { caseSensitive: false }).fields).toEqual([schema.fields[1]])
    expect(codeThrownBy(() => schema.select(['nope']))).toBe('NOT_FOUND')
    expect(schema.select([]).fields).toEqual([])
  })

  it('selects whole fields by id, and keeps a map whole when its key is chosen', () => {
    expect(schema.selectIds([3]).fields).toEqual([schema.fields[2]])
    expect(schema.selectIds([10]).fields).toEqual([schema.fields[3]])
    expect([...schema.selectIds([12]).fieldIds()]).toEqual([4, 10, 11, 12])
    expect(schema.selectIds([7]).fields).toEqual([schema.fields[2]])
  })

  it('projects exactly the fields named, structs empty but for theirs', () => {
    expect([...schema.projectIds([6, 1]).fieldIds()]).toEqual([1, 6])
    expect([...schema.projectIds([14]).fieldIds()]).toEqual([6, 14])
    expect(codeThrownBy(() => schema.projectIds([3]))).toBe('INVALID')
  })

  it('compares with another whatever their ids, docs and defaults included', () => {
    expect(schema.sameAs(schema.withId(9))).toBe(true)
    expect(schema.withId(9).schemaId).toBe(9)
    expect(schema.sameAs(new Schema(schema.fields))).toBe(false)
    expect(schema.sameAs(new Schema(schema.fields, { identifierFieldIds: [14, 1] }))).toBe(true)
    const one = (column: NestedField): Schema => new Schema([column])
    expect(one(field(1, 'a')).sameAs(one({ ...field(1, 'a'), doc: '' }))).toBe(false)
    expect(one(field(1, 'a')).sameAs(one({ ...field(1, 'a'), writeDefault: 0 }))).toBe(false)
    expect(one({ ...field(1, 'a'), writeDefault: null }).sameAs(one(field(1, 'a')))).toBe(true)
  })
})
