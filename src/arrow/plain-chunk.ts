import { Binary, DataType, List, Utf8 } from 'apache-arrow'
import type { Field, Vector } from 'apache-arrow'
import { FloeError } from '../util/errors.js'
import {
  alignedBits,
  bitAt,
  fixedChunk,
  fixedValues,
  listChunk,
  offsetsOf,
  structChunk,
  validityBitmap,
  validityOf,
  variableChunk,
  withNullCount,
} from './arrow-data.js'
import type { Chunk, FixedValues, Validity } from './arrow-data.js'
import { nullChunk } from './constant-chunk.js'
import { isFixedWidth, nullIndex, sliceChunk, takeChunk } from './take.js'

/**
 * The same values with 32-bit offsets and no indirection: dictionaries are decoded, large, view and fixed-size-list layouts
 * become string, binary and list. Children are left as they are. A chunk that is plain already is returned itself.
 * @throws FloeError `UNSUPPORTED` where the plain form would exceed 2 GiB.
 */
export function plainChunk(chunk: Chunk): Chunk {
  const type = chunk.type as DataType
  if (DataType.isDictionary(type)) return decodeDictionary(chunk)
  if (DataType.isLargeUtf8(type)) return narrowVariable(chunk, new Utf8())
  if (DataType.isLargeBinary(type)) return narrowVariable(chunk, new Binary())
  if (DataType.isUtf8View(type)) return decodeViews(chunk, new Utf8())
  if (DataType.isBinaryView(type)) return decodeViews(chunk, new Binary())
  if (DataType.isLargeList(type)) {
    const { offsets, first, last } = narrowOffsets(chunk)
    const child = sliceChunk(chunk.children[0]!, first, last - first)
    return listChunk(new List(type.children[0] as Field), offsets, child, validityOf(chunk))
  }
  if (DataType.isFixedSizeList(type)) {
    const offsets = Int32Array.from({ length: chunk.length + 1 }, (_, i) => i * chunk.stride)
    return listChunk(new List(type.children[0] as Field), offsets, chunk.children[0]!, validityOf(chunk))
  }
  return chunk
}

/** The plain Arrow type that {@link plainChunk} yields for a type. */
export function plainType(type: DataType): DataType {
  if (DataType.isDictionary(type)) return plainType(type.dictionary as DataType)
  if (DataType.isLargeUtf8(type) || DataType.isUtf8View(type)) return new Utf8()
  if (DataType.isLargeBinary(type) || DataType.isBinaryView(type)) return new Binary()
  if (DataType.isLargeList(type) || DataType.isFixedSizeList(type)) return new List(type.children[0] as Field)
  return type
}

function decodeDictionary(chunk: Chunk): Chunk {
  const dictionary = chunk.dictionary as Vector | undefined
  const type = plainType(chunk.type as DataType)
  if (dictionary === undefined || dictionary.length === 0) return nullChunk(type, chunk.length)
  const values = concatChunks(dictionary.data as Chunk[])
  const keys = fixedValues(chunk)
  const validity = validityBitmap(chunk)
  const indices = new Uint32Array(chunk.length)
  for (let i = 0; i < indices.length; i++) {
    if (validity !== undefined && !bitAt(validity, chunk.offset + i)) indices[i] = nullIndex
    else {
      const key = Number(keys[i])
      if (!(key >= 0 && key < values.length)) throw new FloeError('CORRUPT', `a dictionary index is out of range: ${key} of ${values.length}`)
      indices[i] = key
    }
  }
  return takeChunk(values, indices)
}

function narrowVariable(chunk: Chunk, type: DataType): Chunk {
  const { offsets, first, last } = narrowOffsets(chunk)
  return variableChunk(type, offsets, fixedValues<Uint8Array>(chunk).subarray(first, last), validityOf(chunk))
}

function narrowOffsets(chunk: Chunk): { offsets: Int32Array; first: number; last: number } {
  const wide = chunk.valueOffsets as unknown as BigInt64Array | Int32Array
  const first = chunk.length === 0 ? 0 : Number(wide[0])
  const last = chunk.length === 0 ? 0 : Number(wide[chunk.length])
  if (last - first > 0x7fff_ffff) throw new FloeError('UNSUPPORTED', 'a column of one batch exceeds 2 GiB; use smaller batches')
  const offsets = new Int32Array(chunk.length + 1)
  for (let i = 1; i <= chunk.length; i++) offsets[i] = Number(wide[i]) - first
  return { offsets, first, last }
}

/** View layout: 16 bytes a value; up to 12 bytes are inline, longer ones name a buffer and an offset in it. */
function decodeViews(chunk: Chunk, type: DataType): Chunk {
  const bytes = fixedValues<Uint8Array>(chunk)
  const views = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const validity = validityBitmap(chunk)
  const offsets = new Int32Array(chunk.length + 1)
  let end = 0
  for (let i = 0; i < chunk.length; i++) {
    if (validity === undefined || bitAt(validity, chunk.offset + i)) end += views.getInt32(i * 16, true)
    offsets[i + 1] = end
  }
  if (end > 0x7fff_ffff) throw new FloeError('UNSUPPORTED', 'a column of one batch exceeds 2 GiB; use smaller batches')
  const values = new Uint8Array(end)
  for (let i = 0; i < chunk.length; i++) {
    const length = offsets[i + 1]! - offsets[i]!
    if (length === 0) continue
    const inline = length <= 12
    const source = inline ? bytes : chunk.variadicBuffers[views.getInt32(i * 16 + 8, true)]
    const from = inline ? i * 16 + 4 : views.getInt32(i * 16 + 12, true)
    if (source === undefined || from + length > source.length) throw new FloeError('CORRUPT', 'a string view points outside its buffers')
    values.set(source.subarray(from, from + length), offsets[i])
  }
  return variableChunk(type, offsets, values, validityOf(chunk))
}

/** Chunks of one type behind each other, in plain layout. One chunk is returned as it is. */
export function concatChunks(chunks: readonly Chunk[]): Chunk {
  if (chunks.length === 1) return plainChunk(chunks[0]!)
  const plain = chunks.map(plainChunk)
  const type = plain[0]!.type as DataType
  const length = plain.reduce((sum, chunk) => sum + chunk.length, 0)
  if (DataType.isNull(type)) return nullChunk(type, length)
  const validity = concatValidity(plain, length)
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    const { offsets, ranges } = concatOffsets(plain, length)
    const values = new Uint8Array(offsets[length]!)
    let at = 0
    plain.forEach((chunk, i) => {
      const [first, last] = ranges[i]!
      values.set(fixedValues<Uint8Array>(chunk).subarray(first, last), at)
      at += last - first
    })
    return variableChunk(type, offsets, values, validity)
  }
  if (DataType.isList(type) || DataType.isMap(type)) {
    const { offsets, ranges } = concatOffsets(plain, length)
    const children = plain.map((chunk, i) => sliceChunk(chunk.children[0]!, ranges[i]![0], ranges[i]![1] - ranges[i]![0]))
    return listChunk(type, offsets, concatChunks(children), validity)
  }
  if (DataType.isStruct(type)) {
    const children = plain[0]!.children.map((_, i) => concatChunks(plain.map((chunk) => chunk.children[i]!)))
    return structChunk(type, length, children, validity)
  }
  if (DataType.isBool(type)) return fixedChunk(type, length, concatBits(plain, length), validity)
  if (!isFixedWidth(type)) throw new FloeError('UNSUPPORTED', `Arrow type ${String(type)} is not supported; cast the column first`)
  return fixedChunk(type, length, concatFixed(plain, length), validity)
}

function concatFixed(chunks: readonly Chunk[], length: number): FixedValues {
  const sample = fixedValues(chunks[0]!)
  const values = new (sample.constructor as new (length: number) => FixedValues)(length * chunks[0]!.stride)
  let at = 0
  for (const chunk of chunks) {
    const part = fixedValues(chunk).subarray(0, chunk.length * chunk.stride)
    ;(values as Uint8Array).set(part as Uint8Array, at)
    at += part.length
  }
  return values
}

function concatBits(chunks: readonly Chunk[], length: number): Uint8Array {
  const bits = new Uint8Array((length + 7) >> 3)
  let at = 0
  for (const chunk of chunks) {
    copyBits(fixedValues<Uint8Array>(chunk), chunk, bits, at)
    at += chunk.length
  }
  return bits
}

function concatValidity(chunks: readonly Chunk[], length: number): Validity | undefined {
  if (chunks.every((chunk) => validityBitmap(chunk) === undefined)) return undefined
  const bitmap = new Uint8Array((length + 7) >> 3)
  let at = 0
  for (const chunk of chunks) {
    copyBits(validityBitmap(chunk), chunk, bitmap, at)
    at += chunk.length
  }
  return withNullCount(bitmap, length)
}

/** Copies the bits of a chunk, or sets them when there is no source, into zeroed bits. */
function copyBits(source: Uint8Array | undefined, { offset, length }: Chunk, target: Uint8Array, at: number): void {
  if (source !== undefined && (at & 7) === 0) {
    target.set(alignedBits(source, offset, length), at >> 3)
    const extra = (at + length) & 7
    if (extra > 0) target[(at + length) >> 3]! &= (1 << extra) - 1
    return
  }
  for (let i = 0; i < length; i++) if (source === undefined || bitAt(source, offset + i)) target[(at + i) >> 3]! |= 1 << ((at + i) & 7)
}

function concatOffsets(chunks: readonly Chunk[], length: number): { offsets: Int32Array; ranges: (readonly [number, number])[] } {
  const offsets = new Int32Array(length + 1)
  const ranges: (readonly [number, number])[] = []
  let row = 0
  let end = 0
  for (const chunk of chunks) {
    const source = offsetsOf(chunk)
    const first = chunk.length === 0 ? 0 : source[0]!
    for (let i = 1; i <= chunk.length; i++) offsets[row + i] = end + source[i]! - first
    const last = chunk.length === 0 ? 0 : source[chunk.length]!
    ranges.push([first, last])
    row += chunk.length
    end += last - first
    if (end > 0x7fff_ffff) throw new FloeError('UNSUPPORTED', 'a column of one batch would exceed 2 GiB; use smaller batches')
  }
  return { offsets, ranges }
}
