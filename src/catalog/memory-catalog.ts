import type { FileIO } from '../io/file-io.js'
import { joinLocation } from '../io/location.js'
import { MemoryFileIO } from '../io/memory-file-io.js'
import { checkPlace, guardPrefixes } from '../io/prefix-guard.js'
import { applyUpdates } from '../metadata/apply-updates.js'
import { makeMetadataFileName, metadataCompression } from '../metadata/metadata-location.js'
import { newTableMetadata } from '../metadata/new-table.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { encodeTableMetadata, parseTableMetadata } from '../metadata/table-metadata-json.js'
import { readBoolean, tableProperties } from '../metadata/table-properties.js'
import { checkRemovedSnapshots, checkRequirements } from '../metadata/update-requirements.js'
import { gzip } from '../util/compression.js'
import { FloeError } from '../util/errors.js'
import { systemRuntime } from '../util/runtime.js'
import type { Runtime } from '../util/runtime.js'
import { compareUtf8 } from '../util/utf8.js'
import type {
  CatalogBackend,
  CommitOutcome,
  CommitRequest,
  LoadedTable,
  NamespaceChanges,
  TableCreation,
  TableIdentifier,
} from './catalog-backend.js'
import { metricsSink, type MetricsReport, type MetricsSink } from './metrics-report.js'
import { MemoryViews, viewExistsAlready } from './memory-views.js'
import { changeProperties, namespaceNotFound } from './namespace-folders.js'
import { tableNotFound } from './object-store-catalog.js'
import { deleteAll, filesOutside } from './purge-table.js'
import { isReplaced, removedMetadataFiles, tableReplaced } from './table-commit.js'
import { checkIdentifier, checkNamespace, printNamespace, printTableIdentifier } from './table-identifier.js'
import { checkDeclaredLocations, tablePrefixes } from './table-locations.js'
import type { LocationPolicy } from './table-locations.js'

export interface MemoryCatalogOptions {
  /** Where the files are. Default: memory of its own. */
  readonly io?: FileIO | undefined
  readonly warehouse?: string | undefined
  readonly allowedLocations?: readonly string[] | undefined
  readonly runtime?: Runtime | undefined
  /** Is told of scans and commits. */
  readonly onMetrics?: ((report: MetricsReport) => void) | undefined
}

interface Pointer {
  readonly identifier: TableIdentifier
  readonly version: number
  readonly metadata: TableMetadata
  readonly metadataLocation: string
}

/**
 * A catalog in this process: the pointer to a table's metadata is a variable, and commits swap it in one step. Files,
 * `00003-<uuid>.metadata.json` among them, go to a FileIO. For tests, and for tables that need not outlive the process.
 */
export class MemoryCatalog implements CatalogBackend {
  readonly views: MemoryViews
  readonly #io: FileIO
  readonly #warehouse: string
  readonly #extra: readonly string[]
  readonly #runtime: Runtime
  readonly #namespaces = new Map<string, readonly string[]>()
  readonly #properties = new Map<string, ReadonlyMap<string, string>>()
  readonly #tables = new Map<string, Pointer>()
  readonly #metrics: MetricsSink | undefined

  constructor(options: MemoryCatalogOptions = {}) {
    this.#runtime = options.runtime ?? systemRuntime
    this.#io = options.io ?? new MemoryFileIO({ runtime: this.#runtime })
    this.#warehouse = options.warehouse ?? 'memory:///warehouse'
    this.#extra = options.allowedLocations ?? []
    this.#metrics = metricsSink(options.onMetrics, this.#runtime)
    this.views = new MemoryViews({
      io: this.#io,
      runtime: this.#runtime,
      folderOf: (identifier) => this.#folderOf(identifier),
      checkNamespace: (namespace) => this.#checkExists(namespace),
      checkFree: (identifier) => {
        if (this.#tables.has(tableKey(identifier))) throw alreadyExists('table', printTableIdentifier(identifier))
        this.#checkNoNamespace(identifier)
      },
    })
  }

  async listNamespaces(parent: readonly string[] = []): Promise<readonly (readonly string[])[]> {
    this.#checkExists(parent)
    const depth = parent.length + 1
    const below = [...this.#namespaces.values()].filter((namespace) => namespace.length === depth && startsWith(namespace, parent))
    return below.sort((a, b) => compareUtf8(a.at(-1)!, b.at(-1)!))
  }

  async createNamespace(namespace: readonly string[], properties: ReadonlyMap<string, string> = new Map()): Promise<void> {
    checkNamespace(namespace)
    if (this.#exists(namespace) || this.#tables.has(keyOf(namespace))) throw alreadyExists('namespace', printNamespace(namespace))
    if (namespace.length > 0) this.#checkNoView({ namespace: namespace.slice(0, -1), name: namespace.at(-1)! })
    this.#checkAncestors(namespace)
    this.#ensure(namespace)
    this.#properties.set(keyOf(namespace), new Map(properties))
  }

  async dropNamespace(namespace: readonly string[]): Promise<void> {
    if (namespace.length === 0) throw new FloeError('INVALID', 'The root namespace cannot be dropped')
    this.#checkExists(namespace)
    const inside = [
      ...[...this.#namespaces.values()].filter((other) => other.length > namespace.length && startsWith(other, namespace)),
      ...[...this.#tables.values()].filter(({ identifier }) => startsWith(identifier.namespace, namespace)),
      ...this.views.identifiers().filter((identifier) => startsWith(identifier.namespace, namespace)),
    ]
    if (inside.length > 0) throw new FloeError('INVALID', `The namespace ${printNamespace(namespace)} is not empty; drop what is in it first`)
    this.#namespaces.delete(keyOf(namespace))
    this.#properties.delete(keyOf(namespace))
  }

  async loadNamespace(namespace: readonly string[]): Promise<ReadonlyMap<string, string>> {
    this.#checkExists(namespace)
    return this.#properties.get(keyOf(namespace)) ?? new Map()
  }

  async updateNamespace(namespace: readonly string[], changes: NamespaceChanges): Promise<void> {
    const properties = changeProperties(await this.loadNamespace(namespace), changes)
    this.#properties.set(keyOf(namespace), properties)
  }

  async namespaceExists(namespace: readonly string[]): Promise<boolean> {
    checkNamespace(namespace)
    return this.#exists(namespace)
  }

  async listTables(namespace: readonly string[]): Promise<readonly TableIdentifier[]> {
    this.#checkExists(namespace)
    const key = keyOf(namespace)
    const found = [...this.#tables.values()].map(({ identifier }) => identifier).filter((identifier) => keyOf(identifier.namespace) === key)
    return found.sort((a, b) => compareUtf8(a.name, b.name))
  }

  async tableExists(identifier: TableIdentifier): Promise<boolean> {
    return this.#tables.has(tableKey(checkIdentifier(identifier)))
  }

  async loadTable(identifier: TableIdentifier): Promise<LoadedTable> {
    return this.#loaded(this.#pointer(identifier))
  }

  async createTable(identifier: TableIdentifier, creation: TableCreation): Promise<LoadedTable> {
    checkIdentifier(identifier)
    const location = creation.location ?? this.#freeLocation(identifier)
    const metadata = newTableMetadata({ ...creation, location }, { uuid: this.#runtime.uuid(), now: this.#runtime.now() })
    return this.#createFirst(identifier, metadata)
  }

  async commitTable(request: CommitRequest): Promise<CommitOutcome> {
    const key = tableKey(checkIdentifier(request.identifier))
    const base = this.#tables.get(key)
    const creates = request.requirements.some(({ type }) => type === 'assert-create')
    try {
      if (request.signal?.aborted === true) throw new FloeError('ABORTED', 'The commit was aborted; nothing was committed')
      if (base === undefined && !creates) throw tableNotFound(request.identifier)
      if (base === undefined) this.#checkNoView(request.identifier)
      if (base !== undefined && !creates && isReplaced(request, base.metadata)) {
        return { outcome: 'rejected', reason: tableReplaced(), retryable: false }
      }
      checkRequirements(base?.metadata, request.requirements)
      checkRemovedSnapshots(base?.metadata, request.updates)
      const metadata = applyUpdates(base?.metadata, request.updates, {
        now: this.#runtime.now(),
        baseLocation: base?.metadataLocation,
        newTableUuid: this.#runtime.uuid(),
      })
      if (base !== undefined && metadata === base.metadata) return { outcome: 'committed', table: this.#loaded(base) }
      checkDeclaredLocations(metadata, this.#policy(request.identifier))
      const next = await this.#write(request.identifier, (base?.version ?? -1) + 1, metadata)
      if (this.#tables.get(key) !== base) throw new FloeError('CONFLICT', 'Another commit was faster; nothing was committed')
      this.#tables.set(key, next)
      const table = this.#loaded(next)
      if (base !== undefined) await deleteAll(table.io, removedMetadataFiles(base.metadata, metadata)).catch(() => undefined)
      return { outcome: 'committed', table }
    } catch (error) {
      if (!(error instanceof FloeError)) throw error
      const isNewer = !creates && base !== undefined && base.metadataLocation !== request.base?.metadataLocation
      return { outcome: 'rejected', reason: error, retryable: error.retryable || isNewer }
    }
  }

  async dropTable(identifier: TableIdentifier, options: { readonly purge?: boolean } = {}): Promise<void> {
    const pointer = this.#pointer(identifier)
    const { metadata } = pointer
    if (options.purge === true && !readBoolean(metadata.properties, tableProperties.gcEnabled)) {
      throw new FloeError('INVALID', 'The table has gc.enabled=false: its files may belong to others. Drop it without purge, or set the property', {
        table: printTableIdentifier(identifier),
      })
    }
    this.#tables.delete(tableKey(identifier))
    if (options.purge !== true) return
    const { io } = this.#loaded(pointer)
    await deleteAll(io, await filesOutside(io, metadata, metadata.location, this.#prefixes(pointer)))
    const files: string[] = []
    for await (const { location } of io.list(metadata.location)) files.push(location)
    await deleteAll(io, files)
  }

  async renameTable(from: TableIdentifier, to: TableIdentifier): Promise<void> {
    const pointer = this.#pointer(from)
    checkIdentifier(to)
    if (this.#tables.has(tableKey(to))) throw alreadyExists('table', printTableIdentifier(to))
    this.#checkNoView(to)
    this.#checkAncestors([...to.namespace, to.name])
    this.#tables.delete(tableKey(from))
    this.#ensure(to.namespace)
    this.#tables.set(tableKey(to), { ...pointer, identifier: to })
  }

  async registerTable(identifier: TableIdentifier, metadataLocation: string): Promise<LoadedTable> {
    checkIdentifier(identifier)
    const metadata = parseTableMetadata(await this.#io.read(metadataLocation), { location: metadataLocation })
    return this.#createFirst(identifier, metadata)
  }

  async checkPlace(location: string): Promise<void> {
    await checkPlace(location, { prefixes: [this.#warehouse, ...this.#extra] })
  }

  async defaultLocation(identifier: TableIdentifier): Promise<string> {
    return this.#freeLocation(checkIdentifier(identifier))
  }

  async close(): Promise<void> {
    await this.#io.close?.()
  }

  async #createFirst(identifier: TableIdentifier, metadata: TableMetadata): Promise<LoadedTable> {
    const key = tableKey(identifier)
    const path = [...identifier.namespace, identifier.name]
    checkDeclaredLocations(metadata, this.#policy(identifier))
    const checkFree = (): void => {
      if (this.#tables.has(key)) throw alreadyExists('table', printTableIdentifier(identifier))
      this.#checkNoNamespace(identifier)
      this.#checkNoView(identifier)
      this.#checkAncestors(path)
    }
    checkFree()
    const pointer = await this.#write(identifier, 0, metadata)
    checkFree()
    this.#ensure(identifier.namespace)
    this.#tables.set(key, pointer)
    return this.#loaded(pointer)
  }

  async #write(identifier: TableIdentifier, version: number, metadata: TableMetadata): Promise<Pointer> {
    const compression = metadataCompression(metadata.properties)
    const name = makeMetadataFileName({ version, uuid: this.#runtime.uuid(), compression })
    const metadataLocation = joinLocation(metadata.properties.get('write.metadata.path') ?? joinLocation(metadata.location, 'metadata'), name)
    const bytes = encodeTableMetadata(metadata)
    await this.#io.write(metadataLocation, compression === 'gzip' ? gzip(bytes) : bytes, { ifNoneMatch: '*' })
    return { identifier, version, metadata, metadataLocation }
  }

  #loaded(pointer: Pointer): LoadedTable {
    const { identifier, metadata, metadataLocation } = pointer
    const io = guardPrefixes(this.#io, { prefixes: this.#prefixes(pointer) })
    return { identifier, metadata, metadataLocation, io, metrics: this.#metrics }
  }

  #prefixes({ identifier, metadata }: Pointer): readonly string[] {
    return tablePrefixes(metadata, this.#policy(identifier))
  }

  #policy(identifier: TableIdentifier): LocationPolicy {
    return { folder: this.#folderOf(identifier), declarable: [this.#warehouse], always: this.#extra }
  }

  /** The folder of the name, unless a renamed table has kept it. */
  #freeLocation(identifier: TableIdentifier): string {
    const folder = this.#folderOf(identifier)
    const isTaken = [...this.#tables.values()].some(({ metadata }) => metadata.location === folder)
    return isTaken ? `${folder}-${this.#runtime.uuid()}` : folder
  }

  #folderOf(identifier: TableIdentifier): string {
    return joinLocation(this.#warehouse, ...identifier.namespace, identifier.name)
  }

  #pointer(identifier: TableIdentifier): Pointer {
    const pointer = this.#tables.get(tableKey(checkIdentifier(identifier)))
    if (pointer === undefined) throw tableNotFound(identifier)
    return pointer
  }

  #checkNoNamespace(identifier: TableIdentifier): void {
    if (this.#exists([...identifier.namespace, identifier.name])) throw alreadyExists('namespace', printTableIdentifier(identifier))
  }

  #checkNoView(identifier: TableIdentifier): void {
    if (this.views.has(identifier)) throw viewExistsAlready(identifier)
  }

  #exists(namespace: readonly string[]): boolean {
    return namespace.length === 0 || this.#namespaces.has(keyOf(namespace))
  }

  #checkExists(namespace: readonly string[]): void {
    checkNamespace(namespace)
    if (!this.#exists(namespace)) throw namespaceNotFound(namespace)
  }

  #checkAncestors(names: readonly string[]): void {
    for (let depth = 1; depth < names.length; depth++) {
      const ancestor = names.slice(0, depth)
      if (this.#tables.has(keyOf(ancestor))) {
        throw new FloeError('INVALID', `${printNamespace(ancestor)} is a table, so nothing can be created in it`)
      }
    }
  }

  /** The namespace and those around it. */
  #ensure(namespace: readonly string[]): void {
    for (let depth = 1; depth <= namespace.length; depth++) {
      const level = namespace.slice(0, depth)
      this.#namespaces.set(keyOf(level), level)
    }
  }
}

function keyOf(names: readonly string[]): string {
  return names.join('/')
}

function tableKey(identifier: TableIdentifier): string {
  return keyOf([...identifier.namespace, identifier.name])
}

function startsWith(names: readonly string[], start: readonly string[]): boolean {
  return start.every((name, i) => names[i] === name)
}

function alreadyExists(what: string, name: string): FloeError {
  return new FloeError('ALREADY_EXISTS', `The ${what} ${name} exists already`)
}
