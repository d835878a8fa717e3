import type { RecordBatch } from 'apache-arrow'
import { columnsOf, fixedChunk, fixedValues, makeBatch, type Chunk } from '../arrow/arrow-data.js'
import { arrowSchema, arrowType } from '../arrow/arrow-schema.js'
import { concatBatches } from '../arrow/concat-batches.js'
import { concatChunks } from '../arrow/plain-chunk.js'
import { checkRequired } from '../arrow/required-check.js'
import { nullIndex, takeChunk } from '../arrow/take.js'
import { PositionBitmap } from '../deletes/position-bitmap.js'
import { printTypeName } from '../schema/type-name.js'
import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import type { ApplyChangesOptions } from './apply-changes-options.js'
import type { EventReader } from './change-events.js'
import type { DmlContext } from './dml-context.js'
import { comesBefore, compareOrders, orderColumns } from './event-order.js'
import { EventRuns } from './event-runs.js'
import { keyProjection, numberRows, type JoinSource, type NumberedRows } from './join-source.js'
import { keyIndex } from './key-index.js'
import { withLineageColumns } from './lineage-columns.js'
import { hasRowLineage } from './removed-rows.js'
import type { RowChangeSet } from './row-change-set.js'
import type { ProgressMeter } from './row-change.js'
import type { SourceGroup } from './source-rows.js'

/** What events are applied to. */
export interface EventTarget {
  readonly source: JoinSource
  readonly reader: EventReader
  readonly table: Schema
  readonly options: ApplyChangesOptions
}

export interface EventCounts {
  /** Events that changed nothing, as later ones of their key were known. */
  readonly superseded: number
}

interface Gathering {
  readonly context: DmlContext
  readonly set: RowChangeSet
  readonly progress: ProgressMeter
}

/** Joins all events to the table and gathers what they do. */
export async function applyEvents({ context, set, progress }: Gathering, target: EventTarget): Promise<EventCounts> {
  const { source, options } = target
  const plan = new EventPlan(target)
  const files = await source.candidates(context, options)
  const { metadata } = context.loaded
  let superseded = 0
  for await (const group of source.groups()) {
    if (group.batches.length === 0) continue
    const events = new EventGroup(group, target, plan)
    const request = {
      projection: plan.keepsValues ? target.table : keyProjection(metadata, [...source.keyIds, ...plan.storedOrderIds]),
      keyIds: source.keyIds,
      index: events.index,
      lineage: hasRowLineage(metadata),
      signal: options.signal,
    }
    const compareStored = plan.storedOrder(request.projection)
    for await (const found of numberRows(context, files, request)) await events.applyTo(found, set, compareStored)
    await events.insertOthers(set)
    superseded += events.superseded
    progress.add(group.batches.reduce((sum, batch) => sum + batch.numRows, 0))
  }
  return { superseded }
}

/** Reads the order columns of rows of the table. */
type StoredOrder = (batch: RecordBatch) => readonly Chunk[]

/** What the options ask for, checked against the table. */
class EventPlan {
  /** Whether rows of the table keep values that events do not have. */
  readonly keepsValues: boolean
  readonly markIndex: number | undefined
  /** Ids of the order columns, when the table has them all. */
  readonly storedOrderIds: readonly number[]
  /** Columns that a tombstone takes from the delete: keys and order. */
  readonly tombstoneColumns: ReadonlySet<number>

  constructor({ source, reader, table, options }: EventTarget) {
    const { deletes = 'remove', missingColumns = 'null' } = options
    const isStored = reader.orderIds.every((id) => table.fieldById(id) !== undefined)
    this.storedOrderIds = isStored ? reader.orderIds : []
    this.markIndex = deletes === 'remove' ? undefined : markColumn(table, deletes.markColumn, isStored)
    this.keepsValues = missingColumns === 'keep' || this.markIndex !== undefined
    const own = new Set([...source.keyIds, ...reader.orderIds].map((id) => table.ancestorsOf(id).at(-1)?.id ?? id))
    this.tombstoneColumns = new Set(table.fields.flatMap((field, i) => (own.has(field.id) ? [i] : [])))
  }

  storedOrder(projection: Schema): StoredOrder | undefined {
    return this.storedOrderIds.length === 0 ? undefined : orderColumns(projection, this.storedOrderIds)
  }
}

function markColumn(table: Schema, name: string, isOrderStored: boolean): number {
  const index = table.fields.findIndex((field) => field.name === name)
  if (table.fields[index]?.type.kind !== 'boolean') {
    throw new FloeError('INVALID', 'Deletes are marked in a boolean column of the table: add one', { column: name })
  }
  if (!isOrderStored) {
    throw new FloeError('INVALID', 'A tombstone keeps late events out by its order, which the table does not store: add the order columns to it', { column: name })
  }
  return index
}

/** Rows of the result, column by column: a row of the events, or `nullIndex` for what the table's row has. */
type Sources = readonly Uint32Array[]

/** The events of some keys. */
class EventGroup {
  readonly index
  superseded: number
  readonly #target: EventTarget
  readonly #plan: EventPlan
  readonly #events: RecordBatch
  readonly #isDelete: Uint8Array
  readonly #orders: readonly Chunk[]
  readonly #orderTypes
  readonly #runs: EventRuns
  readonly #isMatched: Uint8Array

  constructor(group: SourceGroup, target: EventTarget, plan: EventPlan) {
    const { source, reader } = target
    this.#target = target
    this.#plan = plan
    this.#events = concatBatches(group.batches)
    this.#isDelete = Uint8Array.from(reader.readOperations()(this.#events), (operation) => (operation === 'delete' ? 1 : 0))
    this.index = keyIndex(source.keys.isNarrow, this.#events.numRows)
    const numbers = this.index.add(source.keys.read(this.#events))
    this.#orders = orderColumns(reader.schema, reader.orderIds)(this.#events)
    this.#orderTypes = reader.orderIds.map((id) => reader.schema.fieldById(id)!.type)
    this.#runs = new EventRuns(numbers, this.index.size, compareOrders(this.#orders, this.#orderTypes))
    this.#isMatched = new Uint8Array(this.index.size)
    this.superseded = 0
    for (let number = 0; number < this.#runs.keys; number++) this.superseded += this.#firstThatCounts(number, 0)
  }

  /** Applies events to the rows of the table that they are for. */
  async applyTo(found: NumberedRows, set: RowChangeSet, storedOrder: StoredOrder | undefined): Promise<void> {
    const matches: Match[] = []
    for (let row = 0; row < found.numbers.length; row++) {
      const number = found.numbers[row]!
      if (number >= 0) matches.push({ row, number, from: 0 })
    }
    if (matches.length === 0) return
    const winning = storedOrder === undefined ? matches : this.#notBefore(matches, storedOrder(found.batch))
    for (const { number } of matches) this.#isMatched[number] = 1
    const replaced = new PositionBitmap()
    const rewritten: Match[] = []
    for (const match of winning) {
      replaced.add(found.positions.at(match.row))
      if (!this.#removes(match.number)) rewritten.push(match)
    }
    set.deleteRows(found.file, replaced)
    if (rewritten.length === 0) return
    const rows = Uint32Array.from(rewritten, ({ row }) => row)
    const batch = this.#rowsOf(rewritten, (column) => takeChunk(columnsOf(found.batch)[column]!, rows))
    const rowIds = found.lineage === undefined ? undefined : takeChunk(found.lineage.rowIds, rows)
    await set.rewrite(rowIds === undefined ? batch : withLineageColumns(batch, set.rewriteSchema, { rowIds }))
  }

  /** Inserts the rows of keys that the table does not have. */
  async insertOthers(set: RowChangeSet): Promise<void> {
    const others: Match[] = []
    const flush = async (): Promise<void> => {
      if (others.length > 0) await set.insert(this.#rowsOf(others, undefined))
      others.length = 0
    }
    for (let number = 0; number < this.#runs.keys; number++) {
      if (this.#isMatched[number] === 1 || this.#removes(number)) continue
      others.push({ row: -1, number, from: 0 })
      if (others.length === ROWS_PER_BATCH) await flush()
    }
    await flush()
  }

  #removes(number: number): boolean {
    return this.#plan.markIndex === undefined && this.#isDelete[this.#runs.last(number)] === 1
  }

  /** Matches some of whose events do not come before what the table has, which those are; the others are counted. */
  #notBefore(matches: readonly Match[], stored: readonly Chunk[]): readonly Match[] {
    const events: number[] = []
    const rows: number[] = []
    for (const { row, number } of matches) {
      for (const event of this.#eventsThatMatter(number)) {
        events.push(event)
        rows.push(row)
      }
    }
    const pairs = { left: this.#orders, leftRows: Uint32Array.from(events), right: stored, rightRows: Uint32Array.from(rows) }
    const isBefore = comesBefore(pairs, this.#orderTypes)
    const winning: Match[] = []
    let at = 0
    for (const match of matches) {
      const count = this.#eventsThatMatter(match.number).length
      let stale = 0
      while (stale < count && isBefore(at + stale)) stale++
      at += count
      if (this.#isMatched[match.number] === 0) this.superseded += stale
      const skipped = this.#runs.of(match.number).length - count
      if (stale < count) winning.push({ ...match, from: skipped + stale })
    }
    return winning
  }

  /** Of a key's events, those that the result is made of: the last one, or all since its last delete where columns may be missing. */
  #eventsThatMatter(number: number): Uint32Array {
    const run = this.#runs.of(number)
    return run.subarray(this.#firstThatCounts(number, 0))
  }

  #firstThatCounts(number: number, from: number): number {
    const run = this.#runs.of(number)
    if (this.#target.reader.presenceIndex === undefined) return Math.max(from, run.length - 1)
    for (let i = run.length - 1; i > from; i--) if (this.#isDelete[run[i]!] === 1) return i
    return from
  }

  /** The rows that events make of the table's, or of nothing. */
  #rowsOf(matches: readonly Match[], ofTable: ((column: number) => Chunk) | undefined): RecordBatch {
    const { table } = this.#target
    const sources = this.#sources(matches, ofTable !== undefined)
    const events = columnsOf(this.#events)
    const columns = table.fields.map((_, i) => {
      if (i === this.#plan.markIndex) return this.#marks(matches)
      const source = sources[i]!
      const chunk = takeChunk(events[i]!, source)
      if (ofTable === undefined || !source.includes(nullIndex)) return chunk
      const choice = Uint32Array.from(source, (row, at) => (row === nullIndex ? source.length + at : at))
      return takeChunk(concatChunks([chunk, ofTable(i)]), choice)
    })
    checkRequired(table.fields, columns, (path, row, type) => {
      const { keys } = this.#target.source
      const key = keys.text(this.#events, this.#runs.last(matches[row]!.number))
      throw new FloeError('INVALID', `the event of the key ${key} has no value for a required column of type ${printTypeName(type)}`, { column: path })
    })
    return makeBatch(arrowSchema(table), matches.length, columns)
  }

  #sources(matches: readonly Match[], isMatched: boolean): Sources {
    const { table, reader } = this.#target
    const columns = table.fields.length
    const last = Uint32Array.from(matches, ({ number }) => this.#runs.last(number))
    const isPlain = reader.presenceIndex === undefined && (this.#plan.markIndex === undefined || !isMatched)
    if (isPlain) return Array.from({ length: columns }, () => last)
    const sources = Array.from({ length: columns }, () => last.slice())
    matches.forEach((match, at) => {
      for (let column = 0; column < columns; column++) sources[column]![at] = this.#sourceOf(match, column, isMatched)
    })
    return sources
  }

  /** The event that a column's value comes from, or `nullIndex`. */
  #sourceOf({ number, from }: Match, column: number, isMatched: boolean): number {
    const run = this.#runs.of(number)
    const last = run[run.length - 1]!
    if (this.#isDelete[last] === 1) return isMatched && !this.#plan.tombstoneColumns.has(column) ? nullIndex : last
    const { presenceIndex } = this.#target.reader
    if (presenceIndex === undefined) return last
    const first = this.#firstThatCounts(number, from)
    for (let i = run.length - 1; i >= first; i--) {
      const event = run[i]!
      // Columns that were missing since the row was deleted are as in a new row.
      if (this.#isDelete[event] === 1) return last
      if (this.#hasColumn(event, column, presenceIndex)) return event
    }
    return isMatched ? nullIndex : last
  }

  #hasColumn(event: number, column: number, presenceIndex: number): boolean {
    const chunk = columnsOf(this.#events)[presenceIndex]!
    return (fixedValues<Uint8Array>(chunk)[event * chunk.stride + (column >> 3)]! & (1 << (column & 7))) !== 0
  }

  #marks(matches: readonly Match[]): Chunk {
    const bits = new Uint8Array((matches.length + 7) >> 3)
    matches.forEach(({ number }, at) => (bits[at >> 3]! |= this.#isDelete[this.#runs.last(number)]! << (at & 7)))
    return fixedChunk(arrowType({ kind: 'boolean' }), matches.length, bits)
  }
}

const ROWS_PER_BATCH = 32_768

/** A key's events from `from` on, and the row of the table that they are for. */
interface Match {
  readonly row: number
  readonly number: number
  readonly from: number
}
