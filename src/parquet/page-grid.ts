import { firstWhere, lowerBound } from '../util/binary-search.js'
import type { RowSelection } from './parquet-engine.js'

/** Rows that follow each other, counted from the first of their row group. */
export interface RowRange {
  readonly start: number
  readonly rows: number
}

/** The pages of one leaf column. */
export interface LeafLayout {
  /** Row at which each page starts, and the row after the last; undefined when only the whole chunk has known rows. */
  readonly starts: readonly number[] | undefined
  /** Bytes of each page; of all, where `starts` is undefined. */
  readonly sizes: readonly number[]
  readonly dictionarySize: number
}

/** Pages by ordinal. */
export interface PageRange {
  readonly first: number
  readonly end: number
}

interface LeafGrid extends LeafLayout {
  readonly bytesBefore: readonly number[]
}

/** What a job costs beside its pages, as bytes of one column. */
const JOB_BYTES = 16 * 2 ** 10
/** Saving less than this share of the bytes is not worth more jobs. */
const MAX_SELECTED_SHARE = 0.75

/** How the pages of a row group's columns lie side by side, and what stretches of rows cost. */
export class PageGrid {
  readonly rows: number
  readonly #fields: readonly (readonly LeafGrid[])[]

  /** By top-level column, its leaves. */
  constructor(fields: readonly (readonly LeafLayout[])[], rows: number) {
    this.#fields = fields.map((leaves) => leaves.map((leaf) => ({ ...leaf, bytesBefore: runningSum(leaf.sizes) })))
    this.rows = rows
  }

  /** The smallest range of rows around another at which pages of all leaves of a column start and end. */
  pageRows(field: number, range: RowRange): { readonly first: number; readonly last: number } {
    let first = range.start
    let last = range.start + range.rows
    for (let settled = false; !settled; ) {
      settled = true
      for (const { starts } of this.#fields[field]!) {
        const below = starts === undefined ? 0 : starts[upperBound(starts, first) - 1]!
        const above = starts === undefined ? this.rows : starts[lowerBound(starts, last)]!
        if (below < first || above > last) settled = false
        first = below
        last = above
      }
    }
    return { first, last }
  }

  /** The pages that the leaves of a column have in a range. */
  pages(field: number, range: RowRange): PageRange[] {
    const { first, last } = this.pageRows(field, range)
    return this.#fields[field]!.map(({ starts, sizes }) => {
      return starts === undefined ? { first: 0, end: sizes.length } : { first: lowerBound(starts, first), end: lowerBound(starts, last) }
    })
  }

  /** Bytes of the pages that a range needs. */
  bytes(range: RowRange): number {
    let bytes = 0
    this.#fields.forEach((leaves, field) => {
      this.pages(field, range).forEach(({ first, end }, i) => {
        const { bytesBefore, dictionarySize } = leaves[i]!
        bytes += dictionarySize + bytesBefore[end]! - bytesBefore[first]!
      })
    })
    return bytes
  }

  /** Windows of about `targetBytes` each, whole batches; larger where pages are too large to be cut without waste. */
  windows(range: RowRange, targetBytes: number, batchRows: number): RowRange[] {
    const total = this.bytes(range)
    let rows = Math.ceil(((range.rows / Math.max(1, total)) * targetBytes) / batchRows) * batchRows
    for (; rows < range.rows; rows *= 2) {
      const windows = cut(range, rows)
      if (windows.reduce((sum, window) => sum + this.bytes(window), 0) < total * 1.5) return windows
    }
    return [range]
  }

  /**
   * Where some ascending ranges of rows are read by themselves: joined where reading what lies between costs less than
   * another job. Undefined when that saves too little against the whole row group.
   */
  select(ranges: readonly RowRange[]): readonly RowRange[] | undefined {
    const cost = (range: RowRange): number => this.bytes(range) + JOB_BYTES * this.#fields.length
    const joined: { range: RowRange; cost: number }[] = []
    for (const range of ranges) {
      const next = { range, cost: cost(range) }
      const last = joined.at(-1)
      if (last !== undefined) {
        const both = { start: last.range.start, rows: range.start + range.rows - last.range.start }
        const bothCost = cost(both)
        if (bothCost <= last.cost + next.cost) {
          joined[joined.length - 1] = { range: both, cost: bothCost }
          continue
        }
      }
      joined.push(next)
    }
    const whole = cost({ start: 0, rows: this.rows })
    if (joined.reduce((sum, one) => sum + one.cost, 0) > whole * MAX_SELECTED_SHARE) return undefined
    return joined.map((one) => one.range)
  }

  /** The ranges from the first to the last selected row of each stretch without a page boundary; `base`: of the row group's first row. */
  selected(selection: RowSelection, base: number, within: readonly RowRange[]): RowRange[] {
    const starts = new Set(this.#fields.flatMap((leaves) => leaves.flatMap((leaf) => leaf.starts ?? [])))
    const cuts = [...starts.add(0).add(this.rows)].sort((a, b) => a - b)
    const stretches = within.flatMap((range) => {
      const end = range.start + range.rows
      const edges = [range.start, ...cuts.slice(upperBound(cuts, range.start), lowerBound(cuts, end)), end]
      return edges.slice(0, -1).map((start, i) => ({ start, rows: edges[i + 1]! - start }))
    })
    const touched = stretches.filter(({ start, rows }) => selection.countInRange(base + start, base + start + rows) > 0)
    // Trimming spares rows, not pages: where nearly all pages are needed, the row group is read as a whole.
    if (rowsOf(touched) > this.rows * MAX_SELECTED_SHARE) return [...within]
    return touched.map(({ start, rows }) => trimmed(selection, base, start, start + rows))
  }
}

function rowsOf(ranges: readonly RowRange[]): number {
  return ranges.reduce((sum, { rows }) => sum + rows, 0)
}

/** From the first to the last selected row of a range that has some. */
function trimmed(selection: RowSelection, base: number, from: number, to: number): RowRange {
  const count = selection.countInRange(base + from, base + to)
  if (count === to - from) return { start: from, rows: count }
  const first = firstWhere(from, to, (row) => selection.countInRange(base + from, base + row + 1) > 0)
  const last = firstWhere(first, to, (row) => selection.countInRange(base + from, base + row + 1) === count)
  return { start: first, rows: last + 1 - first }
}

function cut(range: RowRange, rows: number): RowRange[] {
  const windows: RowRange[] = []
  for (let done = 0; done < range.rows; done += rows) windows.push({ start: range.start + done, rows: Math.min(rows, range.rows - done) })
  return windows
}

/** The sum before each element, and that of all. */
export function runningSum(counts: readonly number[]): number[] {
  const sums = [0]
  let sum = 0
  for (const count of counts) sums.push((sum += count))
  return sums
}

function upperBound(sorted: readonly number[], value: number): number {
  return lowerBound(sorted, value + 1)
}
