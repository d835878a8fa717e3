import { BatchBuilder } from '../../arrow/batch-builder.js'
import { columnByPath } from '../../arrow/column-by-path.js'
import { columnReader } from '../../arrow/column-reader.js'
import type { DmlContext } from '../../dml/dml-context.js'
import { newFiles } from '../../io/new-files.js'
import { metadataFileLocation } from '../../metadata/metadata-location.js'
import type { FormatVersion, PartitionStatisticsFile } from '../../metadata/table-metadata.js'
import { tableProperties } from '../../metadata/table-properties.js'
import { compareValues } from '../../schema/compare-values.js'
import { Decimal } from '../../schema/decimal.js'
import { printSchema } from '../../schema/schema-json.js'
import { Schema } from '../../schema/schema.js'
import type { NestedField, StructType, Type, Value } from '../../schema/type.js'
import { FloeError } from '../../util/errors.js'
import { printJson } from '../../util/json.js'
import { readWriteSettings } from '../../write/write-settings.js'
import { emptyCounts, statisticsPartitionType, type PartitionCounts } from './partition-counts.js'

const UNSORTED = { orderId: 0, fields: [] }
const BATCH_ROWS = 10_000
const PARTITION_ID = 1

type CountName = Exclude<keyof PartitionCounts, 'partition'>

/** Spec: Partition Statistics File. The members stand in the order of the columns. */
const COLUMNS: readonly (readonly [name: string, id: number, kind: 'int' | 'long', member: CountName])[] = [
  ['spec_id', 2, 'int', 'specId'],
  ['data_record_count', 3, 'long', 'dataRecordCount'],
  ['data_file_count', 4, 'int', 'dataFileCount'],
  ['total_data_file_size_in_bytes', 5, 'long', 'totalDataFileSizeBytes'],
  ['position_delete_record_count', 6, 'long', 'positionDeleteRecordCount'],
  ['position_delete_file_count', 7, 'int', 'positionDeleteFileCount'],
  ['equality_delete_record_count', 8, 'long', 'equalityDeleteRecordCount'],
  ['equality_delete_file_count', 9, 'int', 'equalityDeleteFileCount'],
  ['total_record_count', 10, 'long', 'totalRecordCount'],
  ['last_updated_at', 11, 'long', 'lastUpdatedAt'],
  ['last_updated_snapshot_id', 12, 'long', 'lastUpdatedSnapshotId'],
  ['dv_count', 13, 'int', 'dvCount'],
]
const ALWAYS_REQUIRED = 5
const NEVER_REQUIRED: ReadonlySet<number> = new Set([10, 11, 12])
const DV_COUNT_ID = 13

/** The schema of partition statistics. Source: `PartitionStatistics.schema` */
export function partitionStatisticsSchema(type: StructType, formatVersion: FormatVersion): Schema {
  const isV3 = formatVersion >= 3
  const partition: NestedField = { id: PARTITION_ID, name: 'partition', type, required: true }
  const columns = COLUMNS.filter(([, id]) => isV3 || id !== DV_COUNT_ID).map(([name, id, kind]): NestedField => {
    return { id, name, type: { kind }, required: id <= ALWAYS_REQUIRED || (isV3 && !NEVER_REQUIRED.has(id)) }
  })
  return new Schema([partition, ...columns])
}

/** Writes counts, which it sorts by partition. Source: `PartitionStatsHandler.writePartitionStatsFile` */
export async function writePartitionStatistics(
  snapshotId: bigint,
  counts: readonly PartitionCounts[],
  { loaded, engine, runtime, signal }: DmlContext & { readonly signal?: AbortSignal | undefined },
): Promise<PartitionStatisticsFile> {
  const { io, metadata } = loaded
  const type = statisticsPartitionType(metadata)
  const schema = partitionStatisticsSchema(type, metadata.formatVersion)
  // The table's data may be of a format that only others write.
  const properties = new Map([...metadata.properties, [tableProperties.defaultFileFormat.name, 'parquet']])
  const writer = engine.createWriter({
    ...readWriteSettings({ ...metadata, properties }, schema, UNSORTED).parquet,
    bloomFilters: undefined,
    io: newFiles(io),
    location: metadataFileLocation(metadata, `partition-stats-${snapshotId}-${runtime.uuid()}.parquet`),
    schema,
    keyValueMetadata: new Map([['iceberg.schema', printJson(printSchema(schema))]]),
    signal,
  })
  try {
    const builder = new BatchBuilder(schema)
    for (const row of inOrder(counts, type)) {
      builder.appendRow(rowOf(row, type, schema))
      if (builder.length >= BATCH_ROWS) await writer.write(builder.finish())
    }
    if (builder.length > 0) await writer.write(builder.finish())
    const { location, fileSizeBytes } = await writer.finish()
    return { snapshotId, statisticsPath: location, fileSizeBytes }
  } catch (error) {
    await writer.abort()
    throw error
  }
}

/** Reads the counts of a file, whatever version and specs it was written for. @throws FloeError `NOT_FOUND`, `CORRUPT` */
export async function readPartitionStatistics(
  file: PartitionStatisticsFile,
  { loaded, engine }: Pick<DmlContext, 'loaded' | 'engine'>,
  signal?: AbortSignal,
): Promise<PartitionCounts[]> {
  const { io, metadata } = loaded
  const { statisticsPath: location, fileSizeBytes } = file
  const type = statisticsPartitionType(metadata)
  const columns = COLUMNS.map(([name, id, kind]): NestedField => ({ id, name, type: { kind }, required: false }))
  const partition: NestedField = { id: PARTITION_ID, name: 'partition', type, required: false }
  const projection = new Schema([partition, ...columns])
  const rows: PartitionCounts[] = []
  for await (const { batch } of engine.read({ io, location, fileSizeBytes, projection, signal })) {
    const tuple = type.fields.map((field) => columnReader(columnByPath(projection, field.id)(batch), field.type))
    const members = COLUMNS.map(([, id, kind, member]) => ({ member, read: columnReader(columnByPath(projection, id)(batch), { kind }) }))
    for (let row = 0; row < batch.numRows; row++) {
      const values = members.map(({ member, read }) => [member, memberOf(member, read(row), location)] as const)
      const known = values.filter(([, value]) => value !== undefined)
      rows.push({ ...emptyCounts(0, tuple.map((read) => read(row))), ...Object.fromEntries(known) })
    }
  }
  return rows
}

const NEVER_NULL: ReadonlySet<CountName> = new Set(['specId', 'dataRecordCount', 'dataFileCount', 'totalDataFileSizeBytes'])

function memberOf(member: CountName, value: Value, file: string): number | bigint | undefined {
  if (value === null) {
    // What versions before 3 may leave out is zero; what is not known stays so.
    if (!NEVER_NULL.has(member)) return undefined
    throw new FloeError('CORRUPT', `The partition statistics lack ${member}: compute them again`, { file })
  }
  return member === 'lastUpdatedAt' ? Number(value) : (value as number | bigint)
}

/** Spec: Partition Statistics File › «sorted (in ascending manner with NULL FIRST) by partition» */
function inOrder(counts: readonly PartitionCounts[], type: StructType): PartitionCounts[] {
  const comparators = type.fields.map((field) => compareValues(field.type))
  return counts.toSorted((a, b) => {
    for (const [place, compare] of comparators.entries()) {
      const order = compare(a.partition[place]!, b.partition[place]!)
      if (order !== 0) return order
    }
    return a.specId - b.specId
  })
}

function rowOf(counts: PartitionCounts, type: StructType, schema: Schema): object {
  const partition = Object.fromEntries(type.fields.map((field, place) => [field.name, givenValue(field.type, counts.partition[place]!)]))
  const columns = COLUMNS.filter(([, id]) => schema.fieldById(id) !== undefined)
  const members = columns.map(([name, , , member]) => [name, counts[member] ?? null] as const)
  return { partition, ...Object.fromEntries(members) }
}

/** The form in which rows give a value. */
function givenValue(type: Type, value: Value): unknown {
  return type.kind === 'decimal' && typeof value === 'bigint' ? new Decimal(value, type.scale) : value
}
