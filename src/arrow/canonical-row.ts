import type { RecordBatch } from 'apache-arrow'
import { Decimal } from '../schema/decimal.js'
import type { Schema } from '../schema/schema.js'
import type { NestedField, Type } from '../schema/type.js'
import { compareUtf8 } from '../util/utf8.js'
import { bitAt, columnsOf, fixedValues, offsetsOf, validityBitmap } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import { decimalReader, hexText, uuidReader } from './column-reader.js'
import { textReader } from './text-reader.js'
import { variantText } from './variant-text.js'

/**
 * The rows of a batch as lines of JSON that lose nothing: members in schema order, no spaces. 64-bit integers, floats and decimals
 * are strings of their exact digits (`"NaN"`, `"-0"`), dates days, times and timestamps strings in the column's unit, bytes lower-case
 * hexadecimal, maps arrays of pairs sorted by the bytes of the key's JSON, variants strings of their canonical JSON.
 * Rows of equal values are equal lines.
 */
export function canonicalRows(schema: Schema, batch: RecordBatch): string[] {
  return canonicalRowWriter(schema)(batch)
}

/** As {@link canonicalRows}, compiled once for any number of batches of the schema's columns in canonical types. */
export function canonicalRowWriter(schema: Schema): (batch: RecordBatch) => string[] {
  const write = structText(schema.fields)
  return (batch) => {
    const text = write(columnsOf(batch))
    return Array.from({ length: batch.numRows }, (_, row) => text(row))
  }
}

/** The JSON of the value of a row. */
type TextOf = (row: number) => string

function structText(fields: readonly NestedField[]): (columns: readonly Chunk[]) => TextOf {
  const prefixes = fields.map((field, i) => `${i === 0 ? '{' : ','}${JSON.stringify(field.name)}:`)
  const writers = fields.map((field) => valueText(field.type))
  return (columns) => {
    const texts = writers.map((writer, i) => nullable(columns[i]!, writer(columns[i]!)))
    if (texts.length === 0) return () => '{}'
    return (row) => {
      let line = ''
      for (let i = 0; i < texts.length; i++) line += prefixes[i]! + texts[i]!(row)
      return `${line}}`
    }
  }
}

function nullable(chunk: Chunk, text: TextOf): TextOf {
  const validity = validityBitmap(chunk)
  return validity === undefined ? text : (row) => (bitAt(validity, chunk.offset + row) ? text(row) : 'null')
}

function valueText(type: Type): (chunk: Chunk) => TextOf {
  switch (type.kind) {
    case 'boolean':
      return (chunk) => (row) => (bitAt(fixedValues<Uint8Array>(chunk), chunk.offset + row) ? 'true' : 'false')
    case 'int':
    case 'date':
      return (chunk) => (row) => String(fixedValues<Int32Array>(chunk)[row])
    case 'float':
    case 'double':
      return (chunk) => floatText(fixedValues<Float64Array>(chunk))
    case 'decimal':
      return (chunk) => decimalText(chunk, type.scale)
    case 'string':
      return stringText
    case 'uuid':
      return quotedText(uuidReader)
    case 'fixed':
      return (chunk) => (row) => `"${hexText(fixedValues(chunk), row * type.length, (row + 1) * type.length)}"`
    case 'binary':
    case 'geometry':
    case 'geography':
      return binaryText
    case 'unknown':
      return () => () => 'null'
    case 'variant':
      return variantColumnText
    case 'struct': {
      const write = structText(type.fields)
      return (chunk) => write(chunk.children)
    }
    case 'list':
      return listText(type.element)
    case 'map':
      return mapText(type.key, type.value)
    default:
      return longText
  }
}

function floatText(values: Float32Array | Float64Array): TextOf {
  return (row) => (Object.is(values[row], -0) ? '"-0"' : `"${values[row]}"`)
}

function decimalText(chunk: Chunk, scale: number): TextOf {
  const read = decimalReader(chunk)
  return (row) => `"${new Decimal(read(row), scale).toString()}"`
}

function stringText(chunk: Chunk): TextOf {
  const read = textReader(chunk)
  return (row) => JSON.stringify(read(row))
}

function quotedText(reader: (chunk: Chunk) => TextOf): (chunk: Chunk) => TextOf {
  return (chunk) => {
    const read = reader(chunk)
    return (row) => `"${read(row)}"`
  }
}

function binaryText(chunk: Chunk): TextOf {
  const offsets = offsetsOf(chunk)
  const bytes = fixedValues<Uint8Array>(chunk)
  return (row) => `"${hexText(bytes, offsets[row]!, offsets[row + 1]!)}"`
}

function longText(chunk: Chunk): TextOf {
  const values = fixedValues<BigInt64Array>(chunk)
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  return (row) => {
    // Most are safe integers, whose digits need no bigint
    const value = words[row * 2 + 1]! * 4_294_967_296 + (words[row * 2]! >>> 0)
    return Number.isSafeInteger(value) ? `"${value}"` : `"${values[row]}"`
  }
}

function variantColumnText(chunk: Chunk): TextOf {
  const [metadata, value] = chunk.children as [Chunk, Chunk]
  const bytesOf = (column: Chunk, row: number): Uint8Array => {
    const offsets = offsetsOf(column)
    return fixedValues<Uint8Array>(column).subarray(offsets[row], offsets[row + 1])
  }
  return (row) => JSON.stringify(variantText(bytesOf(metadata, row), bytesOf(value, row)))
}

function listText(element: Type): (chunk: Chunk) => TextOf {
  const writer = valueText(element)
  return (chunk) => {
    const offsets = offsetsOf(chunk)
    const child = chunk.children[0]!
    const text = nullable(child, writer(child))
    return (row) => {
      const parts: string[] = []
      for (let i = offsets[row]!; i < offsets[row + 1]!; i++) parts.push(text(i))
      return `[${parts.join(',')}]`
    }
  }
}

function mapText(key: Type, value: Type): (chunk: Chunk) => TextOf {
  const [keyWriter, valueWriter] = [valueText(key), valueText(value)]
  return (chunk) => {
    const offsets = offsetsOf(chunk)
    const [keys, values] = chunk.children[0]!.children as [Chunk, Chunk]
    const [keyText, itemText] = [nullable(keys, keyWriter(keys)), nullable(values, valueWriter(values))]
    return (row) => {
      const entries: { key: string; item: string }[] = []
      for (let i = offsets[row]!; i < offsets[row + 1]!; i++) entries.push({ key: keyText(i), item: itemText(i) })
      entries.sort((a, b) => compareUtf8(a.key, b.key))
      return `[${entries.map((entry) => `[${entry.key},${entry.item}]`).join(',')}]`
    }
  }
}
