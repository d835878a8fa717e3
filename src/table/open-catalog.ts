import { ObjectStoreCatalog, type ObjectStoreCatalogOptions } from '../catalog/object-store-catalog.js'
import { MemoryCatalog } from '../catalog/memory-catalog.js'
import type { RestCatalogOptions } from '../catalog/rest/rest-catalog.js'
import type { OpenStore } from '../catalog/rest/storage-access.js'
import type { FileIO } from '../io/file-io.js'
import { parseLocation } from '../io/location.js'
import { MemoryFileIO } from '../io/memory-file-io.js'
import { openFileIO } from '../io/open-file-io.js'
import { ReadThroughCache } from '../io/read-through-cache.js'
import type { S3FileIOOptions } from '../io/s3-options.js'
import type { ParquetEngine } from '../parquet/parquet-engine.js'
import { ParquetWasmEngine, type ParquetWasmEngineOptions } from '../parquet/parquet-wasm-engine.js'
import { sharedParquetEngine } from '../parquet/shared-engine.js'
import { type Runtime, systemRuntime } from '../util/runtime.js'
import { Catalog } from './catalog.js'

/** Where bytes come from and how much of them is kept; shared by catalogs and tables opened by location. */
export interface StoreOptions {
  /** Endpoint, region, credentials and so on of `s3:` locations. Default: the SDK's own chain. */
  readonly s3?: S3FileIOOptions | undefined
  /** Serves a prefix from elsewhere: `{ 's3://bucket/': '/data/bucket/' }`. */
  readonly pathMapping?: Readonly<Record<string, string>> | undefined
  /** Instead of the store that the location's scheme names. */
  readonly io?: FileIO | undefined
  /** Bytes of metadata and manifests kept in memory. Default 64 MiB; 0 for none. */
  readonly cacheBytes?: number | undefined
  /** An engine of its own with these options. Default: the one that the process shares. */
  readonly parquet?: ParquetWasmEngineOptions | undefined
  /** Clock and randomness, for tests that replay. */
  readonly runtime?: Runtime | undefined
}

/** How a catalog server is spoken to. */
export type RestOptions = Omit<RestCatalogOptions, 'uri' | 'allowedLocations' | 'openStore' | 'runtime'>

export interface OpenCatalogOptions extends StoreOptions, Pick<ObjectStoreCatalogOptions, 'allowedLocations' | 'verifyStore'> {
  /** For `https:` catalogs: the warehouse, credentials and so on. */
  readonly rest?: RestOptions | undefined
}

/**
 * Opens the catalog at a URI: `file:///data/lake` or a path, `s3://bucket/warehouse`, `memory:`, or the `https:` address of a
 * REST catalog. The folder need not exist.
 * @throws FloeError `UNSUPPORTED` for another scheme
 */
export async function openCatalog(uri: string, options: OpenCatalogOptions = {}): Promise<Catalog> {
  const runtime = options.runtime ?? systemRuntime
  const own = options.parquet === undefined ? undefined : new ParquetWasmEngine(options.parquet)
  const engine = own ?? sharedParquetEngine()
  const { scheme } = parseLocation(uri)
  if (scheme === 'http' || scheme === 'https') return openRestCatalog(uri, options, { engine, runtime, closeEngine: () => own?.close() })
  const io = openStore(uri, options)
  const close = async (): Promise<void> => {
    await own?.close()
    await io.close?.()
  }
  const backend =
    scheme === 'memory'
      ? new MemoryCatalog({ io, runtime })
      : new ObjectStoreCatalog({
          warehouse: uri,
          io,
          allowedLocations: options.allowedLocations,
          verifyStore: options.verifyStore,
          runtime,
        })
  return new Catalog(backend, { engine, runtime }, close)
}

interface RestContext {
  readonly engine: ParquetEngine
  readonly runtime: Runtime
  readonly closeEngine: () => Promise<void> | undefined
}

/** Files are read with what the catalog sends of them, and with the caller's options for the rest. */
async function openRestCatalog(uri: string, options: OpenCatalogOptions, context: RestContext): Promise<Catalog> {
  const { RestCatalog } = await import('../catalog/rest/rest-catalog.js')
  const { engine, runtime, closeEngine } = context
  const openFiles: OpenStore = (location, s3) => openStore(location, { ...options, s3: { ...options.s3, ...s3 } })
  const { allowedLocations, rest } = options
  const backend = new RestCatalog({ ...rest, uri, allowedLocations, runtime, openStore: openFiles })
  const close = async (): Promise<void> => {
    await closeEngine()
  }
  return new Catalog(backend, { engine, runtime }, close)
}

const DEFAULT_CACHE_BYTES = 64 * 2 ** 20

/** The store of a location, with mappings and cache in front. */
export function openStore(location: string, options: StoreOptions): FileIO {
  const runtime = options.runtime ?? systemRuntime
  const mappings = Object.entries(options.pathMapping ?? {}).map(([from, to]) => ({ from, to }))
  const base =
    options.io ??
    (parseLocation(location).scheme === 'memory' ? new MemoryFileIO({ runtime }) : openFileIO(location, { s3: options.s3, mappings, runtime }))
  const cacheBytes = options.cacheBytes ?? DEFAULT_CACHE_BYTES
  return cacheBytes === 0 ? base : new ReadThroughCache(base, { maxBytes: cacheBytes, isImmutable: isManifest })
}

/** Manifests and their lists are read again by every plan; data files are too large to keep, and metadata is kept parsed. */
function isManifest(location: string): boolean {
  return location.endsWith('.avro')
}
