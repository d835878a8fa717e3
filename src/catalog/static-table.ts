/** Tables named by a place instead of by a catalog's name: a metadata file, or a folder. */
import type { FileIO } from '../io/file-io.js'
import { baseName, isInside, joinLocation, parentLocation, parseLocation, quoteLocation, stripTrailingSlashes } from '../io/location.js'
import { checkLocation } from '../io/location-check.js'
import { guardPrefixes } from '../io/prefix-guard.js'
import { parseMetadataFileName } from '../metadata/metadata-location.js'
import { parseTableMetadata } from '../metadata/table-metadata-json.js'
import { FloeError, isFloeError } from '../util/errors.js'
import { decodeUtf8 } from '../util/utf8.js'
import type { LoadedTable } from './catalog-backend.js'
import { tablePrefixes } from './table-locations.js'
import { VERSION_HINT_NAME } from './version-file.js'
import { filesOf } from './version-search.js'

export interface StaticTableOptions {
  readonly io: FileIO
  /** Places that the table may use beside its own folder. */
  readonly allowedLocations?: readonly string[] | undefined
}

/**
 * Loads the table whose `*.metadata.json` is at `metadataLocation`, as it was when that file was written.
 *
 * What the file says of places counts in the bucket of the file itself, or, on a disk, in the table's folder; the rest needs
 * `allowedLocations`, for the file may be anybody's.
 */
export async function loadStaticTable(metadataLocation: string, options: StaticTableOptions): Promise<LoadedTable> {
  const metadata = parseTableMetadata(await options.io.read(metadataLocation), { location: metadataLocation })
  const folder = tableFolderOf(metadataLocation)
  const { scheme, authority } = parseLocation(metadataLocation)
  const isLocal = scheme === 'file'
  const encloses = isLocal && isSafe(metadata.location) && isInside(metadata.location, metadataLocation)
  const declarable = isLocal ? [encloses ? metadata.location : folder] : [`${scheme}://${authority}/`]
  const always = options.allowedLocations ?? []
  // Outside of a warehouse there are no other tables to be protected from this one's location.
  const own = isSafe(metadata.location) && declarable.some((place) => isInside(place, metadata.location)) ? metadata.location : folder
  const prefixes = [...tablePrefixes(metadata, { folder: own, declarable, always }), folder]
  const identifier = { namespace: [], name: baseName(own) }
  return { identifier, metadata, metadataLocation, io: guardPrefixes(options.io, { prefixes }) }
}

/**
 * The metadata file of a table folder that a catalog keeps elsewhere (`00003-<uuid>.metadata.json`): the one that the hint
 * names, else the highest number. Throws `NOT_FOUND` when there is none, and `INVALID` when several have the highest number,
 * for then only the catalog knows.
 */
export async function findMetadataFile(io: FileIO, folder: string): Promise<string> {
  const metadataFolder = joinLocation(stripTrailingSlashes(folder), 'metadata')
  const hinted = await hintedFile(io, metadataFolder)
  if (hinted !== undefined) return hinted
  let version = -1
  let newest: string[] = []
  for await (const { location } of filesOf(io, metadataFolder)) {
    const name = parseMetadataFileName(location)
    if (name === undefined || name.version < version) continue
    newest = name.version > version ? [location] : [...newest, location]
    version = name.version
  }
  if (newest.length === 1) return newest[0]!
  if (newest.length === 0) throw new FloeError('NOT_FOUND', `There is no table in ${quoteLocation(folder)}`, { file: folder })
  const names = newest.map(baseName).sort().join(' and ')
  throw new FloeError('INVALID', `${quoteLocation(folder)} has several newest metadata files: name one of ${names}`, { file: folder })
}

/** Some writers put a file's name into the hint. */
async function hintedFile(io: FileIO, metadataFolder: string): Promise<string | undefined> {
  try {
    const hint = decodeUtf8(await io.read(joinLocation(metadataFolder, VERSION_HINT_NAME))).trim()
    const name = hint.endsWith('.metadata.json') ? hint : `${hint}.metadata.json`
    if (hint.length > 200 || hint.includes('/') || parseMetadataFileName(name) === undefined) return undefined
    const location = joinLocation(metadataFolder, name)
    return (await io.head(location)) === undefined ? undefined : location
  } catch (error) {
    if (isFloeError(error, 'NOT_FOUND', 'CORRUPT')) return undefined
    throw error
  }
}

/** The folder that holds the `metadata` folder, or the file's own where it is called otherwise. */
function tableFolderOf(metadataLocation: string): string {
  const parent = parentLocation(metadataLocation)
  if (parent === undefined) throw new FloeError('INVALID', `${quoteLocation(metadataLocation)} is no metadata file of a table`)
  return baseName(parent) === 'metadata' ? (parentLocation(parent) ?? parent) : parent
}

/** Free of everything that makes a place mean another one. */
function isSafe(location: string): boolean {
  try {
    checkLocation(location, { prefixes: [location] })
    return true
  } catch {
    return false
  }
}
