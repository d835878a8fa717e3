import { Binary, Field, Schema as ArrowSchema, Uint32 } from 'apache-arrow'
import type { RecordBatch } from 'apache-arrow'
import { columnsOf, fixedChunk, fixedValues, makeBatch, offsetsOf, variableChunk } from '../../arrow/arrow-data.js'
import type { Chunk } from '../../arrow/arrow-data.js'

/**
 * Keys of rows, whose order is that of the rows: compared as unsigned words from the first to the last, then as the bytes of `rest`,
 * of which a prefix comes first.
 */
export interface SortKeys {
  readonly length: number
  readonly words: readonly Uint32Array[]
  readonly rest: KeyBytes | undefined
}

/** Row `i` is `bytes[offsets[i], offsets[i + 1])`. */
export interface KeyBytes {
  readonly offsets: Int32Array
  readonly bytes: Uint8Array
}

/** Makes the keys of the rows of a batch. */
export type KeyEncoder = (batch: RecordBatch) => SortKeys

/** Negative, zero or positive as row `i` of one comes before, with or after row `j` of another; both of one encoder. */
export function compareKeys(a: SortKeys, i: number, b: SortKeys, j: number): number {
  for (let word = 0; word < a.words.length; word++) {
    const left = a.words[word]![i]!
    const right = b.words[word]![j]!
    if (left !== right) return left < right ? -1 : 1
  }
  return a.rest === undefined ? 0 : compareRest(a.rest, i, b.rest!, j)
}

function compareRest(a: KeyBytes, i: number, b: KeyBytes, j: number): number {
  const startA = a.offsets[i]!
  const startB = b.offsets[j]!
  const lengthA = a.offsets[i + 1]! - startA
  const lengthB = b.offsets[j + 1]! - startB
  const length = Math.min(lengthA, lengthB)
  for (let at = 0; at < length; at++) {
    const difference = a.bytes[startA + at]! - b.bytes[startB + at]!
    if (difference !== 0) return difference
  }
  return lengthA - lengthB
}

const wordType = new Uint32()
const restType = new Binary()

/** The rows of a batch with their keys as columns behind the others, so that both are taken, cut and stored together. */
export function withKeys(batch: RecordBatch, { words, rest }: SortKeys): RecordBatch {
  const chunks = words.map((word) => fixedChunk(wordType, batch.numRows, word))
  if (rest !== undefined) chunks.push(variableChunk(restType, rest.offsets, rest.bytes))
  const fields = chunks.map((chunk, i) => new Field(`key ${i}`, chunk.type, false))
  return makeBatch(new ArrowSchema([...batch.schema.fields, ...fields]), batch.numRows, [...columnsOf(batch), ...chunks])
}

/** The keys of a batch that {@link withKeys} made, which had `columns` columns before. */
export function keysOf(batch: RecordBatch, columns: number): SortKeys {
  const chunks = columnsOf(batch).slice(columns)
  const rest = chunks.find((chunk) => chunk.type instanceof Binary)
  const words = chunks.filter((chunk) => chunk !== rest).map((chunk) => fixedValues<Uint32Array>(chunk))
  return { length: batch.numRows, words, rest: rest === undefined ? undefined : restOf(rest) }
}

/** The batch without keys. */
export function withoutKeys(batch: RecordBatch, schema: ArrowSchema): RecordBatch {
  return makeBatch(schema, batch.numRows, columnsOf(batch).slice(0, schema.fields.length))
}

function restOf(chunk: Chunk): KeyBytes {
  return { offsets: offsetsOf(chunk), bytes: fixedValues<Uint8Array>(chunk) }
}
