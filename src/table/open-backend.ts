import type { CatalogBackend } from '../catalog/catalog-backend.js'
import { MemoryCatalog } from '../catalog/memory-catalog.js'
import { ObjectStoreCatalog, type ObjectStoreCatalogOptions } from '../catalog/object-store-catalog.js'
import type { RestCatalogOptions } from '../catalog/rest/rest-catalog.js'
import type { OpenStore } from '../catalog/rest/storage-access.js'
import { parseLocation } from '../io/location.js'
import type { S3FileIOOptions } from '../io/s3-options.js'
import { FloeError } from '../util/errors.js'
import { systemRuntime, type Runtime } from '../util/runtime.js'
import { openStore, type StoreOptions } from './open-store.js'

/** How a catalog server is spoken to. */
export type RestOptions = Omit<RestCatalogOptions, 'uri' | 'allowedLocations' | 'openStore' | 'checkReach' | 'runtime' | 'onMetrics'>

export interface BackendOptions extends StoreOptions, Pick<ObjectStoreCatalogOptions, 'allowedLocations' | 'verifyStore' | 'onMetrics'> {
  /** For `https:` catalogs: the warehouse, credentials and so on. */
  readonly rest?: RestOptions | undefined
}

export interface OpenedBackend {
  readonly backend: CatalogBackend
  /** Releases what the backend does not close itself. */
  readonly close: () => Promise<void>
}

/**
 * The backend for a URI's scheme: a folder or an S3 prefix is a catalog of its own, `memory:` is empty, `https:` a server.
 * @throws FloeError `UNSUPPORTED` for another scheme
 */
export async function openBackend(uri: string, options: BackendOptions): Promise<OpenedBackend> {
  const runtime = options.runtime ?? systemRuntime
  const { scheme } = parseLocation(uri)
  const { allowedLocations, verifyStore, onMetrics } = options
  if (scheme === 'http' || scheme === 'https') return { backend: await openRest(uri, options, runtime), close: () => Promise.resolve() }
  const io = openStore(uri, options)
  const close = async (): Promise<void> => io.close?.()
  if (scheme === 'memory') return { backend: new MemoryCatalog({ io, onMetrics, runtime }), close }
  return { backend: new ObjectStoreCatalog({ warehouse: uri, io, allowedLocations, verifyStore, onMetrics, runtime }), close }
}

async function openRest(uri: string, options: BackendOptions, runtime: Runtime): Promise<CatalogBackend> {
  const { RestCatalog } = await import('../catalog/rest/rest-catalog.js')
  const { isLoopback } = await import('../catalog/rest/rest-http.js')
  // What is no URL is refused by the catalog.
  const isNear = URL.canParse(uri) && isLoopback(new URL(uri))
  const checkReach = (location: string): void => {
    const isPrivate = options.io === undefined && parseLocation(location).scheme === 'memory'
    if (isPrivate) throw outOfReach(location)
  }
  const openFiles: OpenStore = (location, s3) => {
    checkReach(location)
    return openStore(location, { ...options, s3: filesOf(s3, options.s3, isNear) })
  }
  const { allowedLocations, onMetrics, rest } = options
  return new RestCatalog({ ...rest, uri, allowedLocations, onMetrics, runtime, openStore: openFiles, checkReach })
}

/** Memory opened here would be another one than the server's: what is written to it is seen by nobody, and gone with this process. */
function outOfReach(location: string): FloeError {
  const message = "The catalog keeps this table's files in its own memory, which no client reaches: have it serve a folder or a bucket"
  return new FloeError('UNSUPPORTED', message, { file: location })
}

/**
 * How files of a catalog server's tables are reached: as the catalog says, and for the rest as the caller does. Where the caller names
 * the store, that is it. What this process has credentials for by its environment is not sent to a store that only a catalog of another
 * machine names.
 * @throws FloeError `INVALID` for a store that is named so
 */
function filesOf(sent: S3FileIOOptions | undefined, own: S3FileIOOptions | undefined, isNear: boolean): S3FileIOOptions {
  const endpoint = own?.endpoint ?? sent?.endpoint
  const merged = { ...own, ...sent, ...(endpoint === undefined ? {} : { endpoint }) }
  const isTheirs = own?.endpoint === undefined && sent?.endpoint !== undefined && !isNear
  if (!isTheirs || merged.credentials !== undefined || merged.anonymous === true) return merged
  const place = URL.canParse(sent.endpoint) ? new URL(sent.endpoint).origin : 'an address'
  throw new FloeError('INVALID', `The catalog keeps its files at ${place} and sends no credentials for it: give s3.endpoint, or s3.credentials, to use yours there`)
}
