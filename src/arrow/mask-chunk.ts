import { DataType } from 'apache-arrow'
import { bitAt, intersectValidity, validityOf } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'

/** A child of a struct as the struct's rows see it: null where either is. Shares the values. */
export function maskChunk(child: Chunk, parent: Chunk): Chunk {
  if (DataType.isNull(child.type)) return child
  const own = validityOf(child)
  const validity = intersectValidity(own, validityOf(parent), child.length)
  if (validity === undefined || validity.nullCount === own?.nullCount) return child
  if (DataType.isBool(child.type)) return maskBool(child, validity)
  return child.clone(child.type, 0, child.length, validity.nullCount, bufferList(child, validity.bitmap)) as Chunk
}

function maskBool(child: Chunk, validity: { bitmap: Uint8Array; nullCount: number }): Chunk {
  const bitmap = new Uint8Array((child.offset + child.length + 7) >> 3)
  for (let i = 0; i < child.length; i++) {
    const bit = child.offset + i
    if (bitAt(validity.bitmap, i)) bitmap[bit >> 3]! |= 1 << (bit & 7)
  }
  return child.clone(child.type, child.offset, child.length, validity.nullCount, bufferList(child, bitmap)) as Chunk
}

function bufferList(chunk: Chunk, bitmap: Uint8Array): Chunk['buffers'] {
  return [chunk.valueOffsets, chunk.values, bitmap, chunk.typeIds] as unknown as Chunk['buffers']
}
