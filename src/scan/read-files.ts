import type { RecordBatch } from 'apache-arrow'
import { sliceBatch } from '../arrow/take.js'
import { deleteOfTask, taskLong } from '../deletes/delete-file.js'
import { bind } from '../expression/bind.js'
import type { BoundExpression } from '../expression/expression.js'
import { parseExpression } from '../expression/expression-json.js'
import { filterFieldIds } from '../expression/field-ids.js'
import { throwIfAborted } from '../io/aborted.js'
import { concatPrefetched } from '../io/ordered-prefetch.js'
import { partitionType } from '../partition/partition-type.js'
import { valueFromJson } from '../schema/single-value-json.js'
import { printTypeName } from '../schema/type-name.js'
import type { NestedField } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { type JsonValue, parseJson } from '../util/json.js'
import type { FileScanTask } from './file-scan-task.js'
import { FileReader, specOf } from './file-reader.js'
import type { ReadableFile, ReadRequest } from './file-reader.js'
import type { PlannedFile } from './scan-plan.js'

export type { ReadRequest } from './file-reader.js'

/**
 * The rows of planned files as Arrow record batches, in the order of the files, filtered, with exactly the projection's
 * columns and the metadata columns that were asked for. Deletes are applied. All rows of a batch are of one file; batches are never empty.
 *
 * @throws FloeError `UNSUPPORTED` for a file in ORC, and for deletes in ORC: they are never read wrong
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

function ofPlanned(file: PlannedFile): ReadableFile {
  const { filePath, fileFormat, fileSizeBytes, specId, partition, sequenceNumber, firstRowId, deletes, residual } = file
  const common = { filePath, fileFormat, fileSizeBytes, specId, partition, sequenceNumber, firstRowId, deletes, residual }
  return { ...common, split: undefined, snapshotId: file.snapshotId?.toString() }
}

function ofTask(task: FileScanTask, request: ReadRequest): ReadableFile {
  const type = partitionType(specOf(request.metadata, task.specId, task.filePath), request.schema, request.metadata.schemas)
  const tuple = parseJson(task.partition)
  if (!Array.isArray(tuple)) throw new FloeError('INVALID', "The task's partition is not a JSON array: make tasks with a plan", { file: task.filePath })
  if (!Array.isArray(task.deletes)) throw new FloeError('INVALID', 'The task does not say which deletes apply: make tasks with a plan', { file: task.filePath })
  return {
    ...task,
    partition: type.fields.map((field, index) => valueFromJson(field.type, (tuple[index] as JsonValue | undefined) ?? null)),
    sequenceNumber: taskLong(task.sequenceNumber, task.filePath),
    firstRowId: task.firstRowId === undefined ? undefined : taskLong(task.firstRowId, task.filePath),
    split: { offset: task.start, length: task.length },
    deletes: task.deletes.map(deleteOfTask),
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
