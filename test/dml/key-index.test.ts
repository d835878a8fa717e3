import { describe, expect, it } from 'vitest'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { sliceBatch } from '../../src/arrow/take.js'
import { keyIndex } from '../../src/dml/key-index.js'
import { keyReader } from '../../src/dml/key-reader.js'
import { Decimal, FloeError, schema, t } from '../../src/index.js'
import type { ColumnSpec } from '../../src/schema/schema-builder.js'

type Row = Record<string, unknown>

function reading(columns: Record<string, ColumnSpec>, rows: readonly Row[], keys = Object.keys(columns)) {
  const table = schema(columns)
  const builder = new BatchBuilder(table)
  builder.append(rows)
  const reader = keyReader(table, keys.map((name) => table.requireField(name).id))
  return { reader, batch: builder.finish(), index: keyIndex(reader.isNarrow) }
}

/** The numbers that the rows' keys get. */
function numbersOf(columns: Record<string, ColumnSpec>, rows: readonly Row[]): number[] {
  const { reader, batch, index } = reading(columns, rows)
  const numbers = [...index.add(reader.read(batch))]
  expect([...index.find(reader.read(batch))]).toEqual(numbers)
  // Views into the same bytes have the same keys
  for (let row = 0; row < batch.numRows; row++) expect([...index.find(reader.read(sliceBatch(batch, row, 1)))]).toEqual([numbers[row]])
  return numbers
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

describe('a key index', () => {
  it.each<[string, ColumnSpec, unknown[], number[]]>([
    ['booleans', t.boolean, [true, false, true], [0, 1, 0]],
    ['ints', t.int, [1, -1, 2 ** 31 - 1, -(2 ** 31), -1], [0, 1, 2, 3, 1]],
    ['longs that differ in one half', t.long, [1n, 1n << 32n, -1n, (1n << 63n) - 1n, -(1n << 63n), 1n << 32n], [0, 1, 2, 3, 4, 1]],
    ['floats', t.float, [0, -0, NaN, 1.5, Infinity, NaN, -Infinity], [0, 0, 1, 2, 3, 1, 4]],
    ['doubles', t.double, [-0, 0, NaN, 0.1, -0.1, Infinity, 0.1], [0, 0, 1, 2, 3, 4, 2]],
    ['short decimals', t.decimal(18, 2), ['1.00', '-1.00', '1', '9999999999999999.99'].map(Decimal.parse), [0, 1, 0, 2]],
    ['long decimals', t.decimal(38, 0), ['1', '99999999999999999999999999999999999999', '-1', '1'].map(Decimal.parse), [0, 1, 2, 0]],
    ['dates', t.date, [0, -1, 0], [0, 1, 0]],
    ['timestamps', t.timestamptzNs, [0n, 1n, 0n], [0, 1, 0]],
    ['text', t.string, ['', 'a', 'ab', 'a', '\u{1f600}', '\ufffd', ''], [0, 1, 2, 1, 3, 4, 0]],
    ['bytes', t.binary, [bytes(), bytes(0), bytes(0, 0), bytes(0)], [0, 1, 2, 1]],
    ['fixed bytes', t.fixed(3), [bytes(1, 2, 3), bytes(1, 2, 4), bytes(1, 2, 3)], [0, 1, 0]],
    ['UUIDs', t.uuid, ['00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001'], [0, 1, 0]],
  ])('numbers distinct %s, and no others', (_, type, values, numbers) => {
    expect(numbersOf({ k: type }, values.map((k) => ({ k })))).toEqual(numbers)
  })

  it('tells composite keys apart whose columns joined would be the same', () => {
    const rows = [{ a: 'x', b: 'yz' }, { a: 'xy', b: 'z' }, { a: 'x', b: 'yz' }, { a: '', b: 'xyz' }]
    expect(numbersOf({ a: t.string, b: t.string }, rows)).toEqual([0, 1, 0, 2])
    const mixed = [{ a: 1n, b: NaN, c: 'x' }, { a: 1n, b: -0, c: 'x' }, { a: 1n, b: 0, c: 'x' }, { a: 1n, b: NaN, c: 'x' }]
    expect(numbersOf({ a: t.long, b: t.double, c: t.string }, mixed)).toEqual([0, 1, 1, 0])
  })

  it('gives rows with a null in any key column no key', () => {
    expect(numbersOf({ a: t.long }, [{ a: 1n }, { a: null }, { a: 0n }])).toEqual([0, -1, 1])
    expect(numbersOf({ a: t.string }, [{ a: null }, { a: '' }])).toEqual([-1, 0])
    expect(numbersOf({ a: t.string, b: t.int }, [{ a: 'x', b: null }, { a: null, b: 1 }, { a: 'x', b: 1 }])).toEqual([-1, -1, 0])
  })

  it.each([['one long', t.long], ['text', t.string]] as const)('finds every one of many keys of %s while it grows, and none that it lacks', (_, type) => {
    const value = (i: number): unknown => (type === t.long ? BigInt(i) * 0x1_0000_0001n : `key ${i}`)
    const { reader, index } = reading({ k: type }, [])
    const builder = new BatchBuilder(schema({ k: type }))
    for (let from = 0; from < 5000; from += 500) {
      builder.append(Array.from({ length: 500 }, (_, i) => ({ k: value(from + i) })))
      expect(index.add(reader.read(builder.finish()))[499]).toBe(from + 499)
    }
    builder.append(Array.from({ length: 6000 }, (_, i) => ({ k: value(i) })))
    const found = index.find(reader.read(builder.finish()))
    expect([...found]).toEqual(Array.from({ length: 6000 }, (_, i) => (i < 5000 ? i : -1)))
    expect(index.size).toBe(5000)
  })

  it('reads keys inside of structs, and finds none where the struct is null', () => {
    const table = schema({ s: t.struct({ id: t.int }) })
    const builder = new BatchBuilder(table)
    builder.append([{ s: { id: 1 } }, { s: null }, { s: { id: null } }, { s: { id: 1 } }])
    const reader = keyReader(table, [table.requireField('s.id').id])
    const batch = builder.finish()
    expect([...keyIndex(reader.isNarrow).add(reader.read(batch))]).toEqual([0, -1, -1, 0])
    expect(reader.text(batch, 0)).toBe('s.id = 1')
  })

  it('refuses columns that hold no single values, and names keys in messages', () => {
    const table = schema({ tags: t.list(t.string), s: t.struct({ a: t.int }) })
    for (const field of table.fields) expect(() => keyReader(table, [field.id])).toThrow(FloeError)
    const { reader, batch } = reading({ a: t.string, b: t.double }, [{ a: 'x"', b: -0 }])
    expect(reader.text(batch, 0)).toBe('a = "x\\"", b = -0')
  })
})
