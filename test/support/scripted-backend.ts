/** A catalog in memory whose answers to commits follow a script, so that every way a commit can end is tested. */
import type { CatalogBackend, CommitOutcome, CommitRequest, LoadedTable, TableIdentifier } from '../../src/catalog/catalog-backend.js'
import type { FileIO } from '../../src/io/file-io.js'
import { applyUpdates } from '../../src/metadata/apply-updates.js'
import { parseTableMetadata, printTableMetadata } from '../../src/metadata/table-metadata-json.js'
import type { TableMetadata } from '../../src/metadata/table-metadata.js'
import { checkRequirements } from '../../src/metadata/update-requirements.js'
import { FloeError } from '../../src/util/errors.js'
import type { Runtime } from '../../src/util/runtime.js'

/**
 * How one commit request ends. `unknown-…` and `thrown-…`: the answer is lost, after the effect or without one; `unknown-later`:
 * the effect comes after `laterLoads` more loads. `rejected-landed`: applied, yet answered as rejected, as by a retrying proxy.
 */
export type CommitScript =
  | 'ok'
  | 'rejected'
  | 'rejected-final'
  | 'rejected-landed'
  | 'unknown-landed'
  | 'unknown-lost'
  | 'unknown-later'
  | 'thrown-landed'
  | 'thrown-lost'

const IDENTIFIER: TableIdentifier = { namespace: ['shop'], name: 'events' }
const unsupported = (): never => {
  throw new FloeError('UNSUPPORTED', 'not part of the script')
}

/** One table. Every version passes through JSON, as in a real catalog. */
export class ScriptedBackend implements CatalogBackend {
  readonly requests: CommitRequest[] = []
  /** Runs before request `n` (from 1) is looked at: what other writers do meanwhile. */
  beforeCommit: (n: number) => void | Promise<void> = () => undefined
  laterLoads = 1
  loads = 0
  failLoads = 0
  metadata: TableMetadata
  readonly #script: CommitScript[]
  #version = 1
  #pending: { readonly request: CommitRequest; readonly atLoad: number } | undefined

  constructor(
    metadata: TableMetadata,
    readonly io: FileIO,
    readonly runtime: Runtime,
    script: readonly CommitScript[] = [],
  ) {
    this.metadata = metadata
    this.#script = [...script]
  }

  /** The table as it is now, without counting as a load. */
  current(): LoadedTable {
    const metadata = parseTableMetadata(printTableMetadata(this.metadata))
    return { identifier: IDENTIFIER, metadata, metadataLocation: `v${this.#version}.metadata.json`, io: this.io }
  }

  loadTable(): Promise<LoadedTable> {
    this.loads++
    if (this.#pending !== undefined && this.loads >= this.#pending.atLoad) {
      const { request } = this.#pending
      this.#pending = undefined
      this.apply(request)
    }
    if (this.failLoads-- > 0) return Promise.reject(new FloeError('UNAVAILABLE', 'no answer'))
    return Promise.resolve(this.current())
  }

  async commitTable(request: CommitRequest): Promise<CommitOutcome> {
    this.requests.push(request)
    await this.beforeCommit(this.requests.length)
    const step = this.#script.shift() ?? 'ok'
    const lost = new FloeError('UNAVAILABLE', 'the answer was lost')
    if (step === 'rejected' || step === 'rejected-final') {
      const retryable = step === 'rejected'
      return { outcome: 'rejected', reason: new FloeError('CONFLICT', 'somebody was faster', { retryable }), retryable }
    }
    if (step === 'unknown-lost') return { outcome: 'unknown', reason: lost }
    if (step === 'thrown-lost') throw lost
    if (step === 'unknown-later') {
      this.#pending = { request, atLoad: this.loads + this.laterLoads }
      return { outcome: 'unknown', reason: lost }
    }
    const rejection = this.apply(request)
    if (step === 'unknown-landed') return { outcome: 'unknown', reason: lost }
    if (step === 'thrown-landed') throw lost
    if (step === 'rejected-landed') return { outcome: 'rejected', reason: new FloeError('CONFLICT', '412'), retryable: true }
    return rejection === undefined
      ? { outcome: 'committed', table: this.current() }
      : { outcome: 'rejected', reason: rejection, retryable: rejection.retryable }
  }

  /** Applies a request when its requirements hold; else the reason why not. */
  apply(request: Pick<CommitRequest, 'requirements' | 'updates'>): FloeError | undefined {
    try {
      checkRequirements(this.metadata, request.requirements)
      this.metadata = applyUpdates(this.metadata, request.updates, {
        now: this.runtime.now(),
        baseLocation: `v${this.#version}.metadata.json`,
      })
      this.#version++
      return undefined
    } catch (error) {
      return error as FloeError
    }
  }

  listNamespaces = unsupported
  createNamespace = unsupported
  dropNamespace = unsupported
  namespaceExists = unsupported
  loadNamespace = unsupported
  updateNamespace = unsupported
  listTables = unsupported
  tableExists = unsupported
  createTable = unsupported
  dropTable = unsupported
  renameTable = unsupported
  registerTable = unsupported
}

/** A runtime without real time: sleeping moves the clock; uuids and ids count up. */
export class TestRuntime implements Runtime {
  readonly sleeps: number[] = []
  nowMs: number
  #next = 1

  constructor(startMs = 1_700_000_100_000) {
    this.nowMs = startMs
  }

  now(): number {
    return this.nowMs
  }

  random(): number {
    return 0.5
  }

  uuid(): string {
    return `00000000-0000-4000-8000-${String(this.#next++).padStart(12, '0')}`
  }

  snapshotId(): bigint {
    return 9_007_199_254_740_993n + BigInt(this.#next++)
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    this.sleeps.push(ms)
    this.nowMs += ms
    return Promise.resolve()
  }
}
