import { DataType, tableFromIPC } from 'apache-arrow'
import { bitAt, fixedValues, offsetsOf, validityBitmap } from '../arrow/arrow-data.js'
import type { Chunk } from '../arrow/arrow-data.js'
import { xxhash64, xxhash64OfInt, xxhash64OfLong } from '../util/xxhash64.js'
import type { Halves } from '../util/xxhash64.js'
import { BlockSplitFilter, filterBytes } from './block-split-filter.js'
import { encodeBloomFilter } from './bloom-header.js'
import { physicalType } from './file-metadata.js'

/** A filter to be made of one leaf column. */
export interface BloomRequest {
  /** Ordinal of the column chunk. */
  readonly leaf: number
  /** How the column is stored. */
  readonly type: number
  readonly typeLength: number | undefined
  /** The rate of false positives that the filter aims at, between 0 and 1. */
  readonly fpp: number
  /** Distinct values of a row group to make room for; absent: as many as there are. */
  readonly ndv: number | undefined
  readonly maxBytes: number
}

/** A filter that takes more absent values than this for present is not worth its bytes. */
const WORST_RATE = 0.5

/**
 * Makes the filters of a row group from its batches as an Arrow IPC stream, as they are stored, by leaf. A column with more values than
 * its largest filter can tell apart has none. Values below a null parent may be in it: it errs on the side of reading.
 */
export function buildBloomFilters(ipc: Uint8Array, requests: readonly BloomRequest[]): ReadonlyMap<number, Uint8Array> {
  const leaves: Chunk[][] = []
  for (const batch of tableFromIPC(ipc).batches) {
    let next = 0
    for (const column of batch.data.children) forEachLeaf(column, (leaf) => (leaves[next++] ??= []).push(leaf))
  }
  const filters = new Map<number, Uint8Array>()
  for (const request of requests) {
    const filter = filled(leaves[request.leaf]!, request)
    if (filter.falsePositiveRate() <= WORST_RATE) filters.set(request.leaf, encodeBloomFilter(filter.bytes()))
  }
  return filters
}

function forEachLeaf(chunk: Chunk, visit: (leaf: Chunk) => void): void {
  if (DataType.isStruct(chunk.type) || DataType.isList(chunk.type) || DataType.isMap(chunk.type)) {
    for (const child of chunk.children) forEachLeaf(child, visit)
  } else visit(chunk)
}

function filled(chunks: readonly Chunk[], request: BloomRequest): BlockSplitFilter {
  const { fpp, ndv, maxBytes } = request
  const values = chunks.reduce((sum, chunk) => sum + chunk.length - chunk.nullCount, 0)
  const filter = new BlockSplitFilter(filterBytes(ndv ?? values, fpp, maxBytes))
  const hash: Halves = new Uint32Array(2)
  for (const chunk of chunks) {
    const hashRow = rowHasher(chunk, request, hash)
    const validity = validityBitmap(chunk)
    for (let row = 0; row < chunk.length; row++) {
      if (validity !== undefined && !bitAt(validity, chunk.offset + row)) continue
      hashRow(row)
      filter.add(hash)
    }
  }
  if (ndv === undefined) filter.fold(filterBytes(filter.distinct, fpp, maxBytes))
  return filter
}

/** Puts the hash of a row's plain encoding into `hash`. */
function rowHasher(chunk: Chunk, { type, typeLength = 0 }: BloomRequest, hash: Halves): (row: number) => void {
  const values = fixedValues(chunk)
  if (type === physicalType.byteArray) {
    const offsets = offsetsOf(chunk)
    return (row) => xxhash64(values as Uint8Array, offsets[row]!, offsets[row + 1]!, hash)
  }
  if (type === physicalType.fixedLenByteArray) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    if (!DataType.isDecimal(chunk.type)) return (row) => xxhash64(bytes, row * typeLength, (row + 1) * typeLength, hash)
    const reversed = new Uint8Array(typeLength)
    return (row) => {
      for (let i = 0; i < typeLength; i++) reversed[i] = bytes[row * 16 + typeLength - 1 - i]!
      xxhash64(reversed, 0, typeLength, hash)
    }
  }
  const words = new Int32Array(values.buffer, values.byteOffset, values.byteLength / 4)
  const isLong = type === physicalType.int64 || type === physicalType.double
  const step = DataType.isDecimal(chunk.type) ? 4 : isLong ? 2 : 1
  if (isLong) return (row) => xxhash64OfLong(words[row * step]!, words[row * step + 1]!, hash)
  return (row) => xxhash64OfInt(words[row * step]!, hash)
}
