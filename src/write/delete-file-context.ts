import { ENGINE_NAME, ENGINE_VERSION } from '../commit/engine.js'
import type { FileIO } from '../io/file-io.js'
import { locationProvider } from '../metadata/location-provider.js'
import { schemaById, specById } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { tableProperties } from '../metadata/table-properties.js'
import type { ParquetEngine } from '../parquet/parquet-engine.js'
import { partitionPathPrinter } from '../partition/partition-path.js'
import type { SortOrder } from '../partition/partition-spec.js'
import type { Schema } from '../schema/schema.js'
import type { Value } from '../schema/type.js'
import type { Runtime } from '../util/runtime.js'
import { readWriteSettings, type WriteSettings } from './write-settings.js'

/** What the writers of delete files and vectors need. They commit nothing, and remove what they wrote when they fail. */
export interface DeleteWriteContext {
  readonly io: FileIO
  readonly engine: ParquetEngine
  readonly metadata: TableMetadata
  readonly runtime: Runtime
  readonly signal?: AbortSignal | undefined
}

/** How files say who wrote them. */
export const CREATED_BY = `${ENGINE_NAME} ${ENGINE_VERSION}`

/** A partition of one of the table's specs. */
export interface SpecPartition {
  readonly specId: number
  readonly partition: readonly Value[]
}

const DELETE_FORMAT_PROPERTY = 'write.delete.format.default'
const DELETE_PARQUET_PREFIX = 'write.delete.parquet.'
const PARQUET_PREFIX = 'write.parquet.'
const BLOOM_FILTER_PREFIX = 'write.parquet.bloom-filter-'

/**
 * Locations for the delete files of one operation; without a partition, in the data folder itself.
 * Names are those of the reference's `OutputFileFactory` with the suffix `deletes`.
 */
export function newDeleteLocations(
  { metadata, runtime }: Pick<DeleteWriteContext, 'metadata' | 'runtime'>,
  extension: 'parquet' | 'puffin',
): (partition?: SpecPartition) => string {
  const locations = locationProvider(metadata)
  const operationId = runtime.uuid()
  const printers = new Map<number, (partition: readonly Value[]) => string>()
  const pathOf = ({ specId, partition }: SpecPartition): string => {
    const printer = printers.get(specId) ?? partitionPathPrinter(specById(metadata, specId), schemaById(metadata, metadata.currentSchemaId))
    printers.set(specId, printer)
    return printer(partition)
  }
  let count = 0
  return (partition) => {
    const name = `00000-0-${operationId}-${String(++count).padStart(5, '0')}-deletes.${extension}`
    return locations.dataLocation(name, partition === undefined ? undefined : pathOf(partition))
  }
}

/**
 * The settings of delete files: those of data files, but where a property `write.delete.…` says otherwise; no bloom filters.
 * Source: Java `Parquet.WriteBuilder.Context.deleteContext`
 *
 * @throws FloeError `INVALID`, `UNSUPPORTED` as {@link readWriteSettings} does
 */
export function readDeleteSettings(metadata: TableMetadata, schema: Schema, sortOrder: SortOrder): WriteSettings {
  const properties = new Map<string, string>()
  for (const [name, value] of metadata.properties) if (!name.startsWith(BLOOM_FILTER_PREFIX)) properties.set(name, value)
  for (const [name, value] of metadata.properties) {
    if (name.startsWith(DELETE_PARQUET_PREFIX)) properties.set(PARQUET_PREFIX + name.slice(DELETE_PARQUET_PREFIX.length), value)
  }
  const format = metadata.properties.get(DELETE_FORMAT_PROPERTY)
  if (format !== undefined) properties.set(tableProperties.defaultFileFormat.name, format)
  const { deleteTargetFileSizeBytes: target } = tableProperties
  properties.set(tableProperties.targetFileSizeBytes.name, properties.get(target.name) ?? String(target.defaultValue))
  return readWriteSettings({ ...metadata, properties }, schema, sortOrder)
}
