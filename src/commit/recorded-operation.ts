/** Tells a commit that landed from an earlier one of the same token. */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { CommitContext, CommitOperation, ProposedChange } from './commit-operation.js'

/** An operation that remembers which snapshots it has proposed, and spares files that are not its own. */
export class RecordedOperation implements CommitOperation {
  readonly name: string
  readonly canFollowAny: boolean
  readonly #operation: CommitOperation
  readonly #spared: ReadonlySet<string>
  readonly #proposed = new Set<bigint>()

  /** `spared`: locations of files that are the caller's, whatever becomes of the commit. */
  constructor(operation: CommitOperation, spared: ReadonlySet<string> = new Set()) {
    this.name = operation.name
    this.canFollowAny = operation.canFollowAny === true
    this.#operation = operation
    this.#spared = spared
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
    return (this.#operation.unusedFiles?.(committed) ?? []).filter((file) => !this.#spared.has(file))
  }
}
