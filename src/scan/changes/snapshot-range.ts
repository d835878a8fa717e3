/**
 * What changed between two states of a table: which snapshots lie between them, what each of them did to files, and what
 * that did to rows. Planning reads manifests only; reading touches the files that changed, and no others.
 */
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { ancestorsBetween, ancestorsOf, indexSnapshots, isAncestorOf } from '../../snapshot/ancestry.js'
import { MAIN_BRANCH, schemaIdOfRef, schemaIdOfSnapshot, snapshotById, snapshotOfRef } from '../../snapshot/snapshot-ref.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { snapshotAsOf } from '../../snapshot/time-travel.js'
import { FloeError } from '../../util/errors.js'

/** A state of a table: a snapshot, a branch or tag, or what was current at a time (milliseconds since 1970 UTC). */
export type SnapshotPoint = { readonly snapshotId: bigint } | { readonly ref: string } | { readonly timestampMs: number }

/** A stretch of a table's history, as it is asked for. */
export interface RangeRequest {
  /** The state that the changes start from. Absent: the empty table before the first snapshot. */
  readonly from?: SnapshotPoint | undefined
  /** Whether the changes that `from` itself made belong to the range. Default false. */
  readonly fromInclusive?: boolean | undefined
  /** The last state of the range. Default: the current one of `main`. */
  readonly to?: SnapshotPoint | undefined
  /**
   * Whether history that has expired before the first snapshot is an error when there is no `from`: the rows that it added
   * would be missing. Default false, as in the reference.
   */
  readonly requireWholeHistory?: boolean | undefined
}

/** A stretch of a table's history. */
export interface SnapshotRange {
  /** The state that the changes start from; `undefined` for the empty table. It may have expired. */
  readonly fromSnapshotId: bigint | undefined
  /** The last state; `undefined` for a table without snapshots. */
  readonly to: Snapshot | undefined
  /** The snapshots in between, oldest first, `to` included. */
  readonly snapshots: readonly Snapshot[]
  /** The schema that `to` is read with: the current one for a branch, its own for a tag, a snapshot or a time. */
  readonly schemaId: number
}

/**
 * The snapshots of a range.
 * @throws FloeError `NOT_FOUND` for states that the table does not have any more, `INVALID` when `from` is not an ancestor of `to`
 */
// Source: Java `BaseIncrementalScan`
export function resolveSnapshotRange(metadata: TableMetadata, request: RangeRequest): SnapshotRange {
  const { to: toPoint = { ref: MAIN_BRANCH } } = request
  const to = snapshotAt(metadata, toPoint)
  const schemaId = schemaIdAt(metadata, toPoint)
  const from = startOf(metadata, request)
  if (to === undefined) {
    if (from !== undefined) throw notAncestor(metadata, from, to)
    return { fromSnapshotId: undefined, to, snapshots: [], schemaId }
  }
  if (from === to.snapshotId) return { fromSnapshotId: from, to, snapshots: [], schemaId }
  const between = ancestorsBetween(to.snapshotId, from, indexSnapshots(metadata.snapshots))
  if (between === undefined) throw notAncestor(metadata, from!, to)
  const snapshots = between.toReversed()
  const expired = from === undefined ? snapshots[0]?.parentSnapshotId : undefined
  if (expired !== undefined && request.requireWholeHistory === true) throw incompleteHistory(snapshots[0]!, expired)
  return { fromSnapshotId: from, to, snapshots, schemaId }
}

/** The id of the state that the changes start from, exclusive. */
function startOf(metadata: TableMetadata, { from, fromInclusive = false }: RangeRequest): bigint | undefined {
  if (from === undefined) return undefined
  // As in the reference, the snapshot before the range may have expired while all of the range is there.
  if (!fromInclusive && 'snapshotId' in from) return from.snapshotId
  const snapshot = snapshotAt(metadata, from)
  return fromInclusive ? snapshot?.parentSnapshotId : snapshot?.snapshotId
}

function snapshotAt(metadata: TableMetadata, point: SnapshotPoint): Snapshot | undefined {
  if ('ref' in point) return snapshotOfRef(metadata, point.ref)
  return snapshotById(metadata, 'snapshotId' in point ? point.snapshotId : snapshotAsOf(metadata.snapshotLog, point.timestampMs))
}

function schemaIdAt(metadata: TableMetadata, point: SnapshotPoint): number {
  if ('ref' in point) return schemaIdOfRef(metadata, point.ref)
  return schemaIdOfSnapshot(metadata, 'snapshotId' in point ? point.snapshotId : snapshotAsOf(metadata.snapshotLog, point.timestampMs))
}

function notAncestor(metadata: TableMetadata, from: bigint, to: Snapshot | undefined): FloeError {
  const snapshots = indexSnapshots(metadata.snapshots)
  if (!snapshots.has(from)) {
    const oldest = [...ancestorsOf(to?.snapshotId, snapshots)].at(-1)
    const next = oldest === undefined ? 'the table has no snapshots' : `the oldest one left is ${oldest.snapshotId}`
    return new FloeError(
      'NOT_FOUND',
      `Snapshot ${from} has expired or never was in this table (${next}), so that what changed after it is no longer known: ` +
        'read the whole current state once, and follow the changes from its snapshot on',
    )
  }
  const isLater = to !== undefined && isAncestorOf(to.snapshotId, from, snapshots)
  const reason = isLater ? 'comes after' : 'is not in the history of'
  const cause = isLater ? 'exchange the two, or name a later end' : 'the table was rolled back, or the two are of different branches: start from a common ancestor'
  return new FloeError('INVALID', `Snapshot ${from} ${reason} ${to === undefined ? 'the empty table' : `snapshot ${to.snapshotId}`}: ${cause}`)
}

function incompleteHistory(oldest: Snapshot, expired: bigint): FloeError {
  return new FloeError(
    'NOT_FOUND',
    `The history before snapshot ${oldest.snapshotId} has expired (its parent was ${expired}), so that the table's changes are not known from the beginning: ` +
      `read the rows of snapshot ${oldest.snapshotId}, and ask for the changes from it on`,
  )
}
