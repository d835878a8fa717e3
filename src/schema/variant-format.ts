import { ByteReader } from '../util/byte-reader.js'
import { FloeError } from '../util/errors.js'
import { Decimal } from './decimal.js'
import { uuidFromBytes } from './hex-text.js'

/** Levels of objects and arrays that are followed. */
export const MAX_VARIANT_DEPTH = 500

/** Kinds of primitive values; numbers of one kind may have several widths. */
export type VariantKind =
  | 'null'
  | 'boolean'
  | 'int'
  | 'long'
  | 'double'
  | 'float'
  | 'decimal'
  | 'date'
  | 'timestamptz'
  | 'timestamp'
  | 'time'
  | 'timestamptz_ns'
  | 'timestamp_ns'
  | 'binary'
  | 'string'
  | 'uuid'

/** int, float, double, date (days) → number · long, time, timestamps → bigint in the kind's unit · uuid → canonical text. */
export type VariantPrimitive = null | boolean | number | bigint | string | Uint8Array | Decimal

/** What a decoded variant becomes; members come in the order that they are stored in, and no name comes twice. */
export interface VariantFold<T> {
  primitive(kind: VariantKind, value: VariantPrimitive): T
  object(names: readonly string[], values: readonly T[]): T
  array(values: readonly T[]): T
}

/**
 * Decodes a variant bottom up. Every length is checked against the bytes that remain, and the work is bounded by their number.
 * @throws FloeError `CORRUPT` for bytes that are no variant, `UNSUPPORTED` for another version or an unknown primitive.
 */
// Source: Apache Parquet, Variant Binary Encoding
export function foldVariant<T>(metadata: Uint8Array, value: Uint8Array, fold: VariantFold<T>): T {
  return new VariantDecoder(variantNames(metadata), value, fold).at(0, value.length, 0).result
}

/** The dictionary of a variant's metadata: names by id. @throws FloeError as {@link foldVariant} does. */
export function variantNames(metadata: Uint8Array): readonly string[] {
  const reader = new ByteReader(metadata, 'variant metadata')
  const header = reader.u8()
  if ((header & 0x0f) !== 1) throw new FloeError('UNSUPPORTED', `variant encoding version ${header & 0x0f} is not supported`)
  const width = (header >> 6) + 1
  const count = readUnsigned(reader, width)
  const offsets = readOffsets(reader, count + 1, width)
  const start = reader.position
  return Array.from({ length: count }, (_, i) => {
    reader.position = start + offsets[i]!
    return reader.utf8(offsets[i + 1]! - offsets[i]!)
  })
}

/** A member of an object, as it is stored. */
export interface VariantMember {
  readonly name: string
  /** A view of the value's bytes. */
  readonly bytes: Uint8Array
}

/** The members of an object, not decoded further; undefined for any other value. @throws FloeError as {@link foldVariant} does. */
export function variantMembers(names: readonly string[], value: Uint8Array): readonly VariantMember[] | undefined {
  const reader = new ByteReader(value, 'variant value')
  const header = reader.u8()
  if ((header & 3) !== OBJECT) return undefined
  const layout = readLayout(reader, header)
  return layout.starts.map((start, i) => {
    const length = storedLength(new ByteReader(value.subarray(start, layout.end), 'variant value'))
    return { name: nameOf(names, layout.ids![i]!), bytes: value.subarray(start, start + length) }
  })
}

const PRIMITIVE = 0
const SHORT_STRING = 1
const OBJECT = 2

/** Where the parts of an object or array lie, from the start of the value that holds it. */
interface Layout {
  /** Dictionary ids of an object's members. */
  readonly ids: readonly number[] | undefined
  readonly starts: readonly number[]
  readonly end: number
}

function readLayout(reader: ByteReader, header: number): Layout {
  const isObject = (header & 3) === OBJECT
  const bits = header >> 2
  const count = readUnsigned(reader, (bits & (isObject ? 0x10 : 4)) === 0 ? 1 : 4)
  const ids = isObject ? readOffsets(reader, count, ((bits >> 2) & 3) + 1) : undefined
  const offsets = readOffsets(reader, count + 1, (bits & 3) + 1)
  const first = reader.position
  const end = first + offsets[count]!
  if (end > reader.bytes.length) throw reader.corrupt(`ends at ${end}, beyond its ${reader.bytes.length} bytes`)
  const starts = offsets.slice(0, count).map((offset) => first + offset)
  if (starts.some((start) => start >= end)) throw reader.corrupt('has a part that starts beyond its end')
  return { ids, starts, end }
}

/** The bytes that the value at the start of a reader takes. */
function storedLength(reader: ByteReader): number {
  const header = reader.u8()
  switch (header & 3) {
    case PRIMITIVE:
      readPrimitive(reader, header >> 2)
      break
    case SHORT_STRING:
      reader.skip(header >> 2)
      break
    default:
      return readLayout(reader, header).end
  }
  return reader.position
}

function nameOf(names: readonly string[], id: number): string {
  const name = names[id]
  if (name === undefined) throw new FloeError('CORRUPT', `a variant object names entry ${id} of ${names.length} in its dictionary`)
  return name
}

class VariantDecoder<T> {
  readonly #names: readonly string[]
  readonly #value: Uint8Array
  readonly #fold: VariantFold<T>
  /** Values still allowed: each takes a byte of its own, unless offsets make one value the child of many. */
  #budget: number

  constructor(names: readonly string[], value: Uint8Array, fold: VariantFold<T>) {
    this.#names = names
    this.#value = value
    this.#fold = fold
    this.#budget = value.length
  }

  /** The value that starts at `start` and must end by `end`. */
  at(start: number, end: number, depth: number): { readonly result: T } {
    if (depth > MAX_VARIANT_DEPTH) throw new FloeError('CORRUPT', `a variant is nested more than ${MAX_VARIANT_DEPTH} levels deep`)
    if (--this.#budget < 0 && depth > 0) throw new FloeError('CORRUPT', 'the parts of a variant overlap')
    const reader = new ByteReader(this.#value.subarray(0, end), 'variant value')
    reader.position = start
    const header = reader.u8()
    switch (header & 3) {
      case PRIMITIVE: {
        const { kind, value } = readPrimitive(reader, header >> 2)
        return { result: this.#fold.primitive(kind, value) }
      }
      case SHORT_STRING:
        return { result: this.#fold.primitive('string', reader.utf8(header >> 2)) }
      default:
        return { result: this.#container(reader, header, depth) }
    }
  }

  #container(reader: ByteReader, header: number, depth: number): T {
    const layout = readLayout(reader, header)
    const values = layout.starts.map((start) => this.at(start, layout.end, depth + 1).result)
    if (layout.ids === undefined) return this.#fold.array(values)
    const names = layout.ids.map((id) => nameOf(this.#names, id))
    if (new Set(names).size !== names.length) throw reader.corrupt('has an object with two members of one name')
    return this.#fold.object(names, values)
  }
}

function readPrimitive(reader: ByteReader, type: number): { readonly kind: VariantKind; readonly value: VariantPrimitive } {
  switch (type) {
    case 0:
      return { kind: 'null', value: null }
    case 1:
    case 2:
      return { kind: 'boolean', value: type === 1 }
    case 3:
      return { kind: 'int', value: (reader.u8() << 24) >> 24 }
    case 4:
      return { kind: 'int', value: (reader.u16() << 16) >> 16 }
    case 5:
      return { kind: 'int', value: reader.i32() }
    case 7:
      return { kind: 'double', value: reader.f64() }
    case 8:
    case 9:
    case 10:
      return { kind: 'decimal', value: readDecimal(reader, 2 ** (type - 6)) }
    case 11:
      return { kind: 'date', value: reader.i32() }
    case 14:
      return { kind: 'float', value: reader.f32() }
    case 15:
      return { kind: 'binary', value: reader.view8(reader.u32()) }
    case 16:
      return { kind: 'string', value: reader.utf8(reader.u32()) }
    case 20:
      return { kind: 'uuid', value: uuidFromBytes(reader.view8(16)) }
    default: {
      const kind = longKinds.get(type)
      if (kind === undefined) throw new FloeError('UNSUPPORTED', `variant primitive type ${type} is not supported`)
      return { kind, value: reader.i64() }
    }
  }
}

const longKinds: ReadonlyMap<number, VariantKind> = new Map([
  [6, 'long'],
  [12, 'timestamptz'],
  [13, 'timestamp'],
  [17, 'time'],
  [18, 'timestamptz_ns'],
  [19, 'timestamp_ns'],
])

const MAX_SCALE = 38

function readDecimal(reader: ByteReader, width: number): Decimal {
  const scale = reader.u8()
  if (scale > MAX_SCALE) throw reader.corrupt(`has a decimal of scale ${scale}`)
  let unscaled = 0n
  for (let i = 0; i < width; i += 4) unscaled |= BigInt(reader.u32()) << BigInt(8 * i)
  return new Decimal(BigInt.asIntN(8 * width, unscaled), scale)
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
