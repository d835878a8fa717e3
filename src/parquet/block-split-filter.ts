import type { Halves } from '../util/xxhash64.js'

/**
 * The split-block bloom filter of the Parquet format: blocks of 256 bits, one for each value, in which one bit of each of
 * eight words is set. It knows hashes, neither values nor files.
 * Source: parquet-format/BloomFilter.md
 */

export const BLOCK_BYTES = 32
const BLOCK_WORDS = 8
const SALT = Int32Array.of(0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31)

/** Which of `blocks` blocks a hash belongs to. */
export function blockOf(hash: Halves, blocks: number): number {
  // The high half times `blocks`, over 2^32, in two steps that stay exact
  const high = hash[1]!
  return Math.floor(((high >>> 16) * blocks + Math.floor(((high & 0xffff) * blocks) / 65536)) / 65536)
}

/** Whether the block that starts at `word` has all bits of a hash. */
export function blockHolds(words: Uint32Array, word: number, hash: Halves): boolean {
  for (let i = 0; i < BLOCK_WORDS; i++) {
    if (((words[word + i]! >>> (Math.imul(hash[0]!, SALT[i]!) >>> 27)) & 1) === 0) return false
  }
  return true
}

/** A filter that is being filled. Sizes are powers of two, so that one that turned out too large can be folded. */
export class BlockSplitFilter {
  private words: Uint32Array
  /** Values that were not in the filter when they were added: the number of distinct ones, or slightly less. */
  distinct = 0

  /** @param bytes a power of two, at least {@link BLOCK_BYTES} */
  constructor(bytes: number) {
    this.words = new Uint32Array(bytes / 4)
  }

  get sizeBytes(): number {
    return this.words.byteLength
  }

  add(hash: Halves): void {
    const { words } = this
    const start = blockOf(hash, words.length / BLOCK_WORDS) * BLOCK_WORDS
    let changed = 0
    for (let i = 0; i < BLOCK_WORDS; i++) {
      const bit = 1 << (Math.imul(hash[0]!, SALT[i]!) >>> 27)
      const word = words[start + i]!
      changed |= bit & ~word
      words[start + i] = word | bit
    }
    if (changed !== 0) this.distinct++
  }

  mayContain(hash: Halves): boolean {
    return blockHolds(this.words, blockOf(hash, this.words.length / BLOCK_WORDS) * BLOCK_WORDS, hash)
  }

  /** Halves the filter until it has at most `bytes`; it holds what it held. */
  fold(bytes: number): void {
    while (this.words.byteLength > Math.max(bytes, BLOCK_BYTES)) {
      const half = new Uint32Array(this.words.length / 2)
      for (let i = 0; i < half.length; i++) {
        // Neighbours become one block: the block number is the hash's highest bits
        const from = (i & ~(BLOCK_WORDS - 1)) * 2 + (i & (BLOCK_WORDS - 1))
        half[i] = this.words[from]! | this.words[from + BLOCK_WORDS]!
      }
      this.words = half
    }
  }

  /** The rate at which it takes absent values for present. */
  falsePositiveRate(): number {
    let set = 0
    for (let word of this.words) {
      word -= (word >>> 1) & 0x55555555
      word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
      set += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
    }
    return (set / (this.words.length * 32)) ** BLOCK_WORDS
  }

  /** The bits as they are stored. */
  bytes(): Uint8Array {
    return new Uint8Array(this.words.buffer, this.words.byteOffset, this.words.byteLength)
  }
}

/**
 * The size of a filter for `distinct` values at a rate of false positives, as the reference has it: the next power of two.
 * Source: parquet-java's `BlockSplitBloomFilter.optimalNumOfBits`
 */
export function filterBytes(distinct: number, falsePositiveRate: number, maxBytes: number): number {
  const bits = (-8 * distinct) / Math.log(1 - falsePositiveRate ** (1 / 8))
  const limit = 2 ** Math.floor(Math.log2(Math.max(maxBytes, BLOCK_BYTES)))
  let bytes = BLOCK_BYTES
  while (bytes * 8 < bits && bytes < limit) bytes *= 2
  return bytes
}
