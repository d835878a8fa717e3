/** Whether a change of unknown outcome can be seen in a table's metadata. */
import type { TableMetadata } from '../metadata/table-metadata.js'
import { tableMetadataToJson } from '../metadata/table-metadata-json.js'
import { findSnapshot } from '../snapshot/snapshot-ref.js'
import { printJson } from '../util/json.js'
import type { JsonValue } from '../util/json.js'

/** What differs in every version, whoever wrote it, or only follows from other members. */
const INCIDENTAL: ReadonlySet<string> = new Set([
  'last-updated-ms',
  'last-sequence-number',
  'next-row-id',
  'snapshots',
  'snapshot-log',
  'metadata-log',
  'current-snapshot-id',
  'table-uuid',
  'schema',
  'partition-spec',
])

/**
 * Whether the table has, or had, the snapshot of this id that lists one of `manifestLists`: a stranger may have drawn the
 * same id.
 */
export function hasSnapshot(metadata: TableMetadata, snapshotId: bigint, manifestLists: ReadonlySet<string | undefined>): boolean {
  const snapshot = findSnapshot(metadata, snapshotId)
  if (snapshot !== undefined) return manifestLists.has(snapshot.manifestList)
  // An expiry may have removed the snapshot meanwhile.
  return metadata.snapshotLog.some((entry) => entry.snapshotId === snapshotId)
}

/**
 * Whether everything that differs between `base` and `expected` is in `current` as in `expected`. Properties and
 * references and snapshots count one by one, so that other commits on top do not hide the change.
 */
export function hasEffects(base: TableMetadata, expected: TableMetadata, current: TableMetadata): boolean {
  const [before, after, now] = [base, expected, current].map(flatten) as [Flat, Flat, Flat]
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key))
  return changed.length > 0 && changed.every((key) => now.get(key) === after.get(key))
}

type Flat = ReadonlyMap<string, string>

function flatten(metadata: TableMetadata): Flat {
  const flat = new Map<string, string>()
  for (const [name, value] of tableMetadataToJson({ ...metadata, snapshots: [] })) {
    if (INCIDENTAL.has(name)) continue
    if (value instanceof Map) for (const [key, member] of value as ReadonlyMap<string, JsonValue>) flat.set(`${name} ${key}`, printJson(member))
    else flat.set(name, printJson(value))
  }
  // Snapshots are known by their ids elsewhere; here it counts that they are gone.
  for (const { snapshotId } of metadata.snapshots) flat.set(`snapshot ${snapshotId}`, '')
  return flat
}
