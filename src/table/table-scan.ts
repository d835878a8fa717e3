import type { RecordBatch, Table as ArrowTable } from 'apache-arrow'
import type { RowOptions } from '../arrow/row-values.js'
import type { LoadedTable } from '../catalog/catalog-backend.js'
import { reportMetrics } from '../catalog/metrics-report.js'
import { printTableIdentifier } from '../catalog/table-identifier.js'
import type { FilterLog } from '../compaction/clustering/filter-log.js'
import type { Expression, Predicate } from '../expression/expression.js'
import { parseWhere } from '../expression/parse-where.js'
import { and } from '../expression/predicates.js'
import { schemaById } from '../metadata/metadata-lookup.js'
import type { ParquetEngine, RowGroupDecision } from '../parquet/parquet-engine.js'
import type { FileScanTask } from '../scan/file-scan-task.js'
import { resolveSnapshotRange, type RangeRequest, type SnapshotPoint } from '../scan/changes/snapshot-range.js'
import { planScan } from '../scan/plan-scan.js'
import type { ReadRequest } from '../scan/read-files.js'
import { scanMetrics } from '../scan/scan-metrics.js'
import type { PlannedFile, ScanPlan } from '../scan/scan-plan.js'
import { metadataFields } from '../scan/metadata-fields.js'
import { IS_DELETED_FIELD } from '../schema/reserved-fields.js'
import { Schema } from '../schema/schema.js'
import { schemaIdOfRef, schemaIdOfSnapshot, snapshotById, snapshotOfRef, MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { snapshotAsOf } from '../snapshot/time-travel.js'
import { FloeError } from '../util/errors.js'
import { checkArgument, checkNamedOptions, checkSignal, namesOf } from './checked-arguments.js'
import { namingTable, namingTableAsync, namingTableOf } from './named-errors.js'
import { RowStream } from './row-stream.js'
import { snapshotPoint, type StateOf } from './snapshot-point.js'

/** The refinements of a scan; each method copies them with one changed. */
interface ScanState {
  readonly columns?: readonly string[]
  readonly metadataColumns?: readonly string[]
  readonly filter?: Expression
  readonly at?: SnapshotPoint
  /** Only rows that snapshots between two states appended. */
  readonly appends?: RangeRequest
  readonly limit?: number
  readonly caseSensitive?: boolean
  readonly batchRows?: number
  readonly signal?: AbortSignal
  readonly filterLog?: FilterLog
  readonly onRowGroup?: (file: string, decision: RowGroupDecision) => void
}

export interface ScanPlanOptions {
  /** Keep counts, sizes and bounds of columns for `PlannedFile.dataFile`; they take most of a plan's memory. Default false. */
  readonly includeColumnStats?: boolean | undefined
  /** Keep the reason of every decision in the plan's report. */
  readonly explain?: boolean | undefined
}

export interface AppendsOptions {
  /** Whether what `from` itself appended is read as well. Default false. */
  readonly fromInclusive?: boolean | undefined
}

const PLAN_NAMES = namesOf<ScanPlanOptions>()({ includeColumnStats: true, explain: true })
const APPENDS_NAMES = namesOf<AppendsOptions>()({ fromInclusive: true })

/**
 * What to read of a table: an immutable refinement, and itself the async iterable of Arrow record batches. Nothing is read
 * before the first batch, a plan or a count is asked for; iterating twice plans twice, on the same snapshot of metadata.
 *
 * Columns come in the order of the table's schema. A tag, a snapshot id and a time read with the schema of that snapshot;
 * a branch and the current state with the table's current schema, as in the reference.
 */
export class TableScan implements AsyncIterable<RecordBatch> {
  readonly #table: LoadedTable
  readonly #engine: ParquetEngine
  readonly #state: ScanState

  /** Made by `Table.scan()`. */
  constructor(table: LoadedTable, engine: ParquetEngine, state: ScanState = {}) {
    this.#table = table
    this.#engine = engine
    this.#state = state
  }

  /** Only these columns, dotted paths for members of structs. Without arguments: all. */
  select(...columns: readonly string[]): TableScan {
    for (const column of columns) checkArgument(column, 'string', 'The name of a column')
    const { columns: _, ...rest } = this.#state
    return this.#with(columns.length === 0 ? rest : { ...rest, columns })
  }

  /**
   * Also these metadata columns, after the others and in this order: `_file`, `_pos`, `_spec_id`, `_partition`, `_deleted`, `_row_id`,
   * `_last_updated_sequence_number`. With `_deleted`, rows that deletes took away come too, marked. Without arguments: none.
   * They cannot be filtered by. @throws FloeError `INVALID`, at once, for a name that is none or that a selected column has too
   */
  metadataColumns(...names: readonly string[]): TableScan {
    for (const name of names) checkArgument(name, 'string', 'The name of a metadata column')
    const { metadataColumns: _, ...rest } = this.#state
    const scan = this.#with(names.length === 0 ? rest : { ...rest, metadataColumns: names })
    void scan.schema
    return scan
  }

  /**
   * Only rows for which `filter` is true: an expression, or text as `parseWhere` reads it. Further filters are combined by `and`.
   * @throws FloeError `INVALID` for text that is no filter
   */
  filter(filter: Expression | string): TableScan {
    if (typeof filter !== 'string') checkFilter(filter)
    const added = typeof filter === 'string' ? parseWhere(filter) : filter
    return this.#with({ ...this.#state, filter: this.#state.filter === undefined ? added : and(this.#state.filter, added) })
  }

  /** @throws FloeError `NOT_FOUND`, at once, for a snapshot that the table does not have */
  useSnapshot(snapshotId: bigint | string): TableScan {
    const id = parseSnapshotId(snapshotId)
    namingTable(this.#table.identifier, () => snapshotById(this.#table.metadata, id))
    return this.#useState({ snapshotId: id })
  }

  /** A branch or a tag. @throws FloeError `NOT_FOUND`, at once, for one that the table does not have */
  useRef(ref: string): TableScan {
    checkArgument(ref, 'string', 'The name of a branch or tag')
    namingTable(this.#table.identifier, () => schemaIdOfRef(this.#table.metadata, ref))
    return this.#useState({ ref })
  }

  /** The state at a time, milliseconds since 1970 UTC. @throws FloeError `NOT_FOUND`, at once, before the first snapshot */
  asOfTime(time: Date | number): TableScan {
    const timestampMs = time instanceof Date || typeof time === 'number' ? Number(time) : Number.NaN
    if (Number.isNaN(timestampMs)) throw new FloeError('INVALID', 'The time to travel to is not a valid Date, nor milliseconds since 1970')
    namingTable(this.#table.identifier, () => snapshotAsOf(this.#table.metadata.snapshotLog, timestampMs))
    return this.#useState({ timestampMs })
  }

  /**
   * Only rows that append snapshots added after `from`, up to and with `to`, by default the current state; `undefined` for all from the
   * oldest snapshot on. Other snapshots are passed over: for those see `Table.scanChanges`.
   *
   * @throws FloeError at once: `NOT_FOUND` for a state that the table does not have any more, `INVALID` for one that is no ancestor of `to`
   */
  appendsBetween(from: StateOf | undefined, to?: StateOf, options: AppendsOptions = {}): TableScan {
    checkNamedOptions(options, APPENDS_NAMES, 'appendsBetween')
    const { at, ...state } = this.#state
    const appends: RangeRequest = {
      from: from === undefined ? undefined : snapshotPoint(from, 'from'),
      fromInclusive: options.fromInclusive,
      to: to === undefined ? at : snapshotPoint(to, 'to'),
    }
    namingTable(this.#table.identifier, () => resolveSnapshotRange(this.#table.metadata, appends))
    return this.#with({ ...state, appends })
  }

  /** Stop after `rows` rows; which ones is not defined. */
  limit(rows: number): TableScan {
    if (!Number.isSafeInteger(rows) || rows < 0) throw new FloeError('INVALID', `A limit must be a whole number of rows from 0 on, not ${String(rows)}`)
    return this.#with({ ...this.#state, limit: rows })
  }

  /** Whether column names in `select` and `filter` must match in letter case. Default true. */
  caseSensitive(caseSensitive: boolean): TableScan {
    return this.#with({ ...this.#state, caseSensitive })
  }

  /** At most this many rows a batch. */
  batchRows(batchRows: number): TableScan {
    if (!Number.isSafeInteger(batchRows) || batchRows < 1) throw new FloeError('INVALID', `Batches must have at least one row, not ${String(batchRows)}`)
    return this.#with({ ...this.#state, batchRows })
  }

  /** Stops planning and reading with an error of code `ABORTED`, the signal's reason its `cause`. */
  withSignal(signal: AbortSignal): TableScan {
    checkSignal(signal)
    return this.#with({ ...this.#state, signal })
  }

  /** Tells of every row group, while files are read, whether it is read and why. */
  onRowGroup(onRowGroup: (file: string, decision: RowGroupDecision) => void): TableScan {
    checkArgument(onRowGroup, 'function', 'onRowGroup')
    return this.#with({ ...this.#state, onRowGroup })
  }

  /** The snapshot that is read; `undefined` for a table without any. */
  get snapshot(): Snapshot | undefined {
    const { metadata } = this.#table
    const { at, appends } = this.#state
    if (appends !== undefined) return resolveSnapshotRange(metadata, appends).to
    if (at === undefined) return snapshotOfRef(metadata, MAIN_BRANCH)
    if ('ref' in at) return snapshotOfRef(metadata, at.ref)
    return snapshotById(metadata, 'snapshotId' in at ? at.snapshotId : snapshotAsOf(metadata.snapshotLog, at.timestampMs))
  }

  /** The columns that the scan produces. @throws FloeError `NOT_FOUND` for a selected column that there is not */
  get schema(): Schema {
    const { metadataColumns = [] } = this.#state
    const projection = this.#projection()
    if (metadataColumns.length === 0) return projection
    const { identifier, metadata } = this.#table
    const added = namingTable(identifier, () => metadataFields(metadataColumns, metadata, this.#tableSchema(), projection))
    return new Schema([...projection.fields, ...added], { schemaId: projection.schemaId })
  }

  /** Decides which files to read, from manifests alone. */
  async plan(options: ScanPlanOptions = {}): Promise<ScanPlan> {
    checkNamedOptions(options, PLAN_NAMES, 'plan')
    const { filter, caseSensitive, signal } = this.#state
    const { io, metadata } = this.#table
    const schema = this.#tableSchema()
    const { snapshot } = this
    const { explain, includeColumnStats } = options
    const { appends } = this.#state
    if (appends !== undefined) {
      const { planAppends } = await import('../scan/changes/plan-appends.js')
      const between = { io, metadata, range: resolveSnapshotRange(metadata, appends), schema, filter, caseSensitive, signal }
      return namingTableAsync(this.#table.identifier, () => planAppends(between), signal)
    }
    const request = { io, metadata, snapshot, schema, filter, rowsAreFiltered: true, caseSensitive, includeColumnStats, explain, signal }
    const make = (): Promise<ScanPlan> => (this.#table.planRemotely === undefined ? planScan(request) : this.#planRemotely())
    const { metrics, identifier } = this.#table
    const startMs = metrics?.now() ?? 0
    const plan = await namingTableAsync(identifier, make, signal)
    this.#state.filterLog?.record(metadata, plan.filter)
    reportMetrics(metrics, () => {
      const durationMs = (metrics?.now() ?? 0) - startMs
      return scanMetrics(plan, { tableName: printTableIdentifier(identifier), projection: this.#projection(), durationMs })
    })
    return plan
  }

  /** Has the catalog plan the scan, which demands it. */
  async #planRemotely(): Promise<ScanPlan> {
    const { planRemoteScan } = await import('../scan/plan-remote-scan.js')
    const { filter, caseSensitive, signal, at, columns, metadataColumns } = this.#state
    const usesSnapshotSchema = at !== undefined && !('ref' in at && this.#table.metadata.refs.get(at.ref)?.type === 'branch')
    const [table, schema, snapshot] = [this.#table, this.#tableSchema(), this.snapshot]
    return planRemoteScan({ table, snapshot, schema, filter, caseSensitive, signal, usesSnapshotSchema, columns, metadataColumns })
  }

  /** Rows of tasks that {@link plan} made, perhaps in another process, as Arrow record batches. */
  read(tasks: Iterable<FileScanTask>): AsyncGenerator<RecordBatch, void, undefined> {
    if (typeof (tasks as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] !== 'function') {
      throw new FloeError('INVALID', 'Tasks to read must be an array or another iterable of what plan().tasks() gives')
    }
    const open = async (): Promise<AsyncIterable<RecordBatch>> => {
      const { readTasks } = await import('../scan/read-files.js')
      return readTasks(tasks, this.#readRequest())
    }
    return namingTableOf(this.#table.identifier, open, this.#state.signal)
  }

  [Symbol.asyncIterator](): AsyncGenerator<RecordBatch, void, undefined> {
    const open = async (): Promise<AsyncIterable<RecordBatch>> => {
      const [plan, { readPlannedFiles }] = await Promise.all([this.plan(), import('../scan/read-files.js')])
      return readPlannedFiles(plan.files(), this.#readRequest())
    }
    return namingTableOf(this.#table.identifier, open, this.#state.signal)
  }

  /** The rows one by one. Values are lossless, see `RowValue`, unless `options` ask for friendlier ones. */
  rows(options: RowOptions = {}): RowStream {
    return new RowStream(this, this.schema, options)
  }

  /** Everything as one Arrow table, in memory. */
  async toArrow(): Promise<ArrowTable> {
    const { collectTable } = await import('../arrow/collect-table.js')
    return collectTable(this, this.schema)
  }

  /**
   * How many rows the scan has. Files whose partition proves the filter are counted from the manifests, less the rows whose positions
   * vectors and position delete files hold; only the others are read.
   */
  async count(): Promise<number> {
    const plan = await this.plan()
    const limit = this.#state.limit ?? Infinity
    const keepsDeleted = this.#state.metadataColumns?.includes(IS_DELETED_FIELD.name) === true
    const withPositions: PlannedFile[] = []
    const unproven: PlannedFile[] = []
    let rows = 0
    for (const file of plan.files()) {
      // Old writers did not know some counts
      if (file.residual.op !== 'true' || file.recordCount < 0) unproven.push(file)
      else if (keepsDeleted || file.deletes.length === 0) rows += file.recordCount
      else if (file.deletes.every((deletes) => deletes.content === 'position-deletes')) withPositions.push(file)
      else unproven.push(file)
    }
    if (rows < limit && withPositions.length > 0) rows += await this.#countUndeleted(withPositions)
    if (rows >= limit) return limit
    return unproven.length === 0 ? rows : rows + (await this.#narrowest().#countRows(unproven, limit - rows))
  }

  /** From the positions themselves: deletes may name rows that a file does not have, or name some twice. */
  async #countUndeleted(files: readonly PlannedFile[]): Promise<number> {
    const { signal } = this.#state
    const { io, metadata } = this.#table
    const count = async (): Promise<number> => {
      const [{ DeleteLoader }, { mapOrdered }] = await Promise.all([import('../deletes/delete-loader.js'), import('../io/ordered-prefetch.js')])
      const loader = new DeleteLoader({ io, engine: this.#engine, metadata, signal })
      const countOne = async (file: PlannedFile): Promise<number> =>
        file.recordCount - (await loader.loadPositions(file, file.deletes)).countInRange(0, file.recordCount)
      let rows = 0
      for await (const counted of mapOrdered(files, FILES_COUNTED_AT_ONCE - 1, countOne)) rows += counted
      return rows
    }
    return namingTableAsync(this.#table.identifier, count, signal)
  }

  async #countRows(files: readonly PlannedFile[], limit: number): Promise<number> {
    const { readPlannedFiles } = await import('../scan/read-files.js')
    const open = (): AsyncIterable<RecordBatch> => readPlannedFiles(files, { ...this.#readRequest(), limit })
    let rows = 0
    for await (const batch of namingTableOf(this.#table.identifier, open, this.#state.signal)) rows += batch.numRows
    return rows
  }

  /** The scan with as few columns as counting takes. */
  #narrowest(): TableScan {
    const first = this.#tableSchema().fields[0]
    const { metadataColumns: names = [], ...state } = this.#state
    const metadataColumns = names.filter((name) => name === IS_DELETED_FIELD.name)
    return this.#with({ ...state, metadataColumns, ...(first === undefined ? {} : { columns: [first.name] }) })
  }

  #projection(): Schema {
    const { columns, caseSensitive = true } = this.#state
    const schema = this.#tableSchema()
    if (columns === undefined) return schema
    return namingTable(this.#table.identifier, () => schema.select(columns, { caseSensitive }))
  }

  #tableSchema(): Schema {
    const { at, appends } = this.#state
    const { metadata } = this.#table
    return schemaById(metadata, appends === undefined ? schemaIdOfScan(this.#table, at) : resolveSnapshotRange(metadata, appends).schemaId)
  }

  /** The last state that is asked for counts. */
  #useState(at: SnapshotPoint): TableScan {
    const { appends: _, ...state } = this.#state
    return this.#with({ ...state, at })
  }

  #readRequest(): ReadRequest {
    const { metadataColumns, caseSensitive, batchRows, limit, signal, onRowGroup } = this.#state
    const { io, metadata } = this.#table
    const [engine, schema, projection] = [this.#engine, this.#tableSchema(), this.#projection()]
    return { io, engine, metadata, schema, projection, metadataColumns, caseSensitive, batchRows, limit, signal, onRowGroup }
  }

  #with(state: ScanState): TableScan {
    return new TableScan(this.#table, this.#engine, Object.freeze(state))
  }
}

/** Files whose deleted positions are fetched side by side. */
const FILES_COUNTED_AT_ONCE = 4

function schemaIdOfScan({ metadata }: LoadedTable, at: ScanState['at']): number {
  if (at === undefined) return metadata.currentSchemaId
  if ('ref' in at) return schemaIdOfRef(metadata, at.ref)
  return schemaIdOfSnapshot(metadata, 'snapshotId' in at ? at.snapshotId : snapshotAsOf(metadata.snapshotLog, at.timestampMs))
}

/** @throws FloeError `INVALID` for an object that is no expression */
export function checkFilter(filter: Expression): void {
  checkArgument(filter, 'object', 'A filter, unless it is a text,')
  const { op } = filter
  const isPredicate = !['true', 'false', 'not', 'and', 'or'].includes(op)
  if (typeof op !== 'string' || (isPredicate && typeof (filter as Predicate).term?.column !== 'string')) {
    throw new FloeError('INVALID', "This is no filter: make one with eq('column', value), and(…) and so on, or write it as a text")
  }
}

function parseSnapshotId(id: bigint | string): bigint {
  if (typeof id === 'bigint') return id
  if (typeof id === 'string' && /^-?\d{1,20}$/.test(id)) return BigInt(id)
  throw new FloeError('INVALID', `A snapshot id is a bigint or its decimal digits, not ${String(id)}`)
}
