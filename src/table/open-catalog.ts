import { ParquetWasmEngine } from '../parquet/parquet-wasm-engine.js'
import { sharedParquetEngine } from '../parquet/shared-engine.js'
import { systemRuntime } from '../util/runtime.js'
import { Catalog } from './catalog.js'
import { checkArgument } from './checked-arguments.js'
import { openBackend } from './open-backend.js'
import { checkOpenOptions, type OpenCatalogOptions } from './open-options.js'

/**
 * Opens the catalog at a URI: `file:///data/lake` or a path, `s3://bucket/warehouse`, `memory:`, or the `https:` address of a
 * REST catalog. The folder need not exist.
 * @throws FloeError `UNSUPPORTED` for another scheme, `INVALID` for what is no URI
 */
export async function openCatalog(uri: string, options: OpenCatalogOptions = {}): Promise<Catalog> {
  checkArgument(uri, 'string', "A catalog's URI")
  checkOpenOptions(options, 'openCatalog')
  const runtime = options.runtime ?? systemRuntime
  const { backend, close: closeStore } = await openBackend(uri, options)
  const own = options.parquet === undefined ? undefined : new ParquetWasmEngine(options.parquet)
  const engine = own ?? sharedParquetEngine()
  const close = async (): Promise<void> => {
    await own?.close()
    await closeStore()
  }
  return new Catalog(backend, { engine, runtime, filterLog: options.filterLog }, close)
}
