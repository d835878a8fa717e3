import { DataType } from 'apache-arrow'
import type { Field } from 'apache-arrow'
import type { NestedField, Type, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { fixedChunk, listChunk, structChunk, variableChunk } from './arrow-data.js'
import type { Chunk, FixedValues, Validity } from './arrow-data.js'
import { arrowType } from './arrow-schema.js'

/** `length` nulls of a plain Arrow type. */
export function nullChunk(type: DataType, length: number): Chunk {
  const validity: Validity | undefined = length === 0 ? undefined : { bitmap: new Uint8Array((length + 7) >> 3), nullCount: length }
  if (DataType.isNull(type)) return fixedChunk(type, length, undefined, length === 0 ? undefined : { bitmap: empty, nullCount: length })
  if (DataType.isUtf8(type) || DataType.isBinary(type)) return variableChunk(type, new Int32Array(length + 1), empty, validity)
  if (DataType.isList(type) || DataType.isMap(type)) {
    return listChunk(type, new Int32Array(length + 1), nullChunk((type.children[0] as Field).type as DataType, 0), validity)
  }
  if (DataType.isStruct(type)) {
    const children = (type.children as Field[]).map((child) => nullChunk(child.type as DataType, length))
    return structChunk(type, length, children, validity)
  }
  if (DataType.isBool(type)) return fixedChunk(type, length, new Uint8Array((length + 7) >> 3), validity)
  const values = new (type.ArrayType as new (length: number) => FixedValues)(length * strideOf(type))
  return fixedChunk(type, length, values, validity)
}

const empty = new Uint8Array(0)

function strideOf(type: DataType): number {
  if (DataType.isFixedSizeBinary(type)) return type.byteWidth
  return DataType.isDecimal(type) ? type.bitWidth / 32 : 1
}

/**
 * `length` times one value, in the canonical Arrow type. A struct's value is a map from field id to value.
 * @throws FloeError `UNSUPPORTED` for a list, map or variant that is not null.
 */
export function constantChunk(type: Type, value: Value, length: number, arrow: DataType = arrowType(type)): Chunk {
  if (value === null || type.kind === 'unknown') return nullChunk(arrow, length)
  switch (type.kind) {
    case 'string':
      return repeatVariable(arrow, new TextEncoder().encode(value as string), length)
    case 'binary':
    case 'geometry':
    case 'geography':
      return repeatVariable(arrow, value as Uint8Array, length)
    case 'struct':
      return constantStruct(type.fields, value as ReadonlyMap<number, Value>, length, arrow)
    case 'list':
    case 'map':
    case 'variant':
      throw new FloeError('UNSUPPORTED', `a ${type.kind} column cannot take a constant or default other than null`)
    default:
      return fixedChunk(arrow, length, constantValues(type, value, length))
  }
}

function constantValues(type: Type, value: Value, length: number): FixedValues {
  switch (type.kind) {
    case 'boolean':
      return new Uint8Array((length + 7) >> 3).fill(value === true ? 255 : 0)
    case 'int':
    case 'date':
      return new Int32Array(length).fill(Number(value))
    case 'float':
      return new Float32Array(length).fill(value as number)
    case 'double':
      return new Float64Array(length).fill(value as number)
    case 'decimal':
      return repeatWords(decimalWords(BigInt(value as bigint)), length)
    case 'uuid':
      return repeatBytes(uuidBytes(value as string), length)
    case 'fixed':
      return repeatBytes(value as Uint8Array, length)
    default:
      return new BigInt64Array(length).fill(BigInt(value as bigint))
  }
}

function constantStruct(fields: readonly NestedField[], value: ReadonlyMap<number, Value>, length: number, arrow: DataType): Chunk {
  const children = fields.map((field, i) =>
    constantChunk(field.type, value.get(field.id) ?? null, length, (arrow.children[i] as Field).type as DataType),
  )
  return structChunk(arrow, length, children)
}

/** Four little-endian 32-bit words of a two's-complement number. */
export function decimalWords(value: bigint): Uint32Array {
  const words = new Uint32Array(4)
  for (let i = 0; i < 4; i++) words[i] = Number(BigInt.asUintN(32, value >> BigInt(32 * i)))
  return words
}

/** The 16 bytes of a UUID in its canonical form. */
export function uuidBytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll('-', ''), 'hex'))
}

function repeatWords(words: Uint32Array, length: number): Uint32Array {
  const values = new Uint32Array(words.length * length)
  for (let i = 0; i < length; i++) values.set(words, i * words.length)
  return values
}

function repeatBytes(bytes: Uint8Array, length: number): Uint8Array {
  const values = new Uint8Array(bytes.length * length)
  if (length > 0) values.set(bytes, 0)
  // Doubling: a few large copies instead of many small ones
  for (let done = bytes.length; done < values.length; done *= 2) values.copyWithin(done, 0, Math.min(done, values.length - done))
  return values
}

function repeatVariable(arrow: DataType, bytes: Uint8Array, length: number): Chunk {
  if (bytes.length * length > 0x7fff_ffff) {
    throw new FloeError('UNSUPPORTED', 'a column of one batch would exceed 2 GiB; use smaller batches')
  }
  const offsets = new Int32Array(length + 1)
  for (let i = 1; i <= length; i++) offsets[i] = i * bytes.length
  return variableChunk(arrow, offsets, repeatBytes(bytes, length))
}
