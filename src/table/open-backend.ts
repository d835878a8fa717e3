import type { CatalogBackend } from '../catalog/catalog-backend.js'
import { MemoryCatalog } from '../catalog/memory-catalog.js'
import { ObjectStoreCatalog, type ObjectStoreCatalogOptions } from '../catalog/object-store-catalog.js'
import type { RestCatalogOptions } from '../catalog/rest/rest-catalog.js'
import type { OpenStore } from '../catalog/rest/storage-access.js'
import { parseLocation } from '../io/location.js'
import { systemRuntime } from '../util/runtime.js'
import { openStore, type StoreOptions } from './open-store.js'

/** How a catalog server is spoken to. */
export type RestOptions = Omit<RestCatalogOptions, 'uri' | 'allowedLocations' | 'openStore' | 'runtime' | 'onMetrics'>

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
  const { allowedLocations, verifyStore, onMetrics, rest } = options
  if (scheme === 'http' || scheme === 'https') {
    const { RestCatalog } = await import('../catalog/rest/rest-catalog.js')
    // Files are read with what the catalog sends of them, and with the caller's options for the rest.
    const openFiles: OpenStore = (location, s3) => openStore(location, { ...options, s3: { ...options.s3, ...s3 } })
    const backend = new RestCatalog({ ...rest, uri, allowedLocations, onMetrics, runtime, openStore: openFiles })
    return { backend, close: () => Promise.resolve() }
  }
  const io = openStore(uri, options)
  const close = async (): Promise<void> => io.close?.()
  if (scheme === 'memory') return { backend: new MemoryCatalog({ io, onMetrics, runtime }), close }
  return { backend: new ObjectStoreCatalog({ warehouse: uri, io, allowedLocations, verifyStore, onMetrics, runtime }), close }
}
