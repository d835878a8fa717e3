import type { RecordBatch } from 'apache-arrow'
import { sliceBatch } from '../../arrow/take.js'
import { bind } from '../../expression/bind.js'
import type { Expression } from '../../expression/expression.js'
import { alwaysTrue } from '../../expression/predicates.js'
import { throwIfAborted } from '../../io/aborted.js'
import type { FileIO } from '../../io/file-io.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import type { ParquetEngine } from '../../parquet/parquet-engine.js'
import type { Schema } from '../../schema/schema.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { withoutCarriedRows } from './carried-rows.js'
import { ChangeOutput, type ChangeOrigin } from './change-output.js'
import { ChangeReader, maxRowsOf } from './change-reader.js'
import type { ChangedRows, ChangeSide } from './change-rows.js'
import { matchSides } from './match-sides.js'
import { netChanges, type CommittedRows, type NetRequest } from './net-changes.js'
import { DeltaPlanner, type ChangedFile, type SnapshotDelta } from './plan-delta.js'
import { changeColumns, RowIdentifier, type ChangeColumns } from './row-identifier.js'
import type { SnapshotRange } from './snapshot-range.js'

/** Which changes of a table are read, and how. */
export interface ChangesRequest {
  readonly io: FileIO
  readonly engine: ParquetEngine
  readonly metadata: TableMetadata
  readonly range: SnapshotRange
  /** What every row is read with, and the filter is bound to: the schema of the range's end. */
  readonly schema: Schema
  /** The columns to produce. Rows that differ in other columns only have not changed. */
  readonly projection: Schema
  /** Columns that identify a row; an empty list for none. Default: the identifier fields, else row ids where every snapshot has them. */
  readonly keys?: readonly string[] | undefined
  /** Rows that do not match are not there: one that comes to match is an insert. */
  readonly filter?: Expression | undefined
  readonly caseSensitive?: boolean | undefined
  readonly batchRows?: number | undefined
  /** Bound on the memory for telling rows apart. Default 256 MiB. */
  readonly memoryBudgetBytes?: number | undefined
  /** Any number: the seed of hashes. */
  readonly seed: number
  readonly signal?: AbortSignal | undefined
}

/** The changes that one snapshot made. */
export interface SnapshotBatches {
  readonly snapshot: Snapshot
  /** Batches with the columns of {@link changelogSchema}; empty for a snapshot that changed no rows. */
  readonly batches: AsyncIterable<RecordBatch>
}

const DEFAULT_MEMORY_BYTES = 256 * 2 ** 20
/** What telling a row apart takes: two hashes and their places in tables. */
const BYTES_PER_ROW = 64

/** The changes of a range, snapshot by snapshot, oldest first. What one snapshot gives is to be read before the next is asked for. */
export async function* changesBySnapshot(request: ChangesRequest): AsyncGenerator<SnapshotBatches, void, undefined> {
  const scan = new ChangesReading(request)
  const output = new ChangeOutput(scan.columns)
  for (const { snapshot, origin } of originsOf(request.range)) {
    throwIfAborted(request.signal)
    yield { snapshot, batches: outputOf(scan.changesOf(snapshot), origin, output, request.batchRows) }
  }
}

async function* outputOf(
  changes: AsyncIterable<ChangedRows>,
  origin: ChangeOrigin,
  output: ChangeOutput,
  batchRows = Infinity,
): AsyncGenerator<RecordBatch, void, undefined> {
  for await (const rows of changes) yield* cut(output.batch(rows, origin), batchRows)
}

/** What is left of the changes of a range when those that undo each other are left out. */
export async function* netChangesOf(request: ChangesRequest): AsyncGenerator<RecordBatch, void, undefined> {
  const scan = new ChangesReading(request)
  const output = new ChangeOutput(scan.columns)
  const changes = async function* (): AsyncGenerator<CommittedRows, void, undefined> {
    for (const { snapshot, origin } of originsOf(request.range)) {
      for await (const rows of scan.changesOf(snapshot)) yield { ...rows, origin }
    }
  }
  for await (const { origins, ...rows } of netChanges({ changes, ...scan.netting })) {
    yield* cut(output.batch(rows, origins), request.batchRows ?? Infinity)
  }
}

function* cut(batch: RecordBatch, batchRows: number): Generator<RecordBatch, void, undefined> {
  for (let start = 0; start < batch.numRows; start += batchRows) {
    const rows = Math.min(batchRows, batch.numRows - start)
    yield rows === batch.numRows ? batch : sliceBatch(batch, start, rows)
  }
}

function originsOf({ snapshots }: SnapshotRange): readonly { readonly snapshot: Snapshot; readonly origin: ChangeOrigin }[] {
  let ordinal = -1
  return snapshots.map((snapshot) => {
    if (snapshot.operation !== 'replace') ordinal++
    return { snapshot, origin: { ordinal: Math.max(ordinal, 0), snapshotId: snapshot.snapshotId } }
  })
}

/** Reads the changes of single snapshots. */
class ChangesReading {
  readonly columns: ChangeColumns
  readonly identifier: RowIdentifier
  readonly memoryBytes: number
  readonly #planner: DeltaPlanner
  readonly #reader: ChangeReader
  readonly #signal: AbortSignal | undefined
  #hasNewIds = false

  constructor(request: ChangesRequest) {
    const { io, engine, metadata, range, schema, projection, keys, caseSensitive, signal } = request
    const filter = bind(request.filter ?? alwaysTrue(), schema, { caseSensitive: caseSensitive ?? true })
    const changing = range.snapshots.filter((snapshot) => snapshot.operation !== 'replace')
    const hasRowIds = changing.every((snapshot) => snapshot.firstRowId !== undefined)
    this.columns = changeColumns({ schema, projection, keys, caseSensitive, hasRowIds })
    this.identifier = new RowIdentifier(this.columns, request.seed)
    this.memoryBytes = request.memoryBudgetBytes ?? DEFAULT_MEMORY_BYTES
    this.#planner = new DeltaPlanner({ io, metadata, schema, filter, signal })
    const reading = { io, engine, metadata, schema, columns: this.columns, caseSensitive, batchRows: request.batchRows, signal }
    this.#reader = new ChangeReader(reading)
    this.#signal = signal
  }

  /** How the net of the changes is made. */
  get netting(): Pick<NetRequest, 'identifier' | 'memoryBytes' | 'hasNewIds'> {
    return { identifier: this.identifier, memoryBytes: this.memoryBytes, hasNewIds: () => this.#hasNewIds }
  }

  async *changesOf(snapshot: Snapshot): AsyncGenerator<ChangedRows, void, undefined> {
    const delta = await withoutCarriedRows(await this.#planner.plan(snapshot), this.#reader.metadataColumns)
    const onNewIds = (): void => void (this.#hasNewIds = true)
    const { identifier, memoryBytes } = this
    for await (const rows of matchSides({ ...this.#sides(delta), identifier, memoryBytes, onNewIds })) {
      throwIfAborted(this.#signal)
      yield rows
    }
  }

  #sides({ removals, additions }: SnapshotDelta): { readonly removals: readonly ChangeSide[]; readonly additions: ChangeSide } {
    const parts = additions.length === 0 ? [removals] : partsOf(removals, this.memoryBytes / 2 / BYTES_PER_ROW)
    const sides = parts.filter((part) => part.length > 0).map((part) => this.#reader.side(part))
    return { removals: sides, additions: this.#reader.side(additions) }
  }
}

/** Files in groups of about so many rows. */
function partsOf(files: readonly ChangedFile[], maxRows: number): readonly (readonly ChangedFile[])[] {
  const parts: ChangedFile[][] = []
  let rows = Infinity
  for (const changed of files) {
    rows += maxRowsOf(changed)
    if (rows > maxRows) {
      parts.push([])
      rows = maxRowsOf(changed)
    }
    parts.at(-1)!.push(changed)
  }
  return parts
}
