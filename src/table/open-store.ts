import type { FileIO } from '../io/file-io.js'
import { parseLocation } from '../io/location.js'
import { MemoryFileIO } from '../io/memory-file-io.js'
import { openFileIO } from '../io/open-file-io.js'
import { ReadThroughCache } from '../io/read-through-cache.js'
import type { S3FileIOOptions } from '../io/s3-options.js'
import type { ParquetWasmEngineOptions } from '../parquet/parquet-wasm-engine.js'
import { checkBytes } from '../util/option-values.js'
import { type Runtime, systemRuntime } from '../util/runtime.js'

/** Where bytes come from and how much of them is kept; shared by catalogs and tables opened by location. */
export interface StoreOptions {
  /** Endpoint, region, credentials and so on of `s3:` locations. Default: the SDK's own chain. */
  readonly s3?: S3FileIOOptions | undefined
  /** Serves a prefix from elsewhere: `{ 's3://bucket/': '/data/bucket/' }`. */
  readonly pathMapping?: Readonly<Record<string, string>> | undefined
  /** Instead of the store that the location's scheme names. */
  readonly io?: FileIO | undefined
  /** Bytes of manifests kept in memory. Default 64 MiB, and none for a local disk; 0 for none. */
  readonly cacheBytes?: number | undefined
  /** An engine of its own with these options. Default: the one that the process shares. */
  readonly parquet?: ParquetWasmEngineOptions | undefined
  /** Clock and randomness, for tests that replay. */
  readonly runtime?: Runtime | undefined
}

const DEFAULT_CACHE_BYTES = 64 * 2 ** 20

/** The store of a location, with mappings and cache in front. */
export function openStore(location: string, options: StoreOptions): FileIO {
  const runtime = options.runtime ?? systemRuntime
  checkBytes(options.cacheBytes, 0, 'cacheBytes')
  const mappings = Object.entries(options.pathMapping ?? {}).map(([from, to]) => ({ from, to }))
  const base =
    options.io ??
    (parseLocation(location).scheme === 'memory' ? new MemoryFileIO({ runtime }) : openFileIO(location, { s3: options.s3, mappings, runtime }))
  // The system keeps a local disk's files in memory already.
  const isLocal = options.io === undefined && mappings.length === 0 && parseLocation(location).scheme === 'file'
  const cacheBytes = options.cacheBytes ?? (isLocal ? 0 : DEFAULT_CACHE_BYTES)
  return cacheBytes === 0 ? base : new ReadThroughCache(base, { maxBytes: cacheBytes, isImmutable: isManifest })
}

/** Manifests and their lists are read again by every plan; data files are too large to keep, and metadata is kept parsed. */
function isManifest(location: string): boolean {
  return location.endsWith('.avro')
}
