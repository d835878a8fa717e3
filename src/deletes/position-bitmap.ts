/**
 * Which rows of a file are deleted, and how that is stored and applied. Planning which delete files belong to a data file is
 * scan/'s business; fetching is done through the `FileIO` that callers bring.
 */
import { FloeError } from '../util/errors.js'
import { RoaringBitmap } from './roaring-bitmap.js'
import { decodeRoaring, rejectBitmap, requireBytes, type RoaringInput } from './roaring-decode.js'
import { encodeRoaring, prepareRoaring } from './roaring-encode.js'

const KEY_SIZE = 2 ** 32
/** Keys below it make positions that are exact numbers. */
const FIRST_UNSAFE_KEY = 2 ** 21
const MAX_KEY = 2 ** 31 - 1
/** The reference writes an empty bitmap for every key below the last; up to this key we do. Larger gaps are left out. */
const MAX_FILLED_KEY = 2 ** 16
const MIN_ENTRY_BYTES = 12
const BLOCK_LENGTH = 65_536

/**
 * A set of row positions: a 64-bit roaring bitmap, mutable. Positions are numbers from 0 to 2^53 - 1. A decoded bitmap may hold
 * larger ones, up to 2^63 - 1: they are kept exactly, count, merge and are written again, but cannot be listed.
 *
 * Source: Java `RoaringPositionBitmap`; `deletion-vector-v1` of the Puffin specification.
 */
export class PositionBitmap implements Iterable<number> {
  /** The upper halves of the positions, ascending. */
  #keys: number[] = []
  #bitmaps: RoaringBitmap[] = []

  /** @throws FloeError `INVALID` for anything but whole numbers from 0 to 2^53 - 1 */
  static of(positions: Iterable<number>): PositionBitmap {
    const bitmap = new PositionBitmap()
    for (const position of positions) bitmap.add(position)
    return bitmap
  }

  /**
   * Reads the portable form; all bytes must belong to it. The bitmap may keep views of `bytes`, which must not change any more.
   * @throws FloeError `CORRUPT` for bytes that break the format in any way
   */
  static decode(bytes: Uint8Array, options: { readonly file?: string | undefined } = {}): PositionBitmap {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const input: RoaringInput = { bytes, view, position: 0, file: options.file }
    requireBytes(input, 8, 'the number of bitmaps')
    const count = view.getBigUint64(0, true)
    input.position = 8
    if (count > BigInt(Math.floor((bytes.length - 8) / MIN_ENTRY_BYTES))) rejectBitmap(input, `it claims ${count} bitmaps in ${bytes.length} bytes`)
    const bitmap = new PositionBitmap()
    let previousKey = -1
    for (let i = 0; i < Number(count); i++) {
      requireBytes(input, 4, 'the key of a bitmap')
      const key = view.getUint32(input.position, true)
      if (key > MAX_KEY) rejectBitmap(input, `key ${key} makes negative positions`)
      if (key <= previousKey) rejectBitmap(input, `key ${key} follows ${previousKey}`)
      previousKey = key
      input.position += 4
      const decoded = decodeRoaring(input)
      if (decoded.containers.length === 0) continue
      bitmap.#keys.push(key)
      bitmap.#bitmaps.push(decoded)
    }
    if (input.position !== bytes.length) rejectBitmap(input, `${bytes.length - input.position} bytes follow its end`)
    return bitmap
  }

  /** How many positions there are. */
  get cardinality(): number {
    let sum = 0
    for (const bitmap of this.#bitmaps) sum += bitmap.cardinality
    return sum
  }

  /** The smallest position. @throws FloeError `UNSUPPORTED` when it is over 2^53 - 1 */
  get first(): number | undefined {
    return this.isEmpty ? undefined : exactPosition(this.#keys[0]!, this.#bitmaps[0]!.first)
  }

  /** The largest position. @throws FloeError `UNSUPPORTED` when it is over 2^53 - 1 */
  get last(): number | undefined {
    return this.isEmpty ? undefined : exactPosition(this.#keys.at(-1)!, this.#bitmaps.at(-1)!.last)
  }

  /** About how many bytes of memory the bitmap takes, for caches. */
  get memoryBytes(): number {
    return this.#bitmaps.reduce((sum, bitmap) => sum + bitmap.memoryBytes, 64)
  }

  get isEmpty(): boolean {
    return this.#bitmaps.length === 0
  }

  /** @throws FloeError `INVALID` for anything but a whole number from 0 to 2^53 - 1 */
  add(position: number): void {
    checkPosition(position)
    this.#bitmapFor(Math.floor(position / KEY_SIZE)).add(position >>> 0)
  }

  /** Adds the positions from `from` up to, not including, `toExclusive`. @throws FloeError `INVALID` for a range that is none */
  addRange(from: number, toExclusive: number): void {
    checkPosition(from)
    if (!Number.isSafeInteger(toExclusive) || toExclusive < from) {
      throw new FloeError('INVALID', `A range of positions cannot go from ${from} to ${toExclusive}: give whole numbers, the smaller one first`)
    }
    if (toExclusive === from) return
    const last = toExclusive - 1
    const lastKey = Math.floor(last / KEY_SIZE)
    for (let key = Math.floor(from / KEY_SIZE), first = from >>> 0; key <= lastKey; key++, first = 0) {
      this.#bitmapFor(key).addRange(first, key === lastKey ? last >>> 0 : 0xffff_ffff)
    }
  }

  /** Adds all positions of `other`, which stays as it is. */
  addAll(other: PositionBitmap): void {
    for (let i = 0; i < other.#keys.length; i++) {
      const index = this.#find(other.#keys[i]!)
      if (index >= 0) this.#bitmaps[index]!.addAll(other.#bitmaps[i]!)
      else this.#insert(-1 - index, other.#keys[i]!, other.#bitmaps[i]!.clone())
    }
  }

  contains(position: number): boolean {
    const low = position >>> 0
    if (low === position) return this.#keys[0] === 0 && this.#bitmaps[0]!.contains(low)
    if (!Number.isSafeInteger(position) || position < 0) return false
    const index = this.#find(Math.floor(position / KEY_SIZE))
    return index >= 0 && this.#bitmaps[index]!.contains(low)
  }

  union(other: PositionBitmap): PositionBitmap {
    const result = new PositionBitmap()
    for (let i = 0; i < this.#keys.length; i++) {
      const index = other.#find(this.#keys[i]!)
      const bitmap = this.#bitmaps[i]!
      result.#append(this.#keys[i]!, index < 0 ? bitmap.clone() : bitmap.union(other.#bitmaps[index]!))
    }
    for (let i = 0; i < other.#keys.length; i++) {
      const index = result.#find(other.#keys[i]!)
      if (index < 0) result.#insert(-1 - index, other.#keys[i]!, other.#bitmaps[i]!.clone())
    }
    return result
  }

  intersection(other: PositionBitmap): PositionBitmap {
    const result = new PositionBitmap()
    for (let i = 0; i < this.#keys.length; i++) {
      const index = other.#find(this.#keys[i]!)
      if (index >= 0) result.#append(this.#keys[i]!, this.#bitmaps[i]!.intersection(other.#bitmaps[index]!))
    }
    return result
  }

  /** The positions that `other` does not have. */
  difference(other: PositionBitmap): PositionBitmap {
    const result = new PositionBitmap()
    for (let i = 0; i < this.#keys.length; i++) {
      const index = other.#find(this.#keys[i]!)
      const bitmap = this.#bitmaps[i]!
      result.#append(this.#keys[i]!, index < 0 ? bitmap.clone() : bitmap.difference(other.#bitmaps[index]!))
    }
    return result
  }

  /** How many positions are at most `position`. */
  rank(position: number): number {
    if (!(position >= 0)) return 0
    const key = Math.floor(position / KEY_SIZE)
    let count = 0
    for (let i = 0; i < this.#keys.length && this.#keys[i]! <= key; i++) {
      const bitmap = this.#bitmaps[i]!
      count += this.#keys[i] === key ? bitmap.rank(Math.floor(position % KEY_SIZE)) : bitmap.cardinality
    }
    return count
  }

  /** How many positions lie in `[from, toExclusive)`. */
  countInRange(from: number, toExclusive: number): number {
    return toExclusive <= from ? 0 : this.rank(toExclusive - 1) - this.rank(from - 1)
  }

  /** Calls back with every position, ascending. @throws FloeError `UNSUPPORTED` when one is over 2^53 - 1, before the first call */
  forEach(callback: (position: number) => void): void {
    this.#requireNumbers()
    for (let i = 0; i < this.#keys.length; i++) this.#bitmaps[i]!.forEach(callback, this.#keys[i]! * KEY_SIZE)
  }

  /** The positions, ascending. @throws FloeError `UNSUPPORTED` when one is over 2^53 - 1 */
  [Symbol.iterator](): IterableIterator<number> {
    return new PositionIterator(this.blocks())
  }

  /**
   * The positions, ascending, in blocks of at most 65,536. A block is a view of memory that the next one takes.
   * @throws FloeError `UNSUPPORTED` when a position is over 2^53 - 1
   */
  * blocks(): Generator<Float64Array, void, undefined> {
    this.#requireNumbers()
    const block = new Float64Array(BLOCK_LENGTH)
    for (let i = 0; i < this.#keys.length; i++) {
      const bitmap = this.#bitmaps[i]!
      for (let j = 0; j < bitmap.containers.length; j++) {
        yield block.subarray(0, bitmap.fillBlock(block, j, this.#keys[i]! * KEY_SIZE))
      }
    }
  }

  /** Clears `mask[position - first]` for every position in `[first, first + count)`: the rows of a batch that are deleted. */
  removeFrom(mask: Uint8Array, first: number, count: number): void {
    for (let i = 0; i < this.#keys.length; i++) {
      const base = this.#keys[i]! * KEY_SIZE
      const from = Math.max(first, base)
      const end = Math.min(first + count, base + KEY_SIZE)
      if (from < end) this.#bitmaps[i]!.removeFrom(from === first ? mask : mask.subarray(from - first), from - base, end - from)
    }
  }

  /** A bitmap of its own; what both have in common is shared until either changes. */
  clone(): PositionBitmap {
    const copy = new PositionBitmap()
    copy.#keys = this.#keys.slice()
    copy.#bitmaps = this.#bitmaps.map((bitmap) => bitmap.clone())
    return copy
  }

  equals(other: PositionBitmap): boolean {
    if (this.#keys.length !== other.#keys.length) return false
    return this.#bitmaps.every((bitmap, i) => this.#keys[i] === other.#keys[i] && bitmap.equals(other.#bitmaps[i]!))
  }

  /** The portable form, byte for byte as the reference writes it. */
  encode(): Uint8Array {
    const lastKey = this.#keys.at(-1)
    const fills = lastKey !== undefined && lastKey <= MAX_FILLED_KEY
    const gaps = fills ? lastKey + 1 - this.#keys.length : 0
    const prepared = this.#bitmaps.map(prepareRoaring)
    let size = 8 + gaps * MIN_ENTRY_BYTES
    for (const bitmap of prepared) size += 4 + bitmap.sizeBytes
    const bytes = new Uint8Array(size)
    const view = new DataView(bytes.buffer)
    view.setBigUint64(0, BigInt(gaps + prepared.length), true)
    let at = 8
    let key = 0
    const write = (bitmap: ReturnType<typeof prepareRoaring>): void => {
      view.setUint32(at, key, true)
      encodeRoaring(bitmap, bytes, at + 4)
      at += 4 + bitmap.sizeBytes
    }
    for (let i = 0; i < prepared.length; i++) {
      for (; fills && key < this.#keys[i]!; key++) write(EMPTY)
      key = this.#keys[i]!
      write(prepared[i]!)
      key++
    }
    return bytes
  }

  #requireNumbers(): void {
    if (!this.isEmpty) exactPosition(this.#keys.at(-1)!, 0)
  }

  #find(key: number): number {
    const keys = this.#keys
    if (keys[0] === key) return 0
    let low = 0
    let high = keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (keys[middle]! < key) low = middle + 1
      else high = middle
    }
    return keys[low] === key ? low : -1 - low
  }

  #bitmapFor(key: number): RoaringBitmap {
    const index = this.#find(key)
    if (index >= 0) return this.#bitmaps[index]!
    const bitmap = new RoaringBitmap()
    this.#insert(-1 - index, key, bitmap)
    return bitmap
  }

  #insert(index: number, key: number, bitmap: RoaringBitmap): void {
    this.#keys.splice(index, 0, key)
    this.#bitmaps.splice(index, 0, bitmap)
  }

  #append(key: number, bitmap: RoaringBitmap): void {
    if (bitmap.containers.length === 0) return
    this.#keys.push(key)
    this.#bitmaps.push(bitmap)
  }
}

class PositionIterator implements IterableIterator<number> {
  readonly #blocks: Generator<Float64Array, void, undefined>
  #block: Float64Array = new Float64Array(0)
  #at = 0

  constructor(blocks: Generator<Float64Array, void, undefined>) {
    this.#blocks = blocks
  }

  next(): IteratorResult<number> {
    if (this.#at === this.#block.length) {
      const { done, value } = this.#blocks.next()
      if (done === true) return { done, value: undefined }
      this.#block = value
      this.#at = 0
    }
    return { done: false, value: this.#block[this.#at++]! }
  }

  [Symbol.iterator](): this {
    return this
  }
}

const EMPTY = prepareRoaring(new RoaringBitmap())

function checkPosition(position: number): void {
  if (Number.isSafeInteger(position) && position >= 0) return
  throw new FloeError('INVALID', `A row position is a whole number from 0 to 2^53 - 1, not ${position}`)
}

function exactPosition(key: number, low: number): number {
  if (key < FIRST_UNSAFE_KEY) return key * KEY_SIZE + low
  throw new FloeError('UNSUPPORTED', 'The bitmap has positions over 2^53 - 1, which cannot be listed: no data file has that many rows')
}
