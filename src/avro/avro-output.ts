import { encodeUtf8 } from '../util/utf8.js'

const TWO_28 = 2 ** 28
const SHORT_BYTES = 32

/** Avro binary that grows as it is written. Source: Avro specification › Binary Encoding */
export class AvroOutput {
  /** How many bytes were written. */
  length = 0
  private buffer = new Uint8Array(1 << 12)
  private view = new DataView(this.buffer.buffer)

  writeBoolean(value: boolean): void {
    const at = this.reserve(1)
    this.buffer[at] = value ? 1 : 0
  }

  /** `value` must be a 32-bit integer. */
  writeInt(value: number): void {
    if (value >= -64 && value < 64 && this.length < this.buffer.length) {
      this.buffer[this.length++] = (value << 1) ^ (value >> 31)
      return
    }
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    let at = this.reserve(5)
    while (rest > 127) {
      this.buffer[at++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.buffer[at++] = rest
    this.length = at
  }

  /** `value` must be a safe integer, or a bigint of 64 bits. */
  writeLong(value: number | bigint): void {
    if (typeof value === 'bigint') this.writeBigLong(value)
    else if (value >= -0x4000_0000 && value < 0x4000_0000) this.writeInt(value)
    else if (value >= -(2 ** 52) && value < 2 ** 52) this.writeWideLong(value < 0 ? -2 * value - 1 : 2 * value)
    else this.writeBigLong(BigInt(value))
  }

  writeFloat(value: number): void {
    const at = this.reserve(4)
    this.view.setFloat32(at, value, true)
  }

  writeDouble(value: number): void {
    const at = this.reserve(8)
    this.view.setFloat64(at, value, true)
  }

  /** The bytes themselves, with no length before them. */
  writeFixed(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.buffer.set(bytes, at)
  }

  writeBytes(bytes: Uint8Array): void {
    this.writeLong(bytes.length)
    if (bytes.length > SHORT_BYTES) return this.writeFixed(bytes)
    // A bulk copy costs more to start than a few bytes cost one by one.
    const at = this.reserve(bytes.length)
    const buffer = this.buffer
    for (let i = 0; i < bytes.length; i++) buffer[at + i] = bytes[i]!
  }

  writeString(text: string): void {
    this.writeBytes(encodeUtf8(text))
  }

  /** A view of what was written so far; the next write may detach it. */
  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length)
  }

  /** Forgets what was written after `length`, and keeps the capacity. */
  truncate(length: number): void {
    this.length = length
  }

  /** `unsigned` is a non-negative safe integer, already zig-zagged. */
  private writeWideLong(unsigned: number): void {
    let at = this.reserve(10)
    let rest = unsigned
    while (rest >= TWO_28) {
      this.buffer[at++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    while (rest > 127) {
      this.buffer[at++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.buffer[at++] = rest
    this.length = at
  }

  private writeBigLong(value: bigint): void {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    let at = this.reserve(10)
    while (rest > 127n) {
      this.buffer[at++] = Number(rest & 127n) | 128
      rest >>= 7n
    }
    this.buffer[at++] = Number(rest)
    this.length = at
  }

  private reserve(count: number): number {
    const start = this.length
    if (start + count > this.buffer.length) {
      const grown = new Uint8Array(Math.max(start + count, this.buffer.length * 2))
      grown.set(this.buffer.subarray(0, start))
      this.buffer = grown
      this.view = new DataView(grown.buffer)
    }
    this.length = start + count
    return start
  }
}
