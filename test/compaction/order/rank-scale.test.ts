import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { columnsOf } from '../../../src/arrow/arrow-data.js'
import { RankScale } from '../../../src/compaction/order/rank-scale.js'
import { sortKeyEncoder } from '../../../src/compaction/order/sort-key-encoder.js'
import { sortedRows } from '../../../src/compaction/order/sorted-rows.js'
import type { RowValue } from '../../../src/arrow/row-values.js'
import { compareValues } from '../../../src/schema/compare-values.js'
import { Decimal } from '../../../src/schema/decimal.js'
import { Schema } from '../../../src/schema/schema.js'
import type { Type, Value } from '../../../src/schema/type.js'
import { anyRowValue } from '../../arrow/random-rows.js'
import { batchOf, orderedTypes } from './ordered-rows.js'

const order = { orderId: 1, fields: [{ sourceIds: [1], transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' }] } as const

/** The rank of each value under a scale that knows only `sample`. */
function ranks(type: Type, sample: readonly RowValue[], values: readonly RowValue[]): number[] {
  const schema = new Schema([{ id: 1, name: 'c', type, required: false }])
  const [known, asked] = [sample, values].map((column) => batchOf(schema, column.map((c) => ({ c }))))
  const rows = sortedRows(sortKeyEncoder(schema, order)(known!)) ?? Uint32Array.from(sample, (_, row) => row)
  return [...new RankScale(type, columnsOf(known!)[0]!, rows, 16).ranks(columnsOf(asked!)[0]!)]
}

const plain = (value: RowValue): Value => (value instanceof Decimal ? value.unscaled : (value as Value))

describe('RankScale', () => {
  it('trap 74: ascends with the values of any type, null first, NaN last, also of values that the sample does not have', () => {
    const someValues = fc.constantFrom(...orderedTypes).chain((type) => {
      const column = fc.array(anyRowValue(type, false), { maxLength: 40 })
      return fc.tuple(fc.constant(type), column, column)
    })
    fc.assert(
      fc.property(someValues, ([type, sample, others]) => {
        const values = [...sample, ...others]
        const found = ranks(type, sample, values)
        const compare = type.kind === 'unknown' ? () => 0 : compareValues(type)
        const sorted = values.map((_, i) => i).sort((a, b) => compare(plain(values[a]!), plain(values[b]!)) || a - b)
        for (let i = 1; i < sorted.length; i++) expect(found[sorted[i]!]).toBeGreaterThanOrEqual(found[sorted[i - 1]!]!)
      }),
    )
  })

  it('trap 74: tells null, infinities, both zeros and NaN apart', () => {
    const values = [null, -Infinity, -1.5, -0, 0, Math.fround(1e-40), 2, Infinity, NaN]
    const floats = ranks({ kind: 'float' }, values, values)
    expect(floats).toEqual([...new Set(floats)].sort((a, b) => a - b))
    // Numbers as far apart as these leave no room between the zeros of 64 bits: one place for both
    const doubles = ranks({ kind: 'double' }, values, values)
    expect(doubles).toEqual([...doubles].sort((a, b) => a - b))
    expect(new Set(doubles.filter((_, i) => values[i] !== 0)).size).toBe(values.length - 2)
    expect(doubles[2]).toBeLessThan(doubles[3]!)
    expect(doubles[4]).toBeLessThan(doubles[5]!)
  })

  it.each<[string, (i: number) => bigint]>([
    ['evenly', (i) => BigInt(i)],
    ['exponentially', (i) => BigInt(Math.floor(Math.exp(i / 1000)))],
    ['around a small and a huge number', (i) => (i % 2 === 0 ? BigInt(i) : 2n ** 52n + BigInt(i))],
  ])('gives a tenth of the ranks to a tenth of the rows that are spread %s', (_, valueOf) => {
    const values = Array.from({ length: 20_000 }, (_value, i) => valueOf(i))
    const found = ranks({ kind: 'long' }, values.filter((_value, i) => i % 7 === 3), values)
    const counts = new Array<number>(10).fill(0)
    for (const rank of found) counts[Math.floor((rank * 10) / 65_536)]!++
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(300)
  })

  it('leaves the ranks of a value that half of the rows have to that value', () => {
    const values = Array.from({ length: 8000 }, (_, i) => (i % 2 === 0 ? 'x' : `v${String(i).padStart(5, '0')}`))
    const found = ranks({ kind: 'string' }, values, ['v00001', 'v07999', 'x', 'y'])
    expect(found[0]).toBe(0)
    expect(found[1]).toBeGreaterThan(32_500)
    expect(found[2]).toBe(32_768)
    expect(found[3]).toBe(65_535)
  })

  it('tells texts apart that begin alike for longer than a number holds', () => {
    const values = Array.from({ length: 3000 }, (_, i) => `${i % 2 === 0 ? 'http://' : 'https://'}shop.example/item/${String(i).padStart(6, '0')}`)
    const found = ranks({ kind: 'string' }, values, values)
    expect(new Set(found).size).toBeGreaterThan(1000)
  })
})
