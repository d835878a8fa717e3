import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { metadataOperation } from '../../commit/commit-operation.js'
import { commitTable } from '../../commit/commit-table.js'
import { compact } from '../../compaction/compact.js'
import { convertEqualityDeletes } from '../../dml/convert-equality-deletes.js'
import type { DmlContext } from '../../dml/dml-context.js'
import { abortedError, throwIfAborted } from '../../io/aborted.js'
import { MAIN_BRANCH, refByName } from '../../snapshot/snapshot-ref.js'
import { FloeError, isFloeError } from '../../util/errors.js'
import { rewritePositionDeletes } from '../delete-files/rewrite-position-deletes.js'
import { expireSnapshots } from '../expire/expire-snapshots.js'
import { rewriteManifests } from '../manifests/rewrite-manifests.js'
import { removeOrphanFiles } from '../orphans/remove-orphan-files.js'
import { computePartitionStatistics } from '../statistics/compute-partition-statistics.js'
import { computeStatistics } from '../statistics/compute-statistics.js'
import { MAINTENANCE_TASKS, type MaintenancePolicy, type MaintenanceStep, type MaintenanceTask } from './maintenance-policy.js'
import { ORPHANS_CHECKED_PROPERTY, planTask } from './plan-maintenance.js'

/** How far maintenance has come. */
export interface MaintenanceProgress {
  readonly task: MaintenanceTask
  /** From 1. */
  readonly step: number
  readonly totalSteps: number
  /** What the task itself tells of its progress; undefined when it begins. */
  readonly detail: unknown
}

export interface MaintainOptions {
  readonly policy?: MaintenancePolicy | undefined
  /** The branch that is kept in order; expiry and orphans are of the whole table. Default `main`. */
  readonly branch?: string | undefined
  /** Decide only. Default false. */
  readonly dryRun?: boolean | undefined
  readonly onProgress?: ((progress: MaintenanceProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * What became of a task: `done`; `not-needed`; `planned` in a dry run; `overtaken`: others, perhaps the same maintenance on another
 * machine, changed the table all the time, so that it is left to them; `failed`, and the tasks after it were done all the same.
 */
export type MaintenanceStatus = 'done' | 'not-needed' | 'planned' | 'overtaken' | 'failed'

export interface MaintenanceOutcome extends MaintenanceStep {
  readonly status: MaintenanceStatus
  /** What came of it, for people; empty when nothing was done. */
  readonly summary: string
  /** The result of the task's own verb. */
  readonly result: unknown
  readonly error: FloeError | undefined
  readonly elapsedMs: number
}

export interface MaintenanceResult {
  readonly steps: readonly MaintenanceOutcome[]
  /** Whether a task failed. */
  readonly hasFailed: boolean
  readonly dryRun: boolean
}

/** How often a task is decided on again when others were faster. */
const MAX_TRIES = 2

/**
 * Decides what a table needs, and does it, task by task; each is decided on when its turn comes. Made to be run again and again,
 * by any number of processes at once: where nothing is to be done, only metadata and manifests are read.
 *
 * @throws FloeError `NOT_FOUND` for an unknown branch; `ABORTED` when the signal fires: what was done until then is in the table
 */
export async function maintain(
  context: DmlContext,
  options: MaintainOptions = {},
): Promise<{ readonly result: MaintenanceResult; readonly table: LoadedTable | undefined }> {
  const { branch = MAIN_BRANCH } = options
  if (branch !== MAIN_BRANCH) refByName(context.loaded.metadata, branch)
  const run = new MaintenanceRun(context, options)
  const steps: MaintenanceOutcome[] = []
  for (const task of MAINTENANCE_TASKS) steps.push(await run.step(task))
  const hasFailed = steps.some((step) => step.status === 'failed')
  return { result: { steps, hasFailed, dryRun: options.dryRun === true }, table: run.table }
}

interface Work {
  readonly summary: string
  readonly result: unknown
  readonly table: LoadedTable | undefined
}

class MaintenanceRun {
  #context: DmlContext
  #isChanged = false

  constructor(
    context: DmlContext,
    private readonly options: MaintainOptions,
  ) {
    this.#context = context
  }

  /** The table as the tasks have left it; `undefined` when none changed it. */
  get table(): LoadedTable | undefined {
    return this.#isChanged ? this.#context.loaded : undefined
  }

  async step(task: MaintenanceTask): Promise<MaintenanceOutcome> {
    const { signal, dryRun = false } = this.options
    throwIfAborted(signal)
    const start = this.#context.runtime.now()
    let decided: MaintenanceStep = { task, needed: true, why: 'it could not be decided on', numbers: {} }
    const outcome = (status: MaintenanceStatus, more: Partial<MaintenanceOutcome> = {}): MaintenanceOutcome => {
      return { ...decided, status, summary: '', result: undefined, error: undefined, ...more, elapsedMs: this.#context.runtime.now() - start }
    }
    for (let tried = 1; ; tried++) {
      try {
        decided = await planTask(task, this.#context, this.options)
        if (!decided.needed) return outcome('not-needed')
        if (dryRun) return outcome('planned')
        this.#report(task, undefined)
        const { summary, result } = await this.#do(task)
        return outcome('done', { summary, result })
      } catch (error) {
        if (signal?.aborted === true || isFloeError(error, 'ABORTED')) throw isFloeError(error) ? error : abortedError(signal)
        const isOvertaken = isFloeError(error, 'CONFLICT')
        if (isOvertaken && tried < MAX_TRIES && (await this.#reload())) continue
        return outcome(isOvertaken ? 'overtaken' : 'failed', { error: typedError(error) })
      }
    }
  }

  async #do(task: MaintenanceTask): Promise<Work> {
    const { policy = {}, branch = MAIN_BRANCH, signal } = this.options
    const common = { branch, signal, onProgress: (detail: unknown): void => { this.#report(task, detail) } }
    const work = await TASKS[task](this.#context, policy, common)
    if (work.table !== undefined) {
      this.#context = { ...this.#context, loaded: work.table }
      this.#isChanged = true
    } else await this.#reload()
    return work
  }

  /** Goes on with the newest version, when it can be had. */
  async #reload(): Promise<boolean> {
    const { backend, loaded } = this.#context
    try {
      this.#context = { ...this.#context, loaded: await backend.loadTable(loaded.identifier) }
      return true
    } catch {
      return false
    }
  }

  #report(task: MaintenanceTask, detail: unknown): void {
    this.options.onProgress?.({ task, step: MAINTENANCE_TASKS.indexOf(task) + 1, totalSteps: MAINTENANCE_TASKS.length, detail })
  }
}

interface Common {
  readonly branch: string
  readonly signal: AbortSignal | undefined
  readonly onProgress: (detail: unknown) => void
}

const TASKS: Readonly<Record<MaintenanceTask, (context: DmlContext, policy: MaintenancePolicy, common: Common) => Promise<Work>>> = {
  compaction: async (context, policy, common) => {
    const done = await compact(context, { ...given(policy.compaction), ...common })
    const { rewrittenDataFiles, addedDataFiles, droppedRows, failedGroups } = done.result
    const failed = failedGroups[0]
    if (failed !== undefined && done.result.snapshots.length === 0) throw failed.error
    return { ...done, summary: `${rewrittenDataFiles} data files became ${addedDataFiles}, ${droppedRows} deleted rows dropped` }
  },
  'equality-deletes': async (context, _, common) => {
    const done = await convertEqualityDeletes(context, common)
    const { removedDeleteFiles, convertedRows } = done.result
    return { ...done, summary: `${removedDeleteFiles} delete files replaced, ${convertedRows} rows marked by position` }
  },
  'position-deletes': async (context, policy, common) => {
    const done = await rewritePositionDeletes(context, { ...given(policy.positionDeletes), ...common })
    const { rewrittenDeletes, danglingDeletes, addedDeletes, addedFiles } = done.result
    return { ...done, summary: `${rewrittenDeletes} deletes (${danglingDeletes} dangling) became ${addedDeletes} in ${addedFiles} files` }
  },
  manifests: async (context, policy, common) => {
    const done = await rewriteManifests(context, { ...given(policy.manifests), ...common })
    const { rewrittenManifests, addedManifests, entries } = done.result
    return { ...done, summary: `${rewrittenManifests} manifests became ${addedManifests}, ${entries} entries moved` }
  },
  statistics: async (context, policy, common) => {
    const { columns } = given(policy.statistics)
    const done = await computeStatistics(context, { columns: columns ?? describedColumns(context), ...common })
    return { ...done, summary: `${done.result.columns.length} columns counted in ${done.result.rowsRead} rows` }
  },
  'partition-statistics': async (context, policy, { branch, signal }) => {
    const { totalRecordCount } = given(policy.partitionStatistics)
    const done = await computePartitionStatistics(context, { totalRecordCount, branch, signal })
    return { ...done, summary: `${done.result.partitions} partitions counted from ${done.result.manifestsRead} manifests` }
  },
  expiry: async (context, policy, { signal, onProgress }) => {
    const done = await expireSnapshots(context, { ...given(policy.expiry), signal, onProgress })
    const { expiredSnapshots, files, heldFiles } = done.result
    return { ...done, summary: `${expiredSnapshots.length} snapshots expired, ${files.length} files deleted, ${heldFiles.length} still held` }
  },
  orphans: async (context, policy, { signal, onProgress }) => {
    const { result } = await removeOrphanFiles(context, { ...given(policy.orphans), signal, onProgress })
    const table = await noteOrphansChecked(context, signal)
    return { result, table, summary: `${result.removed.length} files removed, ${result.heldFiles.length} still held` }
  },
}

function given<T extends object>(policy: false | T | undefined): Partial<T> {
  return policy === false || policy === undefined ? {} : policy
}

/** The columns that the newest statistics are of; by default all. */
function describedColumns({ loaded: { metadata } }: DmlContext): readonly string[] | undefined {
  const last = metadata.statistics.at(-1)
  const schema = metadata.schemas.find((candidate) => candidate.schemaId === metadata.currentSchemaId)
  const names = last?.blobMetadata.flatMap((blob) => (blob.fields.length === 1 ? [schema?.pathOf(blob.fields[0]!)] : []))
  const known = names?.filter((name) => name !== undefined) ?? []
  return known.length === 0 ? undefined : known
}

/** So that others, and this process tomorrow, need not list the table again. */
async function noteOrphansChecked({ backend, loaded, runtime }: DmlContext, signal: AbortSignal | undefined): Promise<LoadedTable> {
  const updates = new Map([[ORPHANS_CHECKED_PROPERTY, String(runtime.now())]])
  const operation = metadataOperation('note of the look for orphans', () => [{ action: 'set-properties', updates }])
  return (await commitTable(backend, loaded, operation, { runtime, signal })).table
}

function typedError(error: unknown): FloeError {
  if (error instanceof FloeError) return error
  return new FloeError('INVALID', error instanceof Error ? error.message : String(error), { cause: error })
}
