import { compareKeys } from './sort-keys.js'
import type { SortKeys } from './sort-keys.js'

/** Fewer rows are sorted by insertion. */
const SMALL = 24
/** Bits of a digit: fewer passes against less to count, which does not pay for few rows. */
const WIDE_DIGIT = 11
const NARROW_DIGIT = 8
const MANY = 4096

/** Two words of each row, and which row they are of; moved together, so that a pass reads memory in order. */
interface Column {
  high: Uint32Array
  low: Uint32Array
  rows: Uint32Array
}

/** Memory of sorts of so many rows, which are many: one after the other uses it. */
const SCRATCH_ROWS = 65_536
let scratch: [Column, Column] | undefined

/** Rows `start` to `end` that are equal in all levels before `level`: two words each, then eight bytes of the rest each. */
interface Group {
  readonly start: number
  readonly end: number
  readonly level: number
}

/**
 * The rows in the order of their keys; equal ones keep theirs. Undefined when they are in order already.
 *
 * A radix sort of 64 bits at a time that only looks at bits in which rows differ, and goes on in groups of rows that are equal so
 * far: linear in the bytes of keys, whatever they hold.
 */
export function sortedRows(keys: SortKeys): Uint32Array | undefined {
  const { length } = keys
  let first = 1
  while (first < length && compareKeys(keys, first - 1, keys, first) <= 0) first++
  if (first >= length) return undefined
  return new RadixSort(keys).sort()
}

class RadixSort {
  readonly #keys: SortKeys
  readonly #wordLevels: number
  readonly #levels: number
  #from: Column
  #to: Column
  readonly #counts = new Uint32Array(2 ** WIDE_DIGIT)
  readonly #groups: Group[] = []

  constructor(keys: SortKeys) {
    this.#keys = keys
    this.#wordLevels = (keys.words.length + 1) >> 1
    this.#levels = keys.rest === undefined ? this.#wordLevels : Infinity
    const { length } = keys
    const [from, to] = length <= SCRATCH_ROWS ? (scratch ??= emptyColumns(SCRATCH_ROWS)) : emptyColumns(length)
    this.#from = from
    this.#to = to
    const { rows } = this.#from
    for (let row = 0; row < length; row++) rows[row] = row
  }

  sort(): Uint32Array {
    this.#groups.push({ start: 0, end: this.#keys.length, level: 0 })
    // A stack of its own: groups within groups are as deep as keys are long
    for (let group = this.#groups.pop(); group !== undefined; group = this.#groups.pop()) this.#sortGroup(group)
    return this.#from.rows.slice(0, this.#keys.length)
  }

  #sortGroup(group: Group): void {
    const { start, end } = group
    if (end - start <= SMALL) {
      this.#insertionSort(start, end)
      return
    }
    let { level } = group
    for (; level < this.#levels; level++) {
      if (this.#load(start, end, level)) {
        // Nothing is left of any row but how long it is
        this.#radixSort(start, end)
        return
      }
      if (!this.#radixSort(start, end)) continue
      if (level + 1 < this.#levels) this.#pushTies(start, end, level + 1)
      return
    }
  }

  /** Fills the words of a level; whether it is the last, in which rows are told apart by length. */
  #load(start: number, end: number, level: number): boolean {
    const { high, low, rows } = this.#from
    const { words, rest } = this.#keys
    if (level < this.#wordLevels) {
      gather(words[level * 2]!, rows, high, start, end)
      const second = words[level * 2 + 1]
      if (second === undefined) low.fill(0, start, end)
      else gather(second, rows, low, start, end)
      return false
    }
    const { offsets, bytes } = rest!
    const depth = (level - this.#wordLevels) * 8
    let isPast = true
    for (let i = start; i < end; i++) {
      const row = rows[i]!
      const from = offsets[row]! + depth
      const to = offsets[row + 1]!
      if (from < to) isPast = false
      high[i] = fourBytes(bytes, from, to)
      low[i] = fourBytes(bytes, from + 4, to)
    }
    if (isPast) {
      for (let i = start; i < end; i++) {
        const row = rows[i]!
        high[i] = offsets[row + 1]! - offsets[row]!
      }
    }
    return isPast
  }

  /** Sorts by the words that are loaded; false when all are equal. */
  #radixSort(start: number, end: number): boolean {
    const { high, low } = this.#from
    const highBits = differingBits(high, start, end)
    const lowBits = differingBits(low, start, end)
    if (highBits === 0 && lowBits === 0) return false
    const result = this.#from
    const bits = end - start < MANY ? NARROW_DIGIT : WIDE_DIGIT
    for (const shift of digitShifts(lowBits, bits)) this.#pass({ start, end, shift, bits, isHigh: false })
    for (const shift of digitShifts(highBits, bits)) this.#pass({ start, end, shift, bits, isHigh: true })
    if (this.#from !== result) {
      copyRange(this.#from, result, start, end)
      this.#to = this.#from
      this.#from = result
    }
    return true
  }

  /** A stable pass by some bits of one word. */
  #pass({ start, end, shift, bits, isHigh }: Digit): void {
    const from = this.#from
    const to = this.#to
    const values = 2 ** bits
    const counts = this.#counts.fill(0, 0, values)
    const digits = isHigh ? from.high : from.low
    for (let i = start; i < end; i++) counts[(digits[i]! >>> shift) & (values - 1)]!++
    let at = start
    for (let digit = 0; digit < values; digit++) {
      const count = counts[digit]!
      counts[digit] = at
      at += count
    }
    scatter(from, to, { digits, counts, shift, mask: values - 1, start, end })
    this.#from = to
    this.#to = from
  }

  #pushTies(start: number, end: number, level: number): void {
    const { high, low } = this.#from
    let first = start
    for (let i = start + 1; i <= end; i++) {
      if (i < end && high[i] === high[first] && low[i] === low[first]) continue
      if (i - first > 1) this.#groups.push({ start: first, end: i, level })
      first = i
    }
  }

  #insertionSort(start: number, end: number): void {
    const { rows } = this.#from
    const keys = this.#keys
    for (let i = start + 1; i < end; i++) {
      const row = rows[i]!
      let at = i
      while (at > start && compareKeys(keys, rows[at - 1]!, keys, row) > 0) {
        rows[at] = rows[at - 1]!
        at--
      }
      rows[at] = row
    }
  }
}

function emptyColumns(length: number): [Column, Column] {
  return [emptyColumn(length), emptyColumn(length)]
}

function emptyColumn(length: number): Column {
  return { high: new Uint32Array(length), low: new Uint32Array(length), rows: new Uint32Array(length) }
}

// eslint-disable-next-line max-params -- an inner loop over typed arrays: an object would be made for each call
function gather(source: Uint32Array, rows: Uint32Array, target: Uint32Array, start: number, end: number): void {
  for (let i = start; i < end; i++) target[i] = source[rows[i]!]!
}

/** Bits of one of the two words, of rows `start` to `end`. */
interface Digit {
  readonly start: number
  readonly end: number
  readonly shift: number
  readonly bits: number
  readonly isHigh: boolean
}

interface Scatter {
  readonly digits: Uint32Array
  readonly counts: Uint32Array
  readonly shift: number
  readonly mask: number
  readonly start: number
  readonly end: number
}

function scatter(from: Column, to: Column, { digits, counts, shift, mask, start, end }: Scatter): void {
  const { high, low, rows } = from
  const { high: toHigh, low: toLow, rows: toRows } = to
  for (let i = start; i < end; i++) {
    const at = counts[(digits[i]! >>> shift) & mask]!++
    toHigh[at] = high[i]!
    toLow[at] = low[i]!
    toRows[at] = rows[i]!
  }
}

/** Where the digits begin that cover all bits that differ, from the lowest. */
function digitShifts(differing: number, bits: number): number[] {
  const shifts: number[] = []
  const last = 32 - bits
  for (let rest = differing >>> 0; rest !== 0; ) {
    const shift = Math.min(31 - Math.clz32(rest & -rest), last)
    shifts.push(shift)
    rest = shift === last ? 0 : (rest & ~((2 ** bits - 1) << shift)) >>> 0
  }
  return shifts
}

function differingBits(values: Uint32Array, start: number, end: number): number {
  const first = values[start]!
  let bits = 0
  for (let i = start + 1; i < end; i++) bits |= values[i]! ^ first
  return bits
}

function copyRange(from: Column, to: Column, start: number, end: number): void {
  to.high.set(from.high.subarray(start, end), start)
  to.low.set(from.low.subarray(start, end), start)
  to.rows.set(from.rows.subarray(start, end), start)
}

function fourBytes(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  let value = 0
  for (let i = at; i < end; i++) value |= bytes[i]! << (24 - (i - at) * 8)
  return value
}
