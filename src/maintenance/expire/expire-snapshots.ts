import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { commitTable, completed } from '../../commit/commit-table.js'
import type { DmlContext } from '../../dml/dml-context.js'
import { applyUpdates } from '../../metadata/apply-updates.js'
import { FloeError, isFloeError } from '../../util/errors.js'
import { checkAmount, checkOneOf } from '../../util/option-values.js'
import { deleteFiles, heldFilesWarning, type HeldFile } from '../delete-files.js'
import type { ReachableType } from '../reachability.js'
import { ExpiredFiles, type ExpiredFile } from './expired-files.js'
import { ExpiryOperation, landedExpiry, type ExpiryOperationOptions, type LandedExpiry } from './expiry-operation.js'

export interface ExpiryProgress {
  readonly phase: 'commit' | 'find' | 'delete'
  /** How many files go, as far as is known. */
  readonly files: number
  readonly deletedFiles: number
}

/** By default, what the table's `history.expire.*` properties and its branches and tags say. */
export interface ExpireSnapshotsOptions extends ExpiryOperationOptions {
  /**
   * Which files go that only the expired snapshots need: `all` (default); `metadata`: manifests, manifest lists and statistics,
   * but no data and delete files; `none`: no file, until orphan files are removed.
   */
  readonly cleanExpiredFiles?: 'all' | 'metadata' | 'none' | undefined
  /** How long readers of the expired snapshots are given, from the commit to the first deletion. Default 0. */
  readonly readerGraceMs?: number | undefined
  /** Tell what would go, and change nothing. */
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: ExpiryProgress) => void) | undefined
}

export interface ExpireSnapshotsResult {
  readonly expiredSnapshots: readonly bigint[]
  readonly removedRefs: readonly string[]
  readonly removedSpecIds: readonly number[]
  readonly removedSchemaIds: readonly number[]
  /** What was deleted; with `dryRun`, what would be. */
  readonly files: readonly ExpiredFile[]
  /** {@link files} by kind. */
  readonly fileCounts: Readonly<Partial<Record<ReachableType, number>>>
  /** Of {@link files}, as far as their sizes are recorded. */
  readonly deletedBytes: number
  /** What should have gone and is still held. */
  readonly heldFiles: readonly HeldFile[]
  /** What went wrong after the commit; the expiry itself is in. */
  readonly warnings: readonly FloeError[]
  readonly dryRun: boolean
}

/** What of a context this takes; rows are not touched. */
export type ExpiryContext = Pick<DmlContext, 'backend' | 'loaded' | 'runtime'>

/** How often the table is looked at again before files go, while others commit. */
const MAX_LOOKS = 5

/**
 * Removes old snapshots, branches and tags from a table's metadata, and then the files that nothing in the table reaches any
 * more, over all branches and tags. A failure after the commit deletes less, never more, and is told in the result: files that
 * are left are orphans, which removing orphan files finds.
 *
 * @throws FloeError `INVALID` with `gc.enabled=false` or for rules that make no sense; `COMMIT_STATE_UNKNOWN` when the answer to
 * the commit was lost: then nothing was deleted
 * Source: `RemoveSnapshots`, `ReachableFileCleanup`
 */
export async function expireSnapshots(
  context: ExpiryContext,
  options: ExpireSnapshotsOptions = {},
): Promise<{ readonly result: ExpireSnapshotsResult; readonly table: LoadedTable | undefined }> {
  checkOptions(options)
  const { backend, loaded, runtime } = context
  const operation = new ExpiryOperation(options, runtime.now())
  options.onProgress?.({ phase: 'commit', files: 0, deletedFiles: 0 })
  if (options.dryRun === true) return { result: await rehearse(context, operation, options), table: undefined }
  const { table, warnings } = await commitTable(backend, loaded, operation, { runtime, signal: options.signal })
  const landed = landedExpiry(operation.proposals, table.metadata)
  const cleaned = await new CleanUp(context, options, landed).run(table)
  return { result: resultOf(landed, cleaned, { dryRun: false, warnings }), table }
}

interface Cleaned {
  readonly files: readonly ExpiredFile[]
  readonly held: readonly HeldFile[]
  readonly warnings: readonly FloeError[]
}

async function rehearse(
  context: ExpiryContext,
  operation: ExpiryOperation,
  options: ExpireSnapshotsOptions,
): Promise<ExpireSnapshotsResult> {
  const table = await completed(context.loaded)
  const { updates } = await operation.apply(table, { signal: options.signal })
  const metadata = applyUpdates(table.metadata, updates, { now: context.runtime.now() })
  const landed = landedExpiry(operation.proposals, metadata)
  const cleanUp = new CleanUp(context, options, landed)
  const files = (await cleanUp.find({ ...table, metadata }))?.files ?? []
  return resultOf(landed, { files, held: [], warnings: cleanUp.warnings }, { dryRun: true, warnings: [] })
}

/** What follows the commit. Nothing here can undo it, so nothing throws. */
class CleanUp {
  readonly warnings: FloeError[] = []

  constructor(
    private readonly context: ExpiryContext,
    private readonly options: ExpireSnapshotsOptions,
    private readonly landed: LandedExpiry,
  ) {}

  async run(committed: LoadedTable): Promise<Cleaned> {
    try {
      return await this.#clean(committed)
    } catch (error) {
      const message = 'the snapshots have expired, but no file was deleted; removing orphan files will find those that are left'
      this.#warn(`${message}: ${error instanceof Error ? error.message : String(error)}`, error)
      return { files: [], held: [], warnings: this.warnings }
    }
  }

  /** The files that go, as of `now`; `undefined` when none are asked for. */
  async find(now: LoadedTable): Promise<ExpiredFiles | undefined> {
    const { cleanExpiredFiles: level = 'all', signal } = this.options
    if (level === 'none' || this.landed.snapshots.length === 0) return undefined
    const onUnreadable = (location: string, error: unknown): void => {
      this.#warn('what an expired snapshot names could not be read, and is left', error, location)
    }
    return ExpiredFiles.find(this.landed, now, { content: level === 'all', signal, onUnreadable })
  }

  async #clean(committed: LoadedTable): Promise<Cleaned> {
    const { options, context } = this
    const { signal, readerGraceMs = 0, onProgress } = options
    onProgress?.({ phase: 'find', files: 0, deletedFiles: 0 })
    const expired = await this.find(committed)
    if (expired === undefined || expired.files.length === 0) return { files: [], held: [], warnings: this.warnings }
    if (readerGraceMs > 0) await context.runtime.sleep(readerGraceMs, signal)
    const io = await this.#recheck(expired, committed)
    const { files } = expired
    const byLocation = new Map(files.map((file) => [file.location, file]))
    let deletedFiles = 0
    const onDeleted = (locations: readonly string[]): void => {
      deletedFiles += locations.length
      onProgress?.({ phase: 'delete', files: files.length, deletedFiles })
    }
    const held = await deleteFiles(io, [...byLocation.keys()], { signal, onDeleted })
    const warning = heldFilesWarning(held)
    if (warning !== undefined) this.warnings.push(warning)
    for (const { location } of held) byLocation.delete(location)
    return { files: [...byLocation.values()], held, warnings: this.warnings }
  }

  /** The newest version may need a file again that the committed one does not; looks until nothing has changed since. */
  async #recheck(expired: ExpiredFiles, committed: LoadedTable): Promise<LoadedTable['io']> {
    const { backend, loaded } = this.context
    let seen = committed
    for (let look = 1; look <= MAX_LOOKS; look++) {
      const now = await completed(await backend.loadTable(loaded.identifier))
      if (now.metadata.tableUuid !== committed.metadata.tableUuid) throw new FloeError('CONFLICT', 'the table was replaced by another of its name')
      if (now.metadata.lastUpdatedMs < seen.metadata.lastUpdatedMs) {
        throw new FloeError('CONFLICT', 'the catalog answered with an older version than the one committed')
      }
      if (now.metadataLocation === seen.metadataLocation && now.metadata.lastUpdatedMs === seen.metadata.lastUpdatedMs) return now.io
      await expired.recheck(now)
      seen = now
    }
    return seen.io
  }

  #warn(message: string, cause: unknown, file?: string): void {
    const code = isFloeError(cause) && cause.code === 'ABORTED' ? 'ABORTED' : 'UNAVAILABLE'
    this.warnings.push(new FloeError(code, message, { cause, ...(file === undefined ? {} : { file }) }))
  }
}

function resultOf(
  { snapshots, removedRefs, removedSpecs, removedSchemas }: LandedExpiry,
  { files, held, warnings }: Cleaned,
  rest: { readonly dryRun: boolean; readonly warnings: readonly FloeError[] },
): ExpireSnapshotsResult {
  const fileCounts: Partial<Record<ReachableType, number>> = {}
  let deletedBytes = 0
  for (const { type, sizeBytes } of files) {
    fileCounts[type] = (fileCounts[type] ?? 0) + 1
    deletedBytes += sizeBytes ?? 0
  }
  return {
    expiredSnapshots: snapshots.map(({ snapshotId }) => snapshotId),
    removedRefs,
    removedSpecIds: removedSpecs,
    removedSchemaIds: removedSchemas,
    files,
    fileCounts,
    deletedBytes,
    heldFiles: held,
    warnings: [...rest.warnings, ...warnings],
    dryRun: rest.dryRun,
  }
}

function checkOptions({ cleanExpiredFiles, readerGraceMs }: ExpireSnapshotsOptions): void {
  checkOneOf(cleanExpiredFiles, ['all', 'metadata', 'none'], 'cleanExpiredFiles')
  checkAmount(readerGraceMs, 0, 'readerGraceMs')
}
