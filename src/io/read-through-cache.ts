import type { AbortOptions, ByteRange, FileIO, FolderEntry, ObjectStatus, ObjectVersions, ReadOptions, WriteOptions } from './file-io.js'
import { throwIfAborted } from './aborted.js'
import { resolveRange } from './range-plan.js'

export interface ReadThroughCacheOptions {
  /** Bound on the bytes kept. Default 64 MiB. */
  readonly maxBytes?: number
  /** Larger results are passed on, not kept. Default an eighth of `maxBytes`. */
  readonly maxEntryBytes?: number
  /** Which objects never change. Default: all but the hint and the versions of path-based tables, whose names may be used again. */
  readonly isImmutable?: (location: string) => boolean
}

const DEFAULT_MAX_BYTES = 64 * 2 ** 20
/** What an entry costs beside its bytes. */
const ENTRY_OVERHEAD_BYTES = 256

interface Entry {
  readonly location: string
  readonly bytes: Uint8Array
  /** `undefined`: the whole object. */
  readonly range: ByteRange | undefined
}

/**
 * Keeps what was read of immutable objects, least recently used first out, within a bound of bytes. Readers of one object
 * at a time share one request; a range is served from a kept whole or from a kept range around it. Writes and deletions
 * through it forget the object. Absence is never kept. Kept bytes are shared: callers must not change them.
 */
export class ReadThroughCache implements FileIO {
  readonly listFolder?: (folder: string, options?: AbortOptions) => AsyncIterable<FolderEntry>
  readonly versions?: ObjectVersions | undefined
  readonly #io: FileIO
  readonly #maxBytes: number
  readonly #maxEntryBytes: number
  readonly #isImmutable: (location: string) => boolean
  /** In the order of use; keys are location and range. */
  readonly #entries = new Map<string, Entry>()
  readonly #ranges = new Map<string, Set<string>>()
  readonly #underWay = new Map<string, Promise<Uint8Array>>()
  #bytes = 0
  #hits = 0
  #misses = 0

  constructor(io: FileIO, options: ReadThroughCacheOptions = {}) {
    this.#io = io
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES
    this.#maxEntryBytes = options.maxEntryBytes ?? this.#maxBytes / 8
    this.#isImmutable = options.isImmutable ?? isWrittenOnce
    if (io.versions !== undefined) this.versions = io.versions
    if (io.listFolder !== undefined) this.listFolder = (folder, listOptions) => io.listFolder!(folder, listOptions)
  }

  get endpoint(): string | undefined {
    return this.#io.endpoint
  }

  /** Counts since the beginning, and the bytes kept now. */
  get statistics(): { readonly hits: number; readonly misses: number; readonly bytes: number } {
    return { hits: this.#hits, misses: this.#misses, bytes: this.#bytes }
  }

  async read(location: string, options: ReadOptions = {}): Promise<Uint8Array> {
    const { range, signal } = options
    throwIfAborted(signal)
    if (!this.#isImmutable(location)) return this.#io.read(location, options)
    const kept = this.#find(location, range)
    if (kept !== undefined) {
      this.#hits++
      return kept
    }
    this.#misses++
    return this.#fetchOnce(location, range, signal)
  }

  async readMany(location: string, ranges: readonly ByteRange[], options: AbortOptions = {}): Promise<Uint8Array[]> {
    throwIfAborted(options.signal)
    if (!this.#isImmutable(location)) return this.#io.readMany(location, ranges, options)
    const results: (Uint8Array | undefined)[] = ranges.map((range) => this.#find(location, range))
    const missing = ranges.filter((_, i) => results[i] === undefined)
    this.#hits += ranges.length - missing.length
    this.#misses += missing.length
    if (missing.length > 0) {
      const fetched = await this.#io.readMany(location, missing, options)
      let next = 0
      for (let i = 0; i < ranges.length; i++) {
        if (results[i] !== undefined) continue
        const bytes = fetched[next++]!
        results[i] = bytes
        // A view into a larger answer would keep all of it alive.
        if (this.#isKept(bytes)) this.#keep(location, ranges[i], bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice())
      }
    }
    return results as Uint8Array[]
  }

  async write(location: string, body: Uint8Array | AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<ObjectStatus> {
    try {
      return await this.#io.write(location, body, options)
    } finally {
      this.#forget(location)
    }
  }

  async delete(locations: readonly string[]): Promise<void> {
    try {
      await this.#io.delete(locations)
    } finally {
      for (const location of locations) this.#forget(location)
    }
  }

  head(location: string): Promise<ObjectStatus | undefined> {
    return this.#io.head(location)
  }

  list(prefix: string, options?: AbortOptions): AsyncIterable<ObjectStatus> {
    return this.#io.list(prefix, options)
  }

  async close(): Promise<void> {
    this.#entries.clear()
    this.#ranges.clear()
    this.#bytes = 0
    await this.#io.close?.()
  }

  #fetchOnce(location: string, range: ByteRange | undefined, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const key = keyOf(location, range)
    const shared = this.#underWay.get(key)
    // One caller's abort must not fail the others: only requests without a signal are shared.
    if (shared !== undefined && signal === undefined) return shared
    const options = { ...(range === undefined ? {} : { range }), signal }
    const fetched = this.#io.read(location, options).then((bytes) => {
      if (this.#underWay.get(key) === tracked || signal !== undefined) this.#keep(location, range, bytes)
      return bytes
    })
    const tracked: Promise<Uint8Array> = fetched.finally(() => {
      if (this.#underWay.get(key) === tracked) this.#underWay.delete(key)
    })
    if (signal === undefined) this.#underWay.set(key, tracked)
    return tracked
  }

  #find(location: string, range: ByteRange | undefined): Uint8Array | undefined {
    const whole = this.#use(keyOf(location, undefined))
    if (whole !== undefined) {
      if (range === undefined) return whole.bytes
      const { start, end } = resolveRange(range, whole.bytes.length, location)
      return whole.bytes.subarray(start, end)
    }
    if (range === undefined) return undefined
    const same = this.#use(keyOf(location, range))
    return same === undefined ? this.#findAround(location, range) : same.bytes
  }

  #findAround(location: string, range: ByteRange): Uint8Array | undefined {
    if (range.offset < 0) return undefined
    for (const key of this.#ranges.get(location) ?? []) {
      const { range: kept, bytes } = this.#entries.get(key)!
      if (kept === undefined || kept.offset < 0) continue
      const start = range.offset - kept.offset
      if (start < 0 || start + range.length > bytes.length) continue
      this.#use(key)
      return bytes.subarray(start, start + range.length)
    }
    return undefined
  }

  #use(key: string): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry
  }

  #isKept(bytes: Uint8Array): boolean {
    return bytes.length <= this.#maxEntryBytes
  }

  #keep(location: string, range: ByteRange | undefined, bytes: Uint8Array): void {
    if (!this.#isKept(bytes)) return
    const key = keyOf(location, range)
    this.#drop(key)
    this.#entries.set(key, { location, range, bytes })
    const keys = this.#ranges.get(location) ?? new Set()
    this.#ranges.set(location, keys.add(key))
    this.#bytes += bytes.length + ENTRY_OVERHEAD_BYTES
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#drop(oldest)
    }
  }

  #forget(location: string): void {
    for (const key of [...(this.#ranges.get(location) ?? [])]) this.#drop(key)
    // What is being fetched may be the old content.
    for (const key of [...this.#underWay.keys()]) if (locationOf(key) === location) this.#underWay.delete(key)
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#bytes -= entry.bytes.length + ENTRY_OVERHEAD_BYTES
    const keys = this.#ranges.get(entry.location)
    keys?.delete(key)
    if (keys?.size === 0) this.#ranges.delete(entry.location)
  }
}

function isWrittenOnce(location: string): boolean {
  return !/\/(?:version-hint\.text|v\d+(?:\.gz)?\.metadata\.json(?:\.gz)?)$/.test(location)
}

function keyOf(location: string, range: ByteRange | undefined): string {
  if (range === undefined) return `\n${location}`
  return `${range.offset < 0 ? String(range.offset) : `${range.offset}+${range.length}`}\n${location}`
}

function locationOf(key: string): string {
  return key.slice(key.indexOf('\n') + 1)
}
