import { openTableAt } from '../catalog/single-table-catalog.js'
import { versionOf } from '../catalog/version-file.js'
import { ParquetWasmEngine } from '../parquet/parquet-wasm-engine.js'
import { sharedParquetEngine } from '../parquet/shared-engine.js'
import { systemRuntime } from '../util/runtime.js'
import { checkArgument } from './checked-arguments.js'
import { checkOpenOptions, type OpenCatalogOptions } from './open-options.js'
import { openStore } from './open-store.js'
import { Table } from './table.js'

/** As for a catalog; `allowedLocations` are places outside of the table's folder and bucket that its files may be in. */
export type OpenTableOptions = OpenCatalogOptions

/**
 * Opens one table by its place. A folder with numbered versions (`metadata/v<N>.metadata.json`) can be read and committed to; a
 * `*.metadata.json` file, or a folder whose versions a catalog elsewhere keeps, is read only. Files are read from the
 * table's folder, for S3 from its bucket, and from `allowedLocations`: metadata that names another place is refused when
 * the file is read.
 *
 * @throws FloeError `NOT_FOUND` when there is no table, `CORRUPT` when its metadata cannot be parsed
 */
export async function openTable(location: string, options: OpenTableOptions = {}): Promise<Table> {
  checkArgument(location, 'string', "A table's location")
  checkOpenOptions(options, 'openTable')
  const io = openStore(location, options)
  const runtime = options.runtime ?? systemRuntime
  const { allowedLocations, verifyStore } = options
  const { backend, table } = await openTableAt(location, { io, allowedLocations, verifyStore, runtime })
  const own = options.parquet === undefined ? undefined : new ParquetWasmEngine(options.parquet)
  const close = async (): Promise<void> => {
    await own?.close()
    await io.close?.()
  }
  // Nothing is written for a commit that the backend could only reject.
  const isReadOnly = location.endsWith('.json') || location.endsWith('.gz') || versionOf(table.metadataLocation) === undefined
  const { filterLog } = options
  const engine = own ?? sharedParquetEngine()
  return new Table(table, { backend: isReadOnly ? undefined : backend, engine, runtime, filterLog, close })
}
