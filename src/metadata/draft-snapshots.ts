import { indexSnapshots, type SnapshotsById } from '../snapshot/snapshot-index.js'
import type { Snapshot } from '../snapshot/snapshot.js'

/** The snapshots of a draft, in the order that they were added: the list of its base with the changes to it. */
export class DraftSnapshots {
  readonly #base: readonly Snapshot[]
  readonly #baseById: SnapshotsById
  readonly #removed = new Set<bigint>()
  readonly #added = new Map<bigint, Snapshot>()

  /** `base` has each id once. */
  constructor(base: readonly Snapshot[]) {
    this.#base = base
    this.#baseById = indexSnapshots(base)
  }

  get(snapshotId: bigint): Snapshot | undefined {
    return this.#added.get(snapshotId) ?? (this.#removed.has(snapshotId) ? undefined : this.#baseById.get(snapshotId))
  }

  has(snapshotId: bigint): boolean {
    return this.get(snapshotId) !== undefined
  }

  /** Adds a snapshot whose id is free. */
  add(snapshot: Snapshot): void {
    this.#added.set(snapshot.snapshotId, snapshot)
  }

  /** Whether the snapshot was there. */
  delete(snapshotId: bigint): boolean {
    if (this.#added.delete(snapshotId)) return true
    if (this.#removed.has(snapshotId) || !this.#baseById.has(snapshotId)) return false
    this.#removed.add(snapshotId)
    return true
  }

  list(): readonly Snapshot[] {
    const kept = this.#removed.size === 0 ? this.#base : this.#base.filter(({ snapshotId }) => !this.#removed.has(snapshotId))
    return this.#added.size === 0 ? kept : [...kept, ...this.#added.values()]
  }
}
