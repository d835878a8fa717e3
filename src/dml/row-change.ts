import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { CommitResult } from '../commit/commit-table.js'
import { changeFiles, type ChangeFilesOptions, type FileChanges } from '../commit/change-files.js'
import type { Expression } from '../expression/expression.js'
import { throwIfAborted } from '../io/aborted.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import type { DataFile } from '../manifest/data-file.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { readText, tableProperties } from '../metadata/table-properties.js'
import { planScan } from '../scan/plan-scan.js'
import type { ScanPlan } from '../scan/scan-plan.js'
import { branchHead, MAIN_BRANCH, snapshotById } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import { commitChanges, isEmptyChange, type DmlContext } from './dml-context.js'
import { VectorMerging } from './merge-vectors.js'
import { usesVectors } from './removed-rows.js'
import { RowChangeSet, type ChangedRows, type WriteMode } from './row-change-set.js'

/** Options that every change of rows takes. */
export interface RowChangeOptions {
  /** The branch to change; made on top of `main` when there is none of that name. Default `main`. */
  readonly branch?: string | undefined
  /**
   * Makes the change idempotent: when a snapshot of the branch's history was made with the same token, its counts are the
   * answer and nothing is changed.
   */
  readonly idempotencyToken?: string | undefined
  /** Kept in the snapshot's summary. */
  readonly summary?: Readonly<Record<string, string>> | undefined
  /** Default: the table's property for the operation, `write.delete.mode` and so on; else `copy-on-write`. */
  readonly mode?: WriteMode | undefined
  /** Default: the table's property for the operation, `write.delete.isolation-level` and so on; else `serializable`. */
  readonly isolation?: IsolationLevel | undefined
  /** Count what would change, and commit nothing. Default false. */
  readonly dryRun?: boolean | undefined
  /** Bytes of rows held in memory over all partitions. Default 256 MiB. */
  readonly memoryBudgetBytes?: number | undefined
  /** Data files open at once. Default 256. */
  readonly maxOpenFiles?: number | undefined
  /** Called now and then with what was done so far. */
  readonly onProgress?: ((progress: RowChangeProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * What must not have happened between planning and committing. `snapshot`: nobody else changed the same rows. `serializable`:
 * nor added rows that the filter may select.
 */
export type IsolationLevel = 'serializable' | 'snapshot'

export interface RowChangeProgress {
  /** Rows found or written so far. */
  readonly rows: number
}

/** What a change of rows came to. */
export interface RowChangeResult {
  /** Undefined when there was nothing to change, and for a dry run. */
  readonly snapshot: Snapshot | undefined
  /** Rows that are gone; those that were updated are not among them. */
  readonly deletedRows: number
  readonly updatedRows: number
  readonly insertedRows: number
  readonly addedDataFiles: number
  readonly removedDataFiles: number
  /** Deletion vectors count one by one, also where they share a file. */
  readonly addedDeleteFiles: number
  readonly removedDeleteFiles: number
  /** True when an earlier call with the same idempotency token made the change. */
  readonly isRepeat: boolean
}

/** The result of a change, and the table as it is after it. */
export interface RowChangeOutcome {
  readonly result: RowChangeResult
  /** Undefined when nothing was committed, unless the change was planned again: then the version that it found nothing in. */
  readonly table: LoadedTable | undefined
}

/** What kind of change is made, and which properties of the table steer it. */
export interface RowChangeKind {
  /** For messages. */
  readonly name: string
  readonly properties: 'delete' | 'update' | 'merge'
  /** The rows that the change depends on. */
  readonly filter: Expression
  /** All rows of the filter are replaced. Default false. */
  readonly replacesFilter?: boolean | undefined
  readonly caseSensitive?: boolean | undefined
  /** Default: the head of the branch. */
  readonly startingSnapshotId?: bigint | undefined
  /** Whether it does not matter what others deleted meanwhile. Default: true for a serializable delete. */
  readonly allowConcurrentDeletes?: boolean | undefined
}

const MODES = { delete: tableProperties.deleteMode, update: tableProperties.updateMode, merge: tableProperties.mergeMode } as const
const ISOLATIONS = {
  delete: tableProperties.deleteIsolation,
  update: tableProperties.updateIsolation,
  merge: tableProperties.mergeIsolation,
} as const

/** How the table's properties, or the call, want an operation to be written. */
export function writeModeOf(metadata: TableMetadata, kind: Pick<RowChangeKind, 'properties'>, asked: WriteMode | undefined): WriteMode {
  return asked ?? (readText(metadata.properties, MODES[kind.properties]) as WriteMode)
}

/** The snapshot that a change of the branch builds on, undefined for an empty branch. */
export function baseSnapshot(context: DmlContext, branch: string | undefined): Snapshot | undefined {
  return branchHead(context.loaded.metadata, branch ?? MAIN_BRANCH)
}

/** The files of the branch's head that the filter may select rows of. */
export function planChange(
  context: DmlContext,
  filter: Expression,
  options: Pick<RowChangeOptions, 'branch' | 'signal'> & Pick<RowChangeKind, 'caseSensitive' | 'startingSnapshotId'>,
): Promise<ScanPlan> {
  const { io, metadata } = context.loaded
  const { branch, signal, caseSensitive, startingSnapshotId } = options
  const snapshot = startingSnapshotId === undefined ? baseSnapshot(context, branch) : snapshotById(metadata, startingSnapshotId)
  return planScan({ io, metadata, snapshot, schema: currentSchema(metadata), filter, caseSensitive, includeColumnStats: true, signal })
}

/** How a change is to be committed, beyond what its kind says. */
export interface CommitHints extends Pick<ChangeFilesOptions, 'replacePartitions' | 'operation' | 'guard'> {
  /** Files that come and go besides those of the set. */
  readonly extra?: FileChanges | undefined
  /** Those of `extra` that were there before: they are not removed when the commit fails. */
  readonly sparedFiles?: readonly DataFile[] | undefined
}

/** Gathers a change of rows in a set. */
export type GatherChange = (set: RowChangeSet, progress: ProgressMeter) => Promise<CommitHints | undefined | void>

/**
 * Runs one change of rows: gathers it, writes its files and commits them, unless nothing changes. When anything fails before
 * the commit, no file is left.
 */
export async function runRowChange(
  context: DmlContext,
  options: RowChangeOptions,
  kind: RowChangeKind,
  gather: GatherChange,
): Promise<RowChangeOutcome> {
  throwIfAborted(options.signal)
  const repeated = await findRepeated(context, options, kind)
  if (repeated !== undefined) return repeated
  const { dryRun, memoryBudgetBytes, maxOpenFiles, signal } = options
  const mode = writeModeOf(context.loaded.metadata, kind, options.mode)
  const set = new RowChangeSet(context, { mode, dryRun, memoryBudgetBytes, maxOpenFiles, signal })
  let changed: ChangedRows
  let hints: CommitHints | undefined | void
  try {
    hints = await gather(set, new ProgressMeter(options))
    throwIfAborted(signal)
    changed = withExtra(await set.finish(), hints?.extra)
  } catch (error) {
    await set.abort()
    throw error
  }
  if (dryRun === true || isEmptyChange(changed.changes)) return { result: uncommitted(changed), table: undefined }
  return commitRows(context, { ...changed, hints: hints ?? {} }, options, kind)
}

function withExtra(changed: ChangedRows, extra: FileChanges | undefined): ChangedRows {
  if (extra === undefined) return changed
  const { changes } = changed
  return {
    ...changed,
    changes: {
      addedDataFiles: [...changes.addedDataFiles, ...extra.addedDataFiles],
      removedDataFiles: [...changes.removedDataFiles, ...extra.removedDataFiles],
      addedDeleteFiles: [...changes.addedDeleteFiles, ...extra.addedDeleteFiles],
      removedDeleteFiles: [...changes.removedDeleteFiles, ...extra.removedDeleteFiles],
    },
    insertedRows: changed.insertedRows + extra.addedDataFiles.reduce((rows, file) => rows + file.recordCount, 0),
  }
}

/** Tells the caller how far a change has come. */
export class ProgressMeter {
  readonly #onProgress: RowChangeOptions['onProgress']
  #rows = 0

  constructor(options: Pick<RowChangeOptions, 'onProgress'>) {
    this.#onProgress = options.onProgress
  }

  add(rows: number): void {
    this.#rows += rows
    this.#onProgress?.({ rows: this.#rows })
  }
}

function uncommitted(changed: ChangedRows): RowChangeResult {
  const { changes } = changed
  return {
    snapshot: undefined,
    ...countsOf(changed, 0),
    addedDataFiles: changes.addedDataFiles.length,
    removedDataFiles: changes.removedDataFiles.length,
    addedDeleteFiles: changes.addedDeleteFiles.length,
    removedDeleteFiles: changes.removedDeleteFiles.length,
    isRepeat: false,
  }
}

type RowCounts = Pick<RowChangeResult, 'deletedRows' | 'updatedRows' | 'insertedRows'>

/** `byOthers`: rows that another commit deleted before ours did. */
function countsOf({ removedRows, rewrittenRows, insertedRows }: ChangedRows, byOthers: number): RowCounts {
  return { deletedRows: removedRows - rewrittenRows - byOthers, updatedRows: rewrittenRows, insertedRows }
}

async function commitRows(
  context: DmlContext,
  changed: ChangedRows & { readonly hints: CommitHints },
  options: RowChangeOptions,
  kind: RowChangeKind,
): Promise<RowChangeOutcome> {
  const isolation = isolationOf(context.loaded.metadata, kind, options)
  const isDelete = kind.name === 'delete'
  // A row that both this and another commit deleted is gone, unless an update of theirs wrote it anew: which is seen only then.
  const toleratesDeletes = kind.allowConcurrentDeletes ?? (isDelete && isolation === 'serializable')
  const merging = new VectorMerging(context, changed.deletedPositions, { name: kind.name, toleratesDeletes })
  const { extra: _, ...hints } = changed.hints
  const { result, isOurs } = await commitChanges(context, changed.changes, {
    ...commitOptions(options, kind, countsOf(changed, 0)),
    validation: {
      startingSnapshotId: kind.startingSnapshotId ?? baseSnapshot(context, options.branch)?.snapshotId,
      isolation,
      conflictFilter: kind.filter,
      caseSensitive: kind.caseSensitive,
      // What toleratesDeletes is about, vectors tell row by row; of position delete files all in scope conflict.
      allowConcurrentDeletes: toleratesDeletes || (isDelete && usesVectors(context.loaded.metadata)),
      replacesFilter: kind.replacesFilter,
      removesKnownRows: isDelete && !toleratesDeletes,
      referencedDataFiles: changed.deletedPositions.keys(),
    },
    ...hints,
    ...(hints.operation === 'replace' ? { droppedRowCount: droppedRows(changed.changes) } : {}),
    // Position delete files of others are not merged: where they must not be, they conflict.
    ...(usesVectors(context.loaded.metadata) ? { mergeVectors: (conflicts, hook) => merging.merge(conflicts, hook) } : {}),
    ownsFiles: true,
    signal: options.signal,
  })
  if (!isOurs) return repeatedResult(result)
  return { result: committed(result, countsOf(changed, merging.deletedByOthers)), table: result.table }
}

/** Rows of replaced data files that are not written again: deletes cover them. */
function droppedRows({ addedDataFiles, removedDataFiles }: FileChanges): number {
  const rowsOf = (files: readonly DataFile[]): number => files.reduce((rows, file) => rows + file.recordCount, 0)
  return rowsOf(removedDataFiles) - rowsOf(addedDataFiles)
}

function isolationOf(metadata: TableMetadata, kind: RowChangeKind, options: RowChangeOptions): IsolationLevel {
  return options.isolation ?? (readText(metadata.properties, ISOLATIONS[kind.properties]) as IsolationLevel)
}

const COUNTS = { deletedRows: 'floe.deleted-rows', updatedRows: 'floe.updated-rows', insertedRows: 'floe.inserted-rows' } as const

function commitOptions(
  options: RowChangeOptions,
  kind: Pick<RowChangeKind, 'name'>,
  counts: RowCounts,
): Pick<ChangeFilesOptions, 'name' | 'branch' | 'commitToken' | 'properties'> {
  const { branch, idempotencyToken } = options
  const properties = new Map(Object.entries(options.summary ?? {}))
  // A repeated call answers what the first one did.
  if (idempotencyToken !== undefined) {
    for (const [count, name] of Object.entries(COUNTS)) properties.set(name, String(counts[count as keyof RowCounts]))
  }
  return { name: kind.name, ...(branch === undefined ? {} : { branch }), commitToken: idempotencyToken, properties }
}

const NO_CHANGE: FileChanges = { addedDataFiles: [], removedDataFiles: [], addedDeleteFiles: [], removedDeleteFiles: [] }
const NO_COUNTS: RowCounts = { deletedRows: 0, updatedRows: 0, insertedRows: 0 }

/** Looks for the token before anything is read or written. Names and properties that are refused are refused here. */
async function findRepeated(
  context: DmlContext,
  options: RowChangeOptions,
  kind: RowChangeKind,
): Promise<RowChangeOutcome | undefined> {
  const probe = changeFiles(NO_CHANGE, commitOptions(options, kind, NO_COUNTS), context.runtime)
  if (options.idempotencyToken === undefined) return undefined
  const { metadata } = context.loaded
  const snapshot = probe.findCommitted?.(metadata)
  return snapshot === undefined ? undefined : repeatedResult({ table: context.loaded, snapshot, attempts: 0, warnings: [] })
}

function repeatedResult(result: CommitResult): RowChangeOutcome {
  const count = (name: string): number => Number(result.snapshot?.summary.get(name) ?? 0)
  const [deletedRows, updatedRows, insertedRows] = [count(COUNTS.deletedRows), count(COUNTS.updatedRows), count(COUNTS.insertedRows)]
  const counted = committed(result, { deletedRows, updatedRows, insertedRows })
  return { result: { ...counted, isRepeat: true }, table: result.table }
}

function committed(result: CommitResult, counts: RowCounts): RowChangeResult {
  const { snapshot } = result
  if (snapshot === undefined) throw new FloeError('COMMIT_STATE_UNKNOWN', 'The change was committed without a snapshot: reload the table')
  const count = (name: string): number => Number(snapshot.summary.get(name) ?? 0)
  return {
    snapshot,
    ...counts,
    addedDataFiles: count('added-data-files'),
    removedDataFiles: count('deleted-data-files'),
    addedDeleteFiles: count('added-delete-files'),
    removedDeleteFiles: count('removed-delete-files'),
    isRepeat: false,
  }
}
