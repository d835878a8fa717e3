import type { RecordBatch } from 'apache-arrow'
import type { SortField, SortOrder } from '../partition/partition-spec.js'
import { parseTransform } from '../partition/transform.js'
import { compareFloats, compareValues } from '../schema/compare-values.js'
import type { Schema } from '../schema/schema.js'
import type { Type, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { bitAt, fixedValues, offsetsOf, validityBitmap } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import { columnByPath } from './column-by-path.js'
import { columnReader, intValues, longValues } from './column-reader.js'
import { concatBatches } from './concat-batches.js'
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
  const comparators = order.fields.map((field) => fieldComparator(field, schema, batch))
  const compare = comparators.length === 1 ? comparators[0]! : (a: number, b: number) => compareAll(comparators, a, b)
  let sorted = true
  for (let row = 1; row < batch.numRows && sorted; row++) sorted = compare(row - 1, row) <= 0
  return sorted ? undefined : mergeSort(batch.numRows, compare)
}

/** Compares two rows of the batch it was made for. */
type CompareRows = (a: number, b: number) => number

function compareAll(comparators: readonly CompareRows[], a: number, b: number): number {
  for (const compare of comparators) {
    const order = compare(a, b)
    if (order !== 0) return order
  }
  return 0
}

function fieldComparator(field: SortField, schema: Schema, batch: RecordBatch): CompareRows {
  const source = field.sourceIds.length === 1 ? schema.fieldById(field.sourceIds[0]!) : undefined
  const transform = parseTransform(field.transform)
  if (source === undefined || transform.kind === 'unknown') {
    const advice = 'write unsorted, or with an engine that knows it'
    throw new FloeError('UNSUPPORTED', `rows cannot be sorted by ${field.transform} of ${field.sourceIds.join(', ')}; ${advice}`)
  }
  const chunk = columnByPath(schema, source.id)(batch)
  if (transform.kind === 'identity') return directed(field, identityComparator(chunk, source.type), isNull(chunk))
  const read = columnReader(chunk, source.type)
  const apply = transform.apply(source.type)
  // Each value is transformed once, not once a comparison
  const keys = Array.from({ length: chunk.length }, (_, row) => apply(read(row)))
  const compare = compareValues(transform.resultType(source.type))
  return directed(field, (a, b) => compare(keys[a]!, keys[b]!), (row) => keys[row] === null)
}

function directed(field: SortField, compare: CompareRows, isNullRow: ((row: number) => boolean) | undefined): CompareRows {
  const oriented: CompareRows = field.direction === 'asc' ? compare : (a, b) => compare(b, a)
  if (isNullRow === undefined) return oriented
  const first = field.nullOrder === 'nulls-first' ? -1 : 1
  return (a, b) => {
    const nullA = isNullRow(a)
    const nullB = isNullRow(b)
    if (nullA || nullB) return nullA === nullB ? 0 : nullA ? first : -first
    return oriented(a, b)
  }
}

function isNull(chunk: Chunk): ((row: number) => boolean) | undefined {
  const validity = validityBitmap(chunk)
  return validity === undefined ? undefined : (row) => !bitAt(validity, chunk.offset + row)
}

/** Compares values where they lie; text and bytes without decoding, 64-bit integers without boxing. */
function identityComparator(chunk: Chunk, type: Type): CompareRows {
  switch (type.kind) {
    case 'int':
    case 'date': {
      const values = intValues(chunk)
      return (a, b) => values[a]! - values[b]!
    }
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return longComparator(longValues(chunk))
    case 'float':
    case 'double': {
      const values = fixedValues<Float64Array>(chunk)
      return (a, b) => compareFloats(values[a]!, values[b]!)
    }
    case 'string':
    case 'binary': {
      const offsets = offsetsOf(chunk)
      return bytesComparator(fixedValues<Uint8Array>(chunk), (row) => offsets[row]!)
    }
    case 'uuid':
    case 'fixed': {
      const width = chunk.stride
      return bytesComparator(fixedValues<Uint8Array>(chunk), (row) => row * width)
    }
    default: {
      const compare = compareValues(type)
      const read = columnReader(chunk, type)
      const keys: readonly Value[] = Array.from({ length: chunk.length }, (_, row) => read(row))
      return (a, b) => compare(keys[a]!, keys[b]!)
    }
  }
}

function longComparator(values: BigInt64Array): CompareRows {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  return (a, b) => {
    const high = words[a * 2 + 1]! - words[b * 2 + 1]!
    return high === 0 ? (words[a * 2]! >>> 0) - (words[b * 2]! >>> 0) : high
  }
}

function bytesComparator(bytes: Uint8Array, startOf: (row: number) => number): CompareRows {
  return (a, b) => {
    const startA = startOf(a)
    const startB = startOf(b)
    const lengthA = startOf(a + 1) - startA
    const lengthB = startOf(b + 1) - startB
    const length = Math.min(lengthA, lengthB)
    for (let i = 0; i < length; i++) {
      const difference = bytes[startA + i]! - bytes[startB + i]!
      if (difference !== 0) return difference
    }
    return lengthA - lengthB
  }
}

const insertionRun = 16

/** A stable sort of row numbers in typed memory: `Array.sort` would copy them to boxed values and back. */
function mergeSort(length: number, compare: CompareRows): Uint32Array {
  let rows = Uint32Array.from({ length }, (_, row) => row)
  let spare = new Uint32Array(length)
  for (let start = 0; start < length; start += insertionRun) insertionSort(rows, start, Math.min(start + insertionRun, length), compare)
  for (let width = insertionRun; width < length; width *= 2) {
    for (let start = 0; start < length; start += width * 2) mergeRuns({ rows, spare, start, width }, compare)
    ;[rows, spare] = [spare, rows]
  }
  return rows
}

function insertionSort(rows: Uint32Array, start: number, end: number, compare: CompareRows): void {
  for (let i = start + 1; i < end; i++) {
    const row = rows[i]!
    let at = i
    while (at > start && compare(rows[at - 1]!, row) > 0) {
      rows[at] = rows[at - 1]!
      at--
    }
    rows[at] = row
  }
}

interface Runs {
  readonly rows: Uint32Array
  readonly spare: Uint32Array
  readonly start: number
  readonly width: number
}

function mergeRuns({ rows, spare, start, width }: Runs, compare: CompareRows): void {
  const middle = Math.min(start + width, rows.length)
  const end = Math.min(middle + width, rows.length)
  // Runs that follow each other already are common in data that is almost sorted
  if (middle >= end || compare(rows[middle - 1]!, rows[middle]!) <= 0) {
    spare.set(rows.subarray(start, end), start)
    return
  }
  let [left, right] = [start, middle]
  for (let at = start; at < end; at++) {
    const takeLeft = right >= end || (left < middle && compare(rows[left]!, rows[right]!) <= 0)
    spare[at] = takeLeft ? rows[left++]! : rows[right++]!
  }
}
