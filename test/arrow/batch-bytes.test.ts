import { describe, expect, it } from 'vitest'
import { batchBytes } from '../../src/arrow/batch-bytes.js'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { sliceBatch } from '../../src/arrow/take.js'
import { Schema } from '../../src/schema/schema.js'
import { everyRow, everyType } from './every-type.js'

describe('batchBytes', () => {
  it('counts the bytes of the rows by layout', () => {
    const schema = new Schema([
      { id: 1, name: 'n', type: { kind: 'long' }, required: false },
      { id: 2, name: 's', type: { kind: 'string' }, required: false },
      { id: 3, name: 'l', type: { kind: 'list', elementId: 4, element: { kind: 'int' }, elementRequired: true }, required: false },
      { id: 5, name: 'b', type: { kind: 'boolean' }, required: false },
    ])
    const builder = new BatchBuilder(schema)
    builder.append([{ n: 1n, s: 'abc', l: [1, 2], b: true }, { n: 2n, s: 'd', l: [3], b: false }])
    const batch = builder.finish()
    expect(batchBytes(batch)).toBe(16 + (12 + 4) + (12 + 12) + 1)
    expect(batchBytes(sliceBatch(batch, 1, 1))).toBe(8 + (8 + 1) + (8 + 4) + 1)
  })

  it('adds up over slices of every type, and is nothing for no rows', () => {
    const builder = new BatchBuilder(everyType)
    builder.append(Array.from({ length: 64 }, (_, i) => everyRow(i)))
    const batch = builder.finish()
    const halves = batchBytes(sliceBatch(batch, 0, 32)) + batchBytes(sliceBatch(batch, 32, 32))
    expect(Math.abs(halves - batchBytes(batch))).toBeLessThan(100)
    expect(batchBytes(sliceBatch(batch, 5, 0))).toBe(0)
  })
})
