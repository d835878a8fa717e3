/**
 * Changes of rows: which files they touch, what is written for them and how it is committed. It knows scans, writers and
 * commits; it does not know the objects that users hold.
 */
import type { CatalogBackend, LoadedTable } from '../catalog/catalog-backend.js'
import { changeFiles, type ChangeFilesOptions, type FileChanges } from '../commit/change-files.js'
import { commitTable, type CommitResult } from '../commit/commit-table.js'
import { RecordedOperation } from '../commit/recorded-operation.js'
import { DeleteLoader } from '../deletes/delete-loader.js'
import type { DataFile } from '../manifest/data-file.js'
import type { ParquetEngine } from '../parquet/parquet-engine.js'
import type { Runtime } from '../util/runtime.js'

/** The table that is changed, and what that takes of the process. */
export interface DmlContext {
  readonly backend: CatalogBackend
  /** What the change is planned on; commits since then are validated against. */
  readonly loaded: LoadedTable
  readonly engine: ParquetEngine
  readonly runtime: Runtime
}

/** Whether a change of files changes anything. */
export function isEmptyChange(changes: FileChanges): boolean {
  const { addedDataFiles, removedDataFiles, addedDeleteFiles, removedDeleteFiles } = changes
  return addedDataFiles.length + removedDataFiles.length + addedDeleteFiles.length + removedDeleteFiles.length === 0
}

/** A commit, and whether it was this very change that landed: another call with the same token may have been faster. */
export interface CommittedChange {
  readonly result: CommitResult
  readonly isOurs: boolean
}

export interface CommitChangesOptions extends ChangeFilesOptions {
  /** Added files that were there before and stay the caller's, also when `ownsFiles` is set. */
  readonly sparedFiles?: readonly DataFile[] | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Commits a change of files that was planned on `context.loaded`. Files of the change that belong to it and did not come into
 * the table are removed.
 * @throws FloeError `CONFLICT` when other commits do not go together with it, `COMMIT_STATE_UNKNOWN` when the answer was lost
 */
export async function commitChanges(context: DmlContext, changes: FileChanges, options: CommitChangesOptions): Promise<CommittedChange> {
  const { backend, loaded, runtime } = context
  const { sparedFiles = [], signal, ...rest } = options
  const spared = new Set(sparedFiles.map((file) => file.filePath))
  const operation = new RecordedOperation(changeFiles(changes, rest, runtime), spared)
  const result = await commitTable(backend, loaded, operation, { runtime, signal })
  const isOurs = operation.hasProposed(result.snapshot)
  if (!isOurs && options.ownsFiles === true) {
    const files = new Set([...changes.addedDataFiles, ...changes.addedDeleteFiles].map((file) => file.filePath))
    // Files that are left behind cost space, not rows: failing to remove them fails nothing.
    await loaded.io.delete([...files].filter((file) => !spared.has(file))).catch(() => undefined)
  }
  return { result, isOurs }
}

/** Loads deletes of the table's data files. */
export function deleteLoader({ loaded, engine }: DmlContext, signal: AbortSignal | undefined): DeleteLoader {
  return new DeleteLoader({ io: loaded.io, engine, metadata: loaded.metadata, signal })
}
