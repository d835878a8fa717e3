import { describe, expect, it } from 'vitest'
import { fixedChunk, makeBatch } from '../../../src/arrow/arrow-data.js'
import { arrowSchema, arrowType } from '../../../src/arrow/arrow-schema.js'
import { curveKeyEncoder, thinOut } from '../../../src/compaction/order/curve-key-encoder.js'
import { sortKeyEncoder } from '../../../src/compaction/order/sort-key-encoder.js'
import type { SortKeys } from '../../../src/compaction/order/sort-keys.js'
import { sortedRows } from '../../../src/compaction/order/sorted-rows.js'
import { Schema } from '../../../src/schema/schema.js'

const ROWS = 16_000
const FILES = 64
const QUERIES = 80

/** Mulberry32: the same numbers on every run. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

type Distribution = (random: () => number) => number
const uniform: Distribution = (random) => Math.floor(random() * 1e9)
const power: Distribution = (random) => Math.floor(1e15 * random() ** 8)
const zipf: Distribution = (random) => Math.floor(Math.exp(random() * Math.log(1e6)))

/** The share of 64 files that a box of 1 % of the rows reads, for rows sorted, in Z-order and along the Hilbert curve. */
function sharesRead(distributions: readonly Distribution[]): { linear: number; zOrder: number; hilbert: number } {
  const random = randomFrom(11)
  const columns = distributions.map((next) => Float64Array.from({ length: ROWS }, () => next(random)))
  const schema = new Schema(columns.map((_, i) => ({ id: i + 1, name: `c${i}`, type: { kind: 'double' }, required: true })))
  const batch = makeBatch(arrowSchema(schema), ROWS, columns.map((column) => fixedChunk(arrowType({ kind: 'double' }), ROWS, column)))
  const sample = { schema, batch: thinOut(batch, 8000) }
  const fieldIds = columns.map((_, i) => i + 1)
  const fields = fieldIds.map((id) => ({ sourceIds: [id], transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' }) as const)
  const sorted = columns.map((column) => column.slice().sort())
  const width = Math.floor(0.01 ** (1 / columns.length) * ROWS)
  const boxes = Array.from({ length: QUERIES }, () =>
    sorted.map((values) => {
      const from = Math.floor(random() * (ROWS - width))
      return [values[from]!, values[from + width]!] as const
    }),
  )
  const share = (keys: SortKeys): number => {
    const rows = sortedRows(keys)!
    let read = 0
    for (let file = 0; file < FILES; file++) {
      const part = rows.subarray((file * ROWS) / FILES, ((file + 1) * ROWS) / FILES)
      const bounds = columns.map((values) => {
        const found = Array.from(part, (row) => values[row]!)
        return [Math.min(...found), Math.max(...found)] as const
      })
      for (const box of boxes) if (bounds.every(([low, high], i) => low <= box[i]![1] && high >= box[i]![0])) read++
    }
    return read / (FILES * QUERIES)
  }
  return {
    linear: share(sortKeyEncoder(schema, { orderId: 1, fields })(batch)),
    zOrder: share(curveKeyEncoder(schema, { type: 'zorder', fieldIds }, sample)(batch)),
    hilbert: share(curveKeyEncoder(schema, { type: 'hilbert', fieldIds }, sample)(batch)),
  }
}

describe('files read by boxes of 1 % of the rows', () => {
  const even = new Map([2, 3].map((columns) => [columns, sharesRead(new Array<Distribution>(columns).fill(uniform))]))

  it.each([
    ['two uniform columns', [uniform, uniform]],
    ['two skewed columns', [power, power]],
    ['two columns with values that many rows share', [zipf, zipf]],
    ['a uniform and a skewed column', [uniform, power]],
    ['three uniform columns', [uniform, uniform, uniform]],
    ['three skewed columns', [power, power, power]],
    ['three columns of all kinds', [uniform, power, zipf]],
  ])('are fewest along the Hilbert curve, and more in Z-order than in it, over %s; skew costs at most 1.2 times', (_, distributions) => {
    const { linear, zOrder, hilbert } = sharesRead(distributions)
    expect(hilbert).toBeLessThan(zOrder)
    expect(zOrder).toBeLessThan(linear)
    expect(hilbert).toBeLessThanOrEqual(even.get(distributions.length)!.hilbert * 1.2)
    expect(zOrder).toBeLessThanOrEqual(even.get(distributions.length)!.zOrder * 1.2)
  })
})
