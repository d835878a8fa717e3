import type { CatalogBackend, CommitOutcome, LoadedTable } from '../catalog/catalog-backend.js'
import { FloeError } from '../util/errors.js'
import type { CommitContext, CommitOperation } from './commit-operation.js'
import type { CommitOptions, CommitResult } from './commit-result.js'
import { applied, transaction, type StagedOperation } from './transaction.js'

/** Attempt 0 is the staging: files of real attempts have other names. */
const STAGING_ATTEMPT = 0

/**
 * Stands for a catalog while a transaction gathers its operations: each is made on what the ones before it made of the table,
 * so that a later one sees the rows and columns of an earlier one, and nothing reaches the catalog.
 */
export class TransactionBackend implements Pick<CatalogBackend, 'loadTable' | 'commitTable'> {
  readonly #operations: StagedOperation[] = []
  #table: LoadedTable

  constructor(base: LoadedTable) {
    this.#table = base
  }

  get isEmpty(): boolean {
    return this.#operations.length === 0
  }

  loadTable(): Promise<LoadedTable> {
    return Promise.resolve(this.#table)
  }

  /** Never called: `commitTable` of commit/ hands operations to {@link stage}. */
  commitTable(): Promise<CommitOutcome> {
    return Promise.reject(new FloeError('UNSUPPORTED', 'This change cannot be part of a transaction: make it on its own'))
  }

  /** Makes an operation on top of the ones before. Throws as committing it would, with nothing staged. */
  async stage(operation: CommitOperation, { runtime, signal }: CommitOptions): Promise<CommitResult> {
    const base = this.#table
    const context: CommitContext = { runtime, signal, attempt: STAGING_ATTEMPT }
    try {
      await operation.prepare?.(base, context)
      const earlier = operation.findCommitted?.(base.metadata)
      if (earlier !== undefined) return { table: base, snapshot: earlier, attempts: 0, warnings: [] }
      await operation.validate?.(base, base, context)
      const change = await operation.apply(base, context)
      this.#table = applied(base, change, context)
      if (change.updates.length > 0) this.#operations.push({ operation, base, snapshot: change.snapshot })
      return { table: this.#table, snapshot: change.snapshot, attempts: 1, warnings: [] }
    } catch (error) {
      await this.#remove(operation.unusedFiles?.(undefined) ?? [])
      throw error
    }
  }

  /** Everything that was staged, as one operation. */
  operation(): CommitOperation {
    return transaction(this.#operations)
  }

  /** Removes what the operations wrote: nothing of it is, or will be, in the table. */
  async discard(): Promise<void> {
    await this.#remove(this.#operations.flatMap(({ operation }) => operation.unusedFiles?.(undefined) ?? []))
    this.#operations.length = 0
  }

  /** Files that are left behind cost space, not rows. */
  async #remove(files: readonly string[]): Promise<void> {
    if (files.length > 0) await this.#table.io.delete(files).catch(() => undefined)
  }
}
