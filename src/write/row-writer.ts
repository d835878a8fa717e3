import type { RecordBatch } from 'apache-arrow'
import type { FileIO } from '../io/file-io.js'
import type { DataFile } from '../manifest/data-file.js'
import { locationProvider } from '../metadata/location-provider.js'
import { currentSchema, defaultSortOrder, defaultSpec } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { ParquetEngine } from '../parquet/parquet-engine.js'
import { partitionPathPrinter } from '../partition/partition-path.js'
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import { LAST_UPDATED_SEQUENCE_NUMBER_FIELD, ROW_ID_FIELD } from '../schema/reserved-fields.js'
import { printSchema } from '../schema/schema-json.js'
import { Schema } from '../schema/schema.js'
import type { Value } from '../schema/type.js'
import { printJson } from '../util/json.js'
import type { Runtime } from '../util/runtime.js'
import { EncodedRatio } from './encoded-ratio.js'
import { FanoutWriter } from './fanout-writer.js'
import { type FileSizes, type FileWriterContext, PartitionFileWriter } from './partition-file-writer.js'
import { RowPartitioner } from './partition-rows.js'
import { readWriteSettings } from './write-settings.js'

export interface RowWriterRequest {
  readonly io: FileIO
  readonly engine: ParquetEngine
  readonly metadata: TableMetadata
  readonly runtime: Runtime
  /** Bytes of rows held in memory over all partitions. Default 256 MiB. */
  readonly memoryBudgetBytes?: number | undefined
  /** Data files open at once. Default 256. */
  readonly maxOpenFiles?: number | undefined
  /**
   * Batches carry `_row_id` and `_last_updated_sequence_number` after the table's columns, and the files store them under
   * their reserved ids: a null inherits. Spec: Row Lineage. Default false.
   */
  readonly rowLineage?: boolean | undefined
  /** Rows come in the order that they are to have in the files, which claim this one of the table's. Default: rows are sorted here. */
  readonly orderedBy?: SortOrder | undefined
  /** All rows belong to this partition of the table's spec. Default: each row's is computed. */
  readonly partition?: readonly Value[] | undefined
  /** When files end. Default: at the table's target size. */
  readonly fileSizes?: FileSizes | undefined
  readonly signal?: AbortSignal | undefined
}

const DEFAULT_MEMORY_BUDGET_BYTES = 256 * 2 ** 20
const DEFAULT_MAX_OPEN_FILES = 256

/**
 * Writes batches into data files of the table's current schema, spec and sort order. Nothing is committed: the files are the
 * caller's to commit or delete.
 */
export class RowWriter {
  /** The columns that batches must have, in canonical types: the table's, and those of row lineage where they are stored. */
  readonly schema: Schema
  readonly #writer: FanoutWriter | PartitionFileWriter
  #rows = 0

  /** @throws FloeError `INVALID` or `UNSUPPORTED` when the table's spec or properties cannot be written with */
  constructor(request: RowWriterRequest) {
    const context = fileWriterContext(request)
    this.schema = context.schema
    if (request.partition !== undefined && request.orderedBy !== undefined) {
      this.#writer = new PartitionFileWriter(context, request.partition)
      return
    }
    this.#writer = new FanoutWriter(new RowPartitioner(context.spec, context.schema), {
      memoryBudgetBytes: request.memoryBudgetBytes ?? DEFAULT_MEMORY_BUDGET_BYTES,
      maxOpenFiles: request.maxOpenFiles ?? DEFAULT_MAX_OPEN_FILES,
      openWriter: (partition) => new PartitionFileWriter(context, partition),
    })
  }

  /** Rows written so far. */
  get rows(): number {
    return this.#rows
  }

  async write(batch: RecordBatch): Promise<void> {
    await this.#writer.write(batch)
    this.#rows += batch.numRows
  }

  /** Finishes every file. The files are listed in order of their partitions' first sight. */
  close(): Promise<readonly DataFile[]> {
    return this.#writer.close()
  }

  /** Stops, and removes what was written. */
  abort(): Promise<void> {
    return this.#writer.abort()
  }
}

/** A table's columns followed by those of row lineage. Source: `MetadataColumns.schemaWithRowLineage` */
export function withRowLineage(schema: Schema): Schema {
  const { schemaId, identifierFieldIds, unknownFields } = schema
  const fields = [...schema.fields, ROW_ID_FIELD, LAST_UPDATED_SEQUENCE_NUMBER_FIELD]
  return new Schema(fields, { schemaId, identifierFieldIds, unknownFields })
}

function fileWriterContext(request: RowWriterRequest): FileWriterContext {
  const { metadata, io, engine, runtime, signal } = request
  const tableSchema = currentSchema(metadata)
  const schema = request.rowLineage === true ? withRowLineage(tableSchema) : tableSchema
  const spec = defaultSpec(metadata)
  const sortOrder = defaultSortOrder(metadata)
  return {
    engine,
    io,
    schema,
    spec,
    sortOrder: request.orderedBy ?? sortOrder,
    sortsRows: request.orderedBy === undefined,
    fileSizes: request.fileSizes,
    settings: readWriteSettings(metadata, tableSchema, sortOrder),
    newLocation: newLocations(metadata, spec, tableSchema, runtime),
    keyValueMetadata: new Map([['iceberg.schema', printJson(printSchema(schema))]]),
    encodedRatio: new EncodedRatio(),
    signal,
  }
}

// Names as the reference's `OutputFileFactory` makes them: partition 0, task 0, one id per operation, a running number.
function newLocations(metadata: TableMetadata, spec: PartitionSpec, schema: Schema, runtime: Runtime): FileWriterContext['newLocation'] {
  const locations = locationProvider(metadata)
  const pathOf = partitionPathPrinter(spec, schema)
  const operationId = runtime.uuid()
  let count = 0
  return (partition) => locations.dataLocation(`00000-0-${operationId}-${String(++count).padStart(5, '0')}.parquet`, pathOf(partition))
}
