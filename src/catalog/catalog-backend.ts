/**
 * Where the current metadata of a table is kept and swapped. Backends exchange plain data; retries, validation and the
 * making of snapshots are commit/'s business, the `Table` a user holds is table/'s.
 */
import type { Expression } from '../expression/expression.js'
import type { FileIO } from '../io/file-io.js'
import type { DataFile } from '../manifest/data-file.js'
import type { MetadataUpdate, UpdateRequirement } from '../metadata/metadata-update.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { ViewMetadata, ViewVersion } from '../metadata/view/view-metadata.js'
import type { ViewRequirement, ViewUpdate } from '../metadata/view/view-update.js'
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import type { Schema } from '../schema/schema.js'
import type { JsonValue } from '../util/json.js'
import type { MetricsSink } from './metrics-report.js'
import type { StoreReport } from './store-contract.js'

/** A table's name: its namespace, outermost first, then its own. */
export interface TableIdentifier {
  readonly namespace: readonly string[]
  readonly name: string
}

export interface LoadedTable {
  readonly identifier: TableIdentifier
  readonly metadata: TableMetadata
  /** Location of the `*.metadata.json` that `metadata` was read from. */
  readonly metadataLocation: string
  /** Reads and writes this table's files: credentials and prefix guard applied. */
  readonly io: FileIO
  /** Present where the catalog left out snapshots that no branch or tag names: loads the newest version with all of them. */
  readonly complete?: (() => Promise<LoadedTable>) | undefined
  /** Present where the catalog plans scans of the table itself. */
  readonly planRemotely?: ((scan: RemoteScan) => Promise<readonly RemoteScanFile[]>) | undefined
  /** Present where somebody wants to know of scans and commits. */
  readonly metrics?: MetricsSink | undefined
}

/** A scan that the catalog is to plan. */
export interface RemoteScan {
  /** Of the table as the caller knows it: partition values are read by its specs. */
  readonly metadata: TableMetadata
  readonly snapshotId: bigint
  /** Of the schema that the names are of. */
  readonly schemaId: number
  /** Whether that is the snapshot's, rather than the table's. */
  readonly usesSnapshotSchema: boolean
  /** Columns by their path; empty for all. */
  readonly select: readonly string[]
  /** An expression as JSON. */
  readonly filter: JsonValue
  readonly caseSensitive: boolean
  readonly signal?: AbortSignal | undefined
}

/** A data file that the catalog planned to be read, with the deletes that apply to it. */
export interface RemoteScanFile {
  readonly dataFile: DataFile
  readonly deletes: readonly DataFile[]
  /** What is left of the filter for its rows, where the catalog says so. */
  readonly residual: Expression | undefined
}

export interface TableCreation {
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly sortOrder: SortOrder
  readonly formatVersion: 1 | 2 | 3
  readonly location?: string | undefined
  readonly properties: ReadonlyMap<string, string>
}

export interface CommitRequest {
  readonly identifier: TableIdentifier
  /**
   * What the request was prepared on; `undefined` for one that creates the table. The backend may apply it to a newer version
   * when the requirements hold there.
   */
  readonly base: LoadedTable | undefined
  readonly requirements: readonly UpdateRequirement[]
  readonly updates: readonly MetadataUpdate[]
  readonly signal?: AbortSignal | undefined
}

/**
 * The outcome of a commit has three values.
 * `rejected` is proof that this request did not and will never take effect; only then may its files be deleted.
 */
export type CommitOutcome =
  | { readonly outcome: 'committed'; readonly table: LoadedTable }
  | { readonly outcome: 'rejected'; readonly reason: Error; readonly retryable: boolean }
  | { readonly outcome: 'unknown'; readonly reason: Error }

/** The outcome of a commit of several tables, which is that of each of them. */
export type TransactionOutcome = { readonly outcome: 'committed' } | Exclude<CommitOutcome, { readonly outcome: 'committed' }>

/** Commits of several tables at once: all of them, or none. */
export interface TableTransactions {
  /** Throws `UNSUPPORTED` when the catalog does not offer them after all. */
  check(): Promise<void>
  /** What a new table would be; the catalog keeps nothing of it. Throws `ALREADY_EXISTS`. */
  stageTable(identifier: TableIdentifier, creation: TableCreation): Promise<LoadedTable>
  commit(requests: readonly CommitRequest[]): Promise<TransactionOutcome>
}

export interface LoadedView {
  readonly identifier: TableIdentifier
  readonly metadata: ViewMetadata
  /** Location of the file that `metadata` is kept in. */
  readonly metadataLocation: string
}

export interface ViewCreation {
  readonly schema: Schema
  /** The first version; its schema is {@link schema}, whatever its id. */
  readonly version: ViewVersion
  readonly location?: string | undefined
  readonly properties: ReadonlyMap<string, string>
}

export interface ViewCommit {
  readonly identifier: TableIdentifier
  readonly requirements: readonly ViewRequirement[]
  readonly updates: readonly ViewUpdate[]
}

/** Views of a catalog. A view and a table of one namespace have different names. */
export interface ViewBackend {
  /** Throws `NOT_FOUND` for a namespace that does not exist. */
  listViews(namespace: readonly string[]): Promise<readonly TableIdentifier[]>
  viewExists(identifier: TableIdentifier): Promise<boolean>
  /** Throws `NOT_FOUND`. */
  loadView(identifier: TableIdentifier): Promise<LoadedView>
  /** Throws `ALREADY_EXISTS`. */
  createView(identifier: TableIdentifier, creation: ViewCreation): Promise<LoadedView>
  /** Throws `CONFLICT` when nothing was committed and may be on the newer version, `COMMIT_STATE_UNKNOWN`. */
  commitView(commit: ViewCommit): Promise<LoadedView>
  dropView(identifier: TableIdentifier): Promise<void>
  renameView(from: TableIdentifier, to: TableIdentifier): Promise<void>
  /** Adds an existing view by the location of its metadata. */
  registerView(identifier: TableIdentifier, metadataLocation: string): Promise<LoadedView>
}

export interface NamespaceChanges {
  readonly updates: ReadonlyMap<string, string>
  readonly removals: readonly string[]
}

export interface CatalogBackend {
  /** Whether a table lies where its name says, and nowhere else. Default: it may lie anywhere. */
  readonly placesTables?: boolean
  listNamespaces(parent?: readonly string[]): Promise<readonly (readonly string[])[]>
  createNamespace(namespace: readonly string[], properties?: ReadonlyMap<string, string>): Promise<void>
  dropNamespace(namespace: readonly string[]): Promise<void>
  namespaceExists(namespace: readonly string[]): Promise<boolean>
  /** The namespace's properties. Throws `NOT_FOUND`. */
  loadNamespace(namespace: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Sets and removes properties; those of two updates at the same time may be lost to the later one. Throws `NOT_FOUND`. */
  updateNamespace(namespace: readonly string[], changes: NamespaceChanges): Promise<void>
  listTables(namespace: readonly string[]): Promise<readonly TableIdentifier[]>
  tableExists(identifier: TableIdentifier): Promise<boolean>
  /** Throws `NOT_FOUND`. */
  loadTable(identifier: TableIdentifier): Promise<LoadedTable>
  /** Throws `ALREADY_EXISTS`. */
  createTable(identifier: TableIdentifier, creation: TableCreation): Promise<LoadedTable>
  commitTable(request: CommitRequest): Promise<CommitOutcome>
  /** Forgets the table; with `purge`, deletes its files as well. */
  dropTable(identifier: TableIdentifier, options?: { readonly purge?: boolean }): Promise<void>
  renameTable(from: TableIdentifier, to: TableIdentifier): Promise<void>
  registerTable(identifier: TableIdentifier, metadataLocation: string): Promise<LoadedTable>
  /** Throws `INVALID` for a place that tables of this catalog may not use; absent where a server decides that. */
  checkPlace?(location: string): Promise<void>
  /** Absent where there are none. */
  readonly views?: ViewBackend | undefined
  /** Absent where tables cannot be committed together. */
  readonly transactions?: TableTransactions | undefined
  /** Tries what commits rely on of the store; absent where a server has it. */
  verifyStore?(): Promise<StoreReport>
  /** Where a new table of that name would be; absent where that is not known before it is created. */
  defaultLocation?(identifier: TableIdentifier): Promise<string>
  close?(): Promise<void>
}
