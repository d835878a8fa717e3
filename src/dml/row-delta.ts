import { PositionBitmap } from '../deletes/position-bitmap.js'
import type { FileChanges } from '../commit/change-files.js'
import { throwIfAborted } from '../io/aborted.js'
import { mapParallel } from '../io/bounded-parallel.js'
import type { Expression } from '../expression/expression.js'
import { alwaysTrue } from '../expression/predicates.js'
import type { DataFile } from '../manifest/data-file.js'
import { referencedDataFile } from '../manifest/file-identity.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import { partitionKey } from '../partition/partition-key.js'
import type { PlannedFile } from '../scan/scan-plan.js'
import { FloeError } from '../util/errors.js'
import type { WriteInput } from '../write/input-items.js'
import { inputBatches, type InputOptions } from '../write/input-rows.js'
import { writeKeyDeletes, type KeyDeletes } from './delete-by-keys.js'
import type { DmlContext } from './dml-context.js'
import { baseSnapshot, planChange, runRowChange, type RowChangeKind, type RowChangeOptions, type RowChangeOutcome } from './row-change.js'
import type { RowChangeSet } from './row-change-set.js'

/** Changes of a table by callers that know files and positions. All members that are given are committed as one snapshot. */
export interface RowDelta {
  /** New rows. */
  readonly addRows?: WriteInput | undefined
  /** Data files that exist already, with their metrics. Their paths must be new to the table. */
  readonly addDataFiles?: readonly DataFile[] | undefined
  /** Positions of rows to delete, from 0, by location of their data file, as `_file` and `_pos` tell them. */
  readonly deletePositions?: ReadonlyMap<string, Iterable<number | bigint>> | undefined
  /** Keys of rows to delete that need not be looked up. Rows of the same delta are not deleted by them. */
  readonly deleteKeys?: KeyDeletes | undefined
  /** Data files to remove with all their rows. */
  readonly removeDataFiles?: Iterable<string> | undefined
  /** Delete files and vectors that exist already, each of the spec and partition of the data file that it names. */
  readonly addDeleteFiles?: readonly DataFile[] | undefined
  /** Delete files and vectors that go; removed data files take theirs with them. */
  readonly removeDeleteFiles?: readonly DataFile[] | undefined
}

export interface RowDeltaOptions
  extends Omit<RowChangeOptions, 'isolation' | 'mode'>,
    Pick<InputOptions, 'unknownColumns' | 'parseText'> {
  /** The snapshot that positions and files were read from. Default: the branch's head as this table sees it. */
  readonly startingSnapshotId?: bigint | undefined
  /**
   * What others must not have done since. Default: only that the data files whose rows are deleted are still there; so that
   * writers of streams do not stop each other.
   */
  readonly isolation?: RowChangeOptions['isolation']
  /** The rows that the delta depends on, when there is an isolation. Default: all. */
  readonly conflictFilter?: Expression | undefined
}

/**
 * Commits a delta of rows. Positions are marked by vectors or position delete files, merged with those that are there.
 *
 * @throws FloeError `INVALID` for positions beyond a file's rows and for given delete files of another partition than their data file,
 * `CONFLICT` for data files that are not there any more
 */
export function commitRowDelta(context: DmlContext, delta: RowDelta, options: RowDeltaOptions): Promise<RowChangeOutcome> {
  const { isolation } = options
  const startingSnapshotId = options.startingSnapshotId ?? baseSnapshot(context, options.branch)?.snapshotId
  const kind: RowChangeKind = {
    name: 'row delta',
    properties: 'merge',
    filter: options.conflictFilter ?? alwaysTrue(),
    startingSnapshotId,
    allowConcurrentDeletes: isolation === undefined,
  }
  const checked = { ...options, mode: 'merge-on-read', isolation: isolation ?? 'snapshot' } as const
  return runRowChange(context, checked, kind, async (set, progress) => {
    const given = [...(delta.addDataFiles ?? []), ...(delta.addDeleteFiles ?? [])]
    await checkGivenFiles(context, given, options.signal)
    await applyToPlanned(context, set, delta, { ...options, startingSnapshotId })
    if (delta.addRows !== undefined) {
      for await (const batch of inputBatches(delta.addRows, currentSchema(context.loaded.metadata), options)) {
        await set.insert(batch)
        progress.add(batch.numRows)
      }
    }
    const { deleteKeys } = delta
    const keyDeletes = deleteKeys === undefined || options.dryRun === true ? [] : await writeKeyDeletes(context, deleteKeys, options)
    for (const file of keyDeletes) set.own(file)
    return { extra: filesOf(delta, keyDeletes), sparedFiles: given }
  })
}

const HEADS_AT_ONCE = 8

/** A file that is missing, cut off or out of the table's reach would make the table unreadable. */
async function checkGivenFiles({ loaded }: DmlContext, files: readonly DataFile[], signal: AbortSignal | undefined): Promise<void> {
  const sizes = new Map(files.map((file) => [file.filePath, file.fileSizeBytes]))
  await mapParallel([...sizes], HEADS_AT_ONCE, async ([file, fileSizeBytes]) => {
    throwIfAborted(signal)
    const status = await loaded.io.head(file)
    if (status === undefined) throw new FloeError('NOT_FOUND', 'a file that is to be added does not exist', { file })
    if (status.sizeBytes === fileSizeBytes) return
    throw new FloeError('INVALID', `a file that is to be added has ${status.sizeBytes} bytes, and not ${fileSizeBytes}`, { file })
  })
}

function filesOf(delta: RowDelta, keyDeletes: readonly DataFile[]): FileChanges {
  return {
    addedDataFiles: delta.addDataFiles ?? [],
    removedDataFiles: [],
    addedDeleteFiles: [...(delta.addDeleteFiles ?? []), ...keyDeletes],
    removedDeleteFiles: delta.removeDeleteFiles ?? [],
  }
}

/** Marks and removes what is named of the planned files, and checks given delete files against the files that they name. */
async function applyToPlanned(context: DmlContext, set: RowChangeSet, delta: RowDelta, options: RowDeltaOptions): Promise<void> {
  const { deletePositions = new Map(), removeDataFiles = [] } = delta
  const whole = new Set(removeDataFiles)
  const given = deletesByTarget(delta.addDeleteFiles ?? [])
  for (const file of delta.addDataFiles ?? []) {
    for (const deletes of given.get(file.filePath) ?? []) requireSamePartition(deletes, file)
    given.delete(file.filePath)
  }
  const missing = new Set([...whole, ...deletePositions.keys(), ...given.keys()])
  if (missing.size === 0) return
  const plan = await planChange(context, alwaysTrue(), options)
  for (const file of plan.files()) {
    const path = file.filePath
    if (!missing.delete(path)) continue
    for (const deletes of given.get(path) ?? []) requireSamePartition(deletes, file)
    if (whole.has(path)) set.deleteFile(file)
    else if (deletePositions.has(path)) set.deleteRows(file, positionsOf(file, deletePositions.get(path)!))
  }
  const [first] = missing
  if (first !== undefined) {
    throw new FloeError('CONFLICT', 'a data file whose rows are to be deleted is not in the snapshot: look the rows up again', { file: first, retryable: false })
  }
}

function deletesByTarget(files: readonly DataFile[]): Map<string, DataFile[]> {
  const byTarget = new Map<string, DataFile[]>()
  for (const file of files) {
    const target = referencedDataFile(file)
    if (target !== undefined) byTarget.set(target, [...(byTarget.get(target) ?? []), file])
  }
  return byTarget
}

/** Spec: Scan Planning › «The data file's partition (both spec and partition values) is equal to the delete file's partition» */
function requireSamePartition(deletes: DataFile, file: Pick<DataFile, 'filePath' | 'specId' | 'partition'>): void {
  if (deletes.specId === file.specId && partitionKey(deletes.partition) === partitionKey(file.partition)) return
  const message = `a delete file that is to be added is of another partition, or partition spec, than its data file ${file.filePath}`
  throw new FloeError('INVALID', `${message}: give it the specId and partition of that`, { file: deletes.filePath })
}

function positionsOf(file: PlannedFile, positions: Iterable<number | bigint>): PositionBitmap {
  const bitmap = new PositionBitmap()
  for (const position of positions) {
    const ordinal = Number(position)
    if (!Number.isSafeInteger(ordinal) || ordinal < 0 || (file.recordCount >= 0 && ordinal >= file.recordCount)) {
      throw new FloeError('INVALID', `the file has rows 0 to ${file.recordCount - 1}, and no row ${position}`, { file: file.filePath })
    }
    bitmap.add(ordinal)
  }
  return bitmap
}
