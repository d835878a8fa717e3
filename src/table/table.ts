/**
 * What users hold: catalogs, tables and scans. Thin: it names things, keeps the version of metadata that a table is at,
 * and hands the work to the folders below.
 */
import type { CatalogBackend, LoadedTable, TableIdentifier } from '../catalog/catalog-backend.js'
import { printTableIdentifier } from '../catalog/table-identifier.js'
import { metadataOperation, type CommitOperation } from '../commit/commit-operation.js'
import { commitTable, type CommitResult } from '../commit/commit-table.js'
import { currentSchema, defaultSortOrder, defaultSpec } from '../metadata/metadata-lookup.js'
import type { DmlContext } from '../dml/dml-context.js'
import type { RowAssignments } from '../dml/assignments.js'
import type { OverwritePartitionsOptions } from '../dml/overwrite-partitions.js'
import type { OverwriteRowsOptions } from '../dml/overwrite-rows.js'
import type { RowChangeOptions, RowChangeOutcome, RowChangeResult } from '../dml/row-change.js'
import { alwaysTrue } from '../expression/predicates.js'
import type { UpsertOptions } from '../dml/upsert-rows.js'
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import { setSchemaUpdates, setSortOrderUpdates, setSpecUpdates } from '../metadata/structure-updates.js'
import type { FormatVersion, TableMetadata } from '../metadata/table-metadata.js'
import type { ParquetEngine } from '../parquet/parquet-engine.js'
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import { buildSortOrder, type PartitionTerm, type SortTerm } from '../partition/spec-builder.js'
import { evolvePartitionSpec, PartitionSpecUpdate } from '../partition/spec-evolution.js'
import { propertyChanges } from '../schema/property-changes.js'
import { SchemaUpdate } from '../schema/schema-evolution.js'
import type { Schema } from '../schema/schema.js'
import type { Snapshot, SnapshotLogEntry, SnapshotRef } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import type { AppendRowsOptions } from './append-rows.js'
import { checkArgument } from './checked-arguments.js'
import { namingTableAsync } from './named-errors.js'
import type { FilterInput } from './row-changes.js'
import { TableInspection } from './table-inspection.js'
import { TableScan } from './table-scan.js'
import { textProperties } from './text-properties.js'
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
  #loaded: LoadedTable

  /** Made by a `Catalog`. */
  constructor(loaded: LoadedTable, context: TableContext) {
    this.#loaded = loaded
    this.#context = context
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

  get currentSnapshot(): Snapshot | undefined {
    const { snapshots, currentSnapshotId } = this.#loaded.metadata
    return snapshots.find((snapshot) => snapshot.snapshotId === currentSnapshotId)
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
    return new TableScan(this.#loaded, this.#context.engine)
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
    const append = (): ReturnType<typeof appendRows> => appendRows(rows, options, { loaded: this.#loaded, backend, engine, runtime })
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
    return this.#changeRows('delete', options, (changes, context) => changes.deleteFrom(context, filter, options))
  }

  /**
   * Sets columns of the rows for which `filter` is true: to values, or to what functions answer that get the row as it was.
   *
   * @throws FloeError `INVALID` naming the column whose value does not fit, `CONFLICT` when another commit was in the way
   */
  update(filter: FilterInput, assignments: RowAssignments, options: RowChangeOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('update', options, (changes, context) => changes.updateIn(context, filter, assignments, options))
  }

  /**
   * Replaces the rows for which `filter` is true, by default all, by `rows`.
   *
   * @throws FloeError `INVALID` naming the row that does not fit, `CONFLICT` when another commit was in the way
   */
  overwrite(rows: WriteInput, filter: FilterInput = alwaysTrue(), options: OverwriteRowsOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('overwrite', options, (changes, context) => changes.overwriteIn(context, rows, filter, options))
  }

  /**
   * Replaces the partitions that `rows` belong to, and no others: writing the same rows again changes nothing.
   *
   * @throws FloeError as {@link overwrite} does
   */
  overwritePartitions(rows: WriteInput, options: OverwritePartitionsOptions = {}): Promise<RowChangeResult> {
    return this.#changeRows('overwrite', options, (changes, context) => changes.overwritePartitionsIn(context, rows, options))
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
      return upsertInto(context, rows, keys, options)
    })
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
    const entries = Object.entries(properties)
    const updates = textProperties(Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null)))
    const removals = entries.filter(([, value]) => value === null).map(([name]) => name)
    const changes: MetadataUpdate[] = []
    if (updates.size > 0) changes.push({ action: 'set-properties', updates })
    if (removals.length > 0) changes.push({ action: 'remove-properties', removals })
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

  /** Changes made side by side may end in another order than that in which they were committed. */
  async #changeRows(
    name: string,
    options: RowChangeOptions,
    change: (changes: typeof import('./row-changes.js'), context: DmlContext) => Promise<RowChangeOutcome>,
  ): Promise<RowChangeResult> {
    checkArgument(options, 'object', 'The options of a change')
    const backend = this.#requireBackend(name)
    const { engine, runtime } = this.#context
    const run = async (): Promise<RowChangeOutcome> => {
      const changes = await import('./row-changes.js')
      await this.refresh()
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

function schemaUpdates(metadata: TableMetadata, update: (schema: SchemaUpdate) => unknown): MetadataUpdate[] {
  const builder = new SchemaUpdate(currentSchema(metadata), {
    lastColumnId: metadata.lastColumnId,
    formatVersion: metadata.formatVersion,
    partitionSourceIds: new Set(defaultSpec(metadata).fields.filter((field) => field.transform !== 'void').flatMap((field) => field.sourceIds)),
  })
  update(builder)
  const changes = builder.changes()
  const properties = propertyChanges(metadata.properties, changes)
  const updates = [...setSchemaUpdates(metadata, changes.schema)]
  if (properties.updates.size > 0) updates.push({ action: 'set-properties', updates: properties.updates })
  if (properties.removals.length > 0) updates.push({ action: 'remove-properties', removals: properties.removals })
  return updates
}

function specUpdates(metadata: TableMetadata, update: (spec: PartitionSpecUpdate) => unknown): MetadataUpdate[] {
  const builder = new PartitionSpecUpdate()
  update(builder)
  const { formatVersion, defaultSpecId, lastPartitionId } = metadata
  const base = { formatVersion, schema: currentSchema(metadata), specs: metadata.partitionSpecs, defaultSpecId, lastPartitionId }
  return [...setSpecUpdates(metadata, evolvePartitionSpec(base, builder.changes))]
}
