import type { RecordBatch } from 'apache-arrow'
import type { LoadedTable } from '../catalog/catalog-backend.js'
import { deleteLoader, type DmlContext } from '../dml/dml-context.js'
import { deleteOfTask } from '../deletes/delete-file.js'
import { mapParallel } from '../io/bounded-parallel.js'
import type { DataFile } from '../manifest/data-file.js'
import { specById } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { SortOrder } from '../partition/partition-spec.js'
import { FloeError } from '../util/errors.js'
import { RowWriter } from '../write/row-writer.js'
import { DEFAULT_MEMORY_BUDGET_BYTES, type RewriteGroupOptions } from './compaction-options.js'
import type { CompactionGroup, CompactionPlan } from './compaction-plan.js'
import { partitionOfText, tupleType, writtenFile, type WrittenFile } from './data-file-json.js'
import { GroupRows, storesLineage } from './group-rows.js'
import { OutputSizes } from './output-sizes.js'

/** What rewriting a group came to: plain JSON data. The files belong to whoever has it, to commit or to remove. */
export interface GroupResult {
  readonly groupId: number
  /** Rows that were alive in the inputs, each of which is in one of the files. */
  readonly rows: number
  readonly bytes: number
  readonly addedDataFiles: readonly WrittenFile[]
  /** Whether the files, in their order, hold the live rows of the group's files in their order. */
  readonly keepsOrder: boolean
}

/**
 * Rewrites one group of a plan, here or in any other process that can open the table. Nothing is committed; when it fails, no file is
 * left.
 *
 * @throws FloeError `INVALID` for a plan of another table, `CONFLICT` where a file of the group is gone, `CORRUPT` when not every row
 * came through
 */
export async function rewriteGroup(
  group: CompactionGroup,
  plan: CompactionPlan,
  context: DmlContext,
  options: RewriteGroupOptions = {},
): Promise<GroupResult> {
  const pinned = { ...context, loaded: pinnedTable(plan, context.loaded) }
  const expected = await expectedRows(group, pinned, options.signal)
  const files = await writeGroup(group, plan, pinned, { ...options, expected })
  const { metadata } = pinned.loaded
  return {
    groupId: group.id,
    rows: files.reduce((rows, file) => rows + file.recordCount, 0),
    bytes: files.reduce((bytes, file) => bytes + file.fileSizeBytes, 0),
    addedDataFiles: files.map((file) => writtenFile(file, metadata, plan.schemaId)),
    keepsOrder: plan.order === undefined && group.partition !== undefined,
  }
}

/**
 * The table as the plan saw it: what is written has the plan's schema and spec, whatever they are by now.
 * @throws FloeError `INVALID` for a plan of another table, `CONFLICT` when the table was upgraded or lost the schema since
 */
export function pinnedTable(plan: CompactionPlan, loaded: LoadedTable): LoadedTable {
  const { metadata } = loaded
  if ((metadata.tableUuid ?? '') !== plan.tableUuid) {
    throw new FloeError('INVALID', `The plan is of table ${plan.tableUuid}, not of this one, which is ${metadata.tableUuid ?? 'without an id'}`)
  }
  checkUnchanged(plan, metadata)
  const pinned: TableMetadata = { ...metadata, currentSchemaId: plan.schemaId, defaultSpecId: plan.outputSpecId }
  return { ...loaded, metadata: pinned }
}

/** @throws FloeError `CONFLICT` when what the plan writes does not fit the table any more */
export function checkUnchanged(plan: CompactionPlan, metadata: TableMetadata): void {
  const lost =
    metadata.formatVersion !== plan.formatVersion ? `was upgraded to format version ${metadata.formatVersion}`
      : !metadata.schemas.some((schema) => schema.schemaId === plan.schemaId) ? `lost schema ${plan.schemaId}`
      : !metadata.partitionSpecs.some((spec) => spec.specId === plan.outputSpecId) ? `lost partition spec ${plan.outputSpecId}`
      : undefined
  if (lost !== undefined) throw new FloeError('CONFLICT', `The table ${lost} since the compaction was planned: plan it again`, { retryable: false })
}

interface WriteOptions extends RewriteGroupOptions {
  /** Live rows; undefined where only reading them tells. */
  readonly expected: number | undefined
}

async function writeGroup(
  group: CompactionGroup,
  plan: CompactionPlan,
  context: DmlContext,
  options: WriteOptions,
): Promise<readonly DataFile[]> {
  const { signal, onProgress } = options
  let through = 0
  const rows = new GroupRows(group, plan, context, { signal, onRows: (count) => onProgress?.({ rows: (through += count) }) })
  const writer = openWriter(group, plan, context, options)
  try {
    for await (const batch of inOrder(rows, plan, context, options)) await writer.write(batch)
    const files = await writer.close()
    checkRows(rows.count, files, group, options.expected)
    return files
  } catch (error) {
    await writer.abort()
    throw error
  }
}

async function* inOrder(
  rows: GroupRows,
  plan: CompactionPlan,
  context: DmlContext,
  options: WriteOptions,
): AsyncGenerator<RecordBatch, void, undefined> {
  if (plan.order === undefined) {
    yield* rows.rows()
    return
  }
  const [{ orderRows }, { SpillSpace }] = await Promise.all([import('./order/order-rows.js'), import('./order/spill-space.js')])
  const spill = new SpillSpace(context.runtime, options.spillFolder)
  try {
    const memoryBudgetBytes = Math.floor((options.memoryBudgetBytes ?? DEFAULT_MEMORY_BUDGET_BYTES) * ORDER_SHARE)
    yield* orderRows(rows, plan.order, { memoryBudgetBytes, spill, signal: options.signal })
  } finally {
    await spill.remove()
  }
}

/** Of the budget; the rest is what decoding and encoding hold meanwhile. */
const ORDER_SHARE = 0.5
const FANOUT_SHARE = 0.25

function openWriter(group: CompactionGroup, plan: CompactionPlan, context: DmlContext, options: WriteOptions): RowWriter {
  const { loaded, engine, runtime } = context
  const { metadata } = loaded
  const type = tupleType(metadata, group.specId, plan.schemaId)
  const partition = group.partition === undefined ? undefined : partitionOfText(group.partition, type, group.tasks[0]!.filePath)
  const hasOnePartition = partition !== undefined || specById(metadata, plan.outputSpecId).fields.length === 0
  return new RowWriter({
    io: loaded.io,
    engine,
    metadata,
    runtime,
    rowLineage: storesLineage(plan),
    orderedBy: claimedOrder(plan, metadata),
    partition: partition ?? (hasOnePartition ? [] : undefined),
    fileSizes: new OutputSizes(plan, {
      totalRows: hasOnePartition ? (options.expected ?? group.inputRows) : undefined,
      bytesPerRow: group.inputBytes / Math.max(group.inputRows, 1),
    }),
    memoryBudgetBytes: Math.floor((options.memoryBudgetBytes ?? DEFAULT_MEMORY_BUDGET_BYTES) * FANOUT_SHARE),
    signal: options.signal,
  })
}

/** Spec: Sorting: files claim an order only when they have it throughout. */
function claimedOrder({ sortOrderId }: CompactionPlan, metadata: TableMetadata): SortOrder {
  return metadata.sortOrders.find((order) => order.orderId === sortOrderId) ?? { orderId: 0, fields: [] }
}

const DELETES_AT_ONCE = 4

/** Live rows of a group by its entries and deletes of positions; undefined where equality deletes apply, or counts are not known. */
async function expectedRows({ tasks }: CompactionGroup, context: DmlContext, signal: AbortSignal | undefined): Promise<number | undefined> {
  if (tasks.some((task) => task.recordCount < 0 || task.deletes.some(({ content }) => content === 'equality-deletes'))) return undefined
  const withDeletes = tasks.filter((task) => task.deletes.length > 0)
  const rows = tasks.reduce((sum, task) => sum + task.recordCount, 0)
  if (withDeletes.length === 0) return rows
  const loader = deleteLoader(context, signal)
  const deleted = await mapParallel(withDeletes, DELETES_AT_ONCE, async (task) => {
    const positions = await loader.loadPositions(task, task.deletes.map(deleteOfTask))
    return positions.countInRange(0, task.recordCount)
  })
  return rows - deleted.reduce((sum, count) => sum + count, 0)
}

/** @throws FloeError `CORRUPT` unless what was written is what was read, and that is what there was to read */
function checkRows(read: number, files: readonly DataFile[], group: CompactionGroup, expected: number | undefined): void {
  const written = files.reduce((rows, file) => rows + file.recordCount, 0)
  const isRight = read === written && (expected === undefined ? read <= Math.max(group.inputRows, 0) : read === expected)
  if (isRight) return
  const planned = expected ?? `at most ${group.inputRows}`
  const message = `Group ${group.id} has ${planned} live rows, of which ${read} were read and ${written} written: nothing was committed`
  throw new FloeError('CORRUPT', message, { file: group.tasks[0]!.filePath })
}
