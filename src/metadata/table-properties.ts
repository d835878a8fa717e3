/** The table properties that this package reads, with the reference's names and defaults. */
import { FloeError } from '../util/errors.js'

type Properties = ReadonlyMap<string, string>

/** A property that holds an integer in `[min, max]`. */
export interface IntegerProperty {
  readonly name: string
  readonly defaultValue: number
  readonly min: number
  readonly max: number
}

export interface BooleanProperty {
  readonly name: string
  readonly defaultValue: boolean
}

/** A property that holds free text, or one of `values`, which are compared without regard to case. */
export interface TextProperty {
  readonly name: string
  readonly defaultValue: string | undefined
  readonly values?: readonly string[]
}

const INT_MAX = 2 ** 31 - 1
const LONG_MAX = Number.MAX_SAFE_INTEGER

const integer = (name: string, defaultValue: number, min: number, max: number): IntegerProperty => ({ name, defaultValue, min, max })
const flag = (name: string, defaultValue: boolean): BooleanProperty => ({ name, defaultValue })
const text = (name: string, defaultValue?: string, values?: readonly string[]): TextProperty =>
  values === undefined ? { name, defaultValue } : { name, defaultValue, values }

const DAY_MS = 24 * 60 * 60 * 1000
const MIB = 2 ** 20
const ISOLATION_LEVELS = ['serializable', 'snapshot']
const WRITE_MODES = ['copy-on-write', 'merge-on-read']

/** Source: the reference's `TableProperties`. Durations in milliseconds, sizes in bytes. */
export const tableProperties = {
  // -1 is what some engines write for «none»; it means a single attempt, never zero.
  commitRetries: integer('commit.retry.num-retries', 4, -1, INT_MAX),
  commitRetryMinWaitMs: integer('commit.retry.min-wait-ms', 100, 0, INT_MAX),
  commitRetryMaxWaitMs: integer('commit.retry.max-wait-ms', 60_000, 0, INT_MAX),
  commitRetryTotalMs: integer('commit.retry.total-timeout-ms', 30 * 60_000, 0, INT_MAX),
  statusChecks: integer('commit.status-check.num-retries', 3, -1, INT_MAX),
  statusCheckMinWaitMs: integer('commit.status-check.min-wait-ms', 1000, 0, LONG_MAX),
  statusCheckMaxWaitMs: integer('commit.status-check.max-wait-ms', 60_000, 0, LONG_MAX),
  statusCheckTotalMs: integer('commit.status-check.total-timeout-ms', 30 * 60_000, 0, LONG_MAX),
  manifestTargetSizeBytes: integer('commit.manifest.target-size-bytes', 8 * MIB, 1, LONG_MAX),
  manifestMinMergeCount: integer('commit.manifest.min-count-to-merge', 100, 0, INT_MAX),
  manifestMergeEnabled: flag('commit.manifest-merge.enabled', true),
  snapshotIdInheritance: flag('compatibility.snapshot-id-inheritance.enabled', false),
  manifestCompression: text('write.manifest.compression-codec', 'gzip'),
  metadataCompression: text('write.metadata.compression-codec', 'none', ['none', 'gzip']),
  metadataPreviousVersionsMax: integer('write.metadata.previous-versions-max', 100, 0, INT_MAX),
  metadataDeleteAfterCommit: flag('write.metadata.delete-after-commit.enabled', false),
  metadataPath: text('write.metadata.path'),
  dataPath: text('write.data.path'),
  objectStorageEnabled: flag('write.object-storage.enabled', false),
  objectStoragePartitionedPaths: flag('write.object-storage.partitioned-paths', true),
  partitionSummaryLimit: integer('write.summary.partition-limit', 0, 0, INT_MAX),
  defaultFileFormat: text('write.format.default', 'parquet', ['parquet', 'avro', 'orc']),
  targetFileSizeBytes: integer('write.target-file-size-bytes', 512 * MIB, 1, LONG_MAX),
  deleteTargetFileSizeBytes: integer('write.delete.target-file-size-bytes', 64 * MIB, 1, LONG_MAX),
  parquetRowGroupSizeBytes: integer('write.parquet.row-group-size-bytes', 128 * MIB, 1, LONG_MAX),
  parquetPageSizeBytes: integer('write.parquet.page-size-bytes', MIB, 1, LONG_MAX),
  parquetDictSizeBytes: integer('write.parquet.dict-size-bytes', 2 * MIB, 1, LONG_MAX),
  parquetCompression: text('write.parquet.compression-codec', 'gzip'),
  parquetCompressionLevel: text('write.parquet.compression-level'),
  metricsDefault: text('write.metadata.metrics.default', 'truncate(16)'),
  metricsMaxInferredColumns: integer('write.metadata.metrics.max-inferred-column-defaults', 100, 0, INT_MAX),
  nameMapping: text('schema.name-mapping.default'),
  splitTargetSizeBytes: integer('read.split.target-size', 128 * MIB, 1, LONG_MAX),
  splitLookback: integer('read.split.planning-lookback', 10, 1, INT_MAX),
  splitOpenFileCostBytes: integer('read.split.open-file-cost', 4 * MIB, 0, LONG_MAX),
  gcEnabled: flag('gc.enabled', true),
  maxSnapshotAgeMs: integer('history.expire.max-snapshot-age-ms', 5 * DAY_MS, 0, LONG_MAX),
  minSnapshotsToKeep: integer('history.expire.min-snapshots-to-keep', 1, 1, INT_MAX),
  wapEnabled: flag('write.wap.enabled', false),
  deleteMode: text('write.delete.mode', 'copy-on-write', WRITE_MODES),
  updateMode: text('write.update.mode', 'copy-on-write', WRITE_MODES),
  mergeMode: text('write.merge.mode', 'copy-on-write', WRITE_MODES),
  deleteIsolation: text('write.delete.isolation-level', 'serializable', ISOLATION_LEVELS),
  updateIsolation: text('write.update.isolation-level', 'serializable', ISOLATION_LEVELS),
  mergeIsolation: text('write.merge.isolation-level', 'serializable', ISOLATION_LEVELS),
  deleteGranularity: text('write.delete.granularity', 'partition', ['partition', 'file']),
  encryptionKeyId: text('encryption.key-id'),
} as const

/** `history.expire.max-ref-age-ms`: milliseconds, or `undefined` for ever, which is the default. Throws `INVALID`. */
export function readMaxRefAgeMs(properties: Properties): number | undefined {
  const name = 'history.expire.max-ref-age-ms'
  // The reference's «for ever» is the largest 64-bit number, which is no safe integer.
  if (properties.get(name)?.trim() === '9223372036854775807') return undefined
  return properties.has(name) ? readInteger(properties, integer(name, LONG_MAX, 1, LONG_MAX)) : undefined
}

/** Prefix of the per-column metrics modes; the column's dotted name follows. */
export const METRICS_COLUMN_PREFIX = 'write.metadata.metrics.column.'

/** Names that steer a request and are never kept among a table's properties. Source: `TableProperties.RESERVED_PROPERTIES` */
export const RESERVED_PROPERTIES: ReadonlySet<string> = new Set([
  'format-version',
  'uuid',
  'snapshot-count',
  'current-snapshot-id',
  'current-snapshot-summary',
  'current-snapshot-timestamp-ms',
  'current-schema',
  'default-partition-spec',
  'default-sort-order',
])

/** The integer value of `property`, or its default when absent. Throws `INVALID`, naming the property, for anything else. */
export function readInteger(properties: Properties, property: IntegerProperty): number {
  const raw = properties.get(property.name)
  if (raw === undefined) return property.defaultValue
  const value = /^[+-]?\d{1,19}$/.test(raw.trim()) ? Number(raw) : Number.NaN
  if (!Number.isSafeInteger(value) || value < property.min || value > property.max) {
    throw invalidProperty(property.name, raw, `an integer from ${property.min} to ${property.max}`)
  }
  return value
}

/** The boolean value of `property`, or its default when absent. Throws `INVALID` for anything but `true` and `false`. */
export function readBoolean(properties: Properties, property: BooleanProperty): boolean {
  const raw = properties.get(property.name)
  if (raw === undefined) return property.defaultValue
  const lower = raw.trim().toLowerCase()
  if (lower === 'true') return true
  if (lower === 'false') return false
  throw invalidProperty(property.name, raw, '`true` or `false`')
}

/** The text of `property`, lower-cased where it is one of a list. Throws `INVALID` for a value outside the list. */
export function readText(properties: Properties, property: TextProperty & { readonly defaultValue: string }): string
export function readText(properties: Properties, property: TextProperty): string | undefined
export function readText(properties: Properties, property: TextProperty): string | undefined {
  const raw = properties.get(property.name)
  if (raw === undefined) return property.defaultValue
  if (property.values === undefined) return raw
  const lower = raw.trim().toLowerCase()
  if (!property.values.includes(lower)) throw invalidProperty(property.name, raw, `one of ${property.values.join(', ')}`)
  return lower
}

function invalidProperty(name: string, value: string, expected: string): FloeError {
  const given = JSON.stringify(value)
  return new FloeError('INVALID', `table property ${name} is ${given}, but must be ${expected}: set or remove the property`)
}

/** Throws `INVALID` unless the commit properties of a new table are integers from 0. Source: `PropertyUtil.validateCommitProperties` */
export function validateCommitProperties(properties: Properties): void {
  const { commitRetries, commitRetryMinWaitMs, commitRetryMaxWaitMs, commitRetryTotalMs } = tableProperties
  for (const property of [commitRetries, commitRetryMinWaitMs, commitRetryMaxWaitMs, commitRetryTotalMs]) {
    readInteger(properties, { ...property, min: 0 })
  }
}
