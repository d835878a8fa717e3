import type { RecordBatch } from 'apache-arrow'
import { columnsOf, makeBatch } from './arrow-data.js'
import { concatChunks } from './plain-chunk.js'

/** The rows of batches of one schema as one batch; at least one is needed. A single batch is returned itself. */
export function concatBatches(batches: readonly RecordBatch[]): RecordBatch {
  const [first] = batches as readonly [RecordBatch]
  if (batches.length === 1) return first
  const length = batches.reduce((sum, batch) => sum + batch.numRows, 0)
  const columns = columnsOf(first).map((_, i) => concatChunks(batches.map((batch) => columnsOf(batch)[i]!)))
  return makeBatch(first.schema, length, columns)
}
