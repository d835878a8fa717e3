import { DataType, DateUnit, TimeUnit } from 'apache-arrow'
import type { Field, Struct } from 'apache-arrow'
import { Decimal } from '../schema/decimal.js'
import { uuidFromBytes } from '../schema/hex-text.js'
import { encodeArray, encodeObject, encodePrimitive, encodeTextBytes, variantNull } from '../schema/variant-bytes.js'
import { variantMembers, variantNames } from '../schema/variant-format.js'
import type { VariantKind } from '../schema/variant-format.js'
import { FloeError } from '../util/errors.js'
import { compareBytes, compareUtf8 } from '../util/utf8.js'
import { bitAt, fixedValues, offsetsOf, structChunk, validityBitmap, validityOf, variableChunk } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import { hasZone } from './arrow-schema.js'
import { decimalReader } from './column-reader.js'

/**
 * Puts the values of a shredded variant column together again: from its children `metadata`, `value` and `typed_value`, in
 * whatever plain layouts the file had, to the two binaries of the canonical type. `path` names the column in errors.
 *
 * @throws FloeError `UNSUPPORTED` for a `typed_value` of a type that no variant has; `CORRUPT` for a row that breaks the rules of
 * shredding or an object field that its metadata does not name
 */
// Source: Apache Parquet, Variant Shredding › Reconstructing a Shredded Variant
export function assembleVariants(chunk: Chunk, arrow: DataType, path: string): Chunk {
  const metadataChunk = childNamed(chunk, 'metadata')
  if (metadataChunk === undefined) throw new FloeError('CORRUPT', 'the variant column has no metadata', { column: path })
  const metadata = bytesReader(metadataChunk)
  const validity = validityBitmap(chunk)
  const names = new NameIds()
  const part = shreddedPart(chunk, path)
  const rows: RowValues = { metadata: [], values: [] }
  for (let row = 0; row < chunk.length; row++) {
    const isPresent = validity === undefined || bitAt(validity, chunk.offset + row)
    const dictionary = isPresent ? metadata(row) : noBytes
    rows.metadata.push(dictionary)
    // A value that is missing where one is required reads as the variant null
    rows.values.push(isPresent ? (part(row, names.use(dictionary)) ?? variantNull) : noBytes)
  }
  const [first, second] = (arrow as Struct).children as [Field, Field]
  const columns = [joined(rows.metadata, first.type as DataType), joined(rows.values, second.type as DataType)]
  return structChunk(arrow, chunk.length, columns, validityOf(chunk))
}

interface RowValues {
  readonly metadata: Uint8Array[]
  readonly values: Uint8Array[]
}

const noBytes = new Uint8Array(0)

/** The encoded value at a row of a part; undefined where it is missing. */
type PartReader = (row: number, names: NameIds) => Uint8Array | undefined

/** The dictionary of the row at hand; rows mostly share one. */
class NameIds {
  list: readonly string[] = []
  #metadata: Uint8Array | undefined
  #ids = new Map<string, number>()

  use(metadata: Uint8Array): this {
    if (this.#metadata !== undefined && compareBytes(this.#metadata, metadata) === 0) return this
    this.list = variantNames(metadata)
    this.#ids = new Map(this.list.map((name, id) => [name, id]))
    this.#metadata = metadata
    return this
  }

  idOf(name: string, path: string): number {
    const id = this.#ids.get(name)
    if (id === undefined) throw new FloeError('CORRUPT', `the metadata of a variant does not name its field ${JSON.stringify(name)}`, { column: path })
    return id
  }
}

/** Reads the pair `value` and `typed_value` of a group, of which either may be left out. */
function shreddedPart(group: Chunk, path: string): PartReader {
  const valueChunk = childNamed(group, 'value')
  const typedChunk = childNamed(group, 'typed_value')
  const value = valueChunk === undefined ? () => undefined : optional(valueChunk, bytesReader(valueChunk))
  if (typedChunk === undefined) return (row) => value(row)
  const hasTyped = presence(typedChunk)
  const type = typedChunk.type as DataType
  if (DataType.isStruct(type)) return objectPart(typedChunk, value, path)
  const typed = DataType.isList(type) ? arrayReader(typedChunk, path) : primitiveReader(typedChunk, path)
  return (row, names) => {
    const residual = value(row)
    if (!hasTyped(row)) return residual
    if (residual !== undefined) throw new FloeError('CORRUPT', 'a shredded variant has two values, and no object', { column: path })
    return typed(row, names)
  }
}

function objectPart(typed: Chunk, value: (row: number) => Uint8Array | undefined, path: string): PartReader {
  const hasTyped = presence(typed)
  const fields = (typed.type as Struct).children.map((field, i) => ({
    name: field.name,
    read: shreddedPart(typed.children[i]!, `${path}.${field.name}`),
  }))
  fields.sort((a, b) => compareUtf8(a.name, b.name))
  const shredded = new Set(fields.map((field) => field.name))
  return (row, names) => {
    const residual = value(row)
    if (!hasTyped(row)) return residual
    const members = fields.flatMap(({ name, read }) => {
      const bytes = read(row, names)
      return bytes === undefined ? [] : [{ name, id: names.idOf(name, path), bytes }]
    })
    if (residual === undefined) return encodeObject(members)
    const others = variantMembers(names.list, residual)
    if (others === undefined) throw new FloeError('CORRUPT', 'a partially shredded variant is no object', { column: path })
    for (const { name, bytes } of others) {
      // Writers must not store a field twice; where they did, the shredded one counts
      if (!shredded.has(name)) members.push({ name, id: names.idOf(name, path), bytes })
    }
    return encodeObject(members.sort((a, b) => compareUtf8(a.name, b.name)))
  }
}

function arrayReader(list: Chunk, path: string): (row: number, names: NameIds) => Uint8Array {
  const offsets = offsetsOf(list)
  const element = shreddedPart(list.children[0]!, `${path}.element`)
  return (row, names) => {
    const elements: Uint8Array[] = []
    for (let i = offsets[row]!; i < offsets[row + 1]!; i++) elements.push(element(i, names) ?? variantNull)
    return encodeArray(elements)
  }
}

function primitiveReader(chunk: Chunk, path: string): (row: number) => Uint8Array {
  const type = chunk.type as DataType
  if (DataType.isUtf8(type)) {
    const read = bytesReader(chunk)
    return (row) => encodeTextBytes(read(row))
  }
  if (DataType.isBinary(type)) {
    const read = bytesReader(chunk)
    return (row) => encodePrimitive('binary', read(row))
  }
  if (DataType.isFixedSizeBinary(type) && type.byteWidth === 16) {
    const bytes = fixedValues<Uint8Array>(chunk)
    return (row) => encodePrimitive('uuid', uuidFromBytes(bytes.subarray(row * 16, row * 16 + 16)))
  }
  if (DataType.isBool(type)) {
    const bits = fixedValues<Uint8Array>(chunk)
    return (row) => encodePrimitive('boolean', bitAt(bits, chunk.offset + row))
  }
  if (DataType.isDecimal(type) && type.bitWidth === 128) {
    const read = decimalReader(chunk)
    return (row) => encodePrimitive('decimal', new Decimal(read(row), type.scale))
  }
  const kind = numberKind(type)
  if (kind === undefined) throw new FloeError('UNSUPPORTED', `a variant cannot be shredded as ${String(type)}`, { column: path })
  const values = fixedValues<Int32Array | BigInt64Array>(chunk)
  return (row) => encodePrimitive(kind, values[row]!)
}

/** The kind of a type whose values a typed array holds as they are. */
function numberKind(type: DataType): VariantKind | undefined {
  if (DataType.isInt(type) && type.isSigned) return 'long'
  if (DataType.isFloat(type)) return type.precision === 2 ? 'double' : type.precision === 1 ? 'float' : undefined
  if (DataType.isDate(type)) return type.unit === DateUnit.DAY ? 'date' : undefined
  if (DataType.isTime(type) && type.unit === TimeUnit.MICROSECOND) return 'time'
  if (!DataType.isTimestamp(type)) return undefined
  if (type.unit === TimeUnit.MICROSECOND) return hasZone(type) ? 'timestamptz' : 'timestamp'
  return type.unit === TimeUnit.NANOSECOND ? (hasZone(type) ? 'timestamptz_ns' : 'timestamp_ns') : undefined
}

function childNamed(group: Chunk, name: string): Chunk | undefined {
  const index = ((group.type as DataType).children as readonly Field[]).findIndex((field) => field.name === name)
  return index < 0 ? undefined : group.children[index]
}

function presence(chunk: Chunk): (row: number) => boolean {
  const validity = validityBitmap(chunk)
  return validity === undefined ? () => true : (row) => bitAt(validity, chunk.offset + row)
}

function optional(chunk: Chunk, read: (row: number) => Uint8Array): (row: number) => Uint8Array | undefined {
  const isPresent = presence(chunk)
  return (row) => (isPresent(row) ? read(row) : undefined)
}

function bytesReader(chunk: Chunk): (row: number) => Uint8Array {
  const offsets = offsetsOf(chunk)
  const bytes = fixedValues<Uint8Array>(chunk)
  return (row) => bytes.subarray(offsets[row], offsets[row + 1])
}

function joined(parts: readonly Uint8Array[], type: DataType): Chunk {
  const offsets = new Int32Array(parts.length + 1)
  let end = 0
  parts.forEach((part, i) => {
    end += part.length
    if (end > 0x7fff_ffff) throw new FloeError('UNSUPPORTED', 'a variant column of one batch would exceed 2 GiB; use smaller batches')
    offsets[i + 1] = end
  })
  const bytes = new Uint8Array(end)
  parts.forEach((part, i) => { bytes.set(part, offsets[i]!) })
  return variableChunk(type, offsets, bytes)
}
