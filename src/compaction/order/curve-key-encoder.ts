import type { RecordBatch } from 'apache-arrow'
import { columnByPath } from '../../arrow/column-by-path.js'
import { takeBatch } from '../../arrow/take.js'
import type { Schema } from '../../schema/schema.js'
import { curveShape, hilbertWords, zOrderWords } from './curve.js'
import type { CurveShape } from './curve.js'
import { RankScale } from './rank-scale.js'
import type { RowOrder } from './row-order.js'
import { sortKeyEncoder } from './sort-key-encoder.js'
import type { KeyEncoder, SortKeys } from './sort-keys.js'
import { sortedRows } from './sorted-rows.js'

export type CurveOrder = Exclude<RowOrder, { readonly type: 'sort' }>

/** Of each rank, before a curve takes as many of the upper ones as its keys have room for. */
const RANK_BITS = 16
/** Keys of one word instead of two where these tell apart so many of the sample's rows that two do. */
const ENOUGH_CELLS = 0.9

/**
 * Makes keys of rows along a curve. Coordinates are ranks of values among those of a sample, not their bytes: any type with an order will
 * do, nulls and NaN have places of their own, and a skewed column counts as much as one that is uniform.
 * @throws FloeError `UNSUPPORTED` for types without order, `INVALID` for too many columns
 */
export function curveKeyEncoder(schema: Schema, order: CurveOrder, sample: CurveSample): KeyEncoder {
  const scales = order.fieldIds.map((id) => rankScale(id, sample))
  const locate = order.fieldIds.map((id) => columnByPath(schema, id))
  const locateSampled = order.fieldIds.map((id) => columnByPath(sample.schema, id))
  const encoder = (shape: CurveShape, columns: typeof locate): KeyEncoder => (batch) => {
    const shift = RANK_BITS - shape.levels
    const coordinates = columns.map((column, i) => scales[i]!.ranks(column(batch)).map((rank) => rank >>> shift))
    const words = zOrderWords(coordinates, shape)
    if (order.type === 'hilbert') hilbertWords(words, shape)
    return { length: batch.numRows, words, rest: undefined }
  }
  const [narrow, wide] = [curveShape(order.fieldIds.length, 1), curveShape(order.fieldIds.length, 2)]
  if (wide.wordLevels.length === 1) return encoder(wide, locate)
  const sampled = encoder(wide, locateSampled)(sample.batch)
  const isEnough = countDistinct({ ...sampled, words: sampled.words.slice(0, 1) }) >= countDistinct(sampled) * ENOUGH_CELLS
  return encoder(isEnough ? narrow : wide, locate)
}

/** Rows that stand for all, with the columns of `schema`, those of the curve among them. */
export interface CurveSample {
  readonly schema: Schema
  readonly batch: RecordBatch
}

/** Every so-manieth row of a batch, no more than `rows`. */
export function thinOut(batch: RecordBatch, rows: number): RecordBatch {
  if (batch.numRows <= rows) return batch
  return takeBatch(batch, Uint32Array.from({ length: rows }, (_, i) => Math.floor((i * batch.numRows) / rows)))
}

function rankScale(fieldId: number, { schema, batch }: CurveSample): RankScale {
  const fields = [{ sourceIds: [fieldId], transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' } as const]
  const keys = sortKeyEncoder(schema, { orderId: 0, fields })(batch)
  return new RankScale(schema.fieldById(fieldId)!.type, columnByPath(schema, fieldId)(batch), rowsInOrder(keys), RANK_BITS)
}

function rowsInOrder(keys: SortKeys): Uint32Array {
  return sortedRows(keys) ?? Uint32Array.from({ length: keys.length }, (_, row) => row)
}

function countDistinct(keys: SortKeys): number {
  const rows = rowsInOrder(keys)
  let count = Math.min(rows.length, 1)
  for (let i = 1; i < rows.length; i++) if (keys.words.some((word) => word[rows[i]!] !== word[rows[i - 1]!])) count++
  return count
}
