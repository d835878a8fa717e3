/** Table metadata as JSON, format versions 1, 2 and 3. Spec: Appendix C › Table Metadata and Snapshots. Source: `TableMetadataParser` */
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import { parsePartitionFields, parsePartitionSpec, printPartitionFields, printPartitionSpec } from '../partition/partition-spec-json.js'
import { parseSortOrder, printSortOrder } from '../partition/sort-order-json.js'
import type { Schema } from '../schema/schema.js'
import { printSchema, schemaOfObject } from '../schema/schema-json.js'
import type { SnapshotLogEntry, SnapshotRef } from '../snapshot/snapshot.js'
import {
  parseSnapshot,
  parseSnapshotLogEntry,
  parseSnapshotRef,
  printSnapshot,
  printSnapshotLogEntry,
  printSnapshotRef,
  printSnapshotText,
} from '../snapshot/snapshot-json.js'
import { MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import { gunzip } from '../util/compression.js'
import { concatenate } from '../util/concatenate.js'
import { FloeError } from '../util/errors.js'
import { JsonObject, parseJson, printJson, type JsonMembers, type JsonValue } from '../util/json.js'
import { decodeUtf8 } from '../util/utf8.js'
import { stripTrailingSlash } from './location.js'
import { currentSchema, defaultSpec } from './metadata-lookup.js'
import { ListPrinter } from './printed-lists.js'
import { parsePartitionStatisticsFile, parseStatisticsFile, printPartitionStatisticsFile, printStatisticsFile } from './statistics-json.js'
import { lastAssignedFieldId, UNPARTITIONED_LAST_ID } from './structure-rules.js'
import type { FormatVersion, MetadataLogEntry, TableMetadata } from './table-metadata.js'
import { findMetadataProblem } from './validate-metadata.js'

export interface ParseTableMetadataOptions {
  /** Where the bytes were read, for errors. */
  readonly location?: string | undefined
  /** Most bytes that gzipped metadata may inflate to. Default 256 MiB. */
  readonly maxInflatedBytes?: number | undefined
}

const DEFAULT_MAX_INFLATED_BYTES = 256 * 2 ** 20
const UNSORTED: SortOrder = { orderId: 0, fields: [] }

const METADATA_MEMBERS: ReadonlySet<string> = new Set([
  'format-version',
  'table-uuid',
  'location',
  'last-sequence-number',
  'last-updated-ms',
  'last-column-id',
  'schema',
  'current-schema-id',
  'schemas',
  'partition-spec',
  'default-spec-id',
  'partition-specs',
  'last-partition-id',
  'default-sort-order-id',
  'sort-orders',
  'properties',
  'current-snapshot-id',
  'next-row-id',
  'encryption-keys',
  'refs',
  'snapshots',
  'statistics',
  'partition-statistics',
  'snapshot-log',
  'metadata-log',
])

/**
 * Parses a `*.metadata.json`, gzipped or not, whatever its name says.
 * Throws `CORRUPT`, naming the file and the JSON path, for what breaks the format, and `UNSUPPORTED` for a later version of it.
 */
export function parseTableMetadata(input: Uint8Array | string, options: ParseTableMetadataOptions = {}): TableMetadata {
  const text = typeof input === 'string' ? input : decodeText(input, options)
  return tableMetadataFromJson(parseJson(text, { source: options.location }), options.location)
}

/** As {@link parseTableMetadata}, of a value that is part of a larger document, such as a catalog's response. */
export function tableMetadataFromJson(value: JsonValue, location?: string): TableMetadata {
  const json = JsonObject.of(value, '$', location)
  const formatVersion = parseFormatVersion(json, location)
  const schemas = parseSchemas(json, formatVersion)
  const specs = parseSpecs(json, formatVersion)
  const orders = parseSortOrders(json, formatVersion)
  const currentSnapshotId = parseCurrentSnapshotId(json)
  const metadata: TableMetadata = Object.freeze({
    formatVersion,
    tableUuid: json.optionalString('table-uuid'),
    location: parseLocation(json),
    lastSequenceNumber: formatVersion === 1 ? 0n : json.requireLong('last-sequence-number'),
    lastUpdatedMs: json.requireSafeInteger('last-updated-ms'),
    lastColumnId: json.requireInt('last-column-id'),
    ...schemas,
    ...specs,
    lastPartitionId: parseLastPartitionId(json, formatVersion, specs.partitionSpecs),
    ...orders,
    properties: json.optionalStringMap('properties') ?? new Map<string, string>(),
    currentSnapshotId,
    snapshots: (json.optionalObjects('snapshots') ?? []).map(parseSnapshot),
    snapshotLog: (json.optionalObjects('snapshot-log') ?? []).map(parseSnapshotLogEntry),
    metadataLog: (json.optionalObjects('metadata-log') ?? []).map(parseMetadataLogEntry),
    refs: parseRefs(json, currentSnapshotId),
    statistics: (json.optionalObjects('statistics') ?? []).map(parseStatisticsFile),
    partitionStatistics: (json.optionalObjects('partition-statistics') ?? []).map(parsePartitionStatisticsFile),
    nextRowId: formatVersion >= 3 ? json.requireLong('next-row-id') : 0n,
    encryptionKeys: (json.optionalObjects('encryption-keys') ?? []).map((key) => key.members),
    unknownFields: json.unknownFields(METADATA_MEMBERS),
  })
  const problem = findMetadataProblem(metadata)
  if (problem !== undefined) throw new FloeError('CORRUPT', `${json.path}.${problem.path} ${problem.message}`, fileContext(location))
  return metadata
}

/** The text of {@link encodeTableMetadata}. */
export function printTableMetadata(metadata: TableMetadata): string {
  return decodeUtf8(encodeTableMetadata(metadata))
}

/**
 * Prints metadata as the reference does, in UTF-8: one line, members in its order. The same metadata always gives the same bytes.
 * Snapshots and their log are printed once: a commit to a table of thousands prints one of each and copies the others.
 */
export function encodeTableMetadata(metadata: TableMetadata): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = []
  let separator = '{'
  for (const [name, value] of tableMetadataToJson({ ...metadata, snapshots: [], snapshotLog: [] })) {
    parts.push(encoder.encode(`${separator}${printJson(name)}:`), memberBytes(metadata, name) ?? encoder.encode(printJson(value)))
    separator = ','
  }
  parts.push(encoder.encode('}'))
  return concatenate(parts)
}

const encoder = new TextEncoder()
const snapshotPrinter = new ListPrinter(printSnapshotText)
const snapshotLogPrinter = new ListPrinter<SnapshotLogEntry>((entry) => printJson(printSnapshotLogEntry(entry)))

function memberBytes(metadata: TableMetadata, name: string): Uint8Array | undefined {
  if (name === 'snapshots') return snapshotPrinter.bytesOf(metadata.snapshots)
  return name === 'snapshot-log' ? snapshotLogPrinter.bytesOf(metadata.snapshotLog) : undefined
}

/** Metadata as a JSON value, to be part of a larger document. */
export function tableMetadataToJson(metadata: TableMetadata): ReadonlyMap<string, JsonValue> {
  const { formatVersion } = metadata
  const members = new Map<string, JsonValue | undefined>([
    ['format-version', formatVersion],
    ['table-uuid', metadata.tableUuid],
    ['location', metadata.location],
    ['last-sequence-number', formatVersion > 1 ? metadata.lastSequenceNumber : undefined],
    ['last-updated-ms', metadata.lastUpdatedMs],
    ['last-column-id', metadata.lastColumnId],
    // Readers of v1 that know no lists take the current schema and spec from here.
    ['schema', formatVersion === 1 ? printSchema(currentSchema(metadata)) : undefined],
    ['current-schema-id', metadata.currentSchemaId],
    ['schemas', metadata.schemas.map((schema) => printSchema(schema))],
    ['partition-spec', formatVersion === 1 ? printPartitionFields(defaultSpec(metadata)) : undefined],
    ['default-spec-id', metadata.defaultSpecId],
    ['partition-specs', metadata.partitionSpecs.map((spec) => printPartitionSpec(spec))],
    ['last-partition-id', metadata.lastPartitionId],
    ['default-sort-order-id', metadata.defaultSortOrderId],
    ['sort-orders', metadata.sortOrders.map((order) => printSortOrder(order))],
    ['properties', metadata.properties],
    // Spec: Appendix E › Version 3: null is written from v3 on; older readers expect -1.
    ['current-snapshot-id', metadata.currentSnapshotId ?? (formatVersion >= 3 ? null : -1)],
    ['next-row-id', formatVersion >= 3 ? metadata.nextRowId : undefined],
    ['encryption-keys', metadata.encryptionKeys.length === 0 ? undefined : (metadata.encryptionKeys as readonly JsonValue[])],
    ['refs', new Map([...metadata.refs].map(([name, ref]) => [name, printSnapshotRef(ref)]))],
    ['snapshots', metadata.snapshots.map(printSnapshot)],
    ['statistics', metadata.statistics.map(printStatisticsFile)],
    ['partition-statistics', metadata.partitionStatistics.map(printPartitionStatisticsFile)],
    ['snapshot-log', metadata.snapshotLog.map(printSnapshotLogEntry)],
    ['metadata-log', metadata.metadataLog.map(printMetadataLogEntry)],
  ])
  for (const [name, value] of metadata.unknownFields) members.set(name, value as JsonValue)
  return new Map([...members].filter((member): member is [string, JsonValue] => member[1] !== undefined))
}

function decodeText(bytes: Uint8Array, options: ParseTableMetadataOptions): string {
  const { location, maxInflatedBytes = DEFAULT_MAX_INFLATED_BYTES } = options
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(isGzip ? gunzip(bytes, maxInflatedBytes) : bytes)
  } catch (error) {
    const reason = error instanceof FloeError ? error.message : 'it is not UTF-8 text'
    throw new FloeError('CORRUPT', `cannot read table metadata: ${reason}`, { ...fileContext(location), cause: error })
  }
}

function fileContext(location: string | undefined): { readonly file?: string } {
  return location === undefined ? {} : { file: location }
}

function parseFormatVersion(json: JsonObject, location: string | undefined): FormatVersion {
  const version = json.requireInt('format-version')
  if (version === 1 || version === 2 || version === 3) return version
  if (version < 1) throw json.error('format-version', '1, 2 or 3')
  throw new FloeError('UNSUPPORTED', `the table has format version ${version}; this version of floe reads 1 to 3`, fileContext(location))
}

function parseLocation(json: JsonObject): string {
  const location = json.requireString('location')
  if (location === '') throw json.error('location', 'a location')
  return stripTrailingSlash(location)
}

function parseSchemas(json: JsonObject, formatVersion: FormatVersion): Pick<TableMetadata, 'schemas' | 'currentSchemaId'> {
  if (formatVersion === 1 && !json.has('schemas')) {
    const schema = schemaOfObject(json.requireObject('schema'))
    return { schemas: [schema], currentSchemaId: schema.schemaId }
  }
  const schemas: readonly Schema[] = json.requireObjects('schemas').map((item) => schemaOfObject(item))
  return { schemas, currentSchemaId: json.requireInt('current-schema-id') }
}

function parseSpecs(json: JsonObject, formatVersion: FormatVersion): Pick<TableMetadata, 'partitionSpecs' | 'defaultSpecId'> {
  if (formatVersion === 1 && !json.has('partition-specs')) {
    const fields = parsePartitionFields(json.requireArray('partition-spec'))
    return { partitionSpecs: [{ specId: 0, fields }], defaultSpecId: 0 }
  }
  return {
    partitionSpecs: json.requireObjects('partition-specs').map((item) => parsePartitionSpec(item)),
    defaultSpecId: json.requireInt('default-spec-id'),
  }
}

function parseLastPartitionId(json: JsonObject, formatVersion: FormatVersion, specs: readonly PartitionSpec[]): number {
  if (formatVersion > 1) return json.requireInt('last-partition-id')
  return json.optionalInt('last-partition-id') ?? specs.reduce((last, spec) => Math.max(last, lastAssignedFieldId(spec)), UNPARTITIONED_LAST_ID)
}

function parseSortOrders(json: JsonObject, formatVersion: FormatVersion): Pick<TableMetadata, 'sortOrders' | 'defaultSortOrderId'> {
  if (formatVersion === 1 && !json.has('sort-orders')) return { sortOrders: [UNSORTED], defaultSortOrderId: 0 }
  const sortOrders: SortOrder[] = json.requireObjects('sort-orders').map((item) => parseSortOrder(item))
  const defaultSortOrderId = json.requireInt('default-sort-order-id')
  // Some writers leave the unsorted order out of the list.
  if (defaultSortOrderId === 0 && !sortOrders.some((order) => order.orderId === 0)) sortOrders.push(UNSORTED)
  return { sortOrders, defaultSortOrderId }
}

/** Some writers put -1 for «none». */
function parseCurrentSnapshotId(json: JsonObject): bigint | undefined {
  const id = json.optionalLong('current-snapshot-id')
  return id === -1n ? undefined : id
}

function parseRefs(json: JsonObject, currentSnapshotId: bigint | undefined): ReadonlyMap<string, SnapshotRef> {
  const object = json.optionalObject('refs')
  const refs = new Map((object?.names() ?? []).map((name) => [name, parseSnapshotRef(object!.requireObject(name))]))
  // Writers that know no references keep the current snapshot only.
  if (currentSnapshotId !== undefined && !refs.has(MAIN_BRANCH)) refs.set(MAIN_BRANCH, { snapshotId: currentSnapshotId, type: 'branch' })
  return refs
}

function parseMetadataLogEntry(json: JsonObject): MetadataLogEntry {
  return { timestampMs: json.requireSafeInteger('timestamp-ms'), metadataFile: json.requireString('metadata-file') }
}

function printMetadataLogEntry(entry: MetadataLogEntry): JsonMembers {
  return { 'timestamp-ms': entry.timestampMs, 'metadata-file': entry.metadataFile }
}
