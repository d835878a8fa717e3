/**
 * Catalogs: where the current metadata of a table is kept, and how it is swapped. This folder knows names, places and the
 * one irreversible act of creating a version; what a commit holds is commit/'s business.
 */
import { mapParallel } from '../io/bounded-parallel.js'
import type { FileIO } from '../io/file-io.js'
import { canonicalLocation, isInside, joinLocation, parseLocation, stripTrailingSlashes } from '../io/location.js'
import { checkPlace, guardPrefixes } from '../io/prefix-guard.js'
import { newTableMetadata } from '../metadata/new-table.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { parseTableMetadata } from '../metadata/table-metadata-json.js'
import { readBoolean, tableProperties } from '../metadata/table-properties.js'
import { FloeError } from '../util/errors.js'
import { systemRuntime } from '../util/runtime.js'
import type { Runtime } from '../util/runtime.js'
import type { CatalogBackend, CommitOutcome, CommitRequest, LoadedTable, NamespaceChanges, TableCreation, TableIdentifier } from './catalog-backend.js'
import { MetadataCache } from './metadata-cache.js'
import { metricsSink, type MetricsReport, type MetricsSink } from './metrics-report.js'
import { NamespaceFolders, namespaceNotFound } from './namespace-folders.js'
import { deleteAll, deleteFolder, filesOutside } from './purge-table.js'
import { retireVersions } from './retiring-file-io.js'
import { checkStore, type StoreReport } from './store-contract.js'
import { probeStore, rememberVerdict } from './store-probe.js'
import { commitToTable, removedMetadataFiles } from './table-commit.js'
import { TableFolder } from './table-folder.js'
import type { TableState, TableVersion } from './table-folder.js'
import { checkIdentifier, checkNamespace, printTableIdentifier } from './table-identifier.js'
import { checkDeclaredLocations, tablePrefixes } from './table-locations.js'
import type { LocationPolicy } from './table-locations.js'
import { commitVersion } from './version-commit.js'

export interface ObjectStoreCatalogOptions {
  /** The folder of all namespaces and tables. */
  readonly warehouse: string
  readonly io: FileIO
  /** Places outside of the warehouse that tables may use, such as the folders of `write.data.path`. */
  readonly allowedLocations?: readonly string[] | undefined
  /**
   * Whether the store is tried before the first write, as `probeStore` does. `auto`: S3 stores are, local disks and memory
   * need not be. `never` accepts that a store without conditional writes loses concurrent commits.
   */
  readonly verifyStore?: 'auto' | 'never' | 'always' | undefined
  /** Bound on the parsed metadata that is kept, by the size of its files. Default 32 MiB. */
  readonly metadataCacheBytes?: number | undefined
  readonly runtime?: Runtime | undefined
  /** Is told of scans and commits. */
  readonly onMetrics?: ((report: MetricsReport) => void) | undefined
}

const DEFAULT_CACHE_BYTES = 32 * 2 ** 20
const MAX_FOLDERS = 1000
const LIST_PARALLEL = 8
const MAX_DROP_ROUNDS = 10

/**
 * Tables in a folder of any store, without a service: `<warehouse>/<namespace>/<table>/metadata/v<N>.metadata.json`, as the
 * file-system catalogs of other engines lay them out. Creating version N+1 with create-if-absent is the commit.
 *
 * A commit is `committed`, `rejected` on proof, or `unknown`; the echo of our own success is recognised by the bytes. The
 * hint is written last and its failure is of no consequence. Renaming is not offered: a table's files bear its location.
 */
export class ObjectStoreCatalog implements CatalogBackend {
  readonly placesTables = true
  readonly #io: FileIO
  readonly #warehouse: string
  readonly #extra: readonly string[]
  readonly #runtime: Runtime
  readonly #metrics: MetricsSink | undefined
  readonly #cache: MetadataCache
  readonly #namespaces: NamespaceFolders
  readonly #folders = new Map<string, TableFolder>()
  readonly #stores = new WeakMap<TableFolder, { readonly prefixes: readonly string[]; readonly io: FileIO }>()
  readonly #probes: boolean
  #probed: Promise<void> | undefined

  constructor(options: ObjectStoreCatalogOptions) {
    this.#io = options.io
    this.#warehouse = stripTrailingSlashes(options.warehouse)
    this.#extra = options.allowedLocations ?? []
    this.#runtime = options.runtime ?? systemRuntime
    this.#metrics = metricsSink(options.onMetrics, this.#runtime)
    this.#cache = new MetadataCache(options.metadataCacheBytes ?? DEFAULT_CACHE_BYTES)
    const isDropped = async (names: readonly string[]): Promise<boolean> => {
      const folder = this.#folder({ namespace: names.slice(0, -1), name: names.at(-1)! })
      // A damaged table is one all the same.
      return folder.load().then((state) => state.kind === 'dropped', () => false)
    }
    this.#namespaces = new NamespaceFolders(options.io, this.#warehouse, isDropped)
    const verify = options.verifyStore ?? 'auto'
    this.#probes = verify === 'always' || (verify !== 'never' && parseLocation(this.#warehouse).scheme === 's3')
  }

  async listNamespaces(parent: readonly string[] = []): Promise<readonly (readonly string[])[]> {
    await this.#checkNamespaceExists(parent)
    return this.#namespaces.list(parent)
  }

  async createNamespace(namespace: readonly string[], properties: ReadonlyMap<string, string> = new Map()): Promise<void> {
    if (namespace.length === 0) throw new FloeError('ALREADY_EXISTS', 'The root namespace always exists')
    checkNamespace(namespace)
    await this.#verifyStore()
    await this.#namespaces.create(namespace, properties)
  }

  async dropNamespace(namespace: readonly string[]): Promise<void> {
    checkNamespace(namespace)
    await this.#namespaces.drop(namespace)
  }

  async namespaceExists(namespace: readonly string[]): Promise<boolean> {
    checkNamespace(namespace)
    return this.#namespaces.exists(namespace)
  }

  async loadNamespace(namespace: readonly string[]): Promise<ReadonlyMap<string, string>> {
    checkNamespace(namespace)
    return this.#namespaces.properties(namespace)
  }

  async updateNamespace(namespace: readonly string[], changes: NamespaceChanges): Promise<void> {
    checkNamespace(namespace)
    if (namespace.length === 0) throw new FloeError('INVALID', 'The root namespace has no properties')
    await this.#namespaces.update(namespace, changes)
  }

  async listTables(namespace: readonly string[]): Promise<readonly TableIdentifier[]> {
    await this.#checkNamespaceExists(namespace)
    const names = await this.#namespaces.childNames(namespace)
    const found = await mapParallel(names, LIST_PARALLEL, (name) => this.#folder({ namespace, name }).exists())
    return names.filter((_, i) => found[i] === true).map((name) => ({ namespace, name }))
  }

  async tableExists(identifier: TableIdentifier): Promise<boolean> {
    return this.#folder(checkIdentifier(identifier)).exists()
  }

  async loadTable(identifier: TableIdentifier): Promise<LoadedTable> {
    const state = await this.#folder(checkIdentifier(identifier)).load()
    if (state.kind !== 'present') throw tableNotFound(identifier)
    return this.#loaded(identifier, state.current)
  }

  async createTable(identifier: TableIdentifier, creation: TableCreation): Promise<LoadedTable> {
    const folder = this.#folder(checkIdentifier(identifier))
    const { location = folder.location } = creation
    if (canonicalLocation(stripTrailingSlashes(location)) !== canonicalLocation(folder.location)) {
      throw new FloeError('INVALID', `A table of this catalog lies in ${folder.location} and nowhere else; leave its location out`, {
        table: printTableIdentifier(identifier),
      })
    }
    if (creation.properties.has('write.metadata.path')) {
      throw new FloeError('INVALID', 'A path-based table cannot relocate its metadata; leave write.metadata.path unset')
    }
    const metadata = newTableMetadata({ ...creation, location: folder.location }, { uuid: this.#runtime.uuid(), now: this.#runtime.now() })
    return this.#createFirst(identifier, metadata)
  }

  async verifyStore(): Promise<StoreReport> {
    const report = await checkStore(this.#io, this.#warehouse, this.#runtime, 'full')
    await rememberVerdict(this.#io, this.#warehouse, report, this.#runtime)
    if (!report.isSafe) this.#probed = undefined
    return report
  }

  async defaultLocation(identifier: TableIdentifier): Promise<string> {
    return this.#folder(checkIdentifier(identifier)).location
  }

  async commitTable(request: CommitRequest): Promise<CommitOutcome> {
    const { identifier } = request
    const folder = this.#folder(checkIdentifier(identifier))
    await this.#verifyStore()
    const checkMetadata = (metadata: TableMetadata): void => checkDeclaredLocations(metadata, this.#policy(folder))
    const outcome = await commitToTable({ folder, io: this.#io, runtime: this.#runtime, checkMetadata }, request)
    if (outcome.outcome !== 'committed') return outcome
    const table = this.#loaded(identifier, outcome.version)
    if (outcome.version !== outcome.base) await this.#finishCommit(folder, table, outcome)
    return { outcome: 'committed', table }
  }

  /**
   * Takes the next version number for a mark that the table is dropped, so that commits under way are refused. Without
   * `purge` all files stay where they are, and `registerTable` with an earlier version brings the table back. With `purge`,
   * all in the table's folder is deleted, and what its metadata reaches in other allowed places.
   */
  async dropTable(identifier: TableIdentifier, options: { readonly purge?: boolean } = {}): Promise<void> {
    const folder = this.#folder(checkIdentifier(identifier))
    await this.#verifyStore()
    for (let round = 1; ; round++) {
      const state = await folder.load()
      if (state.kind === 'absent') throw tableNotFound(identifier)
      if (state.kind === 'dropped') {
        if (options.purge !== true) throw tableNotFound(identifier)
        // A purge that was interrupted, or a table that was only forgotten.
        return deleteFolder(this.#io, folder.location, state.location)
      }
      const { current } = state
      if (options.purge === true && !readBoolean(current.metadata.properties, tableProperties.gcEnabled)) {
        throw new FloeError('INVALID', 'The table has gc.enabled=false: its files may belong to others. Drop it without purge, or set the property', {
          table: printTableIdentifier(identifier),
        })
      }
      const marker = await folder.createDropMarker(current)
      if (marker.outcome === 'failed') throw marker.reason
      if (marker.outcome === 'unknown') throw new FloeError('COMMIT_STATE_UNKNOWN', 'The table may or may not be dropped', { cause: marker.reason })
      if (marker.outcome === 'created') return this.#finishDrop(folder, current, marker.status.location, options.purge ?? false)
      if (round === MAX_DROP_ROUNDS) throw new FloeError('CONFLICT', 'The table is being committed to faster than it can be dropped; try again')
    }
  }

  renameTable(from: TableIdentifier, to: TableIdentifier): Promise<void> {
    const names = `${printTableIdentifier(from)} to ${printTableIdentifier(to)}`
    return Promise.reject(
      new FloeError('UNSUPPORTED', `Cannot rename ${names}: the files of a path-based table bear its location; copy it, or use a REST catalog`),
    )
  }

  async registerTable(identifier: TableIdentifier, metadataLocation: string): Promise<LoadedTable> {
    checkIdentifier(identifier)
    const metadata = parseTableMetadata(await this.#io.read(metadataLocation), { location: metadataLocation })
    return this.#createFirst(identifier, metadata)
  }

  async checkPlace(location: string): Promise<void> {
    await checkPlace(location, { prefixes: [this.#warehouse, ...this.#extra] })
  }

  async close(): Promise<void> {
    await this.#io.close?.()
  }

  /** The first version of a table, which may follow those of a dropped one. */
  async #createFirst(identifier: TableIdentifier, metadata: TableMetadata): Promise<LoadedTable> {
    const folder = this.#folder(identifier)
    const table = printTableIdentifier(identifier)
    checkDeclaredLocations(metadata, this.#policy(folder))
    await this.#checkNotAnothers(folder, metadata.location)
    await this.#verifyStore()
    const state: TableState = await folder.load()
    if (state.kind === 'present') throw new FloeError('ALREADY_EXISTS', 'The table exists already', { table })
    const path = [...identifier.namespace, identifier.name]
    await this.#namespaces.checkAncestors(path)
    if (state.kind === 'absent') await this.#namespaces.checkNotNamespace(path)
    const made = await commitVersion({ folder, io: this.#io, base: undefined, version: state.version, metadata })
    switch (made.outcome) {
      case 'committed':
        await Promise.all([folder.writeHint(made.version.file.version), this.#namespaces.ensure(identifier.namespace)])
        return this.#loaded(identifier, made.version)
      case 'overtaken':
        throw new FloeError('ALREADY_EXISTS', 'The table was created by another at the same time', { table })
      case 'rejected':
        throw made.reason
      case 'unknown':
        throw new FloeError('COMMIT_STATE_UNKNOWN', 'The table may or may not have been created; load it before trying again', {
          table,
          cause: made.reason,
        })
    }
  }

  /** Whichever of two tables in one folder is purged first takes the files of the other. */
  async #checkNotAnothers(folder: TableFolder, location: string): Promise<void> {
    const place = stripTrailingSlashes(canonicalLocation(location))
    if (place === canonicalLocation(folder.location) || !isInside(this.#warehouse, location)) return
    const path = place.slice(canonicalLocation(this.#warehouse).length).split('/').filter((name) => name !== '')
    for (let depth = 1; depth <= path.length; depth++) {
      const other = { namespace: path.slice(0, depth - 1), name: path[depth - 1]! }
      if (!(await this.#folder(other).exists())) continue
      const message = `Its files belong to the table ${printTableIdentifier(other)}, which deletes them when it is purged: use that one, or drop it first`
      throw new FloeError('INVALID', message, { file: location })
    }
  }

  /** Nothing here can fail the commit: it is in. */
  async #finishCommit(
    folder: TableFolder,
    table: LoadedTable,
    commit: { readonly version: TableVersion; readonly base: TableVersion | undefined },
  ): Promise<void> {
    const removed = commit.base === undefined ? [] : removedMetadataFiles(commit.base.metadata, table.metadata)
    const deletion = removed.length === 0 ? Promise.resolve() : table.io.delete(removed)
    await Promise.allSettled([folder.writeHint(commit.version.file.version), deletion])
  }

  async #finishDrop(folder: TableFolder, current: TableVersion, marker: string, purge: boolean): Promise<void> {
    folder.forget()
    await folder.writeHint(current.file.version + 1)
    if (!purge) return
    const prefixes = tablePrefixes(current.metadata, this.#policy(folder))
    const io = guardPrefixes(this.#io, { prefixes })
    await deleteAll(io, await filesOutside(io, current.metadata, folder.location, prefixes))
    await deleteFolder(this.#io, folder.location, marker)
  }

  #loaded(identifier: TableIdentifier, { file, metadata }: TableVersion): LoadedTable {
    const io = this.#storeOf(this.#folder(identifier), metadata)
    return { identifier, metadata, metadataLocation: file.status.location, io, metrics: this.#metrics }
  }

  /** The same one for all versions of a table that may use the same places: commits know by it what they wrote. */
  #storeOf(folder: TableFolder, metadata: TableMetadata): FileIO {
    const prefixes = tablePrefixes(metadata, this.#policy(folder))
    const known = this.#stores.get(folder)
    if (known?.prefixes.length === prefixes.length && known.prefixes.every((prefix, i) => prefix === prefixes[i])) return known.io
    const io = retireVersions(guardPrefixes(this.#io, { prefixes }), folder.metadataFolder)
    this.#stores.set(folder, { prefixes, io })
    return io
  }

  #policy(folder: TableFolder): LocationPolicy {
    return { folder: folder.location, declarable: [this.#warehouse], always: this.#extra }
  }

  #folder(identifier: TableIdentifier): TableFolder {
    const location = joinLocation(this.#warehouse, ...identifier.namespace, identifier.name)
    const known = this.#folders.get(location)
    this.#folders.delete(location)
    const folder = known ?? new TableFolder({ io: this.#io, location, runtime: this.#runtime, cache: this.#cache })
    this.#folders.set(location, folder)
    for (const oldest of this.#folders.keys()) {
      if (this.#folders.size <= MAX_FOLDERS) break
      this.#folders.delete(oldest)
    }
    return folder
  }

  async #checkNamespaceExists(namespace: readonly string[]): Promise<void> {
    checkNamespace(namespace)
    if (!(await this.#namespaces.exists(namespace))) throw namespaceNotFound(namespace)
  }

  /** Once per catalog; a failure is forgotten, so that a store that was away can be tried again. */
  async #verifyStore(): Promise<void> {
    if (!this.#probes) return
    this.#probed ??= probeStore(this.#io, this.#warehouse, this.#runtime)
    try {
      await this.#probed
    } catch (error) {
      this.#probed = undefined
      throw error
    }
  }
}

/** The typed form of a missing table. */
export function tableNotFound(identifier: TableIdentifier): FloeError {
  return new FloeError('NOT_FOUND', 'There is no such table', { table: printTableIdentifier(identifier) })
}
