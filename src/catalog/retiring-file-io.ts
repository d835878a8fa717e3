import { mapParallel } from '../io/bounded-parallel.js'
import type { AbortOptions, ByteRange, FileIO, FolderEntry, ObjectStatus, ReadOptions, WriteOptions } from '../io/file-io.js'
import { canonicalLocation, isInside, parentLocation } from '../io/location.js'
import { parseTableMetadata } from '../metadata/table-metadata-json.js'
import { FloeError, isFloeError } from '../util/errors.js'
import { nonceOf } from './commit-nonce.js'
import { versionOf } from './version-file.js'
import { decodeMarker, encodeRetiredMarker } from './version-marker.js'
import { probeVersion } from './version-search.js'

const PARALLEL = 8

/**
 * A FileIO that never frees the name of a table version. Deleting `v<N>.metadata.json` from `metadataFolder` leaves a small
 * marker in its place, so that a writer that stalled on version N-1 still finds the name taken, whatever maintenance has
 * removed since. Deleting the newest version throws `INVALID`. Everything else passes through.
 */
export function retireVersions(io: FileIO, metadataFolder: string): FileIO {
  const folder = canonicalLocation(metadataFolder)
  const isVersion = (location: string): boolean => {
    const parent = parentLocation(location)
    return parent !== undefined && versionOf(location) !== undefined && isInside(folder, parent) && isInside(parent, folder)
  }
  return {
    read: (location: string, options?: ReadOptions): Promise<Uint8Array> => io.read(location, options),
    readMany: (location: string, ranges: readonly ByteRange[], options?: AbortOptions): Promise<Uint8Array[]> =>
      io.readMany(location, ranges, options),
    write: (location: string, body: Uint8Array | AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<ObjectStatus> =>
      io.write(location, body, options),
    head: (location: string): Promise<ObjectStatus | undefined> => io.head(location),
    list: (prefix: string, options?: AbortOptions): AsyncIterable<ObjectStatus> => io.list(prefix, options),
    ...(io.listFolder === undefined
      ? {}
      : { listFolder: (at: string, options?: AbortOptions): AsyncIterable<FolderEntry> => io.listFolder!(at, options) }),
    delete: async (locations: readonly string[]): Promise<void> => {
      const versions = new Set(locations.filter(isVersion))
      await mapParallel([...versions], PARALLEL, (location) => retire(io, metadataFolder, location))
      const others = locations.filter((location) => !versions.has(location))
      if (others.length > 0) await io.delete(others)
    },
    ...(io.versions === undefined ? {} : { versions: io.versions }),
  }
}

/** Replaces a version that has a successor by a marker. */
async function retire(io: FileIO, metadataFolder: string, location: string): Promise<void> {
  const bytes = await readIfPresent(io, location)
  if (bytes === undefined || decodeMarker(bytes) !== undefined) return
  const successor = await probeVersion(io, metadataFolder, versionOf(location)! + 1)
  if (successor === undefined) {
    throw new FloeError('INVALID', 'The newest version of a table cannot be deleted; drop the table instead', { file: location })
  }
  await io.write(location, encodeRetiredMarker(readNonce(bytes, location)))
}

async function readIfPresent(io: FileIO, location: string): Promise<Uint8Array | undefined> {
  try {
    return await io.read(location)
  } catch (error) {
    if (isFloeError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

function readNonce(bytes: Uint8Array, location: string): string | undefined {
  try {
    return nonceOf(parseTableMetadata(bytes, { location }))
  } catch {
    return undefined
  }
}
