import { Decimal } from '../schema/decimal.js'
import { hexFromBytes, uuidFromBytes } from '../schema/hex-text.js'
import { ByteReader } from '../util/byte-reader.js'
import { FloeError } from '../util/errors.js'
import { compareUtf8 } from '../util/utf8.js'

const maxDepth = 500

/**
 * The canonical JSON text of a variant: object members sorted by name, no spaces, integers and decimals in plain digits,
 * floats as JavaScript prints them, other values as text with their kind, as `"date:19000"`. Every length is checked against the
 * bytes that remain, and the work is bounded by their number.
 *
 * @throws FloeError `CORRUPT` for bytes that are no variant, `UNSUPPORTED` for another version or an unknown primitive.
 */
// Source: Apache Parquet, Variant Binary Encoding
export function variantText(metadata: Uint8Array, value: Uint8Array): string {
  const decoder: Decoder = { names: readNames(metadata), reader: new ByteReader(value, 'variant value'), budget: value.length }
  return textAt(decoder, 0, 0)
}

interface Decoder {
  readonly names: readonly string[]
  readonly reader: ByteReader
  /** Values still allowed: each takes a byte of its own, unless offsets make one value the child of many. */
  budget: number
}

function readNames(metadata: Uint8Array): string[] {
  const reader = new ByteReader(metadata, 'variant metadata')
  const header = reader.u8()
  if ((header & 0x0f) !== 1) throw new FloeError('UNSUPPORTED', `variant encoding version ${header & 0x0f} is not supported`)
  const width = (header >> 6) + 1
  const count = readUnsigned(reader, width)
  const offsets = readOffsets(reader, count + 1, width)
  const start = reader.position
  const names: string[] = []
  for (let i = 0; i < count; i++) {
    reader.position = start + offsets[i]!
    names.push(reader.utf8(offsets[i + 1]! - offsets[i]!))
  }
  return names
}

/** An unsigned little-endian number of one to four bytes. */
function readUnsigned(reader: ByteReader, width: number): number {
  let value = 0
  for (let i = 0; i < width; i++) value += reader.u8() * 2 ** (8 * i)
  return value
}

function readOffsets(reader: ByteReader, count: number, width: number): number[] {
  if (count * width > reader.remaining) {
    throw new FloeError('CORRUPT', `a variant declares ${count} offsets where ${reader.remaining} bytes remain`)
  }
  return Array.from({ length: count }, () => readUnsigned(reader, width))
}

function textAt(decoder: Decoder, at: number, depth: number): string {
  if (depth > maxDepth) throw new FloeError('CORRUPT', `a variant is nested more than ${maxDepth} levels deep`)
  if (--decoder.budget < 0) throw new FloeError('CORRUPT', 'the parts of a variant overlap')
  const reader = decoder.reader
  reader.position = at
  const header = reader.u8()
  switch (header & 3) {
    case 0:
      return primitiveText(reader, header >> 2)
    case 1:
      return JSON.stringify(reader.utf8(header >> 2))
    case 2:
      return objectText(decoder, header >> 2, depth)
    default:
      return arrayText(decoder, header >> 2, depth)
  }
}

function objectText(decoder: Decoder, header: number, depth: number): string {
  const reader = decoder.reader
  const count = readUnsigned(reader, (header & 0x10) === 0 ? 1 : 4)
  const ids = readOffsets(reader, count, ((header >> 2) & 3) + 1)
  const offsets = readOffsets(reader, count + 1, (header & 3) + 1)
  const start = reader.position
  const members = ids.map((id, i) => {
    const name = decoder.names[id]
    if (name === undefined) throw new FloeError('CORRUPT', `a variant object names entry ${id} of ${decoder.names.length} in its dictionary`)
    return { name, text: textAt(decoder, start + offsets[i]!, depth + 1) }
  })
  members.sort((a, b) => compareUtf8(a.name, b.name))
  return `{${members.map(({ name, text }) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

function arrayText(decoder: Decoder, header: number, depth: number): string {
  const reader = decoder.reader
  const count = readUnsigned(reader, (header & 4) === 0 ? 1 : 4)
  const offsets = readOffsets(reader, count + 1, (header & 3) + 1)
  const start = reader.position
  return `[${offsets.slice(0, count).map((offset) => textAt(decoder, start + offset, depth + 1)).join(',')}]`
}

/** The kinds of 64-bit values that are written as text, by primitive type. */
const longKinds: ReadonlyMap<number, string> = new Map([
  [12, 'timestamptz'],
  [13, 'timestamp'],
  [17, 'time'],
  [18, 'timestamptz_ns'],
  [19, 'timestamp_ns'],
])

function primitiveText(reader: ByteReader, type: number): string {
  const kind = longKinds.get(type)
  if (kind !== undefined) return `"${kind}:${reader.i64()}"`
  switch (type) {
    case 0:
      return 'null'
    case 1:
      return 'true'
    case 2:
      return 'false'
    case 3:
      return String((reader.u8() << 24) >> 24)
    case 4:
      return String((reader.u16() << 16) >> 16)
    case 5:
      return String(reader.i32())
    case 6:
      return String(reader.i64())
    case 7:
      return floatText(reader.f64())
    case 8:
    case 9:
    case 10:
      return decimalText(reader, 2 ** (type - 6))
    case 11:
      return `"date:${reader.i32()}"`
    case 14:
      return floatText(reader.f32())
    case 15:
      return `"hex:${hexFromBytes(reader.view8(reader.u32()))}"`
    case 16:
      return JSON.stringify(reader.utf8(reader.u32()))
    case 20:
      return `"${uuidFromBytes(reader.view8(16))}"`
    default:
      throw new FloeError('UNSUPPORTED', `variant primitive type ${type} is not supported`)
  }
}

function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function decimalText(reader: ByteReader, width: number): string {
  const scale = reader.u8()
  let unscaled = 0n
  for (let i = 0; i < width; i++) unscaled |= BigInt(reader.u8()) << BigInt(8 * i)
  return new Decimal(BigInt.asIntN(8 * width, unscaled), scale).toString()
}
