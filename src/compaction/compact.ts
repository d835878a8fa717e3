import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { DmlContext } from '../dml/dml-context.js'
import { throwIfAborted } from '../io/aborted.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { isFloeError } from '../util/errors.js'
import type { ClusteringReport } from './clustering/clustering-report.js'
import { commitCompaction, type CommittedGroups } from './commit-groups.js'
import { DEFAULT_MEMORY_BUDGET_BYTES, whole, type CompactionOptions } from './compaction-options.js'
import type { CompactionGroup, CompactionPlan } from './compaction-plan.js'
import { CompactionMeter } from './compaction-progress.js'
import { planBranch } from './live-files.js'
import { measureClustering } from './measure-clustering.js'
import { planCompaction } from './plan-compaction.js'
import { replanGroups } from './replan-groups.js'
import { rewriteGroup, type GroupResult } from './rewrite-group.js'

/** A group that came to nothing. */
export interface FailedGroup {
  readonly group: Pick<CompactionGroup, 'id' | 'partitionPath' | 'inputBytes' | 'inputRows'> & { readonly inputFiles: number }
  readonly error: unknown
}

/** What a compaction came to. */
export interface CompactionResult {
  /** One, or with partial progress several; none when there was nothing to do, and for a dry run. */
  readonly snapshots: readonly Snapshot[]
  readonly plan: CompactionPlan
  readonly rewrittenGroups: number
  readonly rewrittenDataFiles: number
  readonly rewrittenBytes: number
  readonly addedDataFiles: number
  readonly addedBytes: number
  /** Rows in the new files. */
  readonly rows: number
  /** Rows of the old files that were deleted, and are in no file any more. */
  readonly droppedRows: number
  readonly removedDeleteFiles: number
  /** Delete files that repeat on new files what others deleted meanwhile. */
  readonly carriedDeleteFiles: number
  /** Groups of a plan from before that were not rewritten: some of their files are gone. */
  readonly skippedGroups: number
  /** With partial progress: groups that could not be rewritten or committed. */
  readonly failedGroups: readonly FailedGroup[]
  /** What was gained for filters, where the strategy orders rows and something was rewritten. */
  readonly clustering: ClusteringReport | undefined
  readonly elapsedMs: number
}

const DEFAULT_MAX_COMMITS = 10
const DEFAULT_CONCURRENT_GROUPS = 5
/** How often groups that others took files from are planned again. */
const MAX_ROUNDS = 4

/**
 * Rewrites the files of a branch that its options name, and commits them: all at the end, or with partial progress as groups are done.
 * Memory stays within the budget, whatever the table's size. When it fails or is aborted, what was not committed is removed.
 *
 * Source: `RewriteDataFilesSparkAction`
 * @throws FloeError `CONFLICT` when the table lost the schema that is written, or others were always faster
 */
export async function compact(
  context: DmlContext,
  options: CompactionOptions & { readonly plan?: CompactionPlan | undefined } = {},
): Promise<{ readonly result: CompactionResult; readonly table: LoadedTable | undefined }> {
  throwIfAborted(options.signal)
  const run = new CompactionRun(context, options)
  const given = options.plan
  const plan = given ?? (await planCompaction(context, options))
  if (options.dryRun === true) return { result: run.result(plan), table: undefined }
  await run.execute(plan, given !== undefined)
  await run.measure(plan)
  return { result: run.result(plan), table: run.table }
}

/** A group with what it became, waiting to be committed. */
interface Rewritten {
  readonly group: CompactionGroup
  readonly result: GroupResult
}

class CompactionRun {
  readonly #options: CompactionOptions
  readonly #startMs: number
  readonly #maxCommits: number
  readonly #maxFailedCommits: number
  readonly #snapshots: Snapshot[] = []
  readonly #failed: FailedGroup[] = []
  readonly #totals = {
    groups: 0, files: 0, bytes: 0, addedFiles: 0, addedBytes: 0, rows: 0, droppedRows: 0, removedDeletes: 0, carried: 0, skipped: 0,
  }
  #failedCommits = 0
  #clustering: ClusteringReport | undefined
  #context: DmlContext
  table: LoadedTable | undefined

  constructor(context: DmlContext, options: CompactionOptions) {
    const { maxCommits = DEFAULT_MAX_COMMITS, maxFailedCommits = maxCommits } = options
    this.#context = context
    this.#options = options
    this.#startMs = context.runtime.now()
    this.#maxCommits = whole('maxCommits', maxCommits, 1)
    this.#maxFailedCommits = whole('maxFailedCommits', maxFailedCommits, 0)
    whole('maxConcurrentGroups', options.maxConcurrentGroups ?? DEFAULT_CONCURRENT_GROUPS, 1)
    whole('memoryBudgetBytes', options.memoryBudgetBytes ?? DEFAULT_MEMORY_BUDGET_BYTES, SMALLEST_BUDGET_BYTES)
  }

  async execute(first: CompactionPlan, isOld: boolean): Promise<void> {
    let plan = isOld ? await this.#withoutGone(first) : first
    for (let round = 1; plan.groups.length > 0; round++) {
      const lost = await this.#executeOnce(plan)
      if (lost.length === 0) return
      if (round === MAX_ROUNDS) {
        for (const group of lost) this.#failed.push({ group: summaryOf(group), error: undefined })
        return
      }
      plan = await replanGroups(this.#context, plan, lost, this.#options)
    }
  }

  /** The rows are safe by now: that measuring fails, when the snapshot before has expired, fails nothing. */
  async measure(plan: CompactionPlan): Promise<void> {
    const after = this.#snapshots.at(-1)
    if (plan.order === undefined || after === undefined) return
    const { filters, signal } = this.#options
    const { loaded } = this.#context
    const before = loaded.metadata.snapshots.find((snapshot) => String(snapshot.snapshotId) === plan.snapshotId)
    this.#clustering = await measureClustering(plan, loaded, { before, after, filters, signal }).catch(() => undefined)
  }

  result(plan: CompactionPlan): CompactionResult {
    const totals = this.#totals
    return {
      snapshots: this.#snapshots,
      plan,
      rewrittenGroups: totals.groups,
      rewrittenDataFiles: totals.files,
      rewrittenBytes: totals.bytes,
      addedDataFiles: totals.addedFiles,
      addedBytes: totals.addedBytes,
      rows: totals.rows,
      droppedRows: totals.droppedRows,
      removedDeleteFiles: totals.removedDeletes,
      carriedDeleteFiles: totals.carried,
      skippedGroups: totals.skipped,
      failedGroups: this.#failed,
      clustering: this.#clustering,
      elapsedMs: this.#context.runtime.now() - this.#startMs,
    }
  }

  /** A plan from before may have been executed in part: the groups whose files are gone are left out. */
  async #withoutGone(plan: CompactionPlan): Promise<CompactionPlan> {
    const live = new Set<string>()
    for (const file of (await planBranch(this.#context.loaded, plan.branch, this.#options.signal)).files()) live.add(file.filePath)
    const groups = plan.groups.filter((group) => group.tasks.every((task) => live.has(task.filePath)))
    this.#totals.skipped = plan.groups.length - groups.length
    return { ...plan, groups }
  }

  /** Answers the groups that others took files from. */
  async #executeOnce(plan: CompactionPlan): Promise<readonly CompactionGroup[]> {
    const { partialProgress = false } = this.#options
    const perCommit = partialProgress ? Math.ceil(plan.groups.length / this.#maxCommits) : Infinity
    const lost: CompactionGroup[] = []
    const waiting: Rewritten[] = []
    const queued = new Set<readonly Rewritten[]>()
    let isStopped = false
    let committing: Promise<void> = Promise.resolve()
    const commit = (batch: readonly Rewritten[]): void => {
      queued.add(batch)
      committing = committing.then(async () => {
        queued.delete(batch)
        lost.push(...(await this.#commit(plan, batch)))
      })
      committing.catch(() => {
        isStopped = true
      })
    }
    const pool = new GroupPool(this.#context, plan, this.#options)
    try {
      for await (const outcome of pool.run()) {
        if ('error' in outcome) this.#fail(outcome.group, outcome.error)
        else waiting.push(outcome)
        if (waiting.length >= perCommit) commit(waiting.splice(0))
        if (isStopped) break
      }
      if (waiting.length > 0) commit(waiting.splice(0))
      await committing
      return lost
    } catch (error) {
      await Promise.allSettled([committing])
      await this.#remove([...waiting, ...[...queued].flat()])
      throw error
    }
  }

  /** With partial progress a group may fail; without, all fail with it. */
  get #goesOn(): boolean {
    return this.#options.partialProgress === true && this.#options.signal?.aborted !== true
  }

  #fail(group: CompactionGroup, error: unknown): void {
    if (!this.#goesOn) throw error
    this.#failed.push({ group: summaryOf(group), error })
  }

  async #commit(plan: CompactionPlan, batch: readonly Rewritten[]): Promise<readonly CompactionGroup[]> {
    let committed: CommittedGroups
    try {
      throwIfAborted(this.#options.signal)
      const { result, table } = await commitCompaction(this.#context, plan, batch.map(({ result }) => result), this.#options)
      committed = result
      if (table !== undefined) this.#moveTo(table)
    } catch (error) {
      // Whether the files are in the table, nobody knows then.
      if (!isFloeError(error, 'COMMIT_STATE_UNKNOWN')) await this.#remove(batch)
      if (!this.#goesOn || ++this.#failedCommits > this.#maxFailedCommits) throw error
      for (const { group } of batch) this.#failed.push({ group: summaryOf(group), error })
      return []
    }
    const isCommitted = new Set(committed.committedGroups)
    const lost = batch.filter(({ group }) => committed.lostGroups.includes(group.id))
    await this.#remove(lost)
    if (lost.length > 0) this.#moveTo(await this.#context.backend.loadTable(this.#context.loaded.identifier))
    this.#count(batch.filter(({ group }) => isCommitted.has(group.id)), committed)
    return lost.map(({ group }) => group)
  }

  #moveTo(table: LoadedTable): void {
    this.table = table
    this.#context = { ...this.#context, loaded: table }
  }

  #count(batch: readonly Rewritten[], committed: CommittedGroups): void {
    const totals = this.#totals
    if (committed.snapshot !== undefined) this.#snapshots.push(committed.snapshot)
    totals.removedDeletes += committed.removedDeleteFiles
    totals.carried += committed.carriedDeleteFiles
    for (const { group, result } of batch) {
      totals.groups++
      totals.files += group.tasks.length
      totals.bytes += group.inputBytes
      totals.addedFiles += result.addedDataFiles.length
      totals.addedBytes += result.bytes
      totals.rows += result.rows
      totals.droppedRows += group.inputRows - result.rows
    }
  }

  /** Files that nobody will commit. What is left behind costs space, not rows: failing to remove it fails nothing. */
  async #remove(rewritten: readonly Rewritten[]): Promise<void> {
    const files = rewritten.flatMap(({ result }) => result.addedDataFiles.map((file) => file.filePath))
    if (files.length > 0) await this.#context.loaded.io.delete(files).catch(() => undefined)
  }
}

const SMALLEST_BUDGET_BYTES = 2 ** 20

function summaryOf({ id, partitionPath, inputBytes, inputRows, tasks }: CompactionGroup): FailedGroup['group'] {
  return { id, partitionPath, inputBytes, inputRows, inputFiles: tasks.length }
}

type Outcome = Rewritten | { readonly group: CompactionGroup; readonly error: unknown }

/** Rewrites groups side by side, as many as share the budget well. */
class GroupPool {
  readonly #context: DmlContext
  readonly #plan: CompactionPlan
  readonly #options: CompactionOptions
  readonly #meter: CompactionMeter
  readonly #parallel: number
  readonly #stop = new AbortController()

  constructor(context: DmlContext, plan: CompactionPlan, options: CompactionOptions) {
    this.#context = context
    this.#plan = plan
    this.#options = options
    this.#meter = new CompactionMeter(plan, context.runtime, options.onProgress)
    // A group that is sorted takes what memory it is given; one that is not keeps every thread busy unless it is tiny.
    this.#parallel = plan.order === undefined ? Math.min(options.maxConcurrentGroups ?? DEFAULT_CONCURRENT_GROUPS, PACKED_AT_ONCE) : 1
  }

  /** Outcomes as groups end. When the consumer stops, groups under way are stopped too, and what they became is removed. */
  async *run(): AsyncGenerator<Outcome, void, undefined> {
    const running = new Map<number, Promise<Outcome>>()
    const queue = [...this.#plan.groups]
    try {
      while (queue.length > 0 || running.size > 0) {
        while (queue.length > 0 && running.size < this.#parallel) {
          const group = queue.shift()!
          running.set(group.id, this.#rewrite(group))
        }
        const outcome = await Promise.race(running.values())
        running.delete(outcome.group.id)
        yield outcome
      }
    } finally {
      this.#stop.abort()
      for (const outcome of await Promise.all(running.values())) {
        if ('result' in outcome) await this.#context.loaded.io.delete(outcome.result.addedDataFiles.map((file) => file.filePath)).catch(() => undefined)
      }
    }
  }

  async #rewrite(group: CompactionGroup): Promise<Outcome> {
    const { memoryBudgetBytes = DEFAULT_MEMORY_BUDGET_BYTES, spillFolder, signal } = this.#options
    const progress = this.#meter.group(group)
    try {
      const result = await rewriteGroup(group, this.#plan, this.#context, {
        memoryBudgetBytes: Math.floor(memoryBudgetBytes / this.#parallel),
        spillFolder,
        signal: signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]),
        onProgress: ({ rows }) => progress.at(rows),
      })
      progress.done()
      return { group, result }
    } catch (error) {
      return { group, error }
    }
  }
}

const PACKED_AT_ONCE = 2
