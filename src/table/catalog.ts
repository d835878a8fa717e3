import type { CatalogBackend, LoadedTable, LoadedView, TableCreation, TableIdentifier, ViewBackend } from '../catalog/catalog-backend.js'
import { checkNamespace, parseTableIdentifier, printTableIdentifier } from '../catalog/table-identifier.js'
import type { StoreReport } from '../catalog/store-contract.js'
import type { FormatVersion } from '../metadata/table-metadata.js'
import { buildPartitionSpec, buildSortOrder, type PartitionTerm, type SortTerm } from '../partition/spec-builder.js'
import { Schema } from '../schema/schema.js'
import { FloeError, isFloeError } from '../util/errors.js'
import { checkArgument, checkNamedOptions, checkNames, checkOptional, namesOf } from './checked-arguments.js'
import { errorOfTable, namingTableAsync } from './named-errors.js'
import { COMMIT_NAMES, type CommitCallOptions, type TableContext } from './table-handle.js'
import { Table, type TableTransaction } from './table.js'
import { textProperties } from './text-properties.js'
import { View, viewCreationOf, viewsOf, type CreateViewOptions } from './view.js'

/** A table's name as text, `shop.events`, or in its parts. */
export type TableName = string | TableIdentifier

export interface CreateTableOptions {
  readonly schema: Schema
  /** Columns, or transforms of columns. Default: unpartitioned. */
  readonly partitionBy?: readonly (string | PartitionTerm)[] | undefined
  /** Default: unsorted. */
  readonly sortBy?: readonly (string | SortTerm | PartitionTerm)[] | undefined
  /** Default 2, which every engine reads and writes. */
  readonly formatVersion?: FormatVersion | undefined
  readonly properties?: Readonly<Record<string, string>> | undefined
  /** Where the table's files go. Default: chosen by the catalog. */
  readonly location?: string | undefined
}

/** What a transaction over several tables can do. Changes of a table are seen by later calls on it, and by nobody else yet. */
export interface CatalogTransaction {
  /** The verbs of a table. @throws FloeError `NOT_FOUND` */
  loadTable(name: TableName): Promise<TableTransaction>
  /** The verbs of a table that the commit creates. @throws FloeError `ALREADY_EXISTS` */
  createTable(name: TableName, options: CreateTableOptions): Promise<TableTransaction>
}

const DEFAULT_FORMAT_VERSION = 2
const CREATE_TABLE_NAMES = namesOf<CreateTableOptions>()({
  schema: true,
  partitionBy: true,
  sortBy: true,
  formatVersion: true,
  properties: true,
  location: true,
})
const DROP_TABLE_NAMES = ['purge']

/** The tables under one catalog. Made by `openCatalog`. */
export class Catalog {
  readonly #backend: CatalogBackend
  readonly #context: TableContext
  readonly #close: () => Promise<void>

  constructor(backend: CatalogBackend, context: Omit<TableContext, 'backend'>, close: () => Promise<void>) {
    this.#backend = backend
    this.#context = { ...context, backend }
    this.#close = close
  }

  /**
   * Creates a table; namespaces that are missing are created as well.
   * @throws FloeError `ALREADY_EXISTS`, or `INVALID` for a schema, spec, order or property that does not fit
   */
  async createTable(name: TableName, options: CreateTableOptions): Promise<Table> {
    const identifier = identifierOf(name)
    const creation = creationOf(options)
    await this.#ensureNamespace(identifier.namespace)
    return this.#open(identifier, () => this.#backend.createTable(identifier, creation))
  }

  /**
   * Changes of several tables as one commit: `work` loads and creates tables, and makes calls on them. All of it is committed
   * when it is done, or nothing when it, or one of the calls, fails. Answers what `work` answers.
   *
   * @throws FloeError `UNSUPPORTED` where tables cannot be committed together: in folders and object stores, where each table
   *   is a pointer of its own; `CONFLICT` or `ALREADY_EXISTS` when nothing was committed; `COMMIT_STATE_UNKNOWN`
   */
  async transaction<T>(work: (transaction: CatalogTransaction) => T | Promise<T>, options: CommitCallOptions = {}): Promise<T> {
    checkArgument(work, 'function', 'The work of a transaction')
    checkNamedOptions(options, COMMIT_NAMES, 'transaction')
    const { transactions } = this.#backend
    if (transactions === undefined) {
      throw new FloeError('UNSUPPORTED', 'No store swaps two tables in one step: change each by table.transaction, or use a REST catalog')
    }
    await transactions.check()
    const { CatalogWork } = await import('./catalog-transaction.js')
    const backend = { loadTable: (identifier: TableIdentifier): Promise<LoadedTable> => this.#backend.loadTable(identifier), transactions }
    const open = (loaded: LoadedTable, staging: CatalogBackend): Table => new Table(loaded, { ...this.#context, backend: staging })
    const staged = new CatalogWork<Table, TableTransaction>({ backend, runtime: this.#context.runtime, signal: options.signal, open })
    const transaction: CatalogTransaction = {
      loadTable: async (name) => staged.load(identifierOf(name)),
      createTable: async (name, creation) => {
        const identifier = identifierOf(name)
        const table = creationOf(creation)
        await this.#ensureNamespace(identifier.namespace)
        return staged.create(identifier, () => transactions.stageTable(identifier, table))
      },
    }
    let value: T
    try {
      value = await work(transaction)
    } catch (error) {
      await staged.discard()
      throw error
    }
    await staged.commit()
    return value
  }

  /** @throws FloeError `NOT_FOUND` */
  async loadTable(name: TableName): Promise<Table> {
    const identifier = identifierOf(name)
    return this.#open(identifier, () => this.#backend.loadTable(identifier))
  }

  async tableExists(name: TableName): Promise<boolean> {
    return this.#backend.tableExists(identifierOf(name))
  }

  /** The names of the tables in a namespace, not in those below it. */
  async listTables(namespace: string | readonly string[] = []): Promise<string[]> {
    const tables = await this.#backend.listTables(namespaceOf(namespace))
    return tables.map(printTableIdentifier)
  }

  /** Forgets a table; with `purge`, deletes its files as well. */
  async dropTable(name: TableName, options: { readonly purge?: boolean } = {}): Promise<void> {
    const identifier = identifierOf(name)
    checkNamedOptions(options, DROP_TABLE_NAMES, 'dropTable')
    await namingTableAsync(identifier, () => this.#backend.dropTable(identifier, options))
  }

  /** @throws FloeError `UNSUPPORTED` where names are places, as in object stores */
  async renameTable(from: TableName, to: TableName): Promise<void> {
    const [source, target] = [identifierOf(from), identifierOf(to)]
    try {
      await this.#backend.renameTable(source, target)
    } catch (error) {
      throw errorOfTable(error, isFloeError(error, 'ALREADY_EXISTS') ? target : source)
    }
  }

  /** Adds an existing table by the location of its current `*.metadata.json`. */
  async registerTable(name: TableName, metadataLocation: string): Promise<Table> {
    checkArgument(metadataLocation, 'string', 'The location of the metadata')
    const identifier = identifierOf(name)
    return this.#open(identifier, () => this.#backend.registerTable(identifier, metadataLocation))
  }

  /**
   * Creates a view; namespaces that are missing are created as well.
   * @throws FloeError `ALREADY_EXISTS`, or `UNSUPPORTED` where a catalog has no views
   */
  async createView(name: TableName, options: CreateViewOptions): Promise<View> {
    const identifier = identifierOf(name)
    const views = viewsOf(this.#backend)
    const creation = viewCreationOf(options, identifier, this.#context.runtime.now())
    await this.#ensureNamespace(identifier.namespace)
    return this.#view(await views.createView(identifier, creation), views)
  }

  /** @throws FloeError `NOT_FOUND`, or `UNSUPPORTED` where a catalog has no views */
  async loadView(name: TableName): Promise<View> {
    const views = viewsOf(this.#backend)
    return this.#view(await views.loadView(identifierOf(name)), views)
  }

  async viewExists(name: TableName): Promise<boolean> {
    const identifier = identifierOf(name)
    return (await this.#backend.views?.viewExists(identifier)) ?? false
  }

  /** The names of the views in a namespace, not in those below it. */
  async listViews(namespace: string | readonly string[] = []): Promise<string[]> {
    const views = await viewsOf(this.#backend).listViews(namespaceOf(namespace))
    return views.map(printTableIdentifier)
  }

  async dropView(name: TableName): Promise<void> {
    await viewsOf(this.#backend).dropView(identifierOf(name))
  }

  async renameView(from: TableName, to: TableName): Promise<void> {
    await viewsOf(this.#backend).renameView(identifierOf(from), identifierOf(to))
  }

  /** Adds an existing view by the location of its current `*.metadata.json`. */
  async registerView(name: TableName, metadataLocation: string): Promise<View> {
    checkArgument(metadataLocation, 'string', 'The location of the metadata')
    const views = viewsOf(this.#backend)
    return this.#view(await views.registerView(identifierOf(name), metadataLocation), views)
  }

  /** Properties of a namespace. @throws FloeError `NOT_FOUND` */
  async loadNamespace(namespace: string | readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.#backend.loadNamespace(namespaceOf(namespace))
  }

  /** Sets properties of a namespace; one of `null` is removed. */
  async updateNamespace(namespace: string | readonly string[], properties: Readonly<Record<string, string | null>>): Promise<void> {
    checkArgument(properties, 'object', 'Properties')
    const entries = Object.entries(properties)
    const updates = textProperties(Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null)))
    const removals = entries.filter(([, value]) => value === null).map(([name]) => name)
    await this.#backend.updateNamespace(namespaceOf(namespace), { updates, removals })
  }

  /**
   * Tries what commits rely on of the warehouse's store, and what other tools may: creation races, stale conditions, deleting
   * and creating again, uploads in parts, listings and etags. Some 40 MiB of requests; nothing is left behind.
   * @throws FloeError `UNSUPPORTED` for a catalog whose store is a server's business
   */
  async verifyStore(): Promise<StoreReport> {
    const report = await this.#backend.verifyStore?.()
    if (report !== undefined) return report
    throw new FloeError('UNSUPPORTED', 'The store of this catalog is its own business: only a warehouse that is written directly can be tried')
  }

  async createNamespace(namespace: string | readonly string[], properties: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#backend.createNamespace(namespaceOf(namespace), textProperties(properties))
  }

  /** @throws FloeError `INVALID` or `CONFLICT` while it holds tables or namespaces */
  async dropNamespace(namespace: string | readonly string[]): Promise<void> {
    await this.#backend.dropNamespace(namespaceOf(namespace))
  }

  async namespaceExists(namespace: string | readonly string[]): Promise<boolean> {
    return this.#backend.namespaceExists(namespaceOf(namespace))
  }

  /** Namespaces directly below `parent`, each outermost part first. */
  async listNamespaces(parent: string | readonly string[] = []): Promise<readonly (readonly string[])[]> {
    return this.#backend.listNamespaces(namespaceOf(parent))
  }

  /** Releases threads and connections. Tables that came from this catalog must not be used any more. */
  async close(): Promise<void> {
    await this.#backend.close?.()
    await this.#close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #open(identifier: TableIdentifier, load: () => Promise<LoadedTable>): Promise<Table> {
    return new Table(await namingTableAsync(identifier, load), this.#context)
  }

  #view(loaded: LoadedView, views: ViewBackend): View {
    return new View(loaded, views, this.#context.runtime)
  }

  async #ensureNamespace(namespace: readonly string[]): Promise<void> {
    for (let depth = 1; depth <= namespace.length; depth++) {
      const level = namespace.slice(0, depth)
      if (await this.#backend.namespaceExists(level)) continue
      try {
        await this.#backend.createNamespace(level)
      } catch (error) {
        // Somebody else may have made it meanwhile.
        if (!(error instanceof FloeError && error.code === 'ALREADY_EXISTS')) throw error
      }
    }
  }
}

function creationOf(options: CreateTableOptions): TableCreation {
  checkArgument(options, 'object', 'The options of a table')
  checkNames(options, CREATE_TABLE_NAMES, 'createTable')
  const { schema, formatVersion = DEFAULT_FORMAT_VERSION, location } = options
  if (!(schema instanceof Schema)) throw new FloeError('INVALID', 'A table needs a schema: make one with schema({ id: t.long.required, … })')
  checkOptional(options.partitionBy, 'list', 'partitionBy')
  checkOptional(options.sortBy, 'list', 'sortBy')
  const spec = buildPartitionSpec(options.partitionBy ?? [], schema)
  const sortOrder = buildSortOrder(options.sortBy ?? [], schema)
  return { schema, spec, sortOrder, formatVersion, location, properties: textProperties(options.properties ?? {}) }
}

function identifierOf(name: TableName): TableIdentifier {
  if (typeof name === 'string') return parseTableIdentifier(name)
  checkArgument(name, 'object', "A table's name, unless it is a text,")
  checkArgument(name.namespace, 'list', 'The namespace of a name')
  return name
}

function namespaceOf(namespace: string | readonly string[]): readonly string[] {
  if (typeof namespace !== 'string') {
    checkArgument(namespace, 'list', 'A namespace, unless it is a text,')
    return namespace
  }
  if (namespace === '') return []
  const { namespace: outer, name } = parseTableIdentifier(namespace)
  const parts = [...outer, name]
  checkNamespace(parts)
  return parts
}
