import type { RecordBatch } from 'apache-arrow'
import { compileBatchFilter } from '../arrow/filter-batch.js'
import { batchProjector } from '../arrow/project-batch.js'
import { arrowSchema } from '../arrow/arrow-schema.js'
import { filterBatch } from '../arrow/row-mask.js'
import { sliceBatch } from '../arrow/take.js'
import type { BoundExpression } from '../expression/expression.js'
import { bind } from '../expression/bind.js'
import { filterFieldIds } from '../expression/field-ids.js'
import { parseExpression } from '../expression/expression-json.js'
import { throwIfAborted } from '../io/aborted.js'
import type { FileIO } from '../io/file-io.js'
import { concatPrefetched } from '../io/ordered-prefetch.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { readText, tableProperties } from '../metadata/table-properties.js'
import type { ParquetEngine, RowGroupDecision } from '../parquet/parquet-engine.js'
import { partitionType } from '../partition/partition-type.js'
import type { PartitionSpec } from '../partition/partition-spec.js'
import { type NameMapping, parseNameMapping } from '../schema/name-mapping.js'
import type { Schema } from '../schema/schema.js'
import { valueFromJson } from '../schema/single-value-json.js'
import { printTypeName } from '../schema/type-name.js'
import type { NestedField, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { type JsonValue, parseJson } from '../util/json.js'
import type { FileScanTask } from './file-scan-task.js'
import type { PlannedFile } from './scan-plan.js'

/** How planned files become rows. */
export interface ReadRequest {
  readonly io: FileIO
  readonly engine: ParquetEngine
  readonly metadata: TableMetadata
  /** The schema that the files were planned with. */
  readonly schema: Schema
  /** The columns to produce. */
  readonly projection: Schema
  readonly caseSensitive?: boolean | undefined
  /** At most this many rows a batch. */
  readonly batchRows?: number | undefined
  /** Stop after so many rows. */
  readonly limit?: number | undefined
  /** Files opened ahead of the one being read. Default: 1 where the first is small; a large one keeps every thread busy by itself. */
  readonly filesAhead?: number | undefined
  readonly onRowGroup?: ((file: string, decision: RowGroupDecision) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** One file, or a part of one, with all that reading it takes. */
interface ReadableFile {
  readonly filePath: string
  readonly fileFormat: string
  readonly fileSizeBytes: number
  readonly specId: number
  readonly partition: readonly Value[]
  readonly split: { readonly offset: number; readonly length: number } | undefined
  readonly deleteFiles: readonly string[]
  readonly residual: BoundExpression
}

/**
 * The rows of planned files as Arrow record batches, in the order of the files, filtered, with exactly the projection's
 * columns. Batches are never empty.
 *
 * @throws FloeError `UNSUPPORTED` for a file that has deletes or is not Parquet: it is never read wrong
 */
export function readPlannedFiles(files: Iterable<PlannedFile>, request: ReadRequest): AsyncGenerator<RecordBatch, void, undefined> {
  return readAll(mapIterable(files, ofPlanned), request)
}

/** The same for tasks that were planned elsewhere, {@link ScanPlan.tasks}. */
export function readTasks(tasks: Iterable<FileScanTask>, request: ReadRequest): AsyncGenerator<RecordBatch, void, undefined> {
  return readAll(mapIterable(tasks, (task) => ofTask(task, request)), request)
}

async function* readAll(files: Iterable<ReadableFile>, request: ReadRequest): AsyncGenerator<RecordBatch, void, undefined> {
  let left = request.limit ?? Infinity
  if (left <= 0) return
  const reader = new FileReader(request)
  const [first, all] = peek(files)
  const ahead = request.filesAhead ?? ((first?.split?.length ?? first?.fileSizeBytes ?? 0) > LARGE_FILE_BYTES ? 0 : 1)
  for await (const batch of concatPrefetched(all, ahead, (file) => reader.read(file))) {
    throwIfAborted(request.signal)
    if (batch.numRows === 0) continue
    if (batch.numRows >= left) {
      yield sliceBatch(batch, 0, left)
      return
    }
    left -= batch.numRows
    yield batch
  }
}

/** Two files of this size under way would hold more than reading one of them faster is worth. */
const LARGE_FILE_BYTES = 16 * 2 ** 20

/** The first item, and all of them. */
function peek<T>(items: Iterable<T>): readonly [first: T | undefined, all: Iterable<T>] {
  const iterator = items[Symbol.iterator]()
  const first = iterator.next()
  if (first.done === true) return [undefined, []]
  const all = function* (): Generator<T, void, undefined> {
    yield first.value
    yield* { [Symbol.iterator]: () => iterator }
  }
  return [first.value, all()]
}

class FileReader {
  readonly #request: ReadRequest
  readonly #nameMapping: NameMapping | undefined
  readonly #constants = new Map<number, readonly { readonly index: number; readonly sourceId: number }[]>()

  constructor(request: ReadRequest) {
    this.#request = request
    const mapping = readText(request.metadata.properties, tableProperties.nameMapping)
    this.#nameMapping = mapping === undefined ? undefined : parseNameMapping(mapping)
  }

  async *read(file: ReadableFile): AsyncGenerator<RecordBatch, void, undefined> {
    refuseUnreadable(file)
    const { io, engine, schema, projection, batchRows, signal, onRowGroup } = this.#request
    const residual = file.residual
    if (residual.op === 'false') return
    const filterIds = filterFieldIds(residual)
    const wanted = new Set(projection.fieldIds())
    const extra = [...filterIds].filter((id) => !wanted.has(id))
    const read = extra.length === 0 ? projection : schema.projectIds([...wanted, ...extra])
    const narrow = extra.length === 0 ? undefined : batchProjector({ projection, source: arrowSchema(read), file: file.filePath })
    const filter = residual.op === 'true' ? undefined : compileBatchFilter(residual, read)
    const batches = engine.read({
      io,
      location: file.filePath,
      fileSizeBytes: file.fileSizeBytes,
      projection: read,
      nameMapping: this.#nameMapping,
      constants: this.#constantsOf(file),
      filter: residual,
      split: file.split,
      batchRows,
      signal,
      onRowGroup: onRowGroup === undefined ? undefined : (decision) => onRowGroup(file.filePath, decision),
    })
    for await (const { batch } of batches) {
      const matching = filter === undefined ? batch : filterBatch(batch, filter(batch))
      if (matching.numRows > 0) yield narrow === undefined ? matching : narrow.project(matching)
    }
  }

  // Spec: Column Projection: values of identity partitions stand for columns that files of migrated tables lack
  #constantsOf(file: ReadableFile): ReadonlyMap<number, Value> {
    let fields = this.#constants.get(file.specId)
    if (fields === undefined) {
      fields = specOf(this.#request.metadata, file).fields.flatMap((field, index) =>
        field.transform === 'identity' && field.sourceIds.length === 1 ? [{ index, sourceId: field.sourceIds[0]! }] : [],
      )
      this.#constants.set(file.specId, fields)
    }
    return new Map(fields.map(({ index, sourceId }) => [sourceId, file.partition[index] ?? null]))
  }
}

function refuseUnreadable(file: ReadableFile): void {
  if (file.deleteFiles.length > 0) {
    throw new FloeError('UNSUPPORTED', `This version does not apply deletes, and the file has ${file.deleteFiles.length}: read it with another engine`, {
      file: file.filePath,
    })
  }
  if (file.fileFormat !== 'parquet') {
    throw new FloeError('UNSUPPORTED', `This version reads Parquet data files, not ${file.fileFormat}: read it with another engine`, { file: file.filePath })
  }
}

function specOf(metadata: TableMetadata, file: { readonly specId: number; readonly filePath: string }): PartitionSpec {
  const spec = metadata.partitionSpecs.find((candidate) => candidate.specId === file.specId)
  if (spec === undefined) throw new FloeError('CORRUPT', `The file has partition spec ${file.specId}, which the table does not have`, { file: file.filePath })
  return spec
}

function ofPlanned(file: PlannedFile): ReadableFile {
  const { filePath, fileFormat, fileSizeBytes, specId, partition, residual } = file
  const deleteFiles = file.deletes.map((deletes) => deletes.filePath)
  return { filePath, fileFormat, fileSizeBytes, specId, partition, split: undefined, deleteFiles, residual }
}

function ofTask(task: FileScanTask, request: ReadRequest): ReadableFile {
  const type = partitionType(specOf(request.metadata, task), request.schema, request.metadata.schemas)
  const tuple = parseJson(task.partition)
  if (!Array.isArray(tuple)) throw new FloeError('INVALID', "The task's partition is not a JSON array: make tasks with a plan", { file: task.filePath })
  return {
    ...task,
    partition: type.fields.map((field, index) => valueFromJson(field.type, (tuple[index] as JsonValue | undefined) ?? null)),
    split: { offset: task.start, length: task.length },
    residual: residualOf(task, request),
  }
}

/** Names of a residual mean the columns that they meant where it was planned; those may have other names by now. */
function residualOf(task: FileScanTask, { metadata, schema }: ReadRequest): BoundExpression {
  const planned = schema.schemaId === task.schemaId ? schema : metadata.schemas.find((candidate) => candidate.schemaId === task.schemaId)
  const advice = 'read the task with the metadata that it was planned with'
  if (planned === undefined) {
    throw new FloeError('INVALID', `The task was planned with schema ${task.schemaId}, which the table does not have: ${advice}`, { file: task.filePath })
  }
  const residual = bind(parseExpression(parseJson(task.residual)), planned, { caseSensitive: true })
  const changed = [...filterFieldIds(residual)].find((id) => !sameType(planned.fieldById(id), schema.fieldById(id)))
  if (planned === schema || changed === undefined) return residual
  throw new FloeError('INVALID', `A column of the task's filter was dropped or changed its type since it was planned: ${advice}`, {
    file: task.filePath,
    column: planned.pathOf(changed)!,
  })
}

function sameType(a: NestedField | undefined, b: NestedField | undefined): boolean {
  return a !== undefined && b !== undefined && printTypeName(a.type) === printTypeName(b.type)
}

function* mapIterable<T, R>(items: Iterable<T>, map: (item: T) => R): Generator<R, void, undefined> {
  for (const item of items) yield map(item)
}
