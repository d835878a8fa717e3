/** The line of parents of a snapshot. */
import type { SnapshotsById } from './snapshot-index.js'
import type { Snapshot } from './snapshot.js'

export { indexSnapshots, type SnapshotsById } from './snapshot-index.js'

/**
 * The snapshot and its ancestors, newest first, as far back as the table still has them. Ends on a cycle, which only
 * damaged metadata has.
 */
export function* ancestorsOf(snapshotId: bigint | undefined, snapshots: SnapshotsById): Generator<Snapshot> {
  const seen = new Set<bigint>()
  let next = snapshotId
  while (next !== undefined && !seen.has(next)) {
    seen.add(next)
    const snapshot = snapshots.get(next)
    if (snapshot === undefined) return
    yield snapshot
    next = snapshot.parentSnapshotId
  }
}

/** Whether `ancestorId` is `snapshotId` itself or one of its known ancestors. */
export function isAncestorOf(ancestorId: bigint, snapshotId: bigint | undefined, snapshots: SnapshotsById): boolean {
  for (const snapshot of ancestorsOf(snapshotId, snapshots)) if (snapshot.snapshotId === ancestorId) return true
  return false
}

/**
 * The snapshots after `exclusiveStart` up to `end`, newest first; all ancestors for an undefined start.
 * `undefined` when `exclusiveStart` is not an ancestor of `end`, so that the history between them is not known.
 */
export function ancestorsBetween(
  end: bigint | undefined,
  exclusiveStart: bigint | undefined,
  snapshots: SnapshotsById,
): readonly Snapshot[] | undefined {
  const between: Snapshot[] = []
  for (const snapshot of ancestorsOf(end, snapshots)) {
    if (snapshot.snapshotId === exclusiveStart) return between
    between.push(snapshot)
  }
  if (exclusiveStart === undefined) return between
  // The start itself may have expired while its child is still there.
  return between.at(-1)?.parentSnapshotId === exclusiveStart ? between : undefined
}
