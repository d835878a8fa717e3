import { DataType } from 'apache-arrow'
import type { Field, RecordBatch, Schema as ArrowSchema } from 'apache-arrow'
import {
  alignedBits,
  bytesOf,
  columnsOf,
  fixedChunk,
  fixedValues,
  listChunk,
  makeBatch,
  offsetsOf,
  structChunk,
  validityOf,
  variableChunk,
} from '../../arrow/arrow-data.js'
import type { Chunk, FixedValues, Validity } from '../../arrow/arrow-data.js'
import { nullChunk } from '../../arrow/constant-chunk.js'
import { sliceChunk } from '../../arrow/take.js'

/**
 * A batch as bytes, for a reader in the same process that knows its schema: 32-bit numbers and the buffers of its columns as they lie
 * in memory, in depth-first order, each at a multiple of eight. Read without a copy. The bytes are written to what `allocate` answers,
 * which may be longer than asked for.
 */
export function encodeFrame(batch: RecordBatch, allocate: (length: number) => Uint8Array): Uint8Array {
  const parts: Uint8Array[] = []
  pushNumber(parts, batch.numRows)
  for (const chunk of columnsOf(batch)) pushChunk(parts, chunk)
  const size = parts.reduce((sum, part) => sum + padded(part.length), 0)
  const frame = allocate(size).subarray(0, size)
  let at = 0
  for (const part of parts) {
    frame.set(part, at)
    at += padded(part.length)
  }
  return frame
}

/** The batch of a frame. Its columns are views of the frame's bytes, which must start at a multiple of eight of their buffer. */
export function decodeFrame(frame: Uint8Array, schema: ArrowSchema): RecordBatch {
  const reader = new FrameReader(frame)
  const rows = reader.number()
  return makeBatch(schema, rows, (schema.fields as Field[]).map((field) => reader.chunk(field.type as DataType, rows)))
}

function pushNumber(parts: Uint8Array[], value: number): void {
  parts.push(bytesOf(Uint32Array.of(value, 0)))
}

function pushChunk(parts: Uint8Array[], chunk: Chunk): void {
  const { type, length } = chunk as { type: DataType; length: number }
  if (DataType.isNull(type)) return
  const validity = validityOf(chunk)
  pushNumber(parts, validity?.nullCount ?? 0)
  if (validity !== undefined) parts.push(validity.bitmap.subarray(0, (length + 7) >> 3))
  if (DataType.isStruct(type)) for (const child of chunk.children) pushChunk(parts, child)
  else if (DataType.isBool(type)) parts.push(alignedBits(fixedValues<Uint8Array>(chunk), chunk.offset, length))
  else if (hasOffsets(type)) pushVariable(parts, chunk)
  else parts.push(bytesOf(fixedValues(chunk)).subarray(0, length * chunk.stride * fixedValues(chunk).BYTES_PER_ELEMENT))
}

function pushVariable(parts: Uint8Array[], chunk: Chunk): void {
  // An empty chunk may come without any offset
  const offsets = chunk.length === 0 ? new Int32Array(1) : offsetsOf(chunk).subarray(0, chunk.length + 1)
  const first = offsets[0]!
  const size = offsets[chunk.length]! - first
  pushNumber(parts, size)
  parts.push(bytesOf(first === 0 ? offsets : offsets.map((offset) => offset - first)))
  const child = chunk.children[0]
  if (child === undefined) parts.push(fixedValues<Uint8Array>(chunk).subarray(first, first + size))
  else pushChunk(parts, sliceChunk(child, first, size))
}

class FrameReader {
  readonly #frame: Uint8Array
  #at = 0

  constructor(frame: Uint8Array) {
    this.#frame = frame
  }

  number(): number {
    return new Uint32Array(this.#frame.buffer, this.#take(8).byteOffset, 1)[0]!
  }

  chunk(type: DataType, length: number): Chunk {
    if (DataType.isNull(type)) return nullChunk(type, length)
    const nullCount = this.number()
    const validity: Validity | undefined = nullCount === 0 ? undefined : { bitmap: this.#take((length + 7) >> 3), nullCount }
    if (DataType.isStruct(type)) {
      const children = (type.children as Field[]).map((field) => this.chunk(field.type as DataType, length))
      return structChunk(type, length, children, validity)
    }
    if (DataType.isBool(type)) return fixedChunk(type, length, this.#take((length + 7) >> 3), validity)
    if (hasOffsets(type)) return this.#variable(type, length, validity)
    const Values = type.ArrayType as unknown as FixedArray
    const bytes = this.#take(length * strideOf(type) * Values.BYTES_PER_ELEMENT)
    return fixedChunk(type, length, new Values(bytes.buffer, bytes.byteOffset, bytes.length / Values.BYTES_PER_ELEMENT), validity)
  }

  #variable(type: DataType, length: number, validity: Validity | undefined): Chunk {
    const size = this.number()
    const offsetBytes = this.#take((length + 1) * 4)
    const offsets = new Int32Array(offsetBytes.buffer, offsetBytes.byteOffset, length + 1)
    const child = type.children?.[0] as Field | undefined
    if (child === undefined) return variableChunk(type, offsets, this.#take(size), validity)
    return listChunk(type, offsets, this.chunk(child.type as DataType, size), validity)
  }

  #take(length: number): Uint8Array {
    const start = this.#at
    this.#at += padded(length)
    return this.#frame.subarray(start, start + length)
  }
}

interface FixedArray {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): FixedValues
}

function strideOf(type: DataType): number {
  if (DataType.isFixedSizeBinary(type)) return type.byteWidth
  return DataType.isDecimal(type) ? type.bitWidth / 32 : 1
}

function hasOffsets(type: DataType): boolean {
  return DataType.isUtf8(type) || DataType.isBinary(type) || DataType.isList(type) || DataType.isMap(type)
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8
}
