import type { RecordBatch } from 'apache-arrow'
import { columnsOf, makeBatch, type Chunk } from '../arrow/arrow-data.js'
import { arrowSchema } from '../arrow/arrow-schema.js'
import { columnReader } from '../arrow/column-reader.js'
import { LongNumbers } from '../arrow/long-numbers.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import { readPlannedFiles, readTasks, type ReadRequest } from '../scan/read-files.js'
import type { PlannedFile } from '../scan/scan-plan.js'
import {
  FILE_PATH_FIELD,
  IS_DELETED_FIELD,
  LAST_UPDATED_SEQUENCE_NUMBER_FIELD,
  ROW_ID_FIELD,
  ROW_POSITION_FIELD,
} from '../schema/reserved-fields.js'
import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import type { PositionBitmap } from '../deletes/position-bitmap.js'
import type { DmlContext } from './dml-context.js'

/** Rows of one data file, with where they lie in it. */
export interface FileRows {
  readonly file: PlannedFile
  /** The columns that were asked for. */
  readonly batch: RecordBatch
  /** Where each row lies in the file. */
  readonly positions: RowPositions
  /** `_row_id` and `_last_updated_sequence_number`, where they were asked for. */
  readonly lineage: { readonly rowIds: Chunk; readonly lastUpdated: Chunk } | undefined
  /** `_deleted`, where it was asked for. */
  readonly deleted: Chunk | undefined
}

export interface FileRowsRequest {
  /** The columns to read; may be none. */
  readonly projection: Schema
  /** Also rows that the plan's filter does not select. Default false. */
  readonly unfiltered?: boolean | undefined
  readonly lineage?: boolean | undefined
  /** Also the rows that were deleted already, and which ones those are. Default false. */
  readonly deleted?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** Files opened ahead of the one that is being read. */
const FILES_AHEAD = 2

/** The rows of planned files, file by file. */
export async function* readFileRows(
  context: DmlContext,
  files: readonly PlannedFile[],
  request: FileRowsRequest,
): AsyncGenerator<FileRows, void, undefined> {
  if (files.length === 0) return
  const { io, metadata } = context.loaded
  const names = [FILE_PATH_FIELD.name, ROW_POSITION_FIELD.name]
  if (request.lineage === true) names.push(ROW_ID_FIELD.name, LAST_UPDATED_SEQUENCE_NUMBER_FIELD.name)
  if (request.deleted === true) names.push(IS_DELETED_FIELD.name)
  const read: ReadRequest = {
    io,
    engine: context.engine,
    metadata,
    schema: currentSchema(metadata),
    projection: request.projection,
    metadataColumns: names,
    filesAhead: FILES_AHEAD,
    signal: request.signal,
  }
  const byPath = new Map(files.map((file) => [file.filePath, file]))
  const batches = request.unfiltered === true ? readTasks(files.map(wholeTask), read) : readPlannedFiles(files, read)
  const wanted = arrowSchema(request.projection)
  for await (const batch of batches) yield split(batch, wanted, request, byPath)
}

function wholeTask(file: PlannedFile): ReturnType<PlannedFile['task']> {
  return { ...file.task(), residual: 'true' }
}

function split(
  batch: RecordBatch,
  wanted: ReturnType<typeof arrowSchema>,
  request: FileRowsRequest,
  files: ReadonlyMap<string, PlannedFile>,
): FileRows {
  const columns = columnsOf(batch)
  let at = wanted.fields.length
  const next = (): Chunk => columns[at++]!
  // All rows of a batch are of one file.
  const path = columnReader(next(), FILE_PATH_FIELD.type)(0) as string
  const file = files.get(path)
  if (file === undefined) throw new FloeError('CORRUPT', 'Rows of a file that was not planned were read: report this', { file: path })
  const positions = new RowPositions(next())
  const lineage = request.lineage === true ? { rowIds: next(), lastUpdated: next() } : undefined
  const deleted = request.deleted === true ? next() : undefined
  return { file, batch: makeBatch(wanted, batch.numRows, columns.slice(0, wanted.fields.length)), positions, lineage, deleted }
}

/** The positions of a batch's rows, ascending. */
export class RowPositions extends LongNumbers {
  /** Adds all to `bitmap`, run by run. */
  addTo(bitmap: PositionBitmap): void {
    let first = 0
    while (first < this.length) {
      const start = this.at(first)
      let next = first + 1
      while (next < this.length && this.at(next) === start + next - first) next++
      bitmap.addRange(start, start + next - first)
      first = next
    }
  }
}
