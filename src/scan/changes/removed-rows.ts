import { HASH_LANES } from '../../arrow/row-hash.js'
import type { RowIdentity } from './change-rows.js'
import { HashChains } from './hash-chains.js'
import type { RowHashes } from './row-identifier.js'

const LEFT = -1
const GONE = -2

/** What a row of the new state is to the rows that disappeared. */
export type RowMatch =
  /** One of them, unchanged: neither is a change. */
  | 'same'
  /** It has the identity of one of them. */
  | 'changed'
  | 'new'

/**
 * The rows that disappeared, as hashes: which of them are there again in the new state, and which are there with other values. Entries are
 * numbered in the order in which they were added.
 */
export class RemovedRows {
  readonly #identity: RowIdentity
  readonly #values = new HashChains()
  readonly #keys = new HashChains()
  #state = new Int32Array(1024)
  #size = 0
  #left = 0

  constructor(identity: RowIdentity) {
    this.#identity = identity
  }

  get size(): number {
    return this.#size
  }

  /** Whether a row was recognised by its values alone though rows have ids: its id is another from then on. */
  hasNewIds = false

  /** Rows that are not known to be there again, whether with other values or not. */
  get left(): number {
    return this.#left
  }

  get bytes(): number {
    return this.#state.byteLength + this.#values.bytes + (this.#identity === 'values' ? 0 : this.#keys.bytes)
  }

  /** Adds rows; `areWholeFile`: their file is gone, so that they may have been copied to another one. */
  add(hashes: RowHashes, rows: number, areWholeFile: boolean): void {
    this.#reserve(this.#size + rows)
    for (let row = 0, at = 0; row < rows; row++, at += HASH_LANES) {
      const entry = this.#size++
      this.#state[entry] = LEFT
      if (this.#identity === 'row-ids' && !areWholeFile && hashes.hasKey(row)) this.#values.remember(entry, hashes.values, at)
      else this.#values.insert(entry, hashes.values, at)
      if (this.#identity !== 'values' && hashes.hasKey(row)) this.#keys.insert(entry, hashes.keys, at)
    }
    this.#left += rows
  }

  /** Compares a row of the new state. A row that is the same as one that disappeared uses that one up. */
  match(hashes: RowHashes, row: number): RowMatch {
    const at = row * HASH_LANES
    if (this.#identity === 'row-ids' && hashes.hasKey(row)) {
      const entry = this.#keys.first(hashes.keys, at, this.#isLeft)
      if (entry >= 0) return this.#values.hasHash(entry, hashes.values, at) ? this.#take(entry) : 'changed'
    }
    const equal = this.#values.first(hashes.values, at, this.#isLeft)
    if (equal >= 0) {
      this.hasNewIds ||= this.#identity === 'row-ids'
      return this.#take(equal)
    }
    return this.#identity === 'keys' && this.#keys.first(hashes.keys, at, this.#isLeft) >= 0 ? 'changed' : 'new'
  }

  /** Makes `partner` the later state of a row of this identity; false when none is left. */
  pair(keys: Int32Array, at: number, partner: number): boolean {
    const entry = this.#keys.first(keys, at, this.#isLeft)
    if (entry < 0) return false
    this.#state[entry] = partner
    this.#left--
    return true
  }

  /** Whether a row disappeared without a later state. */
  isLeft(entry: number): boolean {
    return this.#state[entry] === LEFT
  }

  /** The later state of a row; -1 for none. */
  partnerOf(entry: number): number {
    return Math.max(this.#state[entry]!, -1)
  }

  /** Forgets a row that has been told of. */
  forget(entry: number): void {
    if (this.#state[entry] === LEFT) this.#left--
    this.#state[entry] = GONE
  }

  readonly #isLeft = (entry: number): boolean => this.#state[entry] === LEFT

  #take(entry: number): 'same' {
    this.#state[entry] = GONE
    this.#left--
    return 'same'
  }

  #reserve(size: number): void {
    if (size <= this.#state.length) return
    const larger = new Int32Array(Math.max(size, this.#state.length * 2))
    larger.set(this.#state)
    this.#state = larger
  }
}
