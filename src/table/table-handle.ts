import type { CatalogBackend, LoadedTable, TableIdentifier } from '../catalog/catalog-backend.js'
import { printTableIdentifier } from '../catalog/table-identifier.js'
import type { FilterLog } from '../compaction/clustering/filter-log.js'
import { metadataOperation, type CommitOperation } from '../commit/commit-operation.js'
import { commitTable, type CommitResult } from '../commit/commit-table.js'
import { currentSchema, defaultSortOrder, defaultSpec } from '../metadata/metadata-lookup.js'
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import type { FormatVersion, TableMetadata } from '../metadata/table-metadata.js'
import type { ParquetEngine } from '../parquet/parquet-engine.js'
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import type { Schema } from '../schema/schema.js'
import { MAIN_BRANCH, refByName, snapshotOfRef } from '../snapshot/snapshot-ref.js'
import type { Snapshot, SnapshotLogEntry, SnapshotRef } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { checkNamedOptions, checkOptions, namesOf } from './checked-arguments.js'
import { namingTable, namingTableAsync } from './named-errors.js'

/** What a table needs of the process it lives in. */
export interface TableContext {
  /** `undefined`: the table is read from one metadata file, and nothing can be committed. */
  readonly backend: CatalogBackend | undefined
  readonly engine: ParquetEngine
  readonly runtime: Runtime
  /** Told of the filters of scans. */
  readonly filterLog?: FilterLog | undefined
  /** Releases what the table has for itself; absent when its catalog owns everything. */
  readonly close?: (() => Promise<void>) | undefined
}

/** Options that every change of a table takes. */
export interface CommitCallOptions {
  readonly signal?: AbortSignal | undefined
}

export const COMMIT_NAMES = namesOf<CommitCallOptions>()({ signal: true })

/**
 * One table at one version of its metadata: what it is, and how it moves to another version. Its verbs are in the classes that
 * extend this one.
 */
export abstract class TableHandle {
  readonly #context: TableContext
  readonly #boundBranch: string | undefined
  #loaded: LoadedTable

  /** Made by a `Catalog`, and by `Table.branch`. */
  constructor(loaded: LoadedTable, context: TableContext, branch?: string) {
    this.#loaded = loaded
    this.#context = context
    this.#boundBranch = branch
  }

  protected get context(): TableContext {
    return this.#context
  }

  /** What the table's verbs read and write; `undefined` for `main`. */
  protected get boundBranch(): string | undefined {
    return this.#boundBranch
  }

  protected get loaded(): LoadedTable {
    return this.#loaded
  }

  get identifier(): TableIdentifier {
    return this.loaded.identifier
  }

  /** The identifier as text, dots between its parts. */
  get name(): string {
    return printTableIdentifier(this.loaded.identifier)
  }

  get metadata(): TableMetadata {
    return this.loaded.metadata
  }

  get metadataLocation(): string {
    return this.loaded.metadataLocation
  }

  get location(): string {
    return this.loaded.metadata.location
  }

  get formatVersion(): FormatVersion {
    return this.loaded.metadata.formatVersion
  }

  get properties(): ReadonlyMap<string, string> {
    return this.loaded.metadata.properties
  }

  get schema(): Schema {
    return currentSchema(this.loaded.metadata)
  }

  get spec(): PartitionSpec {
    return defaultSpec(this.loaded.metadata)
  }

  get sortOrder(): SortOrder {
    return defaultSortOrder(this.loaded.metadata)
  }

  /** The head of `main`, or of the branch that the table is bound to. */
  get currentSnapshot(): Snapshot | undefined {
    return snapshotOfRef(this.loaded.metadata, this.boundBranch ?? MAIN_BRANCH)
  }

  get snapshots(): readonly Snapshot[] {
    return this.loaded.metadata.snapshots
  }

  /** Which snapshot was current when, oldest first. */
  get history(): readonly SnapshotLogEntry[] {
    return this.loaded.metadata.snapshotLog
  }

  get refs(): ReadonlyMap<string, SnapshotRef> {
    return this.loaded.metadata.refs
  }

  /** Moves to the version that is current in the catalog. Answers this table. */
  async refresh(): Promise<this> {
    const backend = this.requireBackend('refresh')
    const loaded = await namingTableAsync(this.identifier, () => backend.loadTable(this.identifier))
    const uuid = this.loaded.metadata.tableUuid
    if (uuid !== undefined && loaded.metadata.tableUuid !== uuid) {
      throw new FloeError('CONFLICT', 'Another table has taken this name: load it anew', { table: this.name, retryable: false })
    }
    this.#loaded = loaded
    return this
  }

  /** Loads the snapshots that a REST catalog left out because it was asked for `snapshots: 'refs'`. Answers this table. */
  async loadHistory(): Promise<this> {
    const { complete } = this.loaded
    if (complete !== undefined) this.#loaded = await namingTableAsync(this.identifier, complete)
    return this
  }

  /** Releases threads and connections of a table that was opened without a catalog; of another, nothing: its catalog has them. */
  async close(): Promise<void> {
    await this.context.close?.()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Commits changes of metadata alone, made for the version that is current. */
  protected async commitMetadata(
    name: string,
    updates: (metadata: TableMetadata) => readonly MetadataUpdate[],
    options: CommitCallOptions,
  ): Promise<void> {
    checkNamedOptions(options, COMMIT_NAMES, name)
    await this.commit(metadataOperation(name, updates), options)
  }

  /** Commits an operation, and moves to what it made of the table. */
  protected async commit(operation: CommitOperation, options: CommitCallOptions): Promise<CommitResult> {
    checkOptions(options, `The options of ${operation.name}`)
    const backend = this.requireBackend(operation.name)
    const { signal } = options
    const commit = (): Promise<CommitResult> => commitTable(backend, this.loaded, operation, { runtime: this.context.runtime, signal })
    const result = await namingTableAsync(this.identifier, commit, signal)
    this.moveTo(result.table)
    return result
  }

  /** Options of a verb of a table that is bound to a branch. */
  protected bound<T extends { readonly branch?: string | undefined }>(options: T): T {
    return this.boundBranch === undefined || options.branch !== undefined ? options : { ...options, branch: this.liveBranch() }
  }

  /**
   * The branch that the table is bound to, if any.
   * @throws FloeError `NOT_FOUND` when it is gone: it is not made anew
   */
  protected liveBranch(): string | undefined {
    const branch = this.boundBranch
    if (branch !== undefined) namingTable(this.identifier, () => refByName(this.loaded.metadata, branch))
    return branch
  }

  /** Changes made side by side may end in another order than that in which they were committed. */
  protected moveTo(table: LoadedTable): void {
    const [before, after] = [this.loaded.metadata, table.metadata]
    const isOlder =
      after.lastSequenceNumber < before.lastSequenceNumber ||
      (after.lastSequenceNumber === before.lastSequenceNumber && after.lastUpdatedMs < before.lastUpdatedMs)
    if (!isOlder) this.#loaded = table
  }

  /** @throws FloeError `UNSUPPORTED` for a table that was opened without a catalog */
  protected requireBackend(action: string): CatalogBackend {
    if (this.context.backend !== undefined) return this.context.backend
    const message = `This table was opened from its metadata file alone, so ${action} is not possible: open it through a catalog`
    throw new FloeError('UNSUPPORTED', message, { table: this.name })
  }
}
