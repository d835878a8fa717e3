import type { RecordBatch } from 'apache-arrow'
import { columnsOf } from '../arrow/arrow-data.js'
import { chunkBytes } from '../arrow/batch-bytes.js'
import { firstWhere } from '../util/binary-search.js'

/** Top-level columns that one thread encodes. */
export interface ColumnPart {
  readonly first: number
  /** The column after the last. */
  readonly end: number
  /** Raw bytes. */
  readonly bytes: number
}

/** Smaller row groups keep the threads busy by their number, and smaller jobs are not worth the way to one. */
const MIN_PART_BYTES = 12 * 2 ** 20

/** Cuts a large row group between columns, into parts of about the same bytes: at most one a thread. */
export function columnParts(batches: readonly RecordBatch[], threads: number): readonly ColumnPart[] {
  const sizes = columnsOf(batches[0]!).map((_, i) => batches.reduce((sum, batch) => sum + chunkBytes(columnsOf(batch)[i]!), 0))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const count = Math.max(1, Math.min(threads, Math.floor(total / MIN_PART_BYTES)))
  return cut(sizes, smallestCapacity(sizes, count))
}

/** The least bytes within which the sizes fit into `count` parts: what takes longest is then as short as it can be. */
function smallestCapacity(sizes: readonly number[], count: number): number {
  const all = sizes.reduce((sum, size) => sum + size, 0)
  return firstWhere(Math.max(0, ...sizes), all, (capacity) => cut(sizes, capacity).length <= count)
}

/** Parts of at most `capacity` bytes, each as large as it can be. */
function cut(sizes: readonly number[], capacity: number): ColumnPart[] {
  const parts: ColumnPart[] = []
  let first = 0
  let bytes = 0
  sizes.forEach((size, i) => {
    if (i > first && bytes + size > capacity) {
      parts.push({ first, end: i, bytes })
      first = i
      bytes = 0
    }
    bytes += size
  })
  parts.push({ first, end: sizes.length, bytes })
  return parts
}
