import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { compileBatchFilter } from '../../src/arrow/filter-batch.js'
import { KeyRange } from '../../src/dml/key-range.js'
import { keyReader } from '../../src/dml/key-reader.js'
import { bind } from '../../src/expression/bind.js'
import { Decimal, schema, t } from '../../src/index.js'
import type { ColumnSpec, DataFile, Schema } from '../../src/index.js'
import { encodeValue } from '../../src/schema/single-value.js'

function batchOf(table: Schema, values: readonly unknown[]): ReturnType<BatchBuilder['finish']> {
  const builder = new BatchBuilder(table)
  builder.append(values.map((k) => ({ k })))
  return builder.finish()
}

function rangeOf(table: Schema, values: readonly unknown[]): KeyRange {
  const range = new KeyRange(keyReader(table, [1]), table)
  for (let at = 0; at < values.length; at += 100) range.add(batchOf(table, values.slice(at, at + 100)))
  return range
}

/** Few enough to be listed, or more. */
const many = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.oneof(fc.array(value, { maxLength: 5 }), fc.array(value, { minLength: 250, maxLength: 300 }))

const kinds: readonly (readonly [string, ColumnSpec, fc.Arbitrary<unknown>])[] = [
  ['ints', t.int, fc.oneof(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }))],
  ['longs', t.long, fc.oneof(fc.bigInt(-50n, 50n), fc.bigInt(-(1n << 63n), (1n << 63n) - 1n))],
  ['doubles', t.double, fc.oneof(fc.double(), fc.constantFrom(NaN, -0, 0))],
  ['decimals', t.decimal(12, 2), fc.bigInt(-(10n ** 11n), 10n ** 11n).map((unscaled) => new Decimal(unscaled, 2))],
  ['texts', t.string, fc.string({ unit: 'binary', maxLength: 6 })],
  ['bytes', t.binary, fc.uint8Array({ maxLength: 4 })],
  ['booleans', t.boolean, fc.boolean()],
  ['UUIDs', t.uuid, fc.uuid()],
]

describe('the range of keys', () => {
  it.each(kinds)('selects every one of its %s, however many there are', (_, type, value) => {
    const table = schema({ k: type })
    fc.assert(
      fc.property(many(value), (values) => {
        const filter = compileBatchFilter(bind(rangeOf(table, values).filter(), table), table)
        const batch = batchOf(table, values)
        expect([...filter(batch)]).toEqual(values.map(() => 1))
      }),
      { numRuns: 30 },
    )
  })

  it('of many integers lies in few spans, which leave out wide gaps; of even ones in one', () => {
    const table = schema({ k: t.long })
    const clusters = Array.from({ length: 400 }, (_, i) => BigInt(i % 4) * 1_000_000n + BigInt(i))
    const inGaps = compileBatchFilter(bind(rangeOf(table, clusters).filter(), table), table)
    expect([...inGaps(batchOf(table, [500_000n, 1_000_100n, 2_500_000n, 3_000_003n, 9_000_000n]))]).toEqual([0, 1, 0, 1, 0])
    const even = rangeOf(table, Array.from({ length: 400 }, (_, i) => BigInt(i * 7))).filter()
    expect(even.op).toBe('and')
  })

  it('tells which files can hold a key by their bounds, and knows nothing of files without any', () => {
    const table = schema({ k: t.long })
    const range = rangeOf(table, Array.from({ length: 400 }, (_, i) => BigInt(i * 10)))
    const bound = (value: bigint): ReadonlyMap<number, Uint8Array> => new Map([[1, encodeValue({ kind: 'long' }, value)]])
    const file = (from: bigint, to: bigint): DataFile => ({ lowerBounds: bound(from), upperBounds: bound(to) }) as unknown as DataFile
    const answers = [file(11n, 19n), file(11n, 20n), file(-5n, -1n), file(3991n, 9999n), file(0n, 0n)].map((one) => range.mayBeIn(one))
    expect(answers).toEqual([false, true, false, false, true])
    expect(range.mayBeIn({} as DataFile)).toBe(true)
  })

  it('of no rows selects nothing', () => {
    expect(rangeOf(schema({ k: t.long }), []).filter()).toEqual({ op: 'false' })
  })
})
