import { releaseBuffer } from './release-buffer.js'

/** Bytes put together in one buffer that is used again and again: what {@link finish} returns is valid until the next {@link start}. */
export class ReusedBuffer {
  length = 0
  private bytes = new Uint8Array(0)

  start(): void {
    this.length = 0
    if (this.bytes.length > MAX_KEPT_BYTES) this.bytes = new Uint8Array(0)
  }

  append(part: Uint8Array): void {
    this.reserve(part.length)
    this.bytes.set(part, this.length)
    this.length += part.length
  }

  /** The next `count` bytes, for the caller to write before anything else is appended. */
  take(count: number): Uint8Array {
    this.reserve(count)
    this.length += count
    return this.bytes.subarray(this.length - count, this.length)
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const grown = new Uint8Array(this.length + count + Math.min(this.length >> 1, MAX_SPARE_BYTES))
    grown.set(this.bytes.subarray(0, this.length))
    releaseBuffer(this.bytes.buffer)
    this.bytes = grown
  }

  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}

const MAX_KEPT_BYTES = 32 * 2 ** 20
const MAX_SPARE_BYTES = 2 ** 20
