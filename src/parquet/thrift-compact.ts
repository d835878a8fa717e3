import { FloeError } from '../util/errors.js'
import { decodeUtf8, encodeUtf8 } from '../util/utf8.js'

/**
 * The Thrift compact protocol, as far as Parquet uses it. Every declared length is checked against the bytes that remain
 * before anything is allocated, and nesting is capped, so hostile input costs no more than its size.
 * Source: thrift/doc/specs/thrift-compact-protocol.md
 */

/** Wire type numbers of struct fields and list elements. */
export const wire = {
  stop: 0,
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
} as const

const MAX_DEPTH = 32

/** A cursor over compact-protocol bytes. */
export class ThriftReader {
  position: number
  private readonly bytes: Uint8Array
  private depth = 0

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = bytes
    this.position = position
  }

  remaining(): number {
    return this.bytes.length - this.position
  }

  byte(): number {
    if (this.position >= this.bytes.length) throw corrupt('ends in the middle of a value')
    return this.bytes[this.position++]!
  }

  /** An unsigned varint of at most 32 bits. */
  varint32(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break
        return value
      }
    }
    throw corrupt('has a 32-bit number that is too long')
  }

  i32(): number {
    const raw = this.varint32()
    return (raw >>> 1) ^ -(raw & 1)
  }

  /** A 64-bit integer that is exact as a number; beyond 2^53 nothing in a Parquet footer is valid. */
  i64(): number {
    let low = 0
    let high = 0
    for (let index = 0; index < 10; index++) {
      const byte = this.byte()
      const bits = byte & 0x7f
      if (index < 4) low += bits * 2 ** (7 * index)
      else high += bits * 2 ** (7 * (index - 4))
      if (byte >= 0x80) continue
      // The zig-zag sign is the lowest bit: an even value is twice the number, an odd one is minus (number + 1)
      const negative = low % 2 === 1
      const magnitude = (low - (negative ? 1 : 0)) / 2 + high * 2 ** 27
      if (magnitude > Number.MAX_SAFE_INTEGER - 1) throw corrupt(`has the number ${magnitude}, which is out of range`)
      return negative ? -magnitude - 1 : magnitude
    }
    throw corrupt('has a 64-bit number that is too long')
  }

  /** A view of the next length-prefixed bytes. */
  binary(): Uint8Array {
    const length = this.varint32()
    if (length > this.remaining()) throw corrupt(`declares ${length} bytes where ${this.remaining()} remain`)
    this.position += length
    return this.bytes.subarray(this.position - length, this.position)
  }

  string(): string {
    return decodeUtf8(this.binary())
  }

  /** The element count of a list and its wire type. Each element must take at least `minBytes`. */
  listHeader(minBytes = 1): { readonly size: number; readonly type: number } {
    const header = this.byte()
    const size = header >> 4 === 15 ? this.varint32() : header >> 4
    if (size * minBytes > this.remaining()) throw corrupt(`declares a list of ${size} elements where ${this.remaining()} bytes remain`)
    return { size, type: header & 15 }
  }

  /** Calls `visit` for each field of a struct; a field that it does not consume (returns false) is skipped. */
  struct(visit: (id: number, type: number) => boolean): void {
    if (++this.depth > MAX_DEPTH) throw corrupt('is nested too deeply')
    let id = 0
    for (;;) {
      const header = this.byte()
      const type = header & 15
      if (type === wire.stop) break
      id = header >> 4 === 0 ? this.i32() : id + (header >> 4)
      if (!visit(id, type)) this.skip(type)
    }
    this.depth--
  }

  skip(type: number): void {
    if (type === wire.true || type === wire.false) return
    if (type === wire.byte) this.byte()
    else if (type === wire.i16 || type === wire.i32 || type === wire.i64) this.skipVarint()
    else if (type === wire.double) this.advance(8)
    else if (type === wire.binary) this.binary()
    else if (type === wire.list || type === wire.set) this.skipList()
    else if (type === wire.map) this.skipMap()
    else if (type === wire.struct) this.struct(() => false)
    else throw corrupt(`has a value of the unknown wire type ${type}`)
  }

  private skipVarint(): void {
    for (let index = 0; index < 10; index++) if (this.byte() < 0x80) return
    throw corrupt('has a number that is too long')
  }

  private advance(count: number): void {
    if (count > this.remaining()) throw corrupt('ends in the middle of a value')
    this.position += count
  }

  private skipList(): void {
    const { size, type } = this.listHeader()
    this.nested(() => {
      for (let i = 0; i < size; i++) this.skipElement(type)
    })
  }

  private skipMap(): void {
    const size = this.varint32()
    if (size === 0) return
    if (size * 2 > this.remaining()) throw corrupt(`declares a map of ${size} entries where ${this.remaining()} bytes remain`)
    const types = this.byte()
    this.nested(() => {
      for (let i = 0; i < size; i++) {
        this.skipElement(types >> 4)
        this.skipElement(types & 15)
      }
    })
  }

  /** A boolean that is an element takes a byte; as a struct field it is in the header. */
  private skipElement(type: number): void {
    if (type === wire.true || type === wire.false) this.byte()
    else this.skip(type)
  }

  private nested(run: () => void): void {
    if (++this.depth > MAX_DEPTH) throw corrupt('is nested too deeply')
    run()
    this.depth--
  }
}

/** Appends compact-protocol bytes to a growing buffer. */
export class ThriftWriter {
  private bytes = new Uint8Array(1024)
  private length = 0

  finish(): Uint8Array {
    return this.bytes.slice(0, this.length)
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  varint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.byte(rest)
  }

  i32(value: number): void {
    this.varint(((value << 1) ^ (value >> 31)) >>> 0)
  }

  /** A safe integer. */
  i64(value: number): void {
    if (Math.abs(value) < 2 ** 51) return this.varint(value < 0 ? -value * 2 - 1 : value * 2)
    let rest = value < 0 ? -BigInt(value) * 2n - 1n : BigInt(value) * 2n
    while (rest >= 0x80n) {
      this.byte(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    this.byte(Number(rest))
  }

  binary(value: Uint8Array): void {
    this.varint(value.length)
    this.reserve(value.length)
    this.bytes.set(value, this.length)
    this.length += value.length
  }

  string(value: string): void {
    this.binary(encodeUtf8(value))
  }

  listHeader(size: number, type: number): void {
    if (size < 15) return this.byte((size << 4) | type)
    this.byte(0xf0 | type)
    this.varint(size)
  }

  fieldHeader(id: number, previousId: number, type: number): void {
    const delta = id - previousId
    if (delta > 0 && delta <= 15) return this.byte((delta << 4) | type)
    this.byte(type)
    this.i32(id)
  }

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
}

/** The error of malformed metadata; the file is named by whoever catches it. */
export function corrupt(problem: string): FloeError {
  return new FloeError('CORRUPT', `the Parquet metadata ${problem}`)
}
