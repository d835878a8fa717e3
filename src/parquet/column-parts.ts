import type { RecordBatch } from 'apache-arrow'
import { columnsOf } from '../arrow/arrow-data.js'
import { chunkBytes } from '../arrow/batch-bytes.js'

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
  const parts: ColumnPart[] = []
  let first = 0
  let bytes = 0
  let before = 0
  sizes.forEach((size, i) => {
    bytes += size
    const isLast = i === sizes.length - 1
    if (!isLast && before + bytes < (total * (parts.length + 1)) / count) return
    parts.push({ first, end: i + 1, bytes })
    before += bytes
    bytes = 0
    first = i + 1
  })
  return parts
}
