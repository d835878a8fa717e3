import type { RecordBatch } from 'apache-arrow'
import { filterBatch, fullMask } from '../arrow/row-mask.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import type { DmlContext } from './dml-context.js'
import { readFileRows, type FileRows } from './file-rows.js'
import { withLineageColumns } from './lineage-columns.js'
import { hasRowLineage, type RemovedRows, type RowsOfFile } from './removed-rows.js'
import { withRowLineage } from '../write/row-writer.js'

export interface CopyOptions {
  /** Takes the rows that stay, in the schema that files are rewritten with. */
  readonly write: (batch: RecordBatch) => Promise<void>
  readonly signal?: AbortSignal | undefined
}

/**
 * Copy-on-write: the rows of files that stay, to be written anew; the files themselves go. Rows that deletes of any kind
 * cover are not copied, so that none comes back. Row lineage is kept as it was. Spec: Row Lineage
 */
export async function copyRemainingRows(context: DmlContext, targets: readonly RowsOfFile[], options: CopyOptions): Promise<RemovedRows> {
  const { metadata } = context.loaded
  const byPath = new Map(targets.map((target) => [target.file.filePath, target]))
  const lineage = hasRowLineage(metadata)
  const projection = currentSchema(metadata)
  const written = lineage ? withRowLineage(projection) : projection
  const files = targets.map(({ file }) => file)
  let rows = 0
  for await (const found of readFileRows(context, files, { projection, unfiltered: true, lineage, signal: options.signal })) {
    const mask = remaining(found, byPath.get(found.file.filePath)!)
    const kept = filterBatch(found.lineage === undefined ? found.batch : withLineageColumns(found.batch, written, found.lineage), mask)
    rows += found.batch.numRows - kept.numRows
    if (kept.numRows > 0) await options.write(kept)
  }
  return { rows, emptiedFiles: files, addedDeleteFiles: [], removedDeleteFiles: [], deletedPositions: new Map() }
}

function remaining({ positions }: FileRows, { positions: gone }: RowsOfFile): Uint8Array {
  const mask = fullMask(positions.length)
  for (let row = 0; row < mask.length; row++) if (gone.contains(positions.at(row))) mask[row] = 0
  return mask
}
