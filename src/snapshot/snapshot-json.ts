/** Snapshots, references and the snapshot log as JSON. Spec: Appendix C › Table Metadata and Snapshots. Source: `SnapshotParser` */
import { printJson } from '../util/json.js'
import type { JsonMembers, JsonObject, JsonValue } from '../util/json.js'
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
export function printSnapshot(snapshot: Snapshot): JsonMembers {
  const { operation, summary, manifestList } = snapshot
  return {
    'sequence-number': snapshot.sequenceNumber > 0n ? snapshot.sequenceNumber : undefined,
    'snapshot-id': snapshot.snapshotId,
    'parent-snapshot-id': snapshot.parentSnapshotId,
    'timestamp-ms': snapshot.timestampMs,
    summary: operation === undefined ? undefined : new Map([['operation', operation], ...summary]),
    'manifest-list': manifestList,
    manifests: manifestList === undefined ? (snapshot.manifests ?? []) : undefined,
    'schema-id': snapshot.schemaId,
    'first-row-id': snapshot.firstRowId,
    'added-rows': snapshot.addedRows,
    'key-id': snapshot.keyId,
    ...(Object.fromEntries(snapshot.unknownFields) as JsonMembers),
  }
}

/** The text of {@link printSnapshot}: snapshots are most of a large table's metadata, so that they take the short way. */
export function printSnapshotText(snapshot: Snapshot): string {
  const parts: string[] = []
  for (const [name, value] of Object.entries(printSnapshot(snapshot))) {
    if (value !== undefined) parts.push(`${quote(name)}:${memberText(value)}`)
  }
  return `{${parts.join(',')}}`
}

function memberText(value: JsonValue): string {
  if (typeof value === 'bigint' || (Number.isSafeInteger(value) && value !== 0)) return String(value)
  if (typeof value === 'string') return quote(value)
  return value instanceof Map ? summaryText(value as ReadonlyMap<string, string>) : printJson(value)
}

function summaryText(summary: ReadonlyMap<string, string>): string {
  let text = ''
  for (const [name, value] of summary) text += `${text === '' ? '' : ','}${quote(name)}:${quote(value)}`
  return `{${text}}`
}

// eslint-disable-next-line no-control-regex -- control characters are what JSON escapes
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/

function quote(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`
}

/** Throws `CORRUPT`, naming the member. */
export function parseSnapshotRef(json: JsonObject): SnapshotRef {
  return {
    snapshotId: json.requireLong('snapshot-id'),
    type: parseRefType(json),
    minSnapshotsToKeep: json.optionalInt('min-snapshots-to-keep'),
    maxSnapshotAgeMs: parseAge(json, 'max-snapshot-age-ms'),
    maxRefAgeMs: parseAge(json, 'max-ref-age-ms'),
    unknownFields: unknownOrNone(json, REF_MEMBERS),
  }
}

/** The members that are not known, `undefined` for none. */
export function unknownOrNone(json: JsonObject, known: ReadonlySet<string>): ReadonlyMap<string, unknown> | undefined {
  const unknown = json.unknownFields(known)
  return unknown.size === 0 ? undefined : unknown
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
export function printSnapshotRef(ref: SnapshotRef): JsonMembers {
  return {
    'snapshot-id': ref.snapshotId,
    type: ref.type,
    'min-snapshots-to-keep': ref.minSnapshotsToKeep,
    'max-snapshot-age-ms': ref.maxSnapshotAgeMs === undefined ? undefined : printAge(ref.maxSnapshotAgeMs),
    'max-ref-age-ms': ref.maxRefAgeMs === undefined ? undefined : printAge(ref.maxRefAgeMs),
    ...(Object.fromEntries(ref.unknownFields ?? []) as JsonMembers),
  }
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
