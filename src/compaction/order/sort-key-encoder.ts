import type { RecordBatch } from 'apache-arrow'
import type { Chunk } from '../../arrow/arrow-data.js'
import { columnByPath } from '../../arrow/column-by-path.js'
import type { SortField, SortOrder } from '../../partition/partition-spec.js'
import { fieldTransform } from '../../partition/transform.js'
import type { Schema } from '../../schema/schema.js'
import { FloeError } from '../../util/errors.js'
import { keyColumnReader, nullTest } from './key-column.js'
import type { ByteColumn, KeyColumn, KeyColumnReader } from './key-column.js'
import type { KeyBytes, KeyEncoder } from './sort-keys.js'

/**
 * Makes keys of rows under a sort order: strings by code point, bytes unsigned, `-0.0` before `0.0`, NaN last of all numbers, nulls where
 * the order puts them; all equal values, and only they, have equal keys.
 * @throws FloeError `UNSUPPORTED` for a transform or type without order
 */
// Spec: Sorting
export function sortKeyEncoder(schema: Schema, order: SortOrder): KeyEncoder {
  const fields = order.fields.map((field) => keyField(field, schema))
  // Words hold the fields of one width up to the first of any length, and a prefix of that; bytes hold the rest
  const first = fields.findIndex(({ reader }) => reader.bits === undefined)
  const inWords = first === -1 ? fields : fields.slice(0, first + 1)
  const inBytes = first === -1 ? [] : fields.slice(first)
  const bits = inWords.reduce((sum, { isNullable, reader }) => sum + Number(isNullable) + (reader.bits ?? PREFIX_BYTES * 8), 0)
  return (batch) => {
    const columns = new Map(fields.map((field) => [field, presentColumn(field, batch)]))
    const words = Array.from({ length: Math.ceil(bits / 32) }, () => new Uint32Array(batch.numRows))
    let at = 0
    for (const field of inWords) at = writeField(words, at, field, columns.get(field)!)
    const rest = inBytes.length === 0 ? undefined : writeRest(inBytes.map((field) => [field, columns.get(field)!]), batch.numRows)
    return { length: batch.numRows, words, rest }
  }
}

/** As many bytes of text as go into words. */
const PREFIX_BYTES = 8

interface KeyField {
  readonly reader: KeyColumnReader
  readonly locate: (batch: RecordBatch) => Chunk
  readonly isNullable: boolean
  readonly isDescending: boolean
  readonly nullsFirst: boolean
}

/** A column of a batch, and its null rows. */
interface PresentColumn {
  readonly column: KeyColumn
  readonly isNull: ((row: number) => boolean) | undefined
}

function keyField(field: SortField, schema: Schema): KeyField {
  const source = field.sourceIds.length === 1 ? schema.fieldById(field.sourceIds[0]!) : undefined
  const transform = fieldTransform(field)
  if (source === undefined || transform.kind === 'unknown') {
    throw new FloeError('UNSUPPORTED', `Rows cannot be sorted by ${field.transform} of ${field.sourceIds.join(', ')}: name other columns`)
  }
  const mayBeNull = !source.required || schema.ancestorsOf(source.id).some(({ required }) => !required)
  return {
    reader: keyColumnReader(source.type, transform),
    locate: columnByPath(schema, source.id),
    // Void makes all rows alike, those with a null too
    isNullable: mayBeNull && transform.kind !== 'void',
    isDescending: field.direction === 'desc',
    nullsFirst: field.nullOrder === 'nulls-first',
  }
}

function presentColumn({ reader, locate, isNullable }: KeyField, batch: RecordBatch): PresentColumn {
  const chunk = locate(batch)
  return { column: reader.read(chunk), isNull: isNullable ? nullTest(chunk) : undefined }
}

/** Writes a field into words from bit `at` on; answers the bit behind it. */
function writeField(words: readonly Uint32Array[], at: number, field: KeyField, { column, isNull }: PresentColumn): number {
  let bit = at
  const length = words[0]?.length ?? 0
  if (field.isNullable) {
    const present = field.nullsFirst ? 0x8000_0000 : 0
    const absent = field.nullsFirst ? 0 : 0x8000_0000
    const flags = new Uint32Array(length).fill(present)
    if (isNull !== undefined) for (let row = 0; row < length; row++) if (isNull(row)) flags[row] = absent
    putBits(words, bit, flags, 1)
    bit++
  }
  const [values, bits] = 'words' in column ? [column.words, column.bits] : [prefixWords(column), PREFIX_BYTES * 8]
  for (const [i, value] of values.entries()) {
    const width = Math.min(32, bits - i * 32)
    if (field.isDescending) invert(value, width)
    if (isNull !== undefined) for (let row = 0; row < length; row++) if (isNull(row)) value[row] = 0
    putBits(words, bit, value, width)
    bit += width
  }
  return bit
}

function invert(values: Uint32Array, bits: number): void {
  const mask = bits === 32 ? 0xffff_ffff : ~(0xffff_ffff >>> bits)
  for (let row = 0; row < values.length; row++) values[row] = values[row]! ^ mask
}

/** Writes the upper `bits` bits of each value at bit `at`. */
function putBits(words: readonly Uint32Array[], at: number, values: Uint32Array, bits: number): void {
  const word = words[at >> 5]!
  const shift = at & 31
  if (shift === 0) for (let row = 0; row < values.length; row++) word[row]! |= values[row]!
  else for (let row = 0; row < values.length; row++) word[row]! |= values[row]! >>> shift
  if (shift + bits <= 32) return
  const next = words[(at >> 5) + 1]!
  const left = 32 - shift
  for (let row = 0; row < values.length; row++) next[row]! |= values[row]! << left
}

function prefixWords({ bytes, starts, ends }: ByteColumn): Uint32Array[] {
  const high = new Uint32Array(starts.length)
  const low = new Uint32Array(starts.length)
  for (let row = 0; row < high.length; row++) {
    const start = starts[row]!
    const end = ends[row]!
    high[row] = fourBytes(bytes, start, end)
    low[row] = fourBytes(bytes, start + 4, end)
  }
  return [high, low]
}

function fourBytes(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  let value = 0
  for (let i = at; i < end; i++) value |= bytes[i]! << (24 - (i - at) * 8)
  return value
}

type RestField = readonly [field: KeyField, column: PresentColumn]

/**
 * The bytes behind the words. The first field is one of any length whose null flag and first bytes stand in the words: how many these
 * were, then what follows them. Each further field: a byte for null or not, then its value. Values of any length are ended so that
 * a shorter one comes first whatever follows: 0 becomes 0 255, the end 0 0.
 */
function writeRest(fields: readonly RestField[], length: number): KeyBytes {
  const writers = fields.map(([field, column], i) => restWriter(field, column, { isFirst: i === 0, isLast: i === fields.length - 1 }))
  const offsets = new Int32Array(length + 1)
  let size = 0
  for (let row = 0; row < length; row++) {
    for (const writer of writers) size += writer.sizeOf(row)
    if (size > 0x7fff_ffff) throw new FloeError('UNSUPPORTED', 'the sort keys of one batch would exceed 2 GiB; use a smaller memory budget')
    offsets[row + 1] = size
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (let row = 0; row < length; row++) for (const writer of writers) at = writer.write(bytes, at, row)
  return { offsets, bytes }
}

interface RestWriter {
  sizeOf(row: number): number
  /** Answers where the next one writes. */
  write(target: Uint8Array, at: number, row: number): number
}

interface RestPlace {
  readonly isFirst: boolean
  readonly isLast: boolean
}

function restWriter(field: KeyField, { column, isNull }: PresentColumn, place: RestPlace): RestWriter {
  const value = 'words' in column ? wordsWriter(field, column.words) : bytesWriter(field, column, place)
  if (place.isFirst) {
    // The words say which rows are null
    if (isNull === undefined) return value
    const write: RestWriter['write'] = (target, at, row) => (isNull(row) ? at : value.write(target, at, row))
    return { sizeOf: (row) => (isNull(row) ? 0 : value.sizeOf(row)), write }
  }
  if (!field.isNullable) return value
  const present = field.nullsFirst ? 1 : 0
  const write: RestWriter['write'] = (target, at, row) => {
    const absent = isNull?.(row) === true
    target[at] = absent ? 1 - present : present
    return absent ? at + 1 : value.write(target, at + 1, row)
  }
  return { sizeOf: (row) => (isNull?.(row) === true ? 1 : 1 + value.sizeOf(row)), write }
}

function wordsWriter({ isDescending }: KeyField, words: readonly Uint32Array[]): RestWriter {
  const flip = isDescending ? 0xffff_ffff : 0
  const write: RestWriter['write'] = (target, at, row) => {
    let to = at
    for (const values of words) {
      const value = values[row]! ^ flip
      for (let shift = 24; shift >= 0; shift -= 8) target[to++] = value >>> shift
    }
    return to
  }
  return { sizeOf: () => words.length * 4, write }
}

function bytesWriter({ isDescending }: KeyField, { bytes, starts, ends }: ByteColumn, { isFirst, isLast }: RestPlace): RestWriter {
  const flip = isDescending ? 0xff : 0
  const skipped = isFirst ? PREFIX_BYTES : 0
  // What nothing follows needs no end where a shorter value comes first anyway
  const isEnded = !isLast || isDescending
  const sizeOf: RestWriter['sizeOf'] = (row) => {
    const end = ends[row]!
    const start = Math.min(starts[row]! + skipped, end)
    let size = Number(isFirst) + end - start
    if (!isEnded) return size
    for (let i = start; i < end; i++) if (bytes[i] === 0) size++
    return size + 2
  }
  const write: RestWriter['write'] = (target, at, row) => {
    const end = ends[row]!
    const start = Math.min(starts[row]! + skipped, end)
    let to = at
    if (isFirst) target[to++] = (start - starts[row]!) ^ flip
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!
      target[to++] = byte ^ flip
      if (byte === 0 && isEnded) target[to++] = 0xff ^ flip
    }
    if (isEnded) {
      target[to++] = flip
      target[to++] = flip
    }
    return to
  }
  return { sizeOf, write }
}
