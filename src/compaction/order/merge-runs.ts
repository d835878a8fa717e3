import type { RecordBatch } from 'apache-arrow'
import { batchBytes } from '../../arrow/batch-bytes.js'
import { concatBatches } from '../../arrow/concat-batches.js'
import { sliceBatch, takeBatch } from '../../arrow/take.js'
import { firstWhere } from '../../util/binary-search.js'
import { compareKeys, keysOf } from './sort-keys.js'
import type { SortKeys } from './sort-keys.js'
import { sortedRows } from './sorted-rows.js'

/** Batches of rows in order, with their keys, that are read one after the other. */
export interface SortedRun {
  readonly batches: number
  read(index: number): Promise<RecordBatch>
}

/** Rows in order that are in memory, until they are read. */
export class MemoryRun implements SortedRun {
  readonly batches = 1
  #batch: RecordBatch | undefined

  constructor(batch: RecordBatch) {
    this.#batch = batch
  }

  read(): Promise<RecordBatch> {
    const batch = this.#batch!
    this.#batch = undefined
    return Promise.resolve(batch)
  }
}

export interface MergeOptions {
  /** Columns of the batches in front of those of the keys. */
  readonly columns: number
  /** Bytes of rows that are merged at once, about. */
  readonly roundBytes: number
  /** Rows and bytes of each batch that comes out, at most, bytes only about. */
  readonly batchRows: number
  readonly batchBytes: number
}

/**
 * The rows of sorted runs in one sequence; of equal rows those of an earlier run come first. Batches keep their keys.
 *
 * A round takes from the current batch of each run the rows up to one bound, such that no later batch can hold a row before it, and
 * sorts them together: whole slices are copied, and no row is compared by itself.
 */
export async function* mergeRuns(runs: readonly SortedRun[], options: MergeOptions): AsyncGenerator<RecordBatch, void, undefined> {
  const cursors = runs.map((run) => new RunCursor(run, options.columns))
  for (;;) {
    for (const cursor of cursors) await cursor.fill()
    const active = cursors.filter((cursor) => !cursor.isDone)
    if (active.length === 0) return
    yield* mergeRound(active, options)
  }
}

function* mergeRound(cursors: readonly RunCursor[], options: MergeOptions): Generator<RecordBatch, void, undefined> {
  const { columns, roundBytes } = options
  let bound = lowestLast(cursors)
  let counts = countsUpTo(cursors, bound)
  // A nearer bound takes less memory; the row of the bound itself remains, so that each round gets on
  while (bytesOf(cursors, counts) > roundBytes && bound.row > bound.cursor.at) {
    bound = { cursor: bound.cursor, row: (bound.cursor.at + bound.row) >> 1 }
    counts = countsUpTo(cursors, bound)
  }
  const rowsPerBatch = Math.floor((options.batchBytes * sumOf(counts)) / Math.max(bytesOf(cursors, counts), 1))
  const batchRows = Math.max(1, Math.min(options.batchRows, rowsPerBatch))
  const slices = cursors.flatMap((cursor, i) => (counts[i] === 0 ? [] : [cursor.take(counts[i]!)]))
  const whole = concatBatches(slices)
  const rows = slices.length === 1 ? undefined : sortedRows(keysOf(whole, columns))
  for (let start = 0; start < whole.numRows; start += batchRows) {
    const length = Math.min(batchRows, whole.numRows - start)
    yield rows === undefined ? sliceBatch(whole, start, length) : takeBatch(whole, rows.subarray(start, start + length))
  }
}

interface Bound {
  readonly cursor: RunCursor
  readonly row: number
}

/** The least last row of all current batches; of equal ones that of the earliest run. */
function lowestLast(cursors: readonly RunCursor[]): Bound {
  let lowest = cursors[0]!
  for (const cursor of cursors) if (compareKeys(cursor.keys, cursor.end - 1, lowest.keys, lowest.end - 1) < 0) lowest = cursor
  return { cursor: lowest, row: lowest.end - 1 }
}

/** How many rows of each current batch come before the bound or are it: equal rows of earlier runs do, those of later ones do not. */
function countsUpTo(cursors: readonly RunCursor[], bound: Bound): number[] {
  const place = cursors.indexOf(bound.cursor)
  return cursors.map((cursor, i) => {
    if (i === place) return bound.row + 1 - cursor.at
    const limit = i < place ? 0 : -1
    const first = firstWhere(cursor.at, cursor.end, (row) => compareKeys(cursor.keys, row, bound.cursor.keys, bound.row) > limit)
    return first - cursor.at
  })
}

function bytesOf(cursors: readonly RunCursor[], counts: readonly number[]): number {
  return cursors.reduce((sum, cursor, i) => sum + cursor.rowBytes * counts[i]!, 0)
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

/** A run that is read batch by batch; the next batch is fetched while the current one is used. */
class RunCursor {
  readonly #run: SortedRun
  readonly #columns: number
  #batch: RecordBatch | undefined
  #next: Promise<RecordBatch> | undefined
  #fetched = 0
  keys!: SortKeys
  /** First row of the current batch that was not taken, and the row behind its last. */
  at = 0
  end = 0
  rowBytes = 0

  constructor(run: SortedRun, columns: number) {
    this.#run = run
    this.#columns = columns
    this.#prefetch()
  }

  get isDone(): boolean {
    return this.at === this.end
  }

  /** Goes on to the next batch where the current one is used up. */
  async fill(): Promise<void> {
    if (this.at < this.end) return
    this.#batch = undefined
    if (this.#next === undefined) return
    const batch = await this.#next
    this.#batch = batch
    this.keys = keysOf(batch, this.#columns)
    this.at = 0
    this.end = batch.numRows
    this.rowBytes = batchBytes(batch) / Math.max(batch.numRows, 1)
    this.#prefetch()
  }

  take(count: number): RecordBatch {
    const slice = sliceBatch(this.#batch!, this.at, count)
    this.at += count
    return slice
  }

  #prefetch(): void {
    this.#next = this.#fetched < this.#run.batches ? this.#run.read(this.#fetched++) : undefined
    this.#next?.catch(() => undefined)
  }
}
