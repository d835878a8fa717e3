import type { RecordBatch, Schema as ArrowSchema } from 'apache-arrow'
import { columnsOf, makeBatch } from '../../arrow/arrow-data.js'
import { arrowSchema } from '../../arrow/arrow-schema.js'
import { LongNumbers } from '../../arrow/long-numbers.js'
import { batchProjector } from '../../arrow/project-batch.js'
import { filterBatch, fullMask, type RowMask } from '../../arrow/row-mask.js'
import type { DeleteFile } from '../../deletes/delete-file.js'
import { DeleteLoader } from '../../deletes/delete-loader.js'
import { mergeFields } from '../../deletes/equality-key.js'
import type { PositionBitmap } from '../../deletes/position-bitmap.js'
import { filterFieldIds } from '../../expression/field-ids.js'
import type { FileIO } from '../../io/file-io.js'
import { concatPrefetched } from '../../io/ordered-prefetch.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import type { ParquetEngine } from '../../parquet/parquet-engine.js'
import { ROW_ID_FIELD, ROW_POSITION_FIELD } from '../../schema/reserved-fields.js'
import { Schema } from '../../schema/schema.js'
import { FloeError, isFloeError } from '../../util/errors.js'
import { readPlannedFiles, readTasks } from '../read-files.js'
import type { ReadRequest } from '../read-files.js'
import type { PlannedFile } from '../scan-plan.js'
import type { ReadMetadataColumns } from './carried-rows.js'
import type { ChangeSide, SideRows } from './change-rows.js'
import type { ChangedFile } from './plan-delta.js'
import type { ChangeColumns } from './row-identifier.js'

export interface ChangeReadRequest {
  readonly io: FileIO
  readonly engine: ParquetEngine
  readonly metadata: TableMetadata
  /** What the files were planned with. */
  readonly schema: Schema
  readonly columns: ChangeColumns
  readonly caseSensitive?: boolean | undefined
  readonly batchRows?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const AHEAD = 1

/**
 * Reads the rows of which one snapshot changed whether they are there. They have the columns to read, then `_row_id` where row ids
 * identify them.
 */
export class ChangeReader {
  readonly #request: ChangeReadRequest
  /** Of the state in which the rows are there, and of the deletes by which they are not in the other. */
  readonly #loaders = { there: new Map<ChangedFile, DeleteLoader>(), gone: new Map<ChangedFile, DeleteLoader>() }
  readonly #schema: ArrowSchema
  readonly #metadataColumns: readonly string[]

  constructor(request: ChangeReadRequest) {
    const { columns } = request
    this.#request = request
    this.#metadataColumns = columns.identity === 'row-ids' ? [ROW_ID_FIELD.name] : []
    this.#schema = arrowSchema([...columns.read.fields, ...(columns.identity === 'row-ids' ? [ROW_ID_FIELD] : [])])
  }

  /** The rows of `files`, which are there in one state and not in the other. One side has files of one snapshot only. */
  side(files: readonly ChangedFile[]): ChangeSide {
    const loaders = { there: this.#loader(), gone: this.#loader() }
    for (const file of files) {
      this.#loaders.there.set(file, loaders.there)
      this.#loaders.gone.set(file, loaders.gone)
    }
    return {
      files: files.length,
      maxRows: files.reduce((sum, file) => sum + maxRowsOf(file), 0),
      rows: () => concatPrefetched(files, AHEAD, (file) => this.#rowsOf(file)),
    }
  }

  /** Columns of all rows of a file that are there, as {@link withoutCarriedRows} looks at them. */
  readonly metadataColumns: ReadMetadataColumns = (changed, names) => {
    const { io, engine, metadata, schema, signal } = this.#request
    const projection = new Schema([], { schemaId: schema.schemaId })
    const task = { ...changed.file.task(), residual: 'true' }
    return namingGoneFiles(readTasks([task], { io, engine, metadata, schema, projection, metadataColumns: names, signal }))
  }

  /** Deletes of different states must not share a loader: the keys that it has loaded apply to every file that is old enough. */
  #loader(): DeleteLoader {
    const { io, engine, metadata, schema, signal } = this.#request
    return new DeleteLoader({ io, engine, metadata, schema, signal })
  }

  #rowsOf(changed: ChangedFile): AsyncGenerator<SideRows, void, undefined> {
    const { file, other } = changed
    return namingGoneFiles(other === undefined ? this.#wholeFile(changed) : this.#changedRows(changed, newDeletes(other, file)))
  }

  async *#wholeFile(changed: ChangedFile): AsyncGenerator<SideRows, void, undefined> {
    const { read } = this.#request.columns
    const { wanted } = changed
    if (wanted?.isEmpty === true) return
    for await (const batch of this.#read(changed, read, this.#metadataColumns, wanted)) yield { batch, isWholeFile: true }
  }

  #read(changed: ChangedFile, projection: Schema, metadataColumns: readonly string[], wanted?: PositionBitmap): AsyncIterable<RecordBatch> {
    const { io, engine, metadata, schema, caseSensitive, batchRows, signal } = this.#request
    const deletes = this.#loaders.there.get(changed)
    const columns = { schema, projection, metadataColumns, caseSensitive }
    const request: ReadRequest = { io, engine, metadata, ...columns, wanted, batchRows, signal, deletes }
    return readPlannedFiles([changed.file], request)
  }

  /** The rows that are there in one state and that `deletes` take away in the other. */
  async *#changedRows(changed: ChangedFile, deletes: readonly DeleteFile[]): AsyncGenerator<SideRows, void, undefined> {
    const { file } = changed
    const loader = this.#loaders.gone.get(changed)!
    const { filePath, specId, partition, sequenceNumber } = file
    const [{ equality }, gone, there] = await Promise.all([
      loader.load({ filePath, specId, partition, sequenceNumber }, deletes),
      loader.loadPositions(file, deletes),
      this.#loaders.there.get(changed)!.loadPositions(file, file.deletes),
    ])
    const wanted = gone.difference(there)
    if (equality.length === 0) {
      if (!wanted.isEmpty) yield* this.#rowsAt(changed, wanted)
      return
    }
    const wide = this.#withColumnsOf(file, loader.keyColumns(deletes))
    const narrow = this.#narrowing(wide, filePath)
    const filters = equality.map((filter) => filter.bind(wide))
    const names = [ROW_POSITION_FIELD.name, ...this.#metadataColumns]
    for await (const batch of this.#read(changed, wide, names)) {
      const mask = positionMask(batch, wide.fields.length, wanted)
      addDeleted(mask, batch, filters)
      const rows = filterBatch(batch, mask)
      if (rows.numRows > 0) yield { batch: narrow(rows), isWholeFile: false }
    }
  }

  async *#rowsAt(changed: ChangedFile, wanted: PositionBitmap): AsyncGenerator<SideRows, void, undefined> {
    const { read } = this.#request.columns
    for await (const batch of this.#read(changed, read, this.#metadataColumns, wanted)) yield { batch, isWholeFile: false }
  }

  /** The columns to read with those that filter and deletes look at after them. */
  #withColumnsOf(file: PlannedFile, keys: Schema['fields']): Schema {
    const { schema, columns } = this.#request
    const filtered = schema.projectIds([...filterFieldIds(file.residual)]).fields
    const fields = mergeFields(mergeFields(columns.read.fields, filtered), keys)
    return new Schema(fields, { schemaId: schema.schemaId })
  }

  /** Takes a batch of `wide` columns, `_pos`, and the metadata columns to the columns that rows have. */
  #narrowing(wide: Schema, file: string): (batch: RecordBatch) => RecordBatch {
    const { read } = this.#request.columns
    const source = arrowSchema(wide)
    const projector = batchProjector({ projection: read, source, file })
    const width = wide.fields.length
    return (batch) => {
      const columns = columnsOf(batch)
      const projected = projector.project(makeBatch(source, batch.numRows, columns.slice(0, width)))
      return makeBatch(this.#schema, batch.numRows, [...columnsOf(projected), ...columns.slice(width + 1)])
    }
  }
}

/** The deletes of `a` that `b` does not have: only they can take away rows that are there under `b`. */
function newDeletes(a: PlannedFile, b: PlannedFile): readonly DeleteFile[] {
  const known = new Set(b.deletes.map((file) => `${file.filePath} ${file.contentOffset ?? ''}`))
  return a.deletes.filter((file) => !known.has(`${file.filePath} ${file.contentOffset ?? ''}`))
}

function positionMask(batch: RecordBatch, column: number, wanted: PositionBitmap): RowMask {
  const mask: RowMask = new Uint8Array(batch.numRows)
  if (wanted.isEmpty) return mask
  const positions = new LongNumbers(columnsOf(batch)[column]!)
  for (let row = 0; row < mask.length; row++) if (wanted.contains(positions.at(row))) mask[row] = 1
  return mask
}

/** Adds the rows that equality deletes name. */
function addDeleted(mask: RowMask, batch: RecordBatch, filters: readonly ((batch: RecordBatch, mask: RowMask) => void)[]): void {
  const live = fullMask(batch.numRows)
  for (const deselect of filters) deselect(batch, live)
  for (let row = 0; row < mask.length; row++) if (live[row] === 0) mask[row] = 1
}

/** The most rows that a file can have that are there in one state and not in the other. */
export function maxRowsOf({ file, other, wanted }: ChangedFile): number {
  // Old writers did not know some counts
  const rows = Math.max(file.recordCount, 0)
  if (other === undefined) return wanted?.cardinality ?? rows
  const deletes = newDeletes(other, file)
  if (deletes.some((candidate) => candidate.content === 'equality-deletes')) return rows
  return Math.min(rows, deletes.reduce((sum, candidate) => sum + candidate.recordCount, 0))
}

async function* namingGoneFiles<T>(rows: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  try {
    yield* rows
  } catch (error) {
    throw isFloeError(error, 'NOT_FOUND') ? goneFile(error) : error
  }
}

function goneFile(cause: FloeError): FloeError {
  return new FloeError(
    'NOT_FOUND',
    'A file that was replaced since is gone: the snapshot before the change has expired, so that what it removed can no longer be read. ' +
      'Read the whole current state once, and follow the changes from its snapshot on',
    { cause, ...(cause.file === undefined ? {} : { file: cause.file }) },
  )
}
