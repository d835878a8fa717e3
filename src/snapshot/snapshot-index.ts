/** Snapshots by their exact 64-bit id. */
import { startsWith } from '../util/starts-with.js'
import type { Snapshot } from './snapshot.js'

/** Snapshots by id: a map, or an index of a table's list. */
export type SnapshotsById = Pick<ReadonlyMap<bigint, Snapshot>, 'get' | 'has'>

/** What a list of snapshots has been found to be, item by item. */
interface ListFindings {
  /** The longest list seen so far. */
  snapshots: readonly Snapshot[]
  /** Where the first snapshot of each id is. */
  readonly positions: Map<bigint, number>
  isUnique: boolean
  highestSequenceNumber: bigint
}

/** By the first snapshot of the list, so that findings live no longer than what they are of. */
const findingsOf = new WeakMap<Snapshot, ListFindings>()

/**
 * Indexes a table's list of snapshots; neither may change any more. Each version of a table lists what the version before lists, and
 * a few snapshots more: the index of one goes on as that of the next, which is told by comparing the lists snapshot by snapshot.
 */
export function indexSnapshots(snapshots: readonly Snapshot[]): SnapshotIndex {
  const [first] = snapshots
  let findings = first === undefined ? undefined : findingsOf.get(first)
  if (findings === undefined || !(startsWith(snapshots, findings.snapshots) || startsWith(findings.snapshots, snapshots))) {
    findings = { snapshots: [], positions: new Map(), isUnique: true, highestSequenceNumber: 0n }
    if (first !== undefined) findingsOf.set(first, findings)
  }
  extend(findings, snapshots)
  return new SnapshotIndex(snapshots, findings)
}

function extend(findings: ListFindings, snapshots: readonly Snapshot[]): void {
  if (snapshots.length <= findings.snapshots.length) return
  for (let position = findings.snapshots.length; position < snapshots.length; position++) {
    const { snapshotId, sequenceNumber } = snapshots[position]!
    if (findings.positions.has(snapshotId)) findings.isUnique = false
    else findings.positions.set(snapshotId, position)
    if (sequenceNumber > findings.highestSequenceNumber) findings.highestSequenceNumber = sequenceNumber
  }
  findings.snapshots = snapshots
}

export class SnapshotIndex implements SnapshotsById {
  /** `true` only when all ids of the list differ. */
  readonly isUnique: boolean
  /** No snapshot of the list has a higher one. */
  readonly highestSequenceNumber: bigint
  readonly #snapshots: readonly Snapshot[]
  /** Of a list that begins as this one does, and may be longer. */
  readonly #positions: ReadonlyMap<bigint, number>

  constructor(snapshots: readonly Snapshot[], findings: Readonly<ListFindings>) {
    this.#snapshots = snapshots
    this.#positions = findings.positions
    this.isUnique = findings.isUnique
    this.highestSequenceNumber = findings.highestSequenceNumber
  }

  get(snapshotId: bigint): Snapshot | undefined {
    const position = this.#positions.get(snapshotId)
    return position === undefined ? undefined : this.#snapshots[position]
  }

  has(snapshotId: bigint): boolean {
    return this.get(snapshotId) !== undefined
  }
}
