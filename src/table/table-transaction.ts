import type { CatalogBackend, LoadedTable } from '../catalog/catalog-backend.js'
import { commitTable, type CommitResult } from '../commit/commit-table.js'
import { TransactionBackend } from '../commit/transaction-backend.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'

/** What a transaction can do to its table. */
const VERBS = [
  'append',
  'appendFiles',
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

/** A verb that a transaction has. */
export type TransactionVerb = (typeof VERBS)[number]

/** The table that a transaction changes, as far as it matters here. */
export interface TransactionTable {
  scan(): unknown
}

export interface TransactionContext<V> {
  readonly backend: CatalogBackend
  readonly loaded: LoadedTable
  readonly runtime: Runtime
  readonly signal: AbortSignal | undefined
  /** The table over a backend that stages. */
  readonly open: (loaded: LoadedTable, backend: CatalogBackend) => V
}

export interface TransactionOutcome<T> {
  /** What the work answered. */
  readonly value: T
  /** `undefined`: it changed nothing. */
  readonly result: CommitResult | undefined
}

/**
 * Runs `work` with the verbs of a table, then commits all that it did at once. Nothing is committed when it, or one of its calls, fails.
 * Calls are made one after the other, awaited or not.
 */
export async function runTransaction<T, V extends TransactionTable, X>(
  work: (transaction: X) => T | Promise<T>,
  context: TransactionContext<V>,
): Promise<TransactionOutcome<T>> {
  const { backend, loaded, runtime, signal, open } = context
  const staging = new TransactionBackend(loaded)
  const calls = new CallLine<X>(open(loaded, staging as unknown as CatalogBackend))
  let value: T
  try {
    value = await work(calls.transaction)
    await calls.end()
  } catch (error) {
    await calls.end().catch(() => undefined)
    await staging.discard()
    throw error
  }
  // From here on, what may be deleted is for the commit to decide: its outcome may be unknown.
  return { value, result: staging.isEmpty ? undefined : await commitTable(backend, loaded, staging.operation(), { runtime, signal }) }
}

/** Makes calls one at a time, in the order they were asked for. */
export class CallLine<X> {
  readonly transaction: X
  #last: Promise<unknown> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined
  #isOver = false

  constructor(table: TransactionTable) {
    const verbs = VERBS.map((verb) => [verb, (...args: readonly unknown[]) => this.#call(() => callVerb(table, verb, args))] as const)
    const scan = (): Promise<unknown> => this.#call(() => Promise.resolve(table.scan()))
    this.transaction = Object.freeze({ ...Object.fromEntries(verbs), scan }) as unknown as X
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

function callVerb(table: TransactionTable, verb: TransactionVerb, args: readonly unknown[]): Promise<unknown> {
  const method = (table as unknown as Record<TransactionVerb, unknown>)[verb] as (...given: unknown[]) => Promise<unknown>
  return method.apply(table, [...args])
}
