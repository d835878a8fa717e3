/** Updates and requirements as JSON of the REST protocol. Source: `MetadataUpdateParser`, `UpdateRequirementParser` */
import { parsePartitionSpec, printPartitionSpec } from '../partition/partition-spec-json.js'
import { parseSortOrder, printSortOrder } from '../partition/sort-order-json.js'
import { printSchema, schemaOfObject } from '../schema/schema-json.js'
import { parseSnapshot, parseSnapshotRef, printSnapshot, printSnapshotRef } from '../snapshot/snapshot-json.js'
import { FloeError } from '../util/errors.js'
import { JsonObject } from '../util/json.js'
import type { JsonMembers, JsonValue } from '../util/json.js'
import type { MetadataUpdate, UpdateRequirement } from './metadata-update.js'
import { parsePartitionStatisticsFile, parseStatisticsFile, printPartitionStatisticsFile, printStatisticsFile } from './statistics-json.js'
import type { FormatVersion } from './table-metadata.js'

/** Throws `CORRUPT`, naming the member, and `UNSUPPORTED` for an unknown action. */
export function parseMetadataUpdate(value: JsonValue): MetadataUpdate {
  const json = JsonObject.of(value, 'update')
  const action = json.requireString('action').toLowerCase()
  const parse = updateParsers.get(action)
  if (parse === undefined) throw new FloeError('UNSUPPORTED', `unknown metadata update ${action}`)
  return parse(json)
}

export function printMetadataUpdate(update: MetadataUpdate): ReadonlyMap<string, JsonValue> {
  return new Map<string, JsonValue>([['action', update.action], ...printUpdateMembers(update)])
}

/** Throws `CORRUPT`, naming the member, and `UNSUPPORTED` for an unknown type: one that is not understood cannot be checked. */
export function parseUpdateRequirement(value: JsonValue): UpdateRequirement {
  const json = JsonObject.of(value, 'requirement')
  const type = json.requireString('type').toLowerCase()
  const parse = requirementParsers.get(type)
  if (parse === undefined) throw new FloeError('UNSUPPORTED', `unknown update requirement ${type}`)
  return parse(json)
}

export function printUpdateRequirement(requirement: UpdateRequirement): ReadonlyMap<string, JsonValue> {
  return new Map<string, JsonValue>([['type', requirement.type], ...printRequirementMembers(requirement)])
}

type UpdateParser = (json: JsonObject) => MetadataUpdate

const updateParsers: ReadonlyMap<string, UpdateParser> = new Map<MetadataUpdate['action'], UpdateParser>([
  ['assign-uuid', (json) => ({ action: 'assign-uuid', uuid: json.requireString('uuid') })],
  ['upgrade-format-version', (json) => ({ action: 'upgrade-format-version', formatVersion: parseVersion(json) })],
  ['add-schema', parseAddSchema],
  ['set-current-schema', (json) => ({ action: 'set-current-schema', schemaId: json.requireInt('schema-id') })],
  ['add-spec', (json) => ({ action: 'add-spec', spec: parsePartitionSpec(withDefault(json.requireObject('spec'), 'spec-id', 0)) })],
  ['set-default-spec', (json) => ({ action: 'set-default-spec', specId: json.requireInt('spec-id') })],
  ['add-sort-order', (json) => ({ action: 'add-sort-order', sortOrder: parseSortOrder(json.requireObject('sort-order')) })],
  ['set-default-sort-order', (json) => ({ action: 'set-default-sort-order', sortOrderId: json.requireInt('sort-order-id') })],
  ['add-snapshot', (json) => ({ action: 'add-snapshot', snapshot: parseSnapshot(json.requireObject('snapshot')) })],
  ['remove-snapshots', (json) => ({ action: 'remove-snapshots', snapshotIds: json.requireLongs('snapshot-ids') })],
  ['set-snapshot-ref', (json) => ({ action: 'set-snapshot-ref', name: json.requireString('ref-name'), ref: parseUpdateRef(json) })],
  ['remove-snapshot-ref', (json) => ({ action: 'remove-snapshot-ref', name: json.requireString('ref-name') })],
  ['set-location', (json) => ({ action: 'set-location', location: json.requireString('location') })],
  // `updated` and `removed` are what the first clients wrote.
  ['set-properties', (json) => ({ action: 'set-properties', updates: json.requireStringMap(json.has('updates') ? 'updates' : 'updated') })],
  ['remove-properties', (json) => ({ action: 'remove-properties', removals: json.requireStrings(json.has('removals') ? 'removals' : 'removed') })],
  ['set-statistics', (json) => ({ action: 'set-statistics', statistics: parseStatisticsFile(json.requireObject('statistics')) })],
  ['remove-statistics', (json) => ({ action: 'remove-statistics', snapshotId: json.requireLong('snapshot-id') })],
  ['set-partition-statistics', parseSetPartitionStatistics],
  ['remove-partition-statistics', (json) => ({ action: 'remove-partition-statistics', snapshotId: json.requireLong('snapshot-id') })],
  ['remove-partition-specs', (json) => ({ action: 'remove-partition-specs', specIds: json.requireInts('spec-ids') })],
  ['remove-schemas', (json) => ({ action: 'remove-schemas', schemaIds: json.requireInts('schema-ids') })],
  ['add-encryption-key', (json) => ({ action: 'add-encryption-key', encryptionKey: json.requireObject('encryption-key').members })],
  ['remove-encryption-key', (json) => ({ action: 'remove-encryption-key', keyId: json.requireString('key-id') })],
])

function parseVersion(json: JsonObject): FormatVersion {
  const version = json.requireInt('format-version')
  if (version !== 1 && version !== 2 && version !== 3) throw new FloeError('UNSUPPORTED', `format version ${version} is not supported: 1 to 3 are`)
  return version
}

function parseAddSchema(json: JsonObject): MetadataUpdate {
  const schema = schemaOfObject(json.requireObject('schema'))
  return { action: 'add-schema', schema, lastColumnId: json.optionalInt('last-column-id') }
}

function parseSetPartitionStatistics(json: JsonObject): MetadataUpdate {
  return { action: 'set-partition-statistics', partitionStatistics: parsePartitionStatisticsFile(json.requireObject('partition-statistics')) }
}

/** The members of a ref lie beside the action's own. */
function parseUpdateRef(json: JsonObject): ReturnType<typeof parseSnapshotRef> {
  return { ...parseSnapshotRef(json), unknownFields: undefined }
}

/** Clients may leave out an id that the catalog assigns anyway. */
function withDefault(json: JsonObject, name: string, value: number): JsonObject {
  return json.has(name) ? json : JsonObject.of({ ...json.members, [name]: value }, json.path)
}

function printUpdateMembers(update: MetadataUpdate): readonly (readonly [string, JsonValue])[] {
  switch (update.action) {
    case 'assign-uuid':
      return [['uuid', update.uuid]]
    case 'upgrade-format-version':
      return [['format-version', update.formatVersion]]
    case 'add-schema':
      return [
        ['schema', printSchema(update.schema)],
        ['last-column-id', update.lastColumnId ?? update.schema.highestFieldId()],
      ]
    case 'set-current-schema':
      return [['schema-id', update.schemaId]]
    case 'add-spec':
      return [['spec', printPartitionSpec(update.spec)]]
    case 'set-default-spec':
      return [['spec-id', update.specId]]
    case 'add-sort-order':
      return [['sort-order', printSortOrder(update.sortOrder)]]
    case 'set-default-sort-order':
      return [['sort-order-id', update.sortOrderId]]
    case 'add-snapshot':
      return [['snapshot', printSnapshot(update.snapshot)]]
    case 'remove-snapshots':
      return [['snapshot-ids', update.snapshotIds]]
    case 'set-snapshot-ref':
      return [['ref-name', update.name], ...definedMembers(printSnapshotRef({ ...update.ref, unknownFields: undefined }))]
    case 'remove-snapshot-ref':
      return [['ref-name', update.name]]
    default:
      return printAttributeMembers(update)
  }
}

function definedMembers(members: JsonMembers): readonly (readonly [string, JsonValue])[] {
  return Object.entries(members).filter((member): member is [string, JsonValue] => member[1] !== undefined)
}

type AttributeUpdate = Exclude<
  MetadataUpdate,
  {
    readonly action:
      | 'assign-uuid'
      | 'upgrade-format-version'
      | 'add-schema'
      | 'set-current-schema'
      | 'add-spec'
      | 'set-default-spec'
      | 'add-sort-order'
      | 'set-default-sort-order'
      | 'add-snapshot'
      | 'remove-snapshots'
      | 'set-snapshot-ref'
      | 'remove-snapshot-ref'
  }
>

function printAttributeMembers(update: AttributeUpdate): readonly (readonly [string, JsonValue])[] {
  switch (update.action) {
    case 'set-location':
      return [['location', update.location]]
    case 'set-properties':
      return [['updates', update.updates]]
    case 'remove-properties':
      return [['removals', update.removals]]
    case 'set-statistics':
      // The id stands beside the file as well for servers that read it there.
      return [
        ['snapshot-id', update.statistics.snapshotId],
        ['statistics', printStatisticsFile(update.statistics)],
      ]
    case 'set-partition-statistics':
      return [['partition-statistics', printPartitionStatisticsFile(update.partitionStatistics)]]
    case 'remove-statistics':
    case 'remove-partition-statistics':
      return [['snapshot-id', update.snapshotId]]
    case 'remove-partition-specs':
      return [['spec-ids', update.specIds]]
    case 'remove-schemas':
      return [['schema-ids', update.schemaIds]]
    case 'add-encryption-key':
      return [['encryption-key', update.encryptionKey as JsonValue]]
    case 'remove-encryption-key':
      return [['key-id', update.keyId]]
  }
}

type RequirementParser = (json: JsonObject) => UpdateRequirement

const requirementParsers: ReadonlyMap<string, RequirementParser> = new Map<UpdateRequirement['type'], RequirementParser>([
  ['assert-create', () => ({ type: 'assert-create' })],
  ['assert-table-uuid', (json) => ({ type: 'assert-table-uuid', uuid: json.requireString('uuid') })],
  ['assert-ref-snapshot-id', parseRefRequirement],
  ['assert-last-assigned-field-id', (json) => ({ type: 'assert-last-assigned-field-id', lastAssignedFieldId: json.requireInt('last-assigned-field-id') })],
  ['assert-current-schema-id', (json) => ({ type: 'assert-current-schema-id', currentSchemaId: json.requireInt('current-schema-id') })],
  ['assert-last-assigned-partition-id', parsePartitionIdRequirement],
  ['assert-default-spec-id', (json) => ({ type: 'assert-default-spec-id', defaultSpecId: json.requireInt('default-spec-id') })],
  ['assert-default-sort-order-id', parseSortOrderRequirement],
])

function parseRefRequirement(json: JsonObject): UpdateRequirement {
  return { type: 'assert-ref-snapshot-id', ref: json.requireString('ref'), snapshotId: json.optionalLong('snapshot-id') }
}

function parsePartitionIdRequirement(json: JsonObject): UpdateRequirement {
  return { type: 'assert-last-assigned-partition-id', lastAssignedPartitionId: json.requireInt('last-assigned-partition-id') }
}

function parseSortOrderRequirement(json: JsonObject): UpdateRequirement {
  return { type: 'assert-default-sort-order-id', defaultSortOrderId: json.requireInt('default-sort-order-id') }
}

function printRequirementMembers(requirement: UpdateRequirement): readonly (readonly [string, JsonValue])[] {
  switch (requirement.type) {
    case 'assert-create':
      return []
    case 'assert-table-uuid':
      return [['uuid', requirement.uuid]]
    case 'assert-ref-snapshot-id':
      return [
        ['ref', requirement.ref],
        ['snapshot-id', requirement.snapshotId ?? null],
      ]
    case 'assert-last-assigned-field-id':
      return [['last-assigned-field-id', requirement.lastAssignedFieldId]]
    case 'assert-current-schema-id':
      return [['current-schema-id', requirement.currentSchemaId]]
    case 'assert-last-assigned-partition-id':
      return [['last-assigned-partition-id', requirement.lastAssignedPartitionId]]
    case 'assert-default-spec-id':
      return [['default-spec-id', requirement.defaultSpecId]]
    case 'assert-default-sort-order-id':
      return [['default-sort-order-id', requirement.defaultSortOrderId]]
  }
}
