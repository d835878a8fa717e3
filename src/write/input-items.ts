import type { RecordBatch, Table as ArrowTable } from 'apache-arrow'
import { abortedError, throwIfAborted } from '../io/aborted.js'
import { FloeError } from '../util/errors.js'

/** One row, by column name; or many in Arrow's columns. */
export type RowInput = object
export type BatchInput = RecordBatch | ArrowTable

/** What can be appended: rows or Arrow data, alone, in an iterable or in an async iterable. */
export type WriteInput = BatchInput | Iterable<RowInput | BatchInput> | AsyncIterable<RowInput | BatchInput>

type Item = RowInput | BatchInput

/** Rows that follow each other, or one batch. */
export type InputChunk = readonly RowInput[] | RecordBatch

const ROWS_PER_CHUNK = 1024

/**
 * Any input in chunks, in order. The source is closed when the consumer stops early; an abort does not wait for a source that
 * is slow to answer.
 *
 * @throws FloeError `INVALID` for input of another shape, and when the source itself fails: what it threw is the `cause`
 */
export async function* inputChunks(input: WriteInput, signal: AbortSignal | undefined): AsyncGenerator<InputChunk, void, undefined> {
  if (isBatch(input)) yield input
  else if (isTable(input)) yield* input.batches
  else if (isIterable<AsyncIterable<Item>>(input, Symbol.asyncIterator)) yield* asyncChunks(input, signal)
  else if (isIterable<Iterable<Item>>(input, Symbol.iterator)) yield* syncChunks(input)
  else {
    const shapes = 'an array, an iterable or async iterable of rows or record batches, or an Arrow table'
    throw new FloeError('INVALID', `Rows must be ${shapes}, not ${input === null ? 'null' : typeof input}: a single row goes into an array`)
  }
}

/** By shape, not by class: callers may have an Arrow library of their own. A row may have columns of these names. */
export function isBatch(value: unknown): value is RecordBatch {
  const batch = value as Partial<RecordBatch> | null
  return typeof batch === 'object' && batch !== null && typeof batch.numRows === 'number' && hasFields(batch) && isColumnData(batch.data)
}

function isTable(value: unknown): value is ArrowTable {
  const table = value as Partial<ArrowTable> | null
  return typeof table === 'object' && table !== null && Array.isArray(table.batches) && hasFields(table) && table.batches.every(isBatch)
}

function hasFields(value: { readonly schema?: unknown }): boolean {
  return Array.isArray((value.schema as { readonly fields?: unknown } | null | undefined)?.fields)
}

function isColumnData(data: unknown): boolean {
  return Array.isArray((data as { readonly children?: unknown } | null | undefined)?.children)
}

function isIterable<T>(input: unknown, method: symbol): input is T {
  return typeof input === 'object' && input !== null && typeof (input as Record<symbol, unknown>)[method] === 'function'
}

function* syncChunks(source: Iterable<Item>): Generator<InputChunk, void, undefined> {
  const chunker = new Chunker()
  try {
    for (const item of source) yield* chunker.add(item)
  } catch (error) {
    throw sourceFailure(error, chunker.items)
  }
  yield* chunker.finish()
}

async function* asyncChunks(source: AsyncIterable<Item>, signal: AbortSignal | undefined): AsyncGenerator<InputChunk, void, undefined> {
  const chunker = new Chunker()
  try {
    for await (const item of signal === undefined ? source : abortable(source, signal)) yield* chunker.add(item)
  } catch (error) {
    throw sourceFailure(error, chunker.items)
  }
  yield* chunker.finish()
}

class Chunker {
  items = 0
  #rows: RowInput[] = []

  add(item: Item): readonly InputChunk[] {
    this.items++
    if (isBatch(item)) return [...this.finish(), item]
    if (isTable(item)) return [...this.finish(), ...item.batches]
    this.#rows.push(item)
    return this.#rows.length < ROWS_PER_CHUNK ? NOTHING : this.finish()
  }

  finish(): readonly InputChunk[] {
    if (this.#rows.length === 0) return NOTHING
    const rows = this.#rows
    this.#rows = []
    return [rows]
  }
}

const NOTHING: readonly InputChunk[] = []

function sourceFailure(error: unknown, items: number): FloeError {
  if (error instanceof FloeError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new FloeError('INVALID', `The source of the rows failed after ${items} items, nothing was committed: ${reason}`, { cause: error })
}

async function* abortable<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]()
  let interrupt: (error: FloeError) => void = () => undefined
  const onAbort = (): void => {
    interrupt(abortedError(signal))
  }
  signal.addEventListener('abort', onAbort, { once: true })
  let isOver = false
  try {
    for (;;) {
      throwIfAborted(signal)
      const result = await new Promise<IteratorResult<T>>((resolve, reject) => {
        interrupt = reject
        Promise.resolve(iterator.next()).then(resolve, reject)
      })
      if (result.done === true) {
        isOver = true
        return
      }
      yield result.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    const closing = isOver ? undefined : Promise.resolve(iterator.return?.())
    // After an abort the source may never answer again.
    if (signal.aborted) closing?.catch(() => undefined)
    else await closing
  }
}
