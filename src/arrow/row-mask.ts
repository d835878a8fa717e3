import type { RecordBatch } from 'apache-arrow'
import { bitAt, validityBitmap } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import { compactBatch } from './compact-batch.js'

/** Which rows of a batch are selected: one byte a row, 1 or 0. Masks are narrowed in place, by one predicate after another. */
export type RowMask = Uint8Array

/**
 * Deselects the rows for which one predicate on a column is not true. Rows where the column is null, and therefore does not
 * match, are deselected before.
 */
export type Narrowing = (chunk: Chunk, mask: RowMask) => void

/** All rows. */
export function fullMask(length: number): RowMask {
  return new Uint8Array(length).fill(1)
}

/** How many rows are selected. */
export function countSelected(mask: RowMask): number {
  let count = 0
  for (let row = 0; row < mask.length; row++) count += mask[row]!
  return count
}

/** The selected rows, ascending. */
export function selectedRows(mask: RowMask): Uint32Array {
  const rows = new Uint32Array(countSelected(mask))
  // Written for each row, kept for selected ones: no branch that mixed masks would mispredict
  for (let row = 0, at = 0; at < rows.length; row++) {
    rows[at] = row
    at += mask[row]!
  }
  return rows
}

/** The selected rows of a batch; views of the same bytes where they follow each other. */
export function filterBatch(batch: RecordBatch, mask: RowMask): RecordBatch {
  return compactBatch(batch, mask)
}

/** Deselects the rows where a chunk is null. */
export function deselectNulls(chunk: Chunk, mask: RowMask): void {
  const validity = validityBitmap(chunk)
  if (validity === undefined) return
  const offset = chunk.offset
  for (let row = 0; row < mask.length; row++) if (!bitAt(validity, offset + row)) mask[row] = 0
}

/** Deselects the rows where a chunk is not null. */
export function deselectPresent(chunk: Chunk, mask: RowMask): void {
  const validity = validityBitmap(chunk)
  if (validity === undefined) mask.fill(0)
  else {
    const offset = chunk.offset
    for (let row = 0; row < mask.length; row++) if (bitAt(validity, offset + row)) mask[row] = 0
  }
}
