import { Data, RecordBatch, Struct, Type as TypeId } from 'apache-arrow'
import type { DataType, Field, Schema as ArrowSchema } from 'apache-arrow'

/**
 * How apache-arrow keeps a column chunk, which everything in this folder relies on: `values`, `valueOffsets` and the children of
 * a struct are already shifted to the chunk's first row; only the validity bitmap and the bits of a boolean column start at
 * `offset`. Children of lists and maps are not shifted: offsets point into them absolutely.
 */
export type Chunk = Data

/** A validity bitmap that starts at bit 0, with the number of zero bits; undefined means that no value is null. */
export interface Validity {
  readonly bitmap: Uint8Array
  readonly nullCount: number
}

/** Whether bit `index` is set. */
export function bitAt(bitmap: Uint8Array, index: number): boolean {
  return ((bitmap[index >> 3]! >> (index & 7)) & 1) === 1
}

/** The validity bitmap of a chunk, to be read from bit `chunk.offset` on; undefined when no value is null. */
export function validityBitmap(chunk: Chunk): Uint8Array | undefined {
  if (chunk.typeId === TypeId.Null) return noBits
  return chunk.nullCount > 0 ? (chunk.nullBitmap as Uint8Array | undefined) : undefined
}

/** Every bit of it reads as zero. */
const noBits = new Uint8Array(0)

/** Calls `visit` with each row that is not null. */
export function forEachValue(chunk: Chunk, visit: (row: number) => void): void {
  const validity = validityBitmap(chunk)
  for (let row = 0; row < chunk.length; row++) if (validity === undefined || bitAt(validity, chunk.offset + row)) visit(row)
}

/** The validity of a chunk moved to bit 0. Shares the bytes where it can. */
export function validityOf(chunk: Chunk): Validity | undefined {
  const bitmap = validityBitmap(chunk)
  if (bitmap === undefined) return undefined
  return { bitmap: alignedBits(bitmap, chunk.offset, chunk.length), nullCount: chunk.nullCount }
}

/** `length` bits from bit `offset` on, moved to bit 0: a view where `offset` is a multiple of eight. */
export function alignedBits(bits: Uint8Array, offset: number, length: number): Uint8Array {
  const bytes = (length + 7) >> 3
  const first = offset >> 3
  const shift = offset & 7
  if (shift === 0 && bits.length >= first + bytes) return bits.subarray(first, first + bytes)
  const aligned = new Uint8Array(bytes)
  for (let i = 0; i < bytes; i++) aligned[i] = ((bits[first + i] ?? 0) >> shift) | ((bits[first + i + 1] ?? 0) << (8 - shift))
  return aligned
}

/** The values that are present in both; what a child of a struct effectively has. */
export function intersectValidity(a: Validity | undefined, b: Validity | undefined, length: number): Validity | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const bitmap = new Uint8Array((length + 7) >> 3)
  for (let i = 0; i < bitmap.length; i++) bitmap[i] = a.bitmap[i]! & b.bitmap[i]!
  return withNullCount(bitmap, length)
}

/** Counts the zero bits among the first `length`; undefined when there are none. */
export function withNullCount(bitmap: Uint8Array, length: number): Validity | undefined {
  let set = 0
  const whole = length >> 3
  for (let i = 0; i < whole; i++) set += bitCounts[bitmap[i]!]!
  const rest = length & 7
  if (rest > 0) set += bitCounts[bitmap[whole]! & ((1 << rest) - 1)]!
  return set === length ? undefined : { bitmap, nullCount: length - set }
}

const bitCounts = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0
  for (let bits = byte; bits > 0; bits >>= 1) count += bits & 1
  return count
})

/** Values of every layout whose elements have one width. */
export type FixedValues =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array

/** The raw values of a chunk; not valid for structs and lists. */
export function fixedValues<T extends FixedValues = FixedValues>(chunk: Chunk): T {
  return chunk.values as unknown as T
}

/** The memory of values as 32-bit words, of longer values the low one first. */
export function wordsOf(values: FixedValues): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.byteLength >> 2)
}

/** The memory of values as bytes. */
export function bytesOf(values: FixedValues): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** The 32-bit offsets of a string, binary, list or map chunk: `length + 1` of them. */
export function offsetsOf(chunk: Chunk): Int32Array {
  return chunk.valueOffsets as unknown as Int32Array
}

/** A chunk of numbers, decimals, booleans, fixed bytes or nulls. */
export function fixedChunk(type: DataType, length: number, values: FixedValues | undefined, validity?: Validity): Chunk {
  return makeChunk(type, length, { values, validity })
}

/** A chunk of strings or binaries. */
export function variableChunk(type: DataType, offsets: Int32Array, values: Uint8Array, validity?: Validity): Chunk {
  return makeChunk(type, offsets.length - 1, { offsets, values, validity })
}

/** A chunk of lists or maps over one child. */
export function listChunk(type: DataType, offsets: Int32Array, child: Chunk, validity?: Validity): Chunk {
  return makeChunk(type, offsets.length - 1, { offsets, validity, children: [child] })
}

/** A chunk of structs; every child has `length` rows. */
export function structChunk(type: DataType, length: number, children: readonly Chunk[], validity?: Validity): Chunk {
  return makeChunk(type, length, { validity, children })
}

interface ChunkParts {
  readonly offsets?: Int32Array | undefined
  readonly values?: FixedValues | undefined
  readonly validity?: Validity | undefined
  readonly children?: readonly Chunk[] | undefined
}

function makeChunk(type: DataType, length: number, parts: ChunkParts): Chunk {
  const buffers = [parts.offsets, parts.values, parts.validity?.bitmap, undefined] as unknown as Partial<Chunk['buffers']>
  return new Data(type, 0, length, parts.validity?.nullCount ?? 0, buffers, [...(parts.children ?? [])])
}

/** The same values under an equal layout with other names or metadata. */
export function retype(chunk: Chunk, type: DataType): Chunk {
  return chunk.type === type ? chunk : (chunk.clone(type) as Chunk)
}

/** A batch of `length` rows; also without columns. */
export function makeBatch(schema: ArrowSchema, length: number, columns: readonly Chunk[]): RecordBatch {
  return new RecordBatch(schema, structChunk(new Struct(schema.fields as Field[]), length, columns) as Data<Struct>)
}

/** The column chunks of a batch, each exactly `batch.numRows` long. */
export function columnsOf(batch: RecordBatch): readonly Chunk[] {
  return batch.data.children
}
