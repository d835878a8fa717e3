import type { LoadedTable } from '../catalog/catalog-backend.js'
import { appendFiles } from '../commit/append-files.js'
import { commitTable } from '../commit/commit-table.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { DmlContext } from './dml-context.js'

export interface EmptySnapshotOptions {
  readonly branch?: string | undefined
  readonly summary: Readonly<Record<string, string>>
  readonly guard: (current: TableMetadata) => void
  readonly signal?: AbortSignal | undefined
}

/** Commits a snapshot that changes no row, for what its summary says. */
export async function appendNothing(
  context: DmlContext,
  options: EmptySnapshotOptions,
): Promise<{ readonly table: LoadedTable; readonly snapshot: Snapshot | undefined }> {
  const { backend, loaded, runtime } = context
  const { branch, summary, guard, signal } = options
  const properties = new Map(Object.entries(summary))
  const operation = appendFiles([], { ...(branch === undefined ? {} : { branch }), properties, guard }, runtime)
  const { table, snapshot } = await commitTable(backend, loaded, operation, { runtime, signal })
  return { table, snapshot }
}
