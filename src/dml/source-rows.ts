import { RecordBatchReader, RecordBatchStreamWriter, type RecordBatch } from 'apache-arrow'
import { batchBytes } from '../arrow/batch-bytes.js'
import { concatBatches } from '../arrow/concat-batches.js'
import { takeBatch } from '../arrow/take.js'
import { throwIfAborted } from '../io/aborted.js'
import { SpillFolder } from '../io/spill-folder.js'
import { checkBytes } from '../util/option-values.js'
import type { Runtime } from '../util/runtime.js'
import type { KeyReader } from './key-reader.js'

export interface SourceRowsOptions {
  /** Bytes of rows that are held in memory; more are written to temporary files. Default {@link DEFAULT_SOURCE_BUDGET_BYTES}. */
  readonly memoryBudgetBytes?: number | undefined
  /** Where temporary files go. Default: the system's folder for them. */
  readonly spillDirectory?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export const DEFAULT_SOURCE_BUDGET_BYTES = 256 * 2 ** 20

/** Keys are cut into so many parts by the upper bits of their hashes once they exceed the budget. */
const PARTS = 64
const PART_SHIFT = 26

/** Rows of the source that are joined at once: all whose keys' hashes fall into a range. */
export interface SourceGroup {
  readonly batches: readonly RecordBatch[]
  /** Whether a key with this hash belongs to the group; rows without a key belong to the first group. */
  belongs(hash: number): boolean
  readonly isFirst: boolean
  /** Whether every key belongs. */
  readonly isWhole: boolean
}

/**
 * The source of a join: all its rows, held in memory up to a budget; beyond, cut by the hash of their keys into temporary files.
 * Equal keys come together and in the order in which they were added, so that what is decided group by group is what would be
 * decided over all rows at once.
 */
export class SourceRows {
  readonly #keys: KeyReader
  readonly #budget: number
  readonly #signal: AbortSignal | undefined
  readonly #folder: SpillFolder
  #batches: RecordBatch[] = []
  /** Bytes of {@link #batches}, or of {@link #pending} once there are parts. */
  #bytes = 0
  #pending: RecordBatch[][] | undefined
  readonly #partBytes = new Float64Array(PARTS)
  #rows = 0

  constructor(keys: KeyReader, runtime: Runtime, options: SourceRowsOptions = {}) {
    const budget = options.memoryBudgetBytes ?? DEFAULT_SOURCE_BUDGET_BYTES
    checkBytes(budget, 1, 'memoryBudgetBytes')
    this.#keys = keys
    this.#budget = budget
    this.#signal = options.signal
    this.#folder = new SpillFolder(runtime, options.spillDirectory)
  }

  get rows(): number {
    return this.#rows
  }

  get isSpilled(): boolean {
    return this.#pending !== undefined
  }

  async add(batch: RecordBatch): Promise<void> {
    this.#rows += batch.numRows
    if (this.#pending !== undefined) await this.#distribute(batch)
    else {
      this.#batches.push(batch)
      this.#bytes += batchBytes(batch)
      if (this.#bytes > this.#budget) await this.#spill()
    }
  }

  /** The rows, group by group; may be called again. */
  async *groups(): AsyncGenerator<SourceGroup, void, undefined> {
    if (this.#pending === undefined) {
      yield { batches: this.#batches, belongs: () => true, isFirst: true, isWhole: true }
      return
    }
    await this.#flush()
    let first = 0
    while (first < PARTS) {
      let end = first + 1
      let bytes = this.#partBytes[first]!
      while (end < PARTS && bytes + this.#partBytes[end]! <= this.#budget) bytes += this.#partBytes[end++]!
      const [from, to] = [first, end]
      const batches: RecordBatch[] = []
      for (let part = from; part < to; part++) batches.push(...(await this.#read(part)))
      const belongs = (hash: number): boolean => hash >>> PART_SHIFT >= from && hash >>> PART_SHIFT < to
      yield { batches, belongs, isFirst: from === 0, isWhole: from === 0 && to === PARTS }
      first = end
    }
  }

  /** Frees memory and removes temporary files. */
  async close(): Promise<void> {
    this.#batches = []
    this.#pending = undefined
    await this.#folder.remove()
  }

  async #spill(): Promise<void> {
    const batches = this.#batches
    this.#batches = []
    this.#bytes = 0
    this.#pending = Array.from({ length: PARTS }, () => [])
    for (const batch of batches) await this.#distribute(batch)
  }

  async #distribute(batch: RecordBatch): Promise<void> {
    throwIfAborted(this.#signal)
    const { hashes, nulls } = this.#keys.read(batch)
    const parts = Uint8Array.from(hashes, (hash, row) => (nulls?.[row] === 1 ? 0 : hash >>> PART_SHIFT))
    const counts = new Uint32Array(PARTS)
    for (const part of parts) counts[part]!++
    const rows = Array.from(counts, (count) => new Uint32Array(count))
    counts.fill(0)
    for (let row = 0; row < parts.length; row++) {
      const part = parts[row]!
      rows[part]![counts[part]!++] = row
    }
    for (let part = 0; part < PARTS; part++) {
      if (rows[part]!.length === 0) continue
      const piece = takeBatch(batch, rows[part]!)
      const bytes = batchBytes(piece)
      this.#pending![part]!.push(piece)
      this.#partBytes[part]! += bytes
      this.#bytes += bytes
    }
    // Less than the budget: the rows of one group, while others wait, should fit beside them.
    if (this.#bytes > this.#budget / 4) await this.#flush()
  }

  async #flush(): Promise<void> {
    for (const [part, pieces] of this.#pending!.entries()) {
      if (pieces.length === 0) continue
      throwIfAborted(this.#signal)
      await this.#folder.append(part, encode(concatBatches(pieces)))
      this.#pending![part] = []
    }
    this.#bytes = 0
  }

  async #read(part: number): Promise<RecordBatch[]> {
    const batches: RecordBatch[] = []
    for await (const frame of this.#folder.read(part)) {
      throwIfAborted(this.#signal)
      batches.push(...RecordBatchReader.from(frame))
    }
    return batches
  }
}

function encode(batch: RecordBatch): Uint8Array {
  return RecordBatchStreamWriter.writeAll([batch]).toUint8Array(true)
}
