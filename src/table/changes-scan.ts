import type { RecordBatch, Table as ArrowTable } from 'apache-arrow'
import type { RowOptions } from '../arrow/row-values.js'
import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { Expression } from '../expression/expression.js'
import { parseWhere } from '../expression/parse-where.js'
import { and } from '../expression/predicates.js'
import { schemaById } from '../metadata/metadata-lookup.js'
import type { ParquetEngine } from '../parquet/parquet-engine.js'
import { cursorAfter, cursorAt, snapshotIdOfCursor, type ChangeCursor } from '../scan/changes/change-cursor.js'
import { changelogSchema } from '../scan/changes/changelog-schema.js'
import type { ChangesRequest } from '../scan/changes/scan-changes.js'
import { resolveSnapshotRange, type SnapshotRange } from '../scan/changes/snapshot-range.js'
import type { Schema } from '../schema/schema.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import { checkCount } from '../util/option-values.js'
import type { Runtime } from '../util/runtime.js'
import { checkArgument, checkNames, checkOptional, namesOf } from './checked-arguments.js'
import { namingTable, namingTableOf } from './named-errors.js'
import { RowStream } from './row-stream.js'
import { snapshotPoint, type StateOf } from './snapshot-point.js'
import { checkFilter } from './table-scan.js'

/** Which changes of a table to read. */
export interface ScanChangesOptions {
  /** The state that the changes start from: not itself part of them. Default: the beginning of the table. */
  readonly from?: StateOf | undefined
  /** A cursor of an earlier scan, instead of `from`: what comes after it. */
  readonly after?: ChangeCursor | undefined
  /** The last state whose changes are read. Default: the current one. */
  readonly to?: StateOf | undefined
  /**
   * Columns that identify a row: a delete and an insert of the same values in them are an update. Default: the schema's identifier
   * fields, else the row ids of v3. With an empty list there are no updates.
   */
  readonly keys?: readonly string[] | undefined
  /** One change a row over the whole range: its first state and its last; what was undone within the range is left out. Default false. */
  readonly net?: boolean | undefined
  /** The columns to produce. Rows that differ in other columns only have not changed. Default: all. */
  readonly columns?: readonly string[] | undefined
  /** Rows that do not match are not there: one that comes to match is an insert, one that no longer does a delete. */
  readonly filter?: Expression | string | undefined
  /** Stop after so many changes. */
  readonly limit?: number | undefined
  /** Whether names of columns must match in letter case. Default true. */
  readonly caseSensitive?: boolean | undefined
  /** At most this many rows a batch. */
  readonly batchRows?: number | undefined
  /** Bound on the memory for telling unchanged rows of rewritten files, and for net changes. Default 256 MiB. */
  readonly memoryBudgetBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const CHANGES_NAMES = namesOf<ScanChangesOptions>()({
  from: true,
  after: true,
  to: true,
  keys: true,
  net: true,
  columns: true,
  filter: true,
  limit: true,
  caseSensitive: true,
  batchRows: true,
  memoryBudgetBytes: true,
  signal: true,
})

interface SnapshotChangesContent extends Pick<SnapshotChanges, 'snapshot' | 'cursor'> {
  readonly batches: AsyncIterable<RecordBatch>
  readonly schema: Schema
}

/** The changes that one snapshot made. */
export class SnapshotChanges implements AsyncIterable<RecordBatch> {
  readonly snapshot: Snapshot
  /** To be stored with the effects of these changes: a scan after it goes on with the next snapshot. */
  readonly cursor: ChangeCursor
  readonly #batches: AsyncIterable<RecordBatch>
  readonly #schema: Schema

  /** Made by {@link ChangesScan.snapshots}. */
  constructor(content: SnapshotChangesContent) {
    this.snapshot = content.snapshot
    this.cursor = content.cursor
    this.#batches = content.batches
    this.#schema = content.schema
  }

  [Symbol.asyncIterator](): AsyncIterator<RecordBatch> {
    return this.#batches[Symbol.asyncIterator]()
  }

  /** The changes one by one. */
  rows(options: RowOptions = {}): RowStream {
    return new RowStream(this.#batches, this.#schema, options)
  }
}

/**
 * The changes of a table between two of its states: an immutable refinement, and itself the async iterable of Arrow record batches.
 * They have the columns of the table, then `_change_type` (INSERT, DELETE, UPDATE_BEFORE, UPDATE_AFTER), `_change_ordinal` and
 * `_commit_snapshot_id`. Rows are read with the schema of the last state. Snapshots come in order; of each, deletes and updates come
 * before inserts, and the rows before and after an update follow each other. Applied to the rows of the first state they give those of
 * the last.
 *
 * The cost follows the changes: manifests that the snapshots wrote are read, files that came or went, and files whose deletes changed.
 */
export class ChangesScan implements AsyncIterable<RecordBatch> {
  readonly #table: LoadedTable
  readonly #engine: ParquetEngine
  readonly #runtime: Runtime
  readonly #options: ScanChangesOptions
  readonly #range: SnapshotRange
  #cursor: ChangeCursor

  /**
   * Made by `Table.scanChanges()`.
   * @throws FloeError `NOT_FOUND` when the first state has expired; `INVALID` when it is no ancestor of the last, or the cursor is of
   * another table
   */
  constructor(table: LoadedTable, engine: ParquetEngine, runtime: Runtime, options: ScanChangesOptions) {
    checkNames(options, CHANGES_NAMES, 'scanChanges')
    checkOptions(options)
    this.#table = table
    this.#engine = engine
    this.#runtime = runtime
    this.#options = Object.freeze({ ...options })
    this.#range = namingTable(table.identifier, () => rangeOf(table, options))
    this.#cursor = cursorAfter(table.metadata, this.#range.fromSnapshotId)
  }

  /** Only these columns, dotted paths for members of structs. Without arguments: all. */
  select(...columns: readonly string[]): ChangesScan {
    return this.#with({ columns: columns.length === 0 ? undefined : columns })
  }

  /** Only rows for which `filter` is true; further filters are combined by `and`. @throws FloeError `INVALID` for text that is no filter */
  filter(filter: Expression | string): ChangesScan {
    checkOptions({ filter })
    const { filter: before } = this.#options
    return this.#with({ filter: before === undefined ? filter : and(expressionOf(before), expressionOf(filter)) })
  }

  /** Stop after `rows` changes. */
  limit(rows: number): ChangesScan {
    return this.#with({ limit: rows })
  }

  /** At most this many rows a batch. */
  batchRows(batchRows: number): ChangesScan {
    return this.#with({ batchRows })
  }

  /** Stops with an error of code `ABORTED`, the signal's reason its `cause`. */
  withSignal(signal: AbortSignal): ChangesScan {
    return this.#with({ signal })
  }

  /** The columns that the scan produces. @throws FloeError `NOT_FOUND` for a selected column that there is not */
  get schema(): Schema {
    return namingTable(this.#table.identifier, () => changelogSchema(this.#projection()))
  }

  /** The snapshots whose changes are read, oldest first. */
  get range(): readonly Snapshot[] {
    return this.#range.snapshots
  }

  /**
   * Where a later scan goes on, to be stored: behind the last snapshot of which every change has been taken since this scan was last
   * iterated; before that, where it starts. While net changes are read it stays there until the end of all.
   */
  get cursor(): ChangeCursor {
    return this.#cursor
  }

  /** The changes snapshot by snapshot, those without any included. One that is not read, or not to its end, is passed over. */
  snapshots(): AsyncGenerator<SnapshotChanges, void, undefined> {
    if (this.#options.net === true) throw new FloeError('INVALID', 'Net changes are of the whole range, not of single snapshots: iterate the scan itself')
    return namingTableOf(this.#table.identifier, () => this.#snapshots(), this.#options.signal)
  }

  async *#snapshots(): AsyncGenerator<SnapshotChanges, void, undefined> {
    const { metadata, identifier } = this.#table
    const { changesBySnapshot } = await import('../scan/changes/scan-changes.js')
    const { schema } = this
    this.#cursor = cursorAfter(metadata, this.#range.fromSnapshotId)
    for await (const { snapshot, batches } of changesBySnapshot(this.#request())) {
      const cursor = cursorAt(metadata, snapshot)
      yield new SnapshotChanges({ snapshot, cursor, batches: namingTableOf(identifier, () => batches, this.#options.signal), schema })
      this.#cursor = cursor
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<RecordBatch, void, undefined> {
    const open = (): AsyncIterable<RecordBatch> => (this.#options.net === true ? this.#net() : this.#all())
    return limited(namingTableOf(this.#table.identifier, open, this.#options.signal), this.#options.limit)
  }

  async *#all(): AsyncGenerator<RecordBatch, void, undefined> {
    for await (const changes of this.#snapshots()) yield* changes
  }

  async *#net(): AsyncGenerator<RecordBatch, void, undefined> {
    const { netChangesOf } = await import('../scan/changes/scan-changes.js')
    const { metadata } = this.#table
    this.#cursor = cursorAfter(metadata, this.#range.fromSnapshotId)
    yield* netChangesOf(this.#request())
    this.#cursor = cursorAt(metadata, this.#range.to)
  }

  /** The changes one by one. Values are lossless, see `RowValue`, unless `options` ask for friendlier ones. */
  rows(options: RowOptions = {}): RowStream {
    return new RowStream(this, this.schema, options)
  }

  /** Everything as one Arrow table, in memory. */
  async toArrow(): Promise<ArrowTable> {
    const { collectTable } = await import('../arrow/collect-table.js')
    return collectTable(this, this.schema)
  }

  #projection(): Schema {
    const { columns, caseSensitive = true } = this.#options
    const schema = this.#tableSchema()
    return columns === undefined ? schema : schema.select(columns, { caseSensitive })
  }

  #tableSchema(): Schema {
    return schemaById(this.#table.metadata, this.#range.schemaId)
  }

  #request(): ChangesRequest {
    const { io, metadata } = this.#table
    const { keys, filter, caseSensitive, batchRows, memoryBudgetBytes, signal } = this.#options
    return {
      io,
      engine: this.#engine,
      metadata,
      range: this.#range,
      schema: this.#tableSchema(),
      projection: this.#projection(),
      keys,
      filter: filter === undefined ? undefined : expressionOf(filter),
      caseSensitive,
      batchRows,
      memoryBudgetBytes,
      seed: Math.floor(this.#runtime.random() * 2 ** 32) | 0,
      signal,
    }
  }

  #with(changed: ScanChangesOptions): ChangesScan {
    return new ChangesScan(this.#table, this.#engine, this.#runtime, { ...this.#options, ...changed })
  }
}

function rangeOf({ metadata }: LoadedTable, { from, after, to }: ScanChangesOptions): SnapshotRange {
  const start = after === undefined ? undefined : snapshotIdOfCursor(metadata, after)
  const fromPoint = from !== undefined ? snapshotPoint(from, 'from') : start === undefined ? undefined : { snapshotId: start }
  const toPoint = to === undefined ? undefined : snapshotPoint(to, 'to')
  return resolveSnapshotRange(metadata, { from: fromPoint, to: toPoint, requireWholeHistory: true })
}

function expressionOf(filter: Expression | string): Expression {
  return typeof filter === 'string' ? parseWhere(filter) : filter
}

function checkOptions(options: ScanChangesOptions): void {
  checkArgument(options, 'object', 'The options of a changes scan')
  const { from, after, keys, columns, filter, limit, batchRows, memoryBudgetBytes } = options
  if (from !== undefined && after !== undefined) throw new FloeError('INVALID', 'A changes scan starts from a state or after a cursor: give one of from and after')
  checkOptional(keys, 'list', 'The keys of a changes scan')
  checkOptional(columns, 'list', 'The columns of a changes scan')
  if (typeof filter === 'string') parseWhere(filter)
  else if (filter !== undefined) checkFilter(filter)
  checkCount(limit, 0, 'A limit')
  checkCount(batchRows, 1, 'The rows of a batch')
  checkCount(memoryBudgetBytes, 1, 'A memory budget')
}

async function* limited(batches: AsyncIterable<RecordBatch>, limit = Infinity): AsyncGenerator<RecordBatch, void, undefined> {
  let left = limit
  if (left === 0) return
  for await (const batch of batches) {
    if (batch.numRows >= left) {
      const { sliceBatch } = await import('../arrow/take.js')
      yield sliceBatch(batch, 0, left)
      return
    }
    left -= batch.numRows
    yield batch
  }
}
