import type { Chunk } from '../../arrow/arrow-data.js'
import { parseTransform } from '../../partition/transform.js'
import type { Type } from '../../schema/type.js'
import { keyColumnReader, nullTest } from './key-column.js'
import type { ByteColumn, KeyColumn } from './key-column.js'
import { positionReader } from './value-position.js'
import type { Positions } from './value-position.js'

/** Quantiles that a scale keeps at least, where there are as many values: it is straight between them. */
const KNOTS = 1024
/** Cells of the table in which the quantiles around a value are looked up. */
const CELLS = 4096

/** Values of a sample: where they lie, and the ranks of the first of the rows that have each and of what follows them. */
interface Knot {
  readonly row: number
  readonly position: number
  readonly at: number
  readonly after: number
}

/**
 * Turns the values of a column into ranks from 0 to `2^bits - 1` such that stretches of ranks of one length hold about the same number of
 * rows, however skewed the values are. Learnt from a sample, and piecewise linear between its quantiles. Ranks ascend with values in the
 * order of `schema/compare-values.ts`, null first; all rows of a value have one rank, the least of those that are due to them.
 */
export class RankScale {
  readonly #read: (chunk: Chunk) => KeyColumn
  readonly #top: number
  readonly #positionsOf: Positions | undefined
  readonly #positions: Float64Array
  readonly #at: Float64Array
  readonly #after: Float64Array
  /** Ranks by position from each knot to the next. */
  readonly #slopes: Float64Array
  /** For each cell the number of knots before it. */
  readonly #cells: Int32Array
  readonly #cellsByPosition: number
  /** The values of the knots, where some have one position and only their bytes tell them apart. */
  readonly #bytes: readonly Uint8Array[] | undefined

  /** `sample`: values of the type in any order; `order`: its rows by value, nulls first. */
  constructor(type: Type, sample: Chunk, order: Uint32Array, bits: number) {
    const reader = keyColumnReader(type, parseTransform('identity'))
    this.#read = (chunk) => reader.read(chunk)
    this.#top = 2 ** bits - 1
    const column = reader.read(sample)
    const isNull = nullTest(sample)
    let nulls = 0
    while (nulls < order.length && isNull?.(order[nulls]!) === true) nulls++
    const present = order.subarray(nulls)
    this.#positionsOf = present.length === 0 ? undefined : positionReader(column, present[0]!, present.at(-1)!)
    const knots = present.length === 0 ? [] : knotsOf(column, this.#positionsOf!(column), present)
    const rank = (rows: number): number => ((nulls + rows) / order.length) * 2 ** bits
    this.#positions = Float64Array.from(knots, ({ position }) => position)
    this.#at = Float64Array.from(knots, ({ at }) => rank(at))
    this.#after = Float64Array.from(knots, ({ after }) => rank(after))
    this.#slopes = this.#at.map((_, i) => this.#slope(i))
    const width = (this.#positions.at(-1) ?? 0) - (this.#positions[0] ?? 0)
    this.#cellsByPosition = width > 0 ? (CELLS - 1) / width : 0
    this.#cells = this.#countCells()
    const isShared = this.#positions.some((position, i) => i > 0 && position === this.#positions[i - 1])
    this.#bytes = isShared && !('words' in column) ? knots.map(({ row }) => column.bytes.slice(column.starts[row], column.ends[row])) : undefined
  }

  /** The rank of each row. */
  ranks(chunk: Chunk): Uint32Array {
    const ranks = new Uint32Array(chunk.length)
    const isNull = nullTest(chunk)
    if (this.#positionsOf === undefined) ranks.fill(this.#top)
    else this.#rankValues(this.#read(chunk), ranks)
    if (isNull !== undefined) for (let row = 0; row < ranks.length; row++) if (isNull(row)) ranks[row] = 0
    return ranks
  }

  #rankValues(column: KeyColumn, ranks: Uint32Array): void {
    const values = this.#positionsOf!(column)
    const positions = this.#positions
    const top = this.#top
    const bytes = 'words' in column ? undefined : column
    for (let row = 0; row < ranks.length; row++) {
      const value = values[row]!
      const knot = this.#knotBefore(value)
      let rank: number
      if (knot < 0) rank = this.#at[0]!
      else if (value === positions[knot]) rank = bytes === undefined ? this.#at[knot]! : this.#rankAmongShared(bytes, row, knot)
      else rank = this.#rankBehind(knot, value)
      ranks[row] = rank < top ? rank : top
    }
  }

  /** The last knot that is not behind the value; -1 when all are. */
  #knotBefore(value: number): number {
    const positions = this.#positions
    const cell = this.#cellOf(value)
    let low = this.#cells[cell]!
    let high = this.#cells[cell + 1]!
    while (low < high) {
      const middle = (low + high) >> 1
      if (positions[middle]! <= value) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  #rankBehind(knot: number, value: number): number {
    const after = this.#after[knot]!
    if (knot === this.#positions.length - 1) return after
    // Rounding must not carry a value past the next knot
    return Math.min(after + (value - this.#positions[knot]!) * this.#slopes[knot]!, this.#at[knot + 1]!)
  }

  /** The rank of bytes whose position is that of `knot`, the last of those that share it. */
  #rankAmongShared(column: ByteColumn, row: number, knot: number): number {
    if (this.#bytes === undefined) return this.#at[knot]!
    let first = knot
    while (first > 0 && this.#positions[first - 1] === this.#positions[knot]) first--
    if (first === knot) return this.#at[knot]!
    let [low, high] = [first, knot + 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareRow(column, row, this.#bytes[middle]!) >= 0) low = middle + 1
      else high = middle
    }
    if (low === first) return this.#at[first]!
    return compareRow(column, row, this.#bytes[low - 1]!) === 0 ? this.#at[low - 1]! : this.#after[low - 1]!
  }

  #slope(knot: number): number {
    if (knot === this.#positions.length - 1) return 0
    const width = this.#positions[knot + 1]! - this.#positions[knot]!
    return width > 0 ? (this.#at[knot + 1]! - this.#after[knot]!) / width : 0
  }

  /** Ascends with the value, so that knots of lower cells are before it and knots of higher ones behind. */
  #cellOf(value: number): number {
    const cell = (value - this.#positions[0]!) * this.#cellsByPosition
    if (!(cell > 0)) return 0
    return cell < CELLS - 1 ? Math.floor(cell) : CELLS - 1
  }

  #countCells(): Int32Array {
    const cells = new Int32Array(CELLS + 1)
    for (const position of this.#positions) cells[this.#cellOf(position) + 1]!++
    for (let cell = 0; cell < CELLS; cell++) cells[cell + 1]! += cells[cell]!
    return cells
  }
}

/** The first and the last value, each that many rows have, and every so many rows one. `rows`: ascending by value. */
function knotsOf(column: KeyColumn, positions: Float64Array, rows: Uint32Array): Knot[] {
  const step = rows.length / KNOTS
  const knots: Knot[] = []
  for (let at = 0; at < rows.length; ) {
    let after = at + 1
    while (after < rows.length && isSame(column, positions, rows[at]!, rows[after]!)) after++
    const last = knots.at(-1)
    const isDue = last === undefined || after === rows.length || after - at >= step || after - last.after >= step
    if (isDue) knots.push({ row: rows[at]!, position: positions[rows[at]!]!, at, after })
    at = after
  }
  return knots
}

function isSame(column: KeyColumn, positions: Float64Array, a: number, b: number): boolean {
  if (positions[a] !== positions[b]) return false
  return 'words' in column || compareRow(column, a, column.bytes.subarray(column.starts[b], column.ends[b])) === 0
}

function compareRow({ bytes, starts, ends }: ByteColumn, row: number, other: Uint8Array): number {
  const start = starts[row]!
  const length = ends[row]! - start
  const shared = Math.min(length, other.length)
  for (let i = 0; i < shared; i++) {
    const difference = bytes[start + i]! - other[i]!
    if (difference !== 0) return difference
  }
  return length - other.length
}
