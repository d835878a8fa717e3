/** Several operations as one commit: all of them or none. Source: `BaseTransaction` */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import { applyUpdates } from '../metadata/apply-updates.js'
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { indexSnapshots } from '../snapshot/ancestry.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import type { CommitContext, CommitOperation, ProposedChange } from './commit-operation.js'
import { requireStagedIds } from './transaction-ids.js'

/** An operation of a transaction, with the table as it was planned on: with what the operations before it made of the table. */
export interface StagedOperation {
  readonly operation: CommitOperation
  readonly base: LoadedTable
  /** The snapshot that it made there; absent for changes of metadata alone. */
  readonly snapshot: Snapshot | undefined
}

/**
 * An operation that makes each of `operations` on top of the one before. They were prepared where they were staged; what others
 * committed meanwhile is held against each of them. Throws `INVALID` for none.
 */
export function transaction(operations: readonly StagedOperation[]): CommitOperation {
  if (operations.length === 0) throw new FloeError('INVALID', 'a transaction needs at least one operation')
  return new Transaction(operations)
}

class Transaction implements CommitOperation {
  readonly name: string
  readonly canFollowAny: boolean
  /** What each operation made, by the manifest list of the last snapshot, which is how a landed attempt is known. */
  readonly #proposals = new Map<string | undefined, readonly (Snapshot | undefined)[]>()
  readonly #stagedIds: ReadonlySet<bigint>

  constructor(private readonly operations: readonly StagedOperation[]) {
    this.name = `transaction of ${operations.map(({ operation }) => operation.name).join(', ')}`
    this.canFollowAny = operations.every(({ operation }) => operation.canFollowAny === true)
    this.#stagedIds = new Set(operations.flatMap(({ snapshot }) => (snapshot === undefined ? [] : [snapshot.snapshotId])))
  }

  findCommitted(current: TableMetadata): Snapshot | undefined {
    for (const { operation } of this.operations.toReversed()) {
      const committed = operation.findCommitted?.(current)
      if (committed !== undefined) return committed
    }
    return undefined
  }

  /** Only others' commits count: structure that this transaction changes is there, snapshots that it makes are not. */
  async validate(_base: LoadedTable, current: LoadedTable, context: CommitContext): Promise<void> {
    let seen = current
    for (const { operation, base, snapshot } of this.operations) {
      if (snapshot !== undefined) this.#requireStagedIds(base, seen)
      await operation.validate?.(base, seen, { ...context, startOf: (start) => this.#outsideStart(start, base) })
      if (snapshot === undefined) seen = applied(seen, await operation.apply(seen, context), context)
    }
  }

  async apply(current: LoadedTable, context: CommitContext): Promise<ProposedChange> {
    let table = current
    const updates: MetadataUpdate[] = []
    const snapshots: (Snapshot | undefined)[] = []
    for (const { operation, base, snapshot } of this.operations) {
      if (snapshot !== undefined) this.#requireStagedIds(base, table)
      const change = await operation.apply(table, context)
      table = applied(table, change, context)
      updates.push(...change.updates)
      snapshots.push(change.snapshot)
    }
    const last = snapshots.findLast((candidate) => candidate !== undefined)
    this.#proposals.set(last?.manifestList, snapshots)
    return { updates, snapshot: last }
  }

  unusedFiles(committed: Snapshot | undefined): readonly string[] {
    const landed = committed === undefined ? undefined : this.#proposals.get(committed.manifestList)
    // Without any of these proposals, an earlier try landed: only what this one made for itself may go.
    return this.operations.flatMap(({ operation }, i) => operation.unusedFiles?.(landed === undefined ? committed : landed[i]) ?? [])
  }

  /** The first operation was staged on the table as others had left it. */
  #requireStagedIds(base: LoadedTable, current: LoadedTable): void {
    requireStagedIds(this.operations[0]!.base.metadata, base.metadata, current)
  }

  /** A change that was planned on a snapshot of this transaction was planned, for others, on what that one is based on. */
  #outsideStart(start: bigint | undefined, base: LoadedTable): bigint | undefined {
    const byId = indexSnapshots(base.metadata.snapshots)
    let outside = start
    while (outside !== undefined && this.#stagedIds.has(outside)) outside = byId.get(outside)?.parentSnapshotId
    return outside
  }
}

/** The table after a change that is not committed yet. */
export function applied(table: LoadedTable, change: ProposedChange, context: Pick<CommitContext, 'runtime'>): LoadedTable {
  return { ...table, metadata: applyUpdates(table.metadata, change.updates, { now: context.runtime.now() }) }
}
