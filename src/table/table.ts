/**
 * What users hold: catalogs, tables and scans. Thin: it names things, keeps the version of metadata that a table is at,
 * and hands the work to the folders below.
 */
import type { CatalogBackend, LoadedTable } from '../catalog/catalog-backend.js'
import type { CommitOperation } from '../commit/commit-operation.js'
import type { CommitResult } from '../commit/commit-table.js'
import type { RefStart, RetentionChange } from '../commit/ref-updates.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import { setSortOrderUpdates } from '../metadata/structure-updates.js'
import type { FormatVersion, TableMetadata } from '../metadata/table-metadata.js'
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import { buildSortOrder, type PartitionTerm, type SortTerm } from '../partition/spec-builder.js'
import type { PartitionSpecUpdate } from '../partition/spec-evolution.js'
import type { SchemaUpdate } from '../schema/schema-evolution.js'
import type { Schema } from '../schema/schema.js'
import { branchHead, MAIN_BRANCH, refByName } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import { checkArgument, checkNamedOptions, checkOptional, namesOf } from './checked-arguments.js'
import type { branchOperations, CreateRefOptions, PublishOptions, PublishResult, RollbackTarget, StagedSource } from './branch-methods.js'
import { namingTable, namingTableAsync } from './named-errors.js'
import { propertyUpdates, schemaUpdates, specUpdates } from './structure-methods.js'
import type { TableScan } from './table-scan.js'
import type { TransactionOutcome, TransactionVerb } from './table-transaction.js'
import { COMMIT_NAMES, type CommitCallOptions } from './table-handle.js'
import { TableMaintenance } from './table-maintenance.js'

export type { CommitCallOptions, TableContext } from './table-handle.js'

const PUBLISH_NAMES = namesOf<PublishOptions>()({ to: true, quarantine: true, signal: true })

/**
 * The verbs of a table inside a transaction. Calls are made one after the other, awaited or not; each sees what the ones before
 * it did. One that fails fails the transaction.
 */
export type TableTransaction = Pick<Table, TransactionVerb> & {
  /** A scan of the table as the calls before have left it. */
  scan(): Promise<TableScan>
}

/**
 * One table at one version of its metadata. Reading goes on seeing that version until {@link refresh} or a change made
 * through this object; changes are made to whatever version is current in the catalog when they are committed.
 */
export class Table extends TableMaintenance {
  /**
   * Several changes as one commit: `work` gets the table's verbs, each of which sees what the ones before it did. Nothing is
   * committed when it, or one of them, fails. Answers what `work` answers.
   *
   * @throws FloeError `CONFLICT` when other commits do not go together with one of the changes
   */
  async transaction<T>(work: (transaction: TableTransaction) => T | Promise<T>, options: CommitCallOptions = {}): Promise<T> {
    checkArgument(work, 'function', 'The work of a transaction')
    checkNamedOptions(options, COMMIT_NAMES, 'transaction')
    const backend = this.requireBackend('a transaction')
    await this.refresh()
    const { runTransaction } = await import('./table-transaction.js')
    const { context, boundBranch } = this
    const open = (loaded: LoadedTable, staging: CatalogBackend): Table => new Table(loaded, { ...context, backend: staging }, boundBranch)
    const { signal } = options
    const run = (): Promise<TransactionOutcome<T>> =>
      runTransaction<T, Table, TableTransaction>(work, { backend, loaded: this.loaded, runtime: context.runtime, signal, open })
    const { value, result } = await namingTableAsync(this.identifier, run, options.signal)
    if (result !== undefined) this.moveTo(result.table)
    return value
  }

  /** Creates a branch, by default at the head of `main`, and answers the table bound to it. */
  async createBranch(name: string, options: CreateRefOptions = {}): Promise<Table> {
    await this.#manage((branches) => branches.create('branch', name, options), signalOf(options))
    return this.branch(name)
  }

  /** The table with all its verbs on a branch. @throws FloeError `NOT_FOUND` for a branch that the table does not have */
  branch(name: string): Table {
    checkArgument(name, 'string', 'The name of a branch')
    const { type } = namingTable(this.identifier, () => refByName(this.loaded.metadata, name))
    if (type === 'tag') throw new FloeError('INVALID', `${name} is a tag: only branches can be written to`, { table: this.name })
    return new Table(this.loaded, this.context, name)
  }

  /** Names a snapshot, by default the head of `main`, for ever or as long as `maxRefAgeMs` says. */
  async createTag(name: string, options: CreateRefOptions = {}): Promise<void> {
    await this.#manage((branches) => branches.create('tag', name, options), signalOf(options))
  }

  /** Moves a branch to any snapshot of the table. */
  async replaceBranch(name: string, at: RefStart, options: CommitCallOptions = {}): Promise<void> {
    checkArgument(at, 'object', 'What a branch is to name')
    await this.#manage((branches) => branches.replace('branch', name, at), options)
  }

  /** Lets a tag name another snapshot. */
  async replaceTag(name: string, at: RefStart, options: CommitCallOptions = {}): Promise<void> {
    checkArgument(at, 'object', 'What a tag is to name')
    await this.#manage((branches) => branches.replace('tag', name, at), options)
  }

  /** Forgets a branch; its snapshots stay until they expire. */
  async dropBranch(name: string, options: CommitCallOptions = {}): Promise<void> {
    await this.#manage((branches) => branches.drop('branch', name), options)
  }

  /** Forgets a tag; its snapshot stays until it expires. */
  async dropTag(name: string, options: CommitCallOptions = {}): Promise<void> {
    await this.#manage((branches) => branches.drop('tag', name), options)
  }

  async renameBranch(name: string, newName: string, options: CommitCallOptions = {}): Promise<void> {
    await this.#manage((branches) => branches.rename(name, newName), options)
  }

  /** Says how long a branch or tag, and the snapshots of a branch, are kept. */
  async setRetention(name: string, retention: RetentionChange, options: CommitCallOptions = {}): Promise<void> {
    await this.#manage((branches) => branches.retain(name, retention), options)
  }

  /**
   * Moves a branch forward to another branch or tag, of whose history it is part.
   * @throws FloeError `CONFLICT` when the branch has commits that the other lacks
   */
  async fastForward(branch: string, to: string, options: CommitCallOptions = {}): Promise<void> {
    await this.#manage((branches) => branches.fastForward(branch, to), options)
  }

  /** Moves this branch back to one of its own snapshots, or to the last one from before a time. */
  async rollback(to: RollbackTarget, options: CommitCallOptions = {}): Promise<void> {
    checkArgument(to, 'object', 'What to roll back to')
    await this.#manage((branches) => branches.rollback(this.liveBranch(), to), options)
  }

  /** Sets this branch to any snapshot of the table, in its history or not. */
  async setCurrentSnapshot(snapshotId: bigint, options: CommitCallOptions = {}): Promise<void> {
    await this.#manage((branches) => branches.setCurrent(this.liveBranch(), snapshotId), options)
  }

  /**
   * Brings a snapshot into this branch that is not in its history: a staged one, by its `wapId` or id, or one of another
   * branch. Appends and dynamic overwrites can be picked, and whatever is based on the branch's head.
   *
   * @throws FloeError `INVALID` for what cannot be picked, `ALREADY_EXISTS` for what the branch has already: the snapshot, or another of
   * its `wapId`
   */
  async cherryPick(source: StagedSource, options: CommitCallOptions = {}): Promise<Snapshot> {
    checkArgument(source, 'object', 'What to cherry-pick')
    const { runtime } = this.context
    const result = await this.#manage((branches) => branches.cherryPick(source, this.liveBranch(), runtime), options)
    return result.snapshot ?? branchHead(result.table.metadata, this.boundBranch ?? MAIN_BRANCH)!
  }

  /**
   * Audits this branch, then publishes it: `check` gets the table bound to the branch, and fails by throwing or by answering
   * false. What is published is what was checked, never something that came to the branch meanwhile.
   *
   * @throws FloeError `CONFLICT` when the branch moved while it was checked, or cannot be fast-forwarded to
   */
  async publish(check: (table: Table) => unknown, options: PublishOptions = {}): Promise<PublishResult> {
    checkArgument(check, 'function', 'The check of a branch')
    checkNamedOptions(options, PUBLISH_NAMES, 'publish')
    const branch = this.boundBranch
    if (branch === undefined) throw new FloeError('INVALID', "Only a branch can be published: table.branch('audit')", { table: this.name })
    await this.refresh()
    const head = this.currentSnapshot!
    const { to = MAIN_BRANCH, quarantine, signal } = options
    checkOptional(to, 'string', 'The branch to publish to')
    checkOptional(quarantine, 'string', 'The name of a quarantined branch')
    const { checkPublication } = await import('../commit/ref-updates.js')
    namingTable(this.identifier, () => { checkPublication(this.loaded.metadata, branch, to, quarantine) })
    try {
      if ((await check(this.branch(branch))) === false) throw new FloeError('INVALID', `The check of ${branch} answered false`)
    } catch (reason) {
      if (quarantine !== undefined) await this.#quarantine(branch, quarantine, reason, signal)
      return { published: false, reason, branch: quarantine ?? branch }
    }
    await this.#manage((branches) => branches.publish(branch, to, head.snapshotId), { signal })
    return { published: true, snapshot: head }
  }

  /** Renames a branch whose check failed. Why it did is told whatever becomes of that. */
  async #quarantine(branch: string, name: string, reason: unknown, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.renameBranch(branch, name, { signal })
    } catch (error) {
      if (!(error instanceof FloeError)) throw error
      const why = reason instanceof Error ? reason.message : String(reason)
      const message = `${error.message}; the check of ${branch} had failed (${why}), and it is not published`
      throw new FloeError(error.code, message, { table: this.name, retryable: error.retryable, cause: reason })
    }
  }

  /** Changes columns: `update` is called with a builder, again on a newer schema when another commit came first. */
  async updateSchema(update: (schema: SchemaUpdate) => unknown, options: CommitCallOptions = {}): Promise<Schema> {
    checkArgument(update, 'function', 'The update of a schema')
    await this.commitMetadata('schema update', (metadata) => schemaUpdates(metadata, update), options)
    return this.schema
  }

  /** Changes the partitioning of rows written from now on; files that are there keep theirs. */
  async updateSpec(update: (spec: PartitionSpecUpdate) => unknown, options: CommitCallOptions = {}): Promise<PartitionSpec> {
    checkArgument(update, 'function', 'The update of a partition spec')
    await this.commitMetadata('partition spec update', (metadata) => specUpdates(metadata, update), options)
    return this.spec
  }

  /** Sorts rows written from now on; without terms, no longer. */
  async replaceSortOrder(terms: readonly (string | SortTerm | PartitionTerm)[], options: CommitCallOptions = {}): Promise<SortOrder> {
    checkArgument(terms, 'list', 'The terms of a sort order')
    const updates = (metadata: TableMetadata): readonly MetadataUpdate[] =>
      setSortOrderUpdates(metadata, buildSortOrder(terms, currentSchema(metadata)))
    await this.commitMetadata('sort order update', updates, options)
    return this.sortOrder
  }

  /** Sets the named properties; a property of `null` is removed. */
  async updateProperties(properties: Readonly<Record<string, string | null>>, options: CommitCallOptions = {}): Promise<void> {
    checkArgument(properties, 'object', 'Properties')
    const changes = propertyUpdates(properties)
    await this.commitMetadata('properties update', () => changes, options)
  }

  /** Moves the table to a later version of the format; there is no way back. */
  async upgrade(formatVersion: FormatVersion, options: CommitCallOptions = {}): Promise<void> {
    await this.commitMetadata('format upgrade', () => [{ action: 'upgrade-format-version', formatVersion }], options)
  }

  async #manage(
    operation: (branches: typeof branchOperations) => CommitOperation,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<CommitResult> {
    checkArgument(options, 'object', 'The options of a change')
    const { branchOperations: branches } = await import('./branch-methods.js')
    // What a name stands for is looked up in the newest version.
    await this.refresh()
    const change = namingTable(this.identifier, () => operation(branches))
    checkNamedOptions(options, COMMIT_NAMES, change.name)
    return this.commit(change, options)
  }
}

function signalOf(options: CommitCallOptions): CommitCallOptions {
  checkArgument(options, 'object', 'The options of a change')
  return { signal: options.signal }
}
