import { Schema as ArrowSchema, type RecordBatch } from 'apache-arrow'
import { columnsOf, makeBatch, validityBitmap, bitAt, type Chunk } from '../arrow/arrow-data.js'
import { arrowField, schemaFromArrow } from '../arrow/arrow-schema.js'
import { columnReader } from '../arrow/column-reader.js'
import { constantChunk } from '../arrow/constant-chunk.js'
import { describeValue } from '../arrow/describe-value.js'
import { Schema } from '../schema/schema.js'
import type { NestedField, Type } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { inputChunks, isBatch, type InputChunk, type WriteInput } from '../write/input-items.js'
import { inputBatches, type InputOptions } from '../write/input-rows.js'

/** What an event does to the row of its key. `upsert` covers inserts, updates and the rows of a first snapshot. */
export type ChangeOperation = 'upsert' | 'delete' | 'ignore'

/**
 * The codes of the common sources, in lower case: words, first letters, Debezium's c, r, u and d, and Flink's +I, +U, -U and -D. The
 * row before an update is not needed: its key says where it is.
 */
const CODES: ReadonlyMap<string, ChangeOperation> = new Map<string, ChangeOperation>([
  ...['insert', 'i', 'create', 'c', 'read', 'r', 'update', 'u', 'upsert', '+i', '+u', 'update_after'].map((code) => [code, 'upsert'] as const),
  ...['delete', 'd', '-d'].map((code) => [code, 'delete'] as const),
  ...['-u', 'update_before'].map((code) => [code, 'ignore'] as const),
])

export interface EventColumns {
  /** The column with what an event did. */
  readonly operation: string
  /** The columns that tell which of two events of a key came later, most significant first. */
  readonly order: readonly string[]
  /** Codes beside the common ones, or instead of them; by the text of the value. */
  readonly codes: Readonly<Record<string, ChangeOperation>>
  /** Tell which columns each event has. */
  readonly presence: boolean
}

/** Events as batches of one schema. */
export interface EventReader {
  /** The table's columns, only keys and order required of every event; then those of operation and order that the table lacks. */
  readonly schema: Schema
  readonly batches: AsyncIterable<RecordBatch>
  /** Ids of the order columns in {@link schema}. */
  readonly orderIds: readonly number[]
  /** Where {@link schema} has which of the table's columns an event had: a bit a column, the lowest first. Undefined unless asked for. */
  readonly presenceIndex: number | undefined
  /** Answers a function for batches in their order: of each row, what it does. */
  readOperations(): (batch: RecordBatch) => readonly ChangeOperation[]
}

/**
 * Reads events. Columns of operation and order that the table lacks take their type from the first events.
 * @throws FloeError `INVALID` when a column is in neither the table nor the events; batches throw it for a code that is not known and
 * for an event without order
 */
export async function eventReader(input: WriteInput, table: Schema, columns: EventColumns, options: InputOptions): Promise<EventReader> {
  const chunks = inputChunks(input, options.signal)
  const first = await chunks.next()
  const head = first.done === true ? [] : first.value
  let id = table.highestFieldId()
  const extra = [...new Set([columns.operation, ...columns.order])].flatMap((name): NestedField[] =>
    table.findField(name) === undefined ? [{ id: ++id, name, type: inferType(head, name), required: false }] : [],
  )
  const bytes = Math.ceil(table.fields.length / 8)
  const presence: NestedField = { id: ++id, name: PRESENCE_NAME, type: { kind: 'fixed', length: bytes }, required: false }
  const fields = [...table.fields.map((field) => ({ ...field, required: false })), ...extra, ...(columns.presence ? [presence] : [])]
  const schema = new Schema(fields, { schemaId: table.schemaId })
  const operationId = schema.requireField(columns.operation).id
  const operationIndex = schema.fields.findIndex((field) => field.id === operationId)
  if (operationIndex < 0) throw new FloeError('INVALID', 'The operation must be a column of its own, not a part of one', { column: columns.operation })
  const presenceIndex = columns.presence ? fields.length - 1 : undefined
  const items = rest(head, chunks, columns.presence ? (item) => withPresence(item, table.fields, presence) : undefined)
  return {
    schema,
    presenceIndex,
    batches: inputBatches(items, schema, options),
    orderIds: columns.order.map((name) => schema.requireField(name).id),
    readOperations: () => operationReader(schema.fields[operationIndex]!, operationIndex, columns.codes),
  }
}

/** No column of the input can have this name: names of members are not bound to be texts that people write. */
const PRESENCE_NAME = '\u0000floe: columns of the event'

async function* rest(
  head: InputChunk | readonly never[],
  chunks: AsyncIterable<InputChunk>,
  change: (item: object) => object = (item) => item,
): AsyncGenerator<object, void, undefined> {
  if (isBatch(head)) yield change(head)
  else for (const row of head) yield change(row)
  for await (const chunk of chunks) {
    if (isBatch(chunk)) yield change(chunk)
    else for (const row of chunk) yield change(row)
  }
}

/** A row or batch with the columns that it has marked in one more. */
function withPresence(item: object, fields: readonly NestedField[], presence: NestedField): object {
  const bits = new Uint8Array(Math.ceil(fields.length / 8))
  const mark = (has: (name: string) => boolean): void =>
    fields.forEach(({ name }, i) => {
      if (has(name)) bits[i >> 3]! |= 1 << (i & 7)
    })
  if (!isBatch(item)) {
    const row = item as Readonly<Record<string, unknown>>
    mark((name) => Object.hasOwn(row, name) && row[name] !== undefined)
    return { ...row, [presence.name]: bits }
  }
  const names = new Set(item.schema.fields.map((field) => field.name))
  mark((name) => names.has(name))
  const column = constantChunk(presence.type, bits, item.numRows)
  const extended = new ArrowSchema([...item.schema.fields, arrowField(presence)], item.schema.metadata)
  return makeBatch(extended, item.numRows, [...columnsOf(item), column])
}

function inferType(head: InputChunk | readonly never[], name: string): Type {
  if (isBatch(head)) {
    const field = schemaFromArrow(head.schema).findField(name)
    if (field !== undefined) return field.type
  } else if (head.length === 0) return { kind: 'string' }
  else {
    for (const row of head) {
      const value = (row as Readonly<Record<string, unknown>>)[name]
      if (value !== undefined && value !== null) return typeOf(value, name)
    }
  }
  throw new FloeError('INVALID', 'The column is neither in the table nor in the first events', { column: name })
}

function typeOf(value: unknown, name: string): Type {
  switch (typeof value) {
    case 'string':
      return { kind: 'string' }
    case 'boolean':
      return { kind: 'boolean' }
    case 'bigint':
      return { kind: 'long' }
    case 'number':
      return Number.isInteger(value) ? { kind: 'long' } : { kind: 'double' }
    default:
      if (value instanceof Date) return { kind: 'timestamptz' }
      throw new FloeError('INVALID', `Operations and orders are texts, numbers or dates, not ${describeValue(value)}`, { column: name })
  }
}

type ReadOperations = ReturnType<EventReader['readOperations']>

function operationReader(field: NestedField, index: number, codes: EventColumns['codes']): ReadOperations {
  const known = new Map<unknown, ChangeOperation>()
  let before = 0
  return (batch) => {
    const read = columnReader(columnsOf(batch)[index]!, field.type)
    const operations: ChangeOperation[] = []
    for (let row = 0; row < batch.numRows; row++) {
      const value = read(row)
      let operation = known.get(value)
      if (operation === undefined) {
        const text = value === null ? 'null' : String(value)
        operation = Object.hasOwn(codes, text) ? codes[text] : CODES.get(text.toLowerCase())
        if (operation === undefined) {
          throw new FloeError('INVALID', `row ${before + row}: what the operation ${describeValue(value)} does is not known: name it in operations`, { column: field.name })
        }
        known.set(value, operation)
      }
      operations.push(operation)
    }
    before += batch.numRows
    return operations
  }
}

/** Answers the first row that is null, or -1. */
export function firstNull(chunk: Chunk): number {
  const validity = validityBitmap(chunk)
  if (validity === undefined) return -1
  for (let row = 0; row < chunk.length; row++) if (!bitAt(validity, chunk.offset + row)) return row
  return -1
}
