/**
 * Changes of rows: which files they touch, what is written for them and how it is committed. It knows scans, writers and
 * commits; it does not know the objects that users hold.
 */
import type { CatalogBackend, LoadedTable } from '../catalog/catalog-backend.js'
import { changeFiles, type ChangeFilesOptions, type FileChanges } from '../commit/change-files.js'
import { commitTable, type CommitResult } from '../commit/commit-table.js'
import { DeleteLoader } from '../deletes/delete-loader.js'
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

/**
 * Commits a change of files that was planned on `context.loaded`.
 * @throws FloeError `CONFLICT` when other commits do not go together with it, `COMMIT_STATE_UNKNOWN` when the answer was lost
 */
export function commitChanges(
  context: DmlContext,
  changes: FileChanges,
  options: ChangeFilesOptions & { readonly signal?: AbortSignal | undefined },
): Promise<CommitResult> {
  const { backend, loaded, runtime } = context
  return commitTable(backend, loaded, changeFiles(changes, options, runtime), { runtime, signal: options.signal })
}

/** Loads deletes of the table's data files. */
export function deleteLoader({ loaded, engine }: DmlContext, signal: AbortSignal | undefined): DeleteLoader {
  return new DeleteLoader({ io: loaded.io, engine, metadata: loaded.metadata, signal })
}
