import type { CatalogBackend, LoadedTable } from '../catalog/catalog-backend.js'
import { appendFiles, type AppendOptions } from '../commit/append-files.js'
import { appendQueueOf } from '../commit/append-queue.js'
import type { CommitOperation } from '../commit/commit-operation.js'
import { WAP_ID_PROPERTY } from '../commit/cherry-pick.js'
import { commitTable, type CommitResult } from '../commit/commit-table.js'
import { RecordedOperation } from '../commit/recorded-operation.js'
import { TransactionBackend } from '../commit/transaction-backend.js'
import type { DataFile } from '../manifest/data-file.js'
import type { ParquetEngine } from '../parquet/parquet-engine.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import type { WriteInput } from '../write/input-items.js'
import type { InputOptions, InvalidRow } from '../write/input-rows.js'
import { writeRows, type WriteRowsRequest } from '../write/write-rows.js'
import { checkOptional, checkOptions } from './checked-arguments.js'
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
   * Stage the rows: the snapshot is made, and is in no branch until it is published, by the name given here or by its id.
   * Write-audit-publish by name: `wap.id` in the snapshot's summary.
   */
  readonly stage?: { readonly wapId?: string | undefined } | undefined
  /** Kept in the snapshot's summary. */
  readonly summary?: Readonly<Record<string, string>> | undefined
}

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
  checkOptions(options)
  checkOptional(options.branch, 'string', 'The branch')
  checkOptional(idempotencyToken, 'string', 'The idempotency token')
  if (typeof options.onInvalid !== 'function') checkOptional(options.onInvalid, 'object', 'onInvalid, unless it is a function,')
  checkOptional(options.stage, 'object', 'stage')
  checkOptional(options.stage?.wapId, 'string', 'The wapId')
  const wap: Readonly<Record<string, string>> = options.stage?.wapId === undefined ? {} : { [WAP_ID_PROPERTY]: options.stage.wapId }
  const commitOptions = {
    ...(options.stage === undefined ? {} : { stageOnly: true }),
    ...(options.branch === undefined ? {} : { branch: options.branch }),
    commitToken: idempotencyToken,
    properties: textProperties({ ...options.summary, ...wap }),
    ownsDataFiles: true,
  }
  // Names that are refused are refused before there are files to remove.
  const probe = appendFiles([], commitOptions, runtime)
  const repeated = idempotencyToken === undefined ? undefined : await findRepeated(context, probe)
  if (repeated !== undefined) return repeated
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
