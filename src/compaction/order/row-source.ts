import type { RecordBatch } from 'apache-arrow'
import type { Schema } from '../../schema/schema.js'

/** Rows that are to be ordered. */
export interface RowSource {
  /** What the batches of {@link rows} hold, in canonical types. */
  readonly schema: Schema
  /** How many rows to expect. A guess is enough: it sizes samples and buffers. */
  readonly estimatedRows: number
  /** All rows. Called once. */
  rows(): AsyncIterable<RecordBatch>
  /**
   * About `rows` rows from all over the source, called before {@link rows}: batches of `schema.selectIds(fieldIds)`. How well rows are
   * clustered depends on how well the sample stands for all; nothing else does. None at all is allowed.
   */
  sample(fieldIds: readonly number[], rows: number): AsyncIterable<RecordBatch>
}
