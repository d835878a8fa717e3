/**
 * Names and places of metadata files. Two families of names exist: `v3.metadata.json` of path-based tables, numbered
 * from 1, and `00003-<uuid>.metadata.json` of catalogs that keep a pointer, numbered from 0.
 */
import { FloeError } from '../util/errors.js'
import { joinLocation, stripTrailingSlash } from './location.js'
import { readText, tableProperties } from './table-properties.js'

export type MetadataCompression = 'none' | 'gzip'

/** What the name of a metadata file says. */
export interface MetadataFileName {
  readonly version: number
  /** The part after the number; `undefined` for `v<N>`, whose number alone is the identity. */
  readonly uuid: string | undefined
  readonly compression: MetadataCompression
}

/** The parts of a table's metadata that say where its files go. */
export interface TablePlacement {
  readonly location: string
  readonly properties: ReadonlyMap<string, string>
}

const JSON_SUFFIX = '.metadata.json'
const GZIP_SUFFIX = '.gz.metadata.json'
/** Written by the first releases; still readable. */
const OLD_GZIP_SUFFIX = '.metadata.json.gz'

/** The parts of a metadata file's name, given its name or location; `undefined` for any other file, however alike. */
export function parseMetadataFileName(location: string): MetadataFileName | undefined {
  const name = location.slice(location.lastIndexOf('/') + 1)
  const suffix = [GZIP_SUFFIX, OLD_GZIP_SUFFIX, JSON_SUFFIX].find((candidate) => name.endsWith(candidate))
  if (suffix === undefined) return undefined
  const stem = name.slice(0, name.length - suffix.length)
  const compression = suffix === JSON_SUFFIX ? 'none' : 'gzip'
  const hadoop = /^v(0|[1-9]\d{0,14})$/.exec(stem)
  if (hadoop !== null) return { version: Number(hadoop[1]), uuid: undefined, compression }
  const catalog = /^(\d{1,15})-([0-9A-Za-z-]+)$/.exec(stem)
  return catalog === null ? undefined : { version: Number(catalog[1]), uuid: catalog[2]!, compression }
}

/** The name of a metadata file: `v3.metadata.json` without a uuid, `00003-<uuid>.gz.metadata.json` with one and gzip. */
export function makeMetadataFileName(file: MetadataFileName): string {
  const stem = file.uuid === undefined ? `v${file.version}` : `${String(file.version).padStart(5, '0')}-${file.uuid}`
  return stem + (file.compression === 'gzip' ? GZIP_SUFFIX : JSON_SUFFIX)
}

/** Whether new metadata files of this table are gzipped. Throws `INVALID` for a codec that the format does not have. */
export function metadataCompression(properties: ReadonlyMap<string, string>): MetadataCompression {
  return readText(properties, tableProperties.metadataCompression) === 'gzip' ? 'gzip' : 'none'
}

/** The folder of metadata, manifests and manifest lists: `write.metadata.path`, or `metadata` in the table's location. */
export function metadataFolder(table: TablePlacement): string {
  const path = readText(table.properties, tableProperties.metadataPath)
  if (path === undefined) return joinLocation(table.location, 'metadata')
  if (path.trim() === '') throw new FloeError('INVALID', 'table property write.metadata.path is empty: set or remove it')
  return stripTrailingSlash(path)
}

/** The location of a new file in the metadata folder. */
export function metadataFileLocation(table: TablePlacement, fileName: string): string {
  return joinLocation(metadataFolder(table), fileName)
}
