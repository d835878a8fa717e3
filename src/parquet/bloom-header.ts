import { concatenate } from '../util/concatenate.js'
import { BLOCK_BYTES } from './block-split-filter.js'
import { empty, i32, struct } from './thrift-codec.js'
import { ThriftReader, ThriftWriter } from './thrift-compact.js'

type Empty = Record<never, never>

/** The header in front of a filter's bits, as parquet.thrift has it. Members of unions that are not known are skipped. */
interface BloomFilterHeader {
  readonly numBytes: number
  readonly algorithm: { readonly block?: Empty }
  readonly hash: { readonly xxhash?: Empty }
  readonly compression: { readonly uncompressed?: Empty }
}

const bloomFilterHeader = struct<BloomFilterHeader>('BloomFilterHeader', [
  [1, 'numBytes', i32, 'required'],
  [2, 'algorithm', struct<BloomFilterHeader['algorithm']>('BloomFilterAlgorithm', [[1, 'block', empty]]), 'required'],
  [3, 'hash', struct<BloomFilterHeader['hash']>('BloomFilterHash', [[1, 'xxhash', empty]]), 'required'],
  [4, 'compression', struct<BloomFilterHeader['compression']>('BloomFilterCompression', [[1, 'uncompressed', empty]]), 'required'],
])

/** More than any header takes: four fields of known members. */
export const MAX_HEADER_BYTES = 64
/** As in the reference's reader. */
const MAX_FILTER_BYTES = 128 * 2 ** 20

/** A filter as it stands in a file. */
export function encodeBloomFilter(bits: Uint8Array): Uint8Array {
  const writer = new ThriftWriter()
  const kind = { algorithm: { block: {} }, hash: { xxhash: {} }, compression: { uncompressed: {} } }
  bloomFilterHeader.write(writer, { numBytes: bits.length, ...kind })
  return concatenate([writer.finish(), bits])
}

/** Where a filter's bits start and how many bytes they are; undefined for a filter of another kind, or of an impossible size. */
export function decodeBloomHeader(bytes: Uint8Array): { readonly start: number; readonly length: number } | undefined {
  const reader = new ThriftReader(bytes)
  const { numBytes, algorithm, hash, compression } = bloomFilterHeader.read(reader)
  if (algorithm.block === undefined || hash.xxhash === undefined || compression.uncompressed === undefined) return undefined
  if (numBytes < BLOCK_BYTES || numBytes > MAX_FILTER_BYTES || numBytes % BLOCK_BYTES !== 0) return undefined
  return { start: reader.position, length: numBytes }
}
