import type { RecordBatch } from 'apache-arrow'
import { batchBytes } from '../../arrow/batch-bytes.js'

/** Batches that are kept as long as they fit into a budget; all or none. */
export class KeptBatches {
  readonly #budgetBytes: number
  #batches: RecordBatch[] = []
  #bytes = 0
  #isComplete = true

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes
  }

  /** Whether every batch that was given is here. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  get batches(): readonly RecordBatch[] {
    return this.#batches
  }

  push(batch: RecordBatch): void {
    if (!this.#isComplete || batch.numRows === 0) return
    this.#bytes += batchBytes(batch)
    this.#batches.push(batch)
    if (this.#bytes <= this.#budgetBytes) return
    this.#isComplete = false
    this.#batches = []
  }
}
