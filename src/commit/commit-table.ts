/**
 * The one irreversible act: a change is applied to the current version of a table and handed to the catalog, again and
 * again until it is in, proven out, or nobody can tell.
 *
 * This folder knows snapshots, manifests and outcomes. It does not know rows, nor where a catalog keeps its pointer.
 */
import type { CatalogBackend, CommitOutcome, LoadedTable, TableIdentifier } from '../catalog/catalog-backend.js'
import { commitMetrics, reportMetrics } from '../catalog/metrics-report.js'
import { printTableIdentifier } from '../catalog/table-identifier.js'
import { applyUpdates } from '../metadata/apply-updates.js'
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { requirementsFor } from '../metadata/update-requirements.js'
import { findSnapshot } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError, isFloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import type { CommitContext, CommitOperation, ProposedChange } from './commit-operation.js'
import type { CommitOptions, CommitResult } from './commit-result.js'
import { contentionOf, type Contention } from './contention.js'
import { hasEffects, hasSnapshot } from './landed-change.js'
import { TransactionBackend } from './transaction-backend.js'
import { backoffMs, commitRetryPolicy, statusCheckPolicy, type RetryPolicy } from './retry-policy.js'

export type { CommitOptions, CommitResult } from './commit-result.js'

/**
 * Commits `operation` to the table that `base` was loaded from, retrying on newer versions as the table's
 * `commit.retry.*` properties say.
 *
 * Throws `CONFLICT` when the change does not fit what others committed, or others were always faster; then nothing was
 * committed, and the files made for it are deleted. Throws `COMMIT_STATE_UNKNOWN` when the catalog's answer was lost
 * and reloading did not show the change: it may still land, so nothing is deleted.
 */
export async function commitTable(
  backend: CatalogBackend,
  base: LoadedTable,
  operation: CommitOperation,
  options: CommitOptions,
): Promise<CommitResult> {
  if (backend instanceof TransactionBackend) return backend.stage(operation, options)
  // What others committed meanwhile is held against the change: that takes every snapshot.
  return new TableCommit(backend, await completed(base), operation, options).run()
}

/** A change as it was sent, with what the table would look like. */
interface SentChange extends ProposedChange {
  readonly current: LoadedTable
  readonly expected: TableMetadata
}

type RejectedOutcome = Extract<CommitOutcome, { readonly outcome: 'rejected' }>

class TableCommit {
  readonly #identifier: TableIdentifier
  readonly #runtime: Runtime
  readonly #startMs: number
  /** Present where being overtaken is no failure. */
  #contention: Contention | undefined
  readonly #warnings: FloeError[] = []
  #current: LoadedTable
  #attempt = 0
  #attemptStartMs: number
  /** Attempts that were rejected although nobody else had committed, or that count as the table's properties say. */
  #failures = 0
  #sent: SentChange | undefined
  readonly #sentLists = new Set<string | undefined>()
  #isUnknown = false

  constructor(
    private readonly backend: CatalogBackend,
    private readonly base: LoadedTable,
    private readonly operation: CommitOperation,
    private readonly options: CommitOptions,
  ) {
    this.#identifier = base.identifier
    this.#runtime = options.runtime
    this.#startMs = options.runtime.now()
    this.#attemptStartMs = this.#startMs
    this.#current = base
  }

  async run(): Promise<CommitResult> {
    try {
      return await this.#commit()
    } catch (error) {
      if (!this.#isUnknown) await this.#cleanUpRejected()
      throw error
    }
  }

  async #commit(): Promise<CommitResult> {
    const policy = commitRetryPolicy(this.base.metadata.properties)
    this.#checkAborted()
    await this.operation.prepare?.(this.base, this.#context())
    await this.#waitForTurn(policy)
    for (;;) {
      this.#attempt++
      this.#checkAborted()
      const earlier = this.operation.findCommitted?.(this.#current.metadata)
      if (earlier !== undefined) return await this.#finish(this.#current, earlier, this.#attempt - 1)
      this.#attemptStartMs = this.#runtime.now()
      const sent = await this.#tryToPropose()
      if (sent === 'overtaken') {
        if (this.#isLanded(this.#current.metadata)) return await this.#finishSent(this.#current)
        continue
      }
      if (sent === undefined) return await this.#finish(this.#current, undefined, this.#attempt - 1)
      this.#sent = sent
      this.#sentLists.add(sent.snapshot?.manifestList)
      const outcome = await this.#send(sent)
      if (outcome.outcome === 'committed') return await this.#finishSent(outcome.table)
      if (outcome.outcome === 'unknown') return await this.#resolveUnknown(sent, outcome.reason)
      const landed = await this.#retryAfter(outcome, sent, policy)
      if (landed !== undefined) return await this.#finishSent(landed)
    }
  }

  /**
   * Waits, and goes over to the newest version. Throws when there is to be no other attempt. A table is returned when the change is
   * in it after all: «rejected» may have been the answer to our own request, sent twice by a proxy.
   */
  async #retryAfter({ reason, retryable }: RejectedOutcome, sent: SentChange, policy: RetryPolicy): Promise<LoadedTable | undefined> {
    const isRace = retryable && this.#contention !== undefined
    if (!isRace) this.#failures++
    const waitMs = this.#waitMs(policy, isRace)
    const late = this.#runtime.now() + waitMs - this.#startMs > policy.totalMs
    const canRetry = retryable || (await this.#wasUpgraded(sent))
    const isLast = !canRetry || this.#failures + (isRace ? 1 : 0) >= policy.maxAttempts || late
    if (isLast || !(await this.#waitUnlessAborted(waitMs))) {
      const seen = await this.#lookForChange()
      if (seen !== undefined) return seen
      if (!isLast) this.#checkAborted()
      throw this.#rejected(reason, retryable)
    }
    const before = this.#current
    this.#current = await this.#reload()
    if (this.#isLanded(this.#current.metadata)) return this.#current
    if (isRace && !isNewer(this.#current, before)) this.#failures++
    return undefined
  }

  /** Where others were met of late, the attempt is made when it is our turn, and on the version that is current then. */
  async #waitForTurn(policy: RetryPolicy): Promise<void> {
    if (this.operation.canFollowAny !== true || policy.isChosen) return
    const contention = contentionOf(this.backend, this.base)
    this.#contention = contention
    contention.observe(this.base)
    if (!contention.isMet) return
    await this.#wait(contention.turnMs(policy, this.#runtime.now(), this.#runtime.random()))
    this.#current = await this.#reload()
  }

  /** After a race the wait is short, so that the slower of two writers is not left behind; else it grows as the properties say. */
  #waitMs(policy: RetryPolicy, isRace: boolean): number {
    const random = this.#runtime.random()
    const attemptMs = this.#runtime.now() - this.#attemptStartMs
    const waitMs = isRace ? this.#contention?.lostMs(policy, this.#attempt, attemptMs, random) : undefined
    return waitMs === undefined || this.#failures > 0 ? backoffMs(policy, Math.max(1, this.#failures), random) : waitMs
  }

  /** `overtaken`: the version that it was made for has expired, with its files, and a newer one is current now. */
  async #tryToPropose(): Promise<SentChange | 'overtaken' | undefined> {
    try {
      await this.operation.validate?.(this.base, this.#current, this.#context())
      return await this.#propose()
    } catch (error) {
      if (!isFloeError(error, 'NOT_FOUND')) throw error
      const before = this.#current
      const now = await this.#reload()
      if (!isNewer(now, before)) throw error
      this.#current = now
      return 'overtaken'
    }
  }

  /** The change on the current version; undefined when it changes nothing. Throws `INVALID` before anything is sent. */
  async #propose(): Promise<SentChange | undefined> {
    const current = this.#current
    const change = await this.operation.apply(current, this.#context())
    if (change.updates.length === 0) return undefined
    const updates = current.metadata.tableUuid === undefined ? [this.#assignUuid(), ...change.updates] : change.updates
    const expected = applyUpdates(current.metadata, updates, { now: this.#runtime.now() })
    if (expected === current.metadata) return undefined
    return { updates, snapshot: change.snapshot, current, expected }
  }

  /** Format version 1 allowed tables without an identity; they get one with their next change. */
  #assignUuid(): MetadataUpdate {
    return { action: 'assign-uuid', uuid: this.#runtime.uuid() }
  }

  async #send(sent: SentChange): Promise<CommitOutcome> {
    const requirements = requirementsFor(sent.current.metadata, sent.updates)
    const request = { identifier: this.#identifier, base: sent.current, requirements, updates: sent.updates, signal: this.options.signal }
    try {
      return await this.backend.commitTable(request)
    } catch (error) {
      // By its code, an abort says that nothing was committed. Any other failure of a backend proves nothing.
      if (isFloeError(error, 'ABORTED')) return { outcome: 'rejected', reason: error, retryable: false }
      return { outcome: 'unknown', reason: toError(error) }
    }
  }

  /** Looks whether the change has landed. Throws `COMMIT_STATE_UNKNOWN` when it cannot be seen: it may land yet. */
  async #resolveUnknown(sent: SentChange, reason: Error): Promise<CommitResult> {
    this.#isUnknown = true
    const policy = statusCheckPolicy(sent.current.metadata.properties)
    const startMs = this.#runtime.now()
    for (let check = 1; check <= policy.maxAttempts; check++) {
      const seen = await this.#lookForChange()
      if (seen !== undefined) return await this.#finishSent(seen)
      const waitMs = backoffMs(policy, check, this.#runtime.random())
      if (check === policy.maxAttempts || this.#runtime.now() + waitMs - startMs > policy.totalMs) break
      // The caller's abort cannot undo what was sent: it only ends the looking.
      if (!(await this.#waitUnlessAborted(waitMs))) break
    }
    const what = sent.snapshot === undefined ? 'the change' : `snapshot ${sent.snapshot.snapshotId}`
    throw new FloeError(
      'COMMIT_STATE_UNKNOWN',
      `the answer to the ${this.operation.name} was lost and ${what} is not in the table yet; it may still land, and no file was deleted: ` +
        'reload the table and look for it before trying again',
      { table: this.#tableName(), cause: reason },
    )
  }

  async #lookForChange(): Promise<LoadedTable | undefined> {
    try {
      const table = await this.#reload()
      return this.#isLanded(table.metadata) ? table : undefined
    } catch {
      return undefined
    }
  }

  /** A snapshot made for an older format version is no valid one any more: it has to be made again, not given up. */
  async #wasUpgraded({ current }: SentChange): Promise<boolean> {
    try {
      const { metadata } = await this.#reload()
      return metadata.formatVersion !== current.metadata.formatVersion
    } catch {
      return false
    }
  }

  async #wait(waitMs: number): Promise<void> {
    if (!(await this.#waitUnlessAborted(waitMs))) this.#checkAborted()
  }

  async #waitUnlessAborted(waitMs: number): Promise<boolean> {
    try {
      await this.#runtime.sleep(waitMs, this.options.signal)
      return true
    } catch {
      return false
    }
  }

  #isLanded(metadata: TableMetadata): boolean {
    const sent = this.#sent
    if (sent === undefined) return false
    if (sent.snapshot !== undefined) return hasSnapshot(metadata, sent.snapshot.snapshotId, this.#sentLists)
    return this.#isUnknown && hasEffects(sent.current.metadata, sent.expected, metadata)
  }

  /** The table as it is now. Throws `CONFLICT` when it is another table of the same name. */
  async #reload(): Promise<LoadedTable> {
    const table = await completed(await this.backend.loadTable(this.#identifier))
    const [before, after] = [this.base.metadata.tableUuid, table.metadata.tableUuid]
    if (before !== undefined && before !== after) {
      throw new FloeError('CONFLICT', `the table was replaced by another of the same name (UUID ${after ?? 'none'}, was ${before}): load it again`, {
        table: this.#tableName(),
        retryable: false,
      })
    }
    this.#contention?.observe(table)
    return table
  }

  async #finishSent(table: LoadedTable): Promise<CommitResult> {
    const nowMs = this.#runtime.now()
    this.#contention?.committed(table, nowMs, nowMs - this.#attemptStartMs)
    const sent = this.#sent?.snapshot
    // Of all attempts, the table knows which manifest list it took.
    const landed = findSnapshot(table.metadata, sent?.snapshotId)
    if (sent === undefined || landed !== undefined) return await this.#finish(table, landed, this.#attempt)
    // Expired already: nobody can tell which files later snapshots took over, so all stay.
    return { table, snapshot: sent, attempts: this.#attempt, warnings: this.#warnings }
  }

  async #finish(table: LoadedTable, snapshot: Snapshot | undefined, attempts: number): Promise<CommitResult> {
    if (snapshot !== undefined) {
      const durationMs = this.#runtime.now() - this.#startMs
      reportMetrics(this.base.metrics, () => commitMetrics(printTableIdentifier(this.#identifier), snapshot, { durationMs, attempts }))
    }
    await this.#deleteQuietly(this.operation.unusedFiles?.(snapshot) ?? [])
    return { table, snapshot, attempts, warnings: this.#warnings }
  }

  /** Every attempt was rejected, or none was made: what they wrote may go, once a last look shows that none is in the table. */
  async #cleanUpRejected(): Promise<void> {
    const files = this.operation.unusedFiles?.(undefined) ?? []
    if (files.length === 0) return
    if (this.#sent !== undefined && !(await this.#isProvenAbsent())) return
    await this.#deleteQuietly(files)
  }

  async #isProvenAbsent(): Promise<boolean> {
    try {
      const { metadata } = await this.backend.loadTable(this.#identifier)
      return !this.#isLanded(metadata)
    } catch {
      return false
    }
  }

  async #deleteQuietly(files: readonly string[]): Promise<void> {
    if (files.length === 0) return
    try {
      await this.#current.io.delete(files)
    } catch (error) {
      const message = `could not delete ${files.length} files that the ${this.operation.name} no longer needs`
      this.#warnings.push(new FloeError('UNAVAILABLE', message, { table: this.#tableName(), cause: error }))
    }
  }

  #rejected(reason: Error, retryable: boolean): Error {
    if (!retryable && reason instanceof FloeError) return reason
    const tries = this.#attempt === 1 ? 'once' : `${this.#attempt} times`
    return new FloeError('CONFLICT', `the ${this.operation.name} was rejected ${tries}, nothing was committed: ${reason.message}`, {
      table: this.#tableName(),
      cause: reason,
      retryable,
    })
  }

  #checkAborted(): void {
    if (this.options.signal?.aborted !== true) return
    throw new FloeError('ABORTED', `the ${this.operation.name} was aborted, nothing was committed`, {
      table: this.#tableName(),
      cause: this.options.signal.reason,
    })
  }

  #context(): CommitContext {
    return { runtime: this.#runtime, signal: this.options.signal, attempt: this.#attempt }
  }

  #tableName(): string {
    return [...this.#identifier.namespace, this.#identifier.name].join('.')
  }
}

/** The table with every snapshot, where the catalog left some out. */
export async function completed(table: LoadedTable): Promise<LoadedTable> {
  return (await table.complete?.()) ?? table
}

/** Whether others have committed since; a location may be unknown to a catalog, or the same. */
function isNewer(now: LoadedTable, before: LoadedTable): boolean {
  return now.metadataLocation !== before.metadataLocation || now.metadata.lastSequenceNumber !== before.metadata.lastSequenceNumber
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
