/**
 * `bucket[N]` over whole columns, without a bigint or a string per row. Slots of null rows hold a bucket of whatever bytes
 * lie there: mask them with the column's validity. Spec: Appendix B: 32-bit Hash Requirements
 */
import { HIGH_WORD, LOW_WORD, murmur3, murmur3Int, murmur3Long } from './murmur3.js'

/** Buckets of `int` and `date` columns. */
export function bucketInts(values: Int32Array, buckets: number): Int32Array {
  const result = new Int32Array(values.length)
  for (let row = 0; row < values.length; row++) result[row] = (murmur3Int(values[row]!) & 0x7fff_ffff) % buckets
  return result
}

/** Buckets of `long`, `time`, `timestamp` and `timestamptz` columns. */
export function bucketLongs(values: BigInt64Array, buckets: number): Int32Array {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  const result = new Int32Array(values.length)
  for (let row = 0; row < result.length; row++) {
    result[row] = (murmur3Long(words[2 * row + LOW_WORD]!, words[2 * row + HIGH_WORD]!) & 0x7fff_ffff) % buckets
  }
  return result
}

/** Buckets of `timestamp_ns` and `timestamptz_ns` columns: of the microsecond that holds each instant. */
export function bucketNanos(values: BigInt64Array, buckets: number): Int32Array {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  const result = new Int32Array(values.length)
  for (let row = 0; row < result.length; row++) {
    const high = words[2 * row + HIGH_WORD]!
    const low = words[2 * row + LOW_WORD]! >>> 0
    // Long division by 1000 in base 2³²; the partial dividend stays below 2⁴², so doubles are exact.
    const highMicros = Math.floor(high / 1000)
    const lowMicros = Math.floor(((high - highMicros * 1000) * 0x1_0000_0000 + low) / 1000)
    result[row] = (murmur3Long(lowMicros | 0, highMicros) & 0x7fff_ffff) % buckets
  }
  return result
}

/** Buckets of `string` and `binary` columns: row `i` is `bytes[offsets[i], offsets[i + 1])`. */
export function bucketUtf8(bytes: Uint8Array, offsets: Int32Array, buckets: number): Int32Array {
  const result = new Int32Array(Math.max(offsets.length - 1, 0))
  for (let row = 0; row < result.length; row++) {
    result[row] = (murmur3(bytes, offsets[row]!, offsets[row + 1]!) & 0x7fff_ffff) % buckets
  }
  return result
}

/** Buckets of `uuid` and `fixed` columns: row `i` is the `i`-th run of `width` bytes. */
export function bucketFixed(bytes: Uint8Array, width: number, buckets: number): Int32Array {
  const result = new Int32Array(width === 0 ? 0 : Math.floor(bytes.length / width))
  for (let row = 0; row < result.length; row++) {
    result[row] = (murmur3(bytes, row * width, (row + 1) * width) & 0x7fff_ffff) % buckets
  }
  return result
}
