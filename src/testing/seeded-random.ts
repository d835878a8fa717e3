/** Chance that repeats itself: the same seed gives the same numbers on every machine. Source: `sfc32`, seeded by `splitmix32`. */
export class SeededRandom {
  readonly #state: Uint32Array

  constructor(seed: number) {
    let word = seed >>> 0
    this.#state = Uint32Array.from({ length: 4 }, () => {
      word = (word + 0x9e3779b9) >>> 0
      let mixed = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
      return mixed ^ (mixed >>> 15)
    })
    for (let i = 0; i < 12; i++) this.word()
  }

  /** 32 random bits, unsigned. */
  word(): number {
    const s = this.#state
    const result = (s[0]! + s[1]! + s[3]!) >>> 0
    s[3] = s[3]! + 1
    s[0] = s[1]! ^ (s[1]! >>> 9)
    s[1] = s[2]! + (s[2]! << 3)
    s[2] = ((s[2]! << 21) | (s[2]! >>> 11)) + result
    return result
  }

  /** In [0, 1). */
  fraction(): number {
    return this.word() / 2 ** 32
  }

  /** A whole number in [0, `bound`). */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound)
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  uuid(): string {
    const hex = Array.from({ length: 4 }, () => this.word().toString(16).padStart(8, '0')).join('')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
  }

  /** Positive, 63 bits. */
  id(): bigint {
    return ((BigInt(this.word()) << 31n) | BigInt(this.word() >>> 1)) + 1n
  }
}
