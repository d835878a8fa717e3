import type { Runtime } from '../util/runtime.js'
import { systemRuntime } from '../util/runtime.js'
import { concatenate } from '../util/concatenate.js'
import { FloeError } from '../util/errors.js'
import { compareUtf8 } from '../util/utf8.js'
import { throwIfAborted } from './aborted.js'
import type { AbortOptions, ByteRange, FileIO, FolderEntry, ObjectStatus, ReadOptions, WriteOptions } from './file-io.js'
import { asFolder } from './location.js'
import { objectNotFound, resolveRange } from './range-plan.js'

interface StoredObject {
  readonly bytes: Uint8Array
  readonly etag: string
  readonly lastModifiedMs: number
}

/**
 * Objects in memory, with the conditions of an object store enforced exactly: every content has an etag of its own.
 * Locations are opaque keys of any scheme. Each write takes effect in one step, after its body has been read.
 */
export class MemoryFileIO implements FileIO {
  readonly #objects = new Map<string, StoredObject>()
  readonly #now: () => number
  #writes = 0

  constructor(options: { readonly runtime?: Pick<Runtime, 'now'> } = {}) {
    const runtime = options.runtime ?? systemRuntime
    this.#now = () => runtime.now()
  }

  async read(location: string, options: ReadOptions = {}): Promise<Uint8Array> {
    throwIfAborted(options.signal)
    const { bytes } = this.#stored(location)
    if (options.range === undefined) return bytes.slice()
    const { start, end } = resolveRange(options.range, bytes.length, location)
    return bytes.slice(start, end)
  }

  async readMany(location: string, ranges: readonly ByteRange[], options: AbortOptions = {}): Promise<Uint8Array[]> {
    throwIfAborted(options.signal)
    const { bytes } = this.#stored(location)
    return ranges.map((range) => {
      const { start, end } = resolveRange(range, bytes.length, location)
      return bytes.slice(start, end)
    })
  }

  async write(location: string, body: Uint8Array | AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectStatus> {
    throwIfAborted(options.signal)
    const bytes = body instanceof Uint8Array ? new Uint8Array(body) : await collect(body, options.signal)
    const current = this.#objects.get(location)
    if (options.ifNoneMatch === '*' && current !== undefined) {
      throw new FloeError('ALREADY_EXISTS', 'The object exists already', { file: location })
    }
    if (options.ifMatch !== undefined && current?.etag !== options.ifMatch) {
      throw new FloeError('CONFLICT', current === undefined ? 'The object is gone' : 'The object was replaced meanwhile', { file: location })
    }
    const stored = { bytes, etag: `"${++this.#writes}"`, lastModifiedMs: this.#now() }
    this.#objects.set(location, stored)
    return statusOf(location, stored)
  }

  async head(location: string): Promise<ObjectStatus | undefined> {
    const stored = this.#objects.get(location)
    return stored === undefined ? undefined : statusOf(location, stored)
  }

  async *list(prefix: string, options: AbortOptions = {}): AsyncGenerator<ObjectStatus> {
    const folder = asFolder(prefix)
    const locations = [...this.#objects.keys()].filter((location) => location.startsWith(folder)).sort(compareUtf8)
    for (const location of locations) {
      throwIfAborted(options.signal)
      const stored = this.#objects.get(location)
      if (stored !== undefined) yield statusOf(location, stored)
    }
  }

  async *listFolder(folder: string, options: AbortOptions = {}): AsyncGenerator<FolderEntry> {
    const prefix = asFolder(folder)
    const entries = new Map<string, FolderEntry>()
    for await (const status of this.list(folder, options)) {
      const slash = status.location.indexOf('/', prefix.length)
      const location = slash === -1 ? status.location : status.location.slice(0, slash)
      // A folder and an object may share a name in an object store; a slash keeps them apart here.
      entries.set(slash === -1 ? location : `${location}/`, { location, status: slash === -1 ? status : undefined })
    }
    yield* [...entries.values()].sort((a, b) => compareUtf8(a.location, b.location))
  }

  async delete(locations: readonly string[]): Promise<void> {
    for (const location of locations) this.#objects.delete(location)
  }

  #stored(location: string): StoredObject {
    const stored = this.#objects.get(location)
    if (stored === undefined) throw objectNotFound(location)
    return stored
  }
}

function statusOf(location: string, stored: StoredObject): ObjectStatus {
  return { location, sizeBytes: stored.bytes.length, lastModifiedMs: stored.lastModifiedMs, etag: stored.etag }
}

async function collect(body: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) {
    throwIfAborted(signal)
    chunks.push(new Uint8Array(chunk))
  }
  return concatenate(chunks)
}
