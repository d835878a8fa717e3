import type { Type, Value } from '../schema/type.js'
import { xxhash64, xxhash64OfInt, xxhash64OfLong } from '../util/xxhash64.js'
import type { Halves } from '../util/xxhash64.js'
import { physicalType } from './file-metadata.js'
import type { LogicalType, SchemaElement } from './file-metadata.js'
import { logicalOfConverted } from './leaf-annotation.js'

/** What is no text, such as half of a surrogate pair, is in no column: any hash will do. */
const encoder = new TextEncoder()

/**
 * The hashes that a filter of a file's column has for a value: of its plain encoding, without the length. Two where a zero
 * may have either sign, none where no value of the column can equal it; undefined where the filter cannot tell.
 */
// Source: parquet-format/BloomFilter.md, Encodings.md › Plain; the reference's `ParquetBloomRowGroupFilter`
export function bloomHashes(type: Type, value: Value, element: SchemaElement): readonly Halves[] | undefined {
  const logical = element.logicalType ?? logicalOfConverted(element)
  switch (element.type) {
    case physicalType.int32:
      return int32Hashes(type, value, logical)
    case physicalType.int64:
      return int64Hashes(type, value, logical)
    case physicalType.float:
    case physicalType.double:
      return type.kind === 'float' || type.kind === 'double' ? floatHashes(value as number, element.type) : undefined
    case physicalType.byteArray:
      if (type.kind === 'string' && logical?.decimal === undefined) return [hashOf(encoder.encode(value as string))]
      return type.kind === 'binary' && logical?.decimal === undefined ? [hashOf(value as Uint8Array)] : undefined
    case physicalType.fixedLenByteArray:
      return fixedHashes(type, value, element, logical)
    default:
      return undefined
  }
}

function int32Hashes(type: Type, value: Value, logical: LogicalType | undefined): readonly Halves[] | undefined {
  const isInt = (type.kind === 'int' || type.kind === 'long') && isSigned(logical)
  const isDate = type.kind === 'date' && logical?.date !== undefined
  if (!isInt && !isDate && !isDecimal(type, logical)) return undefined
  const number = BigInt(value as number | bigint)
  return BigInt.asIntN(32, number) === number ? [hashOfInt(Number(number))] : []
}

function int64Hashes(type: Type, value: Value, logical: LogicalType | undefined): readonly Halves[] | undefined {
  if (!isStoredAsLong(type, logical)) return undefined
  const number = value as bigint
  return BigInt.asIntN(64, number) === number ? [hashOfLong(number)] : []
}

function isStoredAsLong(type: Type, logical: LogicalType | undefined): boolean {
  switch (type.kind) {
    case 'long':
      return isSigned(logical)
    case 'time':
      return logical?.time?.unit.micros !== undefined
    case 'timestamp':
    case 'timestamptz':
      return logical?.timestamp?.unit.micros !== undefined
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return logical?.timestamp?.unit.nanos !== undefined
    default:
      return isDecimal(type, logical)
  }
}

/** Comparison takes the zeros for equal, hashes do not. */
function floatHashes(value: number, physical: number): readonly Halves[] {
  const values = value === 0 ? [0, -0] : [value]
  if (physical === physicalType.double) return values.map((one) => hashOfLong(new BigInt64Array(Float64Array.of(one).buffer)[0]!))
  const singles = Float32Array.from(values)
  return singles[0] === value ? Array.from(new Int32Array(singles.buffer), hashOfInt) : []
}

function fixedHashes(type: Type, value: Value, element: SchemaElement, logical: LogicalType | undefined): readonly Halves[] | undefined {
  const length = element.typeLength ?? -1
  if (isDecimal(type, logical)) return decimalHashes(value as bigint, length)
  if (type.kind === 'uuid') return length === 16 ? [hashOf(uuidBytes(value as string))] : undefined
  return type.kind === 'fixed' && length === type.length ? [hashOf(value as Uint8Array)] : undefined
}

/** Big-endian two's complement over the whole width. */
function decimalHashes(unscaled: bigint, length: number): readonly Halves[] | undefined {
  if (length <= 0 || length > 16) return undefined
  if (BigInt.asIntN(8 * length, unscaled) !== unscaled) return []
  return [hashOf(Uint8Array.from({ length }, (_, i) => Number(BigInt.asUintN(8, unscaled >> BigInt(8 * (length - 1 - i))))))]
}

function uuidBytes(text: string): Uint8Array {
  return Uint8Array.from(text.replaceAll('-', '').match(/../g)!, (pair) => parseInt(pair, 16))
}

function isDecimal(type: Type, logical: LogicalType | undefined): boolean {
  return type.kind === 'decimal' && logical?.decimal?.scale === type.scale
}

function isSigned(logical: LogicalType | undefined): boolean {
  return logical === undefined || logical.integer?.isSigned === true
}

function hashOf(bytes: Uint8Array): Halves {
  const hash = new Uint32Array(2)
  xxhash64(bytes, 0, bytes.length, hash)
  return hash
}

function hashOfInt(value: number): Halves {
  const hash = new Uint32Array(2)
  xxhash64OfInt(value, hash)
  return hash
}

function hashOfLong(value: bigint): Halves {
  const hash = new Uint32Array(2)
  xxhash64OfLong(Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n)), hash)
  return hash
}
