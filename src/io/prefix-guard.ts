import type {
  AbortOptions, ByteRange, FileIO, FolderEntry, ObjectStatus, ObjectVersion, ObjectVersions, ReadOptions, WriteOptions,
} from './file-io.js'
import { checkLinks } from './local-links.js'
import { parseLocation } from './location.js'
import { checkLocation } from './location-check.js'
import type { LocationRules } from './location-check.js'

/**
 * A FileIO that touches nothing outside the prefixes: the text of every location is judged by `checkLocation` before
 * anything is sent, and local ones once more with their symbolic links resolved. Throws `INVALID` for the rest.
 */
export function guardPrefixes(io: FileIO, rules: LocationRules): FileIO {
  const check = (location: string): Promise<void> => checkPlace(location, rules)
  return {
    read: async (location: string, options?: ReadOptions): Promise<Uint8Array> => {
      await check(location)
      return io.read(location, options)
    },
    readMany: async (location: string, ranges: readonly ByteRange[], options?: AbortOptions): Promise<Uint8Array[]> => {
      await check(location)
      return io.readMany(location, ranges, options)
    },
    write: async (location: string, body: Uint8Array | AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<ObjectStatus> => {
      await check(location)
      return io.write(location, body, options)
    },
    head: async (location: string): Promise<ObjectStatus | undefined> => {
      await check(location)
      return io.head(location)
    },
    async *list(prefix: string, options?: AbortOptions): AsyncGenerator<ObjectStatus> {
      await check(prefix)
      yield* io.list(prefix, options)
    },
    ...(io.listFolder === undefined
      ? {}
      : {
          async *listFolder(folder: string, options?: AbortOptions): AsyncGenerator<FolderEntry> {
            await check(folder)
            yield* io.listFolder!(folder, options)
          },
        }),
    delete: async (locations: readonly string[]): Promise<void> => {
      for (const location of locations) await check(location)
      return io.delete(locations)
    },
    ...(io.versions === undefined ? {} : { versions: guardVersions(io.versions, check) }),
  }
}

/** Throws `INVALID` for a location that a store guarded by these rules does not touch. */
export async function checkPlace(location: string, rules: LocationRules): Promise<void> {
  checkLocation(location, rules)
  if (parseLocation(location).scheme === 'file') await checkLinks(location, rules.prefixes)
}

function guardVersions(versions: ObjectVersions, check: (location: string) => Promise<void>): ObjectVersions {
  return {
    async *list(prefix: string, options?: AbortOptions): AsyncGenerator<ObjectVersion> {
      await check(prefix)
      yield* versions.list(prefix, options)
    },
    read: async (version: ObjectVersion, options?: AbortOptions): Promise<Uint8Array> => {
      await check(version.location)
      return versions.read(version, options)
    },
    delete: async (version: ObjectVersion): Promise<void> => {
      await check(version.location)
      return versions.delete(version)
    },
    heldUntilMs: async (version: ObjectVersion): Promise<number | undefined> => {
      await check(version.location)
      return versions.heldUntilMs(version)
    },
  }
}
