import type { Chunk } from '../arrow/arrow-data.js'
import type { RowMask } from '../arrow/row-mask.js'
import type { Type } from '../schema/type.js'
import { hashColumn, keyLayout } from './key-hash.js'
import type { KeyLayout } from './key-hash.js'
import { KeyBytes } from './key-bytes.js'

const FIRST_CAPACITY = 64

/**
 * The keys that any number of equality delete files of one set of columns delete, each with the highest sequence number that
 * deletes it: a row of a data file is looked up once, however many delete files there are. Keys are hashed column by column where they
 * lie; only the few rows whose hash is known are compared byte for byte.
 *
 * Null equals null and NaN equals NaN; `-0.0` differs from `0.0`, as in the reference's `StructLikeSet`.
 * Spec: Equality Delete Files
 */
export class EqualitySet {
  readonly #layouts: readonly KeyLayout[]
  readonly #packed: KeyBytes
  /** Distinct sequence numbers; keys refer to them by index. */
  readonly #sequences: bigint[] = []
  readonly #sequenceIndices = new Map<bigint, number>()
  /** For each sequence number whether it is above the one that was asked for last. */
  #applies = { sequenceNumber: 0n, flags: new Uint8Array(0) }
  #size = 0
  /** Key bytes one after another; key `i` ends at `ends[i]`. */
  #arena = new Uint8Array(1024)
  #ends = new Float64Array(FIRST_CAPACITY / 2)
  #hashes = new Int32Array(FIRST_CAPACITY / 2)
  #sequenceOf = new Uint32Array(FIRST_CAPACITY / 2)
  /** Open addressing: one more than the index of a key, 0 where free. Never more than half full. */
  #slots = new Int32Array(FIRST_CAPACITY)
  /** One bit for each hash there is, out of sixteen a key: small enough for a processor's cache, and mostly all that is looked at. */
  #filter = new Int32Array(FIRST_CAPACITY / 4)
  #rowHashes = new Int32Array(0)

  /** `types` of the key columns, in the order in which they will be given. */
  constructor(types: readonly Type[]) {
    this.#layouts = types.map(keyLayout)
    this.#packed = new KeyBytes(this.#layouts)
  }

  /** Distinct keys. */
  get size(): number {
    return this.#size
  }

  /** Memory that is held. */
  get bytes(): number {
    const arrays = [this.#arena, this.#ends, this.#hashes, this.#sequenceOf, this.#slots, this.#filter]
    return arrays.reduce((sum, array) => sum + array.byteLength, 0)
  }

  /** Adds the key of every row. */
  add(columns: readonly Chunk[], rows: number, sequenceNumber: bigint): void {
    const sequence = this.#sequenceIndex(sequenceNumber)
    const hashes = this.#hash(columns, rows)
    this.#packed.open(columns)
    for (let row = 0; row < rows; row++) {
      this.#packed.pack(row)
      const hash = hashes[row]!
      const known = this.#find(hash)
      if (known < 0) this.#insert(hash, sequence)
      else if (this.#sequences[this.#sequenceOf[known]!]! < sequenceNumber) this.#sequenceOf[known] = sequence
    }
  }

  /**
   * Deselects the rows whose key a delete with a higher sequence number than `sequenceNumber`, that of their data file, deletes.
   * Spec: Scan Planning › «The data file's data sequence number is strictly less than the delete's data sequence number»
   */
  deselect(columns: readonly Chunk[], mask: RowMask, sequenceNumber: bigint): void {
    const applies = this.#appliesTo(sequenceNumber)
    if (!applies.includes(1)) return
    const hashes = this.#hash(columns, mask.length)
    const filter = this.#filter
    const bits = filter.length * 32 - 1
    this.#packed.open(columns)
    for (let row = 0; row < mask.length; row++) {
      const bit = hashes[row]! & bits
      if ((mask[row]! & (filter[bit >>> 5]! >>> (bit & 31))) !== 0 && this.#deletes(row, hashes[row]!, applies)) mask[row] = 0
    }
  }

  #deletes(row: number, hash: number, applies: Uint8Array): boolean {
    const slots = this.#slots
    const last = slots.length - 1
    let isPacked = false
    for (let slot = slotOf(hash) & last; slots[slot] !== 0; slot = (slot + 1) & last) {
      const key = slots[slot]! - 1
      if (this.#hashes[key] !== hash) continue
      if (!isPacked) this.#packed.pack(row)
      isPacked = true
      if (this.#isPackedKey(key)) return applies[this.#sequenceOf[key]!] === 1
    }
    return false
  }

  /** The index of the packed key, or -1. */
  #find(hash: number): number {
    const slots = this.#slots
    const last = slots.length - 1
    for (let slot = slotOf(hash) & last; slots[slot] !== 0; slot = (slot + 1) & last) {
      const key = slots[slot]! - 1
      if (this.#hashes[key] === hash && this.#isPackedKey(key)) return key
    }
    return -1
  }

  #isPackedKey(key: number): boolean {
    const { bytes, length } = this.#packed
    const start = key === 0 ? 0 : this.#ends[key - 1]!
    if (this.#ends[key]! - start !== length) return false
    for (let i = 0; i < length; i++) if (this.#arena[start + i] !== bytes[i]) return false
    return true
  }

  #insert(hash: number, sequence: number): void {
    if ((this.#size + 1) * 2 > this.#slots.length) this.#grow()
    const { bytes, length } = this.#packed
    const key = this.#size++
    const start = key === 0 ? 0 : this.#ends[key - 1]!
    if (start + length > this.#arena.length) this.#arena = grown(this.#arena, (start + length) * 2)
    this.#arena.set(length === bytes.length ? bytes : bytes.subarray(0, length), start)
    this.#ends[key] = start + length
    this.#hashes[key] = hash
    this.#sequenceOf[key] = sequence
    this.#place(key)
  }

  #place(key: number): void {
    const hash = this.#hashes[key]!
    const last = this.#slots.length - 1
    let slot = slotOf(hash) & last
    while (this.#slots[slot] !== 0) slot = (slot + 1) & last
    this.#slots[slot] = key + 1
    const bit = hash & (this.#filter.length * 32 - 1)
    this.#filter[bit >>> 5]! |= 1 << (bit & 31)
  }

  #grow(): void {
    const capacity = this.#slots.length * 2
    this.#ends = grown(this.#ends, capacity / 2)
    this.#hashes = grown(this.#hashes, capacity / 2)
    this.#sequenceOf = grown(this.#sequenceOf, capacity / 2)
    this.#slots = new Int32Array(capacity)
    this.#filter = new Int32Array(capacity / 4)
    for (let key = 0; key < this.#size; key++) this.#place(key)
  }

  #hash(columns: readonly Chunk[], rows: number): Int32Array {
    if (this.#rowHashes.length < rows) this.#rowHashes = new Int32Array(rows)
    const hashes = this.#rowHashes
    hashes.fill(0, 0, rows)
    columns.forEach((column, i) => hashColumn(column, this.#layouts[i]!, hashes, rows))
    return hashes
  }

  #sequenceIndex(sequenceNumber: bigint): number {
    const known = this.#sequenceIndices.get(sequenceNumber)
    if (known !== undefined) return known
    this.#sequences.push(sequenceNumber)
    this.#sequenceIndices.set(sequenceNumber, this.#sequences.length - 1)
    return this.#sequences.length - 1
  }

  #appliesTo(sequenceNumber: bigint): Uint8Array {
    if (this.#applies.sequenceNumber !== sequenceNumber || this.#applies.flags.length !== this.#sequences.length) {
      this.#applies = { sequenceNumber, flags: Uint8Array.from(this.#sequences, (sequence) => Number(sequence > sequenceNumber)) }
    }
    return this.#applies.flags
  }
}

/** Other bits than the filter's come first: keys that share its bits are spread over slots. */
function slotOf(hash: number): number {
  return (hash >>> 7) ^ (hash << 13)
}

function grown<T extends Uint8Array | Float64Array | Int32Array | Uint32Array>(array: T, length: number): T {
  const larger = new (array.constructor as new (length: number) => T)(length)
  larger.set(array)
  return larger
}
