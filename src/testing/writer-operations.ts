/** What writers do to a table, each through the commit operations of the library. */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import { appendFiles } from '../commit/append-files.js'
import { changeFiles, type ChangeFilesOptions, type FileChanges, type HookContext, type NewDeletes, type VectorConflict } from '../commit/change-files.js'
import { cherryPick } from '../commit/cherry-pick.js'
import { metadataOperation, type CommitOperation } from '../commit/commit-operation.js'
import { TransactionBackend } from '../commit/transaction-backend.js'
import { loadDeletionVector } from '../deletes/deletion-vector.js'
import { PositionBitmap } from '../deletes/position-bitmap.js'
import { alwaysTrue } from '../expression/predicates.js'
import type { DataFile } from '../manifest/data-file.js'
import { branchHead, MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import { FloeError, isFloeError } from '../util/errors.js'
import { writeDeletionVectors } from '../write/deletion-vector-writer.js'
import { MARK_PROPERTY, type Part } from './history.js'
import { liveFiles, livePositions, type LiveDataFile } from './table-view.js'
import { TABLE_OPERATIONS } from './table-operations.js'
import { UPKEEP_OPERATIONS } from './upkeep-operations.js'
import { commit, rowsOf, writeDataFile, type WriterContext, type WriterOperation } from './writer-context.js'

const NO_CHANGES: FileChanges = { addedDataFiles: [], removedDataFiles: [], addedDeleteFiles: [], removedDeleteFiles: [] }

const MAX_TRIES = 6

/** Rows named after the operation, `count` of them. */
function newRows(context: WriterContext, count: number, suffix = ''): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${context.operationId}${suffix}.${i}`)
}

function snapshotPart(context: WriterContext, part: Partial<Part>, mark = context.operationId): Part {
  return { mark, kind: 'snapshot', branch: MAIN_BRANCH, adds: [], removes: [], ...part }
}

function marked(mark: string): ReadonlyMap<string, string> {
  return new Map([[MARK_PROPERTY, mark]])
}

async function load(context: WriterContext): Promise<LoadedTable> {
  return context.backend.loadTable(context.identifier)
}

async function appendTo(context: WriterContext, branch: string): Promise<boolean> {
  const { random, runtime } = context
  const table = await load(context)
  const rows = newRows(context, 1 + random.below(3))
  const files = [await writeDataFile(context, table, rows)]
  const more = random.chance(0.4) ? newRows(context, 2, '+') : []
  if (more.length > 0) files.push(await writeDataFile(context, table, more))
  const mode = random.chance(0.5) ? 'fast' : 'merge'
  const token = random.chance(0.5) && !context.losesHistory ? context.operationId : undefined
  context.declare([snapshotPart(context, { adds: [...rows, ...more], branch, keepsFiles: token !== undefined })])
  const operation = (ownsDataFiles: boolean): ReturnType<typeof appendFiles> =>
    appendFiles(files, { mode, branch, commitToken: token, ownsDataFiles, properties: marked(context.operationId) }, runtime)
  try {
    await commit(context, table, operation(token === undefined))
  } catch (error) {
    if (token === undefined || !isFloeError(error, 'COMMIT_STATE_UNKNOWN')) throw error
    await askAgain(context, error, () => operation(false))
  }
  return true
}

/** A caller that gave a token may ask as often as it likes; as long as it gets no answer, it knows what it knew. */
async function askAgain(context: WriterContext, unknown: FloeError, operation: () => CommitOperation): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    try {
      await commit(context, await load(context), operation())
      return
    } catch {
      await context.runtime.sleep(100)
    }
  }
  throw unknown
}

/** Positions by file. */
type ChosenRows = ReadonlyMap<LiveDataFile, readonly number[]>

/** Some live rows of some files: at least one row. `undefined` when there are none. */
function chooseRows(context: WriterContext, files: readonly LiveDataFile[], mostFiles: number): ChosenRows | undefined {
  const { random } = context
  const candidates = files.filter((file) => livePositions(file).length > 0)
  if (candidates.length === 0) return undefined
  const chosen = new Map<LiveDataFile, readonly number[]>()
  for (let i = 0; i < mostFiles; i++) {
    const file = random.pick(candidates)
    const live = livePositions(file)
    const some = live.filter(() => random.chance(0.4))
    chosen.set(file, some.length > 0 ? some : [live[0]!])
  }
  return chosen
}

function namesOf(context: WriterContext, chosen: ReadonlyMap<LiveDataFile, readonly number[]>): readonly string[] {
  return [...chosen].flatMap(([{ file }, positions]) => positions.map((position) => rowsOf(context, file)[position]!))
}

/** New vectors for the chosen rows, and the ones that they replace. */
async function vectorsFor(
  context: WriterContext,
  table: LoadedTable,
  chosen: ReadonlyMap<LiveDataFile, readonly number[]>,
): Promise<Pick<FileChanges, 'addedDeleteFiles' | 'removedDeleteFiles'>> {
  const targets = [...chosen].map(([{ file, deleted }, positions]) => ({
    dataFile: file,
    positions: deleted.union(PositionBitmap.of(positions)),
  }))
  const addedDeleteFiles = await writeDeletionVectors(targets, { io: table.io, metadata: table.metadata, runtime: context.runtime })
  return { addedDeleteFiles, removedDeleteFiles: [...chosen.keys()].flatMap(({ vector }) => vector ?? []) }
}

/** One vector of ours and theirs. An update (`changed`: what it writes anew) cannot follow a delete of its rows. */
function merger(
  context: WriterContext,
  changed: ReadonlyMap<string, PositionBitmap> = new Map(),
): (conflicts: readonly VectorConflict[], hook: HookContext) => Promise<readonly DataFile[]> {
  return async (conflicts, { table }) => {
    const targets = []
    for (const { dataFile, ours, theirs } of conflicts) {
      let others = PositionBitmap.of([])
      for (const { file } of theirs) others = others.union(await loadDeletionVector(table.io, file, { dataFilePath: dataFile }))
      if ((changed.get(dataFile)?.intersection(others).cardinality ?? 0) > 0) {
        throw new FloeError('CONFLICT', 'another commit deleted rows that are updated', { file: dataFile, retryable: true })
      }
      const own = await loadDeletionVector(table.io, ours, { dataFilePath: dataFile })
      targets.push({ dataFile: { filePath: dataFile, specId: ours.specId, partition: ours.partition }, positions: own.union(others) })
    }
    return writeDeletionVectors(targets, { io: table.io, metadata: table.metadata, runtime: context.runtime })
  }
}

function changeOptions(context: WriterContext, table: LoadedTable, options: Partial<ChangeFilesOptions>): ChangeFilesOptions {
  return {
    name: 'change',
    ownsFiles: true,
    properties: marked(context.operationId),
    validation: {
      startingSnapshotId: branchHead(table.metadata, MAIN_BRANCH)?.snapshotId,
      isolation: 'snapshot',
      conflictFilter: alwaysTrue(),
    },
    ...options,
  }
}

async function deleteRows(context: WriterContext): Promise<boolean> {
  const table = await load(context)
  const chosen = chooseRows(context, await liveFiles(table), 1 + context.random.below(2))
  if (chosen === undefined) return false
  context.declare([snapshotPart(context, { removes: namesOf(context, chosen), toleratesGone: true })])
  const vectors = await vectorsFor(context, table, chosen)
  const options = changeOptions(context, table, { mergeVectors: merger(context) })
  const validation = { ...options.validation!, allowConcurrentDeletes: true }
  await commit(context, table, changeFiles({ ...NO_CHANGES, ...vectors }, { ...options, validation }, context.runtime))
  return true
}

async function updateRows(context: WriterContext): Promise<boolean> {
  const table = await load(context)
  const chosen = chooseRows(context, await liveFiles(table), 1)
  if (chosen === undefined) return false
  const before = namesOf(context, chosen)
  const after = before.map((row) => `${row.replace(/'.*/, '')}'${context.operationId}`)
  const vectors = await vectorsFor(context, table, chosen)
  const addedDataFiles = [await writeDataFile(context, table, after)]
  context.declare([snapshotPart(context, { adds: after, removes: before })])
  const changed = new Map([...chosen].map(([{ file }, positions]) => [file.filePath, PositionBitmap.of(positions)]))
  const options = changeOptions(context, table, { mergeVectors: merger(context, changed) })
  await commit(context, table, changeFiles({ ...NO_CHANGES, ...vectors, addedDataFiles }, options, context.runtime))
  return true
}

/** Copy on write: the file is written again without some rows. */
async function rewriteRows(context: WriterContext): Promise<boolean> {
  const table = await load(context)
  const chosen = chooseRows(context, await liveFiles(table), 1)
  if (chosen === undefined) return false
  const [[target, positions]] = [...chosen] as [[LiveDataFile, readonly number[]]]
  const gone = new Set(positions)
  const kept = livePositions(target).filter((position) => !gone.has(position)).map((position) => rowsOf(context, target.file)[position]!)
  const addedDataFiles = kept.length === 0 ? [] : [await writeDataFile(context, table, kept)]
  // A file that goes as a whole may have lost rows to others before.
  context.declare([snapshotPart(context, { removes: namesOf(context, chosen), toleratesGone: kept.length === 0 })])
  const changes = { ...NO_CHANGES, addedDataFiles, removedDataFiles: [target.file] }
  await commit(context, table, changeFiles(changes, changeOptions(context, table, {}), context.runtime))
  return true
}

async function overwriteAll(context: WriterContext): Promise<boolean> {
  const table = await load(context)
  const live = await liveFiles(table)
  if (live.length === 0) return false
  const adds = newRows(context, 2)
  const addedDataFiles = [await writeDataFile(context, table, adds)]
  const removes = live.flatMap((file) => livePositions(file).map((position) => rowsOf(context, file.file)[position]!))
  context.declare([snapshotPart(context, { adds, removes, replacesAll: true, toleratesGone: true })])
  const options = changeOptions(context, table, {})
  const validation = { ...options.validation!, isolation: 'serializable', replacesFilter: true } as const
  const changes = { ...NO_CHANGES, addedDataFiles, removedDataFiles: live.map(({ file }) => file) }
  await commit(context, table, changeFiles(changes, { ...options, validation }, context.runtime))
  return true
}

/** Two or more files become one; rows that others delete meanwhile are deleted from that one. */
async function compact(context: WriterContext): Promise<boolean> {
  const table = await load(context)
  const live = (await liveFiles(table)).filter((file) => livePositions(file).length > 0).slice(0, 2 + context.random.below(3))
  if (live.length < 2) return false
  const places = new Map<string, ReadonlyMap<number, number>>()
  const rows: string[] = []
  for (const file of live) {
    places.set(file.file.filePath, new Map(livePositions(file).map((position, i) => [position, rows.length + i])))
    for (const position of livePositions(file)) rows.push(rowsOf(context, file.file)[position]!)
  }
  const output = await writeDataFile(context, table, rows)
  context.declare([snapshotPart(context, {})])
  const removedDataFiles = live.map(({ file }) => file)
  const before = removedDataFiles.reduce((total, file) => total + file.recordCount, 0)
  const options = changeOptions(context, table, {
    name: 'compaction',
    operation: 'replace',
    droppedRowCount: before - rows.length,
    dataSequenceNumber: table.metadata.lastSequenceNumber,
    carryDeletes: carrier(context, places, output),
  })
  await commit(context, table, changeFiles({ ...NO_CHANGES, addedDataFiles: [output], removedDataFiles }, options, context.runtime))
  return true
}

function carrier(
  context: WriterContext,
  places: ReadonlyMap<string, ReadonlyMap<number, number>>,
  output: DataFile,
): (newDeletes: readonly NewDeletes[], hook: HookContext) => Promise<readonly DataFile[]> {
  return async (newDeletes, { table }) => {
    const positions = PositionBitmap.of([])
    for (const { replaced, deletes } of newDeletes) {
      for (const { file } of deletes) {
        for (const position of await loadDeletionVector(table.io, file, { dataFilePath: replaced.filePath })) {
          const place = places.get(replaced.filePath)?.get(position)
          if (place !== undefined) positions.add(place)
        }
      }
    }
    return writeDeletionVectors([{ dataFile: output, positions }], { io: table.io, metadata: table.metadata, runtime: context.runtime })
  }
}

async function setProperty(context: WriterContext): Promise<boolean> {
  const table = await load(context)
  const mark = `simulation.${context.operationId}`
  context.declare([{ mark, kind: 'property', adds: [], removes: [] }])
  const operation = metadataOperation('property change', () => [{ action: 'set-properties', updates: new Map([[mark, context.operationId]]) }])
  await commit(context, table, operation)
  return true
}

/** Two appends and a property: all or nothing. */
async function transact(context: WriterContext): Promise<boolean> {
  const { runtime, operationId } = context
  const table = await load(context)
  const [first, second] = [newRows(context, 1, 'a'), newRows(context, 2, 'b')]
  const mark = `simulation.${operationId}`
  context.declare([
    snapshotPart(context, { adds: first }, `${operationId}a`),
    { mark, kind: 'property', adds: [], removes: [] },
    snapshotPart(context, { adds: second }, `${operationId}b`),
  ])
  const staging = new TransactionBackend(table)
  const stageAppend = async (rows: readonly string[], name: string): Promise<void> => {
    const files = [await writeDataFile(context, table, rows)]
    await staging.stage(appendFiles(files, { ownsDataFiles: true, properties: marked(name) }, runtime), { runtime })
  }
  try {
    await stageAppend(first, `${operationId}a`)
    const setMark = metadataOperation('property change', () => [{ action: 'set-properties', updates: new Map([[mark, operationId]]) }])
    await staging.stage(setMark, { runtime })
    await stageAppend(second, `${operationId}b`)
  } catch (error) {
    await staging.discard()
    throw error
  }
  await commit(context, table, staging.operation())
  return true
}

/** Stages a snapshot and publishes it: an audit before rows are seen. */
async function publish(context: WriterContext): Promise<boolean> {
  const { runtime, operationId } = context
  const table = await load(context)
  const rows = newRows(context, 2)
  const file = await writeDataFile(context, table, rows)
  context.declare([snapshotPart(context, { adds: rows, branch: undefined })])
  const append = appendFiles([file], { stageOnly: true, ownsDataFiles: true, properties: marked(operationId) }, runtime)
  const staged = await commit(context, table, append)
  context.declare([snapshotPart(context, { adds: rows, publishes: operationId }, `${operationId}.pick`)])
  await commit(context, staged.table, cherryPick(staged.snapshot!.snapshotId, {}, runtime))
  return true
}

export const WRITER_OPERATIONS = {
  append: (context) => appendTo(context, MAIN_BRANCH),
  'append-branch': (context) => appendTo(context, 'audit'),
  delete: deleteRows,
  update: updateRows,
  rewrite: rewriteRows,
  overwrite: overwriteAll,
  compact,
  property: setProperty,
  transaction: transact,
  publish,
  ...TABLE_OPERATIONS,
  ...UPKEEP_OPERATIONS,
} as const satisfies Record<string, WriterOperation>

export type WriterOperationKind = keyof typeof WRITER_OPERATIONS
