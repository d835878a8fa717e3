import { DataType } from 'apache-arrow'
import type { RecordBatch } from 'apache-arrow'
import { FloeError } from '../util/errors.js'
import {
  bitAt,
  bytesOf,
  columnsOf,
  fixedChunk,
  fixedValues,
  listChunk,
  makeBatch,
  offsetsOf,
  structChunk,
  validityBitmap,
  variableChunk,
  withNullCount,
  wordsOf,
} from './arrow-data.js'
import type { Chunk, FixedValues, Validity } from './arrow-data.js'
import { nullChunk } from './constant-chunk.js'

/** An index that takes a null instead of a row. */
export const nullIndex = 0xffff_ffff

/**
 * The rows of a batch at `indices`, in that order; rows may repeat. All rows, and runs of rows that follow each other, are
 * returned as views of the same bytes.
 */
export function takeBatch(batch: RecordBatch, indices: Uint32Array): RecordBatch {
  const first = indices[0] ?? 0
  if (isRun(indices)) return indices.length === batch.numRows ? batch : sliceBatch(batch, first, indices.length)
  const take = indices.includes(nullIndex) ? takeChunk : takeRows
  return makeBatch(batch.schema, indices.length, columnsOf(batch).map((column) => take(column, indices)))
}

/** `length` rows from row `start` on, as views of the same bytes. */
export function sliceBatch(batch: RecordBatch, start: number, length: number): RecordBatch {
  return makeBatch(batch.schema, length, columnsOf(batch).map((column) => sliceChunk(column, start, length)))
}

/** `length` values from `start` on, as a view of the same bytes. */
export function sliceChunk(chunk: Chunk, start: number, length: number): Chunk {
  if (start === 0 && length === chunk.length) return chunk
  if (DataType.isNull(chunk.type)) return nullChunk(chunk.type, length)
  return chunk.slice(start, length)
}

function isRun(indices: Uint32Array): boolean {
  const length = indices.length
  if (length === 0) return true
  const first = indices[0]!
  if (first === nullIndex || indices[length - 1]! !== first + length - 1) return false
  for (let i = 1; i < length; i++) if (indices[i] !== first + i) return false
  return true
}

/**
 * The values of a chunk of plain layout (see `plain-chunk.ts`) at `indices`; {@link nullIndex} takes a null.
 * @throws FloeError `UNSUPPORTED` for dictionaries, large and view layouts, and for results of more than 2 GiB.
 */
export function takeChunk(chunk: Chunk, indices: Uint32Array): Chunk {
  if (indices.includes(nullIndex)) {
    const rows = indices.map((index) => (index === nullIndex ? 0 : index))
    return gather(chunk, rows, takeValidity(chunk, indices))
  }
  return takeRows(chunk, indices)
}

/** As {@link takeChunk}, for indices that are all rows. */
function takeRows(chunk: Chunk, rows: Uint32Array): Chunk {
  return gather(chunk, rows, validityBitmap(chunk) === undefined ? undefined : takeValidity(chunk, rows))
}

function gather(chunk: Chunk, rows: Uint32Array, validity: Validity | undefined): Chunk {
  const length = rows.length
  if (length === 0) return sliceChunk(chunk, 0, 0)
  if (DataType.isNull(chunk.type) || chunk.length === 0) return nullChunk(chunk.type, length)
  const type = chunk.type as DataType
  if (DataType.isUtf8(type) || DataType.isBinary(type)) return takeVariable(chunk, rows, validity)
  if (DataType.isList(type) || DataType.isMap(type)) {
    const { offsets, children } = takeRanges(offsetsOf(chunk), rows)
    return listChunk(type, offsets, takeRows(chunk.children[0]!, children), validity)
  }
  if (DataType.isStruct(type)) {
    return structChunk(type, length, chunk.children.map((child) => takeRows(child, rows)), validity)
  }
  if (DataType.isBool(type)) return fixedChunk(type, length, takeBits(fixedValues(chunk), chunk.offset, rows), validity)
  if (isFixedWidth(type)) return fixedChunk(type, length, takeFixed(fixedValues(chunk), chunk.stride, rows), validity)
  throw new FloeError('UNSUPPORTED', `rows of Arrow type ${String(type)} cannot be gathered; cast the column first`)
}

/** Whether values of the type lie side by side in one buffer of whole bytes. */
export function isFixedWidth(type: DataType): boolean {
  return (
    DataType.isInt(type) ||
    DataType.isFloat(type) ||
    DataType.isDecimal(type) ||
    DataType.isDate(type) ||
    DataType.isTime(type) ||
    DataType.isTimestamp(type) ||
    DataType.isFixedSizeBinary(type) ||
    DataType.isInterval(type) ||
    DataType.isDuration(type)
  )
}

function takeValidity(chunk: Chunk, indices: Uint32Array): Validity | undefined {
  const source = validityBitmap(chunk)
  const bitmap = new Uint8Array((indices.length + 7) >> 3)
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]!
    if (index !== nullIndex && (source === undefined || bitAt(source, chunk.offset + index))) bitmap[i >> 3]! |= 1 << (i & 7)
  }
  return withNullCount(bitmap, indices.length)
}

function takeBits(bits: Uint8Array, offset: number, rows: Uint32Array): Uint8Array {
  const taken = new Uint8Array((rows.length + 7) >> 3)
  for (let i = 0; i < rows.length; i++) if (bitAt(bits, offset + rows[i]!)) taken[i >> 3]! |= 1 << (i & 7)
  return taken
}

function takeFixed(values: FixedValues, stride: number, rows: Uint32Array): FixedValues {
  const width = values.BYTES_PER_ELEMENT * stride
  const taken = new (values.constructor as new (length: number) => FixedValues)(rows.length * stride)
  // Copied as integer words: reading a NaN as a float, or 64 bits as a bigint, would change bits or allocate
  if (width % 4 === 0 && values.byteOffset % 4 === 0) takeWords(wordsOf(values), wordsOf(taken), width >> 2, rows)
  else takeBytes(bytesOf(values), bytesOf(taken), width, rows)
  return taken
}

function takeWords(source: Int32Array, target: Int32Array, words: number, rows: Uint32Array): void {
  if (words === 1) for (let i = 0; i < rows.length; i++) target[i] = source[rows[i]!]!
  else if (words === 2) {
    for (let i = 0; i < rows.length; i++) {
      const from = rows[i]! * 2
      target[i * 2] = source[from]!
      target[i * 2 + 1] = source[from + 1]!
    }
  } else {
    for (let i = 0; i < rows.length; i++) {
      const from = rows[i]! * words
      for (let word = 0; word < words; word++) target[i * words + word] = source[from + word]!
    }
  }
}

function takeBytes(source: Uint8Array, target: Uint8Array, width: number, rows: Uint32Array): void {
  const copy = byteCopier(source, target)
  for (let i = 0; i < rows.length; i++) copy(rows[i]! * width, i * width, width)
}

function takeVariable(chunk: Chunk, rows: Uint32Array, validity: Validity | undefined): Chunk {
  const source = offsetsOf(chunk)
  const offsets = takeOffsets(source, rows)
  const size = offsets[rows.length]!
  // Room behind the end: short values are copied as if they had a whole stretch, and the next one covers what was too much
  const taken = new Uint8Array(size + COPY_STRETCH)
  copyValues({ source, bytes: fixedValues<Uint8Array>(chunk), rows, offsets, taken })
  return variableChunk(chunk.type as DataType, offsets, taken.subarray(0, size), validity)
}

interface ValueCopy {
  readonly source: Int32Array
  readonly bytes: Uint8Array
  readonly rows: Uint32Array
  readonly offsets: Int32Array
  readonly taken: Uint8Array
}

const COPY_STRETCH = 16

function copyValues({ source, bytes, rows, offsets, taken }: ValueCopy): void {
  const copy = byteCopier(bytes, taken)
  const read = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const write = new DataView(taken.buffer, taken.byteOffset, taken.byteLength)
  const lastStretch = bytes.length - COPY_STRETCH
  for (let i = 0; i < rows.length; ) {
    const start = rows[i]!
    const from = source[start]!
    let next = i + 1
    // Rows that follow each other are copied in one go
    while (next < rows.length && rows[next] === start + next - i) next++
    const length = source[start + next - i]! - from
    const to = offsets[i]!
    if (length <= COPY_STRETCH && from <= lastStretch) {
      write.setInt32(to, read.getInt32(from, true), true)
      write.setInt32(to + 4, read.getInt32(from + 4, true), true)
      if (length > 8) {
        write.setInt32(to + 8, read.getInt32(from + 8, true), true)
        write.setInt32(to + 12, read.getInt32(from + 12, true), true)
      }
    } else copy(from, to, length)
    i = next
  }
}

/** Above it, the cost of making a view is less than that of copying word by word. */
const LONGEST_WORD_COPY = 64

/** Copies short runs four bytes at a time: `set` with a view takes as long as fifty bytes do, and a loop over bytes three times as long. */
function byteCopier(source: Uint8Array, target: Uint8Array): (from: number, to: number, length: number) => void {
  const read = new DataView(source.buffer, source.byteOffset, source.byteLength)
  const write = new DataView(target.buffer, target.byteOffset, target.byteLength)
  return (from, to, length) => {
    if (length > LONGEST_WORD_COPY) {
      target.set(source.subarray(from, from + length), to)
      return
    }
    let i = 0
    for (; i + 4 <= length; i += 4) write.setInt32(to + i, read.getInt32(from + i, true), true)
    for (; i < length; i++) write.setUint8(to + i, read.getUint8(from + i))
  }
}

function takeOffsets(source: Int32Array, rows: Uint32Array): Int32Array {
  const offsets = new Int32Array(rows.length + 1)
  let end = 0
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    end += source[row + 1]! - source[row]!
    offsets[i + 1] = end
  }
  if (end > 0x7fff_ffff) throw new FloeError('UNSUPPORTED', 'a column of one batch would exceed 2 GiB; use smaller batches')
  return offsets
}

/** The offsets of the taken lists, and the child rows that they consist of. */
function takeRanges(source: Int32Array, rows: Uint32Array): { offsets: Int32Array; children: Uint32Array } {
  const offsets = takeOffsets(source, rows)
  const children = new Uint32Array(offsets[rows.length]!)
  let at = 0
  for (let i = 0; i < rows.length; i++) {
    const end = source[rows[i]! + 1]!
    for (let child = source[rows[i]!]!; child < end; child++) children[at++] = child
  }
  return { offsets, children }
}
