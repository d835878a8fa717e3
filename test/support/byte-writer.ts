import { encodeUtf8 } from '../../src/util/utf8.js'

/** Bytes that grow as they are written. Multi-byte numbers are little-endian unless the method says otherwise. */
export class ByteWriter {
  /** How many bytes were written. */
  length = 0
  private buffer: Uint8Array
  private view: DataView

  constructor(initialCapacity = 256) {
    this.buffer = new Uint8Array(initialCapacity)
    this.view = new DataView(this.buffer.buffer)
  }

  /** Makes room for `count` bytes, moves over them and returns where they start. */
  reserve(count: number): number {
    const start = this.length
    const needed = start + count
    if (needed > this.buffer.length) this.grow(needed)
    this.length = needed
    return start
  }

  u8(value: number): void {
    const start = this.reserve(1)
    this.buffer[start] = value
  }

  u16(value: number): void {
    const start = this.reserve(2)
    this.view.setUint16(start, value, true)
  }

  u32(value: number): void {
    const start = this.reserve(4)
    this.view.setUint32(start, value, true)
  }

  u32BigEndian(value: number): void {
    const start = this.reserve(4)
    this.view.setUint32(start, value, false)
  }

  i32(value: number): void {
    const start = this.reserve(4)
    this.view.setInt32(start, value, true)
  }

  /** The low 64 bits of `value`. */
  u64(value: bigint): void {
    const start = this.reserve(8)
    this.view.setBigUint64(start, value, true)
  }

  f32(value: number): void {
    const start = this.reserve(4)
    this.view.setFloat32(start, value, true)
  }

  f64(value: number): void {
    const start = this.reserve(8)
    this.view.setFloat64(start, value, true)
  }

  /** The bytes themselves, with no length before them. */
  raw(bytes: Uint8Array): void {
    const start = this.reserve(bytes.length)
    this.buffer.set(bytes, start)
  }

  /** The UTF-8 form of `text`, with no length before it. */
  utf8(text: string): void {
    this.raw(encodeUtf8(text))
  }

  /** A base-128 varint of a non-negative `value` of at most 64 bits, low group first. */
  varint(value: bigint): void {
    let rest = value
    while (rest > 127n) {
      this.u8(Number(rest & 127n) | 128)
      rest >>= 7n
    }
    this.u8(Number(rest))
  }

  /** A view of what was written so far; the next write may detach it from the writer. */
  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length)
  }

  /** A copy of what was written so far, with no spare capacity behind it. */
  toBytes(): Uint8Array {
    return this.buffer.slice(0, this.length)
  }

  /** Forgets what was written and keeps the capacity. */
  clear(): void {
    this.length = 0
  }

  private grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2))
    grown.set(this.buffer.subarray(0, this.length))
    this.buffer = grown
    this.view = new DataView(grown.buffer)
  }
}
