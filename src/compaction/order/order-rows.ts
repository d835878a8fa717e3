import type { RecordBatch } from 'apache-arrow'
import { throwIfAborted } from '../../io/aborted.js'
import { ExternalSort } from './external-sort.js'
import { keyEncoder } from './key-encoder.js'
import type { RowOrder } from './row-order.js'
import type { RowSource } from './row-source.js'
import type { SpillSpace } from './spill-space.js'

export interface OrderRowsOptions {
  /** Bytes that ordering may hold in memory, copies included; what the source and the consumer hold is theirs. */
  readonly memoryBudgetBytes: number
  /** Where rows that do not fit wait. The caller removes it; what this call put there is removed when it ends. */
  readonly spill: SpillSpace
  readonly signal?: AbortSignal | undefined
}

/**
 * The rows of a source in an order, as batches of some ten thousand rows. Rows that are equal under a sort order keep their sequence.
 * @throws FloeError `UNSUPPORTED` for an order that cannot be computed, `UNAVAILABLE` when temporary files cannot be written, `ABORTED`
 */
export async function* orderRows(source: RowSource, order: RowOrder, options: OrderRowsOptions): AsyncGenerator<RecordBatch, void> {
  throwIfAborted(options.signal)
  const sort = new ExternalSort(await keyEncoder(source, order), { ...options, estimatedRows: source.estimatedRows })
  try {
    for await (const batch of source.rows()) await sort.add(batch)
    yield* sort.finish()
  } finally {
    await sort.close()
  }
}
