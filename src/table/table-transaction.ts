import type { CatalogBackend, LoadedTable } from '../catalog/catalog-backend.js'
import { commitTable, type CommitResult } from '../commit/commit-table.js'
import { TransactionBackend } from '../commit/transaction-backend.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import type { Table } from './table.js'
import type { TableScan } from './table-scan.js'

/** What a transaction can do to its table. */
const VERBS = [
  'append',
  'delete',
  'update',
  'overwrite',
  'overwritePartitions',
  'upsert',
  'updateSchema',
  'updateSpec',
  'replaceSortOrder',
  'updateProperties',
  'upgrade',
  'rollback',
  'setCurrentSnapshot',
  'createBranch',
  'createTag',
  'dropBranch',
  'dropTag',
] as const

/**
 * The verbs of a table inside a transaction. Calls are made one after the other, awaited or not; each sees what the ones before
 * it did. One that fails fails the transaction.
 */
export type TableTransaction = Pick<Table, (typeof VERBS)[number]> & {
  /** A scan of the table as the calls before have left it. */
  scan(): Promise<TableScan>
}

export interface TransactionContext {
  readonly backend: CatalogBackend
  readonly loaded: LoadedTable
  readonly runtime: Runtime
  readonly signal: AbortSignal | undefined
  /** The table over a backend that stages. */
  readonly open: (loaded: LoadedTable, backend: CatalogBackend) => Table
}

/** Runs `work`, then commits all that it did at once. Nothing is committed when it, or one of its calls, fails. */
export async function runTransaction<T>(
  work: (transaction: TableTransaction) => T | Promise<T>,
  context: TransactionContext,
): Promise<{ readonly value: T; readonly result: CommitResult | undefined }> {
  const { backend, loaded, runtime, signal, open } = context
  const staging = new TransactionBackend(loaded)
  const calls = new CallLine(open(loaded, staging as unknown as CatalogBackend))
  try {
    const value = await work(calls.transaction)
    await calls.end()
    if (staging.isEmpty) return { value, result: undefined }
    return { value, result: await commitTable(backend, loaded, staging.operation(), { runtime, signal }) }
  } catch (error) {
    await calls.end().catch(() => undefined)
    // A commit of unknown outcome may still need its files; one that failed has removed them.
    if (!(error instanceof FloeError && error.code === 'COMMIT_STATE_UNKNOWN')) await staging.discard()
    throw error
  }
}

/** Makes calls one at a time, in the order they were asked for. */
class CallLine {
  readonly transaction: TableTransaction
  #last: Promise<unknown> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined
  #isOver = false

  constructor(table: Table) {
    const verbs = VERBS.map((verb) => [verb, (...args: readonly unknown[]) => this.#call(() => callVerb(table, verb, args))] as const)
    const scan = (): Promise<TableScan> => this.#call(() => Promise.resolve(table.scan()))
    this.transaction = Object.freeze({ ...Object.fromEntries(verbs), scan }) as unknown as TableTransaction
  }

  /** Waits for every call. Throws what the first that failed threw, whether or not its caller looked. */
  async end(): Promise<void> {
    await this.#last
    this.#isOver = true
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #call<T>(call: () => Promise<T>): Promise<T> {
    if (this.#isOver) return Promise.reject(new FloeError('INVALID', 'The transaction is over: make further changes on the table'))
    const made = this.#last.then(() => {
      if (this.#failure !== undefined) throw new FloeError('INVALID', 'An earlier call of the transaction has failed', { cause: this.#failure.error })
      return call()
    })
    this.#last = made.then(
      () => undefined,
      (error: unknown) => {
        this.#failure ??= { error }
      },
    )
    // Whoever does not await a call learns of its failure from the transaction.
    made.catch(() => undefined)
    return made
  }
}

function callVerb(table: Table, verb: (typeof VERBS)[number], args: readonly unknown[]): Promise<unknown> {
  const method = table[verb] as (...given: unknown[]) => Promise<unknown>
  return method.apply(table, [...args])
}
