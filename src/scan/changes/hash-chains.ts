import { HASH_LANES } from '../../arrow/row-hash.js'

const FIRST_CAPACITY = 64
const NONE = -1

/**
 * Numbered entries by a hash of {@link HASH_LANES} words: open addressing, with a chain of the entries that share a hash, last one first.
 * Entries that are used up are not taken out; they are passed over, and forgotten on the way.
 */
export class HashChains {
  /** The hashes of the entries that were inserted, by entry. */
  #hashes = new Int32Array(FIRST_CAPACITY * HASH_LANES)
  /** The next entry of the same hash, by entry. */
  #next = new Int32Array(FIRST_CAPACITY)
  /** The first entry of a chain; never more than half of them are taken. */
  #slots = new Int32Array(FIRST_CAPACITY * 2).fill(NONE)
  #chains = 0

  get bytes(): number {
    return this.#hashes.byteLength + this.#next.byteLength + this.#slots.byteLength
  }

  /** Keeps the hash of an entry, by which it can be compared but not found. */
  remember(entry: number, hashes: Int32Array, at: number): void {
    this.#reserve(entry)
    for (let lane = 0; lane < HASH_LANES; lane++) this.#hashes[entry * HASH_LANES + lane] = hashes[at + lane]!
  }

  /** Adds an entry, a number that is not in yet; numbers should be dense. */
  insert(entry: number, hashes: Int32Array, at: number): void {
    this.remember(entry, hashes, at)
    if ((this.#chains + 1) * 2 > this.#slots.length) this.#grow()
    const slot = this.#find(hashes, at)
    const head = this.#slots[slot]!
    if (head === NONE) this.#chains++
    this.#next[entry] = head
    this.#slots[slot] = entry
  }

  /** An entry of that hash for which `isLeft` says that it is not used up; -1 for none. */
  first(hashes: Int32Array, at: number, isLeft: (entry: number) => boolean): number {
    const slot = this.#find(hashes, at)
    let entry = this.#slots[slot]!
    if (entry === NONE || isLeft(entry)) return entry
    const used = entry
    do entry = this.#next[entry]!
    while (entry !== NONE && !isLeft(entry))
    // The last of the used ones stays, so that the chain keeps its slot
    if (entry === NONE) this.#next[used] = NONE
    else this.#slots[slot] = entry
    return entry
  }

  /** Whether the entry has this hash. */
  hasHash(entry: number, hashes: Int32Array, at: number): boolean {
    const start = entry * HASH_LANES
    return this.#hashes[start] === hashes[at] && this.#hashes[start + 1] === hashes[at + 1] && this.#hashes[start + 2] === hashes[at + 2]
  }

  #find(hashes: Int32Array, at: number): number {
    const last = this.#slots.length - 1
    let slot = hashes[at]! & last
    while (this.#slots[slot] !== NONE && !this.hasHash(this.#slots[slot]!, hashes, at)) slot = (slot + 1) & last
    return slot
  }

  #reserve(entry: number): void {
    if (entry < this.#next.length) return
    const capacity = Math.max(entry + 1, this.#next.length * 2)
    this.#hashes = grown(this.#hashes, capacity * HASH_LANES)
    this.#next = grown(this.#next, capacity)
  }

  #grow(): void {
    const heads = this.#slots.filter((head) => head !== NONE)
    this.#slots = new Int32Array(this.#slots.length * 2).fill(NONE)
    for (const head of heads) this.#slots[this.#find(this.#hashes, head * HASH_LANES)] = head
  }
}

function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length)
  larger.set(array)
  return larger
}
