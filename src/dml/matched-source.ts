import type { RecordBatch } from 'apache-arrow'
import { bitAt, columnsOf, fixedChunk, fixedValues, validityBitmap, withNullCount, wordsOf, type Chunk } from '../arrow/arrow-data.js'
import { arrowType } from '../arrow/arrow-schema.js'
import { takeBatch } from '../arrow/take.js'
import { ROW_ID_FIELD } from '../schema/reserved-fields.js'
import { withLineageColumns } from './lineage-columns.js'
import { hasRowLineage } from './removed-rows.js'
import type { RowChangeSet } from './row-change-set.js'
import type { TableMetadata } from '../metadata/table-metadata.js'

/** The ids of a batch's rows, to be looked at row by row. */
export interface RowIds {
  /** Two a row. */
  readonly words: Int32Array
  /** Which rows have an id, from bit `offset` on; `undefined`: all. */
  readonly validity: Uint8Array | undefined
  readonly offset: number
}

/** Reads a column of `_row_id`. */
export function rowIdsOf(chunk: Chunk): RowIds {
  return { words: wordsOf(fixedValues(chunk)), validity: validityBitmap(chunk), offset: chunk.offset }
}

/** What became of the rows of a source, numbered in their order: which rows of the table they replace. */
export class MatchedSource {
  readonly #isMatched: Uint8Array
  /** Which rows are written in place of one of the table. */
  readonly #isWritten: Uint8Array
  /** `_row_id` of the row that is replaced, in two words; 0 where it has none. */
  readonly #rowIds: Int32Array
  readonly #hasRowId: Uint8Array
  /** Further rows of the table with the same key: they are replaced by copies. */
  readonly #copies: { readonly number: number; readonly low: number; readonly high: number; readonly hasId: boolean }[] = []

  constructor(rows: number) {
    this.#isMatched = new Uint8Array(rows)
    this.#isWritten = new Uint8Array(rows)
    this.#rowIds = new Int32Array(rows * 2)
    this.#hasRowId = new Uint8Array(rows)
  }

  /** The row's key is in the table: it is not inserted. */
  match(number: number): void {
    this.#isMatched[number] = 1
  }

  /** The row replaces row `row` of a batch of the table, whose ids are `ids`. */
  replace(number: number, ids: RowIds | undefined, row: number): void {
    this.match(number)
    const hasId = ids !== undefined && (ids.validity === undefined || bitAt(ids.validity, ids.offset + row))
    const low = hasId ? ids.words[row * 2]! : 0
    const high = hasId ? ids.words[row * 2 + 1]! : 0
    if (this.#isWritten[number] === 1) {
      this.#copies.push({ number, low, high, hasId })
      return
    }
    this.#isWritten[number] = 1
    this.#rowIds[number * 2] = low
    this.#rowIds[number * 2 + 1] = high
    this.#hasRowId[number] = hasId ? 1 : 0
  }

  /**
   * Writes the rows: those that replace others as rewritten ones, those without a match as new ones, unless `isInserted` says no.
   * `batches` hold the table's columns, in the order of the numbers.
   */
  async write(
    batches: Iterable<RecordBatch>,
    set: RowChangeSet,
    { metadata, isInserted }: { readonly metadata: TableMetadata; readonly isInserted?: ((number: number) => boolean) | undefined },
  ): Promise<void> {
    const lineage = hasRowLineage(metadata)
    let first = 0
    for (const batch of batches) {
      const rewritten: number[] = []
      const inserted: number[] = []
      for (let row = 0; row < batch.numRows; row++) {
        if (this.#isWritten[first + row] === 1) rewritten.push(row)
        else if (this.#isMatched[first + row] === 0 && (isInserted === undefined || isInserted(first + row))) inserted.push(row)
      }
      if (rewritten.length > 0) {
        const rows = takeBatch(batch, Uint32Array.from(rewritten))
        await set.rewrite(lineage ? withLineageColumns(rows, set.rewriteSchema, { rowIds: this.#idsOf(first, rewritten) }) : rows)
      }
      await this.#writeCopies(batch, first, set, lineage)
      if (inserted.length > 0) await set.insert(takeBatch(batch, Uint32Array.from(inserted)))
      first += batch.numRows
    }
  }

  #idsOf(first: number, rows: readonly number[]): Chunk {
    const words = new Int32Array(rows.length * 2)
    const bitmap = new Uint8Array((rows.length + 7) >> 3)
    rows.forEach((row, i) => {
      words[i * 2] = this.#rowIds[(first + row) * 2]!
      words[i * 2 + 1] = this.#rowIds[(first + row) * 2 + 1]!
      bitmap[i >> 3]! |= this.#hasRowId[first + row]! << (i & 7)
    })
    return rowIdChunk(words, bitmap)
  }

  async #writeCopies(batch: RecordBatch, first: number, set: RowChangeSet, lineage: boolean): Promise<void> {
    const copies = this.#copies.filter(({ number }) => number >= first && number < first + batch.numRows)
    if (copies.length === 0) return
    const rows = takeBatch(batch, Uint32Array.from(copies, ({ number }) => number - first))
    const words = Int32Array.from(copies.flatMap(({ low, high }) => [low, high]))
    const bitmap = new Uint8Array((copies.length + 7) >> 3)
    copies.forEach(({ hasId }, i) => (bitmap[i >> 3]! |= (hasId ? 1 : 0) << (i & 7)))
    await set.rewrite(lineage ? withLineageColumns(rows, set.rewriteSchema, { rowIds: rowIdChunk(words, bitmap) }) : rows)
  }
}

function rowIdChunk(words: Int32Array, bitmap: Uint8Array): Chunk {
  const length = words.length / 2
  return fixedChunk(arrowType(ROW_ID_FIELD.type), length, new BigInt64Array(words.buffer), withNullCount(bitmap, length))
}

/** Only the first columns of a batch. */
export function leadingColumns(batch: RecordBatch, count: number): readonly Chunk[] {
  return columnsOf(batch).slice(0, count)
}
