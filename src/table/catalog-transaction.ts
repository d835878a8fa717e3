import type { CatalogBackend, LoadedTable, TableIdentifier } from '../catalog/catalog-backend.js'
import { printTableIdentifier } from '../catalog/table-identifier.js'
import { commitTables, type TableChange, type TransactionalBackend } from '../commit/commit-tables.js'
import { TransactionBackend } from '../commit/transaction-backend.js'
import { stagedTableUpdates } from '../metadata/new-table.js'
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { CallLine, type TransactionTable } from './table-transaction.js'

export interface CatalogWorkContext<V> {
  readonly backend: TransactionalBackend
  readonly runtime: Runtime
  readonly signal: AbortSignal | undefined
  /** The table over a backend that stages. */
  readonly open: (loaded: LoadedTable, backend: CatalogBackend) => V
}

interface StagedTable<X> {
  readonly base: LoadedTable
  readonly creation: readonly MetadataUpdate[] | undefined
  readonly staging: TransactionBackend
  readonly calls: CallLine<X>
}

/** The tables that a transaction has touched, each with what was staged for it. */
export class CatalogWork<V extends TransactionTable, X> {
  readonly #context: CatalogWorkContext<V>
  readonly #tables = new Map<string, Promise<StagedTable<X>>>()
  #isOver = false

  constructor(context: CatalogWorkContext<V>) {
    this.#context = context
  }

  /** The verbs of a table: the same ones however often it is asked for. */
  async load(identifier: TableIdentifier): Promise<X> {
    return this.#staged(identifier, async () => this.#stage(await this.#context.backend.loadTable(identifier), undefined))
  }

  /** The verbs of a table that the commit creates. */
  async create(identifier: TableIdentifier, stage: () => Promise<LoadedTable>): Promise<X> {
    if (this.#tables.has(printTableIdentifier(identifier))) {
      throw new FloeError('ALREADY_EXISTS', 'The transaction has this table already', { table: printTableIdentifier(identifier) })
    }
    return this.#staged(identifier, async () => {
      const base = await stage()
      return this.#stage(base, stagedTableUpdates(base.metadata))
    })
  }

  /** Commits all that was staged. */
  async commit(): Promise<void> {
    const tables = await this.#end()
    const changes = tables.flatMap(({ base, creation, staging }): TableChange[] =>
      staging.isEmpty && creation === undefined ? [] : [{ base, creation, operation: staging.isEmpty ? undefined : staging.operation() }],
    )
    const { backend, runtime, signal } = this.#context
    if (changes.length > 0) await commitTables(backend, changes, { runtime, signal })
  }

  /** Removes what was written for a transaction of which nothing was sent. */
  async discard(): Promise<void> {
    this.#isOver = true
    for (const pending of this.#tables.values()) {
      const table = await pending.catch(() => undefined)
      await table?.calls.end().catch(() => undefined)
      await table?.staging.discard()
    }
  }

  /** Waits for every call; throws what the first that failed threw, with nothing committed. */
  async #end(): Promise<readonly StagedTable<X>[]> {
    try {
      const tables = await Promise.all(this.#tables.values())
      for (const { calls } of tables) await calls.end()
      this.#isOver = true
      return tables
    } catch (error) {
      await this.discard()
      throw error
    }
  }

  async #staged(identifier: TableIdentifier, stage: () => Promise<StagedTable<X>>): Promise<X> {
    if (this.#isOver) throw new FloeError('INVALID', 'The transaction is over: make further changes on the tables')
    const key = printTableIdentifier(identifier)
    const known = this.#tables.get(key)
    const made = known ?? stage()
    if (known === undefined) {
      this.#tables.set(key, made)
      // A table that is not there is no part of the transaction.
      made.catch(() => this.#tables.delete(key))
    }
    return (await made).calls.transaction
  }

  #stage(base: LoadedTable, creation: readonly MetadataUpdate[] | undefined): StagedTable<X> {
    const staging = new TransactionBackend(base)
    const calls = new CallLine<X>(this.#context.open(base, staging as unknown as CatalogBackend))
    return { base, creation, staging, calls }
  }
}
