/** Updates of snapshots, references, their log and their statistics. Source: `TableMetadata.Builder` of the reference. */
import type { Snapshot, SnapshotLogEntry, SnapshotRef } from '../snapshot/snapshot.js'
import { checkRefName, MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import { FloeError } from '../util/errors.js'
import type { MetadataDraft } from './metadata-draft.js'
import type { PartitionStatisticsFile, StatisticsFile } from './table-metadata.js'

/** Adds a snapshot. Throws `INVALID` for a used id and `CONFLICT` for a sequence number or first row id that another commit took. */
export function addSnapshot(draft: MetadataDraft, snapshot: Snapshot): void {
  if (draft.schemas.size === 0 || draft.partitionSpecs.size === 0 || draft.sortOrders.size === 0) {
    throw new FloeError('INVALID', 'a snapshot cannot be added before a schema, a partition spec and a sort order')
  }
  if (draft.snapshots.has(snapshot.snapshotId)) {
    throw new FloeError('INVALID', `snapshot ${snapshot.snapshotId} exists already: snapshot ids are never reused`)
  }
  if (draft.formatVersion > 1 && !isNumberFree(draft, snapshot)) {
    throw new FloeError(
      'CONFLICT',
      `snapshot ${snapshot.snapshotId} has sequence number ${snapshot.sequenceNumber}, the table is at ${draft.lastSequenceNumber}: apply the change again on the current version`,
    )
  }
  if (draft.formatVersion >= 3) takeRowIds(draft, snapshot)
  if (snapshot.sequenceNumber > draft.lastSequenceNumber) draft.lastSequenceNumber = snapshot.sequenceNumber
  draft.snapshots.add(snapshot)
  draft.addedSnapshotIds.add(snapshot.snapshotId)
  draft.lastUpdatedMs = Math.max(draft.lastUpdatedMs, snapshot.timestampMs)
  draft.changed = true
}

/**
 * Whether no other commit has taken a snapshot's sequence number. A root snapshot may carry an older one, as that is how tables are
 * replicated, but no one that is in use: two writers may each have seen an empty table. 0 is of version 1: its writer saw none of this.
 */
// Spec: Sequence Numbers
function isNumberFree(draft: MetadataDraft, { sequenceNumber, parentSnapshotId }: Snapshot): boolean {
  if (sequenceNumber > draft.lastSequenceNumber) return true
  if (parentSnapshotId !== undefined || sequenceNumber === 0n) return false
  // As in the reference, who replaces a table need not know what was committed to it meanwhile: all of it goes from `main`.
  if (draft.replacesMain) return true
  return !draft.snapshots.list().some((other) => other.sequenceNumber === sequenceNumber)
}

// Spec: Row Lineage › Row lineage assignment
function takeRowIds(draft: MetadataDraft, snapshot: Snapshot): void {
  const { snapshotId, firstRowId, addedRows } = snapshot
  if (firstRowId === undefined || addedRows === undefined) {
    throw new FloeError('INVALID', `snapshot ${snapshotId} has no first-row-id or added-rows, which format version 3 requires`)
  }
  if (firstRowId < draft.nextRowId) {
    throw new FloeError(
      'CONFLICT',
      `snapshot ${snapshotId} starts at row id ${firstRowId}, the table's next is ${draft.nextRowId}: apply the change again on the current version`,
    )
  }
  if (addedRows < 0n) throw new FloeError('INVALID', `snapshot ${snapshotId} adds ${addedRows} rows`)
  // From the snapshot's own start: a gap stays unused, and the ranges of two snapshots never meet.
  draft.nextRowId = firstRowId + addedRows
}

/** Creates or moves a reference; moving `main` is logged. Throws `INVALID` for an unknown snapshot or a tag named main. */
export function setSnapshotRef(draft: MetadataDraft, name: string, ref: SnapshotRef): void {
  const existing = draft.refs.get(name)
  if (existing !== undefined && sameRef(existing, ref)) return
  checkRefName(name)
  const snapshot = draft.snapshots.get(ref.snapshotId)
  if (snapshot === undefined) throw new FloeError('INVALID', `cannot set ${name} to snapshot ${ref.snapshotId}: the table has no such snapshot`)
  if (name === MAIN_BRANCH) {
    if (ref.type !== 'branch') throw new FloeError('INVALID', 'main must be a branch, not a tag')
    draft.currentSnapshotId = ref.snapshotId
    draft.mainSnapshotIds.push(ref.snapshotId)
    // Going back to an older snapshot is a change of now, not of the time that the snapshot was made.
    const timestampMs = draft.addedSnapshotIds.has(ref.snapshotId) ? snapshot.timestampMs : draft.lastUpdatedMs
    draft.snapshotLog.push({ timestampMs, snapshotId: ref.snapshotId })
  }
  draft.refs.set(name, ref)
  draft.changed = true
}

export function removeSnapshotRef(draft: MetadataDraft, name: string): void {
  if (name === MAIN_BRANCH) {
    draft.currentSnapshotId = undefined
    draft.replacesMain = true
  }
  if (draft.refs.delete(name)) draft.changed = true
}

/** Removes snapshots with their statistics and the references to them. Unknown ids are ignored. */
export function removeSnapshots(draft: MetadataDraft, snapshotIds: readonly bigint[]): void {
  const removed = new Set<bigint>()
  for (const id of snapshotIds) if (draft.snapshots.delete(id)) removed.add(id)
  if (removed.size === 0) return
  draft.statistics = draft.statistics.filter((file) => !removed.has(file.snapshotId))
  draft.partitionStatistics = draft.partitionStatistics.filter((file) => !removed.has(file.snapshotId))
  for (const [name, ref] of [...draft.refs]) if (removed.has(ref.snapshotId)) removeSnapshotRef(draft, name)
  draft.removedSnapshots = true
  draft.changed = true
}

/** Sets the one statistics file of a snapshot. */
export function setStatistics(draft: MetadataDraft, file: StatisticsFile): void {
  draft.statistics = [...draft.statistics.filter((other) => other.snapshotId !== file.snapshotId), file]
  draft.changed = true
}

export function removeStatistics(draft: MetadataDraft, snapshotId: bigint): void {
  const kept = draft.statistics.filter((file) => file.snapshotId !== snapshotId)
  draft.changed ||= kept.length !== draft.statistics.length
  draft.statistics = kept
}

/** Sets the one partition statistics file of a snapshot. */
export function setPartitionStatistics(draft: MetadataDraft, file: PartitionStatisticsFile): void {
  draft.partitionStatistics = [...draft.partitionStatistics.filter((other) => other.snapshotId !== file.snapshotId), file]
  draft.changed = true
}

export function removePartitionStatistics(draft: MetadataDraft, snapshotId: bigint): void {
  const kept = draft.partitionStatistics.filter((file) => file.snapshotId !== snapshotId)
  draft.changed ||= kept.length !== draft.partitionStatistics.length
  draft.partitionStatistics = kept
}

/** The log without intermediate snapshots of these updates, and without anything at or before a removed snapshot. */
export function finishSnapshotLog(draft: MetadataDraft): SnapshotLogEntry[] {
  const intermediate = new Set(draft.mainSnapshotIds.filter((id) => draft.addedSnapshotIds.has(id) && id !== draft.currentSnapshotId))
  if (intermediate.size === 0 && !draft.removedSnapshots) return draft.snapshotLog
  let log: SnapshotLogEntry[] = []
  for (const entry of draft.snapshotLog) {
    if (draft.snapshots.has(entry.snapshotId)) {
      if (!intermediate.has(entry.snapshotId)) log.push(entry)
    } else if (draft.removedSnapshots) {
      // A gap would make the entry before it seem current for the time of the one removed: history starts after the gap.
      log = []
    }
  }
  if (draft.currentSnapshotId !== undefined && log.at(-1)?.snapshotId !== draft.currentSnapshotId) {
    throw new FloeError('INVALID', `the snapshot log would not end at the current snapshot ${draft.currentSnapshotId}`)
  }
  return log
}

function sameRef(left: SnapshotRef, right: SnapshotRef): boolean {
  return (
    left.snapshotId === right.snapshotId &&
    left.type === right.type &&
    left.minSnapshotsToKeep === right.minSnapshotsToKeep &&
    left.maxSnapshotAgeMs === right.maxSnapshotAgeMs &&
    left.maxRefAgeMs === right.maxRefAgeMs
  )
}
