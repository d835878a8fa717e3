import type { RecordBatch, Table as ArrowTable } from 'apache-arrow'
import { BatchBuilder, type BatchBuilderOptions, type RowProblem } from '../arrow/batch-builder.js'
import { batchConformer } from '../arrow/conform-batch.js'
import type { Schema } from '../schema/schema.js'
import { FloeError, isFloeError } from '../util/errors.js'

/** One row, by column name; or many in Arrow's columns. */
export type RowInput = object
export type BatchInput = RecordBatch | ArrowTable

/** What can be appended: rows or Arrow data, alone, in an iterable or in an async iterable. */
export type WriteInput = BatchInput | Iterable<RowInput | BatchInput> | AsyncIterable<RowInput | BatchInput>

/** A row that does not fit the schema, as given to `onInvalid`. */
export interface InvalidRow extends RowProblem {
  readonly row: unknown
  readonly message: string
}

export interface InputOptions extends BatchBuilderOptions {
  /** Receives bad rows, which are then left out; a promise is awaited. Absent: the first bad row fails the whole write. */
  readonly onInvalid?: ((row: InvalidRow) => void | Promise<void>) | undefined
  readonly signal?: AbortSignal | undefined
}

const ROWS_PER_BATCH = 32_768
const BYTES_PER_BATCH = 16 * 2 ** 20

/**
 * Turns any input into batches of the schema's columns in canonical types, checking every value. Rows of Arrow input are
 * checked as a whole batch: a bad one fails the write even with `onInvalid`.
 * @throws FloeError `INVALID` for input of another shape and for the first bad row, naming row, column, expected and found
 */
export async function* inputBatches(
  input: WriteInput,
  schema: Schema,
  options: InputOptions = {},
): AsyncGenerator<RecordBatch, void, undefined> {
  const collector = new RowCollector(schema, options)
  const conform = batchConformer(schema)
  for await (const item of itemsOf(input)) {
    options.signal?.throwIfAborted()
    if (isBatch(item) || isTable(item)) {
      yield* collector.finish()
      for (const batch of isBatch(item) ? [item] : item.batches) if (batch.numRows > 0) yield conform(batch)
    } else {
      await collector.add(item)
      if (collector.isFull) yield* collector.finish()
    }
  }
  await collector.settle()
  yield* collector.finish()
}

class RowCollector {
  readonly #builder: BatchBuilder
  readonly #onInvalid: InputOptions['onInvalid']
  #pending: RowInput[] = []

  constructor(schema: Schema, options: InputOptions) {
    this.#builder = new BatchBuilder(schema, options)
    this.#onInvalid = options.onInvalid
  }

  get isFull(): boolean {
    return this.#builder.length >= ROWS_PER_BATCH || this.#builder.bytes >= BYTES_PER_BATCH
  }

  /** Rows are handed to the builder by the thousand: it fills column after column. */
  async add(row: RowInput): Promise<void> {
    this.#pending.push(row)
    if (this.#pending.length >= 1024) await this.settle()
  }

  async settle(): Promise<void> {
    const rows = this.#pending
    this.#pending = []
    let start = 0
    while (start < rows.length) {
      const before = this.#builder.length
      try {
        this.#builder.append(start === 0 ? rows : rows.slice(start))
        return
      } catch (error) {
        const problem = isFloeError(error, 'INVALID') ? (error.cause as RowProblem | undefined) : undefined
        if (this.#onInvalid === undefined || problem?.rowIndex === undefined) throw error
        const bad = start + this.#builder.length - before
        await this.#onInvalid({ ...problem, row: rows[bad], message: (error as FloeError).message })
        start = bad + 1
      }
    }
  }

  *finish(): Generator<RecordBatch, void, undefined> {
    if (this.#builder.length > 0) yield this.#builder.finish()
  }
}

function itemsOf(input: WriteInput): AsyncIterable<RowInput | BatchInput> | Iterable<RowInput | BatchInput> {
  if (isBatch(input) || isTable(input)) return [input]
  const candidate = input as Partial<Iterable<object> & AsyncIterable<object>>
  if (typeof candidate !== 'string' && candidate !== null && typeof candidate === 'object') {
    if (typeof candidate[Symbol.asyncIterator] === 'function') return input as AsyncIterable<RowInput>
    if (typeof candidate[Symbol.iterator] === 'function') return input as Iterable<RowInput>
  }
  throw new FloeError('INVALID', 'Rows must be an array, an iterable or async iterable of rows or record batches, or an Arrow table: a single row goes into an array')
}

/** By shape, not by class: callers may have an Arrow library of their own. */
function isBatch(value: unknown): value is RecordBatch {
  const batch = value as Partial<RecordBatch> | null
  return typeof batch === 'object' && batch !== null && typeof batch.numRows === 'number' && batch.schema !== undefined && batch.data !== undefined && !('batches' in batch)
}

function isTable(value: unknown): value is ArrowTable {
  const table = value as Partial<ArrowTable> | null
  return typeof table === 'object' && table !== null && Array.isArray(table.batches) && table.schema !== undefined
}
