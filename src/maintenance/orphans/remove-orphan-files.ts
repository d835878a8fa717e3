import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { completed } from '../../commit/commit-table.js'
import { throwIfAborted } from '../../io/aborted.js'
import { mapParallel } from '../../io/bounded-parallel.js'
import type { FileIO, ObjectStatus } from '../../io/file-io.js'
import { isInside, quoteLocation } from '../../io/location.js'
import { FloeError } from '../../util/errors.js'
import { deleteFiles, heldReason, type HeldFile } from '../delete-files.js'
import { checkNotOlder, isSameVersion } from '../table-view.js'
import { OrphanCandidates } from './orphan-candidates.js'
import type { PlanOrphansOptions } from './orphan-options.js'
import { checkOrphanPlan, type OrphanFile, type OrphanPlan } from './orphan-plan.js'
import { checkCollectable, planOrphanRemoval, type OrphansContext, type PlannedOrphans } from './plan-orphan-removal.js'
import { Trash } from './trash.js'

export interface RemoveOrphansOptions extends PlanOrphansOptions {
  /** A plan to execute in place of making one; of the other options, `sharedWith`, `trash` and `dryRun` count then. */
  readonly plan?: OrphanPlan | undefined
  /** Moves the files there instead of deleting them: a location, or a name in the table's folder that begins with a dot. */
  readonly trash?: string | undefined
  /** Tell what would go, and change nothing. */
  readonly dryRun?: boolean | undefined
}

/** A planned file that was left alone. */
export interface SkippedFile {
  readonly location: string
  /** `reachable`: the table has come to need it. `changed`: it was written again since. `gone`: it is not there any more. */
  readonly reason: 'reachable' | 'changed' | 'gone'
}

export interface RemoveOrphansResult {
  readonly plan: OrphanPlan
  readonly removed: readonly OrphanFile[]
  readonly removedBytes: number
  readonly skipped: readonly SkippedFile[]
  readonly heldFiles: readonly HeldFile[]
  /** Where the files are now; `undefined` when they were deleted. */
  readonly trash: string | undefined
  readonly dryRun: boolean
}

const BATCH = 1000
const HEAD_PARALLEL = 16
const COPY_PARALLEL = 4

/**
 * Removes the files of a plan, or of one that is made now. The plan is not believed: what the table reaches by now is kept, and
 * so is every file that is not the one that was listed. The table is looked at again before each batch. What an abort or a crash
 * leaves, the next run finds.
 *
 * @throws FloeError as `planOrphanRemoval` does; `INVALID` for a plan of another table or of files outside of its folders
 */
export async function removeOrphanFiles(
  context: OrphansContext,
  options: RemoveOrphansOptions = {},
): Promise<{ readonly result: RemoveOrphansResult; readonly table: LoadedTable | undefined }> {
  const { plan: given } = options
  const planned = given === undefined ? await planOrphanRemoval(context, options) : undefined
  const plan = given ?? planned!.plan
  checkOrphanPlan(plan)
  const none = { removed: [], removedBytes: 0, skipped: [], heldFiles: [], trash: undefined }
  if (options.dryRun === true) return { result: { plan, ...none, dryRun: true }, table: undefined }
  return { result: await new OrphanRemoval(context, plan, options).run(planned), table: undefined }
}

class OrphanRemoval {
  readonly #candidates: OrphanCandidates
  readonly #removed: OrphanFile[] = []
  readonly #skipped: SkippedFile[] = []
  readonly #held: HeldFile[] = []
  readonly #trash: Trash | undefined
  #walked = new Set<string>()
  #seen: LoadedTable | undefined

  constructor(
    private readonly context: OrphansContext,
    private readonly plan: OrphanPlan,
    private readonly options: RemoveOrphansOptions,
  ) {
    const { metadata } = context.loaded
    this.#candidates = new OrphanCandidates(plan.orphans, plan)
    const { trash } = options
    if (trash !== undefined) this.#trash = new Trash(trash, { location: metadata.location, locations: plan.locations })
  }

  async run(planned: PlannedOrphans | undefined): Promise<RemoveOrphansResult> {
    this.#checkPlan(this.context.loaded)
    if (planned !== undefined) [this.#seen, this.#walked] = [planned.table, planned.walked]
    else for (const root of this.options.sharedWith ?? []) await this.#candidates.keepReachable(root, { walked: this.#walked })
    const { orphans } = this.plan
    for (let i = 0; i < orphans.length; i += BATCH) {
      const { io } = await this.#look()
      await this.#removeBatch(io, orphans.slice(i, i + BATCH))
      this.options.onProgress?.({ phase: 'remove', files: this.#removed.length })
      if (this.options.signal?.aborted === true) break
    }
    const removedBytes = this.#removed.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
    const done = { removed: this.#removed, removedBytes, skipped: this.#skipped, heldFiles: this.#held }
    return { plan: this.plan, ...done, trash: this.#trash?.location, dryRun: false }
  }

  /** A plan may come from anywhere, and may have been written by anybody. */
  #checkPlan({ metadata }: LoadedTable): void {
    const { plan } = this
    checkCollectable(metadata)
    if (plan.tableUuid !== (metadata.tableUuid ?? null)) throw new FloeError('INVALID', `The plan is of another table, ${plan.table}: make one of this table`)
    const outside = plan.orphans.find(({ location }) => !plan.locations.some((folder) => isInside(folder, location)))
    if (outside !== undefined) throw new FloeError('INVALID', `The plan names ${quoteLocation(outside.location)}, which is in none of its folders`)
    const young = plan.orphans.find(({ lastModifiedMs }) => !(lastModifiedMs > 0 && lastModifiedMs < plan.cutoffMs))
    if (young !== undefined) throw new FloeError('INVALID', `The plan names ${quoteLocation(young.location)}, which is younger than its cutoff`)
    const { sharedWith } = this.options
    const foreign = sharedWith === undefined ? plan.locations.find((folder) => !isInside(metadata.location, folder)) : undefined
    if (foreign === undefined) return
    throw new FloeError('INVALID', `The plan lists ${quoteLocation(foreign)}, outside of the table's location: give sharedWith as for the plan`)
  }

  /** The table as it is now; files that it has come to reach are no candidates any more. */
  async #look(): Promise<LoadedTable> {
    const { backend, loaded } = this.context
    throwIfAborted(this.options.signal)
    const now = await completed(await backend.loadTable(loaded.identifier))
    checkNotOlder(now, this.#seen ?? loaded)
    if (this.#seen === undefined || !isSameVersion(now, this.#seen)) {
      await this.#candidates.keepReachable(now, { walked: this.#walked, signal: this.options.signal })
    }
    this.#seen = now
    return now
  }

  async #removeBatch(io: FileIO, batch: readonly OrphanFile[]): Promise<void> {
    const files = batch.filter((file) => this.#candidates.has(file) || this.#skip(file, 'reachable'))
    const statuses = await mapParallel(files, HEAD_PARALLEL, async ({ location }) => {
      // An object that cannot be looked at stays; the others need not wait for it.
      return io.head(location).catch((error: unknown) => this.#hold(location, error))
    })
    const same = files.filter((file, i) => {
      const status = statuses[i]
      if (status === 'held') return false
      if (status === undefined) return this.#skip(file, 'gone')
      return isSameFile(file, status) || this.#skip(file, 'changed')
    })
    const moved = this.#trash === undefined ? same : await this.#copy(io, same, this.#trash)
    const byLocation = new Map(moved.map((file) => [file.location, file]))
    const held = await deleteFiles(io, [...byLocation.keys()], { signal: this.options.signal })
    this.#held.push(...held)
    for (const { location } of held) byLocation.delete(location)
    this.#removed.push(...byLocation.values())
  }

  async #copy(io: FileIO, files: readonly OrphanFile[], trash: Trash): Promise<readonly OrphanFile[]> {
    const copied = await mapParallel(files, COPY_PARALLEL, async (file) => {
      try {
        throwIfAborted(this.options.signal)
        await trash.copy(io, file, this.options.signal)
        return true
      } catch (error) {
        this.#hold(file.location, error)
        return false
      }
    })
    return files.filter((_, i) => copied[i] === true)
  }

  #skip({ location }: OrphanFile, reason: SkippedFile['reason']): false {
    this.#skipped.push({ location, reason })
    return false
  }

  #hold(location: string, error: unknown): 'held' {
    this.#held.push({ location, reason: heldReason(error), message: error instanceof Error ? error.message : String(error) })
    return 'held'
  }
}

/** Stores tell the time of a write to the millisecond in listings, and to the second of a single object. */
function isSameFile(file: OrphanFile, now: ObjectStatus): boolean {
  const isSameContent = file.etag === undefined || now.etag === undefined || plainEtag(file.etag) === plainEtag(now.etag)
  return isSameContent && file.sizeBytes === now.sizeBytes && secondOf(file) === secondOf(now)
}

function secondOf({ lastModifiedMs }: Pick<ObjectStatus, 'lastModifiedMs'>): number {
  return Math.floor(lastModifiedMs / 1000)
}

function plainEtag(etag: string): string {
  return etag.replaceAll('"', '')
}
