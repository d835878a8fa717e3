import type { RecordBatch } from 'apache-arrow'
import type { Row, RowOptions } from '../arrow/row-values.js'
import type { Schema } from '../schema/schema.js'
import { checkOneOf } from '../util/option-values.js'
import { checkNamedOptions, namesOf } from './checked-arguments.js'

/** Rows made at once: few enough that the collector finds them dead while they are young. */
const STRIDE = 1024

const ROW_NAMES = namesOf<RowOptions>()({ timestamps: true, variants: true })

/** The rows of a stream of batches, in order. */
export class RowStream implements AsyncIterable<Row> {
  readonly #batches: AsyncIterable<RecordBatch>
  readonly #schema: Schema
  readonly #options: RowOptions

  /** Made by `TableScan.rows()`. @throws FloeError `INVALID` for an option that there is not */
  constructor(batches: AsyncIterable<RecordBatch>, schema: Schema, options: RowOptions = {}) {
    checkNamedOptions(options, ROW_NAMES, 'rows')
    checkOneOf(options.timestamps, ['exact', 'date'], 'timestamps')
    checkOneOf(options.variants, ['exact', 'value'], 'variants')
    this.#batches = batches
    this.#schema = schema
    this.#options = options
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, undefined> {
    const { rowReader } = await import('../arrow/row-values.js')
    const read = rowReader(this.#schema, this.#options)
    for await (const batch of this.#batches) {
      for (let start = 0; start < batch.numRows; start += STRIDE) yield* read(batch, start, Math.min(start + STRIDE, batch.numRows))
    }
  }

  /** All rows, in memory. */
  async toArray(): Promise<Row[]> {
    const { rowReader } = await import('../arrow/row-values.js')
    const read = rowReader(this.#schema, this.#options)
    const rows: Row[] = []
    for await (const batch of this.#batches) for (const row of read(batch)) rows.push(row)
    return rows
  }
}
