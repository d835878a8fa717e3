import type { CatalogBackend, LoadedTable, TableIdentifier } from '../catalog/catalog-backend.js'
import type { CommitOperation } from '../commit/commit-operation.js'
import { commitTable } from '../commit/commit-table.js'
import type { CommitResult } from '../commit/commit-result.js'
import type { DataFile } from '../manifest/data-file.js'
import { FloeError } from '../util/errors.js'
import type { ExpiryRecord, Part } from './history.js'
import type { SimulatedRuntime } from './simulated-runtime.js'
import type { SeededRandom } from './seeded-random.js'
import { writeRows } from './synthetic-file.js'

/** How a run replaces parts of what it tests, such as by broken ones to see that they are found out. */
export interface Substitutions {
  readonly backend?: (backend: CatalogBackend, actor: string) => CatalogBackend
  readonly operation?: (operation: CommitOperation, actor: string) => CommitOperation
  readonly commit?: (commit: () => Promise<CommitResult>, context: WriterContext, operation: CommitOperation) => Promise<CommitResult>
}

/** What an operation of a writer works with. */
export interface WriterContext {
  readonly actor: string
  readonly operationId: string
  readonly identifier: TableIdentifier
  readonly backend: CatalogBackend
  readonly runtime: SimulatedRuntime
  /** Of the operation alone: what it chooses does not depend on what others do. */
  readonly random: SeededRandom
  /** The rows of every data file ever written, by its path. */
  readonly rowsOf: Map<string, readonly string[]>
  readonly substitutions: Substitutions
  /** Whether history may be lost meanwhile, and with it commit tokens. */
  readonly losesHistory: boolean
  /** Says what is about to be committed. */
  readonly declare: (parts: readonly Part[]) => void
  /** Says that there was nothing to do in the version of that metadata file, and nothing was committed. */
  readonly withdraw: (seenIn?: string) => void
  /** Says which snapshots are about to be removed. */
  readonly expire: (expiry: ExpiryRecord) => void
}

/** Does one operation; `false` when there was nothing to do it to. */
export type WriterOperation = (context: WriterContext) => Promise<boolean>

/** Writes rows into a new data file. */
export async function writeDataFile(context: WriterContext, table: LoadedTable, rows: readonly string[]): Promise<DataFile> {
  const file = await writeRows(table.io, { folder: table.metadata.location, rows, runtime: context.runtime })
  context.rowsOf.set(file.filePath, rows)
  return file
}

/** Commits as the library does it. */
export function commit(context: WriterContext, base: LoadedTable, operation: CommitOperation): Promise<CommitResult> {
  const { backend, runtime, substitutions, actor } = context
  const used = substitutions.operation?.(operation, actor) ?? operation
  const run = (): Promise<CommitResult> => commitTable(backend, base, used, { runtime })
  return substitutions.commit === undefined ? run() : substitutions.commit(run, context, used)
}

/** The rows of a data file that this run wrote. */
export function rowsOf(context: Pick<WriterContext, 'rowsOf'>, { filePath }: DataFile): readonly string[] {
  const rows = context.rowsOf.get(filePath)
  if (rows === undefined) throw new FloeError('CORRUPT', 'The table has a data file that nobody wrote', { file: filePath })
  return rows
}
