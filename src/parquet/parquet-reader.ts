import { Schema as ArrowSchema } from 'apache-arrow'
import type { DataType, Field } from 'apache-arrow'
import { makeBatch } from '../arrow/arrow-data.js'
import { batchProjector } from '../arrow/project-batch.js'
import type { BatchProjector } from '../arrow/project-batch.js'
import { arrowFieldOf, chunkOfParts } from './column-type.js'
import type { EnginePool } from './engine-pool.js'
import type { DecodeResult } from './engine-job.js'
import { fetchRowGroup, rangesToRead, WINDOW_BYTES } from './fetch-row-group.js'
import type { FetchedRowGroup, FetchPlan } from './fetch-row-group.js'
import type { FileMetaData } from './file-metadata.js'
import { PageIndexes } from './page-index.js'
import type { ParquetReadOptions, PositionedBatch } from './parquet-engine.js'
import { collectLeaves, parseFileSchema, withFieldIds } from './parquet-schema.js'
import type { FileSchema } from './parquet-schema.js'
import { pruneColumns } from './prune-columns.js'
import { namingFile, readFooterAndTail, withFile } from './read-footer.js'
import { RowGroupPages } from './row-window.js'
import { chooseRowGroups } from './choose-row-groups.js'
import type { ChosenRowGroup } from './choose-row-groups.js'
import { inOrder } from './in-order.js'
import { corrupt } from './thrift-compact.js'

const DEFAULT_BATCH_ROWS = 65_536

/** Everything about the file that does not change from row group to row group. */
interface FilePlan extends FetchPlan {
  readonly pool: EnginePool
  readonly source: ArrowSchema
  readonly projector: BatchProjector
  readonly batchRows: number
}

type DecodeTask = () => Promise<DecodedWindow>

/** A decoded stretch of rows. */
interface DecodedWindow {
  readonly firstPosition: number
  readonly rows: number
  /** Undefined when no column of the file is needed. */
  readonly result: DecodeResult | undefined
}

/**
 * Reads a file: its footer, then of each row group that can matter only the chunks of the needed columns, decoded ahead on as
 * many threads as the pool has.
 * @throws FloeError `CORRUPT` naming the file when its bytes break the format; `UNSUPPORTED` for encryption and unknown codecs.
 */
export async function* readParquetFile(options: ParquetReadOptions, pool: EnginePool): AsyncGenerator<PositionedBatch> {
  options.signal?.throwIfAborted()
  const { footer, tail } = await readFooterAndTail(options)
  const schema = namingFile(options.location, () => checkedSchema(footer, options))
  const indexes = new PageIndexes(options, tail)
  const groups = await chosenRowGroups(footer, schema, options, indexes)
  const plan = filePlan(options, pool, schema, indexes)
  const windows = inOrder(decodeTasks(plan, groups), pool.parallelism)
  try {
    for await (const window of windows) yield* projectWindow(plan, window)
  } catch (error) {
    options.signal?.throwIfAborted()
    throw withFile(options.location, error)
  }
}

async function chosenRowGroups(
  footer: FileMetaData,
  schema: FileSchema,
  options: ParquetReadOptions,
  indexes: PageIndexes,
): Promise<ChosenRowGroup[]> {
  try {
    return await chooseRowGroups(footer, schema, options, indexes)
  } catch (error) {
    throw withFile(options.location, error)
  }
}

function checkedSchema(footer: FileMetaData, options: ParquetReadOptions): FileSchema {
  const schema = withFieldIds(parseFileSchema(footer.schema), options.nameMapping)
  let rows = 0
  for (const group of footer.rowGroups) {
    if (group.columns.length !== schema.leaves.length) {
      throw corrupt(`has a row group of ${group.columns.length} columns in a schema of ${schema.leaves.length}`)
    }
    rows += group.numRows
  }
  if (rows !== footer.numRows) throw corrupt(`promises ${footer.numRows} rows where the row groups hold ${rows}`)
  return schema
}

function filePlan(options: ParquetReadOptions, pool: EnginePool, schema: FileSchema, indexes: PageIndexes): FilePlan {
  const wanted = options.projection.fields.filter((field) => options.constants?.has(field.id) !== true)
  const nodes = pruneColumns(schema.fields, wanted)
  const source = namingFile(options.location, () => new ArrowSchema(nodes.map((node) => arrowFieldOf(node))))
  const { projection, constants, location } = options
  const projector = batchProjector({ projection, source, constants, file: location })
  const leaves = nodes.flatMap((node) => collectLeaves(node))
  return { options, pool, indexes, nodes, leaves, source, projector, batchRows: options.batchRows ?? DEFAULT_BATCH_ROWS }
}

/** The decoding jobs of all row groups in order; a row group's chunks are fetched while the one before is decoded. */
async function* decodeTasks(plan: FilePlan, groups: readonly ChosenRowGroup[]): AsyncGenerator<DecodeTask> {
  let next = groups.length > 0 ? fetchRowGroup(plan, groups[0]!) : undefined
  for (let i = 0; i < groups.length; i++) {
    const fetched = await next!
    next = i + 1 < groups.length ? fetchRowGroup(plan, groups[i + 1]!) : undefined
    // Whoever stops early never awaits it
    next?.catch(() => undefined)
    yield* rowGroupTasks(plan, groups[i]!, fetched)
  }
}

function* rowGroupTasks(plan: FilePlan, group: ChosenRowGroup, fetched: FetchedRowGroup): Generator<DecodeTask> {
  const { numRows } = group.rowGroup
  if (plan.nodes.length === 0) {
    yield async () => ({ firstPosition: group.firstPosition, rows: numRows, result: undefined })
    return
  }
  if (fetched.ranges?.length === 0) return
  const pages = new RowGroupPages(plan.nodes, fetched.chunks, numRows)
  const { wanted } = plan.options
  const ranges = fetched.ranges ?? rangesToRead(plan, group, pages.grid) ?? [{ start: 0, rows: numRows }]
  for (const window of ranges.flatMap((range) => pages.grid.windows(range, WINDOW_BYTES, plan.batchRows))) {
    const first = group.firstPosition + window.start
    if (wanted !== undefined && wanted.countInRange(first, first + window.rows) === 0) continue
    yield async () => {
      const bytes = pages.grid.bytes(window)
      const moved = plan.pool.usesWorker(bytes)
      const job = pages.job(window, plan.batchRows, moved)
      const transfer = moved ? job.fields.flatMap((field) => field.leaves.map((leaf) => leaf.pages.buffer as ArrayBuffer)) : []
      const result = (await plan.pool.run(job, bytes, transfer)) as DecodeResult
      return { firstPosition: group.firstPosition + window.start, rows: window.rows, result }
    }
  }
}

function* projectWindow(plan: FilePlan, window: DecodedWindow): Generator<PositionedBatch> {
  for (let start = 0; start < window.rows; start += plan.batchRows) {
    const rows = Math.min(plan.batchRows, window.rows - start)
    const index = start / plan.batchRows
    const typeOf = (column: number): DataType => (plan.source.fields[column] as Field).type as DataType
    const columns = (window.result?.fields ?? []).map((batches, i) => chunkOfParts(typeOf(i), batches[index]!))
    yield { batch: plan.projector.project(makeBatch(plan.source, rows, columns)), firstPosition: window.firstPosition + start }
  }
}
