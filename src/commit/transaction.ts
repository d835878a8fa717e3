/** Several operations as one commit: all of them or none. */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import { applyUpdates } from '../metadata/apply-updates.js'
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import type { CommitContext, CommitOperation, ProposedChange } from './commit-operation.js'

/** An operation that makes each of `operations` on top of the one before. Throws `INVALID` for none. */
export function transaction(operations: readonly CommitOperation[]): CommitOperation {
  if (operations.length === 0) throw new FloeError('INVALID', 'a transaction needs at least one operation')
  return new Transaction(operations)
}

class Transaction implements CommitOperation {
  readonly name: string
  readonly canFollowAny: boolean
  /** What each operation made, by the manifest list of the last snapshot, which is how a landed attempt is known. */
  readonly #proposals = new Map<string | undefined, readonly (Snapshot | undefined)[]>()

  constructor(private readonly operations: readonly CommitOperation[]) {
    this.name = `transaction of ${operations.map((operation) => operation.name).join(', ')}`
    this.canFollowAny = operations.every((operation) => operation.canFollowAny === true)
  }

  async prepare(base: LoadedTable, context: CommitContext): Promise<void> {
    for (const operation of this.operations) await operation.prepare?.(base, context)
  }

  findCommitted(current: TableMetadata): Snapshot | undefined {
    for (const operation of this.operations.toReversed()) {
      const committed = operation.findCommitted?.(current)
      if (committed !== undefined) return committed
    }
    return undefined
  }

  async validate(base: LoadedTable, current: LoadedTable, context: CommitContext): Promise<void> {
    for (const operation of this.operations) await operation.validate?.(base, current, context)
  }

  async apply(current: LoadedTable, context: CommitContext): Promise<ProposedChange> {
    let metadata = current.metadata
    const updates: MetadataUpdate[] = []
    const snapshots: (Snapshot | undefined)[] = []
    for (const operation of this.operations) {
      const change = await operation.apply({ ...current, metadata }, context)
      metadata = applyUpdates(metadata, change.updates, { now: context.runtime.now() })
      updates.push(...change.updates)
      snapshots.push(change.snapshot)
    }
    const snapshot = snapshots.findLast((candidate) => candidate !== undefined)
    this.#proposals.set(snapshot?.manifestList, snapshots)
    return { updates, snapshot }
  }

  unusedFiles(committed: Snapshot | undefined): readonly string[] {
    const landed = committed === undefined ? undefined : this.#proposals.get(committed.manifestList)
    // Without any of these proposals, an earlier try landed: only what this one made for itself may go.
    return this.operations.flatMap((operation, i) => operation.unusedFiles?.(landed === undefined ? committed : landed[i]) ?? [])
  }
}
