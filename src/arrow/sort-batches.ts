import type { RecordBatch } from 'apache-arrow'
import type { SortField, SortOrder } from '../partition/partition-spec.js'
import { parseTransform } from '../partition/transform.js'
import { compareValues } from '../schema/compare-values.js'
import type { Schema } from '../schema/schema.js'
import type { Type, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { bitAt, validityBitmap } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import { columnByPath } from './column-by-path.js'
import { columnOrder } from './column-order.js'
import type { CompareRows, RowKey } from './column-order.js'
import { columnReader } from './column-reader.js'
import { concatBatches } from './concat-batches.js'
import { sortRows } from './sort-rows.js'
import { sliceBatch, takeBatch } from './take.js'

/** Rows of each batch that {@link sortBatches} yields, but for the last. */
const sortedBatchRows = 32_768

/**
 * The rows of batches in a sort order, as batches again; made one by one, so that the whole is not held twice.
 * @throws FloeError as {@link sortPermutation} does.
 */
export function* sortBatches(batches: readonly RecordBatch[], schema: Schema, order: SortOrder): Generator<RecordBatch, void, undefined> {
  if (batches.length === 0) return
  const whole = concatBatches(batches)
  const permutation = sortPermutation(whole, schema, order)
  for (let start = 0; start < whole.numRows; start += sortedBatchRows) {
    const rows = permutation?.subarray(start, start + sortedBatchRows)
    yield rows === undefined ? sliceBatch(whole, start, Math.min(sortedBatchRows, whole.numRows - start)) : takeBatch(whole, rows)
  }
}

/**
 * The rows of a batch in the sequence of a sort order; equal rows keep theirs. Undefined when they are in order already.
 *
 * Strings sort by code point, bytes unsigned, `-0.0` before `0.0`, NaN last of all numbers; the same order that bounds have.
 * @throws FloeError `UNSUPPORTED` for a transform or type without order.
 */
// Spec: Sorting
export function sortPermutation(batch: RecordBatch, schema: Schema, order: SortOrder): Uint32Array | undefined {
  const fields = order.fields.map((field) => fieldOrder(field, schema, batch))
  const compare: CompareRows = fields.length === 1 ? fields[0]!.compare : (a, b) => compareAll(fields, a, b)
  let sorted = true
  for (let row = 1; row < batch.numRows && sorted; row++) sorted = compare(row - 1, row) <= 0
  if (sorted) return undefined
  return sortRows(Float64Array.from({ length: batch.numRows }, (_, row) => fields[0]!.key(row)), compare)
}

interface FieldOrder {
  readonly compare: CompareRows
  /** Ascending with the order; rows of one key are left to `compare`. */
  readonly key: RowKey
}

function compareAll(fields: readonly FieldOrder[], a: number, b: number): number {
  for (const { compare } of fields) {
    const order = compare(a, b)
    if (order !== 0) return order
  }
  return 0
}

function fieldOrder(field: SortField, schema: Schema, batch: RecordBatch): FieldOrder {
  const source = field.sourceIds.length === 1 ? schema.fieldById(field.sourceIds[0]!) : undefined
  const transform = parseTransform(field.transform)
  if (source === undefined || transform.kind === 'unknown') {
    const advice = 'write unsorted, or with an engine that knows it'
    throw new FloeError('UNSUPPORTED', `rows cannot be sorted by ${field.transform} of ${field.sourceIds.join(', ')}; ${advice}`)
  }
  const chunk = columnByPath(schema, source.id)(batch)
  if (transform.kind === 'identity') {
    const { compare, key } = columnOrder(chunk, source.type)
    return directed(field, { compare, key }, isNull(chunk))
  }
  const read = columnReader(chunk, source.type)
  const apply = transform.apply(source.type)
  // Each value is transformed once, not once a comparison
  const values = Array.from({ length: chunk.length }, (_, row) => apply(read(row)))
  return directed(field, valuesOrder(values, transform.resultType(source.type)), (row) => values[row] === null)
}

function valuesOrder(values: readonly Value[], type: Type): FieldOrder {
  const compare = compareValues(type)
  const numeric = type.kind === 'int' || type.kind === 'date'
  return { compare: (a, b) => compare(values[a]!, values[b]!), key: numeric ? (row) => values[row] as number : () => 0 }
}

function directed(field: SortField, { compare, key }: FieldOrder, isNullRow: ((row: number) => boolean) | undefined): FieldOrder {
  const ascending = field.direction === 'asc'
  const oriented: CompareRows = ascending ? compare : (a, b) => compare(b, a)
  const orientedKey: RowKey = ascending ? key : (row) => -key(row)
  if (isNullRow === undefined) return { compare: oriented, key: orientedKey }
  const first = field.nullOrder === 'nulls-first' ? -1 : 1
  return {
    key: (row) => (isNullRow(row) ? first * Infinity : orientedKey(row)),
    compare: (a, b) => {
      const nullA = isNullRow(a)
      const nullB = isNullRow(b)
      if (nullA || nullB) return nullA === nullB ? 0 : nullA ? first : -first
      return oriented(a, b)
    },
  }
}

function isNull(chunk: Chunk): ((row: number) => boolean) | undefined {
  const validity = validityBitmap(chunk)
  return validity === undefined ? undefined : (row) => !bitAt(validity, chunk.offset + row)
}
