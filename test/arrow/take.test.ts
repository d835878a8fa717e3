import { describe, expect, it } from 'vitest'
import { columnsOf } from '../../src/arrow/arrow-data.js'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { concatBatches } from '../../src/arrow/concat-batches.js'
import { rowReader } from '../../src/arrow/row-values.js'
import { nullIndex, sliceBatch, takeBatch, takeChunk } from '../../src/arrow/take.js'
import { everyRow, everyType } from './every-type.js'

const builder = new BatchBuilder(everyType)
builder.append(Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? {} : everyRow(i))))
const batch = builder.finish()
const read = rowReader(everyType)
const all = read(batch)

describe('takeBatch', () => {
  it('takes runs as views, all rows as the batch, and others in their sequence, repeated or not', () => {
    expect(takeBatch(batch, Uint32Array.from({ length: 40 }, (_, i) => i))).toBe(batch)
    expect(columnsOf(takeBatch(batch, Uint32Array.of(5, 6, 7)))[2]!.values.buffer).toBe(columnsOf(batch)[2]!.values.buffer)
    for (const rows of [[5, 6, 7], [7, 6, 5], [1, 1, 39, 0], [2, 4, 4], [0], []]) {
      expect(read(takeBatch(batch, Uint32Array.from(rows)))).toEqual(rows.map((row) => all[row]))
    }
  })

  it('takes a null for the null index', () => {
    for (const column of columnsOf(batch)) {
      const taken = takeChunk(column, Uint32Array.of(nullIndex, 1, nullIndex))
      expect([taken.length, taken.nullCount]).toEqual([3, column.nullCount === 40 ? 3 : 2])
    }
  })
})

describe('concatBatches', () => {
  it('puts slices behind each other at any bit, in any sequence', () => {
    const starts = [[9, 3], [1, 8], [32, 8], [0, 16], [17, 5], [20, 0], [8, 11]] as const
    for (let first = 0; first < starts.length; first++) {
      const parts = [...starts.slice(first), ...starts.slice(0, first)]
      const whole = concatBatches(parts.map(([start, length]) => sliceBatch(batch, start, length)))
      expect(read(whole)).toEqual(parts.flatMap(([start, length]) => all.slice(start, start + length)))
    }
  })
})
