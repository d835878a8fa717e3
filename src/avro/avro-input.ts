import { FloeError } from '../util/errors.js'
import { decodeUtf8 } from '../util/utf8.js'

/** Items of no bytes that one input may claim; more is an attack on time, not data. */
const EMPTY_ITEM_BUDGET = 1_000_000
const TWO_32 = 2 ** 32

/**
 * A cursor over Avro binary. Every read checks what remains; a failure is a `CORRUPT` error that names the file.
 *
 * Source: Avro specification › Binary Encoding
 */
export class AvroInput {
  readonly bytes: Uint8Array
  position: number
  /** Halves of the last {@link readLongHalves}: two's complement, low and high 32 bits. */
  low = 0
  high = 0
  readonly file: string | undefined
  /** Items of no bytes that this input may still claim; a reader of many inputs carries it from one to the next. */
  emptyItems: number
  private readonly view: DataView

  constructor(bytes: Uint8Array, file?: string, emptyItems = EMPTY_ITEM_BUDGET) {
    this.bytes = bytes
    this.position = 0
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.file = file
    this.emptyItems = emptyItems
  }

  get remaining(): number {
    return this.bytes.length - this.position
  }

  readBoolean(): boolean {
    const byte = this.bytes[this.take(1)]!
    if (byte > 1) throw this.corrupt(`has the boolean ${byte} at offset ${this.position - 1}`)
    return byte === 1
  }

  /** A zig-zag varint of 32 bits. */
  readInt(): number {
    const byte = this.bytes[this.position]
    if (byte !== undefined && byte < 128) {
      this.position++
      return (byte >>> 1) ^ -(byte & 1)
    }
    this.readLongHalves()
    if (this.high !== this.low >> 31) throw this.corrupt(`has an int of more than 32 bits before offset ${this.position}`)
    return this.low
  }

  /** A zig-zag varint of 64 bits, exact. */
  readLong(): bigint {
    this.readLongHalves()
    return this.high === this.low >> 31 ? BigInt(this.low) : (BigInt(this.high) << 32n) | BigInt(this.low >>> 0)
  }

  /** A zig-zag varint of 64 bits as a number where that is exact, else as a bigint. */
  readSafeLong(): number | bigint {
    this.readLongHalves()
    const value = this.high * TWO_32 + (this.low >>> 0)
    return Number.isSafeInteger(value) ? value : (BigInt(this.high) << 32n) | BigInt(this.low >>> 0)
  }

  /** A length or a count: not negative, and exact as a number. */
  readSize(): number {
    const byte = this.bytes[this.position]
    if (byte !== undefined && byte < 128 && (byte & 1) === 0) {
      this.position++
      return byte >>> 1
    }
    this.readLongHalves()
    const value = this.high * TWO_32 + (this.low >>> 0)
    if (this.high < 0 || !Number.isSafeInteger(value)) throw this.corrupt(`has a negative or absurd size before offset ${this.position}`)
    return value
  }

  /** Reads a zig-zag varint of 64 bits into {@link low} and {@link high}, without allocating. */
  readLongHalves(): void {
    const bytes = this.bytes
    let position = this.position
    let byte = bytes[position++]!
    let first = byte & 127
    for (let shift = 7; byte >= 128 && shift < 28; shift += 7) {
      byte = bytes[position++]!
      first |= (byte & 127) << shift
    }
    let second = 0
    let third = 0
    if (byte >= 128) {
      for (let shift = 0; byte >= 128 && shift < 28; shift += 7) {
        byte = bytes[position++]!
        second |= (byte & 127) << shift
      }
      if (byte >= 128) {
        byte = bytes[position++]!
        third = byte & 127
        if (byte >= 128) {
          byte = bytes[position++]!
          third |= (byte & 127) << 7
          if (byte > 1) throw this.corrupt(`has a varint of more than 64 bits at offset ${this.position}`)
        }
      }
    }
    if (position > bytes.length) throw this.corrupt(`ends inside a varint at offset ${this.position}`)
    this.position = position
    const unsignedLow = first | (second << 28)
    const unsignedHigh = (second >>> 4) | (third << 24)
    const sign = -(first & 1)
    this.low = ((unsignedLow >>> 1) | (unsignedHigh << 31)) ^ sign
    this.high = (unsignedHigh >>> 1) ^ sign
  }

  readFloat(): number {
    return this.view.getFloat32(this.take(4), true)
  }

  readDouble(): number {
    return this.view.getFloat64(this.take(8), true)
  }

  /** A view, not a copy, of the next `length` bytes. */
  readFixed(length: number): Uint8Array {
    const start = this.take(length)
    return this.bytes.subarray(start, start + length)
  }

  /** A view, not a copy, of length-prefixed bytes. */
  readBytes(): Uint8Array {
    return this.readFixed(this.readSize())
  }

  readString(): string {
    return decodeUtf8(this.readBytes())
  }

  /**
   * The item count of the next block of an array or map, 0 at its end. Items of `minItemBytes` each must fit what remains;
   * items that may take no bytes at all are charged to a budget.
   */
  readBlockCount(minItemBytes: number): number {
    this.readLongHalves()
    let count = this.high * TWO_32 + (this.low >>> 0)
    if (count < 0) {
      count = -count
      const size = this.readSize()
      if (size > this.remaining) throw this.corrupt(`has a block of ${size} bytes where ${this.remaining} remain`)
    }
    this.checkCount(count, minItemBytes)
    return count
  }

  /** Refuses `count` items of at least `minItemBytes` each that cannot be in what remains. */
  checkCount(count: number, minItemBytes: number): void {
    if (minItemBytes === 0) this.emptyItems -= count
    if (this.emptyItems < 0 || count * minItemBytes > this.remaining) {
      throw this.corrupt(`claims ${count} items at offset ${this.position}, where ${this.remaining} bytes remain`)
    }
  }

  /** Moves over `length` bytes and returns where they start. */
  take(length: number): number {
    const start = this.position
    if (length > this.bytes.length - start) throw this.corrupt(`needs ${length} bytes at offset ${start}, where ${this.remaining} remain`)
    this.position = start + length
    return start
  }

  /** A `CORRUPT` error about this input, for the caller to throw. */
  corrupt(problem: string): FloeError {
    return new FloeError('CORRUPT', `Corrupt Avro data: it ${problem}`, { file: this.file })
  }
}
