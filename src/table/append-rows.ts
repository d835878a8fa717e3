import type { CatalogBackend, LoadedTable } from '../catalog/catalog-backend.js'
import { appendFiles, type AppendOptions } from '../commit/append-files.js'
import { appendQueueOf } from '../commit/append-queue.js'
import type { CommitOperation } from '../commit/commit-operation.js'
import { checkNameUnpublished, WAP_ID_PROPERTY } from '../commit/cherry-pick.js'
import { commitTable, completed, type CommitResult } from '../commit/commit-table.js'
import { RecordedOperation } from '../commit/recorded-operation.js'
import { TransactionBackend } from '../commit/transaction-backend.js'
import type { DataFile } from '../manifest/data-file.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { ParquetEngine } from '../parquet/parquet-engine.js'
import { MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import { checkBytes, checkCount, checkOneOf } from '../util/option-values.js'
import type { Runtime } from '../util/runtime.js'
import type { WriteInput } from '../write/input-items.js'
import type { InputOptions, InvalidRow } from '../write/input-rows.js'
import { writeRows, type WriteRowsRequest } from '../write/write-rows.js'
import { checkArgument, checkNamedOptions, checkNames, checkOptional, namesOf } from './checked-arguments.js'
import { textProperties } from './text-properties.js'
import { Quarantine, type QuarantineTable } from './quarantine.js'

export interface AppendRowsOptions
  extends Pick<InputOptions, 'unknownColumns' | 'parseText' | 'signal'>,
    Pick<WriteRowsRequest, 'memoryBudgetBytes' | 'maxOpenFiles' | 'onProgress'> {
  /**
   * Where rows that do not fit the schema go instead of failing the append: a callback, awaited, or a table whose columns
   * are among those of `quarantineSchema`. The quarantine is committed before the good rows are, so that none is lost.
   */
  readonly onInvalid?: ((row: InvalidRow) => void | Promise<void>) | QuarantineTable | undefined
  /** The branch to append to; made on top of `main` when there is none of that name. Default `main`. */
  readonly branch?: string | undefined
  /**
   * Makes the append idempotent: when a snapshot of the branch's history was made with the same token, that snapshot is the
   * answer and nothing is appended.
   */
  readonly idempotencyToken?: string | undefined
  /**
   * Stage the rows: the snapshot is made, and is in no branch until `cherryPick` publishes it by the name given here: `wap.id` in its
   * summary. A name that was published to the branch before is refused with `ALREADY_EXISTS`.
   */
  readonly stage?: { readonly wapId: string } | undefined
  /** Kept in the snapshot's summary. */
  readonly summary?: Readonly<Record<string, string>> | undefined
}

const APPEND_FILES = { branch: true, idempotencyToken: true, summary: true, signal: true } as const
const APPEND_FILES_NAMES = namesOf<AppendFilesOptions>()(APPEND_FILES)
const APPEND_NAMES = namesOf<AppendRowsOptions>()({
  ...APPEND_FILES,
  stage: true,
  onInvalid: true,
  unknownColumns: true,
  parseText: true,
  memoryBudgetBytes: true,
  maxOpenFiles: true,
  onProgress: true,
})
const STAGE_NAMES = namesOf<NonNullable<AppendRowsOptions['stage']>>()({ wapId: true })

interface AppendContext {
  readonly loaded: LoadedTable
  readonly backend: CatalogBackend
  readonly engine: ParquetEngine
  readonly runtime: Runtime
}

/** Writes rows into new data files, then commits them as one snapshot. */
export async function appendRows(
  rows: WriteInput,
  options: AppendRowsOptions,
  context: AppendContext,
): Promise<{ readonly result: CommitResult; readonly snapshot: Snapshot }> {
  const { loaded, engine, runtime } = context
  const { signal, idempotencyToken } = options
  checkNamedOptions(options, APPEND_NAMES, 'append')
  checkOptional(options.branch, 'string', 'The branch')
  checkOptional(idempotencyToken, 'string', 'The idempotency token')
  checkOneOf(options.unknownColumns, ['refuse', 'ignore'], 'unknownColumns')
  checkBytes(options.memoryBudgetBytes, 1, 'memoryBudgetBytes')
  checkCount(options.maxOpenFiles, 1, 'maxOpenFiles')
  if (typeof options.onInvalid !== 'function') checkOptional(options.onInvalid, 'object', 'onInvalid, unless it is a function,')
  const staging = options.stage === undefined ? undefined : stagingAs(checkedWapId(options.stage), options.branch)
  const commitOptions = {
    ...(staging === undefined ? {} : { stageOnly: true, guard: staging.guard }),
    ...(options.branch === undefined ? {} : { branch: options.branch }),
    commitToken: idempotencyToken,
    properties: textProperties({ ...options.summary, ...staging?.summary }),
    ownsDataFiles: true,
  }
  // Names that are refused are refused before there are files to remove.
  const probe = appendFiles([], commitOptions, runtime)
  const repeated = idempotencyToken === undefined ? undefined : await findRepeated(context, probe)
  if (repeated !== undefined) return repeated
  if (staging !== undefined) staging.guard((await completed(await context.backend.loadTable(loaded.identifier))).metadata)
  const quarantine = typeof options.onInvalid === 'object' ? new Quarantine(options.onInvalid, idempotencyToken) : undefined
  const onInvalid = quarantine === undefined ? (options.onInvalid as InputOptions['onInvalid']) : (row: InvalidRow) => quarantine.add(row)
  const { files } = await writeRows(rows, { ...options, onInvalid, io: loaded.io, engine, metadata: loaded.metadata, runtime })
  try {
    await quarantine?.close()
  } catch (error) {
    await removeFiles(context, files)
    throw error
  }
  const result = await commitAppend(context, files, commitOptions, signal)
  if (result.snapshot !== undefined) return { result, snapshot: result.snapshot }
  throw new FloeError('COMMIT_STATE_UNKNOWN', 'The append was committed without a snapshot: reload the table')
}

interface Staging {
  /** Refuses a name that is published already; before every attempt, as another writer may publish it meanwhile. */
  readonly guard: (current: TableMetadata) => void
  readonly summary: Readonly<Record<string, string>>
}

function stagingAs(wapId: string, branch = MAIN_BRANCH): Staging {
  const guard = (current: TableMetadata): void => { checkNameUnpublished(current, branch, wapId) }
  return { guard, summary: { [WAP_ID_PROPERTY]: wapId } }
}

function checkedWapId(stage: { readonly wapId: string }): string {
  checkArgument(stage, 'object', 'stage')
  checkNames(stage, STAGE_NAMES, 'stage')
  checkArgument(stage.wapId, 'string', 'The wapId that rows are staged under')
  if (stage.wapId.trim() === '') throw new FloeError('INVALID', 'The wapId that rows are staged under must not be blank')
  return stage.wapId
}

/** Appends that ask for nothing special share commits with others of this process; the rest have one of their own. */
async function commitAppend(
  context: AppendContext,
  files: readonly DataFile[],
  options: AppendOptions,
  signal: AbortSignal | undefined,
): Promise<CommitResult> {
  const { backend, loaded, runtime } = context
  const asksForMore = options.commitToken !== undefined || options.stageOnly === true || (options.properties?.size ?? 0) > 0
  if (!asksForMore && !(backend instanceof TransactionBackend)) {
    const { branch, ownsDataFiles: ownsFiles = false } = options
    return appendQueueOf(backend).append({ loaded, files, branch, ownsFiles, runtime, signal })
  }
  const operation = new RecordedOperation(appendFiles(files, options, runtime))
  const result = await commitTable(backend, loaded, operation, { runtime, signal })
  // Another call with the same token was faster: its snapshot holds its files, and ours are in none.
  const isOurs = result.snapshot === undefined || operation.hasProposed(result.snapshot)
  if (!isOurs && options.ownsDataFiles === true) await removeFiles(context, files)
  return result
}

export type AppendFilesOptions = Pick<AppendRowsOptions, 'branch' | 'idempotencyToken' | 'summary' | 'signal'>

/** Commits data files that lie in the table's places already, as one snapshot. They stay the caller's when that fails. */
export async function appendDataFiles(
  files: readonly DataFile[],
  options: AppendFilesOptions,
  context: AppendContext,
): Promise<{ readonly result: CommitResult; readonly snapshot: Snapshot }> {
  checkNamedOptions(options, APPEND_FILES_NAMES, 'appendFiles')
  checkOptional(options.branch, 'string', 'The branch')
  checkOptional(options.idempotencyToken, 'string', 'The idempotency token')
  const commitOptions = {
    ...(options.branch === undefined ? {} : { branch: options.branch }),
    commitToken: options.idempotencyToken,
    properties: textProperties(options.summary ?? {}),
  }
  const result = await commitAppend(context, files, commitOptions, options.signal)
  if (result.snapshot !== undefined) return { result, snapshot: result.snapshot }
  throw new FloeError('COMMIT_STATE_UNKNOWN', 'The append was committed without a snapshot: reload the table')
}

/** Files that are left behind cost space, not rows: failing to remove them fails nothing. */
async function removeFiles({ loaded }: AppendContext, files: readonly DataFile[]): Promise<void> {
  await loaded.io.delete(files.map((file) => file.filePath)).catch(() => undefined)
}

/** Looks for the token before any file is written: a repeated append should cost nothing. */
async function findRepeated(
  { loaded, backend }: AppendContext,
  probe: CommitOperation,
): Promise<{ result: CommitResult; snapshot: Snapshot } | undefined> {
  const current = await backend.loadTable(loaded.identifier)
  const snapshot = probe.findCommitted?.(current.metadata)
  if (snapshot === undefined) return undefined
  return { result: { table: current, snapshot, attempts: 0, warnings: [] }, snapshot }
}
