import type { RecordBatch } from 'apache-arrow'
import { BatchBuilder, type BatchBuilderOptions, type RowProblem } from '../arrow/batch-builder.js'
import { batchConformer } from '../arrow/conform-batch.js'
import { throwIfAborted } from '../io/aborted.js'
import type { Schema } from '../schema/schema.js'
import { FloeError, isFloeError } from '../util/errors.js'
import { inputChunks, isBatch, type RowInput, type WriteInput } from './input-items.js'

export type { WriteInput } from './input-items.js'

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
  const conform = batchConformer(schema, options)
  throwIfAborted(options.signal)
  for await (const chunk of inputChunks(input, options.signal)) {
    throwIfAborted(options.signal)
    if (isBatch(chunk)) {
      yield* collector.finish()
      if (chunk.numRows > 0) yield conform(chunk)
    } else {
      await collector.add(chunk)
      if (collector.isFull) yield* collector.finish()
    }
  }
  yield* collector.finish()
}

class RowCollector {
  readonly #builder: BatchBuilder
  readonly #onInvalid: InputOptions['onInvalid']
  #rowsBefore = 0

  constructor(schema: Schema, options: InputOptions) {
    this.#builder = new BatchBuilder(schema, options)
    this.#onInvalid = options.onInvalid
  }

  get isFull(): boolean {
    return this.#builder.length >= ROWS_PER_BATCH || this.#builder.bytes >= BYTES_PER_BATCH
  }

  async add(rows: readonly RowInput[]): Promise<void> {
    let start = 0
    while (start < rows.length) {
      const before = this.#builder.length
      try {
        this.#builder.append(start === 0 ? rows : rows.slice(start))
        break
      } catch (error) {
        const bad = start + this.#builder.length - before
        const problem = problemOf(error, this.#rowsBefore + bad)
        if (this.#onInvalid === undefined) throw problem.error
        await this.#onInvalid({ ...problem.row, row: rows[bad], message: problem.error.message })
        start = bad + 1
      }
    }
    this.#rowsBefore += rows.length
  }

  *finish(): Generator<RecordBatch, void, undefined> {
    if (this.#builder.length > 0) yield this.#builder.finish()
  }
}

/** What is wrong with a row. Members of rows may be accessors of the caller's, which fail with whatever they please. */
function problemOf(thrown: unknown, rowIndex: number): { readonly row: RowProblem; readonly error: FloeError } {
  if (isFloeError(thrown, 'INVALID')) {
    const problem = thrown.cause as RowProblem | undefined
    return { row: problem ?? { rowIndex, path: thrown.column ?? '', expected: 'a row of the schema', found: 'another' }, error: thrown }
  }
  if (isFloeError(thrown)) throw thrown
  const found = thrown instanceof Error ? thrown.message : String(thrown)
  const row = { rowIndex, path: '', expected: 'a row whose members can be read', found }
  return { row, error: new FloeError('INVALID', `row ${rowIndex}: it could not be read: ${found}`, { cause: thrown }) }
}
