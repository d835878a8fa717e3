import { DataType } from 'apache-arrow'
import type { RecordBatch } from 'apache-arrow'
import { columnsOf, fixedValues, offsetsOf, validityBitmap } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import { sliceChunk } from './take.js'

/** Bytes that the rows of a batch in canonical types take: those of a slice, not of the buffers that it shares. */
export function batchBytes(batch: RecordBatch): number {
  return columnsOf(batch).reduce((sum, column) => sum + chunkBytes(column), 0)
}

/** The same for one column. */
export function chunkBytes(chunk: Chunk): number {
  const { length, type } = chunk
  const validity = validityBitmap(chunk) === undefined ? 0 : Math.ceil(length / 8)
  if (length === 0 || DataType.isNull(type)) return 0
  if (DataType.isBool(type)) return validity + Math.ceil(length / 8)
  if (DataType.isStruct(type)) return chunk.children.reduce((sum, child) => sum + chunkBytes(child), validity)
  if (DataType.isUtf8(type) || DataType.isBinary(type) || DataType.isList(type) || DataType.isMap(type)) {
    const offsets = offsetsOf(chunk)
    const [first, last] = [offsets[0]!, offsets[length]!]
    const child = chunk.children[0]
    const values = child === undefined ? last - first : chunkBytes(sliceChunk(child, first, last - first))
    return validity + (length + 1) * 4 + values
  }
  return validity + length * chunk.stride * fixedValues(chunk).BYTES_PER_ELEMENT
}
