/** Comparing what metadata names with what a store lists, where both may spell the same place in several ways. */
import { canonicalLocation, canonicalScheme, parseLocation } from '../io/location.js'
import { xxhash64, type Halves } from '../util/xxhash64.js'

/** Spellings that mean one thing here, such as two buckets' names for one bucket. */
export interface LocationAliases {
  /** From an alias to the scheme that it stands for; `s3a` and `s3n` stand for `s3` in any case. */
  readonly schemes?: ReadonlyMap<string, string> | undefined
  /** From an alias to the authority (bucket, or host and port) that it stands for. */
  readonly authorities?: ReadonlyMap<string, string> | undefined
}

/** One text for each place that a store tells apart, with the aliases folded. */
export function exactKey(location: string, aliases: LocationAliases = {}): string {
  const { scheme, authority, path } = parseLocation(canonicalLocation(location))
  const ownScheme = canonicalScheme(aliases.schemes?.get(scheme) ?? scheme)
  const ownAuthority = aliases.authorities?.get(authority) ?? authority
  // For a file system, slashes in a row are one.
  return `${ownScheme}://${ownAuthority}${ownScheme === 'file' ? path.replace(/\/{2,}/g, '/') : path}`
}

const PLAIN_PATH = /^\/[^%+A-Z\u0080-\uffff]*$/
const MAX_DECODINGS = 4

/**
 * A text that is equal for all locations that might be one file by any reading: scheme, authority, case, escapes, repeated
 * slashes and Unicode forms left aside. Equal keys are a reason not to delete, no proof of anything.
 */
export function looseKey(location: string): string {
  const { path } = parseLocation(location)
  if (PLAIN_PATH.test(path) && !path.includes('//')) return path
  let text = path.replaceAll('+', ' ')
  for (let i = 0; i < MAX_DECODINGS && text.includes('%'); i++) {
    const decoded = decodeEscapes(text).replaceAll('+', ' ')
    if (decoded === text) break
    text = decoded
  }
  return `/${text}`.replace(/\/{2,}/g, '/').normalize('NFC').toLowerCase().normalize('NFC')
}

/** Runs of escapes that are UTF-8 are decoded; others stay. */
function decodeEscapes(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes)
    } catch {
      return escapes
    }
  })
}

const INITIAL_SLOTS = 1024
const MAX_FILL = 0.6

/**
 * A set of texts that keeps 64 bits of each: for millions of locations, a fraction of their memory. A text that was added is
 * always found; another is taken for one of `n` that were added with a chance of about `n` in 2^64.
 */
export class TextSet {
  #low = new Uint32Array(INITIAL_SLOTS)
  #high = new Uint32Array(INITIAL_SLOTS)
  #size = 0
  readonly #hash: Halves = new Uint32Array(2)
  #bytes = new Uint8Array(1024)
  readonly #encoder = new TextEncoder()

  get size(): number {
    return this.#size
  }

  add(text: string): void {
    this.#hashOf(text)
    if (this.#insert(this.#hash[0]!, this.#hash[1]!)) this.#size++
    if (this.#size > this.#low.length * MAX_FILL) this.#grow()
  }

  has(text: string): boolean {
    this.#hashOf(text)
    const slot = this.#slotOf(this.#hash[0]!, this.#hash[1]!)
    return this.#high[slot] !== 0 || this.#low[slot] !== 0
  }

  #hashOf(text: string): void {
    if (text.length * 3 > this.#bytes.length) this.#bytes = new Uint8Array(text.length * 3)
    const { written } = this.#encoder.encodeInto(text, this.#bytes)
    xxhash64(this.#bytes, 0, written, this.#hash)
    // Two zeros mark a free slot.
    if (this.#hash[0] === 0 && this.#hash[1] === 0) this.#hash[0] = 1
  }

  /** The slot of this hash, or the free one where it would go. */
  #slotOf(low: number, high: number): number {
    const mask = this.#low.length - 1
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const [lowAt, highAt] = [this.#low[slot]!, this.#high[slot]!]
      if ((lowAt === 0 && highAt === 0) || (lowAt === low && highAt === high)) return slot
    }
  }

  #insert(low: number, high: number): boolean {
    const slot = this.#slotOf(low, high)
    if (this.#low[slot] === low && this.#high[slot] === high) return false
    this.#low[slot] = low
    this.#high[slot] = high
    return true
  }

  #grow(): void {
    const [lows, highs] = [this.#low, this.#high]
    this.#low = new Uint32Array(lows.length * 2)
    this.#high = new Uint32Array(lows.length * 2)
    for (let i = 0; i < lows.length; i++) if (lows[i] !== 0 || highs[i] !== 0) this.#insert(lows[i]!, highs[i]!)
  }
}
