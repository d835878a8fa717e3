import type { LoadedTable } from '../catalog/catalog-backend.js'
import { tablePrefixes } from '../catalog/table-locations.js'
import { findLatestVersion } from '../catalog/version-search.js'
import type { FileIO } from '../io/file-io.js'
import { asFolder, baseName, joinLocation, parentLocation, parseLocation, stripTrailingSlashes } from '../io/location.js'
import { guardPrefixes } from '../io/prefix-guard.js'
import { parseMetadataFileName } from '../metadata/metadata-location.js'
import { parseTableMetadata } from '../metadata/table-metadata-json.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { ParquetWasmEngine } from '../parquet/parquet-wasm-engine.js'
import { sharedParquetEngine } from '../parquet/shared-engine.js'
import { FloeError } from '../util/errors.js'
import { systemRuntime } from '../util/runtime.js'
import { openStore, type StoreOptions } from './open-catalog.js'
import { Table } from './table.js'

export interface OpenTableOptions extends StoreOptions {
  /** Places outside of the table's folder and bucket that its files may be read from. */
  readonly allowedLocations?: readonly string[] | undefined
}

/**
 * Opens a table for reading by the location of a `*.metadata.json`, or of the table's folder: then of its latest version.
 * There is no catalog, so nothing can be committed. Files are read from the table's folder, for S3 from its bucket, and from
 * `allowedLocations`; metadata that names another place is refused when the file is read.
 *
 * @throws FloeError `NOT_FOUND` when there is no table, `CORRUPT` when its metadata cannot be parsed
 */
export async function openTable(location: string, options: OpenTableOptions = {}): Promise<Table> {
  const io = openStore(location, options)
  const metadataLocation = /\.json(?:\.gz)?$/.test(location) ? location : await latestMetadata(io, location)
  const metadata = parseTableMetadata(await io.read(metadataLocation), { location: metadataLocation })
  const runtime = options.runtime ?? systemRuntime
  const own = options.parquet === undefined ? undefined : new ParquetWasmEngine(options.parquet)
  const engine = own ?? sharedParquetEngine()
  const close = async (): Promise<void> => {
    await own?.close()
    await io.close?.()
  }
  return new Table(loadedTable(io, metadata, metadataLocation, options), { backend: undefined, engine, runtime, close })
}

function loadedTable(io: FileIO, metadata: TableMetadata, metadataLocation: string, options: OpenTableOptions): LoadedTable {
  const metadataFolder = parentLocation(metadataLocation) ?? metadataLocation
  const folder = parentLocation(metadataFolder) ?? metadataFolder
  const { scheme, authority } = parseLocation(folder)
  // A local path says nothing about who may read it; a bucket is one administrative unit.
  const declarable = scheme === 's3' ? [`s3://${authority}/`] : [folder]
  const always = options.allowedLocations ?? []
  const prefixes = tablePrefixes(metadata, { folder, declarable: [...declarable, ...always], always })
  return {
    identifier: { namespace: [], name: baseName(folder) },
    metadata,
    metadataLocation,
    io: guardPrefixes(io, { prefixes }),
  }
}

async function latestMetadata(io: FileIO, location: string): Promise<string> {
  const folder = joinLocation(stripTrailingSlashes(location), 'metadata')
  const latest = await findLatestVersion(io, folder)
  if (latest !== undefined) return latest.status.location
  // Tables of other catalogs number their files `00003-<uuid>`; without the catalog, the highest number is the latest.
  let best: { readonly version: number; readonly modified: number; readonly location: string } | undefined
  for await (const status of io.list(asFolder(folder))) {
    const name = parseMetadataFileName(status.location)
    if (name === undefined) continue
    const { version } = name
    const modified = status.lastModifiedMs
    if (best === undefined || version > best.version || (version === best.version && modified > best.modified)) {
      best = { version, modified, location: status.location }
    }
  }
  if (best !== undefined) return best.location
  throw new FloeError('NOT_FOUND', 'There is no table: no metadata/*.metadata.json was found', { file: location })
}
