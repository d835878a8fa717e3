import { describe, expect, it } from 'vitest'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { rowReader, rowsOf } from '../../src/arrow/row-values.js'
import { sliceBatch } from '../../src/arrow/take.js'
import { Decimal } from '../../src/schema/decimal.js'
import { Schema } from '../../src/schema/schema.js'
import { everyRow, everyType } from './every-type.js'

describe('rowReader', () => {
  const builder = new BatchBuilder(everyType)
  const rows = Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? {} : everyRow(i)))
  builder.append(rows)
  const batch = builder.finish()
  const empty = Object.fromEntries(everyType.fields.map((field) => [field.name, null]))
  const expected = rows.map((row) => ({ ...empty, ...row }))

  it('gives back every type without loss', () => {
    expect(rowReader(everyType)(batch)).toEqual(expected)
  })

  it.each([
    [0, 0],
    [1, 1],
    [3, 9],
    [7, 33],
    [39, 1],
  ])('reads the slice from %i of %i rows', (start, length) => {
    expect(rowReader(everyType)(sliceBatch(batch, start, length))).toEqual(expected.slice(start, start + length))
    expect(rowReader(everyType)(batch.slice(start, start + length))).toEqual(expected.slice(start, start + length))
  })

  it('reads a part of a batch', () => {
    expect(rowReader(everyType)(batch, 5, 17)).toEqual(expected.slice(5, 17))
    expect(rowReader(everyType)(batch.slice(2, 30), 3)).toEqual(expected.slice(5, 30))
    expect(rowReader(everyType)(batch, 40, 40)).toEqual([])
  })

  it('copies bytes, so that changing a row changes no batch', () => {
    const row = rowReader(everyType)(batch)[1]!
    ;(row.bin as Uint8Array).fill(0)
    ;(row.fx as Uint8Array).fill(0)
    expect(rowReader(everyType)(batch)[1]).toEqual(expected[1])
  })

  it('yields the rows of several batches in order', () => {
    expect([...rowsOf([sliceBatch(batch, 0, 5), sliceBatch(batch, 5, 35)], everyType)]).toEqual(expected)
    const schema = new Schema([{ id: 1, name: 'n', type: { kind: 'int' }, required: true }])
    const many = new BatchBuilder(schema)
    many.append(Array.from({ length: 2500 }, (_, n) => ({ n })))
    expect([...rowsOf([many.finish()], schema)].map((row) => row.n)).toEqual(Array.from({ length: 2500 }, (_, n) => n))
  })

  it('gives dates on request, rounded down to milliseconds', () => {
    const schema = new Schema([
      { id: 1, name: 'day', type: { kind: 'date' }, required: false },
      { id: 2, name: 'ts', type: { kind: 'timestamptz' }, required: false },
      { id: 3, name: 'ns', type: { kind: 'timestamp_ns' }, required: false },
      { id: 4, name: 't', type: { kind: 'time' }, required: false },
    ])
    const dates = new BatchBuilder(schema)
    dates.append([{ day: -1, ts: -1n, ns: 1_999_999n, t: 5n }, { ts: 1_704_067_200_123_999n }])
    expect(rowReader(schema, { timestamps: 'date' })(dates.finish())).toEqual([
      { day: new Date('1969-12-31'), ts: new Date(-1), ns: new Date(1), t: 5n },
      { day: null, ts: new Date('2024-01-01T00:00:00.123Z'), ns: null, t: null },
    ])
  })

  it('reads decimals of any size', () => {
    const schema = new Schema([{ id: 1, name: 'd', type: { kind: 'decimal', precision: 38, scale: 2 }, required: false }])
    const values = [0n, -1n, 2n ** 63n, -(2n ** 63n), -(2n ** 63n) - 1n, 2n ** 64n, 10n ** 38n - 1n, -(10n ** 38n) + 1n]
    const decimals = new BatchBuilder(schema)
    decimals.append(values.map((value) => ({ d: new Decimal(value, 2) })))
    expect(rowReader(schema)(decimals.finish()).map((row) => (row.d as Decimal).unscaled)).toEqual(values)
  })

  it('decodes long, short, ASCII and other text next to each other', () => {
    const schema = new Schema([{ id: 1, name: 's', type: { kind: 'string' }, required: false }])
    const texts = Array.from({ length: 3000 }, (_, i) => (i % 97 === 0 ? 'é😀'.repeat(i % 50) : i % 31 === 0 ? 'x'.repeat(i) : `value ${i}`))
    const builderOfTexts = new BatchBuilder(schema)
    builderOfTexts.append(texts.map((s) => ({ s })))
    expect(rowReader(schema)(builderOfTexts.finish()).map((row) => row.s)).toEqual(texts)
  })
})
