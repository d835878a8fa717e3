import type { RecordBatch, Schema as ArrowSchema } from 'apache-arrow'
import { columnsOf } from '../arrow/arrow-data.js'
import type { Chunk } from '../arrow/arrow-data.js'
import { arrowSchema } from '../arrow/arrow-schema.js'
import { compileBatchFilter } from '../arrow/filter-batch.js'
import { batchProjector } from '../arrow/project-batch.js'
import { filterBatch, fullMask, selectedRows } from '../arrow/row-mask.js'
import type { RowMask } from '../arrow/row-mask.js'
import type { AvroReadOptions } from '../avro-data/avro-data-file.js'
import type { AppliedDelete } from '../deletes/delete-file.js'
import { DeleteLoader } from '../deletes/delete-loader.js'
import type { FileDeletes } from '../deletes/delete-loader.js'
import { mergeFields } from '../deletes/equality-key.js'
import type { PositionBitmap } from '../deletes/position-bitmap.js'
import type { BoundExpression } from '../expression/expression.js'
import { filterFieldIds } from '../expression/field-ids.js'
import type { FileIO } from '../io/file-io.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { readText, tableProperties } from '../metadata/table-properties.js'
import type { ParquetEngine, PositionedBatch, RowGroupDecision } from '../parquet/parquet-engine.js'
import type { PartitionSpec } from '../partition/partition-spec.js'
import { type NameMapping, parseNameMapping } from '../schema/name-mapping.js'
import { IS_DELETED_FIELD } from '../schema/reserved-fields.js'
import { Schema } from '../schema/schema.js'
import type { NestedField, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { MetadataColumns } from './metadata-columns.js'
import { metadataFields, storedLineage } from './metadata-fields.js'

/** How planned files become rows. */
export interface ReadRequest {
  readonly io: FileIO
  readonly engine: ParquetEngine
  readonly metadata: TableMetadata
  /** The schema that the files were planned with. */
  readonly schema: Schema
  /** The columns to produce. */
  readonly projection: Schema
  /**
   * Metadata columns to produce after those, by name: `_file`, `_pos`, `_spec_id`, `_partition`, `_deleted`, `_row_id`,
   * `_last_updated_sequence_number`. With `_deleted`, deleted rows are kept and marked.
   */
  readonly metadataColumns?: readonly string[] | undefined
  readonly caseSensitive?: boolean | undefined
  /** Only the rows at these positions, where a single file is read. Parts of the file without any are passed over. */
  readonly wanted?: PositionBitmap | undefined
  /** At most this many rows a batch. */
  readonly batchRows?: number | undefined
  /** Stop after so many rows; those that are deleted do not count. */
  readonly limit?: number | undefined
  /** Files opened ahead of the one being read. Default: 1 where the first is small; a large one keeps every thread busy by itself. */
  readonly filesAhead?: number | undefined
  /** Loads deletes, and keeps them for further reads. Default: one for this read. */
  readonly deletes?: DeleteLoader | undefined
  readonly onRowGroup?: ((file: string, decision: RowGroupDecision) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** One file, or a part of one, with all that reading it takes. */
export interface ReadableFile {
  readonly filePath: string
  readonly fileFormat: 'parquet' | 'avro' | 'orc'
  readonly fileSizeBytes: number
  readonly specId: number
  readonly partition: readonly Value[]
  /** Data sequence number. */
  readonly sequenceNumber: bigint
  readonly firstRowId: bigint | undefined
  readonly split: { readonly offset: number; readonly length: number } | undefined
  readonly deletes: readonly AppliedDelete[]
  /** The snapshot whose deletes those are, see `DeleteTarget`. */
  readonly snapshotId?: string | undefined
  readonly residual: BoundExpression
}

/** Which columns of a file are decoded, and for what. */
interface ReadColumns {
  /** The projection's, then those that only the filter, deletes or metadata columns look at. */
  readonly read: Schema
  readonly hasMore: boolean
}

/** Reads the files of one request. */
export class FileReader {
  readonly #request: ReadRequest
  readonly #deletes: DeleteLoader
  readonly #nameMapping: NameMapping | undefined
  readonly #metadata: readonly NestedField[]
  readonly #stored: readonly NestedField[]
  readonly #schema: ArrowSchema
  readonly #constants = new Map<number, readonly { readonly index: number; readonly sourceId: number }[]>()

  /** @throws FloeError `INVALID` for metadata columns that there are not */
  constructor(request: ReadRequest) {
    const { io, engine, metadata, schema, projection, signal, metadataColumns = [] } = request
    this.#request = request
    this.#deletes = request.deletes ?? new DeleteLoader({ io, engine, metadata, schema, signal })
    const mapping = readText(metadata.properties, tableProperties.nameMapping)
    this.#nameMapping = mapping === undefined ? undefined : parseNameMapping(mapping)
    this.#metadata = metadataFields(metadataColumns, metadata, schema, projection)
    this.#stored = storedLineage(this.#metadata)
    this.#schema = arrowSchema([...projection.fields, ...this.#metadata])
  }

  /** The file's rows, without those that are deleted or that its residual rejects. */
  async *read(file: ReadableFile): AsyncGenerator<RecordBatch, void, undefined> {
    const { residual } = file
    if (residual.op === 'false') return
    const columns = this.#columnsOf(file)
    const loading = this.#load(file)
    const finish = this.#finisher(file, columns)
    const filter = residual.op === 'true' ? undefined : compileBatchFilter(residual, columns.read)
    let removal: Removal | undefined
    for await (const positioned of this.#batches(file, columns.read, true)) {
      removal ??= compileRemoval(await loading, columns.read)
      const found = finish(positioned, onlyWanted(this.#request.wanted, positioned, filter?.(positioned.batch)), removal)
      if (found.numRows > 0) yield found
    }
    await loading
  }

  /** Deletes are fetched while the file's first rows are. */
  #load(file: ReadableFile): Promise<FileDeletes | undefined> {
    if (file.deletes.length === 0) return Promise.resolve(undefined)
    const readColumns = (columns: Schema): AsyncIterable<PositionedBatch> => this.#batches({ ...file, split: undefined }, columns, false)
    const loading = this.#deletes.load({ ...file, readColumns }, file.deletes)
    loading.catch(() => undefined)
    return loading
  }

  #columnsOf(file: ReadableFile): ReadColumns {
    const { schema, projection } = this.#request
    const wanted = new Set(projection.fieldIds())
    const extra = [...filterFieldIds(file.residual)].filter((id) => !wanted.has(id))
    const filtered = extra.length === 0 ? projection : schema.projectIds([...wanted, ...extra])
    const added = [...this.#deletes.keyColumns(file.deletes), ...this.#stored]
    const read = added.length === 0 ? filtered : new Schema(mergeFields(filtered.fields, added), { schemaId: schema.schemaId })
    return { read, hasMore: read !== projection }
  }

  /** What is done with each batch once it is known which rows are selected. */
  #finisher(file: ReadableFile, { read, hasMore }: ReadColumns): FinishBatch {
    const { projection } = this.#request
    const narrow = hasMore ? batchProjector({ projection, source: arrowSchema(read), file: file.filePath }) : undefined
    if (this.#metadata.length === 0) {
      return ({ batch, firstPosition }, selected, remove) => {
        const mask = remove(batch, firstPosition, selected)
        const kept = mask === undefined ? batch : filterBatch(batch, mask)
        return narrow === undefined || kept.numRows === 0 ? kept : narrow.project(kept)
      }
    }
    const marks = this.#metadata.includes(IS_DELETED_FIELD)
    const partitionFieldIds = specOf(this.#request.metadata, file.specId, file.filePath).fields.map((field) => field.fieldId)
    const columns = new MetadataColumns(this.#metadata, { ...file, partitionFieldIds })
    const storedAt = this.#stored.map((field) => read.fields.findIndex((candidate) => candidate.id === field.id))
    return ({ batch, firstPosition }, filtered, remove) => {
      const live = remove(batch, firstPosition, filtered?.slice())
      const mask = marks ? filtered : live
      const selected = mask === undefined ? undefined : selectedRows(mask)
      const kept = mask === undefined ? batch : filterBatch(batch, mask)
      const all = columnsOf(kept)
      const stored = storedAt.map((at): Chunk => all[at]!)
      const deleted = marks && live !== undefined ? deletedFlags(live, selected) : undefined
      const rows = { count: kept.numRows, firstPosition, selected, deleted, stored }
      return columns.append(narrow === undefined ? kept : narrow.project(kept), this.#schema, rows)
    }
  }

  #batches(file: ReadableFile, projection: Schema, filtered: boolean): AsyncIterable<PositionedBatch> {
    const { io, engine, batchRows, signal, onRowGroup } = this.#request
    const { filePath: location, fileSizeBytes, split } = file
    const [nameMapping, constants] = [this.#nameMapping, this.#constantsOf(file)]
    const options = { io, location, fileSizeBytes, projection, nameMapping, constants, split, batchRows, signal }
    switch (file.fileFormat) {
      case 'parquet': {
        const tell = onRowGroup === undefined || !filtered ? undefined : (decision: RowGroupDecision) => onRowGroup(location, decision)
        const { wanted } = this.#request
        return engine.read({ ...options, ...(filtered ? { filter: file.residual, wanted } : {}), onRowGroup: tell })
      }
      case 'avro':
        return readAvro(options)
      case 'orc':
        throw new FloeError('UNSUPPORTED', 'This version reads no ORC files: read the table with another engine', { file: location })
    }
  }

  // Spec: Column Projection: values of identity partitions stand for columns that files of migrated tables lack
  #constantsOf(file: ReadableFile): ReadonlyMap<number, Value> {
    let fields = this.#constants.get(file.specId)
    if (fields === undefined) {
      fields = specOf(this.#request.metadata, file.specId, file.filePath).fields.flatMap((field, index) =>
        field.transform === 'identity' && field.sourceIds.length === 1 ? [{ index, sourceId: field.sourceIds[0]! }] : [],
      )
      this.#constants.set(file.specId, fields)
    }
    return new Map(fields.map(({ index, sourceId }) => [sourceId, file.partition[index] ?? null]))
  }
}

/** Loaded when the first Avro file is read: most tables have none. */
async function* readAvro(options: AvroReadOptions): AsyncGenerator<PositionedBatch, void, undefined> {
  const { readAvroDataFile } = await import('../avro-data/avro-data-file.js')
  yield* readAvroDataFile(options)
}

type FinishBatch = (positioned: PositionedBatch, filtered: RowMask | undefined, remove: Removal) => RecordBatch

/**
 * Takes deleted rows out of `mask`, which it may change; undefined stands for all rows, also in the result.
 */
type Removal = (batch: RecordBatch, firstPosition: number, mask: RowMask | undefined) => RowMask | undefined

function compileRemoval(deletes: FileDeletes | undefined, schema: Schema): Removal {
  if (deletes === undefined) return (_batch, _firstPosition, mask) => mask
  const { positions } = deletes
  const equality = deletes.equality.map((filter) => filter.bind(schema))
  return (batch, firstPosition, mask) => {
    const rows = batch.numRows
    let live = mask
    for (const bitmap of positions) {
      if (bitmap.countInRange(firstPosition, firstPosition + rows) === 0) continue
      live ??= fullMask(rows)
      bitmap.removeFrom(live, firstPosition, rows)
    }
    if (equality.length > 0) {
      live ??= fullMask(rows)
      for (const deselect of equality) deselect(batch, live)
    }
    return live
  }
}

/** Takes the rows out of `mask` that are not wanted; undefined stands for all rows. */
function onlyWanted(wanted: PositionBitmap | undefined, positioned: PositionedBatch, mask: RowMask | undefined): RowMask | undefined {
  if (wanted === undefined) return mask
  const { batch, firstPosition } = positioned
  const rows = batch.numRows
  if (wanted.countInRange(firstPosition, firstPosition + rows) === 0) return new Uint8Array(rows)
  const flags = fullMask(rows)
  wanted.removeFrom(flags, firstPosition, rows)
  if (mask === undefined) for (let row = 0; row < rows; row++) flags[row]! ^= 1
  else for (let row = 0; row < rows; row++) flags[row] = (flags[row]! ^ 1) & mask[row]!
  return flags
}

function deletedFlags(live: RowMask, selected: Uint32Array | undefined): Uint8Array {
  return selected === undefined ? live.map((flag) => flag ^ 1) : Uint8Array.from(selected, (row) => live[row]! ^ 1)
}

/** @throws FloeError `CORRUPT` for a spec that the table does not have */
export function specOf(metadata: TableMetadata, specId: number, file: string): PartitionSpec {
  const spec = metadata.partitionSpecs.find((candidate) => candidate.specId === specId)
  if (spec === undefined) throw new FloeError('CORRUPT', `The file has partition spec ${specId}, which the table does not have`, { file })
  return spec
}
