import { releaseBuffer } from './release-buffer.js'

/** The four bytes of an unsigned number, lowest first. */
export function littleEndian32(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24)
}

/** One array with the bytes of all. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

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
