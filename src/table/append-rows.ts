import type { CatalogBackend, LoadedTable } from '../catalog/catalog-backend.js'
import { appendFiles } from '../commit/append-files.js'
import { commitTable, type CommitResult } from '../commit/commit-table.js'
import type { ParquetEngine } from '../parquet/parquet-engine.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { branchHead, MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import { FloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import type { InputOptions, InvalidRow, WriteInput } from '../write/input-rows.js'
import { writeRows, type WriteRowsRequest } from '../write/write-rows.js'
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
  const { loaded, backend, engine, runtime } = context
  const { signal, branch, idempotencyToken } = options
  const repeated = await findRepeated(context, options)
  if (repeated !== undefined) return repeated
  const quarantine = typeof options.onInvalid === 'object' ? new Quarantine(options.onInvalid, idempotencyToken) : undefined
  const onInvalid = quarantine === undefined ? (options.onInvalid as InputOptions['onInvalid']) : (row: InvalidRow) => quarantine.add(row)
  const { files } = await writeRows(rows, { ...options, onInvalid, io: loaded.io, engine, metadata: loaded.metadata, runtime })
  try {
    await quarantine?.close()
  } catch (error) {
    await loaded.io.delete(files.map((file) => file.filePath))
    throw error
  }
  const operation = appendFiles(
    files,
    {
      ...(branch === undefined ? {} : { branch }),
      commitToken: idempotencyToken,
      properties: new Map(Object.entries(options.summary ?? {})),
      ownsDataFiles: true,
    },
    runtime,
  )
  const result = await commitTable(backend, loaded, operation, { runtime, signal })
  if (result.snapshot === undefined) throw new FloeError('COMMIT_STATE_UNKNOWN', 'The append was committed without a snapshot: reload the table')
  return { result, snapshot: result.snapshot }
}

/** Looks for the token before any file is written: a repeated append should cost nothing. */
async function findRepeated(
  { loaded, backend, runtime }: AppendContext,
  { idempotencyToken, branch = MAIN_BRANCH }: AppendRowsOptions,
): Promise<{ result: CommitResult; snapshot: Snapshot } | undefined> {
  if (idempotencyToken === undefined) return undefined
  const current = await backend.loadTable(loaded.identifier)
  const probe = appendFiles([], { commitToken: idempotencyToken, branch }, runtime)
  const snapshot = branchHead(current.metadata, branch) === undefined ? undefined : probe.findCommitted?.(current.metadata)
  if (snapshot === undefined) return undefined
  return { result: { table: current, snapshot, attempts: 0, warnings: [] }, snapshot }
}
