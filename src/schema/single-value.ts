/** Values as bytes: bounds of columns and partitions, and whatever hashes them. */
import { FloeError } from '../util/errors.js'
import { decodeUtf8, encodeUtf8 } from '../util/utf8.js'
import { canonicalUuid, hexFromBytes, uuidFromBytes, uuidToBytes } from './hex-text.js'
import { printTypeName } from './type-name.js'
import type { Type, Value } from './type.js'
import { isInt, isLong, LONG_KINDS, MICROS_PER_DAY, NANOS_PER_DAY } from './value-ranges.js'

/** Bytes of the widest unscaled decimal, of 38 digits. */
const MAX_DECIMAL_BYTES = 16

/**
 * Encodes one value.
 *
 * @param value not null. Geometry, geography and variant values are bytes already: the caller knows whether of a value or of a bound.
 * @throws FloeError `INVALID` when the value is not one of the type's; `UNSUPPORTED` for types without a binary form.
 */
// Spec: Appendix D › Binary single-value serialization
export function encodeValue(type: Type, value: Value): Uint8Array {
  if (LONG_KINDS.has(type.kind)) return encodeLong(type, value)
  switch (type.kind) {
    case 'boolean':
      if (typeof value !== 'boolean') throw notOfType(type, value)
      return Uint8Array.of(value ? 1 : 0)
    case 'int':
    case 'date':
      return encodeInt(type, value)
    case 'float':
    case 'double':
      return encodeFloat(type, value)
    case 'decimal':
      if (typeof value !== 'bigint') throw notOfType(type, value)
      return encodeUnscaled(value)
    case 'string':
      if (typeof value !== 'string') throw notOfType(type, value)
      return encodeUtf8(value)
    case 'uuid': {
      const uuid = typeof value === 'string' ? canonicalUuid(value) : undefined
      if (uuid === undefined) throw notOfType(type, value)
      return uuidToBytes(uuid)
    }
    case 'fixed':
    case 'binary':
    case 'geometry':
    case 'geography':
    case 'variant':
      return encodeBytes(type, value)
    default:
      throw new FloeError('UNSUPPORTED', `A value of type ${printTypeName(type)} has no binary form`)
  }
}

/**
 * Decodes one value. Bounds that were written before the column was promoted (`int` to `long`, `float` to `double`, `date` to
 * `timestamp`, narrower decimals) are told by their length, and converted.
 *
 * Bytes are copied, so the result does not keep a larger buffer alive. A `fixed` may come shorter than its type: bounds
 * are truncated.
 *
 * @throws FloeError `CORRUPT` when the bytes are not a value of the type; `UNSUPPORTED` for struct, list and map.
 */
// Spec: Schema Evolution, the table of inferred types at write time
export function decodeValue(type: Type, bytes: Uint8Array): Value {
  if (LONG_KINDS.has(type.kind)) return bytes.length === 4 ? decodePromotedInt(type, bytes) : decodeLong(type, bytes)
  switch (type.kind) {
    case 'boolean':
      checkLength(type, bytes, 1)
      return bytes[0] !== 0
    case 'int':
    case 'date':
      checkLength(type, bytes, 4)
      return viewOf(bytes).getInt32(0, true)
    case 'float':
      checkLength(type, bytes, 4)
      return viewOf(bytes).getFloat32(0, true)
    case 'double':
      if (bytes.length === 4) return viewOf(bytes).getFloat32(0, true)
      checkLength(type, bytes, 8)
      return viewOf(bytes).getFloat64(0, true)
    case 'decimal':
      if (bytes.length === 0 || bytes.length > MAX_DECIMAL_BYTES) throw wrongLength(type, bytes)
      return decodeUnscaled(bytes)
    case 'string':
      return decodeUtf8(bytes)
    case 'uuid':
      checkLength(type, bytes, 16)
      return uuidFromBytes(bytes)
    case 'fixed':
      if (bytes.length > type.length) throw wrongLength(type, bytes)
      return bytes.slice()
    case 'binary':
    case 'geometry':
    case 'geography':
    case 'variant':
      return bytes.slice()
    case 'unknown':
      return null
    default:
      throw new FloeError('UNSUPPORTED', `A value of type ${printTypeName(type)} has no binary form`)
  }
}

/** The fewest two's-complement bytes that hold an integer, most significant first; one byte for 0. */
export function encodeUnscaled(unscaled: bigint): Uint8Array {
  if (unscaled >= -128n && unscaled <= 127n) return Uint8Array.of(Number(BigInt.asUintN(8, unscaled)))
  const magnitude = unscaled < 0n ? ~unscaled : unscaled
  // One bit more than the magnitude's: 32768 needs a third byte for its sign.
  const bits = magnitude.toString(16).length * 4 - Math.clz32(parseInt(magnitude.toString(16)[0]!, 16)) + 28 + 1
  const length = Math.ceil(bits / 8)
  const bytes = new Uint8Array(length)
  let rest = unscaled
  for (let index = length - 1; index >= 0; index--) {
    bytes[index] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

/** The integer of two's-complement bytes, most significant first. They need not be the fewest. */
export function decodeUnscaled(bytes: Uint8Array): bigint {
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${hexFromBytes(bytes)}`))
}

function encodeInt(type: Type, value: Value): Uint8Array {
  if (!isInt(value)) throw notOfType(type, value)
  const bytes = new Uint8Array(4)
  viewOf(bytes).setInt32(0, value, true)
  return bytes
}

function encodeLong(type: Type, value: Value): Uint8Array {
  if (!isLong(value)) throw notOfType(type, value)
  const bytes = new Uint8Array(8)
  viewOf(bytes).setBigInt64(0, value, true)
  return bytes
}

function encodeFloat(type: Type, value: Value): Uint8Array {
  if (typeof value !== 'number') throw notOfType(type, value)
  const bytes = new Uint8Array(type.kind === 'float' ? 4 : 8)
  if (type.kind === 'double') viewOf(bytes).setFloat64(0, value, true)
  else if (Object.is(Math.fround(value), value)) viewOf(bytes).setFloat32(0, value, true)
  else throw notOfType(type, value)
  return bytes
}

function encodeBytes(type: Type, value: Value): Uint8Array {
  if (!(value instanceof Uint8Array)) throw notOfType(type, value)
  if (type.kind === 'fixed' && value.length > type.length) throw notOfType(type, value)
  return value.slice()
}

function decodeLong(type: Type, bytes: Uint8Array): bigint {
  checkLength(type, bytes, 8)
  return viewOf(bytes).getBigInt64(0, true)
}

function decodePromotedInt(type: Type, bytes: Uint8Array): bigint {
  const value = BigInt(viewOf(bytes).getInt32(0, true))
  if (type.kind === 'long') return value
  if (type.kind === 'timestamp') return value * MICROS_PER_DAY
  if (type.kind !== 'timestamp_ns') throw wrongLength(type, bytes)
  const nanos = value * NANOS_PER_DAY
  if (!isLong(nanos)) throw new FloeError('CORRUPT', `Day ${value} from before the promotion is out of the range of timestamp_ns`)
  return nanos
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function checkLength(type: Type, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw wrongLength(type, bytes)
}

function wrongLength(type: Type, bytes: Uint8Array): FloeError {
  return new FloeError('CORRUPT', `${bytes.length} bytes are not a value of type ${printTypeName(type)}`)
}

function notOfType(type: Type, value: Value): FloeError {
  const shown = value instanceof Uint8Array ? `${value.length} bytes` : value instanceof Map ? 'a struct' : String(value).slice(0, 60)
  return new FloeError('INVALID', `${typeof value} ${shown} is not a value of type ${printTypeName(type)}`)
}
