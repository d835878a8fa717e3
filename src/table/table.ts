/**
 * (Over 500 lines because every call that a table offers is documented here; the work is done elsewhere.)
 * What users hold: catalogs, tables and scans. Thin: it names things, keeps the version of metadata that a table is at,
 * and hands the work to the folders below.
 */
import type { CatalogBackend, LoadedTable, TableIdentifier } from '../catalog/catalog-backend.js'
import { printTableIdentifier } from '../catalog/table-identifier.js'
import { metadataOperation, type CommitOperation } from '../commit/commit-operation.js'
import { commitTable, type CommitResult } from '../commit/commit-table.js'
import type { RefStart, RetentionChange } from '../commit/ref-updates.js'
import { currentSchema, defaultSortOrder, defaultSpec } from '../metadata/metadata-lookup.js'
import type { DmlContext } from '../dml/dml-context.js'
import type { ConvertEqualityDeletesOptions, ConvertEqualityDeletesResult } from '../dml/convert-equality-deletes.js'
import type { UpdateRowsOptions } from '../dml/update-rows.js'
import type { RowDelta, RowDeltaOptions } from '../dml/row-delta.js'
import type { RowAssignments } from '../dml/assignments.js'
import type { OverwritePartitionsOptions } from '../dml/overwrite-partitions.js'
import type { OverwriteRowsOptions } from '../dml/overwrite-rows.js'
import type { RowChangeOptions, RowChangeResult } from '../dml/row-change.js'
import { alwaysTrue } from '../expression/predicates.js'
import type { ApplyChangesOptions, ApplyChangesResult } from '../dml/apply-changes.js'
import type { UpsertOptions } from '../dml/upsert-rows.js'
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import { setSortOrderUpdates } from '../metadata/structure-updates.js'
import type { FormatVersion, TableMetadata } from '../metadata/table-metadata.js'
import type { ParquetEngine } from '../parquet/parquet-engine.js'
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import { buildSortOrder, type PartitionTerm, type SortTerm } from '../partition/spec-builder.js'
import type { PartitionSpecUpdate } from '../partition/spec-evolution.js'
import type { SchemaUpdate } from '../schema/schema-evolution.js'
import type { Schema } from '../schema/schema.js'
import { branchHead, MAIN_BRANCH, refByName, snapshotOfRef } from '../snapshot/snapshot-ref.js'
import { indexSnapshots } from '../snapshot/ancestry.js'
import { lastSourcePosition } from '../snapshot/source-position.js'
import type { Snapshot, SnapshotLogEntry, SnapshotRef } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import type { AppendRowsOptions } from './append-rows.js'
import { ChangesScan, type ScanChangesOptions } from './changes-scan.js'
import { checkArgument } from './checked-arguments.js'
import type { branchOperations, CreateRefOptions, PublishOptions, PublishResult, RollbackTarget, StagedSource } from './branch-methods.js'
import { namingTable, namingTableAsync } from './named-errors.js'
import type { MergeOptions } from './keyed-changes.js'
import type { FilterInput } from './row-changes.js'
import { propertyUpdates, schemaUpdates, specUpdates } from './structure-methods.js'
import { TableInspection } from './table-inspection.js'
import { TableScan } from './table-scan.js'
import type { TableTransaction } from './table-transaction.js'
import type { WriteInput } from '../write/input-items.js'

/** What a table needs of the process it lives in. */
export interface TableContext {
  /** `undefined`: the table is read from one metadata file, and nothing can be committed. */
  readonly backend: CatalogBackend | undefined
  readonly engine: ParquetEngine
  readonly runtime: Runtime
  /** Releases what the table has for itself; absent when its catalog owns everything. */
  readonly close?: (() => Promise<void>) | undefined
}

/** Options that every change of a table takes. */
export interface CommitCallOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * One table at one version of its metadata. Reading goes on seeing that version until {@link refresh} or a change made
 * through this object; changes are made to whatever version is current in the catalog when they are committed.
 */
export class Table {
  readonly #context: TableContext
  /** What the table's verbs read and write; `undefined` for `main`. */
  readonly #branch: string | undefined
  #loaded: LoadedTable

  /** Made by a `Catalog`, and by {@link branch}. */
  constructor(loaded: LoadedTable, context: TableContext, branch?: string) {
    this.#loaded = loaded
    this.#context = context
    this.#branch = branch
  }

  get identifier(): TableIdentifier {
    return this.#loaded.identifier
  }

  /** The identifier as text, dots between its parts. */
  get name(): string {
    return printTableIdentifier(this.#loaded.identifier)
  }

  get metadata(): TableMetadata {
    return this.#loaded.metadata
  }

  get metadataLocation(): string {
    return this.#loaded.metadataLocation
  }

  get location(): string {
    return this.#loaded.metadata.location
  }

  get formatVersion(): FormatVersion {
    return this.#loaded.metadata.formatVersion
  }

  get properties(): ReadonlyMap<string, string> {
    return this.#loaded.metadata.properties
  }

  get schema(): Schema {
    return currentSchema(this.#loaded.metadata)
  }

  get spec(): PartitionSpec {
    return defaultSpec(this.#loaded.metadata)
  }

  get sortOrder(): SortOrder {
    return defaultSortOrder(this.#loaded.metadata)
  }

  /** The head of `main`, or of the branch that the table is bound to. */
  get currentSnapshot(): Snapshot | undefined {
    return snapshotOfRef(this.#loaded.metadata, this.#branch ?? MAIN_BRANCH)
  }

  get snapshots(): readonly Snapshot[] {
    return this.#loaded.metadata.snapshots
  }

  /** Which snapshot was current when, oldest first. */
  get history(): readonly SnapshotLogEntry[] {
    return this.#loaded.metadata.snapshotLog
  }

  get refs(): ReadonlyMap<string, SnapshotRef> {
    return this.#loaded.metadata.refs
  }

  /** Moves to the version that is current in the catalog. Answers this table. */
  async refresh(): Promise<this> {
    const backend = this.#requireBackend('refresh')
    const loaded = await namingTableAsync(this.identifier, () => backend.loadTable(this.identifier))
    const uuid = this.#loaded.metadata.tableUuid
    if (uuid !== undefined && loaded.metadata.tableUuid !== uuid) {
      throw new FloeError('CONFLICT', 'Another table has taken this name: load it anew', { table: this.name, retryable: false })
    }
    this.#loaded = loaded
    return this
  }

  /** A scan of the current state; refine it, then iterate it. */
  scan(): TableScan {
    const scan = new TableScan(this.#loaded, this.#context.engine)
    return this.#branch === undefined ? scan : scan.useRef(this.#branch)
  }

  /**
   * What changed between two states, row by row, in the order of commits.
   * @throws FloeError `NOT_FOUND` when the state that it starts from has expired
   */
  scanChanges(options: ScanChangesOptions = {}): ChangesScan {
    const { engine, runtime } = this.#context
    return new ChangesScan(this.#loaded, engine, runtime, { ...options, to: options.to ?? this.#branch })
  }

  /** The metadata tables: snapshots, files, manifests and so on. */
  get inspect(): TableInspection {
    return new TableInspection(this.#loaded)
  }

  /**
   * Appends rows as one snapshot, and answers it. Nothing is committed when a row does not fit the schema, unless
   * `onInvalid` takes bad rows.
   *
   * @throws FloeError `INVALID` naming the row, its column, the type expected and what was found
   */
  async append(rows: WriteInput, options: AppendRowsOptions = {}): Promise<Snapshot> {
    checkArgument(options, 'object', 'The options of an append')
    const backend = this.#requireBackend('append')
    const { engine, runtime } = this.#context
    const { appendRows } = await import('./append-rows.js')
    const context = { loaded: this.#loaded, backend, engine, runtime }
    const append = (): ReturnType<typeof appendRows> => appendRows(rows, this.#bound(options), context)
    const { result, snapshot } = await namingTableAsync(this.identifier, append, options.signal)
    this.#moveTo(result.table)
    return snapshot
  }

  /**
   * Deletes the rows for which `filter` is true, and answers how many there were; without any, nothing is committed. The
   * newest state of the branch is what is looked at.
   *
   * @throws FloeError `CONFLICT` when another commit was in the way
   */
  delete(filter: FilterInput, options: RowChangeOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('delete', options, (changes, context) => changes.deleteFrom(context, filter, this.#bound(options)))
  }

  /**
   * Sets columns of the rows for which `filter` is true: to values, or to what functions answer that get the row as it was.
   *
   * @throws FloeError `INVALID` naming the column whose value does not fit, `CONFLICT` when another commit was in the way
   */
  update(filter: FilterInput, assignments: RowAssignments, options: UpdateRowsOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('update', options, (changes, context) => changes.updateIn(context, filter, assignments, this.#bound(options)))
  }

  /**
   * Replaces the rows for which `filter` is true, by default all, by `rows`.
   *
   * @throws FloeError `INVALID` naming the row that does not fit, `CONFLICT` when another commit was in the way
   */
  overwrite(rows: WriteInput, filter: FilterInput = alwaysTrue(), options: OverwriteRowsOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('overwrite', options, (changes, context) => changes.overwriteIn(context, rows, filter, this.#bound(options)))
  }

  /**
   * Replaces the partitions that `rows` belong to, and no others: writing the same rows again changes nothing.
   *
   * @throws FloeError as {@link overwrite} does
   */
  overwritePartitions(rows: WriteInput, options: OverwritePartitionsOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('overwrite', options, (changes, context) => changes.overwritePartitionsIn(context, rows, this.#bound(options)))
  }

  /**
   * Inserts `rows`, and replaces whole the rows that have their keys; `keys` are column names, by default the table's identifier
   * fields. A key that `rows` has twice, or that is null, is refused.
   *
   * @throws FloeError `INVALID` naming the row that does not fit or the key, `CONFLICT` when other commits were in the way
   */
  upsert(rows: WriteInput, keys?: readonly string[], options: UpsertOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('upsert', options, async (_, context) => {
      const { upsertInto } = await import('./keyed-changes.js')
      return upsertInto(context, rows, keys, this.#bound(options))
    })
  }

  /**
   * Several changes as one commit: `work` gets the table's verbs, each of which sees what the ones before it did. Nothing is
   * committed when it, or one of them, fails. Answers what `work` answers.
   *
   * @throws FloeError `CONFLICT` when other commits do not go together with one of the changes
   */
  async transaction<T>(work: (transaction: TableTransaction) => T | Promise<T>, options: CommitCallOptions = {}): Promise<T> {
    checkArgument(work, 'function', 'The work of a transaction')
    const backend = this.#requireBackend('a transaction')
    await this.refresh()
    const { runTransaction } = await import('./table-transaction.js')
    const context = this.#context
    const open = (loaded: LoadedTable, staging: CatalogBackend): Table => new Table(loaded, { ...context, backend: staging }, this.#branch)
    const run = (): ReturnType<typeof runTransaction<T>> =>
      runTransaction(work, { backend, loaded: this.#loaded, runtime: context.runtime, signal: options.signal, open })
    const { value, result } = await namingTableAsync(this.identifier, run, options.signal)
    if (result !== undefined) this.#moveTo(result.table)
    return value
  }

  /** Creates a branch, by default at the head of `main`, and answers the table bound to it. */
  async createBranch(name: string, options: CreateRefOptions = {}): Promise<Table> {
    await this.#manage((branches) => branches.create('branch', name, options), options)
    return this.branch(name)
  }

  /** The table with all its verbs on a branch. @throws FloeError `NOT_FOUND` for a branch that the table does not have */
  branch(name: string): Table {
    const { type } = namingTable(this.identifier, () => refByName(this.#loaded.metadata, name))
    if (type === 'tag') throw new FloeError('INVALID', `${name} is a tag: only branches can be written to`, { table: this.name })
    return new Table(this.#loaded, this.#context, name)
  }

  /** Names a snapshot, by default the head of `main`, for ever or as long as `maxRefAgeMs` says. */
  async createTag(name: string, options: CreateRefOptions = {}): Promise<void> {
    await this.#manage((branches) => branches.create('tag', name, options), options)
  }

  /** Moves a branch to any snapshot of the table. */
  async replaceBranch(name: string, at: RefStart, options: CommitCallOptions = {}): Promise<void> {
    await this.#manage((branches) => branches.replace('branch', name, at), options)
  }

  /** Lets a tag name another snapshot. */
  async replaceTag(name: string, at: RefStart, options: CommitCallOptions = {}): Promise<void> {
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
    await this.#manage((branches) => branches.rollback(this.#branch, to), options)
  }

  /** Sets this branch to any snapshot of the table, in its history or not. */
  async setCurrentSnapshot(snapshotId: bigint, options: CommitCallOptions = {}): Promise<void> {
    await this.#manage((branches) => branches.setCurrent(this.#branch, snapshotId), options)
  }

  /**
   * Brings a snapshot into this branch that is not in its history: a staged one, by its `wapId` or id, or one of another
   * branch. Appends and dynamic overwrites can be picked, and whatever is based on the branch's head.
   *
   * @throws FloeError `INVALID` for what cannot be picked, or is in the branch already
   */
  async cherryPick(source: StagedSource, options: CommitCallOptions = {}): Promise<Snapshot> {
    const { runtime } = this.#context
    const result = await this.#manage((branches) => branches.cherryPick(this.#loaded.metadata, source, this.#branch, runtime), options)
    return result.snapshot ?? branchHead(result.table.metadata, this.#branch ?? MAIN_BRANCH)!
  }

  /**
   * Audits this branch, then publishes it: `check` gets the table bound to the branch, and fails by throwing or by answering
   * false. What is published is what was checked, never something that came to the branch meanwhile.
   *
   * @throws FloeError `CONFLICT` when the branch moved while it was checked, or cannot be fast-forwarded to
   */
  async publish(check: (table: Table) => unknown, options: PublishOptions = {}): Promise<PublishResult> {
    checkArgument(check, 'function', 'The check of a branch')
    const branch = this.#branch
    if (branch === undefined) throw new FloeError('INVALID', "Only a branch can be published: table.branch('audit')", { table: this.name })
    await this.refresh()
    const head = this.currentSnapshot!
    const { to = MAIN_BRANCH, quarantine, signal } = options
    try {
      if ((await check(this.branch(branch))) === false) throw new FloeError('INVALID', `The check of ${branch} answered false`)
    } catch (reason) {
      if (quarantine !== undefined) await this.renameBranch(branch, quarantine, { signal })
      return { published: false, reason, branch: quarantine ?? branch }
    }
    await this.#manage((branches) => branches.publish(branch, to, head.snapshotId), { signal })
    return { published: true, snapshot: head }
  }

  /**
   * Commits changes by callers that know files, positions or keys, as one snapshot. They are taken as made on the version that
   * this table is at: commits since then are validated against, as `options.isolation` says.
   *
   * @throws FloeError `CONFLICT` when a data file whose rows are deleted is not there any more
   */
  rowDelta(delta: RowDelta, options: RowDeltaOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('row delta', options, (changes, context) => changes.commitDelta(context, delta, options), 'as seen')
  }

  /**
   * Deletes rows by their keys without looking them up, as writers of streams must: equality deletes, which later reads apply.
   * How many rows that are is therefore not known; `convertEqualityDeletes` makes reading cheap again.
   *
   * @throws FloeError `INVALID` for keys that do not fit, and in tables of format version 1
   */
  deleteByKeys(keys: WriteInput, columns: readonly string[], options: RowDeltaOptions = {}): Promise<RowChangeResult> {
    return this.rowDelta({ deleteKeys: { keys, columns } }, options)
  }

  /** Replaces all equality deletes by deletion vectors, or position delete files on version 2. The table's rows stay the same. */
  convertEqualityDeletes(options: ConvertEqualityDeletesOptions = {}): Promise<ConvertEqualityDeletesResult> {
    return this.#changeRows('conversion of equality deletes', options, (changes, context) => changes.convertDeletes(context, options))
  }

  /**
   * Joins `source` to the table by the key columns `on` and does with every row what the clauses say: update or delete rows that
   * match, insert rows that do not, change rows of the table that the source lacks.
   *
   * @throws FloeError as {@link upsert} does, and `INVALID` when a row of the table matches more than one of the source
   */
  merge(source: WriteInput, options: MergeOptions): Promise<RowChangeResult> {
    return this.#changeRows('merge', options, async (_, context) => {
      const { mergeIntoTable } = await import('./keyed-changes.js')
      return mergeIntoTable(context, source, this.#bound(options))
    })
  }

  /**
   * Applies change events of an operational database in one snapshot: of every key the last event wins, also against those of
   * earlier calls where the table has the order columns. With a `sourcePosition` a repeated call changes nothing.
   *
   * @throws FloeError as {@link upsert} does
   */
  async applyChanges(events: WriteInput, options: ApplyChangesOptions): Promise<ApplyChangesResult> {
    return this.#changeRows('applying changes', options, async (_, context) => {
      const { applyChangesTo } = await import('./keyed-changes.js')
      return applyChangesTo(context, events, this.#bound(options))
    })
  }

  /**
   * The position up to which a source of changes was applied, of a branch's head; `undefined` when it never was.
   * @throws FloeError `NOT_FOUND` when the history that would tell has expired
   */
  lastSourcePosition(source = 'default', branch = this.#branch ?? MAIN_BRANCH): string | undefined {
    const { metadata } = this.#loaded
    return lastSourcePosition(source, branchHead(metadata, branch), indexSnapshots(metadata.snapshots))
  }

  /** Changes columns: `update` is called with a builder, again on a newer schema when another commit came first. */
  async updateSchema(update: (schema: SchemaUpdate) => unknown, options: CommitCallOptions = {}): Promise<Schema> {
    checkArgument(update, 'function', 'The update of a schema')
    await this.#commitMetadata('schema update', (metadata) => schemaUpdates(metadata, update), options)
    return this.schema
  }

  /** Changes the partitioning of rows written from now on; files that are there keep theirs. */
  async updateSpec(update: (spec: PartitionSpecUpdate) => unknown, options: CommitCallOptions = {}): Promise<PartitionSpec> {
    checkArgument(update, 'function', 'The update of a partition spec')
    await this.#commitMetadata('partition spec update', (metadata) => specUpdates(metadata, update), options)
    return this.spec
  }

  /** Sorts rows written from now on; without terms, no longer. */
  async replaceSortOrder(terms: readonly (string | SortTerm | PartitionTerm)[], options: CommitCallOptions = {}): Promise<SortOrder> {
    checkArgument(terms, 'list', 'The terms of a sort order')
    const updates = (metadata: TableMetadata): readonly MetadataUpdate[] =>
      setSortOrderUpdates(metadata, buildSortOrder(terms, currentSchema(metadata)))
    await this.#commitMetadata('sort order update', updates, options)
    return this.sortOrder
  }

  /** Sets the named properties; a property of `null` is removed. */
  async updateProperties(properties: Readonly<Record<string, string | null>>, options: CommitCallOptions = {}): Promise<void> {
    checkArgument(properties, 'object', 'Properties')
    const changes = propertyUpdates(properties)
    await this.#commitMetadata('properties update', () => changes, options)
  }

  /** Moves the table to a later version of the format; there is no way back. */
  async upgrade(formatVersion: FormatVersion, options: CommitCallOptions = {}): Promise<void> {
    await this.#commitMetadata('format upgrade', () => [{ action: 'upgrade-format-version', formatVersion }], options)
  }

  /** Releases threads and connections of a table that was opened without a catalog; of another, nothing: its catalog has them. */
  async close(): Promise<void> {
    await this.#context.close?.()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #commitMetadata(
    name: string,
    updates: (metadata: TableMetadata) => readonly MetadataUpdate[],
    options: CommitCallOptions,
  ): Promise<void> {
    await this.#commit(metadataOperation(name, updates), options)
  }

  async #commit(operation: CommitOperation, options: CommitCallOptions): Promise<CommitResult> {
    const backend = this.#requireBackend(operation.name)
    const { signal } = options
    const commit = (): Promise<CommitResult> => commitTable(backend, this.#loaded, operation, { runtime: this.#context.runtime, signal })
    const result = await namingTableAsync(this.identifier, commit, signal)
    this.#moveTo(result.table)
    return result
  }

  /** Options of a verb of a table that is bound to a branch. */
  #bound<T extends { readonly branch?: string | undefined }>(options: T): T {
    return this.#branch === undefined || options.branch !== undefined ? options : { ...options, branch: this.#branch }
  }

  async #manage(
    operation: (branches: typeof branchOperations) => CommitOperation,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<CommitResult> {
    checkArgument(options, 'object', 'The options of a change')
    const { branchOperations: branches } = await import('./branch-methods.js')
    // What a name stands for is looked up in the newest version.
    await this.refresh()
    return this.#commit(namingTable(this.identifier, () => operation(branches)), options)
  }

  /** Changes made side by side may end in another order than that in which they were committed. */
  /** `state`: what the change is planned on, the newest state or the one that this table shows. */
  async #changeRows<T>(
    name: string,
    options: { readonly signal?: AbortSignal | undefined },
    change: (changes: typeof import('./row-changes.js'), context: DmlContext) => Promise<{ readonly result: T; readonly table: LoadedTable | undefined }>,
    state: 'newest' | 'as seen' = 'newest',
  ): Promise<T> {
    checkArgument(options, 'object', 'The options of a change')
    const backend = this.#requireBackend(name)
    const { engine, runtime } = this.#context
    const run = async (): ReturnType<typeof change> => {
      const changes = await import('./row-changes.js')
      if (state === 'newest') await this.refresh()
      return change(changes, { backend, loaded: this.#loaded, engine, runtime })
    }
    const { result, table } = await namingTableAsync(this.identifier, run, options.signal)
    if (table !== undefined) this.#moveTo(table)
    return result
  }

  #moveTo(table: LoadedTable): void {
    const [before, after] = [this.#loaded.metadata, table.metadata]
    const isOlder =
      after.lastSequenceNumber < before.lastSequenceNumber ||
      (after.lastSequenceNumber === before.lastSequenceNumber && after.lastUpdatedMs < before.lastUpdatedMs)
    if (!isOlder) this.#loaded = table
  }

  #requireBackend(action: string): CatalogBackend {
    if (this.#context.backend !== undefined) return this.#context.backend
    throw new FloeError('UNSUPPORTED', `This table was opened from its metadata file alone, so ${action} is not possible: open it through a catalog`, {
      table: this.name,
    })
  }
}
