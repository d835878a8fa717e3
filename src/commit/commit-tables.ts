/** Changes of several tables as one commit, for catalogs that take them together. Source: `RESTSessionCatalog.commitTransaction` */
import type { CatalogBackend, CommitRequest, LoadedTable, TableTransactions, TransactionOutcome } from '../catalog/catalog-backend.js'
import { applyUpdates } from '../metadata/apply-updates.js'
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { requirementsFor } from '../metadata/update-requirements.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError, isFloeError } from '../util/errors.js'
import type { CommitContext, CommitOperation } from './commit-operation.js'
import type { CommitOptions } from './commit-result.js'
import { hasEffects, hasSnapshot } from './landed-change.js'
import { completed } from './commit-table.js'
import { backoffMs, commitRetryPolicy, statusCheckPolicy } from './retry-policy.js'
import { tableName } from './table-name.js'

/** What becomes of one table. */
export interface TableChange {
  /** The table as it was loaded, or as the catalog staged it. */
  readonly base: LoadedTable
  /** Absent for a table that is created and left empty. */
  readonly operation?: CommitOperation | undefined
  /** The updates that create the table; absent where it is there. */
  readonly creation?: readonly MetadataUpdate[] | undefined
}

/** A catalog that takes changes of several tables together. */
export type TransactionalBackend = Pick<CatalogBackend, 'loadTable'> & { readonly transactions: TableTransactions }

/**
 * Commits all of `changes`, or none, again on newer versions when other commits came first.
 *
 * Throws `CONFLICT` or `ALREADY_EXISTS` when nothing was committed. Throws `COMMIT_STATE_UNKNOWN` when that cannot be told.
 * Files are deleted of a table only where its change is proven not to be in it.
 */
export async function commitTables(backend: TransactionalBackend, changes: readonly TableChange[], options: CommitOptions): Promise<void> {
  await new TablesCommit(backend, changes, options).run()
}

interface Sent {
  readonly current: LoadedTable
  readonly expected: TableMetadata
  readonly snapshot: Snapshot | undefined
}

type Sighting = 'landed' | 'absent' | 'unseen'

class Member {
  readonly sentLists = new Set<string | undefined>()
  current: LoadedTable
  sent: Sent | undefined

  constructor(readonly change: TableChange) {
    this.current = change.base
  }

  get name(): string {
    return tableName(this.change.base)
  }

  /** `undefined`: there is nothing left to change. */
  async propose(context: CommitContext): Promise<CommitRequest | undefined> {
    const { current } = this
    const { base, operation, creation = [] } = this.change
    await operation?.validate?.(base, current, context)
    const change = (await operation?.apply(current, context)) ?? { updates: [] }
    const updates = [...creation, ...change.updates]
    const expected = applyUpdates(current.metadata, change.updates, { now: context.runtime.now() })
    this.sent = updates.length === 0 ? undefined : { current, expected, snapshot: change.snapshot }
    if (this.sent === undefined) return undefined
    this.sentLists.add(change.snapshot?.manifestList)
    const isNew = creation.length > 0
    const requirements = requirementsFor(isNew ? undefined : current.metadata, updates)
    return { identifier: base.identifier, base: isNew ? undefined : current, requirements, updates }
  }

  isLanded(metadata: TableMetadata): boolean {
    const { sent } = this
    if (sent === undefined) return false
    if (sent.snapshot !== undefined) return hasSnapshot(metadata, sent.snapshot.snapshotId, this.sentLists)
    if (this.change.creation !== undefined) return metadata.tableUuid === sent.expected.tableUuid
    return hasEffects(sent.current.metadata, sent.expected, metadata)
  }
}

class TablesCommit {
  readonly #backend: TransactionalBackend
  readonly #options: CommitOptions
  readonly #members: readonly Member[]

  constructor(backend: TransactionalBackend, changes: readonly TableChange[], options: CommitOptions) {
    this.#backend = backend
    this.#options = options
    this.#members = changes.map((change) => new Member(change))
  }

  async run(): Promise<void> {
    try {
      await this.#commit()
    } catch (error) {
      if (!isFloeError(error, 'COMMIT_STATE_UNKNOWN')) await this.#cleanUpRejected()
      throw error
    }
  }

  async #commit(): Promise<void> {
    const { runtime, signal } = this.#options
    for (const member of this.#members) member.current = await completed(member.current)
    const policy = commitRetryPolicy(this.#members[0]!.change.base.metadata.properties)
    for (let attempt = 1; ; attempt++) {
      this.#checkAborted()
      const requests: CommitRequest[] = []
      for (const member of this.#members) {
        const request = await member.propose({ runtime, signal, attempt })
        if (request !== undefined) requests.push(request)
      }
      if (requests.length === 0) return
      const outcome = await this.#send(requests)
      if (outcome.outcome === 'committed') return this.#finish()
      if (outcome.outcome === 'unknown') return this.#resolveUnknown(outcome.reason)
      const isLast = !outcome.retryable || attempt >= policy.maxAttempts
      if (!isLast) await runtime.sleep(backoffMs(policy, attempt, runtime.random()), signal)
      // «Rejected» may have been the answer to our own request, sent twice by a proxy.
      const sightings = await this.#look()
      if (sightings.every((sighting) => sighting === 'landed')) return this.#finish()
      if (sightings.includes('landed')) throw this.#unknown(sightings, outcome.reason)
      if (isLast) throw this.#rejected(outcome.reason, outcome.retryable)
      await this.#reload()
    }
  }

  async #send(requests: readonly CommitRequest[]): Promise<TransactionOutcome> {
    try {
      return await this.#backend.transactions.commit(requests)
    } catch (error) {
      return { outcome: 'unknown', reason: error instanceof Error ? error : new Error(String(error)) }
    }
  }

  /** Looks until every table shows its change. Throws `COMMIT_STATE_UNKNOWN` when one does not: it may land yet. */
  async #resolveUnknown(reason: Error): Promise<void> {
    const { runtime } = this.#options
    const policy = statusCheckPolicy(this.#members[0]!.change.base.metadata.properties)
    for (let check = 1; ; check++) {
      const sightings = await this.#look()
      if (sightings.every((sighting) => sighting === 'landed')) return this.#finish()
      if (check >= policy.maxAttempts) throw this.#unknown(sightings, reason)
      await runtime.sleep(backoffMs(policy, check, runtime.random()))
    }
  }

  /** For each table with a change, whether that is in it. */
  async #look(): Promise<readonly Sighting[]> {
    const sightings: Sighting[] = []
    for (const member of this.#members) if (member.sent !== undefined) sightings.push(await this.#sighting(member))
    return sightings
  }

  async #sighting(member: Member): Promise<Sighting> {
    try {
      const { metadata } = await this.#backend.loadTable(member.change.base.identifier)
      return member.isLanded(metadata) ? 'landed' : 'absent'
    } catch (error) {
      return isFloeError(error, 'NOT_FOUND') && member.change.creation !== undefined ? 'absent' : 'unseen'
    }
  }

  async #reload(): Promise<void> {
    for (const member of this.#members) {
      if (member.change.creation !== undefined) continue
      const { base } = member.change
      const table = await completed(await this.#backend.loadTable(base.identifier))
      if (base.metadata.tableUuid !== table.metadata.tableUuid) {
        throw new FloeError('CONFLICT', 'Another table has taken this name; nothing was committed', { table: member.name, retryable: false })
      }
      member.current = table
    }
  }

  /** It is in. What attempts before the last one wrote for themselves may go. */
  async #finish(): Promise<void> {
    for (const { change, sent, current } of this.#members) {
      const unused = sent?.snapshot === undefined ? [] : (change.operation?.unusedFiles?.(sent.snapshot) ?? [])
      await deleteQuietly(current, unused)
    }
  }

  /** Table by table: files go where a last look proves that the change is not in. */
  async #cleanUpRejected(): Promise<void> {
    for (const member of this.#members) {
      const files = member.change.operation?.unusedFiles?.(undefined) ?? []
      if (files.length === 0) continue
      const isAbsent = member.sent === undefined || (await this.#sighting(member)) === 'absent'
      if (isAbsent) await deleteQuietly(member.current, files)
    }
  }

  #unknown(sightings: readonly Sighting[], cause: Error): FloeError {
    const names = this.#members.filter(({ sent }) => sent !== undefined).map(({ name }, i) => `${name}: ${sightings[i]}`)
    return new FloeError(
      'COMMIT_STATE_UNKNOWN',
      `it is not known whether the transaction landed (${names.join(', ')}); it may still, and no file was deleted: ` +
        'reload the tables and look before trying again',
      { cause },
    )
  }

  #rejected(reason: Error, retryable: boolean): Error {
    if (!retryable && reason instanceof FloeError) return reason
    const names = this.#members.map(({ name }) => name).join(', ')
    return new FloeError('CONFLICT', `the transaction on ${names} was rejected, nothing was committed: ${reason.message}`, { cause: reason, retryable })
  }

  #checkAborted(): void {
    const { signal } = this.#options
    if (signal?.aborted === true) throw new FloeError('ABORTED', 'the transaction was aborted, nothing was committed', { cause: signal.reason })
  }
}

/** Files that are left behind cost space, not rows. */
async function deleteQuietly(table: LoadedTable, files: readonly string[]): Promise<void> {
  if (files.length > 0) await table.io.delete(files).catch(() => undefined)
}
