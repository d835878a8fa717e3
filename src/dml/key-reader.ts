/**
 * Row-level operations: which rows change, and what becomes of them. This folder reads, matches and writes rows; what a commit
 * is made of, and when it conflicts, is `commit/`'s business.
 */
import type { RecordBatch } from 'apache-arrow'
import { bitAt, fixedValues, offsetsOf, validityBitmap, wordsOf, type Chunk } from '../arrow/arrow-data.js'
import { columnByPath } from '../arrow/column-by-path.js'
import { columnReader } from '../arrow/column-reader.js'
import { HIGH_WORD, LOW_WORD, murmur3 } from '../partition/murmur3.js'
import { printTypeName } from '../schema/type-name.js'
import type { Schema } from '../schema/schema.js'
import type { NestedField, Type, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'

/**
 * The keys of one batch, packed so that equal keys are equal bits: one word pair a row for a single column of at most 64 bits,
 * else bytes. Rows with a null among their key columns have no key.
 *
 * Two keys are equal when their values are; `-0.0` equals `0.0`, as in every comparison of filters, and NaN equals NaN, as in
 * the grouping of SQL engines.
 */
export interface KeyBlock {
  readonly length: number
  readonly hashes: Int32Array
  /** Rows without a key have a 1; `undefined` when every row has one. */
  readonly nulls: Uint8Array | undefined
  /** Two words a row, low and high; `undefined` in the wide form. */
  readonly words: Int32Array | undefined
  /** The wide form: row `i` is at `bytes[offsets[i], offsets[i + 1])`. */
  readonly bytes: Uint8Array
  readonly offsets: Int32Array
}

/** Reads keys from batches of one schema. */
export interface KeyReader {
  /** The key columns, in the order given. */
  readonly fields: readonly NestedField[]
  /** Their full paths. */
  readonly paths: readonly string[]
  /** Whether blocks have words. */
  readonly isNarrow: boolean
  read(batch: RecordBatch): KeyBlock
  /** The values of one row's key, in the order of {@link fields}. */
  values(batch: RecordBatch, row: number): readonly Value[]
  /** For messages: `id = 5, day = 19000`. */
  text(batch: RecordBatch, row: number): string
}

/**
 * Compiles the reading of keys. `schema` is that of the batches, which are in canonical types; `keys` are ids of its columns.
 * @throws FloeError `INVALID` for columns that cannot be keys: nested values, variants, and columns in lists and maps
 */
export function keyReader(schema: Schema, keys: readonly number[]): KeyReader {
  const fields = keys.map((id) => schema.fieldById(id)!)
  const paths = keys.map((id) => schema.pathOf(id)!)
  fields.forEach((field, i) => checkKeyType(field.type, paths[i]!))
  const locate = keys.map((id) => columnByPath(schema, id))
  const types = fields.map((field) => field.type)
  const isNarrow = types.length === 1 && isNarrowType(types[0]!)
  const values = (batch: RecordBatch, row: number): readonly Value[] =>
    locate.map((column, i) => columnReader(column(batch), types[i]!)(row))
  return {
    fields,
    paths,
    isNarrow,
    read: (batch) => (isNarrow ? narrowBlock(locate[0]!(batch), types[0]!) : wideBlock(locate.map((column) => column(batch)), types)),
    values,
    text: (batch, row) => values(batch, row).map((value, i) => `${paths[i]!} = ${valueText(value)}`).join(', '),
  }
}

const KEY_KINDS: ReadonlySet<Type['kind']> = new Set([
  'boolean', 'int', 'long', 'float', 'double', 'decimal', 'date', 'time', 'timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns',
  'string', 'uuid', 'fixed', 'binary',
])

function checkKeyType(type: Type, path: string): void {
  if (KEY_KINDS.has(type.kind)) return
  throw new FloeError('INVALID', `A key column must hold single values that compare; ${printTypeName(type)} does not`, { column: path })
}

function valueText(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value)
  if (value instanceof Uint8Array) return `0x${Buffer.from(value.subarray(0, 32)).toString('hex')}${value.length > 32 ? '…' : ''}`
  return Object.is(value, -0) ? '-0' : String(value)
}

function isNarrowType(type: Type): boolean {
  if (type.kind === 'decimal') return type.precision <= MAX_NARROW_PRECISION
  return type.kind !== 'string' && type.kind !== 'binary' && type.kind !== 'uuid' && type.kind !== 'fixed'
}

/** Decimals of so many digits fit into 64 bits. */
const MAX_NARROW_PRECISION = 18

const NO_BYTES = new Uint8Array(0)
const NO_OFFSETS = new Int32Array(0)

function narrowBlock(chunk: Chunk, type: Type): KeyBlock {
  const length = chunk.length
  const words = new Int32Array(length * 2)
  fillWords(words, chunk, type)
  const hashes = new Int32Array(length)
  for (let row = 0; row < length; row++) hashes[row] = hashWords(words[row * 2]!, words[row * 2 + 1]!)
  return { length, hashes, nulls: nullRows([chunk], length), words, bytes: NO_BYTES, offsets: NO_OFFSETS }
}

/** Mixes every bit of a word pair into 32. */
export function hashWords(low: number, high: number): number {
  let hash = Math.imul(low ^ Math.imul(high ^ (high >>> 16), 0x9e3779b1), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** The values of a column as word pairs, low first; equal values have equal words. */
function fillWords(words: Int32Array, chunk: Chunk, type: Type): void {
  const length = chunk.length
  switch (type.kind) {
    case 'boolean': {
      const bits = fixedValues<Uint8Array>(chunk)
      for (let row = 0; row < length; row++) words[row * 2] = bitAt(bits, chunk.offset + row) ? 1 : 0
      return
    }
    case 'int':
    case 'date': {
      const values = fixedValues<Int32Array>(chunk)
      for (let row = 0; row < length; row++) {
        words[row * 2] = values[row]!
        words[row * 2 + 1] = values[row]! >> 31
      }
      return
    }
    case 'float': {
      const bits = wordsOf(fixedValues(chunk))
      for (let row = 0; row < length; row++) words[row * 2] = canonicalFloat(bits[row]!)
      return
    }
    default: {
      const source = wordsOf(fixedValues(chunk))
      const stride = type.kind === 'decimal' ? 4 : 2
      for (let row = 0; row < length; row++) {
        words[row * 2] = source[row * stride + LOW_WORD]!
        words[row * 2 + 1] = source[row * stride + HIGH_WORD]!
      }
      if (type.kind === 'double') makeDoublesCanonical(words)
    }
  }
}

const FLOAT_NAN = 0x7fc0_0000
const DOUBLE_NAN_HIGH = 0x7ff8_0000
const SIGN = 0x8000_0000 | 0

function canonicalFloat(bits: number): number {
  if ((bits & 0x7fff_ffff) > 0x7f80_0000) return FLOAT_NAN
  return bits === SIGN ? 0 : bits
}

function makeDoublesCanonical(words: Int32Array): void {
  for (let at = 0; at < words.length; at += 2) {
    const [low, high] = [words[at]!, words[at + 1]!]
    const magnitude = high & 0x7fff_ffff
    if (magnitude > 0x7ff0_0000 || (magnitude === 0x7ff0_0000 && low !== 0)) {
      words[at] = 0
      words[at + 1] = DOUBLE_NAN_HIGH
    } else if (high === SIGN && low === 0) words[at + 1] = 0
  }
}

function nullRows(chunks: readonly Chunk[], length: number): Uint8Array | undefined {
  let nulls: Uint8Array | undefined
  for (const chunk of chunks) {
    const validity = validityBitmap(chunk)
    if (validity === undefined) continue
    nulls ??= new Uint8Array(length)
    for (let row = 0; row < length; row++) if (!bitAt(validity, chunk.offset + row)) nulls[row] = 1
  }
  return nulls
}

function wideBlock(chunks: readonly Chunk[], types: readonly Type[]): KeyBlock {
  const length = chunks[0]!.length
  const nulls = nullRows(chunks, length)
  const [type] = types
  const { bytes, offsets } =
    types.length === 1 && (type!.kind === 'string' || type!.kind === 'binary')
      ? { bytes: fixedValues<Uint8Array>(chunks[0]!), offsets: offsetsOf(chunks[0]!) }
      : packColumns(chunks, types, length)
  const hashes = new Int32Array(length)
  for (let row = 0; row < length; row++) hashes[row] = murmur3(bytes, offsets[row], offsets[row + 1])
  return { length, hashes, nulls, words: undefined, bytes, offsets }
}

/** Columns side by side; strings and binaries after their length, so that no two keys share their bytes. */
function packColumns(chunks: readonly Chunk[], types: readonly Type[], length: number): { bytes: Uint8Array; offsets: Int32Array } {
  const columns = chunks.map((chunk, i) => keyColumn(chunk, types[i]!))
  const offsets = new Int32Array(length + 1)
  let end = 0
  for (let row = 0; row < length; row++) {
    for (const column of columns) end += column.sizeOf(row)
    offsets[row + 1] = end
  }
  const bytes = new Uint8Array(end)
  const at = offsets.slice(0, length)
  for (const column of columns) for (let row = 0; row < length; row++) at[row] = column.write(bytes, at[row]!, row)
  return { bytes, offsets }
}

interface KeyColumn {
  sizeOf(row: number): number
  /** Answers where the next column starts. */
  write(target: Uint8Array, at: number, row: number): number
}

function keyColumn(chunk: Chunk, type: Type): KeyColumn {
  if (type.kind === 'string' || type.kind === 'binary') return variableColumn(chunk)
  if (!isNarrowType(type)) {
    const width = type.kind === 'fixed' ? type.length : 16
    const values = fixedValues(chunk)
    return fixedColumn(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), width)
  }
  const words = new Int32Array(chunk.length * 2)
  fillWords(words, chunk, type)
  return fixedColumn(new Uint8Array(words.buffer), 8)
}

function fixedColumn(source: Uint8Array, width: number): KeyColumn {
  return {
    sizeOf: () => width,
    write: (target, at, row) => copyBytes(source.subarray(row * width, (row + 1) * width), target, at),
  }
}

function variableColumn(chunk: Chunk): KeyColumn {
  const source = fixedValues<Uint8Array>(chunk)
  const offsets = offsetsOf(chunk)
  return {
    sizeOf: (row) => 4 + offsets[row + 1]! - offsets[row]!,
    write: (target, at, row) => {
      const length = offsets[row + 1]! - offsets[row]!
      for (let i = 0; i < 4; i++) target[at + i] = length >>> (i * 8)
      return copyBytes(source.subarray(offsets[row], offsets[row + 1]), target, at + 4)
    },
  }
}

/** A loop: keys are short, and `set` costs as much as fifty bytes. */
function copyBytes(source: Uint8Array, target: Uint8Array, at: number): number {
  for (let i = 0; i < source.length; i++) target[at + i] = source[i]!
  return at + source.length
}
