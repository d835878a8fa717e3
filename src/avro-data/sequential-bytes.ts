import type { FileIO } from '../io/file-io.js'
import { concatenate } from '../util/concatenate.js'

/** A file that is read from front to back. */
export interface SequentialSource {
  readonly io: FileIO
  readonly location: string
  readonly fileSizeBytes: number
  readonly signal?: AbortSignal | undefined
}

const CHUNK_BYTES = 2 ** 20

/** Views of a file's bytes in ascending order: read a chunk at a time, and the next one ahead. */
export class SequentialBytes {
  readonly size: number
  readonly #source: SequentialSource
  #start = 0
  #bytes: Uint8Array = new Uint8Array(0)
  #ahead: Promise<Uint8Array> | undefined

  constructor(source: SequentialSource) {
    this.#source = source
    this.size = source.fileSizeBytes
  }

  /** The bytes of a range within the file, which starts no earlier than the last one did. The view stays valid. */
  async view(offset: number, length: number): Promise<Uint8Array> {
    const end = offset + length
    if (end > this.#start + this.#bytes.length) await this.#advance(offset, end)
    return this.#bytes.subarray(offset - this.#start, end - this.#start)
  }

  async #advance(offset: number, end: number): Promise<void> {
    const held = this.#start + this.#bytes.length
    if (offset > held + CHUNK_BYTES) {
      // What lies between is not worth reading
      this.#ahead = undefined
      this.#bytes = await this.#read(offset, end)
      this.#start = offset
    } else {
      const parts: Uint8Array[] = [this.#bytes.subarray(Math.min(offset - this.#start, this.#bytes.length))]
      const next = await (this.#ahead ?? this.#read(held, Math.min(end, held + CHUNK_BYTES)))
      this.#ahead = undefined
      parts.push(next.subarray(Math.max(0, offset - held)))
      if (held + next.length < end) parts.push(await this.#read(Math.max(offset, held + next.length), end))
      this.#bytes = concatenate(parts)
      this.#start = offset
    }
    this.#readAhead(this.#start + this.#bytes.length)
  }

  #readAhead(from: number): void {
    if (from >= this.size) return
    this.#ahead = this.#read(from, from)
    // Whoever stops early never awaits it
    this.#ahead.catch(() => undefined)
  }

  /** At least up to `end`, and a chunk where the file has one. */
  #read(from: number, end: number): Promise<Uint8Array> {
    const length = Math.min(Math.max(end - from, CHUNK_BYTES), this.size - from)
    const { io, location, signal } = this.#source
    return io.read(location, { range: { offset: from, length }, signal })
  }
}
