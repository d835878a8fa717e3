import { Schema as ArrowSchema } from 'apache-arrow'
import type { DataType, Field } from 'apache-arrow'
import { makeBatch } from '../arrow/arrow-data.js'
import { batchProjector } from '../arrow/project-batch.js'
import type { BatchProjector } from '../arrow/project-batch.js'
import type { ByteRange } from '../io/file-io.js'
import { FloeError } from '../util/errors.js'
import { arrowFieldOf, chunkOfParts } from './column-type.js'
import type { EnginePool } from './engine-pool.js'
import type { DecodeResult } from './engine-job.js'
import { decodeOffsetIndex } from './file-metadata.js'
import type { ColumnChunk, ColumnMetaData, FileMetaData } from './file-metadata.js'
import type { ParquetReadOptions, PositionedBatch } from './parquet-engine.js'
import { collectLeaves, parseFileSchema, withFieldIds } from './parquet-schema.js'
import type { FileSchema, LeafNode, ParquetNode } from './parquet-schema.js'
import { pruneColumns } from './prune-columns.js'
import { namingFile, readFooter, withFile } from './read-footer.js'
import { RowGroupPages } from './row-window.js'
import type { FetchedChunk } from './row-window.js'
import { chooseRowGroups } from './choose-row-groups.js'
import type { ChosenRowGroup } from './choose-row-groups.js'
import { inOrder } from './in-order.js'
import { corrupt } from './thrift-compact.js'

const DEFAULT_BATCH_ROWS = 65_536
/** Decoded bytes of a window: what one decoding job aims at. */
const WINDOW_BYTES = 12 * 2 ** 20
/** Row groups with fewer uncompressed bytes are fetched without asking for offset indexes. */
const MIN_INDEXED_BYTES = 2 * WINDOW_BYTES

/** Everything about the file that does not change from row group to row group. */
interface FilePlan {
  readonly options: ParquetReadOptions
  readonly pool: EnginePool
  readonly nodes: readonly ParquetNode[]
  readonly leaves: readonly LeafNode[]
  readonly source: ArrowSchema
  readonly projector: BatchProjector
  readonly batchRows: number
}

type DecodeTask = () => Promise<DecodedWindow>

/** By column index. */
type FetchedChunks = ReadonlyMap<number, FetchedChunk>

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
  const footer = await readFooter(options)
  const schema = namingFile(options.location, () => checkedSchema(footer, options))
  const groups = await chosenRowGroups(footer, schema, options)
  const plan = filePlan(options, pool, schema)
  const windows = inOrder(decodeTasks(plan, groups), pool.parallelism)
  try {
    for await (const window of windows) yield* projectWindow(plan, window)
  } catch (error) {
    options.signal?.throwIfAborted()
    throw withFile(options.location, error)
  }
}

async function chosenRowGroups(footer: FileMetaData, schema: FileSchema, options: ParquetReadOptions): Promise<ChosenRowGroup[]> {
  try {
    return await chooseRowGroups(footer, schema, options)
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

function filePlan(options: ParquetReadOptions, pool: EnginePool, schema: FileSchema): FilePlan {
  const wanted = options.projection.fields.filter((field) => options.constants?.has(field.id) !== true)
  const nodes = pruneColumns(schema.fields, wanted)
  const source = namingFile(options.location, () => new ArrowSchema(nodes.map((node) => arrowFieldOf(node))))
  const { projection, constants, location } = options
  const projector = batchProjector({ projection, source, constants, file: location })
  const leaves = nodes.flatMap((node) => collectLeaves(node))
  return { options, pool, nodes, leaves, source, projector, batchRows: options.batchRows ?? DEFAULT_BATCH_ROWS }
}

/** The decoding jobs of all row groups in order; a row group's chunks are fetched while the one before is decoded. */
async function* decodeTasks(plan: FilePlan, groups: readonly ChosenRowGroup[]): AsyncGenerator<DecodeTask> {
  let next = groups.length > 0 ? fetchRowGroup(plan, groups[0]!) : undefined
  for (let i = 0; i < groups.length; i++) {
    const chunks = await next!
    next = i + 1 < groups.length ? fetchRowGroup(plan, groups[i + 1]!) : undefined
    // Whoever stops early never awaits it
    next?.catch(() => undefined)
    yield* rowGroupTasks(plan, groups[i]!, chunks)
  }
}

function* rowGroupTasks(plan: FilePlan, group: ChosenRowGroup, chunks: FetchedChunks): Generator<DecodeTask> {
  const { numRows } = group.rowGroup
  if (plan.nodes.length === 0) {
    yield async () => ({ firstPosition: group.firstPosition, rows: numRows, result: undefined })
    return
  }
  const pages = new RowGroupPages(plan.nodes, chunks, numRows)
  const { wanted } = plan.options
  for (const window of pages.windows(WINDOW_BYTES, plan.batchRows)) {
    const first = group.firstPosition + window.start
    if (wanted !== undefined && wanted.countInRange(first, first + window.rows) === 0) continue
    yield async () => {
      const bytes = pages.decodedBytes(window)
      const moved = plan.pool.usesWorker(bytes)
      const job = pages.job(window, plan.batchRows, moved)
      const transfer = moved ? job.fields.flatMap((field) => field.leaves.map((leaf) => leaf.pages.buffer as ArrayBuffer)) : []
      const result = (await plan.pool.run(job, bytes, transfer)) as DecodeResult
      return { firstPosition: group.firstPosition + window.start, rows: window.rows, result }
    }
  }
}

async function fetchRowGroup(plan: FilePlan, { rowGroup }: ChosenRowGroup): Promise<FetchedChunks> {
  const { options } = plan
  const chunks = plan.leaves.map((leaf) => locateChunk(options, leaf, rowGroup.columns[leaf.columnIndex]!))
  const indexed = rowGroup.totalByteSize >= MIN_INDEXED_BYTES ? chunks.filter((chunk) => chunk.indexRange !== undefined) : []
  const ranges = [...chunks.map((chunk) => chunk.range), ...indexed.map((chunk) => chunk.indexRange!)]
  const bytes = ranges.length === 0 ? [] : await options.io.readMany(options.location, ranges, { signal: options.signal })
  const indexes = new Map(indexed.map((chunk, i) => [chunk.leaf, bytes[chunks.length + i]!]))
  return new Map(
    chunks.map(({ leaf, metaData }, i) => {
      const index = indexes.get(leaf)
      return [leaf.columnIndex, { leaf, metaData, bytes: bytes[i]!, offsetIndex: index && decodeOffsetIndex(index) }]
    }),
  )
}

interface LocatedChunk {
  readonly leaf: LeafNode
  readonly metaData: ColumnMetaData
  readonly range: ByteRange
  /** Of the offset index, where it tells more than the pages do. */
  readonly indexRange: ByteRange | undefined
}

function locateChunk(options: ParquetReadOptions, leaf: LeafNode, chunk: ColumnChunk): LocatedChunk {
  const { metaData } = chunk
  const unsupported = (problem: string): FloeError => new FloeError('UNSUPPORTED', problem, { column: leaf.name })
  if (chunk.cryptoMetadata !== undefined || metaData === undefined) throw unsupported('the Parquet column is encrypted')
  if (chunk.filePath !== undefined && chunk.filePath !== '') throw unsupported('the Parquet column lies in another file')
  if (metaData.type !== leaf.element.type) throw corrupt(`has the column ${leaf.name} of two physical types`)
  if (metaData.codec < 0 || metaData.codec > 7 || metaData.codec === 3) {
    throw unsupported(`Parquet codec ${metaData.codec} is not supported; rewrite the file with zstd`)
  }
  const { dictionaryPageOffset: dictionary, dataPageOffset: data, totalCompressedSize: length } = metaData
  // Old writers set the dictionary's offset to zero where there is none
  const offset = dictionary !== undefined && dictionary > 0 && dictionary < data ? dictionary : data
  if (offset < 4 || length < 0 || offset + length > options.fileSizeBytes - 8) {
    throw corrupt(`places the column ${leaf.name} at ${offset}+${length} in a file of ${options.fileSizeBytes} bytes`)
  }
  const indexRange = leaf.maxRepetitionLevel > 0 ? offsetIndexRange(options, chunk) : undefined
  return { leaf, metaData, range: { offset, length }, indexRange }
}

function offsetIndexRange(options: ParquetReadOptions, chunk: ColumnChunk): ByteRange | undefined {
  const { offsetIndexOffset: offset, offsetIndexLength: length } = chunk
  if (offset === undefined || length === undefined) return undefined
  return offset < 4 || length <= 0 || offset + length > options.fileSizeBytes - 8 ? undefined : { offset, length }
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
