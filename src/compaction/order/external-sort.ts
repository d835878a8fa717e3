import type { RecordBatch, Schema as ArrowSchema } from 'apache-arrow'
import { batchBytes } from '../../arrow/batch-bytes.js'
import { concatBatches } from '../../arrow/concat-batches.js'
import { sliceBatch, takeBatch } from '../../arrow/take.js'
import { throwIfAborted } from '../../io/aborted.js'
import { FloeError } from '../../util/errors.js'
import { MemoryRun, mergeRuns } from './merge-runs.js'
import type { MergeOptions } from './merge-runs.js'
import { withKeys, withoutKeys } from './sort-keys.js'
import type { KeyEncoder } from './sort-keys.js'
import { sortedRows } from './sorted-rows.js'
import type { SpillSpace, SpilledRun, SpillWriter } from './spill-space.js'

export interface ExternalSortOptions {
  readonly memoryBudgetBytes: number
  /** How many rows to expect, so that rows that fit into memory stay there. Default: too many for it. */
  readonly estimatedRows?: number | undefined
  readonly spill: SpillSpace
  readonly signal?: AbortSignal | undefined
}

/** Rows of each batch that comes out, at most. */
const BATCH_ROWS = 32_768
const LARGEST_BATCH_BYTES = 8 * 2 ** 20
/** Of a batch on disk. Smaller ones cost calls, larger ones memory for each run that is merged. */
const LARGEST_BLOCK_BYTES = 2 ** 20
/**
 * Rows that are sorted and gathered together: what the processor's second cache holds. From 32 MiB, gathering a row takes eight times
 * as long, longer than to sort it in small pieces that are merged.
 */
const PIECE_BYTES = 2 ** 20
/** What a round of a merge takes from each run at least, on average: a slice costs some microseconds. */
const SLICE_BYTES = 32 * 2 ** 10
const LARGEST_ROUND_BYTES = 4 * 2 ** 20
/** Rows of a run on disk, with every so many runs as much more, as far as memory allows: all should be merged at once. */
const RUN_BYTES = 64 * 2 ** 20
const RUNS_OF_A_SIZE = 16
/** What keys and numbers of rows take besides their bytes, about. */
const KEY_BYTES_PER_ROW = 24

/**
 * Sorts rows by their keys, stably, within a memory budget. Rows that do not fit are sorted in parts, which go to disk and are merged;
 * where there are too many parts to be read at once, some are merged to larger ones before.
 */
export class ExternalSort {
  readonly #encode: KeyEncoder
  readonly #budget: number
  readonly #estimatedRows: number
  readonly #spill: SpillSpace
  readonly #signal: AbortSignal | undefined
  #schema: ArrowSchema | undefined
  #batches: RecordBatch[] = []
  #bytes = 0
  #rows = 0
  #runs: SpilledRun[] = []
  #writer: SpillWriter | undefined

  /** @throws FloeError `INVALID` when the budget is not more than 0 */
  constructor(encode: KeyEncoder, { memoryBudgetBytes, estimatedRows, spill, signal }: ExternalSortOptions) {
    if (!(memoryBudgetBytes > 0)) throw new FloeError('INVALID', `memoryBudgetBytes must be more than 0, not ${memoryBudgetBytes}`)
    this.#encode = encode
    this.#budget = memoryBudgetBytes
    this.#estimatedRows = estimatedRows ?? Infinity
    this.#spill = spill
    this.#signal = signal
  }

  async add(batch: RecordBatch): Promise<void> {
    throwIfAborted(this.#signal)
    if (batch.numRows === 0) return
    this.#schema ??= batch.schema
    const bytes = batchBytes(batch)
    if (this.#rows > 0 && this.#isTooMuch(this.#bytes + bytes, this.#rows + batch.numRows)) await this.#spillRun()
    this.#batches.push(batch)
    this.#bytes += bytes
    this.#rows += batch.numRows
  }

  /** All rows that were added, in order. */
  async *finish(): AsyncGenerator<RecordBatch, void, undefined> {
    if (this.#rows === 0 && this.#runs.length === 0) return
    if (this.#runs.length === 0) {
      for await (const batch of this.#sortedBatches(LARGEST_BATCH_BYTES)) yield withoutKeys(batch, this.#schema!)
      return
    }
    await this.#spillRun()
    await this.#mergeDownTo(this.#fanIn())
    for await (const batch of mergeRuns(this.#runs, this.#mergeOptions(this.#runs.length))) {
      throwIfAborted(this.#signal)
      yield withoutKeys(batch, this.#schema!)
    }
  }

  /** Frees memory and disk. Never fails. */
  async close(): Promise<void> {
    this.#batches = []
    await this.#writer?.abandon()
    await Promise.all(this.#runs.map((run) => run.remove()))
    this.#runs = []
  }

  #isTooMuch(bytes: number, rows: number): boolean {
    if (this.#memoryOf(bytes, rows) > this.#budget) return true
    if (bytes <= RUN_BYTES * (1 + Math.floor(this.#runs.length / RUNS_OF_A_SIZE))) return false
    const estimated = this.#estimatedRows
    return this.#runs.length > 0 || this.#memoryOf((bytes / rows) * estimated, estimated) > this.#budget
  }

  /** Sorted copies of the rows, which may keep the buffers alive that they came in. */
  #memoryOf(bytes: number, rows: number): number {
    return bytes * 2 + rows * KEY_BYTES_PER_ROW
  }

  /** The rows in memory, which are given up, with their keys. */
  async *#sortedBatches(batchBytesLimit: number): AsyncGenerator<RecordBatch, void, undefined> {
    const pieces = this.#sortedPieces()
    this.#bytes = this.#rows = 0
    const options = this.#mergeOptions(pieces.length)
    for await (const batch of mergeRuns(pieces, { ...options, batchBytes: Math.min(options.batchBytes, batchBytesLimit) })) {
      throwIfAborted(this.#signal)
      yield batch
    }
  }

  #sortedPieces(): MemoryRun[] {
    const pieceBytes = Math.min(PIECE_BYTES, this.#budget / 8)
    const pieces: MemoryRun[] = []
    let waiting: RecordBatch[] = []
    let bytes = 0
    for (let batch = this.#batches.shift(); batch !== undefined; batch = this.#batches.shift()) {
      for (const part of cut(batch, pieceBytes)) {
        waiting.push(part)
        bytes += batchBytes(part)
        if (bytes < pieceBytes / 2) continue
        pieces.push(this.#sortPiece(waiting))
        waiting = []
        bytes = 0
      }
    }
    if (waiting.length > 0) pieces.push(this.#sortPiece(waiting))
    return pieces
  }

  #sortPiece(batches: readonly RecordBatch[]): MemoryRun {
    throwIfAborted(this.#signal)
    const piece = concatBatches(batches)
    const keys = this.#encode(piece)
    const rows = sortedRows(keys)
    const keyed = withKeys(piece, keys)
    return new MemoryRun(rows === undefined ? keyed : takeBatch(keyed, rows))
  }

  async #spillRun(): Promise<void> {
    await this.#writeRun(this.#sortedBatches(this.#blockBytes()))
  }

  async #writeRun(batches: AsyncIterable<RecordBatch>): Promise<void> {
    const writer = this.#spill.startRun()
    this.#writer = writer
    for await (const batch of batches) {
      throwIfAborted(this.#signal)
      await writer.append(batch)
    }
    this.#runs.push(await writer.finish())
    this.#writer = undefined
  }

  /** Merges neighbours, so that equal rows keep their sequence, until there are no more than `limit` runs. */
  async #mergeDownTo(limit: number): Promise<void> {
    while (this.#runs.length > limit) {
      const waiting = this.#runs
      this.#runs = []
      while (waiting.length > 0) {
        // No more than it takes: each merge costs the writing and reading of its rows
        const excess = this.#runs.length + waiting.length - limit
        const merged = waiting.splice(0, Math.min(limit, Math.max(excess + 1, 1)))
        try {
          if (merged.length === 1) this.#runs.push(...merged.splice(0))
          else await this.#writeRun(this.#blocks(mergeRuns(merged, this.#mergeOptions(merged.length))))
        } catch (error) {
          this.#runs.push(...waiting)
          throw error
        } finally {
          await Promise.all(merged.map((run) => run.remove()))
        }
      }
    }
  }

  /** Cut to what one run may hold of the memory while runs are merged. */
  async *#blocks(batches: AsyncIterable<RecordBatch>): AsyncGenerator<RecordBatch, void, undefined> {
    for await (const batch of batches) yield* cut(batch, this.#blockBytes())
  }

  #blockBytes(): number {
    return Math.min(LARGEST_BLOCK_BYTES, this.#budget / 64)
  }

  /** A run that is merged holds a batch and the next one; all of them half of the budget. */
  #fanIn(): number {
    const largest = this.#runs.reduce((bytes, run) => Math.max(bytes, run.largestBytes), 1)
    return Math.max(2, Math.floor(this.#budget / 4 / largest))
  }

  #mergeOptions(runs: number): MergeOptions {
    const roundBytes = Math.min(Math.max(PIECE_BYTES, runs * SLICE_BYTES), LARGEST_ROUND_BYTES, this.#budget / 8)
    const columns = this.#schema!.fields.length
    return { columns, roundBytes, batchRows: BATCH_ROWS, batchBytes: Math.min(LARGEST_BATCH_BYTES, roundBytes) }
  }
}

/** A batch in slices of about so many bytes, at least a row each. */
function* cut(batch: RecordBatch, bytes: number): Generator<RecordBatch, void, undefined> {
  const rows = Math.max(1, Math.floor((bytes * batch.numRows) / Math.max(batchBytes(batch), 1)))
  for (let start = 0; start < batch.numRows; start += rows) yield sliceBatch(batch, start, Math.min(rows, batch.numRows - start))
}
