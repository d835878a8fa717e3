import { describe, expect, it } from 'vitest'
import { effectiveDefault } from '../../src/schema/default-values.js'
import { isReservedFieldId, metadataColumn, metadataColumnNames, partitionField } from '../../src/schema/reserved-fields.js'
import { checkFormatVersion, checkIdentifierFields, validateSchema } from '../../src/schema/schema-validation.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField, Type } from '../../src/schema/type.js'
import { codeThrownBy, thrownBy } from '../support/thrown.js'

const long: Type = { kind: 'long' }

function field(id: number, name: string, type: Type = long, rest: Partial<NestedField> = {}): NestedField {
  return { id, name, type, required: false, ...rest }
}

function problemOf(fields: readonly NestedField[], identifierFieldIds: readonly number[] = []): string {
  return thrownBy(() => { validateSchema(new Schema(fields, { identifierFieldIds })) }).message
}

describe('the rules for schemas', () => {
  it('accept what is right', () => {
    const struct: Type = { kind: 'struct', fields: [field(3, 'zip', { kind: 'string' }, { required: true })] }
    validateSchema(new Schema([field(1, 'id', long, { required: true }), field(2, 'home', struct, { required: true })], { identifierFieldIds: [1, 3] }), 1)
    validateSchema(new Schema([field(0, 'zero', long, { writeDefault: 0n }), field(2147483447, 'last')]), 3)
  })

  it.each<[string, readonly NestedField[]]>([
    ['field ids above 2147483447 are reserved', [field(2147483448, 'a')]],
    ['-1 is not a field id', [field(-1, 'a')]],
    ['same id 1', [field(1, 'a'), field(1, 'b')]],
    ['same path a', [field(1, 'a'), field(2, 'a')]],
    ['same path a.b', [field(1, 'a', { kind: 'struct', fields: [field(2, 'b')] }), field(3, 'a.b')]],
    ['its name is empty', [field(1, '')]],
    ['an unknown column must be optional', [field(1, 'a', { kind: 'unknown' }, { required: true })]],
    ['more fraction digits than digits', [field(1, 'a', { kind: 'decimal', precision: 2, scale: 4 })]],
    ['the only default of a variant is null', [field(1, 'a', { kind: 'variant' }, { writeDefault: new Uint8Array(1) })]],
    ['the only default of a geometry is null', [field(1, 'a', { kind: 'geometry', crs: undefined }, { initialDefault: new Uint8Array(1) })]],
    ['defaults of its fields stand with the fields', [field(1, 'a', { kind: 'struct', fields: [field(2, 'b')] }, { initialDefault: new Map([[2, 1n]]) })]],
    ['not a value of type long', [field(1, 'a', long, { initialDefault: new Map() })]],
  ])('refuse: %s', (problem, fields) => {
    expect(problemOf(fields)).toContain(problem)
  })

  it('list all problems at once', () => {
    expect(problemOf([field(-1, ''), field(1, 'a', { kind: 'unknown' }, { required: true })])).toBe(
      'Invalid schema:\n- Column : -1 is not a field id\n- Column a: an unknown column must be optional',
    )
  })

  it.each<[string, readonly NestedField[]]>([
    ['there is no such column', []],
    ['primitive', [field(9, 'a', { kind: 'struct', fields: [] }, { required: true })]],
    ['primitive', [field(9, 'a', { kind: 'variant' }, { required: true })]],
    ['required', [field(9, 'a')]],
    ['float or double', [field(9, 'a', { kind: 'double' }, { required: true })]],
    ['optional struct s', [field(1, 's', { kind: 'struct', fields: [field(9, 'a', long, { required: true })] })]],
    ['inside of a list', [field(1, 'l', { kind: 'list', elementId: 9, element: long, elementRequired: true }, { required: true })]],
    ['inside of a map', [field(1, 'm', { kind: 'map', keyId: 9, key: long, valueId: 2, value: long, valueRequired: true }, { required: true })]],
  ])('refuse an identifier field: %s', (problem, fields) => {
    expect(problemOf(fields, [9])).toContain(problem)
    expect(codeThrownBy(() => { checkIdentifierFields(new Schema(fields, { identifierFieldIds: [9] })) })).toBe('INVALID')
  })

  it.each<Type>([
    { kind: 'unknown' }, { kind: 'variant' }, { kind: 'timestamp_ns' }, { kind: 'timestamptz_ns' }, { kind: 'geometry', crs: undefined },
    { kind: 'geography', crs: undefined, algorithm: undefined },
  ])('refuse $kind before version 3', (type) => {
    const nested = new Schema([field(1, 'l', { kind: 'list', elementId: 2, element: type, elementRequired: false })])
    expect(thrownBy(() => { checkFormatVersion(nested, 2) }).message).toContain('Column l.element:')
    expect(codeThrownBy(() => { validateSchema(nested, 1) })).toBe('INVALID')
    checkFormatVersion(nested, 3)
    validateSchema(nested, 3)
  })

  it('refuse defaults before version 3, but let a write default be that stands in a table', () => {
    const initial = new Schema([field(1, 'a', long, { initialDefault: 0n })])
    const write = new Schema([field(1, 'a', long, { writeDefault: 0n })])
    expect(codeThrownBy(() => { checkFormatVersion(initial, 2) })).toBe('INVALID')
    checkFormatVersion(write, 2)
    expect(codeThrownBy(() => { validateSchema(write, 2) })).toBe('INVALID')
    checkFormatVersion(initial, 3)
  })
})

describe('effective defaults', () => {
  // Spec: Schemas and Data Types › Default values, the example of a point
  const point: Type = { kind: 'struct', fields: [field(2, 'x', long, { initialDefault: 0n }), field(3, 'y', long, { initialDefault: 0n, writeDefault: 5n })] }

  it('of a struct are null without a default of its own, and those of its fields with {} (trap 73)', () => {
    expect(effectiveDefault(field(1, 'point', point), 'initial')).toBeNull()
    expect(effectiveDefault(field(1, 'point', point, { initialDefault: new Map() }), 'initial')).toEqual(new Map([[2, 0n], [3, 0n]]))
    expect(effectiveDefault(field(1, 'point', point, { writeDefault: new Map() }), 'write')).toEqual(new Map<number, bigint | null>([[2, null], [3, 5n]]))
  })

  it('zero and the empty string are defaults (trap 5)', () => {
    expect(effectiveDefault(field(1, 'a', long, { initialDefault: 0n }), 'initial')).toBe(0n)
    expect(effectiveDefault(field(1, 'a', { kind: 'string' }, { initialDefault: '' }), 'initial')).toBe('')
    expect(effectiveDefault(field(1, 'a', { kind: 'boolean' }, { writeDefault: false }), 'write')).toBe(false)
  })

  it('refuse {} when a required field inside has none', () => {
    const inner: Type = { kind: 'struct', fields: [field(2, 'x', long, { required: true })] }
    expect(codeThrownBy(() => effectiveDefault(field(1, 's', inner, { initialDefault: new Map() }), 'initial'))).toBe('INVALID')
  })
})

describe('metadata columns', () => {
  it('have the ids of the specification', () => {
    const ids = metadataColumnNames().map((name) => [name, (metadataColumn(name) ?? partitionField({ kind: 'struct', fields: [] })).id])
    expect(Object.fromEntries(ids)).toEqual({
      _file: 2147483646, _pos: 2147483645, _deleted: 2147483644, _spec_id: 2147483643, _partition: 2147483642,
      _row_id: 2147483540, _last_updated_sequence_number: 2147483539,
    })
  })

  it('are told from columns of users, whatever those are named (trap 45)', () => {
    for (const name of ['pos', 'file_path', '__proto__', '_other']) expect(metadataColumn(name)).toBeUndefined()
    expect(isReservedFieldId(2147483447)).toBe(false)
    expect(isReservedFieldId(2147483448)).toBe(true)
  })
})
