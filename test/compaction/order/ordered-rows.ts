import type { RecordBatch } from 'apache-arrow'
import { BatchBuilder } from '../../../src/arrow/batch-builder.js'
import { rowReader } from '../../../src/arrow/row-values.js'
import type { Row } from '../../../src/arrow/row-values.js'
import { sliceBatch } from '../../../src/arrow/take.js'
import { orderRows } from '../../../src/compaction/order/order-rows.js'
import type { RowOrder } from '../../../src/compaction/order/row-order.js'
import type { RowSource } from '../../../src/compaction/order/row-source.js'
import { SpillSpace } from '../../../src/compaction/order/spill-space.js'
import type { Schema } from '../../../src/schema/schema.js'
import type { Type } from '../../../src/schema/type.js'
import { systemRuntime } from '../../../src/util/runtime.js'

/** Every kind of type that rows are ordered by. */
export const orderedTypes: readonly Type[] = [
  { kind: 'boolean' },
  { kind: 'int' },
  { kind: 'long' },
  { kind: 'float' },
  { kind: 'double' },
  { kind: 'decimal', precision: 9, scale: 2 },
  { kind: 'decimal', precision: 38, scale: 10 },
  { kind: 'date' },
  { kind: 'time' },
  { kind: 'timestamp' },
  { kind: 'timestamptz_ns' },
  { kind: 'string' },
  { kind: 'uuid' },
  { kind: 'fixed', length: 3 },
  { kind: 'fixed', length: 20 },
  { kind: 'binary' },
  { kind: 'unknown' },
]

/** Rows as one batch; members that the schema does not have are left out. */
export function batchOf(schema: Schema, rows: readonly Row[]): RecordBatch {
  const builder = new BatchBuilder(schema, { unknownColumns: 'ignore' })
  builder.append(rows)
  return builder.finish()
}

/** A source of rows in batches of `batchRows`; all of them are its sample. */
export function sourceOf(schema: Schema, rows: readonly Row[], batchRows: number): RowSource {
  const batch = batchOf(schema, rows)
  return {
    schema,
    estimatedRows: rows.length,
    async *rows() {
      for (let at = 0; at < rows.length; at += batchRows) yield sliceBatch(batch, at, Math.min(batchRows, rows.length - at))
    },
    async *sample(fieldIds) {
      yield batchOf(schema.selectIds(fieldIds), rows)
    },
  }
}

export interface OrderedOptions {
  readonly memoryBudgetBytes?: number | undefined
  readonly batchRows?: number | undefined
  readonly spill?: SpillSpace | undefined
}

/** The rows of a source in an order, read back. */
export async function orderedRows(source: RowSource, order: RowOrder, options: OrderedOptions = {}): Promise<Row[]> {
  const spill = options.spill ?? new SpillSpace(systemRuntime)
  const read = rowReader(source.schema)
  const found: Row[] = []
  const memoryBudgetBytes = options.memoryBudgetBytes ?? 2 ** 26
  for await (const batch of orderRows(source, order, { memoryBudgetBytes, spill })) found.push(...read(batch))
  await spill.remove()
  return found
}
