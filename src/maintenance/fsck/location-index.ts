import { encodeUtf8 } from '../../util/utf8.js'
import { xxhash64, type Halves } from '../../util/xxhash64.js'

/**
 * Numbers texts in the order of first sight, in 16 bytes each: of a text only 64 bits of hash are kept. Two texts of a table of
 * ten million files are taken for one once in 400,000 tables.
 */
export class LocationIndex {
  #low = new Uint32Array(64)
  #high = new Uint32Array(64)
  /** Number plus one; 0 is an empty slot. */
  #numbers = new Uint32Array(64)
  #size = 0
  readonly #halves: Halves = new Uint32Array(2)

  get size(): number {
    return this.#size
  }

  /** The number of a text; undefined when it was never added. */
  find(text: string): number | undefined {
    const slot = this.#slotOf(text)
    const number = this.#numbers[slot]!
    return number === 0 ? undefined : number - 1
  }

  /** Adds a text. Answers its number, and whether it is new. */
  add(text: string): { readonly number: number; readonly isNew: boolean } {
    const slot = this.#slotOf(text)
    if (this.#numbers[slot] !== 0) return { number: this.#numbers[slot]! - 1, isNew: false }
    this.#low[slot] = this.#halves[0]!
    this.#high[slot] = this.#halves[1]!
    this.#numbers[slot] = ++this.#size
    if (this.#size * 4 > this.#numbers.length * 3) this.#grow()
    return { number: this.#size - 1, isNew: true }
  }

  #slotOf(text: string): number {
    const bytes = encodeUtf8(text)
    xxhash64(bytes, 0, bytes.length, this.#halves)
    return this.#probe(this.#halves[0]!, this.#halves[1]!)
  }

  #probe(low: number, high: number): number {
    const mask = this.#numbers.length - 1
    let slot = (low ^ (high >>> 7)) & mask
    while (this.#numbers[slot] !== 0 && (this.#low[slot] !== low || this.#high[slot] !== high)) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const [low, high, numbers] = [this.#low, this.#high, this.#numbers]
    const length = numbers.length * 2
    this.#low = new Uint32Array(length)
    this.#high = new Uint32Array(length)
    this.#numbers = new Uint32Array(length)
    for (let i = 0; i < numbers.length; i++) {
      if (numbers[i] === 0) continue
      const slot = this.#probe(low[i]!, high[i]!)
      this.#low[slot] = low[i]!
      this.#high[slot] = high[i]!
      this.#numbers[slot] = numbers[i]!
    }
  }
}
