import { FloeError } from '../util/errors.js'
import { encodeUtf8 } from '../util/utf8.js'
import { uuidToBytes } from './hex-text.js'
import { Decimal } from './decimal.js'
import type { VariantKind, VariantPrimitive } from './variant-format.js'

/** Members of an object before they are laid out. */
export interface EncodedMember {
  /** In the metadata's dictionary. */
  readonly id: number
  readonly bytes: Uint8Array
}

/** The variant null. */
export const variantNull = Uint8Array.of(0)

/** Metadata with these names, which must be unique and in the order of their UTF-8 bytes: a name's id is its place. */
// Source: Apache Parquet, Variant Binary Encoding › Metadata encoding
export function encodeNames(names: readonly string[]): Uint8Array {
  const texts = names.map(encodeUtf8)
  const length = texts.reduce((sum, text) => sum + text.length, 0)
  const width = widthOf(Math.max(length, names.length))
  const bytes = new Uint8Array(1 + width * (names.length + 2) + length)
  bytes[0] = 1 | 0x10 | ((width - 1) << 6)
  let at = writeUnsigned(bytes, 1, names.length, width)
  let end = 0
  at = writeUnsigned(bytes, at, 0, width)
  for (const text of texts) at = writeUnsigned(bytes, at, (end += text.length), width)
  for (const text of texts) {
    bytes.set(text, at)
    at += text.length
  }
  return bytes
}

/** An object; `members` are in the order of the UTF-8 bytes of their names. */
export function encodeObject(members: readonly EncodedMember[]): Uint8Array {
  const idWidth = widthOf(members.reduce((most, member) => Math.max(most, member.id), 0))
  return encodeParts(members.map((member) => member.bytes), { ids: members.map((member) => member.id), idWidth })
}

export function encodeArray(elements: readonly Uint8Array[]): Uint8Array {
  return encodeParts(elements, undefined)
}

interface MemberIds {
  readonly ids: readonly number[]
  readonly idWidth: number
}

function encodeParts(parts: readonly Uint8Array[], object: MemberIds | undefined): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const width = widthOf(length)
  const isLarge = parts.length > 255
  const idBytes = object === undefined ? 0 : object.idWidth * parts.length
  const bytes = new Uint8Array(1 + (isLarge ? 4 : 1) + idBytes + width * (parts.length + 1) + length)
  const layout = object === undefined ? (isLarge ? 4 : 0) | (width - 1) : (isLarge ? 0x10 : 0) | ((object.idWidth - 1) << 2) | (width - 1)
  bytes[0] = (layout << 2) | (object === undefined ? 3 : 2)
  let at = writeUnsigned(bytes, 1, parts.length, isLarge ? 4 : 1)
  for (const id of object?.ids ?? []) at = writeUnsigned(bytes, at, id, object!.idWidth)
  let end = 0
  at = writeUnsigned(bytes, at, 0, width)
  for (const part of parts) at = writeUnsigned(bytes, at, (end += part.length), width)
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Kinds whose payload is 64 bits, with their primitive type. */
const longTypes: Readonly<Partial<Record<VariantKind, number>>> = {
  timestamptz: 12,
  timestamp: 13,
  time: 17,
  timestamptz_ns: 18,
  timestamp_ns: 19,
}

/** One primitive value; integers take the fewest bytes. @throws FloeError `INVALID` for a decimal of over 38 digits */
export function encodePrimitive(kind: VariantKind, value: VariantPrimitive): Uint8Array {
  switch (kind) {
    case 'null':
      return variantNull
    case 'boolean':
      return Uint8Array.of((value === true ? 1 : 2) << 2)
    case 'int':
    case 'long':
      return encodeInteger(BigInt(value as number))
    case 'double':
      return withPayload(7, 8, (view) => { view.setFloat64(1, value as number, true) })
    case 'float':
      return withPayload(14, 4, (view) => { view.setFloat32(1, value as number, true) })
    case 'decimal':
      return encodeDecimal(value as Decimal)
    case 'date':
      return withPayload(11, 4, (view) => { view.setInt32(1, value as number, true) })
    case 'binary':
      return withBytes(15, value as Uint8Array)
    case 'string':
      return encodeText(value as string)
    case 'uuid':
      return Uint8Array.of(20 << 2, ...uuidToBytes(value as string))
    default:
      return withPayload(longTypes[kind]!, 8, (view) => { view.setBigInt64(1, value as bigint, true) })
  }
}

/** A string of UTF-8 bytes that are known to be such. */
export function encodeTextBytes(text: Uint8Array): Uint8Array {
  if (text.length > 63) return withBytes(16, text)
  const bytes = new Uint8Array(1 + text.length)
  bytes[0] = (text.length << 2) | 1
  bytes.set(text, 1)
  return bytes
}

function encodeText(text: string): Uint8Array {
  return encodeTextBytes(encodeUtf8(text))
}

function encodeInteger(value: bigint): Uint8Array {
  if (BigInt.asIntN(8, value) === value) return Uint8Array.of(3 << 2, Number(value) & 0xff)
  if (BigInt.asIntN(16, value) === value) return withPayload(4, 2, (view) => { view.setInt16(1, Number(value), true) })
  if (BigInt.asIntN(32, value) === value) return withPayload(5, 4, (view) => { view.setInt32(1, Number(value), true) })
  return withPayload(6, 8, (view) => { view.setBigInt64(1, value, true) })
}

function encodeDecimal(decimal: Decimal): Uint8Array {
  const { unscaled, scale, precision } = decimal.scale < 0 ? new Decimal(decimal.unscaled * 10n ** BigInt(-decimal.scale), 0) : decimal
  if (precision > 38 || scale > 38) {
    throw new FloeError('INVALID', `A variant holds decimals of at most 38 digits, none of ${precision} with ${scale} behind the point`)
  }
  const width = precision <= 9 ? 4 : precision <= 18 ? 8 : 16
  return withPayload(width === 4 ? 8 : width === 8 ? 9 : 10, width + 1, (view) => {
    view.setUint8(1, scale)
    for (let i = 0; i < width; i += 4) view.setUint32(2 + i, Number(BigInt.asUintN(32, unscaled >> BigInt(8 * i))), true)
  })
}

function withPayload(type: number, length: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(1 + length)
  bytes[0] = type << 2
  write(new DataView(bytes.buffer))
  return bytes
}

function withBytes(type: number, payload: Uint8Array): Uint8Array {
  const bytes = withPayload(type, 4 + payload.length, (view) => { view.setUint32(1, payload.length, true) })
  bytes.set(payload, 5)
  return bytes
}

/** Bytes that an unsigned number takes, one to four. @throws FloeError `UNSUPPORTED` for more */
function widthOf(value: number): number {
  if (value > 0xffff_ffff) throw new FloeError('UNSUPPORTED', 'A variant holds at most 4 GiB')
  return value > 0xff_ffff ? 4 : value > 0xffff ? 3 : value > 0xff ? 2 : 1
}

/** Little-endian; returns where the next byte goes. */
function writeUnsigned(bytes: Uint8Array, at: number, value: number, width: number): number {
  for (let i = 0; i < width; i++) bytes[at + i] = Math.floor(value / 2 ** (8 * i)) & 0xff
  return at + width
}
