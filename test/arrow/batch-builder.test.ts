import { describe, expect, it } from 'vitest'
import { columnsOf } from '../../src/arrow/arrow-data.js'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import type { BatchBuilderOptions, RowProblem } from '../../src/arrow/batch-builder.js'
import { rowReader } from '../../src/arrow/row-values.js'
import type { RowValue } from '../../src/arrow/row-values.js'
import { Decimal } from '../../src/schema/decimal.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField, Type } from '../../src/schema/type.js'
import { FloeError } from '../../src/util/errors.js'
import { everyType } from './every-type.js'

function column(type: Type, more: Partial<NestedField> = {}): Schema {
  return new Schema([{ id: 1, name: 'c', type, required: false, ...more }])
}

function roundTrip(schema: Schema, rows: readonly unknown[], options?: BatchBuilderOptions): Record<string, RowValue>[] {
  const builder = new BatchBuilder(schema, options)
  builder.append(rows)
  expect(builder.length).toBe(rows.length)
  return rowReader(schema)(builder.finish())
}

function stored(type: Type, value: unknown, options?: BatchBuilderOptions): RowValue {
  return roundTrip(column(type), [{ c: value }], options)[0]!.c!
}

function problem(action: () => unknown): RowProblem & { message: string } {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(FloeError)
    expect((error as FloeError).code).toBe('INVALID')
    return { ...((error as FloeError).cause as RowProblem), message: (error as FloeError).message }
  }
  throw new Error('nothing was refused')
}

const int: Type = { kind: 'int' }
const long: Type = { kind: 'long' }
const text: Type = { kind: 'string' }
const decimal: Type = { kind: 'decimal', precision: 9, scale: 2 }

describe('values that are accepted', () => {
  it.each([
    [{ kind: 'boolean' }, false, false],
    [int, -(2 ** 31), -(2 ** 31)],
    [int, 7n, 7],
    [long, 2n ** 63n - 1n, 2n ** 63n - 1n],
    [long, -(2n ** 63n), -(2n ** 63n)],
    [long, Number.MAX_SAFE_INTEGER, 9_007_199_254_740_991n],
    [long, -1, -1n],
    [long, Number.MIN_SAFE_INTEGER, -9_007_199_254_740_991n],
    [{ kind: 'float' }, 0.1, Math.fround(0.1)],
    [{ kind: 'float' }, -0, -0],
    [{ kind: 'float' }, Infinity, Infinity],
    [{ kind: 'double' }, NaN, NaN],
    [{ kind: 'double' }, -0, -0],
    [{ kind: 'double' }, 5e-324, 5e-324],
    [decimal, new Decimal(1234n, 3), undefined],
    [decimal, '12.30', new Decimal(1230n, 2)],
    [decimal, '-0.5e1', new Decimal(-500n, 2)],
    [decimal, 0.1, new Decimal(10n, 2)],
    [decimal, 9_999_999.99, new Decimal(999_999_999n, 2)],
    [decimal, -9_999_999n, new Decimal(-999_999_900n, 2)],
    [{ kind: 'decimal', precision: 38, scale: 0 }, -(10n ** 38n) + 1n, new Decimal(-(10n ** 38n) + 1n, 0)],
    [{ kind: 'date' }, -1, -1],
    [{ kind: 'date' }, '2000-02-29', 11_016],
    [{ kind: 'date' }, '-0001-12-31', -719_529],
    [{ kind: 'date' }, new Date('1969-12-31'), -1],
    [{ kind: 'time' }, '23:59:59.999999', 86_399_999_999n],
    [{ kind: 'time' }, '00:01', 60_000_000n],
    [{ kind: 'time' }, 0, 0n],
    [{ kind: 'timestamp' }, '2024-01-01T00:00:00.000001', 1_704_067_200_000_001n],
    [{ kind: 'timestamp' }, '1969-12-31 23:59:59.9', -100_000n],
    [{ kind: 'timestamp' }, new Date(-1), -1000n],
    [{ kind: 'timestamp' }, new Date(8.64e15), 8_640_000_000_000_000_000n],
    [{ kind: 'timestamptz' }, '2024-01-01T01:00:00+01:00', 1_704_067_200_000_000n],
    [{ kind: 'timestamptz' }, '2024-01-01T00:00:00Z', 1_704_067_200_000_000n],
    [{ kind: 'timestamptz' }, '2023-12-31T19:00:00-05', 1_704_067_200_000_000n],
    [{ kind: 'timestamptz' }, -1n, -1n],
    [{ kind: 'timestamp_ns' }, '1970-01-01T00:00:00.000000001', 1n],
    [{ kind: 'timestamptz_ns' }, '1970-01-01T00:00:00.1Z', 100_000_000n],
    [{ kind: 'timestamptz_ns' }, new Date(1), 1_000_000n],
    [text, '', ''],
    [text, 'é😀\u0000\uFFFD\uFEFF', 'é😀\u0000\uFFFD\uFEFF'],
    [text, 'ü'.repeat(100), 'ü'.repeat(100)],
    [{ kind: 'uuid' }, '00112233-4455-6677-8899-AABBCCDDEEFF', '00112233-4455-6677-8899-aabbccddeeff'],
    [{ kind: 'uuid' }, Uint8Array.from({ length: 16 }, (_, i) => i), '00010203-0405-0607-0809-0a0b0c0d0e0f'],
    [{ kind: 'fixed', length: 2 }, Uint8Array.of(0, 255), Uint8Array.of(0, 255)],
    [{ kind: 'binary' }, new Uint8Array(0), new Uint8Array(0)],
    [{ kind: 'binary' }, Buffer.from('ab'), Uint8Array.of(97, 98)],
    [{ kind: 'unknown' }, undefined, null],
  ] as [Type, unknown, RowValue | undefined][])('%o takes %s', (type, value, expected) => {
    if (expected === undefined) expect(() => stored(type, value)).toThrow(FloeError)
    else expect(stored(type, value)).toEqual(expected)
  })

  it('trap 5: zero, empty text, empty bytes and false stay values, apart from null', () => {
    const fields: NestedField[] = [int, text, { kind: 'binary' }, { kind: 'boolean' }].map((type, i) => ({
      id: i + 1,
      name: `c${i}`,
      type: type as Type,
      required: true,
    }))
    const row = { c0: 0, c1: '', c2: new Uint8Array(0), c3: false }
    expect(roundTrip(new Schema(fields), [row])).toEqual([row])
  })

  it('takes lists from arrays, typed arrays and other iterables', () => {
    const type: Type = { kind: 'list', elementId: 2, element: { kind: 'double' }, elementRequired: false }
    expect(stored(type, [1, null, 2])).toEqual([1, null, 2])
    expect(stored(type, Float32Array.of(0.5, -0))).toEqual([0.5, -0])
    expect(stored(type, new Set([3]))).toEqual([3])
    expect(stored(type, [])).toEqual([])
    expect(stored(type, [undefined])).toEqual([null])
  })

  it('takes maps from a Map, pairs or an object', () => {
    const type: Type = { kind: 'map', keyId: 2, key: text, valueId: 3, value: long, valueRequired: false }
    const expected = new Map([['a', 1n], ['__proto__', null]] as const)
    expect(stored(type, new Map([['a', 1], ['__proto__', null]]))).toEqual(expected)
    expect(stored(type, [['a', 1], ['__proto__', null]])).toEqual(expected)
    expect(stored(type, { a: 1, ['__proto__']: null })).toEqual(expected)
    expect(stored(type, {})).toEqual(new Map())
  })

  it('takes text for every primitive when told so, in the canonical form', () => {
    const options = { parseText: true }
    expect(stored({ kind: 'boolean' }, 'false', options)).toBe(false)
    expect(stored(int, '-5', options)).toBe(-5)
    expect(stored(long, '9223372036854775807', options)).toBe(2n ** 63n - 1n)
    expect(stored({ kind: 'double' }, '-0', options)).toBe(-0)
    expect(stored({ kind: 'double' }, 'NaN', options)).toBe(NaN)
    expect(stored({ kind: 'double' }, '1e400', options)).toBe(Infinity)
    expect(stored({ kind: 'timestamp' }, '-1', options)).toBe(-1n)
    expect(stored({ kind: 'timestamptz' }, '2024-01-01T00:00:00Z', options)).toBe(1_704_067_200_000_000n)
    expect(stored({ kind: 'date' }, '19', options)).toBe(19)
    expect(stored({ kind: 'binary' }, '00fF', options)).toEqual(Uint8Array.of(0, 255))
    for (const [type, value] of [[int, '1.5'], [long, ''], [{ kind: 'binary' }, '0'], [{ kind: 'double' }, '0x1']] as [Type, string][]) {
      expect(() => stored(type, value, options)).toThrow(FloeError)
    }
  })
})

describe('values that are refused', () => {
  it.each([
    [{ kind: 'boolean' }, 1],
    [{ kind: 'boolean' }, 'true'],
    [int, 2 ** 31],
    [int, 1.5],
    [int, NaN],
    [int, 2n ** 31n],
    [int, '1'],
    [long, 2n ** 63n],
    [long, -(2n ** 63n) - 1n],
    [long, 2n ** 64n],
    [long, 2 ** 53],
    [long, 0.5],
    [long, '1'],
    [{ kind: 'float' }, 1e39],
    [{ kind: 'float' }, 1n],
    [{ kind: 'double' }, '1'],
    [decimal, '0.001'],
    [decimal, 10_000_000],
    [decimal, -10_000_000],
    [decimal, NaN],
    [decimal, '1e999'],
    [decimal, '1e999999999'],
    [decimal, '.'],
    [decimal, ''],
    [{ kind: 'date' }, '2023-02-29'],
    [{ kind: 'date' }, '1900-02-29'],
    [{ kind: 'date' }, '2023-2-01'],
    [{ kind: 'date' }, new Date('2024-01-01T23:00:00Z')],
    [{ kind: 'date' }, new Date(NaN)],
    [{ kind: 'date' }, 2 ** 31],
    [{ kind: 'time' }, 86_400_000_000n],
    [{ kind: 'time' }, -1],
    [{ kind: 'time' }, '24:00:00'],
    [{ kind: 'timestamp' }, 1_700_000_000],
    [{ kind: 'timestamp' }, '2024-01-01T00:00:00Z'],
    [{ kind: 'timestamp' }, '2024-01-01'],
    [{ kind: 'timestamp' }, '2024-01-01T00:00:00.0000001'],
    [{ kind: 'timestamp' }, '2024-01-01T00:00:00.'],
    [{ kind: 'timestamp' }, 2n ** 63n],
    [{ kind: 'timestamptz' }, '2024-01-01T00:00:00'],
    [{ kind: 'timestamptz' }, '2024-01-01T00:00:00+25:00'],
    [{ kind: 'timestamp_ns' }, new Date(8.64e15)],
    [{ kind: 'timestamp_ns' }, '2300-01-01T00:00:00'],
    [text, 5],
    [text, 'a\uD800'],
    [text, '\uDC00\uD800'],
    [text, '\uDC00\uDC00'],
    [text, '\uD800'.padStart(200)],
    [{ kind: 'uuid' }, '00112233445566778899aabbccddeeff'],
    [{ kind: 'uuid' }, new Uint8Array(15)],
    [{ kind: 'fixed', length: 2 }, new Uint8Array(3)],
    [{ kind: 'binary' }, 'ab'],
    [{ kind: 'unknown' }, 0],
    [{ kind: 'list', elementId: 2, element: int, elementRequired: false }, 'ab'],
    [{ kind: 'list', elementId: 2, element: int, elementRequired: false }, { length: 1 }],
    [{ kind: 'map', keyId: 2, key: text, valueId: 3, value: int, valueRequired: false }, [['a']]],
    [{ kind: 'struct', fields: [] }, new Date()],
    [{ kind: 'struct', fields: [] }, [1]],
  ] as [Type, unknown][])('%o refuses %s', (type, value) => {
    const found = problem(() => stored(type, value))
    expect([found.rowIndex, found.path]).toEqual([0, found.path])
    expect(found.path).toMatch(/^c/)
  })

  it('trap 14: nanoseconds are padded, kept and never cut', () => {
    const type: Type = { kind: 'timestamp_ns' }
    expect(stored(type, '1969-12-31T23:59:59.99999999')).toBe(-10n)
    expect(stored(type, '2024-01-01T00:00:00.1234567')).toBe(1_704_067_200_123_456_700n)
    expect(problem(() => stored({ kind: 'timestamp' }, '2024-01-01T00:00:00.1234567')).found).toBe('string "2024-01-01T00:00:00.1234567"')
  })

  it('names the row, the full path, the expected type and what was found', () => {
    const fields: NestedField[] = [
      { id: 1, name: 'id', type: long, required: true },
      { id: 2, name: 'tags', type: { kind: 'list', elementId: 3, element: text, elementRequired: true }, required: false },
      { id: 4, name: 'addr', type: { kind: 'struct', fields: [{ id: 5, name: 'zip', type: int, required: true }] }, required: false },
      { id: 6, name: 'm', type: { kind: 'map', keyId: 7, key: text, valueId: 8, value: decimal, valueRequired: true }, required: false },
    ]
    const schema = new Schema(fields)
    const bad = (row: unknown): RowProblem & { message: string } => problem(() => roundTrip(schema, [{ id: 1 }, row]))
    expect(bad({ id: 2, tags: ['a', 5] })).toMatchObject({
      rowIndex: 1,
      path: 'tags.element',
      expected: 'string (well-formed text)',
      found: 'number 5',
      message: 'row 1: expected string (well-formed text), found number 5 (column tags.element)',
    })
    expect(bad({ id: 2, addr: { zip: '12345' } })).toMatchObject({ path: 'addr.zip', found: 'string "12345"' })
    expect(bad({ id: 2, addr: {} })).toMatchObject({ path: 'addr.zip', expected: 'a value of required int' })
    expect(bad({ id: 2, tags: [null] })).toMatchObject({ path: 'tags.element', found: 'null' })
    expect(bad({ id: 2, m: { a: null } })).toMatchObject({ path: 'm.value' })
    expect(bad({ id: 2, m: new Map([[null, 1]]) })).toMatchObject({ path: 'm.key' })
    expect(bad({ tags: [] })).toMatchObject({ path: 'id', found: 'nothing, and there is no default' })
    expect(bad({ id: null })).toMatchObject({ path: 'id', found: 'null' })
    expect(bad(null)).toMatchObject({ path: '', expected: 'a row object', found: 'null' })
    expect(bad([1])).toMatchObject({ path: '', found: 'array of 1' })
  })

  it('names members that are no columns, and the column that was probably meant', () => {
    const schema = new Schema([
      { id: 1, name: 'amount', type: int, required: false },
      { id: 2, name: 'addr', type: { kind: 'struct', fields: [{ id: 3, name: 'zip', type: int, required: false }] }, required: false },
    ])
    const refused = (row: unknown): string => problem(() => roundTrip(schema, [row])).message
    expect(refused({ Amount: 1 })).toBe(
      'row 0: expected only columns of the schema; did you mean "amount"?, found member "Amount" (column Amount)',
    )
    expect(refused({ amout: 1 })).toMatch(/did you mean "amount"/)
    expect(refused({ amount: 1, whatever: 2 })).toMatch(/only columns of the schema, found member "whatever"/)
    expect(refused({ addr: { zap: 1 } })).toMatch(/did you mean "zip".*column addr\.zap/)
    expect(roundTrip(schema, [{ amount: 1, other: undefined }])).toEqual([{ amount: 1, addr: null }])
    expect(roundTrip(schema, [{ amount: 1, other: 5, addr: { zip: 1, x: 2 } }], { unknownColumns: 'ignore' })).toEqual([{ amount: 1, addr: { zip: 1 } }])
  })

  it('reports the first bad row, keeps the rows before it and goes on', () => {
    const schema = new Schema([
      { id: 1, name: 'a', type: text, required: false },
      { id: 2, name: 'b', type: { kind: 'list', elementId: 3, element: int, elementRequired: false }, required: false },
      { id: 4, name: 's', type: { kind: 'struct', fields: [{ id: 5, name: 'x', type: int, required: false }] }, required: false },
    ])
    const builder = new BatchBuilder(schema)
    builder.append([{ a: 'zero', b: [0] }])
    builder.finish()
    const rows = Array.from({ length: 3000 }, (_, i) => ({ a: i === 2900 ? 5 : `r${i}`, b: i === 2800 ? [1, 'x'] : [i], s: { x: i } }))
    expect(problem(() => builder.append(rows))).toMatchObject({ rowIndex: 2801, path: 'b.element' })
    expect(builder.length).toBe(2800)
    builder.append([{ a: null }, { a: 'last', b: null, s: null }])
    const result = rowReader(schema)(builder.finish())
    expect(result.slice(-3)).toEqual([
      { a: 'r2799', b: [2799], s: { x: 2799 } },
      { a: null, b: null, s: null },
      { a: 'last', b: null, s: null },
    ])
  })
})

it('a refused row leaves nothing behind, and is counted', () => {
  const schema = new Schema([
    { id: 1, name: 'n', type: int, required: false },
    { id: 2, name: 'l', type: { kind: 'list', elementId: 3, element: text, elementRequired: false }, required: false },
    { id: 4, name: 'm', type: { kind: 'map', keyId: 5, key: text, valueId: 6, value: int, valueRequired: false }, required: false },
    { id: 7, name: 'last', type: long, required: true },
  ])
  const builder = new BatchBuilder(schema)
  builder.append([{ l: ['a'], m: { a: 1 }, last: 0 }])
  const bad = { n: null, l: ['x', 'y'], m: { x: 1 } }
  expect(problem(() => builder.append([bad])).rowIndex).toBe(1)
  expect(problem(() => builder.append([{ n: 1, last: 1 }, bad, { last: 2 }])).rowIndex).toBe(3)
  builder.append([{ n: 2, l: ['b'], m: { b: 2 }, last: 3 }])
  const batch = builder.finish()
  expect(columnsOf(batch).map((column) => column.nullCount)).toEqual([1, 1, 1, 0])
  expect(rowReader(schema)(batch)).toEqual([
    { n: null, l: ['a'], m: new Map([['a', 1]]), last: 0n },
    { n: 1, l: null, m: null, last: 1n },
    { n: 2, l: ['b'], m: new Map([['b', 2]]), last: 3n },
  ])
})

describe('values that are left out', () => {
  it('trap 18: take the write default, which null does not', () => {
    const schema = new Schema([
      { id: 1, name: 'n', type: int, required: true, writeDefault: 0 },
      { id: 2, name: 'd', type: decimal, required: false, writeDefault: 150n },
      { id: 3, name: 't', type: text, required: false, writeDefault: '' },
    ])
    expect(roundTrip(schema, [{}, { n: 5, d: null, t: null }])).toEqual([
      { n: 0, d: new Decimal(150n, 2), t: '' },
      { n: 5, d: null, t: null },
    ])
    expect(problem(() => roundTrip(schema, [{ n: null }])).path).toBe('n')
  })

  it('trap 73: a struct default of {} is a struct of its fields\' defaults', () => {
    const type: Type = {
      kind: 'struct',
      fields: [
        { id: 2, name: 'x', type: int, required: true, writeDefault: 7 },
        { id: 3, name: '__proto__', type: text, required: false, writeDefault: 'p' },
      ],
    }
    const defaulted = column(type, { writeDefault: new Map(), required: true })
    const expected = Object.fromEntries([['x', 7], ['__proto__', 'p']])
    expect(roundTrip(defaulted, [{}])[0]!.c).toEqual(expected)
    expect(roundTrip(column(type), [{}])[0]!.c).toBeNull()
  })
})

describe('names', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'a.b', '', ' ', 'length', '0'])('a column called %j round-trips', (name) => {
    const schema = new Schema([{ id: 1, name, type: text, required: false }, { id: 2, name: 'other', type: int, required: false }])
    const row = Object.fromEntries([[name, 'v'], ['other', 1]])
    const [back, missing] = roundTrip(schema, [row, { other: 2 }]) as [object, object]
    expect(Object.entries(back).sort()).toEqual(Object.entries(row).sort())
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
    expect(Object.getOwnPropertyDescriptor(missing, name)!.value).toBeNull()
  })

  it('reads class instances through their accessors, and objects without prototype', () => {
    class Point {
      readonly #value = 4
      get c(): number {
        return this.#value
      }
    }
    expect(roundTrip(column(int), [new Point(), Object.assign(Object.create(null) as object, { c: 5 })])).toEqual([{ c: 4 }, { c: 5 }])
  })
})

describe('batches', () => {
  it('hands out independent batches and counts rows and bytes since the last', () => {
    const builder = new BatchBuilder(everyType)
    expect(builder.finish().numRows).toBe(0)
    builder.append([{ str: 'x'.repeat(1000), l: [1n, 2n] }, {}])
    expect(builder.bytes).toBeGreaterThan(1000)
    const first = builder.finish()
    expect([builder.length, builder.bytes]).toEqual([0, 0])
    builder.append([{ str: 'y' }])
    const second = builder.finish()
    const read = rowReader(everyType)
    expect([read(first)[0]!.str, read(second)[0]!.str]).toEqual(['x'.repeat(1000), 'y'])
  })

  it('fills a batch of nulls and one of values in every type', () => {
    const rows = Array.from({ length: 20 }, () => ({}))
    for (const row of roundTrip(everyType, rows)) for (const value of Object.values(row)) expect(value).toBeNull()
  })
})
