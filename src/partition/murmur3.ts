/**
 * 32-bit Murmur3, x86 variant, seed 0, as signed integers.
 * Source: Austin Appleby's MurmurHash3. Spec: Appendix B: 32-bit Hash Requirements
 */

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
/** Which half of a 64-bit element of a typed array holds the low word on this machine. */
export const LOW_WORD = littleEndian ? 0 : 1
export const HIGH_WORD = 1 - LOW_WORD

/** The hash of `bytes[start, end)`. */
export function murmur3(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const length = end - start
  const blocksEnd = start + (length & ~3)
  let hash = 0
  for (let at = start; at < blocksEnd; at += 4) {
    hash = mixBlock(hash, bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
  }
  const left = length & 3
  if (left !== 0) {
    const high = left === 3 ? bytes[blocksEnd + 2]! << 16 : 0
    const middle = left >= 2 ? bytes[blocksEnd + 1]! << 8 : 0
    hash ^= scramble(high | middle | bytes[blocksEnd]!)
  }
  return finish(hash, length)
}

/** The hash of the eight little-endian bytes of the 64-bit integer `high · 2³² + low`, given as two words. */
export function murmur3Long(low: number, high: number): number {
  return finish(mixBlock(mixBlock(0, low), high), 8)
}

const longScratch = new BigInt64Array(1)
const longWords = new Int32Array(longScratch.buffer)

/** The hash of a `long`: its eight little-endian bytes. */
export function murmur3Bigint(value: bigint): number {
  longScratch[0] = value
  return murmur3Long(longWords[LOW_WORD]!, longWords[HIGH_WORD]!)
}

/** The hash of an `int` widened to a `long`, so that promotion keeps buckets. */
export function murmur3Int(value: number): number {
  return murmur3Long(value, value >> 31)
}

function scramble(block: number): number {
  const mixed = Math.imul(block, C1)
  return Math.imul((mixed << 15) | (mixed >>> 17), C2)
}

function mixBlock(hash: number, block: number): number {
  const mixed = hash ^ scramble(block)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function finish(hash: number, length: number): number {
  let mixed = hash ^ length
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
