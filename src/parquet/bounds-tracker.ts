import { bitAt, fixedValues, offsetsOf } from '../arrow/arrow-data.js'
import type { Chunk } from '../arrow/arrow-data.js'
import type { Type, Value } from '../schema/type.js'
import { decodeUtf8 } from '../util/utf8.js'

/** Finds the least and the greatest of a column's values, in place. */
export interface BoundsTracker {
  /** Takes rows `from` up to `to` of a chunk, all of them present. */
  add(chunk: Chunk, from: number, to: number): void
  /** Undefined when no comparable value came by. */
  bounds(): { readonly lower: Value; readonly upper: Value } | undefined
  readonly nanCount: number
}

/** Undefined for types whose values have no order, or none that bounds use. */
export function boundsTracker(type: Type): BoundsTracker | undefined {
  switch (type.kind) {
    case 'boolean':
      return new BooleanBounds()
    case 'int':
    case 'date':
      return new Int32Bounds()
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return new WideBounds(2)
    case 'decimal':
      return new WideBounds(4)
    case 'float':
    case 'double':
      return new FloatBounds()
    case 'string':
      return new BytesBounds(decodeUtf8, undefined)
    case 'binary':
      return new BytesBounds((bytes) => bytes, undefined)
    case 'fixed':
      return new BytesBounds((bytes) => bytes, type.length)
    case 'uuid':
      return new BytesBounds(uuidText, 16)
    default:
      return undefined
  }
}

class BooleanBounds implements BoundsTracker {
  readonly nanCount = 0
  private hasFalse = false
  private hasTrue = false

  add(chunk: Chunk, from: number, to: number): void {
    const bits = fixedValues<Uint8Array>(chunk)
    for (let i = from; i < to && !(this.hasFalse && this.hasTrue); i++) {
      if (bitAt(bits, chunk.offset + i)) this.hasTrue = true
      else this.hasFalse = true
    }
  }

  bounds(): { lower: Value; upper: Value } | undefined {
    return this.hasFalse || this.hasTrue ? { lower: !this.hasFalse, upper: this.hasTrue } : undefined
  }
}

class Int32Bounds implements BoundsTracker {
  readonly nanCount = 0
  private lower = Infinity
  private upper = -Infinity

  add(chunk: Chunk, from: number, to: number): void {
    const values = fixedValues<Int32Array>(chunk)
    let { lower, upper } = this
    for (let i = from; i < to; i++) {
      const value = values[i]!
      if (value < lower) lower = value
      if (value > upper) upper = value
    }
    this.lower = lower
    this.upper = upper
  }

  bounds(): { lower: Value; upper: Value } | undefined {
    return this.lower <= this.upper ? { lower: this.lower, upper: this.upper } : undefined
  }
}

/** Two's-complement integers of several little-endian 32-bit words; bigints are made for the bounds only. */
class WideBounds implements BoundsTracker {
  readonly nanCount = 0
  private readonly width: number
  private readonly lower: Int32Array
  private readonly upper: Int32Array
  private isEmpty = true

  constructor(width: number) {
    this.width = width
    this.lower = new Int32Array(width)
    this.upper = new Int32Array(width)
  }

  add(chunk: Chunk, from: number, to: number): void {
    const { width, lower, upper } = this
    const values = fixedValues(chunk)
    const words = new Int32Array(values.buffer, values.byteOffset, values.byteLength >> 2)
    const top = width - 1
    for (let i = from; i < to; i++) {
      const at = i * width
      const high = words[at + top]!
      if (this.isEmpty) {
        for (let word = 0; word < width; word++) lower[word] = upper[word] = words[at + word]!
        this.isEmpty = false
      } else if (high < lower[top]! || (high === lower[top]! && isBelow(words, at, lower, width))) {
        for (let word = 0; word < width; word++) lower[word] = words[at + word]!
      } else if (high > upper[top]! || (high === upper[top]! && isAbove(words, at, upper, width))) {
        for (let word = 0; word < width; word++) upper[word] = words[at + word]!
      }
    }
  }

  bounds(): { lower: Value; upper: Value } | undefined {
    return this.isEmpty ? undefined : { lower: bigintOf(this.lower), upper: bigintOf(this.upper) }
  }
}

/** Whether the words below the top one are less than the bound's. */
function isBelow(words: Int32Array, at: number, bound: Int32Array, width: number): boolean {
  for (let word = width - 2; word >= 0; word--) {
    const value = words[at + word]! >>> 0
    const limit = bound[word]! >>> 0
    if (value !== limit) return value < limit
  }
  return false
}

function isAbove(words: Int32Array, at: number, bound: Int32Array, width: number): boolean {
  for (let word = width - 2; word >= 0; word--) {
    const value = words[at + word]! >>> 0
    const limit = bound[word]! >>> 0
    if (value !== limit) return value > limit
  }
  return false
}

function bigintOf(words: Int32Array): bigint {
  let value = BigInt(words[words.length - 1]!)
  for (let word = words.length - 2; word >= 0; word--) value = (value << 32n) | BigInt(words[word]! >>> 0)
  return value
}

/** NaN is never a bound, and −0.0 lies below 0.0. */
// Spec: Manifests › Data File Fields, notes on -0.0 and NaN
class FloatBounds implements BoundsTracker {
  nanCount = 0
  private hasValues = false
  private lower = Infinity
  private upper = -Infinity

  add(chunk: Chunk, from: number, to: number): void {
    const values = fixedValues<Float64Array>(chunk)
    let { lower, upper } = this
    let nans = 0
    for (let i = from; i < to; i++) {
      const value = values[i]!
      if (value < lower) lower = value
      if (value > upper) upper = value
      if (value !== value) nans++
    }
    this.nanCount += nans
    this.hasValues ||= nans < to - from
    // Comparison does not tell the zeros apart
    if (lower === 0 && hasZero(values, from, to, -0)) lower = -0
    if (upper === 0 && hasZero(values, from, to, 0)) upper = 0
    this.lower = lower
    this.upper = upper
  }

  bounds(): { lower: Value; upper: Value } | undefined {
    return this.hasValues ? { lower: this.lower, upper: this.upper } : undefined
  }
}

function hasZero(values: Float64Array, from: number, to: number, zero: number): boolean {
  for (let i = from; i < to; i++) if (Object.is(values[i], zero)) return true
  return false
}

/** Byte strings in unsigned order, which is code-point order for UTF-8. */
class BytesBounds implements BoundsTracker {
  readonly nanCount = 0
  private readonly valueOf: (bytes: Uint8Array) => Value
  /** Of fixed-size values. */
  private readonly width: number | undefined
  private lower: Uint8Array | undefined
  private upper: Uint8Array | undefined
  private lowerPrefix = 0
  private upperPrefix = 0

  constructor(valueOf: (bytes: Uint8Array) => Value, width: number | undefined) {
    this.valueOf = valueOf
    this.width = width
  }

  add(chunk: Chunk, from: number, to: number): void {
    const bytes = fixedValues<Uint8Array>(chunk)
    const { width } = this
    const offsets = width === undefined ? offsetsOf(chunk) : undefined
    for (let i = from; i < to; i++) {
      const start = offsets === undefined ? i * width! : offsets[i]!
      this.addOne(bytes, start, offsets === undefined ? start + width! : offsets[i + 1]!)
    }
  }

  bounds(): { lower: Value; upper: Value } | undefined {
    return this.lower === undefined ? undefined : { lower: this.valueOf(this.lower), upper: this.valueOf(this.upper!) }
  }

  private addOne(bytes: Uint8Array, start: number, end: number): void {
    const prefix = prefixOf(bytes, start, end)
    if (this.lower === undefined) {
      this.lower = this.upper = bytes.slice(start, end)
      this.lowerPrefix = this.upperPrefix = prefix
    } else if (prefix < this.lowerPrefix || (prefix === this.lowerPrefix && compareSlice(bytes, start, end, this.lower) < 0)) {
      this.lower = bytes.slice(start, end)
      this.lowerPrefix = prefix
    } else if (prefix > this.upperPrefix || (prefix === this.upperPrefix && compareSlice(bytes, start, end, this.upper!) > 0)) {
      this.upper = bytes.slice(start, end)
      this.upperPrefix = prefix
    }
  }
}

/** The first four bytes as a number, zeros where the value is shorter: most comparisons end here. */
function prefixOf(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= 4) return ((bytes[start]! << 24) | (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!) >>> 0
  let prefix = 0
  for (let i = 0; i < 4; i++) prefix = prefix * 256 + (start + i < end ? bytes[start + i]! : 0)
  return prefix
}

function compareSlice(bytes: Uint8Array, start: number, end: number, other: Uint8Array): number {
  const length = Math.min(end - start, other.length)
  for (let i = 0; i < length; i++) {
    const difference = bytes[start + i]! - other[i]!
    if (difference !== 0) return difference
  }
  return end - start - other.length
}

function uuidText(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
