import type { RecordBatch } from 'apache-arrow'
import { type Chunk, bitAt, fixedValues, offsetsOf, validityBitmap } from '../arrow/arrow-data.js'
import { columnReader } from '../arrow/column-reader.js'
import { columnByPath } from '../arrow/column-by-path.js'
import { bucketFixed, bucketInts, bucketLongs, bucketNanos, bucketUtf8 } from '../partition/bucket-columns.js'
import { partitionKey } from '../partition/partition-key.js'
import type { PartitionField, PartitionSpec } from '../partition/partition-spec.js'
import * as time from '../partition/time-columns.js'
import { type Transform, parseTransform } from '../partition/transform.js'
import type { Schema } from '../schema/schema.js'
import type { Type, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { ByteCodes, IntCodes, KeyedCodes } from './value-codes.js'

/** The rows of one batch that belong to one partition. */
export interface PartitionGroup {
  /** The same number for the same tuple over all batches of one {@link RowPartitioner}. */
  readonly id: number
  readonly partition: readonly Value[]
  /** Ascending. */
  readonly rows: Uint32Array
}

/** Splits batches by partition. Batches must have the schema's columns in canonical types. */
export class RowPartitioner {
  readonly #coders: readonly FieldCoder[]
  readonly #groupIds = new Map<number, number>()
  readonly #partitions: (readonly Value[])[] = []

  /** @throws FloeError `UNSUPPORTED` when the spec has a transform that cannot be evaluated */
  constructor(spec: PartitionSpec, schema: Schema) {
    this.#coders = spec.fields.map((field) => fieldCoder(field, schema))
  }

  /** The partitions that have rows in the batch, in order of first sight. */
  group(batch: RecordBatch): readonly PartitionGroup[] {
    if (batch.numRows === 0) return []
    const ids = this.#groupIdsOf(batch)
    const counts = new Map<number, number>()
    let previous = -1
    let run = 0
    for (let row = 0; row <= ids.length; row++) {
      const id = row === ids.length ? -1 : ids[row]!
      if (id === previous) {
        run++
        continue
      }
      if (previous !== -1) counts.set(previous, (counts.get(previous) ?? 0) + run)
      previous = id
      run = 1
    }
    return distribute(ids, counts).map(({ id, rows }) => ({ id, partition: this.#partitions[id]!, rows }))
  }

  #groupIdsOf(batch: RecordBatch): Int32Array {
    const codes = this.#coders.map((coder) => coder.codes(batch))
    const ids = new Int32Array(batch.numRows)
    let lastKey = -1
    let lastId = 0
    for (let row = 0; row < ids.length; row++) {
      let key = 0
      // Pairs of codes are numbered step by step, so that a key stays below 2^53 whatever the number of fields.
      for (let field = 0; field < codes.length; field++) {
        const code = codes[field]![row]!
        key = field === 0 ? code : this.#pairKey(field, key, code)
      }
      if (key !== lastKey) {
        lastKey = key
        lastId = this.#groupIdOf(key, codes, row)
      }
      ids[row] = lastId
    }
    return ids
  }

  readonly #pairs: Map<number, number>[] = []

  #pairKey(field: number, prefix: number, code: number): number {
    const pairs = (this.#pairs[field] ??= new Map<number, number>())
    const pair = prefix * PAIR_BASE + code
    let key = pairs.get(pair)
    if (key === undefined) {
      key = pairs.size
      pairs.set(pair, key)
    }
    return key
  }

  #groupIdOf(key: number, codes: readonly Int32Array[], row: number): number {
    let id = this.#groupIds.get(key)
    if (id === undefined) {
      id = this.#partitions.push(this.#coders.map((coder, field) => coder.values[codes[field]![row]!]!)) - 1
      this.#groupIds.set(key, id)
    }
    return id
  }
}

const PAIR_BASE = 2 ** 26

function distribute(ids: Int32Array, counts: ReadonlyMap<number, number>): { readonly id: number; readonly rows: Uint32Array }[] {
  const groups = [...counts].map(([id, count]) => ({ id, rows: new Uint32Array(count), filled: 0 }))
  const byId = new Map(groups.map((group) => [group.id, group]))
  let current = groups[0]!
  for (let row = 0; row < ids.length; row++) {
    if (current.id !== ids[row]) current = byId.get(ids[row]!)!
    current.rows[current.filled++] = row
  }
  return groups
}

/** One partition field: the code of every row's value, and the value of every code. */
interface FieldCoder {
  readonly values: readonly Value[]
  codes(batch: RecordBatch): Int32Array
}

function fieldCoder(field: PartitionField, schema: Schema): FieldCoder {
  const transform = parseTransform(field.transform)
  const sourceId = field.sourceIds[0]
  const source = sourceId === undefined ? undefined : schema.fieldById(sourceId)
  if (transform.kind === 'void') return { values: [null], codes: (batch) => new Int32Array(batch.numRows) }
  if (transform.kind === 'unknown' || field.sourceIds.length !== 1) {
    throw new FloeError('UNSUPPORTED', `Cannot write to a spec with the transform ${field.transform}: write with an engine that knows it`, { column: field.name })
  }
  if (source === undefined) {
    throw new FloeError('INVALID', `Partition field ${field.name} has lost its source column: remove the field from the spec before writing`, { column: field.name })
  }
  const locate = columnByPath(schema, source.id)
  const whole = wholeColumn(transform, source.type)
  if (whole !== undefined) return intCoder(locate, whole)
  if (transform.kind === 'identity' && (source.type.kind === 'string' || source.type.kind === 'binary')) return byteCoder(locate, source.type)
  return genericCoder(locate, source.type, transform)
}

type Locate = (batch: RecordBatch) => Chunk

function intCoder(locate: Locate, compute: (chunk: Chunk) => Int32Array): FieldCoder {
  const dictionary = new IntCodes()
  const codes = (batch: RecordBatch): Int32Array => {
    const chunk = locate(batch)
    const values = compute(chunk)
    const validity = validityBitmap(chunk)
    const result = new Int32Array(chunk.length)
    for (let row = 0; row < result.length; row++) {
      result[row] = validity !== undefined && !bitAt(validity, chunk.offset + row) ? 0 : dictionary.codeOf(values[row]!)
    }
    return result
  }
  return { values: dictionary.values, codes }
}

function byteCoder(locate: Locate, type: Type): FieldCoder {
  const decoder = new TextDecoder()
  const dictionary = new ByteCodes((bytes) => (type.kind === 'string' ? decoder.decode(bytes) : bytes))
  const codes = (batch: RecordBatch): Int32Array => {
    const chunk = locate(batch)
    const offsets = offsetsOf(chunk)
    const bytes = fixedValues<Uint8Array>(chunk)
    const validity = validityBitmap(chunk)
    const result = new Int32Array(chunk.length)
    for (let row = 0; row < result.length; row++) {
      const isNull = validity !== undefined && !bitAt(validity, chunk.offset + row)
      result[row] = isNull ? 0 : dictionary.codeOf(bytes, offsets[row]!, offsets[row + 1]!)
    }
    return result
  }
  return { values: dictionary.values, codes }
}

function genericCoder(locate: Locate, type: Type, transform: Transform): FieldCoder {
  const apply = transform.apply(type)
  const dictionary = new KeyedCodes((value) => partitionKey([value]))
  const codes = (batch: RecordBatch): Int32Array => {
    const chunk = locate(batch)
    const read = columnReader(chunk, type)
    const result = new Int32Array(chunk.length)
    for (let row = 0; row < result.length; row++) result[row] = dictionary.codeOf(apply(read(row)))
    return result
  }
  return { values: dictionary.values, codes }
}

/** The transform over a whole column at once, where its results are 32-bit integers. */
export function wholeColumn(transform: Transform, type: Type): ((chunk: Chunk) => Int32Array) | undefined {
  if (transform.kind === 'bucket') return wholeBucket(transform.parameter!, type)
  const longs = (compute: (values: BigInt64Array) => Int32Array) => (chunk: Chunk) =>
    compute(rowsOf(fixedValues<BigInt64Array>(chunk), chunk))
  const days = (compute: (values: Int32Array) => Int32Array) => (chunk: Chunk) => compute(rowsOf(fixedValues<Int32Array>(chunk), chunk))
  const kind = type.kind
  if (transform.kind === 'identity') return kind === 'int' || kind === 'date' ? days((values) => values) : undefined
  if (kind === 'date') {
    if (transform.kind === 'day') return days((values) => values)
    if (transform.kind === 'month') return days(time.monthOfDays)
    return transform.kind === 'year' ? days(time.yearOfDays) : undefined
  }
  const nanos = kind === 'timestamp_ns' || kind === 'timestamptz_ns'
  if (!nanos && kind !== 'timestamp' && kind !== 'timestamptz') return undefined
  switch (transform.kind) {
    case 'hour':
      return longs(nanos ? time.hourOfNanos : time.hourOfMicros)
    case 'day':
      return longs(nanos ? time.dayOfNanos : time.dayOfMicros)
    case 'month':
      return longs(nanos ? time.monthOfNanos : time.monthOfMicros)
    case 'year':
      return longs(nanos ? time.yearOfNanos : time.yearOfMicros)
    default:
      return undefined
  }
}

function wholeBucket(buckets: number, type: Type): ((chunk: Chunk) => Int32Array) | undefined {
  switch (type.kind) {
    case 'int':
    case 'date':
      return (chunk) => bucketInts(rowsOf(fixedValues<Int32Array>(chunk), chunk), buckets)
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return (chunk) => bucketLongs(rowsOf(fixedValues<BigInt64Array>(chunk), chunk), buckets)
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return (chunk) => bucketNanos(rowsOf(fixedValues<BigInt64Array>(chunk), chunk), buckets)
    case 'string':
    case 'binary':
      return (chunk) => bucketUtf8(fixedValues<Uint8Array>(chunk), offsetsOf(chunk).subarray(0, chunk.length + 1), buckets)
    case 'uuid':
      return (chunk) => bucketFixed(fixedValues<Uint8Array>(chunk).subarray(0, chunk.length * 16), 16, buckets)
    case 'fixed':
      return (chunk) => bucketFixed(fixedValues<Uint8Array>(chunk).subarray(0, chunk.length * type.length), type.length, buckets)
    default:
      return undefined
  }
}

function rowsOf<T extends Int32Array | BigInt64Array>(values: T, chunk: Chunk): T {
  return values.subarray(0, chunk.length) as T
}
