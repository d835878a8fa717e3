import { hashWords, type KeyBlock } from './key-reader.js'

/**
 * A hash table from keys to numbers: the distinct keys that were added are numbered 0, 1, 2 … in order of first sight. It holds
 * typed arrays only, no object a row.
 */
export interface KeyIndex {
  /** Distinct keys so far. */
  readonly size: number
  readonly byteLength: number
  /** The number of every row's key, new keys taking the next ones; -1 for rows without a key. */
  add(block: KeyBlock): Int32Array
  /** The number of every row's key; -1 where it was never added, and for rows without a key. */
  find(block: KeyBlock): Int32Array
}

/** An index for blocks of one key reader. `expected`: how many keys there may be, so that it need not grow. */
export function keyIndex(isNarrow: boolean, expected = 0): KeyIndex {
  return isNarrow ? new NarrowIndex(expected) : new WideIndex(expected)
}

const LEAST_CAPACITY = 64

function capacityFor(keys: number): number {
  let capacity = LEAST_CAPACITY
  while (capacity < keys * 2) capacity *= 2
  return capacity
}

/** One bit for a hash out of 16 a key: most rows of a table have no key in the index, and should not cost a cache miss each. */
class HashFilter {
  readonly #bits: Int32Array
  readonly #shift: number

  /** `capacity` is a power of two of at least 64, twice the keys. */
  constructor(capacity: number) {
    const bits = capacity * 8
    this.#bits = new Int32Array(Math.min(bits, 2 ** 32) / 32)
    this.#shift = Math.max(0, 32 - Math.log2(bits))
  }

  get byteLength(): number {
    return this.#bits.byteLength
  }

  add(hash: number): void {
    const bit = hash >>> this.#shift
    this.#bits[bit >>> 5]! |= 1 << (bit & 31)
  }

  mayHave(hash: number): boolean {
    const bit = hash >>> this.#shift
    return (this.#bits[bit >>> 5]! & (1 << (bit & 31))) !== 0
  }
}

/** Slots have numbers only: a table of many keys is read and written at random, and should be small. */
class NarrowIndex implements KeyIndex {
  size = 0
  #capacity: number
  /** Number + 1; 0: the slot is free. */
  #slots: Int32Array
  /** Two words a key, low and high, by number. */
  #keys: Int32Array
  #filter: HashFilter

  constructor(expected: number) {
    this.#capacity = capacityFor(expected)
    this.#slots = new Int32Array(this.#capacity)
    this.#keys = new Int32Array(2 * Math.max(expected, LEAST_CAPACITY))
    this.#filter = new HashFilter(this.#capacity)
  }

  get byteLength(): number {
    return this.#slots.byteLength + this.#keys.byteLength + this.#filter.byteLength
  }

  add(block: KeyBlock): Int32Array {
    this.#reserve(this.size + block.length)
    const { hashes, nulls, length } = block
    const words = block.words!
    const slots = this.#slots
    const keys = this.#keys
    const filter = this.#filter
    const mask = this.#capacity - 1
    const numbers = new Int32Array(length)
    let { size } = this
    for (let row = 0; row < length; row++) {
      if (nulls !== undefined && nulls[row] === 1) {
        numbers[row] = -1
        continue
      }
      const hash = hashes[row]!
      const low = words[row * 2]!
      const high = words[row * 2 + 1]!
      let at = hash & mask
      let number = slots[at]! - 1
      while (number >= 0 && (keys[number * 2] !== low || keys[number * 2 + 1] !== high)) {
        at = (at + 1) & mask
        number = slots[at]! - 1
      }
      if (number < 0) {
        number = size++
        keys[number * 2] = low
        keys[number * 2 + 1] = high
        slots[at] = size
        filter.add(hash)
      }
      numbers[row] = number
    }
    this.size = size
    return numbers
  }

  find(block: KeyBlock): Int32Array {
    const { hashes, nulls, length } = block
    const words = block.words!
    const slots = this.#slots
    const keys = this.#keys
    const filter = this.#filter
    const mask = this.#capacity - 1
    const numbers = new Int32Array(length)
    for (let row = 0; row < length; row++) {
      const hash = hashes[row]!
      if (!filter.mayHave(hash) || (nulls !== undefined && nulls[row] === 1)) {
        numbers[row] = -1
        continue
      }
      const low = words[row * 2]!
      const high = words[row * 2 + 1]!
      let at = hash & mask
      let number = slots[at]! - 1
      while (number >= 0 && (keys[number * 2] !== low || keys[number * 2 + 1] !== high)) {
        at = (at + 1) & mask
        number = slots[at]! - 1
      }
      numbers[row] = number
    }
    return numbers
  }

  /** Makes room for so many keys in all. */
  #reserve(count: number): void {
    if (2 * count > this.#keys.length) {
      const keys = new Int32Array(Math.max(2 * count, 2 * this.#keys.length))
      keys.set(this.#keys.subarray(0, 2 * this.size))
      this.#keys = keys
    }
    if (count * 3 <= this.#capacity * 2) return
    this.#capacity = capacityFor(count)
    this.#slots = new Int32Array(this.#capacity)
    this.#filter = new HashFilter(this.#capacity)
    const mask = this.#capacity - 1
    for (let number = 0; number < this.size; number++) {
      const hash = hashWords(this.#keys[number * 2]!, this.#keys[number * 2 + 1]!)
      this.#filter.add(hash)
      // Keys are distinct already: the first free slot is theirs
      let at = hash & mask
      while (this.#slots[at] !== 0) at = (at + 1) & mask
      this.#slots[at] = number + 1
    }
  }
}

/** Words of a slot: the hash, number + 1 (0: the slot is free). */
const WIDE_SLOT = 2

class WideIndex implements KeyIndex {
  size = 0
  #capacity: number
  #slots: Int32Array
  #filter: HashFilter
  /** The bytes of every key, one after another, and where each ends. */
  #bytes = new Uint8Array(1024)
  #ends: Float64Array

  constructor(expected: number) {
    this.#capacity = capacityFor(expected)
    this.#slots = new Int32Array(this.#capacity * WIDE_SLOT)
    this.#filter = new HashFilter(this.#capacity)
    this.#ends = new Float64Array(this.#capacity + 1)
  }

  get byteLength(): number {
    return this.#slots.byteLength + this.#filter.byteLength + this.#bytes.byteLength + this.#ends.byteLength
  }

  add(block: KeyBlock): Int32Array {
    this.#reserve(this.size + block.length)
    const { hashes, nulls, length, bytes, offsets } = block
    const numbers = new Int32Array(length)
    for (let row = 0; row < length; row++) {
      if (nulls !== undefined && nulls[row] === 1) {
        numbers[row] = -1
        continue
      }
      const [start, end] = [offsets[row]!, offsets[row + 1]!]
      const at = this.#slotOf(hashes[row]!, bytes, start, end)
      if (this.#slots[at + 1] === 0) {
        this.#append(bytes, start, end)
        this.#slots[at] = hashes[row]!
        this.#slots[at + 1] = this.size
        this.#filter.add(hashes[row]!)
      }
      numbers[row] = this.#slots[at + 1]! - 1
    }
    return numbers
  }

  find(block: KeyBlock): Int32Array {
    const { hashes, nulls, length, bytes, offsets } = block
    const numbers = new Int32Array(length).fill(-1)
    for (let row = 0; row < length; row++) {
      if (!this.#filter.mayHave(hashes[row]!) || (nulls !== undefined && nulls[row] === 1)) continue
      numbers[row] = this.#slots[this.#slotOf(hashes[row]!, bytes, offsets[row]!, offsets[row + 1]!) + 1]! - 1
    }
    return numbers
  }

  #slotOf(hash: number, bytes: Uint8Array, start: number, end: number): number {
    const slots = this.#slots
    let at = (hash & (this.#capacity - 1)) * WIDE_SLOT
    while (slots[at + 1] !== 0 && (slots[at] !== hash || !this.#equals(slots[at + 1]! - 1, bytes, start, end))) {
      at = (at + WIDE_SLOT) & (slots.length - 1)
    }
    return at
  }

  #equals(number: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#ends[number]!
    const length = end - start
    if (this.#ends[number + 1]! - from !== length) return false
    const own = this.#bytes
    for (let i = 0; i < length; i++) if (own[from + i] !== bytes[start + i]) return false
    return true
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    const from = this.#ends[this.size]!
    const to = from + end - start
    if (to > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(to, this.#bytes.length * 2))
      larger.set(this.#bytes.subarray(0, from))
      this.#bytes = larger
    }
    const own = this.#bytes
    for (let i = from, at = start; at < end; i++, at++) own[i] = bytes[at]!
    this.#ends[++this.size] = to
  }

  #reserve(keys: number): void {
    if (keys * 3 <= this.#capacity * 2) return
    const old = this.#slots
    this.#capacity = capacityFor(keys)
    this.#slots = new Int32Array(this.#capacity * WIDE_SLOT)
    this.#filter = new HashFilter(this.#capacity)
    const ends = new Float64Array(this.#capacity + 1)
    ends.set(this.#ends.subarray(0, this.size + 1))
    this.#ends = ends
    const last = this.#slots.length - 1
    for (let from = 0; from < old.length; from += WIDE_SLOT) {
      if (old[from + 1] === 0) continue
      this.#filter.add(old[from]!)
      // Keys are distinct already: the first free slot is theirs
      let at = (old[from]! & (this.#capacity - 1)) * WIDE_SLOT
      while (this.#slots[at + 1] !== 0) at = (at + WIDE_SLOT) & last
      this.#slots[at] = old[from]!
      this.#slots[at + 1] = old[from + 1]!
    }
  }
}
