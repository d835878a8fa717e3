/** Tells a commit that landed from an earlier one of the same token. */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { CommitContext, CommitOperation, ProposedChange } from './commit-operation.js'

/** An operation that remembers which snapshots it has proposed. */
export class RecordedOperation implements CommitOperation {
  readonly name: string
  readonly #operation: CommitOperation
  readonly #proposed = new Set<bigint>()

  constructor(operation: CommitOperation) {
    this.name = operation.name
    this.#operation = operation
  }

  /** Whether a snapshot is one of this very operation. */
  hasProposed(snapshot: Snapshot | undefined): boolean {
    return snapshot !== undefined && this.#proposed.has(snapshot.snapshotId)
  }

  async prepare(base: LoadedTable, context: CommitContext): Promise<void> {
    await this.#operation.prepare?.(base, context)
  }

  findCommitted(current: TableMetadata): Snapshot | undefined {
    return this.#operation.findCommitted?.(current)
  }

  async validate(base: LoadedTable, current: LoadedTable, context: CommitContext): Promise<void> {
    await this.#operation.validate?.(base, current, context)
  }

  async apply(current: LoadedTable, context: CommitContext): Promise<ProposedChange> {
    const change = await this.#operation.apply(current, context)
    if (change.snapshot !== undefined) this.#proposed.add(change.snapshot.snapshotId)
    return change
  }

  unusedFiles(committed: Snapshot | undefined): readonly string[] {
    return this.#operation.unusedFiles?.(committed) ?? []
  }
}
