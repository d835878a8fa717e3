import { FloeError } from '../util/errors.js'
import type {
  AbortOptions, ByteRange, FileIO, FolderEntry, ObjectStatus, ObjectVersion, ObjectVersions, ReadOptions, WriteOptions,
} from './file-io.js'
import { checkLinks } from './local-links.js'
import { asFolder, canonicalLocation, parseLocation, quoteLocation, stripTrailingSlashes } from './location.js'

/** Objects named `from/…` are kept at `to/…`. */
export interface PathMapping {
  /** A folder as metadata names it, such as `s3://bucket/`; the aliases of its scheme are meant too. */
  readonly from: string
  /** Where its content really is: a local folder, another bucket or prefix. */
  readonly to: string
}

interface Rule {
  readonly from: string
  readonly to: string
}

/**
 * A FileIO that serves locations below `from` out of `to`, the longest match first; others pass through. Every result
 * bears the name that was asked for. Throws `INVALID` for what would lead out of the mapped folder: dot segments, and
 * symbolic links in a local one.
 */
export function mapPaths(io: FileIO, mappings: readonly PathMapping[]): FileIO {
  const rules = mappings
    .map(({ from, to }) => ({ from: asFolder(stripTrailingSlashes(canonicalLocation(from))), to: asFolder(stripTrailingSlashes(to)) }))
    .sort((a, b) => b.from.length - a.from.length)
  const there = (location: string): Promise<string> => mapped(rules, location)
  const named = <T extends { readonly location: string }>(item: T, asked: string, real: string): T => ({
    ...item,
    location: asFolder(asked) + item.location.slice(asFolder(real).length),
  })
  return {
    read: async (location: string, options?: ReadOptions): Promise<Uint8Array> => io.read(await there(location), options),
    readMany: async (location: string, ranges: readonly ByteRange[], options?: AbortOptions): Promise<Uint8Array[]> =>
      io.readMany(await there(location), ranges, options),
    write: async (location: string, body: Uint8Array | AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<ObjectStatus> => ({
      ...(await io.write(await there(location), body, options)),
      location,
    }),
    head: async (location: string): Promise<ObjectStatus | undefined> => {
      const status = await io.head(await there(location))
      return status === undefined ? undefined : { ...status, location }
    },
    async *list(prefix: string, options?: AbortOptions): AsyncGenerator<ObjectStatus> {
      const real = await there(asFolder(prefix))
      for await (const status of io.list(real, options)) yield named(status, prefix, real)
    },
    ...(io.listFolder === undefined
      ? {}
      : {
          async *listFolder(folder: string, options?: AbortOptions): AsyncGenerator<FolderEntry> {
            const real = await there(asFolder(folder))
            for await (const entry of io.listFolder!(real, options)) {
              const renamed = named(entry, folder, real)
              yield { ...renamed, status: entry.status === undefined ? undefined : { ...entry.status, location: renamed.location } }
            }
          },
        }),
    delete: async (locations: readonly string[]): Promise<void> => io.delete(await Promise.all(locations.map(there))),
    ...(io.versions === undefined ? {} : { versions: mapVersions(io.versions, there, named) }),
    ...(io.close === undefined ? {} : { close: (): Promise<void> => io.close!() }),
  }
}

type Rename = <T extends { readonly location: string }>(item: T, asked: string, real: string) => T

function mapVersions(versions: ObjectVersions, there: (location: string) => Promise<string>, named: Rename): ObjectVersions {
  const real = async (version: ObjectVersion): Promise<ObjectVersion> => ({ ...version, location: await there(version.location) })
  return {
    async *list(prefix: string, options?: AbortOptions): AsyncGenerator<ObjectVersion> {
      const folder = await there(asFolder(prefix))
      for await (const version of versions.list(folder, options)) yield named(version, prefix, folder)
    },
    read: async (version: ObjectVersion, options?: AbortOptions): Promise<Uint8Array> => versions.read(await real(version), options),
    delete: async (version: ObjectVersion): Promise<void> => versions.delete(await real(version)),
    heldUntilMs: async (version: ObjectVersion): Promise<number | undefined> => versions.heldUntilMs(await real(version)),
  }
}

async function mapped(rules: readonly Rule[], location: string): Promise<string> {
  const canonical = canonicalLocation(location)
  // The folder itself may come without its slash.
  const rule = rules.find(({ from }) => canonical.startsWith(from) || `${canonical}/` === from)
  if (rule === undefined) return location
  const rest = canonical.slice(rule.from.length)
  if (rest.split('/').some((segment) => segment === '..' || segment === '.' || segment.includes('\0'))) {
    throw new FloeError('INVALID', `${quoteLocation(location)} leads out of the mapped folder`, { file: location })
  }
  const real = rule.to + rest
  if (parseLocation(real).scheme === 'file') await checkLinks(real, [rule.to])
  return real
}
