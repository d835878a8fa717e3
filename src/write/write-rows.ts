import type { FileIO } from '../io/file-io.js'
import type { DataFile } from '../manifest/data-file.js'
import { locationProvider } from '../metadata/location-provider.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { ParquetEngine } from '../parquet/parquet-engine.js'
import { partitionPathPrinter } from '../partition/partition-path.js'
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import { printSchema } from '../schema/schema-json.js'
import type { Schema } from '../schema/schema.js'
import { printJson } from '../util/json.js'
import type { Runtime } from '../util/runtime.js'
import { EncodedRatio } from './encoded-ratio.js'
import { FanoutWriter } from './fanout-writer.js'
import type { WriteInput } from './input-items.js'
import { type InputOptions, inputBatches } from './input-rows.js'
import { type FileWriterContext, PartitionFileWriter } from './partition-file-writer.js'
import { RowPartitioner } from './partition-rows.js'
import { readWriteSettings } from './write-settings.js'

export interface WriteRowsRequest extends InputOptions {
  readonly io: FileIO
  readonly engine: ParquetEngine
  readonly metadata: TableMetadata
  readonly runtime: Runtime
  /** Bytes of rows held in memory over all partitions. Default 256 MiB. */
  readonly memoryBudgetBytes?: number | undefined
  /** Data files open at once. Default 256. */
  readonly maxOpenFiles?: number | undefined
  /** Called after every batch with the rows written so far. */
  readonly onProgress?: ((progress: WriteProgress) => void) | undefined
}

export interface WriteProgress {
  readonly rows: number
}

export interface WrittenFiles {
  readonly files: readonly DataFile[]
  readonly recordCount: number
}

const DEFAULT_MEMORY_BUDGET_BYTES = 256 * 2 ** 20
const DEFAULT_MAX_OPEN_FILES = 256

/**
 * Writes rows into data files of the table's current schema, spec and sort order. Nothing is committed: the files are
 * the caller's to commit or delete. When it fails, what was written is removed.
 */
export async function writeRows(input: WriteInput, request: WriteRowsRequest): Promise<WrittenFiles> {
  const context = fileWriterContext(request)
  const fanout = new FanoutWriter(new RowPartitioner(context.spec, context.schema), {
    memoryBudgetBytes: request.memoryBudgetBytes ?? DEFAULT_MEMORY_BUDGET_BYTES,
    maxOpenFiles: request.maxOpenFiles ?? DEFAULT_MAX_OPEN_FILES,
    openWriter: (partition) => new PartitionFileWriter(context, partition),
  })
  let rows = 0
  try {
    for await (const batch of inputBatches(input, context.schema, request)) {
      await fanout.write(batch)
      rows += batch.numRows
      request.onProgress?.({ rows })
    }
    return { files: await fanout.close(), recordCount: rows }
  } catch (error) {
    await fanout.abort()
    throw error
  }
}

function fileWriterContext(request: WriteRowsRequest): FileWriterContext {
  const { metadata, io, engine, runtime, signal } = request
  const schema = currentOf(metadata.schemas, (candidate) => candidate.schemaId === metadata.currentSchemaId)
  const spec = currentOf(metadata.partitionSpecs, (candidate) => candidate.specId === metadata.defaultSpecId)
  const sortOrder = currentOf(metadata.sortOrders, (candidate) => candidate.orderId === metadata.defaultSortOrderId)
  return {
    engine,
    io,
    schema,
    spec,
    sortOrder,
    settings: readWriteSettings(metadata, schema, sortOrder),
    newLocation: newLocations(metadata, spec, schema, runtime),
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

function currentOf<T extends Schema | PartitionSpec | SortOrder>(candidates: readonly T[], isCurrent: (candidate: T) => boolean): T {
  // Metadata is validated when it is parsed: the current ones exist.
  return candidates.find(isCurrent)!
}
