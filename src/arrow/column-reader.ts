import type { Vector } from 'apache-arrow'
import type { Type, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { bitAt, fixedValues, offsetsOf, validityBitmap } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import { readDecimal } from './decimal-words.js'
import { textReader } from './text-reader.js'

/**
 * Reads single values of a primitive column in canonical layout, in the representation of {@link Value}; nulls as `null`. Bytes are copies.
 * @throws FloeError `UNSUPPORTED` for nested types, which have no single values.
 */
export function columnReader(chunk: Chunk, type: Type): (row: number) => Value {
  const read = presentReader(chunk, type)
  const validity = validityBitmap(chunk)
  if (validity === undefined) return read
  const offset = chunk.offset
  return (row) => (bitAt(validity, offset + row) ? read(row) : null)
}

/** As {@link columnReader} over a vector of any number of chunks. */
export function vectorReader(vector: Vector, type: Type): (row: number) => Value {
  const readers = (vector.data as Chunk[]).map((chunk) => ({ read: columnReader(chunk, type), length: chunk.length }))
  if (readers.length === 1) return readers[0]!.read
  return (row) => {
    let at = row
    for (const { read, length } of readers) {
      if (at < length) return read(at)
      at -= length
    }
    return null
  }
}

/** The values of a long, time or timestamp chunk without copying; what stands at null rows is arbitrary. */
export function longValues(chunk: Chunk): BigInt64Array {
  return fixedValues<BigInt64Array>(chunk).subarray(0, chunk.length)
}

/** The values of an int or date chunk without copying; what stands at null rows is arbitrary. */
export function intValues(chunk: Chunk): Int32Array {
  return fixedValues<Int32Array>(chunk).subarray(0, chunk.length)
}

/** Reads values that are known to be present. */
export function presentReader(chunk: Chunk, type: Type): (row: number) => Value {
  switch (type.kind) {
    case 'boolean': {
      const bits = fixedValues<Uint8Array>(chunk)
      const offset = chunk.offset
      return (row) => bitAt(bits, offset + row)
    }
    case 'decimal':
      return decimalReader(chunk)
    case 'string':
      return textReader(chunk)
    case 'uuid':
      return uuidReader(chunk)
    case 'fixed':
      return fixedBytesReader(chunk, type.length)
    case 'binary':
    case 'geometry':
    case 'geography':
      return bytesReader(chunk)
    case 'unknown':
      return () => null
    case 'struct':
    case 'list':
    case 'map':
    case 'variant':
      throw new FloeError('UNSUPPORTED', `a ${type.kind} column has no single values`)
    case 'int':
    case 'date':
      return intReader(fixedValues<Int32Array>(chunk))
    case 'float':
      return floatReader(fixedValues<Float32Array>(chunk))
    case 'double':
      return doubleReader(fixedValues<Float64Array>(chunk))
    default:
      return longReader(fixedValues<BigInt64Array>(chunk))
  }
}

// One function each: a shared one would see every array class, and be slow for all of them

function intReader(values: Int32Array): (row: number) => number {
  return (row) => values[row]!
}

function longReader(values: BigInt64Array): (row: number) => bigint {
  return (row) => values[row]!
}

function floatReader(values: Float32Array): (row: number) => number {
  return (row) => values[row]!
}

function doubleReader(values: Float64Array): (row: number) => number {
  return (row) => values[row]!
}

/** The unscaled values of a decimal chunk. */
export function decimalReader(chunk: Chunk): (row: number) => bigint {
  const words = fixedValues<Uint32Array>(chunk)
  if (words.byteOffset % 8 !== 0) return (row) => readDecimal(words, row * 4)
  const longs = new BigInt64Array(words.buffer, words.byteOffset, words.length >> 1)
  return (row) => {
    const sign = words[row * 4 + 1]! >> 31
    const narrow = (words[row * 4 + 2]! | 0) === sign && (words[row * 4 + 3]! | 0) === sign
    return narrow ? longs[row * 2]! : readDecimal(words, row * 4)
  }
}

const hexPairs: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Lower-case hexadecimal digits of some bytes. */
export function hexText(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let i = start; i < end; i++) text += hexPairs[bytes[i]!]!
  return text
}

/** Canonical lower-case UUIDs. */
export function uuidReader(chunk: Chunk): (row: number) => string {
  const bytes = fixedValues<Uint8Array>(chunk)
  return (row) => {
    const at = row * 16
    const time = `${hexText(bytes, at, at + 4)}-${hexText(bytes, at + 4, at + 6)}-${hexText(bytes, at + 6, at + 8)}`
    return `${time}-${hexText(bytes, at + 8, at + 10)}-${hexText(bytes, at + 10, at + 16)}`
  }
}

function fixedBytesReader(chunk: Chunk, length: number): (row: number) => Uint8Array {
  const bytes = fixedValues<Uint8Array>(chunk)
  return (row) => copyOf(bytes, row * length, (row + 1) * length)
}

function bytesReader(chunk: Chunk): (row: number) => Uint8Array {
  const bytes = fixedValues<Uint8Array>(chunk)
  const offsets = offsetsOf(chunk)
  return (row) => copyOf(bytes, offsets[row]!, offsets[row + 1]!)
}

/** A plain Uint8Array of its own, whatever class the buffer has. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start)
  copy.set(bytes.subarray(start, end))
  return copy
}
