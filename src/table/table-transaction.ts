import { AsyncLocalStorage } from 'node:async_hooks'
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

/** A call that was asked for, as what it calls back sees it: rows that are iterated, values that are computed. */
interface PendingCall {
  readonly line: CallLine<unknown>
  readonly name: string
  /** The call that this one was made from inside of. */
  readonly outer: PendingCall | undefined
  /** Calls that were made from inside of this one, and that it may wait for. */
  readonly inner: Set<PendingCall>
  isOver: boolean
}

/** Which call is being made where something runs, also in what is awaited there: in generators and streams of callers. */
const runningCalls = new AsyncLocalStorage<PendingCall>()

/** Makes calls one at a time, in the order they were asked for. */
export class CallLine<X> {
  readonly transaction: X
  #last: Promise<unknown> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined
  #isOver = false
  /** The last that was begun. */
  #running: PendingCall | undefined

  constructor(table: TransactionTable) {
    const verbs = VERBS.map((verb) => [verb, (...args: readonly unknown[]) => this.#call(verb, () => callVerb(table, verb, args))] as const)
    const scan = (): Promise<unknown> => this.#call('scan', () => Promise.resolve(table.scan()))
    this.transaction = Object.freeze({ ...Object.fromEntries(verbs), scan }) as unknown as X
  }

  /** Waits for every call. Throws what the first that failed threw, whether or not its caller looked. */
  async end(): Promise<void> {
    await this.#last
    this.#isOver = true
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #call<T>(name: string, call: () => Promise<T>): Promise<T> {
    if (this.#isOver) return Promise.reject(new FloeError('INVALID', 'The transaction is over: make further changes on the table'))
    const pending: PendingCall = { line: this, name, outer: runningCalls.getStore(), inner: new Set(), isOver: false }
    const waiting = this.#callWaitingFor(pending)
    if (waiting !== undefined) return this.#refuse(name, waiting.name)
    pending.outer?.inner.add(pending)
    const made = this.#last.then(() => {
      if (this.#failure !== undefined) throw new FloeError('INVALID', 'An earlier call of the transaction has failed', { cause: this.#failure.error })
      this.#running = pending
      return runningCalls.run(pending, call)
    })
    const settle = (): void => {
      pending.isOver = true
      pending.outer?.inner.delete(pending)
    }
    this.#last = made.then(settle, (error: unknown) => {
      settle()
      this.#failure ??= { error }
    })
    // Whoever does not await a call learns of its failure from the transaction.
    made.catch(() => undefined)
    return made
  }

  /** The call, if any, that would wait for `asked` and that `asked` would wait for, through whatever lines of calls. */
  #callWaitingFor({ outer }: PendingCall): PendingCall | undefined {
    const around = new Map<CallLine<unknown>, PendingCall>()
    for (let call = outer; call !== undefined; call = call.outer) if (!call.isOver) around.set(call.line, call)
    const lines = new Set<CallLine<unknown>>([this])
    for (const line of lines) {
      const waiting = around.get(line)
      if (waiting !== undefined) return waiting
      // A set is walked on to what is added meanwhile.
      for (const inner of line.#running?.inner ?? []) lines.add(inner.line)
    }
    return undefined
  }

  /** A call waits for those before it: one that was asked for by what the running one waits for would wait for itself. */
  #refuse(name: string, running: string): Promise<never> {
    const message = `${name} of a transaction was called from inside its ${running}, which it would wait for: call it before, and hand over what it answers`
    const error = new FloeError('INVALID', message)
    this.#failure ??= { error }
    const refused = Promise.reject<never>(error)
    refused.catch(() => undefined)
    return refused
  }
}

function callVerb(table: TransactionTable, verb: TransactionVerb, args: readonly unknown[]): Promise<unknown> {
  const method = (table as unknown as Record<TransactionVerb, unknown>)[verb] as (...given: unknown[]) => Promise<unknown>
  return method.apply(table, [...args])
}
