/** View metadata as JSON. Source: `ViewMetadataParser`, `ViewVersionParser`, `SQLViewRepresentationParser` */
import { printSchema, schemaOfObject } from '../../schema/schema-json.js'
import { unknownMembers } from '../../schema/type-json.js'
import { gunzip } from '../../util/compression.js'
import { FloeError } from '../../util/errors.js'
import { JsonObject, printJson, type JsonMembers, type JsonValue } from '../../util/json.js'
import { decodeUtf8 } from '../../util/utf8.js'
import type { ViewLogEntry, ViewMetadata, ViewRepresentation, ViewVersion } from './view-metadata.js'

const VIEW_MEMBERS = new Set([
  'view-uuid',
  'format-version',
  'location',
  'schemas',
  'current-version-id',
  'versions',
  'version-log',
  'properties',
])
const VERSION_MEMBERS = new Set([
  'version-id',
  'schema-id',
  'timestamp-ms',
  'summary',
  'representations',
  'default-catalog',
  'default-namespace',
])
const SQL_MEMBERS = new Set(['type', 'sql', 'dialect'])
const MAX_INFLATED_BYTES = 64 * 2 ** 20

/** Reads a metadata file of a view, gzipped or not. Throws `CORRUPT`, and `UNSUPPORTED` for a newer format version. */
export function parseViewMetadata(bytes: Uint8Array, { location }: { readonly location: string }): ViewMetadata {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
  const plain = isGzip ? gunzip(bytes, MAX_INFLATED_BYTES) : bytes
  return viewMetadataOfObject(JsonObject.parse(decodeUtf8(plain), { source: location }))
}

/** As {@link parseViewMetadata}, from an object that is being read. */
export function viewMetadataOfObject(json: JsonObject): ViewMetadata {
  const formatVersion = json.requireInt('format-version')
  if (formatVersion !== 1) throw new FloeError('UNSUPPORTED', `View format version ${formatVersion} is not supported: 1 is`)
  const metadata: ViewMetadata = {
    viewUuid: json.requireString('view-uuid').toLowerCase(),
    formatVersion,
    location: json.requireString('location'),
    schemas: json.requireObjects('schemas').map(schemaOfObject),
    currentVersionId: json.requireInt('current-version-id'),
    versions: json.requireObjects('versions').map(viewVersionOfObject),
    versionLog: json.requireObjects('version-log').map(parseLogEntry),
    properties: json.optionalStringMap('properties') ?? new Map(),
    unknownFields: json.unknownFields(VIEW_MEMBERS),
  }
  if (!metadata.versions.some(({ versionId }) => versionId === metadata.currentVersionId)) {
    throw json.invalid(`the current version ${metadata.currentVersionId} is none of the view's`)
  }
  return metadata
}

/** A version of a view. */
export function viewVersionOfObject(json: JsonObject): ViewVersion {
  return {
    versionId: json.requireInt('version-id'),
    schemaId: json.requireInt('schema-id'),
    timestampMs: json.requireSafeInteger('timestamp-ms'),
    summary: json.optionalStringMap('summary') ?? new Map(),
    representations: json.requireObjects('representations').map(parseRepresentation),
    defaultCatalog: json.optionalString('default-catalog'),
    defaultNamespace: json.requireStrings('default-namespace'),
    unknownFields: json.unknownFields(VERSION_MEMBERS),
  }
}

/** The text of a metadata file. Members in the reference's order. */
export function printViewMetadata(metadata: ViewMetadata): string {
  return printJson(viewMetadataJson(metadata))
}

export function viewMetadataJson(metadata: ViewMetadata): JsonMembers {
  return {
    'view-uuid': metadata.viewUuid,
    'format-version': metadata.formatVersion,
    location: metadata.location,
    ...(metadata.properties.size === 0 ? {} : { properties: metadata.properties }),
    schemas: metadata.schemas.map(printSchema),
    'current-version-id': metadata.currentVersionId,
    versions: metadata.versions.map(printViewVersion),
    'version-log': metadata.versionLog.map((entry) => ({ 'timestamp-ms': entry.timestampMs, 'version-id': entry.versionId })),
    ...unknownMembers(metadata.unknownFields),
  }
}

export function printViewVersion(version: ViewVersion): JsonMembers {
  return {
    'version-id': version.versionId,
    'timestamp-ms': version.timestampMs,
    'schema-id': version.schemaId,
    summary: version.summary,
    ...(version.defaultCatalog === undefined ? {} : { 'default-catalog': version.defaultCatalog }),
    'default-namespace': version.defaultNamespace,
    representations: version.representations.map(printRepresentation),
    ...unknownMembers(version.unknownFields),
  }
}

function parseRepresentation(json: JsonObject): ViewRepresentation {
  // Source: `ViewRepresentationParser`: the type's case is of no matter
  if (json.requireString('type').toLowerCase() !== 'sql') return { type: 'unknown', members: json.unknownFields(new Set()) }
  const unknownFields = json.unknownFields(SQL_MEMBERS)
  const sql = { type: 'sql', sql: json.requireString('sql'), dialect: json.requireString('dialect') } as const
  return unknownFields.size === 0 ? sql : { ...sql, unknownFields }
}

function printRepresentation(representation: ViewRepresentation): JsonValue {
  if (representation.type === 'unknown') return representation.members
  const { type, sql, dialect, unknownFields } = representation
  return { type, sql, dialect, ...unknownMembers(unknownFields) }
}

function parseLogEntry(json: JsonObject): ViewLogEntry {
  return { timestampMs: json.requireSafeInteger('timestamp-ms'), versionId: json.requireInt('version-id') }
}
