/** The containers of a roaring bitmap: sets of 16-bit values, each kept in the form that is small for it. */

/** Ascending values. */
export const ARRAY = 0
/** One bit for each of the 65,536 values, in 2048 words. */
export const BITMAP = 1
/** Pairs of a first value and how many follow it, ascending and apart from each other. */
export const RUNS = 2

export type ContainerKind = typeof ARRAY | typeof BITMAP | typeof RUNS

/** Arrays of more values than this are larger than a bitmap. */
export const MAX_ARRAY_VALUES = 4096
export const BITMAP_WORDS = 2048
export const BITMAP_BYTES = 8192
/** Runs beyond this number are larger than a bitmap. */
export const MAX_RUNS = 2047

const NO_VALUES = new Uint16Array(0)
const NO_WORDS = new Uint32Array(0)
/** Up to 64 bytes, an array has no memory of its own to be allocated. */
const FIRST_CAPACITY = 32

/**
 * One class for all kinds, told apart by `kind`, so that the hot loops meet one shape. Values and words lie somewhere in an
 * array that others may use too (the bytes a bitmap was decoded from, or those of a clone): whoever changes them calls
 * {@link own} first.
 */
export class Container {
  kind: ContainerKind = ARRAY
  cardinality = 0
  /** Arrays: the values. Runs: the pairs. */
  values: Uint16Array = NO_VALUES
  /** Where in `values` this container begins. */
  start = 0
  runCount = 0
  /** Bitmaps: the words, low values first. */
  words: Uint32Array = NO_WORDS
  wordStart = 0
  isOwned = true

  /** A container of the values `first` to `last`. Source: Java `Container.rangeOfOnes` */
  static range(first: number, last: number): Container {
    const container = new Container()
    const length = last - first + 1
    container.cardinality = length
    if (length <= 2) {
      container.values = Uint16Array.of(first, last)
      return container
    }
    container.kind = RUNS
    container.runCount = 1
    container.values = Uint16Array.of(first, length - 1)
    return container
  }

  static array(values: Uint16Array, cardinality: number): Container {
    const container = new Container()
    container.values = values
    container.cardinality = cardinality
    return container
  }

  static runs(pairs: Uint16Array, runCount: number, cardinality: number): Container {
    const container = new Container()
    container.kind = RUNS
    container.values = pairs
    container.runCount = runCount
    container.cardinality = cardinality
    return container
  }

  static bitmap(words: Uint32Array, cardinality: number): Container {
    const container = new Container()
    container.kind = BITMAP
    container.words = words
    container.cardinality = cardinality
    return container
  }

  /** Another container over the same values; both copy them before they change. */
  share(): Container {
    this.isOwned = false
    const shared = new Container()
    shared.kind = this.kind
    shared.cardinality = this.cardinality
    shared.values = this.values
    shared.start = this.start
    shared.runCount = this.runCount
    shared.words = this.words
    shared.wordStart = this.wordStart
    shared.isOwned = false
    return shared
  }

  get first(): number {
    return this.kind === BITMAP ? nextBit(this.words, this.wordStart, 0, 0) : this.values[this.start]!
  }

  get last(): number {
    const { kind, values, start } = this
    if (kind === ARRAY) return values[start + this.cardinality - 1]!
    if (kind === RUNS) return values[start + 2 * this.runCount - 2]! + values[start + 2 * this.runCount - 1]!
    let index = BITMAP_WORDS - 1
    while (this.words[this.wordStart + index] === 0) index--
    return 32 * index + 31 - Math.clz32(this.words[this.wordStart + index]!)
  }

  contains(value: number): boolean {
    if (this.kind === BITMAP) return ((this.words[this.wordStart + (value >>> 5)]! >>> (value & 31)) & 1) !== 0
    if (this.kind === ARRAY) return this.#containsInArray(value)
    const run = this.runBefore(value)
    if (run < 0) return false
    const at = this.start + 2 * run
    return value - this.values[at]! <= this.values[at + 1]!
  }

  add(value: number): void {
    if (this.kind === ARRAY) this.#addToArray(value)
    else if (this.kind === BITMAP) this.#addToBitmap(value)
    else this.#addToRuns(value)
  }

  /** How many values are at most `value`. */
  rank(value: number): number {
    if (this.kind === ARRAY) return lowerBound(this.values, this.start, this.start + this.cardinality, value + 1) - this.start
    if (this.kind === BITMAP) return countBits(this.words, this.wordStart, value)
    let count = 0
    for (let run = 0, at = this.start; run < this.runCount; run++, at += 2) {
      const first = this.values[at]!
      if (first > value) break
      count += Math.min(value - first, this.values[at + 1]!) + 1
    }
    return count
  }

  /** The index of the last run that begins at or before `value`, or -1. */
  runBefore(value: number): number {
    const { values, start } = this
    let low = 0
    let high = this.runCount
    while (low < high) {
      const middle = (low + high) >>> 1
      if (values[start + 2 * middle]! <= value) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Takes what `other`, which nobody else has, consists of. */
  become(other: Container): void {
    this.kind = other.kind
    this.cardinality = other.cardinality
    this.values = other.values
    this.start = other.start
    this.runCount = other.runCount
    this.words = other.words
    this.wordStart = other.wordStart
    this.isOwned = other.isOwned
  }

  /** Makes the values ours to change, with room for `extra` more entries of `values`. */
  own(extra: number): void {
    if (this.kind === BITMAP) {
      if (this.isOwned) return
      this.words = this.words.slice(this.wordStart, this.wordStart + BITMAP_WORDS)
      this.wordStart = 0
      this.isOwned = true
      return
    }
    const used = this.kind === ARRAY ? this.cardinality : 2 * this.runCount
    if (this.isOwned && this.start + used + extra <= this.values.length) return
    const grown = new Uint16Array(Math.max(used + extra, extra === 0 ? 0 : 2 * used, FIRST_CAPACITY))
    grown.set(this.values.subarray(this.start, this.start + used))
    this.values = grown
    this.start = 0
    this.isOwned = true
  }

  #containsInArray(value: number): boolean {
    const { values } = this
    let at = this.start
    // Which half is computed, not branched to: where a value lies cannot be predicted
    for (let length = this.cardinality; length > 1;) {
      const half = length >>> 1
      at += half & ~((value - values[at + half]!) >> 31)
      length -= half
    }
    return values[at] === value
  }

  #addToArray(value: number): void {
    const end = this.start + this.cardinality
    const isLast = this.cardinality === 0 || this.values[end - 1]! < value
    const index = isLast ? this.cardinality : lowerBound(this.values, this.start, end, value) - this.start
    if (!isLast && this.values[this.start + index] === value) return
    if (this.cardinality === MAX_ARRAY_VALUES) {
      this.become(toBitmap(this))
      this.#addToBitmap(value)
      return
    }
    this.own(1)
    const at = this.start + index
    if (!isLast) this.values.copyWithin(at + 1, at, this.start + this.cardinality)
    this.values[at] = value
    this.cardinality++
  }

  #addToBitmap(value: number): void {
    const word = this.words[this.wordStart + (value >>> 5)]!
    const bit = 1 << (value & 31)
    if ((word & bit) !== 0) return
    this.own(0)
    this.words[this.wordStart + (value >>> 5)] = word | bit
    this.cardinality++
  }

  #addToRuns(value: number): void {
    const run = this.runBefore(value)
    const at = this.start + 2 * run
    const end = run < 0 ? -2 : this.values[at]! + this.values[at + 1]!
    if (value <= end) return
    const next = run + 1 < this.runCount ? this.values[at + 2]! : -2
    const touchesNext = next === value + 1
    if (value !== end + 1 && !touchesNext && this.runCount >= MAX_RUNS) {
      this.become(this.cardinality < MAX_ARRAY_VALUES ? toArray(this) : toBitmap(this))
      this.add(value)
      return
    }
    this.#insertIntoRuns(value, run, value === end + 1, touchesNext)
    this.cardinality++
  }

  #insertIntoRuns(value: number, run: number, touchesBefore: boolean, touchesNext: boolean): void {
    this.own(2)
    const { values } = this
    const at = this.start + 2 * run
    const end = this.start + 2 * this.runCount
    if (touchesBefore && touchesNext) {
      values[at + 1] = values[at + 1]! + values[at + 3]! + 2
      values.copyWithin(at + 2, at + 4, end)
      this.runCount--
    } else if (touchesBefore) values[at + 1]!++
    else if (touchesNext) {
      values[at + 2]!--
      values[at + 3]!++
    } else {
      values.copyWithin(at + 4, at + 2, end)
      values[at + 2] = value
      values[at + 3] = 0
      this.runCount++
    }
  }
}

/** The index of the first of the ascending values in `[start, end)` that is at least `value`, else `end`. */
export function lowerBound(values: Uint16Array, start: number, end: number, value: number): number {
  let low = start
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if (values[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** How many bits of a word are set. */
export function popCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555)
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}

/** How many bits of the bitmap at `start` are set, up to and including that of `last`. */
export function countBits(words: Uint32Array, start: number, last = 65_535): number {
  const end = start + (last >>> 5)
  const blocksEnd = end - ((end - start) & 7)
  let count = countBlocks(words, start, blocksEnd)
  for (let i = blocksEnd; i < end; i++) count += popCount(words[i]!)
  return count + popCount(words[end]! & (0xffff_ffff >>> (31 - (last & 31))))
}

/**
 * The set bits of `[start, end)`, whose length is a multiple of 8. Eight words are added bit by bit to counters of ones, twos and
 * fours, so that one word in eight has its bits counted. Source: Harley and Seal, in Hacker's Delight 5-1
 */
function countBlocks(words: Uint32Array, start: number, end: number): number {
  let ones = 0
  let twos = 0
  let fours = 0
  let eights = 0
  for (let i = start; i < end; i += 8) {
    let left = words[i]!
    let right = words[i + 1]!
    let half = left ^ right
    const twosA = (left & right) | (ones & half)
    ones ^= half
    left = words[i + 2]!
    right = words[i + 3]!
    half = left ^ right
    const twosB = (left & right) | (ones & half)
    ones ^= half
    half = twosA ^ twosB
    const foursA = (twosA & twosB) | (twos & half)
    twos ^= half
    left = words[i + 4]!
    right = words[i + 5]!
    half = left ^ right
    const twosC = (left & right) | (ones & half)
    ones ^= half
    left = words[i + 6]!
    right = words[i + 7]!
    half = left ^ right
    const twosD = (left & right) | (ones & half)
    ones ^= half
    half = twosC ^ twosD
    const foursB = (twosC & twosD) | (twos & half)
    twos ^= half
    half = foursA ^ foursB
    eights += popCount((foursA & foursB) | (fours & half))
    fours ^= half
  }
  return 8 * eights + 4 * popCount(fours) + 2 * popCount(twos) + popCount(ones)
}

/** Sets the bits from `first` to `last`. */
export function setBits(words: Uint32Array, first: number, last: number): void {
  const firstWord = first >>> 5
  const lastWord = last >>> 5
  const firstMask = 0xffff_ffff << (first & 31)
  const lastMask = 0xffff_ffff >>> (31 - (last & 31))
  if (firstWord === lastWord) {
    words[firstWord]! |= firstMask & lastMask
    return
  }
  words[firstWord]! |= firstMask
  words.fill(0xffff_ffff, firstWord + 1, lastWord)
  words[lastWord]! |= lastMask
}

/** Clears the bits from `first` to `last`. */
export function clearBits(words: Uint32Array, first: number, last: number): void {
  const firstWord = first >>> 5
  const lastWord = last >>> 5
  const firstMask = 0xffff_ffff << (first & 31)
  const lastMask = 0xffff_ffff >>> (31 - (last & 31))
  if (firstWord === lastWord) {
    words[firstWord]! &= ~(firstMask & lastMask)
    return
  }
  words[firstWord]! &= ~firstMask
  words.fill(0, firstWord + 1, lastWord)
  words[lastWord]! &= ~lastMask
}

/** The same values as a bitmap of its own. */
export function toBitmap(container: Container): Container {
  if (container.kind === BITMAP) {
    return Container.bitmap(container.words.slice(container.wordStart, container.wordStart + BITMAP_WORDS), container.cardinality)
  }
  const words = new Uint32Array(BITMAP_WORDS)
  setInBitmap(container, words)
  return Container.bitmap(words, container.cardinality)
}

/** Sets the bits of an array's or of runs' values. */
export function setInBitmap(container: Container, words: Uint32Array): void {
  const { values, start } = container
  if (container.kind === ARRAY) {
    for (let at = start, end = start + container.cardinality; at < end; at++) {
      const value = values[at]!
      words[value >>> 5]! |= 1 << (value & 31)
    }
    return
  }
  for (let at = start, end = start + 2 * container.runCount; at < end; at += 2) {
    setBits(words, values[at]!, values[at]! + values[at + 1]!)
  }
}

/** The same values as an array of its own. */
export function toArray(container: Container): Container {
  const { kind, cardinality, start } = container
  if (kind === ARRAY) return Container.array(container.values.slice(start, start + cardinality), cardinality)
  const values = new Uint16Array(cardinality)
  let count = 0
  if (kind === RUNS) {
    for (let at = start, end = start + 2 * container.runCount; at < end; at += 2) {
      const first = container.values[at]!
      const last = first + container.values[at + 1]!
      for (let value = first; value <= last; value++) values[count++] = value
    }
    return Container.array(values, cardinality)
  }
  const { words, wordStart } = container
  for (let i = 0; i < BITMAP_WORDS; i++) {
    for (let word = words[wordStart + i]!; word !== 0; word &= word - 1) values[count++] = 32 * i + 31 - Math.clz32(word & -word)
  }
  return Container.array(values, cardinality)
}

/** How many runs the values form. */
export function countRuns(container: Container): number {
  if (container.kind === RUNS) return container.runCount
  let runs = 0
  if (container.kind === ARRAY) {
    const { values, start } = container
    let previous = -2
    for (let at = start, end = start + container.cardinality; at < end; at++) {
      const value = values[at]!
      // 1 unless the value is the next one
      runs += (previous + 1 - value) >>> 31
      previous = value
    }
    return runs
  }
  const { words, wordStart } = container
  let carry = 0
  for (let at = wordStart, end = wordStart + BITMAP_WORDS; at < end; at++) {
    const word = words[at]!
    // A run begins at a bit that is set and whose lower neighbour is not
    runs += popCount(word & ~((word << 1) | carry))
    carry = word >>> 31
  }
  return runs
}

/** The same values as runs of its own; `runCount` as {@link countRuns} tells. */
export function toRuns(container: Container, runCount: number): Container {
  const pairs = new Uint16Array(2 * runCount)
  if (container.kind === RUNS) pairs.set(container.values.subarray(container.start, container.start + 2 * runCount))
  else if (container.kind === ARRAY) arrayToRuns(container, pairs)
  else bitmapToRuns(container, pairs)
  return Container.runs(pairs, runCount, container.cardinality)
}

function arrayToRuns(container: Container, pairs: Uint16Array): void {
  const { values, start } = container
  let at = -2
  let previous = -2
  for (let i = start, end = start + container.cardinality; i < end; i++) {
    const value = values[i]!
    if (value === previous + 1) pairs[at + 1]!++
    else pairs[at += 2] = value
    previous = value
  }
}

function bitmapToRuns(container: Container, pairs: Uint16Array): void {
  const { words, wordStart } = container
  for (let at = 0, next = 0; at < pairs.length; at += 2) {
    const first = nextBit(words, wordStart, next, 0)
    next = nextBit(words, wordStart, first + 1, -1)
    pairs[at] = first
    pairs[at + 1] = next - 1 - first
  }
}

/** The first bit from `from` on that is set, or with `flip` -1 that is not; 65,536 when there is none. */
function nextBit(words: Uint32Array, start: number, from: number, flip: 0 | -1): number {
  let index = from >>> 5
  if (index >= BITMAP_WORDS) return 65_536
  let word = (words[start + index]! ^ flip) & (0xffff_ffff << (from & 31))
  while (word === 0) {
    if (++index === BITMAP_WORDS) return 65_536
    word = words[start + index]! ^ flip
  }
  return 32 * index + 31 - Math.clz32(word & -word)
}

/** Runs in the kind that is smallest for them. Source: Java `RunContainer.toEfficientContainer` */
export function efficientRuns(container: Container): Container {
  const { runCount, cardinality } = container
  if (2 + 4 * runCount <= Math.min(BITMAP_BYTES, 2 + 2 * cardinality)) return container
  return cardinality <= MAX_ARRAY_VALUES ? toArray(container) : toBitmap(container)
}
