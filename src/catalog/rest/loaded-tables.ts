import { isInside, parentLocation, parseLocation } from '../../io/location.js'
import { guardPrefixes } from '../../io/prefix-guard.js'
import { tableMetadataFromJson } from '../../metadata/table-metadata-json.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { FloeError } from '../../util/errors.js'
import type { JsonObject } from '../../util/json.js'
import type { Runtime } from '../../util/runtime.js'
import type { LoadedTable, TableIdentifier } from '../catalog-backend.js'
import type { MetricsSink } from '../metrics-report.js'
import { printTableIdentifier } from '../table-identifier.js'
import { tablePrefixes } from '../table-locations.js'
import type { RestResponse } from './rest-http.js'
import type { TableSessions } from './table-sessions.js'
import { parseStorageCredentials, storageSecrets, TableStore, type OpenStore, type StorageAccess, type StorageCredential } from './storage-access.js'

export interface LoadedTablesOptions {
  readonly open: OpenStore
  /** Throws `UNSUPPORTED` for locations whose files cannot be reached from here. */
  readonly checkReach?: ((location: string) => void) | undefined
  readonly runtime: Runtime
  readonly allowedLocations: readonly string[]
  /** Whether metadata of the server may name local files: where the server is this machine. */
  readonly allowLocalFiles: boolean
  /** How scans of a table are planned by the server, which wants that. Throws `UNSUPPORTED` where it does not offer it all the same. */
  readonly plannerOf: (
    identifier: TableIdentifier,
    useCredentials: (credentials: readonly StorageCredential[]) => void,
  ) => NonNullable<LoadedTable['planRemotely']>
  /** Who wants to know of scans and commits of a table. */
  readonly metricsOf: (identifier: TableIdentifier) => MetricsSink | undefined
  /** Is told of the tokens in tables' configuration. */
  readonly sessions: Pick<TableSessions, 'keep'>
  /** The answer of the server's credentials endpoint. */
  readonly fetchCredentials: (identifier: TableIdentifier) => Promise<JsonObject>
}

/** Which snapshots an answer holds: all, or those of branches and tags. */
export type SnapshotMode = 'all' | 'refs'

interface KnownTable {
  readonly table: LoadedTable
  readonly mode: SnapshotMode
  readonly etag: string
}

const MAX_KNOWN = 100
/** Of a table that is staged: no file. */
const STAGED_LOCATION = ''
const MAX_SECRETS = 1000

/** Turns answers of the server into tables, and keeps the latest ones for `If-None-Match`. */
export class LoadedTables {
  readonly #options: LoadedTablesOptions
  readonly #known = new Map<string, KnownTable>()
  readonly #stores = new Map<string, TableStore>()
  readonly #secrets = new Set<string>()
  #defaults: ReadonlyMap<string, string> = new Map()

  constructor(options: LoadedTablesOptions) {
    this.#options = options
  }

  /** Configuration of the catalog that tables have as well, unless they have their own. */
  useDefaults(properties: ReadonlyMap<string, string>): void {
    this.#defaults = properties
    for (const secret of storageSecrets(properties, [])) this.#keepSecret(secret)
  }

  /** The version that the server sent last, with its tag. */
  known(identifier: TableIdentifier, mode: SnapshotMode): KnownTable | undefined {
    const known = this.#known.get(printTableIdentifier(identifier))
    return known?.mode === mode ? known : undefined
  }

  forget(identifier: TableIdentifier): void {
    this.#known.delete(printTableIdentifier(identifier))
  }

  /** Values that must not show up in any message. */
  secrets(): readonly string[] {
    return [...this.#secrets]
  }

  /**
   * The table of a `LoadTableResult`. Throws `CORRUPT` for an answer that is none, `INVALID` for locations that are not allowed,
   * `UNSUPPORTED` for those that cannot be reached.
   */
  accept(identifier: TableIdentifier, response: RestResponse, mode: SnapshotMode = 'all'): LoadedTable {
    const table = this.#accept(identifier, requireBody(response, identifier))
    this.#remember(table, mode, response.headers.get('etag'))
    return table
  }

  /** The table of an answer to a staged creation: it has no metadata file yet. */
  acceptStaged(identifier: TableIdentifier, response: RestResponse): LoadedTable {
    return this.#accept(identifier, requireBody(response, identifier), STAGED_LOCATION)
  }

  #accept(identifier: TableIdentifier, answer: JsonObject, staged?: string): LoadedTable {
    const { metadata, metadataLocation } = readTable(answer, identifier, staged)
    this.#options.checkReach?.(metadata.location)
    const config = new Map([...this.#defaults, ...(answer.optionalStringMap('config') ?? [])])
    this.#options.sessions.keep(identifier, answer.optionalStringMap('config'))
    const credentials = parseStorageCredentials(answer)
    for (const secret of storageSecrets(config, credentials)) this.#keepSecret(secret)
    const renew = async (): Promise<ReturnType<typeof parseStorageCredentials>> => {
      const fresh = parseStorageCredentials(await this.#options.fetchCredentials(identifier))
      for (const secret of storageSecrets(new Map(), fresh)) this.#keepSecret(secret)
      return fresh
    }
    const store = this.#storeOf(identifier, { config, credentials, renew, open: this.#options.open, runtime: this.#options.runtime })
    const prefixes = this.#prefixes(metadata, metadataLocation)
    // The server's word on the table goes before what either side says of the catalog.
    const isPlanned = config.get('scan-planning-mode')?.toLowerCase() === 'server'
    const useCredentials = (given: readonly StorageCredential[]): void => {
      for (const secret of storageSecrets(new Map(), given)) this.#keepSecret(secret)
      store.useCredentials(given)
    }
    const planRemotely = isPlanned ? this.#options.plannerOf(identifier, useCredentials) : undefined
    const metrics = this.#options.metricsOf(identifier)
    return { identifier, metadata, metadataLocation, io: guardPrefixes(store, { prefixes }), planRemotely, metrics }
  }

  /** The table of a `CommitTableResponse`, which has no configuration: it goes on with that of `base`. */
  acceptCommit(identifier: TableIdentifier, response: RestResponse, base: LoadedTable | undefined): LoadedTable {
    if (base === undefined) return this.accept(identifier, response)
    const { metadata, metadataLocation } = readTable(requireBody(response, identifier), identifier)
    const { io, metrics, planRemotely } = base
    const table = { identifier, metadata, metadataLocation, io, metrics, planRemotely }
    // A tag of this answer need not be that of a loaded table.
    this.forget(identifier)
    return table
  }

  async close(): Promise<void> {
    this.#known.clear()
    for (const store of this.#stores.values()) await store.close?.()
    this.#stores.clear()
  }

  /** One store for all versions of a table: its connections are worth keeping. */
  #storeOf(identifier: TableIdentifier, access: StorageAccess): TableStore {
    const key = printTableIdentifier(identifier)
    const known = this.#stores.get(key)
    if (known?.update(access) === true) return known
    const store = new TableStore(access)
    this.#stores.set(key, store)
    return store
  }

  #prefixes(metadata: TableMetadata, metadataLocation: string): readonly string[] {
    const { allowedLocations, allowLocalFiles } = this.#options
    const { scheme, authority } = parseLocation(metadata.location)
    const isRemote = scheme !== 'file' && scheme !== 'http' && scheme !== 'https'
    const own = isRemote || (scheme === 'file' && allowLocalFiles) ? [metadata.location] : []
    const declarable = isRemote ? [`${scheme}://${authority}/`] : own
    const prefixes = own.length === 0 ? [] : tablePrefixes(metadata, { folder: metadata.location, declarable, always: [] })
    const metadataFolder = own.length === 0 || metadataLocation === STAGED_LOCATION ? undefined : parentLocation(metadataLocation)
    // Neither another store nor the folders of other tables are opened to the table by where its metadata file is.
    const stores = isRemote ? declarable : ['/']
    const isNear = (folder: string): boolean => stores.some((place) => isInside(place, folder)) && !isInside(folder, metadata.location)
    const near = metadataFolder !== undefined && isNear(metadataFolder) ? [metadataFolder] : []
    const all = [...prefixes, ...near, ...allowedLocations]
    if (all.length > 0) return all
    const place = scheme === 'file' ? 'a local path of this machine' : `an ${scheme} address`
    throw new FloeError('INVALID', `The catalog keeps this table at ${place}; if that is meant, name it in allowedLocations`, { file: metadata.location })
  }

  #remember(table: LoadedTable, mode: SnapshotMode, etag: string | null): void {
    const key = printTableIdentifier(table.identifier)
    this.#known.delete(key)
    if (etag === null) return
    this.#known.set(key, { table, mode, etag })
    const oldest = this.#known.keys().next()
    if (this.#known.size > MAX_KNOWN && oldest.done !== true) this.#known.delete(oldest.value)
  }

  #keepSecret(secret: string): void {
    this.#secrets.delete(secret)
    this.#secrets.add(secret)
    const oldest = this.#secrets.values().next()
    if (this.#secrets.size > MAX_SECRETS && oldest.done !== true) this.#secrets.delete(oldest.value)
  }
}

/** `table` with the snapshots that it was loaded without. Throws `CONFLICT` when another table has its name by now. */
export function withHistory(table: LoadedTable, newest: LoadedTable): LoadedTable {
  const { metadata } = table
  if (metadata.tableUuid !== newest.metadata.tableUuid) {
    throw new FloeError('CONFLICT', 'Another table has taken this name: load it anew', { table: printTableIdentifier(table.identifier), retryable: false })
  }
  // Later snapshots belong to later versions; of those that expired since, the ones of branches and tags are known.
  const known = newest.metadata.snapshots.filter(({ sequenceNumber }) => sequenceNumber <= metadata.lastSequenceNumber)
  const ids = new Set(known.map(({ snapshotId }) => snapshotId))
  const expired = metadata.snapshots.filter(({ snapshotId }) => !ids.has(snapshotId))
  const snapshots = expired.length === 0 ? known : [...expired, ...known].sort((a, b) => Number(a.sequenceNumber - b.sequenceNumber))
  return { ...table, metadata: { ...metadata, snapshots } }
}

function requireBody(response: RestResponse, identifier: TableIdentifier): JsonObject {
  if (response.body !== undefined) return response.body
  throw new FloeError('CORRUPT', "The catalog's answer is empty: check the catalog's URI", { table: printTableIdentifier(identifier) })
}

function readTable(answer: JsonObject, identifier: TableIdentifier, staged?: string): Pick<LoadedTable, 'metadata' | 'metadataLocation'> {
  const metadataLocation = staged ?? answer.requireString('metadata-location')
  const metadata = tableMetadataFromJson(answer.requireObject('metadata').members, metadataLocation)
  if (metadata.location === '') throw new FloeError('CORRUPT', 'The table has no location', { table: printTableIdentifier(identifier) })
  return { metadata, metadataLocation }
}
