import type { RecordBatch } from 'apache-arrow'
import { bitAt, validityBitmap, type Chunk } from '../arrow/arrow-data.js'
import { columnByPath } from '../arrow/column-by-path.js'
import { columnOrder, type CompareRows } from '../arrow/column-order.js'
import { concatChunks } from '../arrow/plain-chunk.js'
import { takeChunk } from '../arrow/take.js'
import type { Schema } from '../schema/schema.js'
import type { Type } from '../schema/type.js'

/** Reads the order columns of batches of a schema, the most significant first. */
export function orderColumns(schema: Schema, ids: readonly number[]): (batch: RecordBatch) => readonly Chunk[] {
  const locate = ids.map((id) => columnByPath(schema, id))
  return (batch) => locate.map((column) => column(batch))
}

/** Compares rows by several columns, the most significant first; a null comes before every value. */
export function compareOrders(chunks: readonly Chunk[], types: readonly Type[]): CompareRows {
  const columns = chunks.map((chunk, i) => nullsFirst(chunk, columnOrder(chunk, types[i]!).compare))
  if (columns.length === 1) return columns[0]!
  return (a, b) => {
    for (const compare of columns) {
      const order = compare(a, b)
      if (order !== 0) return order
    }
    return 0
  }
}

function nullsFirst(chunk: Chunk, compare: CompareRows): CompareRows {
  const validity = validityBitmap(chunk)
  if (validity === undefined) return compare
  const isPresent = (row: number): boolean => bitAt(validity, chunk.offset + row)
  return (a, b) => (isPresent(a) && isPresent(b) ? compare(a, b) : Number(isPresent(a)) - Number(isPresent(b)))
}

/** Rows of two places, in pairs. */
export interface OrderPairs {
  readonly left: readonly Chunk[]
  readonly leftRows: Uint32Array
  readonly right: readonly Chunk[]
  readonly rightRows: Uint32Array
}

/** Of each pair, whether the left row comes before the right one. */
export function comesBefore({ left, leftRows, right, rightRows }: OrderPairs, types: readonly Type[]): (pair: number) => boolean {
  const pairs = leftRows.length
  const both = left.map((chunk, i) => concatChunks([takeChunk(chunk, leftRows), takeChunk(right[i]!, rightRows)]))
  const compare = compareOrders(both, types)
  return (pair) => compare(pair, pairs + pair) < 0
}
