import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { compactBatch } from '../../src/arrow/compact-batch.js'
import { rowReader } from '../../src/arrow/row-values.js'
import { selectedRows } from '../../src/arrow/row-mask.js'
import { sliceBatch, takeBatch } from '../../src/arrow/take.js'
import { everyRow, everyType } from './every-type.js'

const builder = new BatchBuilder(everyType)
builder.append(Array.from({ length: 300 }, (_, i) => everyRow(i)))
const batch = builder.finish()
const rowsOf = rowReader(everyType)

describe('compactBatch', () => {
  it('gives the rows that a mask selects, of every type, wherever the batch begins and however the stretches lie', () => {
    const run = fc.tuple(fc.constantFrom(0, 1), fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 50, max: 90 })))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 }), fc.array(run, { minLength: 1, maxLength: 40 }), (start, runs) => {
        const mask = Uint8Array.from(runs.flatMap(([flag, length]) => Array.from({ length }, () => flag))).subarray(0, 270)
        const part = sliceBatch(batch, start, mask.length)
        expect(rowsOf(compactBatch(part, mask))).toEqual(rowsOf(takeBatch(part, selectedRows(mask))))
      }),
      { numRuns: 150 },
    )
  })

  it('keeps the bits of NaN and of 64-bit integers', () => {
    const found = rowsOf(compactBatch(batch, Uint8Array.from({ length: 300 }, (_, i) => i % 2)))
    expect(found).toEqual(Array.from({ length: 150 }, (_, i) => rowsOf(sliceBatch(batch, i * 2 + 1, 1))[0]))
  })
})
