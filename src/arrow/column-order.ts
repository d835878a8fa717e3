import { compareFloats, compareValues } from '../schema/compare-values.js'
import type { Type, Value } from '../schema/type.js'
import { fixedValues, offsetsOf } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import { columnReader, intValues, longValues } from './column-reader.js'

/** Compares two rows of one batch: negative, zero or positive. */
export type CompareRows = (a: number, b: number) => number

/** A number for a row, never NaN: of two rows whose numbers differ, the one with the lesser comes first. */
export type RowKey = (row: number) => number

/**
 * The order of the values of a chunk that are not null, compared where they lie: text and bytes without decoding, 64-bit
 * integers without boxing. The same order as `schema/compare-values.ts`.
 * @throws FloeError `UNSUPPORTED` for types without order.
 */
export function columnOrder(chunk: Chunk, type: Type): { readonly compare: CompareRows; readonly key: RowKey } {
  switch (type.kind) {
    case 'int':
    case 'date': {
      const values = intValues(chunk)
      return { compare: (a, b) => values[a]! - values[b]!, key: (row) => values[row]! }
    }
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return longOrder(longValues(chunk))
    case 'float':
    case 'double': {
      const values = fixedValues<Float64Array>(chunk)
      const key: RowKey = (row) => (Number.isNaN(values[row]) ? Infinity : values[row]!)
      return { compare: (a, b) => compareFloats(values[a]!, values[b]!), key }
    }
    case 'string':
    case 'binary': {
      const offsets = offsetsOf(chunk)
      return bytesOrder(fixedValues<Uint8Array>(chunk), (row) => offsets[row]!)
    }
    case 'uuid':
    case 'fixed': {
      const width = chunk.stride
      return bytesOrder(fixedValues<Uint8Array>(chunk), (row) => row * width)
    }
    default: {
      const compare = compareValues(type)
      const read = columnReader(chunk, type)
      const values: readonly Value[] = Array.from({ length: chunk.length }, (_, row) => read(row))
      const numeric = type.kind === 'decimal' || type.kind === 'boolean'
      return { compare: (a, b) => compare(values[a]!, values[b]!), key: numeric ? (row) => Number(values[row]) : () => 0 }
    }
  }
}

function longOrder(values: BigInt64Array): { compare: CompareRows; key: RowKey } {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  return {
    compare: (a, b) => {
      const high = words[a * 2 + 1]! - words[b * 2 + 1]!
      return high === 0 ? (words[a * 2]! >>> 0) - (words[b * 2]! >>> 0) : high
    },
    // Rounding keeps the order; values that it makes equal are compared exactly
    key: (row) => words[row * 2 + 1]! * 4_294_967_296 + (words[row * 2]! >>> 0),
  }
}

/** As many bytes as a double holds. */
const keyBytes = 6

function bytesOrder(bytes: Uint8Array, startOf: (row: number) => number): { compare: CompareRows; key: RowKey } {
  const compare: CompareRows = (a, b) => {
    const startA = startOf(a)
    const startB = startOf(b)
    const lengthA = startOf(a + 1) - startA
    const lengthB = startOf(b + 1) - startB
    const length = Math.min(lengthA, lengthB)
    for (let i = 0; i < length; i++) {
      const difference = bytes[startA + i]! - bytes[startB + i]!
      if (difference !== 0) return difference
    }
    return lengthA - lengthB
  }
  const key: RowKey = (row) => {
    const start = startOf(row)
    const end = Math.min(startOf(row + 1), start + keyBytes)
    let prefix = 0
    for (let i = 0; i < keyBytes; i++) prefix = prefix * 256 + (start + i < end ? bytes[start + i]! : 0)
    return prefix
  }
  return { compare, key }
}
