/**
 * The names of a path-based table's versions. Every version N has one valid name: `v<N>.metadata.json`, or
 * `v<N>.gz.metadata.json` when version N-1 asked for gzip. Since the base decides, all writers on one base compete for one
 * name. Where other engines left several, the plain one counts, as it does for them.
 */
import type { ObjectStatus } from '../io/file-io.js'
import { joinLocation } from '../io/location.js'
import { makeMetadataFileName, metadataCompression, parseMetadataFileName } from '../metadata/metadata-location.js'
import type { MetadataCompression } from '../metadata/metadata-location.js'

export const VERSION_HINT_NAME = 'version-hint.text'

/** The JVM reads version numbers as 32-bit integers. */
export const MAX_VERSION = 2 ** 31 - 1

/** A version as found in the store; its content may be a marker. */
export interface VersionFile {
  readonly version: number
  readonly status: ObjectStatus
}

/** Names under which a version may exist, the one that counts first. */
export function candidateNames(version: number): readonly string[] {
  const name = { version, uuid: undefined }
  return [
    makeMetadataFileName({ ...name, compression: 'none' }),
    makeMetadataFileName({ ...name, compression: 'gzip' }),
    `v${version}.metadata.json.gz`,
  ]
}

/** The version that a file's name says; `undefined` for any other file. */
export function versionOf(location: string): number | undefined {
  const name = parseMetadataFileName(location)
  return name === undefined || name.uuid !== undefined || name.version > MAX_VERSION ? undefined : name.version
}

/** The location of the version that follows a base with these properties; the first version has none and is never gzipped. */
export function nextVersionLocation(folder: string, version: number, baseProperties: ReadonlyMap<string, string> | undefined): string {
  const compression = baseProperties === undefined ? 'none' : readCompression(baseProperties)
  return joinLocation(folder, makeMetadataFileName({ version, uuid: undefined, compression }))
}

/** A codec that nobody knows must not keep the commit out that repairs it. */
function readCompression(properties: ReadonlyMap<string, string>): MetadataCompression {
  try {
    return metadataCompression(properties)
  } catch {
    return 'none'
  }
}

/** Of two files of one version, the one that counts. */
export function preferred(a: VersionFile, b: VersionFile): VersionFile {
  const rank = (file: VersionFile): number => candidateNames(file.version).findIndex((name) => file.status.location.endsWith(`/${name}`))
  return rank(a) <= rank(b) ? a : b
}
