import type { FileIO } from '../io/file-io.js'
import { baseName, joinLocation, parentLocation, quoteLocation, stripTrailingSlashes } from '../io/location.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import type { CatalogBackend, CommitOutcome, CommitRequest, LoadedTable, TableIdentifier } from './catalog-backend.js'
import { ObjectStoreCatalog } from './object-store-catalog.js'
import { findMetadataFile, loadStaticTable } from './static-table.js'
import { findLatestVersion } from './version-search.js'

export interface OpenTableOptions {
  readonly io: FileIO
  readonly allowedLocations?: readonly string[] | undefined
  readonly verifyStore?: 'auto' | 'never' | 'always' | undefined
  readonly runtime?: Runtime | undefined
}

export interface OpenedTable {
  readonly backend: CatalogBackend
  readonly table: LoadedTable
}

/**
 * The table at a place, with a backend that knows this one table.
 *
 * A table folder with numbered versions (`v<N>.metadata.json`) can be committed to. A metadata file, or a folder whose
 * versions a catalog elsewhere keeps, is read only: a commit is rejected as `UNSUPPORTED`.
 */
export async function openTableAt(location: string, options: OpenTableOptions): Promise<OpenedTable> {
  const place = stripTrailingSlashes(location)
  if (/\.metadata\.json(?:\.gz)?$/.test(place)) return openStatic(place, options)
  const versions = await findLatestVersion(options.io, joinLocation(place, 'metadata'))
  if (versions === undefined) return openStatic(await findMetadataFile(options.io, place), options)
  const warehouse = parentLocation(place)
  if (warehouse === undefined) throw new FloeError('INVALID', `${quoteLocation(location)} is the root of a store, not a table's folder`)
  const catalog = new ObjectStoreCatalog({ ...options, warehouse })
  const identifier = { namespace: [], name: baseName(place) }
  const backend = new SingleTableCatalog(identifier, () => catalog.loadTable(identifier), (request) => catalog.commitTable(request))
  return { backend, table: await backend.loadTable() }
}

async function openStatic(location: string, options: OpenTableOptions): Promise<OpenedTable> {
  const table = await loadStaticTable(location, options)
  const reason = new FloeError('UNSUPPORTED', 'The table was opened by its metadata file, so it is read only; open it through its catalog', {
    file: location,
  })
  const reject = (): Promise<CommitOutcome> => Promise.resolve({ outcome: 'rejected', reason, retryable: false })
  return { backend: new SingleTableCatalog(table.identifier, () => Promise.resolve(table), reject), table }
}

/** A catalog of one table, in which nothing can be made or dropped. */
class SingleTableCatalog implements CatalogBackend {
  readonly #identifier: TableIdentifier
  readonly #load: () => Promise<LoadedTable>
  readonly #commit: (request: CommitRequest) => Promise<CommitOutcome>

  constructor(identifier: TableIdentifier, load: () => Promise<LoadedTable>, commit: (request: CommitRequest) => Promise<CommitOutcome>) {
    this.#identifier = identifier
    this.#load = load
    this.#commit = commit
  }

  listNamespaces(): Promise<readonly (readonly string[])[]> {
    return Promise.resolve([])
  }

  namespaceExists(namespace: readonly string[]): Promise<boolean> {
    return Promise.resolve(namespace.length === 0)
  }

  listTables(namespace: readonly string[]): Promise<readonly TableIdentifier[]> {
    return Promise.resolve(namespace.length === 0 ? [this.#identifier] : [])
  }

  tableExists(identifier: TableIdentifier): Promise<boolean> {
    return Promise.resolve(identifier.namespace.length === 0 && identifier.name === this.#identifier.name)
  }

  loadTable(): Promise<LoadedTable> {
    return this.#load()
  }

  commitTable(request: CommitRequest): Promise<CommitOutcome> {
    return this.#commit(request)
  }

  loadNamespace(): Promise<ReadonlyMap<string, string>> {
    return unsupported()
  }

  updateNamespace(): Promise<void> {
    return unsupported()
  }

  createNamespace(): Promise<void> {
    return unsupported()
  }

  dropNamespace(): Promise<void> {
    return unsupported()
  }

  createTable(): Promise<LoadedTable> {
    return unsupported()
  }

  dropTable(): Promise<void> {
    return unsupported()
  }

  renameTable(): Promise<void> {
    return unsupported()
  }

  registerTable(): Promise<LoadedTable> {
    return unsupported()
  }
}

function unsupported(): Promise<never> {
  return Promise.reject(new FloeError('UNSUPPORTED', 'This is one table, not a catalog; open its catalog to make or drop tables'))
}
