import { describe, expect, it } from 'vitest'
import { assignFreshIds } from '../../src/schema/fresh-ids.js'
import { schema, t } from '../../src/schema/schema-builder.js'
import type { ColumnSpec } from '../../src/schema/schema-builder.js'
import { printSchema } from '../../src/schema/schema-json.js'
import { codeThrownBy, thrownBy } from '../support/thrown.js'

describe('schema({…})', () => {
  it('builds columns in order, optional unless required', () => {
    const built = schema({ id: t.long.required, ts: t.timestamptz.required, kind: t.string, price: t.decimal(10, 2), raw: t.fixed(16).doc('hash') })
    expect(built.fields).toEqual([
      { id: 1, name: 'id', type: { kind: 'long' }, required: true },
      { id: 2, name: 'ts', type: { kind: 'timestamptz' }, required: true },
      { id: 3, name: 'kind', type: { kind: 'string' }, required: false },
      { id: 4, name: 'price', type: { kind: 'decimal', precision: 10, scale: 2 }, required: false },
      { id: 5, name: 'raw', type: { kind: 'fixed', length: 16 }, required: false, doc: 'hash' },
    ])
    expect(t.long.required.optional.options.required).toBe(false)
  })

  it('assigns ids as the reference does: all columns first, then what is inside of each', () => {
    const built = schema({
      a: t.struct({ x: t.int, deep: t.struct({ z: t.int }) }),
      m: t.map(t.struct({ k: t.int.required }), t.list(t.string.required).required),
      l: t.list(t.list(t.int)),
      last: t.int,
    })
    const paths = Object.fromEntries([...built.fieldIds()].map((id) => [built.pathOf(id), id]))
    expect(paths).toEqual({
      a: 1, m: 2, l: 3, last: 4, 'a.x': 5, 'a.deep': 6, 'a.deep.z': 7,
      'm.key': 8, 'm.value': 9, 'm.key.k': 10, 'm.value.element': 11, 'l.element': 12, 'l.element.element': 13,
    })
    expect(built.fieldById(9)?.required).toBe(true)
    expect(built.fieldById(11)?.required).toBe(true)
    expect(built.fieldById(12)?.required).toBe(false)
  })

  it('takes identifier fields by path', () => {
    const built = schema({ id: t.long.required, who: t.struct({ email: t.string.required }).required }, { identifierFields: ['id', 'who.email'] })
    expect(built.identifierFieldIds).toEqual([1, 3])
    expect(codeThrownBy(() => schema({ id: t.long }, { identifierFields: ['id'] }))).toBe('INVALID')
    expect(codeThrownBy(() => schema({ id: t.long }, { identifierFields: ['nope'] }))).toBe('NOT_FOUND')
  })

  it('takes defaults for rows to come; zero and false are defaults', () => {
    const built = schema({
      n: t.int.default(0), b: t.boolean.default(false), at: t.timestamptz.default(new Date(0)), d: t.decimal(4, 2).default('1.5'), none: t.int.default(null),
      p: t.struct({ x: t.int.default(3) }).default({}),
    })
    expect(built.fields.map((field) => field.writeDefault)).toEqual([0, false, 0n, 150n, undefined, new Map()])
    expect(built.fields.every((field) => field.initialDefault === undefined)).toBe(true)
    expect(built.findField('p.x')?.writeDefault).toBe(3)
  })

  it('refuses defaults that do not convert', () => {
    expect(codeThrownBy(() => t.int.default('x'))).toBe('INVALID')
    expect(codeThrownBy(() => t.int.default(2 ** 31))).toBe('INVALID')
    expect(codeThrownBy(() => t.struct({ x: t.int }).default({ x: 1 } as object))).toBe('INVALID')
    expect(codeThrownBy(() => t.list(t.int).default('x'))).toBe('INVALID')
  })

  it('takes entries, for names that objects reorder or swallow', () => {
    const built = schema([['b', t.int], ['10', t.int], ['2', t.int], ['__proto__', t.int]])
    expect(built.fields.map((field) => field.name)).toEqual(['b', '10', '2', '__proto__'])
    expect(JSON.stringify(printSchema(built))).toContain('"name":"__proto__"')
    expect(thrownBy(() => schema({ a: t.int, __proto__: t.int as unknown as null } as unknown as Record<string, ColumnSpec>)).message).toContain('as an entry')
    expect(codeThrownBy(() => schema([['a', t.int], ['a', t.int]]))).toBe('INVALID')
    expect(codeThrownBy(() => schema({ a: 'int' as unknown as ColumnSpec }))).toBe('INVALID')
  })

  it.each([[0, 0], [39, 0], [5, 6], [5, -1], [5.5, 1]])('refuses decimal(%s, %s)', (precision, scale) => {
    expect(codeThrownBy(() => t.decimal(precision, scale))).toBe('INVALID')
  })

  it('refuses fixed of no length', () => {
    expect(codeThrownBy(() => t.fixed(-1))).toBe('INVALID')
    expect(codeThrownBy(() => t.fixed(1.5))).toBe('INVALID')
  })
})

describe('assignFreshIds', () => {
  it('replaces every id of a type and nothing else', () => {
    let next = 100
    const type = t.struct({ a: t.list(t.int.required), b: t.map(t.string, t.int).doc('x') }).type
    expect(assignFreshIds(type, () => ++next)).toEqual({
      kind: 'struct',
      fields: [
        { id: 101, name: 'a', required: false, type: { kind: 'list', elementId: 103, element: { kind: 'int' }, elementRequired: true } },
        {
          id: 102, name: 'b', required: false, doc: 'x',
          type: { kind: 'map', keyId: 104, key: { kind: 'string' }, valueId: 105, value: { kind: 'int' }, valueRequired: false },
        },
      ],
    })
  })
})
