import type { RecordBatch } from 'apache-arrow'
import { columnsOf } from '../arrow/arrow-data.js'
import { chunkBytes } from '../arrow/batch-bytes.js'
import { concatBatches } from '../arrow/concat-batches.js'
import { sliceBatch } from '../arrow/take.js'

/**
 * How the engine is made to cut pages. It looks at its limits after so many values of a column, or, in a column without nulls,
 * only where a batch ends: so batches have as many rows as a step.
 */
export interface PageCut {
  readonly stepRows: number
  readonly pageSizeBytes: number
  /** The size is one that every step exceeds. */
  readonly isStepAPage: boolean
}

/** The engine ends every page that has so many rows; it has no setting for it. */
const ENGINE_PAGE_ROWS = 20_000
/**
 * A divisor of it. A page that begins in the middle of a step, where a dictionary grew too large, may end at the step after its
 * 20,000th row; smaller steps than these cost more than they are worth.
 */
const STEP_ROWS = 2000

/**
 * Steps that end pages at `rowLimit` rows. Below the engine's own limit each step is made a page, by a size that every
 * step exceeds; then pages stay below `pageSizeBytes` as far as the average row of the widest column tells.
 */
export function pageCut(batches: readonly RecordBatch[], rowLimit: number, pageSizeBytes: number): PageCut {
  if (rowLimit >= ENGINE_PAGE_ROWS) return { stepRows: STEP_ROWS, pageSizeBytes, isStepAPage: false }
  const fitting = Math.max(1, Math.floor(pageSizeBytes / widestRowBytes(batches)))
  return { stepRows: Math.min(rowLimit, fitting), pageSizeBytes: 1, isStepAPage: true }
}

/** The same rows in batches of `rows` rows, the last one of fewer: views, but where one spans batches that came in. */
export function batchesOf(batches: readonly RecordBatch[], rows: number): readonly RecordBatch[] {
  const cut: RecordBatch[] = []
  let started: RecordBatch[] = []
  let missing = rows
  for (const batch of batches) {
    for (let from = 0; from < batch.numRows; ) {
      const count = Math.min(missing, batch.numRows - from)
      started.push(sliceBatch(batch, from, count))
      from += count
      missing -= count
      if (missing > 0) continue
      cut.push(concatBatches(started))
      started = []
      missing = rows
    }
  }
  return started.length === 0 ? cut : [...cut, concatBatches(started)]
}

function widestRowBytes(batches: readonly RecordBatch[]): number {
  const bytes: number[] = []
  let rows = 0
  for (const batch of batches) {
    rows += batch.numRows
    columnsOf(batch).forEach((column, i) => (bytes[i] = (bytes[i] ?? 0) + chunkBytes(column)))
  }
  return Math.max(1, Math.max(...bytes) / rows)
}
