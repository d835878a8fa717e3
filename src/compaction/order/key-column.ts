import { bitAt, fixedValues, offsetsOf, validityBitmap } from '../../arrow/arrow-data.js'
import type { Chunk } from '../../arrow/arrow-data.js'
import { columnReader } from '../../arrow/column-reader.js'
import { printTypeName } from '../../schema/type-name.js'
import type { Type, Value } from '../../schema/type.js'
import type { Transform } from '../../partition/transform.js'
import { FloeError } from '../../util/errors.js'
import { wholeColumn } from '../../write/partition-rows.js'

/**
 * A column in a form whose order is that of unsigned numbers, or of unsigned bytes; the same order as `schema/compare-values.ts`.
 * What stands at null rows is arbitrary.
 */
export type KeyColumn = WordColumn | ByteColumn

/** Values of one width: for each row `bits` bits, in 32-bit words from the most significant on; the last word is padded below. */
export interface WordColumn {
  readonly words: readonly Uint32Array[]
  readonly bits: number
}

/** Values of any length: row `i` is `bytes[starts[i], ends[i])`. */
export interface ByteColumn {
  readonly bytes: Uint8Array
  readonly starts: Int32Array
  readonly ends: Int32Array
}

/** How a column is turned into a {@link KeyColumn}; the layout is that of every chunk. */
export interface KeyColumnReader {
  /** Of each row, in words; undefined for bytes of any length. */
  readonly bits: number | undefined
  read(chunk: Chunk): KeyColumn
}

const SIGN = 0x8000_0000

/**
 * Reads columns of a type, under a transform.
 * @throws FloeError `UNSUPPORTED` for types without order
 */
export function keyColumnReader(type: Type, transform: Transform): KeyColumnReader {
  if (transform.kind === 'identity') return typeReader(type)
  if (transform.kind === 'void') return { bits: 0, read: () => ({ words: [], bits: 0 }) }
  const ints = wholeColumn(transform, type)
  if (ints !== undefined) {
    const bits = transform.kind === 'bucket' ? 32 - Math.clz32(transform.parameter! - 1) : 32
    return { bits, read: (chunk) => (transform.kind === 'bucket' ? bucketWords(ints(chunk), bits) : intWords(ints(chunk))) }
  }
  if (transform.kind === 'truncate' && (type.kind === 'string' || type.kind === 'binary')) return truncateReader(transform.parameter!, type)
  return transformReader(type, transform)
}

/** Whether a row of a chunk is null; undefined when none is. */
export function nullTest(chunk: Chunk): ((row: number) => boolean) | undefined {
  const validity = validityBitmap(chunk)
  return validity === undefined ? undefined : (row) => !bitAt(validity, chunk.offset + row)
}

function typeReader(type: Type): KeyColumnReader {
  switch (type.kind) {
    case 'unknown':
      return { bits: 0, read: () => ({ words: [], bits: 0 }) }
    case 'boolean':
      return { bits: 1, read: booleanWords }
    case 'int':
    case 'date':
      return { bits: 32, read: (chunk) => intWords(fixedValues<Int32Array>(chunk).subarray(0, chunk.length)) }
    case 'float':
      return { bits: 32, read: floatWords }
    case 'double':
      return { bits: 64, read: doubleWords }
    case 'decimal':
      return signedReader(4, type.precision <= 18 ? 2 : 4)
    case 'uuid':
      return fixedReader(16)
    case 'fixed':
      return fixedReader(type.length)
    case 'string':
    case 'binary':
      return { bits: undefined, read: byteColumn }
    case 'geometry':
    case 'geography':
    case 'variant':
    case 'struct':
    case 'list':
    case 'map':
      throw new FloeError('UNSUPPORTED', `Values of type ${printTypeName(type)} have no order`)
    default:
      return signedReader(2, 2)
  }
}

function intWords(values: Int32Array): WordColumn {
  const words = new Uint32Array(values.length)
  for (let row = 0; row < words.length; row++) words[row] = values[row]! ^ SIGN
  return { words: [words], bits: 32 }
}

/** Buckets are small and not negative: only the bits that tell them apart, at the top of the word. */
function bucketWords(values: Int32Array, bits: number): WordColumn {
  if (bits === 0) return { words: [], bits }
  const words = new Uint32Array(values.length)
  for (let row = 0; row < words.length; row++) words[row] = values[row]! << (32 - bits)
  return { words: [words], bits }
}

function booleanWords(chunk: Chunk): WordColumn {
  const bits = fixedValues<Uint8Array>(chunk)
  const words = new Uint32Array(chunk.length)
  for (let row = 0; row < words.length; row++) words[row] = bitAt(bits, chunk.offset + row) ? SIGN : 0
  return { words: [words], bits: 1 }
}

function signedReader(stride: number, taken: number): KeyColumnReader {
  return { bits: taken * 32, read: (chunk) => signedWords(chunk, stride, taken) }
}

/** The low `taken` of `stride` little-endian words of each value, as a signed number. */
function signedWords(chunk: Chunk, stride: number, taken: number): WordColumn {
  const values = fixedValues(chunk)
  const source = new Uint32Array(values.buffer, values.byteOffset, chunk.length * stride)
  const words = Array.from({ length: taken }, (_, word) => {
    const target = new Uint32Array(chunk.length)
    const flip = word === 0 ? SIGN : 0
    for (let row = 0, at = taken - 1 - word; row < target.length; row++, at += stride) target[row] = source[at]! ^ flip
    return target
  })
  return { words, bits: taken * 32 }
}

// Spec: Sorting. The total order of IEEE 754, but that all NaN are equal and last
function floatWords(chunk: Chunk): WordColumn {
  const values = fixedValues(chunk)
  const source = new Uint32Array(values.buffer, values.byteOffset, chunk.length)
  const words = new Uint32Array(chunk.length)
  for (let row = 0; row < words.length; row++) {
    const bits = source[row]!
    if ((bits & 0x7fff_ffff) > 0x7f80_0000) words[row] = 0xffff_ffff
    else words[row] = bits >= SIGN ? ~bits : bits ^ SIGN
  }
  return { words: [words], bits: 32 }
}

function doubleWords(chunk: Chunk): WordColumn {
  const values = fixedValues(chunk)
  const source = new Uint32Array(values.buffer, values.byteOffset, chunk.length * 2)
  const high = new Uint32Array(chunk.length)
  const low = new Uint32Array(chunk.length)
  for (let row = 0; row < high.length; row++) {
    const lowBits = source[row * 2]!
    const highBits = source[row * 2 + 1]!
    const magnitude = highBits & 0x7fff_ffff
    if (magnitude > 0x7ff0_0000 || (magnitude === 0x7ff0_0000 && lowBits !== 0)) high[row] = low[row] = 0xffff_ffff
    else if (highBits >= SIGN) {
      high[row] = ~highBits
      low[row] = ~lowBits
    } else {
      high[row] = highBits ^ SIGN
      low[row] = lowBits
    }
  }
  return { words: [high, low], bits: 64 }
}

/** Longer values are read as bytes: words for all would cost more than they save. */
const WIDEST_FIXED = 16

function fixedReader(width: number): KeyColumnReader {
  if (width > WIDEST_FIXED) return { bits: undefined, read: (chunk) => fixedBytes(chunk, width) }
  return { bits: width * 8, read: (chunk) => fixedWords(chunk, width) }
}

function fixedBytes(chunk: Chunk, width: number): ByteColumn {
  const starts = Int32Array.from({ length: chunk.length }, (_, row) => row * width)
  return { bytes: fixedValues<Uint8Array>(chunk), starts, ends: starts.map((start) => start + width) }
}

function fixedWords(chunk: Chunk, width: number): WordColumn {
  const bytes = fixedValues<Uint8Array>(chunk)
  const words = Array.from({ length: Math.ceil(width / 4) }, (_, word) => {
    const target = new Uint32Array(chunk.length)
    const first = word * 4
    const last = Math.min(first + 4, width)
    for (let row = 0; row < target.length; row++) {
      let value = 0
      for (let i = first; i < last; i++) value |= bytes[row * width + i]! << (24 - (i - first) * 8)
      target[row] = value
    }
    return target
  })
  return { words, bits: width * 8 }
}

function byteColumn(chunk: Chunk): ByteColumn {
  const offsets = offsetsOf(chunk)
  return { bytes: fixedValues<Uint8Array>(chunk), starts: offsets.subarray(0, chunk.length), ends: offsets.subarray(1, chunk.length + 1) }
}

/** What `truncate` leaves of text and bytes is a prefix: nothing is decoded or copied. */
function truncateReader(width: number, type: Type): KeyColumnReader {
  const isText = type.kind === 'string'
  const read = (chunk: Chunk): ByteColumn => {
    const { bytes, starts, ends } = byteColumn(chunk)
    const cut = Int32Array.from(ends, (end, row) => {
      const start = starts[row]!
      return isText ? endOfText(bytes, start, end, width) : Math.min(end, start + width)
    })
    return { bytes, starts, ends: cut }
  }
  return { bits: undefined, read }
}

function endOfText(bytes: Uint8Array, start: number, end: number, points: number): number {
  if (end - start <= points) return end
  let at = start
  for (let count = 0; at < end; at++) {
    // Each byte but 10xxxxxx begins a code point
    if ((bytes[at]! & 0xc0) !== 0x80 && count++ === points) return at
  }
  return end
}

/** Value by value: for transforms that have no form over whole columns. */
function transformReader(type: Type, transform: Transform): KeyColumnReader {
  const result = transform.resultType(type)
  const count = result.kind === 'decimal' ? 4 : result.kind === 'long' ? 2 : 1
  const apply = transform.apply(type)
  const read = (chunk: Chunk): WordColumn => {
    const readValue = columnReader(chunk, type)
    const words = Array.from({ length: count }, () => new Uint32Array(chunk.length))
    for (let row = 0; row < chunk.length; row++) writeInteger(words, row, apply(readValue(row)))
    return { words, bits: count * 32 }
  }
  return { bits: count * 32, read }
}

function writeInteger(words: readonly Uint32Array[], row: number, value: Value): void {
  if (value === null) return
  if (typeof value === 'number') words[0]![row] = value ^ SIGN
  else {
    let rest = value as bigint
    for (let word = words.length - 1; word >= 0; word--) {
      words[word]![row] = Number(BigInt.asUintN(32, rest)) ^ (word === 0 ? SIGN : 0)
      rest >>= 32n
    }
  }
}
