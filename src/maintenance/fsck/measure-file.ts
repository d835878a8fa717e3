import type { RecordBatch } from 'apache-arrow'
import { concatBatches } from '../../arrow/concat-batches.js'
import { sortPermutation } from '../../arrow/sort-batches.js'
import { sliceBatch } from '../../arrow/take.js'
import type { DataFile } from '../../manifest/data-file.js'
import { specById } from '../../metadata/metadata-lookup.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { readText, tableProperties } from '../../metadata/table-properties.js'
import { ColumnMetricsCollector, type ColumnMetrics } from '../../parquet/column-metrics.js'
import type { PositionedBatch } from '../../parquet/parquet-engine.js'
import { parseFileSchema, withFieldIds, type ParquetNode } from '../../parquet/parquet-schema.js'
import { readFooter } from '../../parquet/read-footer.js'
import { partitionKey } from '../../partition/partition-key.js'
import type { PartitionSpec, SortOrder } from '../../partition/partition-spec.js'
import { parseNameMapping, type NameMapping } from '../../schema/name-mapping.js'
import { DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD } from '../../schema/reserved-fields.js'
import { Schema } from '../../schema/schema.js'
import type { Value } from '../../schema/type.js'
import { FloeError } from '../../util/errors.js'
import { RowPartitioner } from '../../write/partition-rows.js'
import type { FsckTable } from './fsck-context.js'
import { wholeSchema } from './whole-schema.js'

/** What the rows of a file say of themselves. */
export interface MeasuredFile {
  /** What it was read with. */
  readonly schema: Schema
  readonly rows: number
  readonly metrics: ColumnMetrics
  /** A partition that some row is of, and the file is not. */
  readonly strayPartition: readonly Value[] | undefined
  /** Whether rows follow the order that the entry claims; undefined: it claims none that can be checked. */
  readonly isSorted: boolean | undefined
}

/** Reads all rows of a data or delete file. @throws FloeError `CORRUPT`, `NOT_FOUND`, `UNSUPPORTED` */
export async function measureFile(table: FsckTable, file: DataFile, signal: AbortSignal | undefined): Promise<MeasuredFile> {
  const { metadata } = table.loaded
  const schema = measuredSchema(metadata, file)
  const spec = specById(metadata, file.specId)
  const collector = new ColumnMetricsCollector(schema)
  const partitions = file.content === 'data' ? partitionCheck(file, spec, schema) : undefined
  const order = file.content === 'data' ? orderCheck(metadata, file, schema) : undefined
  let rows = 0
  for await (const { batch } of readFileColumns(table, file, schema, signal)) {
    rows += batch.numRows
    collector.add(batch)
    partitions?.add(batch)
    order?.add(batch)
  }
  return { schema, rows, metrics: collector.finish(), strayPartition: partitions?.stray, isSorted: order?.isSorted }
}

/** The columns that a file is measured by. */
function measuredSchema(metadata: TableMetadata, file: DataFile): Schema {
  if (file.content === 'position-deletes') return new Schema([DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD])
  const whole = wholeSchema(metadata)
  return file.content === 'data' ? whole : whole.projectIds(file.equalityIds ?? [])
}

/** What reading a file takes of its entry. */
export type ReadableContent = Pick<DataFile, 'content' | 'filePath' | 'fileFormat' | 'fileSizeBytes' | 'specId' | 'partition'>

/** All rows of a data or delete file, deletes not applied, with the columns of `schema`. @throws FloeError `UNSUPPORTED` for ORC */
export async function* readFileColumns(
  table: FsckTable,
  file: ReadableContent,
  schema: Schema,
  signal: AbortSignal | undefined,
): AsyncGenerator<PositionedBatch, void, undefined> {
  const { metadata, io } = table.loaded
  const { filePath: location, fileSizeBytes, fileFormat } = file
  const mapping = readText(metadata.properties, tableProperties.nameMapping)
  const nameMapping = mapping === undefined ? undefined : parseNameMapping(mapping)
  const constants = file.content === 'data' ? await missingConstants(table, file, nameMapping) : new Map<number, Value>()
  const read = { io, location, fileSizeBytes, projection: schema, nameMapping, constants, signal }
  if (fileFormat === 'parquet') yield* table.engine.read(read)
  else if (fileFormat === 'avro') {
    const { readAvroDataFile } = await import('../../avro-data/avro-data-file.js')
    yield* readAvroDataFile(read)
  } else throw new FloeError('UNSUPPORTED', `Rows of ${fileFormat} files are not read by this version`, { file: location })
}

/**
 * The values of identity partitions for columns that a file lacks, as those of migrated tables do; what a file has is measured.
 * Spec: Column Projection, first rule
 */
async function missingConstants(
  table: FsckTable,
  file: ReadableContent,
  nameMapping: NameMapping | undefined,
): Promise<ReadonlyMap<number, Value>> {
  const spec = specById(table.loaded.metadata, file.specId)
  const identities = spec.fields.flatMap(({ transform, sourceIds }, i) => (transform === 'identity' ? [[sourceIds[0]!, file.partition[i] ?? null] as const] : []))
  if (identities.length === 0 || file.fileFormat !== 'parquet') return new Map()
  const footer = await readFooter({ io: table.loaded.io, location: file.filePath, fileSizeBytes: file.fileSizeBytes })
  const present = new Set<number>()
  const visit = (node: ParquetNode): void => {
    if (node.fieldId !== undefined) present.add(node.fieldId)
    if (node.kind === 'struct') node.fields.forEach(visit)
  }
  withFieldIds(parseFileSchema(footer.schema), nameMapping).fields.forEach(visit)
  return new Map(identities.filter(([id]) => !present.has(id)))
}

interface BatchCheck {
  add(batch: RecordBatch): void
}

class PartitionCheck implements BatchCheck {
  stray: readonly Value[] | undefined
  readonly #partitioner: RowPartitioner
  readonly #key: string

  constructor(file: DataFile, spec: PartitionSpec, schema: Schema) {
    this.#partitioner = new RowPartitioner(spec, schema)
    this.#key = partitionKey(file.partition)
  }

  add(batch: RecordBatch): void {
    if (this.stray !== undefined) return
    this.stray = this.#partitioner.group(batch).find(({ partition }) => partitionKey(partition) !== this.#key)?.partition
  }
}

/** Undefined for specs that nobody can evaluate, or whose columns are all gone. */
function partitionCheck(file: DataFile, spec: PartitionSpec, schema: Schema): PartitionCheck | undefined {
  // A void field of an evolved spec may hold what was there before.
  if (spec.fields.length === 0 || spec.fields.some(({ transform }) => transform === 'void')) return undefined
  try {
    return new PartitionCheck(file, spec, schema)
  } catch (error) {
    if (error instanceof FloeError) return undefined
    throw error
  }
}

class OrderCheck implements BatchCheck {
  isSorted: boolean | undefined = true
  #last: RecordBatch | undefined

  constructor(
    private readonly order: SortOrder,
    private readonly schema: Schema,
  ) {}

  add(batch: RecordBatch): void {
    if (this.isSorted !== true || batch.numRows === 0) return
    try {
      const seam = this.#last === undefined ? undefined : concatBatches([this.#last, sliceBatch(batch, 0, 1)])
      const inOrder = (rows: RecordBatch): boolean => sortPermutation(rows, this.schema, this.order) === undefined
      this.isSorted = inOrder(batch) && (seam === undefined || inOrder(seam))
      this.#last = sliceBatch(batch, batch.numRows - 1, 1)
    } catch (error) {
      if (!(error instanceof FloeError)) throw error
      this.isSorted = undefined
    }
  }
}

/** Undefined for files that claim no order, or one that this table, or this version, does not know. */
function orderCheck(metadata: TableMetadata, { sortOrderId }: DataFile, schema: Schema): OrderCheck | undefined {
  const order = metadata.sortOrders.find((candidate) => candidate.orderId === sortOrderId)
  return order === undefined || order.fields.length === 0 ? undefined : new OrderCheck(order, schema)
}
