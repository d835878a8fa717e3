import type { RecordBatch } from 'apache-arrow'
import { Decimal } from '../schema/decimal.js'
import type { Schema } from '../schema/schema.js'
import type { NestedField, Type } from '../schema/type.js'
import { Variant } from '../schema/variant.js'
import { bitAt, columnsOf, fixedValues, offsetsOf, validityBitmap } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import { decimalReader, presentReader } from './column-reader.js'

/**
 * One value of a row as callers see it, chosen by the column's type, without loss:
 * boolean → boolean · int, float, double → number · date → number of days since 1970-01-01 · long, time (µs), timestamps (µs or ns,
 * UTC) → bigint · decimal → {@link Decimal} · string, uuid → string · fixed, binary, geometry, geography → Uint8Array of its own ·
 * list → array · map → Map · struct → object · variant → {@link Variant}, its two binaries · null → `null`.
 */
export type RowValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Decimal
  | Uint8Array
  | readonly RowValue[]
  | ReadonlyMap<RowValue, RowValue>
  | { readonly [name: string]: RowValue }

/** A row: one property of its own per column, `__proto__` included. */
export type Row = Record<string, RowValue>

/** Friendlier values where the caller accepts their limits. */
export interface RowOptions {
  /** `date`: date and timestamp columns as `Date`, rounded down to milliseconds. Default `exact`. */
  readonly timestamps?: 'exact' | 'date' | undefined
  /** `value`: variants as JavaScript values, {@link Variant.toValue}. Default `exact`. */
  readonly variants?: 'exact' | 'value' | undefined
}

/** Rows from `start` (default 0) to `end` (default all) of a batch in canonical types. */
export type ReadRows = (batch: RecordBatch, start?: number, end?: number) => Row[]

/** Compiles the conversion of batches with the columns of `schema` to rows. The function may be used for any number of batches. */
export function rowReader(schema: Schema, options: RowOptions = {}): ReadRows {
  const fill = structFiller(schema.fields, options)
  return (batch, start = 0, end = batch.numRows) => fill(columnsOf(batch), start, end)
}

/** Rows made at a time when they are taken one by one: most are garbage again before the collector would have to move them. */
const chunkRows = 1024

/** Rows of batches one by one, made shortly before they are asked for. */
export function* rowsOf(batches: Iterable<RecordBatch>, schema: Schema, options: RowOptions = {}): Generator<Row, void, undefined> {
  const read = rowReader(schema, options)
  for (const batch of batches) {
    for (let start = 0; start < batch.numRows; start += chunkRows) yield* read(batch, start, Math.min(start + chunkRows, batch.numRows))
  }
}

type FillRows = (columns: readonly Chunk[], start: number, end: number) => Row[]

/** Fills a column at a time: the loops stay small, and every row starts as a copy of one template and so has one shape. */
function structFiller(fields: readonly NestedField[], options: RowOptions): FillRows {
  const template = rowTemplate(fields)
  const readers = fields.map((field) => valueReader(field.type, options))
  return (columns, start, end) => {
    const rows = new Array<Row>(end - start)
    for (let i = 0; i < rows.length; i++) rows[i] = { ...template }
    fields.forEach((field, i) => {
      fillColumn({ rows, start }, field.name, columns[i]!, readers[i]!(columns[i]!))
    })
    return rows
  }
}

/** Own properties from the start, so that assigning `__proto__` sets a value like any other. */
function rowTemplate(fields: readonly NestedField[]): Row {
  const template: Row = {}
  for (const { name } of fields) {
    Object.defineProperty(template, name, { value: null, writable: true, enumerable: true, configurable: true })
    // Having held both an object and a number, the property accepts any value without changing the shape
    template[name] = 0
    template[name] = null
  }
  return template
}

function fillColumn({ rows, start }: { rows: Row[]; start: number }, name: string, chunk: Chunk, read: ReadValue): void {
  const validity = validityBitmap(chunk)
  const first = chunk.offset + start
  if (validity === undefined) for (let i = 0; i < rows.length; i++) rows[i]![name] = read(start + i)
  else for (let i = 0; i < rows.length; i++) if (bitAt(validity, first + i)) rows[i]![name] = read(start + i)
}

type ReadValue = (row: number) => RowValue

function valueReader(type: Type, options: RowOptions): (chunk: Chunk) => ReadValue {
  switch (type.kind) {
    case 'decimal':
      return (chunk) => decimalValueReader(chunk, type.scale)
    case 'struct':
      return structReader(type.fields, options)
    case 'variant':
      return variantReader(options)
    case 'list':
      return listReader(type.element, options)
    case 'map':
      return mapReader(type.key, type.value, options)
    default: {
      const perDay = options.timestamps === 'date' ? unitsPerDay.get(type.kind) : undefined
      return perDay === undefined ? (chunk) => presentReader(chunk, type) as ReadValue : (chunk) => dateReader(chunk, perDay)
    }
  }
}

function variantReader({ variants }: RowOptions): (chunk: Chunk) => ReadValue {
  const binary: Type = { kind: 'binary' }
  return (chunk) => {
    const [metadata, value] = chunk.children.map((child) => presentReader(child, binary)) as [BytesOf, BytesOf]
    if (variants === 'value') return (row) => new Variant(metadata(row), value(row)).toValue() as RowValue
    return (row) => new Variant(metadata(row), value(row)) as unknown as RowValue
  }
}

type BytesOf = (row: number) => Uint8Array

const unitsPerDay: ReadonlyMap<string, bigint> = new Map([
  ['date', 1n],
  ['timestamp', 86_400_000_000n],
  ['timestamptz', 86_400_000_000n],
  ['timestamp_ns', 86_400_000_000_000n],
  ['timestamptz_ns', 86_400_000_000_000n],
])

function dateReader(chunk: Chunk, perDay: bigint): ReadValue {
  if (perDay === 1n) {
    const days = fixedValues<Int32Array>(chunk)
    return (row) => new Date(days[row]! * 86_400_000)
  }
  const values = fixedValues<BigInt64Array>(chunk)
  const perMilli = perDay / 86_400_000n
  return (row) => {
    const value = values[row]!
    const rest = value % perMilli
    return new Date(Number((rest < 0n ? value - perMilli : value) / perMilli))
  }
}

function decimalValueReader(chunk: Chunk, scale: number): ReadValue {
  const read = decimalReader(chunk)
  return (row) => new Decimal(read(row), scale)
}

/** A value of a chunk, null where it is null. */
function nullableReader(chunk: Chunk, read: ReadValue): ReadValue {
  const validity = validityBitmap(chunk)
  if (validity === undefined) return read
  const offset = chunk.offset
  return (row) => (bitAt(validity, offset + row) ? read(row) : null)
}

function structReader(fields: readonly NestedField[], options: RowOptions): (chunk: Chunk) => ReadValue {
  const template = rowTemplate(fields)
  const names = fields.map((field) => field.name)
  const readers = fields.map((field) => valueReader(field.type, options))
  return (chunk) => {
    const read = readers.map((reader, i) => nullableReader(chunk.children[i]!, reader(chunk.children[i]!)))
    return (row) => {
      const value = { ...template }
      for (let i = 0; i < names.length; i++) value[names[i]!] = read[i]!(row)
      return value
    }
  }
}

function listReader(element: Type, options: RowOptions): (chunk: Chunk) => ReadValue {
  const reader = valueReader(element, options)
  return (chunk) => {
    const offsets = offsetsOf(chunk)
    const child = chunk.children[0]!
    const read = nullableReader(child, reader(child))
    return (row) => {
      const start = offsets[row]!
      const values = new Array<RowValue>(offsets[row + 1]! - start)
      for (let i = 0; i < values.length; i++) values[i] = read(start + i)
      return values
    }
  }
}

function mapReader(key: Type, value: Type, options: RowOptions): (chunk: Chunk) => ReadValue {
  const [keyReader, valueOf] = [valueReader(key, options), valueReader(value, options)]
  return (chunk) => {
    const offsets = offsetsOf(chunk)
    const [keys, values] = chunk.children[0]!.children as [Chunk, Chunk]
    const readKey = nullableReader(keys, keyReader(keys))
    const readValue = nullableReader(values, valueOf(values))
    return (row) => {
      const entries = new Map<RowValue, RowValue>()
      for (let i = offsets[row]!; i < offsets[row + 1]!; i++) entries.set(readKey(i), readValue(i))
      return entries
    }
  }
}
