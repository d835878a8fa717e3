import { FloeError } from './errors.js'
import { decodeUtf8 } from './utf8.js'

/**
 * A cursor over bytes that never reads past the end: every short read is a `CORRUPT` error that names `what`.
 * Multi-byte numbers are little-endian unless the method says otherwise.
 */
export class ByteReader {
  readonly bytes: Uint8Array
  /** Offset of the next byte in `bytes`. */
  position: number
  private readonly view: DataView
  private readonly what: string

  constructor(bytes: Uint8Array, what = 'input') {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.position = 0
    this.what = what
  }

  get remaining(): number {
    return this.bytes.length - this.position
  }

  /** Moves over `length` bytes and returns where they start. */
  skip(length: number): number {
    const start = this.position
    if (!(length >= 0 && length <= this.bytes.length - start)) {
      throw this.corrupt(`needs ${length} bytes at offset ${start}, but ${this.remaining} remain`)
    }
    this.position = start + length
    return start
  }

  /** A view, not a copy, of the next `length` bytes. */
  view8(length: number): Uint8Array {
    const start = this.skip(length)
    return this.bytes.subarray(start, start + length)
  }

  /** The next `length` bytes as UTF-8. */
  utf8(length: number): string {
    return decodeUtf8(this.view8(length))
  }

  u8(): number {
    return this.view.getUint8(this.skip(1))
  }

  u16(): number {
    return this.view.getUint16(this.skip(2), true)
  }

  u32(): number {
    return this.view.getUint32(this.skip(4), true)
  }

  i32(): number {
    return this.view.getInt32(this.skip(4), true)
  }

  u32BigEndian(): number {
    return this.view.getUint32(this.skip(4), false)
  }

  u64(): bigint {
    return this.view.getBigUint64(this.skip(8), true)
  }

  i64(): bigint {
    return this.view.getBigInt64(this.skip(8), true)
  }

  f32(): number {
    return this.view.getFloat32(this.skip(4), true)
  }

  f64(): number {
    return this.view.getFloat64(this.skip(8), true)
  }

  /** A base-128 varint of at most 64 bits, low group first. */
  varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.u8()
      value |= BigInt(byte & 127) << shift
      if (byte < 128) {
        if (value > 0xffff_ffff_ffff_ffffn) break
        return value
      }
    }
    throw this.corrupt(`has a varint of more than 64 bits before offset ${this.position}`)
  }

  /** A `CORRUPT` error about these bytes, for the caller to throw. */
  corrupt(problem: string): FloeError {
    return new FloeError('CORRUPT', `Corrupt ${this.what}: it ${problem}`)
  }
}
