/** Snapshots, references and the snapshot log as JSON. Spec: Appendix C › Table Metadata and Snapshots. Source: `SnapshotParser` */
import type { JsonObject} from '../util/json.js'
import { type JsonMembers, type JsonValue } from '../util/json.js'
import type { Snapshot, SnapshotLogEntry, SnapshotRef } from './snapshot.js'

const SNAPSHOT_MEMBERS: ReadonlySet<string> = new Set([
  'sequence-number',
  'snapshot-id',
  'parent-snapshot-id',
  'timestamp-ms',
  'summary',
  'manifest-list',
  'manifests',
  'schema-id',
  'first-row-id',
  'added-rows',
  'key-id',
])
const REF_MEMBERS: ReadonlySet<string> = new Set([
  'snapshot-id',
  'type',
  'min-snapshots-to-keep',
  'max-snapshot-age-ms',
  'max-ref-age-ms',
])
const NO_SUMMARY: ReadonlyMap<string, string> = new Map()

/** Throws `CORRUPT`, naming the member. */
export function parseSnapshot(json: JsonObject): Snapshot {
  const summary = json.optionalObject('summary')
  const manifestList = json.optionalString('manifest-list')
  return {
    snapshotId: json.requireLong('snapshot-id'),
    parentSnapshotId: json.optionalLong('parent-snapshot-id'),
    // Absent in v1 and in snapshots that a table brought along from v1.
    sequenceNumber: json.optionalLong('sequence-number') ?? 0n,
    timestampMs: json.requireSafeInteger('timestamp-ms'),
    manifestList,
    manifests: manifestList === undefined ? json.requireStrings('manifests') : undefined,
    ...parseSummary(summary),
    schemaId: json.optionalInt('schema-id'),
    firstRowId: json.optionalLong('first-row-id'),
    addedRows: json.optionalLong('added-rows'),
    keyId: json.optionalString('key-id'),
    unknownFields: json.unknownFields(SNAPSHOT_MEMBERS),
  }
}

function parseSummary(json: JsonObject | undefined): Pick<Snapshot, 'operation' | 'summary'> {
  const names = json?.names() ?? []
  if (json === undefined || names.length === 0) return { operation: undefined, summary: NO_SUMMARY }
  const summary = new Map<string, string>()
  for (const name of names) if (name !== 'operation') summary.set(name, json.requireString(name))
  // Written without an operation by some engines; the reference reads it as the one that promises least.
  return { operation: json.optionalString('operation') ?? 'overwrite', summary }
}

/** In the member order of the reference. */
export function printSnapshot(snapshot: Snapshot): ReadonlyMap<string, JsonValue> {
  const members = new Map<string, JsonValue>()
  if (snapshot.sequenceNumber > 0n) members.set('sequence-number', snapshot.sequenceNumber)
  members.set('snapshot-id', snapshot.snapshotId)
  if (snapshot.parentSnapshotId !== undefined) members.set('parent-snapshot-id', snapshot.parentSnapshotId)
  members.set('timestamp-ms', snapshot.timestampMs)
  if (snapshot.operation !== undefined) {
    members.set('summary', new Map<string, JsonValue>([['operation', snapshot.operation], ...snapshot.summary]))
  }
  if (snapshot.manifestList !== undefined) members.set('manifest-list', snapshot.manifestList)
  else members.set('manifests', snapshot.manifests ?? [])
  if (snapshot.schemaId !== undefined) members.set('schema-id', snapshot.schemaId)
  if (snapshot.firstRowId !== undefined) members.set('first-row-id', snapshot.firstRowId)
  if (snapshot.addedRows !== undefined) members.set('added-rows', snapshot.addedRows)
  if (snapshot.keyId !== undefined) members.set('key-id', snapshot.keyId)
  for (const [name, value] of snapshot.unknownFields) members.set(name, value as JsonValue)
  return members
}

/** Throws `CORRUPT`, naming the member. */
export function parseSnapshotRef(json: JsonObject): SnapshotRef {
  return {
    snapshotId: json.requireLong('snapshot-id'),
    type: parseRefType(json),
    minSnapshotsToKeep: json.optionalInt('min-snapshots-to-keep'),
    maxSnapshotAgeMs: parseAge(json, 'max-snapshot-age-ms'),
    maxRefAgeMs: parseAge(json, 'max-ref-age-ms'),
    unknownFields: json.unknownFields(REF_MEMBERS),
  }
}

function parseRefType(json: JsonObject): 'branch' | 'tag' {
  const type = json.requireString('type').toLowerCase()
  if (type !== 'branch' && type !== 'tag') throw json.error('type', 'branch or tag')
  return type
}

/** An age over 2^53 ms is «for ever»; engines write the largest 64-bit number for that. */
function parseAge(json: JsonObject, name: string): number | undefined {
  const age = json.optionalLong(name)
  if (age === undefined) return undefined
  return age > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(age)
}

/** In the member order of the reference. */
export function printSnapshotRef(ref: SnapshotRef): ReadonlyMap<string, JsonValue> {
  const members = new Map<string, JsonValue>([
    ['snapshot-id', ref.snapshotId],
    ['type', ref.type],
  ])
  if (ref.minSnapshotsToKeep !== undefined) members.set('min-snapshots-to-keep', ref.minSnapshotsToKeep)
  if (ref.maxSnapshotAgeMs !== undefined) members.set('max-snapshot-age-ms', printAge(ref.maxSnapshotAgeMs))
  if (ref.maxRefAgeMs !== undefined) members.set('max-ref-age-ms', printAge(ref.maxRefAgeMs))
  for (const [name, value] of ref.unknownFields ?? []) members.set(name, value as JsonValue)
  return members
}

function printAge(ageMs: number): JsonValue {
  return ageMs >= Number.MAX_SAFE_INTEGER ? 2n ** 63n - 1n : ageMs
}

export function parseSnapshotLogEntry(json: JsonObject): SnapshotLogEntry {
  return { timestampMs: json.requireSafeInteger('timestamp-ms'), snapshotId: json.requireLong('snapshot-id') }
}

export function printSnapshotLogEntry(entry: SnapshotLogEntry): JsonMembers {
  return { 'timestamp-ms': entry.timestampMs, 'snapshot-id': entry.snapshotId }
}
