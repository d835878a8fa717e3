import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import type {
  AbortOptions, ByteRange, FileIO, FolderEntry, ObjectStatus, ObjectVersion, ObjectVersions, ReadOptions, WriteOptions,
} from './file-io.js'
import { LocalFileIO } from './local-file-io.js'
import { parseLocation, quoteLocation } from './location.js'
import { MemoryFileIO } from './memory-file-io.js'
import { mapPaths } from './path-mapping.js'
import type { PathMapping } from './path-mapping.js'
import { S3FileIO } from './s3-file-io.js'
import type { S3FileIOOptions } from './s3-options.js'

export interface OpenFileIOOptions {
  readonly s3?: S3FileIOOptions | undefined
  /** See `LocalFileIOOptions`. Default true. */
  readonly sync?: boolean | undefined
  readonly mappings?: readonly PathMapping[] | undefined
  readonly runtime?: Runtime | undefined
}

/**
 * The FileIO for a location's scheme: `file:` or an absolute path, `s3:` and its aliases, `memory:` (empty, and its own).
 * With mappings (see `mapPaths`), mapped locations are served from wherever their targets are. Throws `UNSUPPORTED` for other schemes.
 */
export function openFileIO(location: string, options: OpenFileIOOptions = {}): FileIO {
  const { mappings = [] } = options
  if (mappings.length === 0) return openScheme(parseLocation(location).scheme, location, options)
  const router = new SchemeRouter((scheme, place) => openScheme(scheme, place, options))
  for (const place of [location, ...mappings.map(({ to }) => to)]) router.pick(place)
  return mapPaths(router, mappings)
}

function openScheme(scheme: string, location: string, options: OpenFileIOOptions): FileIO {
  const { runtime } = options
  const clock = runtime === undefined ? {} : { runtime }
  switch (scheme) {
    case 'file':
      return new LocalFileIO({ ...clock, ...(options.sync === undefined ? {} : { sync: options.sync }) })
    case 's3':
      return new S3FileIO({ ...clock, ...options.s3 })
    case 'memory':
      return new MemoryFileIO(clock)
    default:
      throw new FloeError('UNSUPPORTED', `No store is known for ${quoteLocation(location)}; use a local path, file:, s3: or memory:`)
  }
}

/** One FileIO per scheme, opened when first needed. */
class SchemeRouter implements FileIO {
  readonly #open: (scheme: string, location: string) => FileIO
  readonly #opened = new Map<string, FileIO>()

  constructor(open: (scheme: string, location: string) => FileIO) {
    this.#open = open
  }

  pick(location: string): FileIO {
    const { scheme } = parseLocation(location)
    const known = this.#opened.get(scheme)
    if (known !== undefined) return known
    const io = this.#open(scheme, location)
    this.#opened.set(scheme, io)
    return io
  }

  async read(location: string, options?: ReadOptions): Promise<Uint8Array> {
    return this.pick(location).read(location, options)
  }

  async readMany(location: string, ranges: readonly ByteRange[], options?: AbortOptions): Promise<Uint8Array[]> {
    return this.pick(location).readMany(location, ranges, options)
  }

  async write(location: string, body: Uint8Array | AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<ObjectStatus> {
    return this.pick(location).write(location, body, options)
  }

  async head(location: string): Promise<ObjectStatus | undefined> {
    return this.pick(location).head(location)
  }

  list(prefix: string, options?: AbortOptions): AsyncIterable<ObjectStatus> {
    return this.pick(prefix).list(prefix, options)
  }

  listFolder(folder: string, options?: AbortOptions): AsyncIterable<FolderEntry> {
    // Every store that this file opens can list a folder.
    return this.pick(folder).listFolder!(folder, options)
  }

  async delete(locations: readonly string[]): Promise<void> {
    const groups = new Map<FileIO, string[]>()
    for (const location of locations) {
      const io = this.pick(location)
      groups.set(io, [...(groups.get(io) ?? []), location])
    }
    for (const [io, group] of groups) await io.delete(group)
  }

  /** Of a store that keeps none, none are listed. */
  readonly versions: ObjectVersions = {
    list: (prefix, options) => this.pick(prefix).versions?.list(prefix, options) ?? noVersions(),
    read: (version, options) => this.#versionsOf(version).read(version, options),
    delete: (version) => this.#versionsOf(version).delete(version),
    heldUntilMs: (version) => this.#versionsOf(version).heldUntilMs(version),
  }

  #versionsOf({ location }: ObjectVersion): ObjectVersions {
    const { versions } = this.pick(location)
    if (versions === undefined) throw new FloeError('UNSUPPORTED', 'This store keeps no versions', { file: location })
    return versions
  }

  async close(): Promise<void> {
    for (const io of this.#opened.values()) await io.close?.()
  }
}

async function* noVersions(): AsyncGenerator<ObjectVersion> {
  // Nothing to list.
}
