import type { RecordBatch } from 'apache-arrow'
import { concatBatches } from '../../arrow/concat-batches.js'
import { curveKeyEncoder, thinOut } from './curve-key-encoder.js'
import type { CurveOrder } from './curve-key-encoder.js'
import type { RowOrder } from './row-order.js'
import type { RowSource } from './row-source.js'
import { sortKeyEncoder } from './sort-key-encoder.js'
import type { KeyEncoder } from './sort-keys.js'

/** Rows from which the distribution of columns is learnt: some sixty between any two quantiles that are kept. */
const SAMPLE_ROWS = 65_536

/**
 * Makes keys of a source's rows under an order. For a curve the source is asked for a sample.
 * @throws FloeError `UNSUPPORTED` for an order that cannot be computed
 */
export async function keyEncoder(source: RowSource, order: RowOrder): Promise<KeyEncoder> {
  if (order.type === 'sort') return sortKeyEncoder(source.schema, order.order)
  const batches: RecordBatch[] = []
  for await (const batch of source.sample(order.fieldIds, SAMPLE_ROWS)) if (batch.numRows > 0) batches.push(batch)
  if (batches.length === 0) return encoderOfFirst(source, order)
  const schema = source.schema.selectIds(order.fieldIds)
  return curveKeyEncoder(source.schema, order, { schema, batch: concatBatches(batches) })
}

/** Without a sample, the first rows that are sorted together stand for all. */
function encoderOfFirst({ schema }: RowSource, order: CurveOrder): KeyEncoder {
  let encode: KeyEncoder | undefined
  return (batch) => {
    encode ??= curveKeyEncoder(schema, order, { schema, batch: thinOut(batch, SAMPLE_ROWS) })
    return encode(batch)
  }
}
