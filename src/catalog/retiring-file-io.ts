import { mapParallel } from '../io/bounded-parallel.js'
import type { AbortOptions, ByteRange, FileIO, FolderEntry, ObjectStatus, ReadOptions, WriteOptions } from '../io/file-io.js'
import { canonicalLocation, isInside, parentLocation } from '../io/location.js'
import { FloeError } from '../util/errors.js'
import { versionOf } from './version-file.js'
import { probeVersion } from './version-search.js'

const PARALLEL = 8

/**
 * A FileIO that never frees the name of a table version. Deleting `v<N>.metadata.json` from `metadataFolder` leaves an empty
 * object in its place, so that a writer that stalled on version N-1 still finds the name taken, whatever maintenance has
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
  }
}

/** Empties a version that has a successor. */
async function retire(io: FileIO, metadataFolder: string, location: string): Promise<void> {
  const status = await io.head(location)
  if (status === undefined || status.sizeBytes === 0) return
  const successor = await probeVersion(io, metadataFolder, versionOf(location)! + 1)
  if (successor === undefined) {
    throw new FloeError('INVALID', 'The newest version of a table cannot be deleted; drop the table instead', { file: location })
  }
  await io.write(location, new Uint8Array(0))
}
