/**
 * Theta sketches, which tell about how many distinct values there are, in the form of Apache DataSketches. They are made of
 * 63-bit hashes: of those below a threshold, all are kept. Spec: Puffin › apache-datasketches-theta-v1
 */
import { FloeError } from '../util/errors.js'

/** Spec: Puffin › Blob types */
export const THETA_BLOB_TYPE = 'apache-datasketches-theta-v1'
/** Blob property: the estimate as a whole number. Spec: Puffin › apache-datasketches-theta-v1 */
export const NDV_PROPERTY = 'ndv'
/** The seed of the hash that the library calls its default. */
export const THETA_SEED = 9001

const SEED_HASH = 37836
const NOMINAL_ENTRIES = 4096
const ALPHA = NOMINAL_ENTRIES / (NOMINAL_ENTRIES + 1)
const MAX_THETA = 2n ** 63n - 1n
const TWO_32 = 2 ** 32
const TWO_63 = 2 ** 63

/** Slots of the hash table; it is rebuilt without what fell over the threshold when it is full to {@link MAX_FILL}. */
const SLOTS = 4 * NOMINAL_ENTRIES
const MAX_FILL = SLOTS / 2

/** The result of counting: immutable, and can be united with others. */
export interface CompactThetaSketch {
  /** Hashes from here on were left out; 2^63 − 1: none were. */
  readonly theta: bigint
  /** Ascending, all below {@link theta}. */
  readonly hashes: BigUint64Array
}

/** Counts distinct values by their hashes. Source: Java `HeapAlphaSketch` of 4096 nominal entries */
export class ThetaSketch {
  /** The threshold; 2^63 stands for the highest long. */
  #theta = TWO_63
  #thetaLow = 0xffff_ffff
  #thetaHigh = 0x7fff_ffff
  #inserted = 0
  #filled = 0
  #lows = new Uint32Array(SLOTS)
  #highs = new Uint32Array(SLOTS)

  /** Takes a value by the first 64 bits of its MurmurHash3 with {@link THETA_SEED}. */
  update(hashLow: number, hashHigh: number): void {
    // An unsigned shift by one bit: 63 bits are left.
    const low = ((hashHigh << 31) | (hashLow >>> 1)) >>> 0
    const high = hashHigh >>> 1
    if (high > this.#thetaHigh || (high === this.#thetaHigh && low >= this.#thetaLow)) return
    if ((low | high) === 0) return
    if (this.#insert(low, high)) this.#afterInsert()
  }

  /** What was counted so far, with at most 4096 hashes: what a union of this sketch alone comes to. */
  compact(): CompactThetaSketch {
    const hashes = new BigUint64Array(this.#filled)
    const theta = this.#inserted <= NOMINAL_ENTRIES ? MAX_THETA : BigInt(this.#theta)
    let count = 0
    for (let slot = 0; slot < SLOTS; slot++) {
      const hash = (BigInt(this.#highs[slot]!) << 32n) | BigInt(this.#lows[slot]!)
      if (hash !== 0n && hash < theta) hashes[count++] = hash
    }
    return pulledBack(theta, hashes.subarray(0, count).sort())
  }

  /** Whether the hash is new. */
  #insert(low: number, high: number): boolean {
    const [lows, highs] = [this.#lows, this.#highs]
    let slot = low & (SLOTS - 1)
    for (;;) {
      const found = lows[slot]!
      if (found === low && highs[slot] === high) return false
      if (found === 0 && highs[slot] === 0) break
      slot = (slot + 1) & (SLOTS - 1)
    }
    lows[slot] = low
    highs[slot] = high
    this.#filled++
    return true
  }

  #afterInsert(): void {
    if (++this.#inserted <= NOMINAL_ENTRIES) return
    // As in Java: the product is a double, of which a long is made.
    this.#theta = Math.trunc(this.#theta * ALPHA)
    this.#thetaHigh = Math.floor(this.#theta / TWO_32)
    this.#thetaLow = this.#theta - this.#thetaHigh * TWO_32
    if (this.#filled > MAX_FILL) this.#rebuild()
  }

  #rebuild(): void {
    const [lows, highs] = [this.#lows, this.#highs]
    this.#lows = new Uint32Array(SLOTS)
    this.#highs = new Uint32Array(SLOTS)
    this.#filled = 0
    for (let slot = 0; slot < SLOTS; slot++) {
      const [low, high] = [lows[slot]!, highs[slot]!]
      const isBelow = high < this.#thetaHigh || (high === this.#thetaHigh && low < this.#thetaLow)
      if (isBelow && (low | high) !== 0) this.#insert(low, high)
    }
  }
}

/** About how many distinct values were counted. Source: Java `ThetaSketch.estimate` */
export function thetaEstimate({ theta, hashes }: CompactThetaSketch): number {
  return hashes.length * (TWO_63 / Number(theta))
}

/** The `ndv` property of a sketch: its estimate without the fraction. */
export function thetaNdv(sketch: CompactThetaSketch): bigint {
  return BigInt(Math.trunc(thetaEstimate(sketch)))
}

/** The sketch of all values of some sketches. Source: Java `ThetaUnionImpl` */
export function uniteThetaSketches(sketches: readonly CompactThetaSketch[]): CompactThetaSketch {
  const theta = sketches.reduce((least, sketch) => (sketch.theta < least ? sketch.theta : least), MAX_THETA)
  const all = new Set<bigint>()
  for (const { hashes } of sketches) for (const hash of hashes) if (hash < theta) all.add(hash)
  return pulledBack(theta, BigUint64Array.from(all).sort())
}

function pulledBack(theta: bigint, hashes: BigUint64Array): CompactThetaSketch {
  if (hashes.length <= NOMINAL_ENTRIES) return { theta, hashes }
  return { theta: hashes[NOMINAL_ENTRIES]!, hashes: hashes.slice(0, NOMINAL_ENTRIES) }
}

const SERIAL_VERSION = 3
const COMPACT_FAMILY = 3
const READ_ONLY = 2
const EMPTY = 4
const COMPACT = 8
const ORDERED = 16
const SINGLE_ITEM = 32
const BIG_ENDIAN = 1

/** The bytes of a compact, ordered sketch. Source: Java `CompactOperations.loadCompactMemorySegment` */
export function encodeThetaSketch({ theta, hashes }: CompactThetaSketch): Uint8Array {
  const isExact = theta === MAX_THETA
  const count = hashes.length
  const preambleLongs = isExact ? (count > 1 ? 2 : 1) : 3
  const bytes = new Uint8Array(8 * (preambleLongs + count))
  const view = new DataView(bytes.buffer)
  const kind = isExact && count === 0 ? EMPTY : isExact && count === 1 ? SINGLE_ITEM : 0
  bytes.set([preambleLongs, SERIAL_VERSION, COMPACT_FAMILY, 0, 0, READ_ONLY | COMPACT | ORDERED | kind])
  // An empty sketch is of every seed.
  if (kind !== EMPTY) view.setUint16(6, SEED_HASH, true)
  if (preambleLongs > 1) {
    view.setInt32(8, count, true)
    // The sampling probability: all values were looked at.
    view.setFloat32(12, 1, true)
  }
  if (preambleLongs > 2) view.setBigUint64(16, theta, true)
  for (let i = 0; i < count; i++) view.setBigUint64(8 * (preambleLongs + i), hashes[i]!, true)
  return bytes
}

/**
 * Reads a compact sketch, ordered or not.
 * @throws FloeError `CORRUPT` for bytes that are none, `UNSUPPORTED` for other forms and seeds
 */
export function decodeThetaSketch(bytes: Uint8Array, file?: string): CompactThetaSketch {
  const fail = (problem: string): never => {
    throw new FloeError('CORRUPT', `Corrupt theta sketch: ${problem}. Compute the statistics again`, { file })
  }
  if (bytes.length < 8) fail(`it has ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [preambleLongs, version, family, flags] = [bytes[0]! & 0x3f, bytes[1]!, bytes[2]!, bytes[5]!]
  if (version !== SERIAL_VERSION || family !== COMPACT_FAMILY || (flags & COMPACT) === 0 || (flags & BIG_ENDIAN) !== 0) {
    throw new FloeError('UNSUPPORTED', `The theta sketch is of version ${version}, family ${family}, flags ${flags}: floe reads compact sketches of version 3`, { file })
  }
  if ((flags & EMPTY) !== 0) return { theta: MAX_THETA, hashes: new BigUint64Array(0) }
  const seedHash = view.getUint16(6, true)
  if (seedHash !== SEED_HASH) {
    throw new FloeError('UNSUPPORTED', `The theta sketch has the seed hash ${seedHash} instead of ${SEED_HASH}: statistics use the default seed`, { file })
  }
  if (preambleLongs < 1 || preambleLongs > 3 || 8 * preambleLongs > bytes.length) fail(`its preamble takes ${preambleLongs} longs of ${bytes.length} bytes`)
  const count = preambleLongs === 1 ? 1 : view.getInt32(8, true)
  if (count < 0 || 8 * (preambleLongs + count) > bytes.length) fail(`it claims ${count} hashes in ${bytes.length} bytes`)
  const theta = preambleLongs > 2 ? view.getBigUint64(16, true) : MAX_THETA
  const hashes = new BigUint64Array(count)
  for (let i = 0; i < count; i++) hashes[i] = view.getBigUint64(8 * (preambleLongs + i), true)
  if ((flags & ORDERED) === 0) hashes.sort()
  checkHashes(theta, hashes, fail)
  return { theta, hashes }
}

function checkHashes(theta: bigint, hashes: BigUint64Array, fail: (problem: string) => never): void {
  if (theta === 0n || theta > MAX_THETA) fail(`its threshold is ${theta}`)
  let previous = 0n
  for (const hash of hashes) {
    if (hash <= previous || hash >= theta) fail('its hashes do not ascend below its threshold')
    previous = hash
  }
}
