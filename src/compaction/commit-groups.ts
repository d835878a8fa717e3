import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { FileChanges } from '../commit/change-files.js'
import { commitChanges, isEmptyChange, type DmlContext } from '../dml/dml-context.js'
import { alwaysTrue } from '../expression/predicates.js'
import type { DataFile } from '../manifest/data-file.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError, isFloeError } from '../util/errors.js'
import { DeleteCarrying, type RewrittenGroup } from './carry-deletes.js'
import type { CommitCompactionOptions } from './compaction-options.js'
import type { CompactionGroup, CompactionPlan } from './compaction-plan.js'
import { dataFileOf, partitionOfText, tupleType } from './data-file-json.js'
import { deadDeletes, liveAmong } from './live-files.js'
import { checkUnchanged, pinnedTable, type GroupResult } from './rewrite-group.js'

/** What committing groups came to. */
export interface CommittedGroups {
  /** Undefined when no group could be committed. */
  readonly snapshot: Snapshot | undefined
  readonly committedGroups: readonly number[]
  /** Groups of which other commits removed an input: their outputs are of no use. Plan them again. */
  readonly lostGroups: readonly number[]
  /** Groups whose outputs the table has already: an earlier call committed them. */
  readonly repeatedGroups: readonly number[]
  readonly removedDeleteFiles: number
  /** Delete files that repeat on outputs what others deleted of inputs meanwhile. */
  readonly carriedDeleteFiles: number
}

/** Commits that may fail one after the other, each because of something else that other commits removed. */
const MAX_ATTEMPTS = 10

/**
 * Commits rewritten groups as one snapshot: inputs out, outputs in, with the deletes that only applied to inputs. What others deleted
 * of inputs meanwhile is deleted of the outputs too.
 *
 * Source: `RewriteDataFilesCommitManager`, which fails where this carries over
 * @throws FloeError `CONFLICT` when the table lost the plan's schema, or others were always faster; `INVALID` for results of another plan
 */
export async function commitCompaction(
  context: DmlContext,
  plan: CompactionPlan,
  results: readonly GroupResult[],
  options: CommitCompactionOptions = {},
): Promise<{ readonly result: CommittedGroups; readonly table: LoadedTable | undefined }> {
  const commit = new GroupsCommit(context, plan, options)
  return commit.run(rewrittenGroups(plan, results))
}

class GroupsCommit {
  readonly #context: DmlContext
  readonly #plan: CompactionPlan
  readonly #options: CommitCompactionOptions
  #loaded: LoadedTable

  constructor(context: DmlContext, plan: CompactionPlan, options: CommitCompactionOptions) {
    this.#context = context
    this.#plan = plan
    this.#options = options
    this.#loaded = context.loaded
  }

  async run(all: readonly RewrittenGroup[]): Promise<{ readonly result: CommittedGroups; readonly table: LoadedTable | undefined }> {
    let groups = all
    const lost: number[] = []
    const repeated: number[] = []
    for (let attempt = 1; ; attempt++) {
      const sorted = attempt === 1 ? undefined : await this.#sort(groups)
      lost.push(...(sorted?.lost ?? []))
      repeated.push(...(sorted?.repeated ?? []))
      groups = sorted?.live ?? groups
      try {
        const committed = await this.#commit(groups)
        return { ...committed, result: { ...committed.result, lostGroups: lost, repeatedGroups: repeated } }
      } catch (error) {
        // Something that was to be removed is gone: an input, or a dead delete.
        if (!isFloeError(error, 'CONFLICT') || error.retryable || attempt === MAX_ATTEMPTS) throw error
        const before = this.#loaded.metadataLocation
        this.#loaded = await this.#context.backend.loadTable(this.#loaded.identifier)
        checkUnchanged(this.#plan, this.#loaded.metadata)
        if (this.#loaded.metadataLocation === before && (await this.#sort(groups)).live.length === groups.length) throw error
      }
    }
  }

  /** Which groups can still be committed, by the files that the table has now. */
  async #sort(groups: readonly RewrittenGroup[]): Promise<Record<'lost' | 'repeated', number[]> & { readonly live: RewrittenGroup[] }> {
    const paths = groups.flatMap(({ group, result }) => [...group.tasks, ...result.addedDataFiles].map((file) => file.filePath))
    const live = await liveAmong(new Set(paths), this.#loaded, this.#plan.branch, this.#options.signal)
    const sorted = { lost: [] as number[], repeated: [] as number[], live: [] as RewrittenGroup[] }
    for (const rewritten of groups) {
      const { group, result } = rewritten
      if (group.tasks.every((task) => live.has(task.filePath))) sorted.live.push(rewritten)
      else if (result.addedDataFiles.some((file) => live.has(file.filePath))) sorted.repeated.push(group.id)
      else sorted.lost.push(group.id)
    }
    return sorted
  }

  async #commit(groups: readonly RewrittenGroup[]): Promise<{ readonly result: CommittedGroups; readonly table: LoadedTable | undefined }> {
    const { summary = {}, signal } = this.#options
    const plan = this.#plan
    const changes = await this.#changes(groups)
    if (groups.length === 0 || isEmptyChange(changes)) return { result: NOTHING, table: undefined }
    const loaded = this.#loaded
    const carrying = new DeleteCarrying({ ...this.#context, loaded: pinnedTable(plan, loaded) }, plan, groups)
    const { result, isOurs } = await commitChanges({ ...this.#context, loaded }, changes, {
      name: 'compaction',
      branch: plan.branch,
      operation: 'replace',
      properties: new Map(Object.entries(summary)),
      validation: {
        startingSnapshotId: plan.snapshotId === undefined ? undefined : BigInt(plan.snapshotId),
        isolation: 'snapshot',
        conflictFilter: alwaysTrue(),
      },
      guard: (metadata) => checkUnchanged(plan, metadata),
      dataSequenceNumber: keepsPlace(plan, groups) ? BigInt(plan.sequenceNumber) : undefined,
      droppedRowCount: rowsOf(changes.removedDataFiles) - rowsOf(changes.addedDataFiles),
      withoutRowIds: withoutRowIds(groups),
      carryDeletes: (newDeletes, hook) => carrying.carry(newDeletes, hook),
      signal,
    })
    if (!isOurs) throw new FloeError('COMMIT_STATE_UNKNOWN', 'Another commit was taken for that of the compaction: reload the table')
    return {
      result: {
        snapshot: result.snapshot,
        committedGroups: groups.map(({ group }) => group.id),
        lostGroups: [],
        repeatedGroups: [],
        removedDeleteFiles: Number(result.snapshot?.summary.get('removed-delete-files') ?? 0),
        carriedDeleteFiles: Number(result.snapshot?.summary.get('added-delete-files') ?? 0),
      },
      table: result.table,
    }
  }

  async #changes(groups: readonly RewrittenGroup[]): Promise<FileChanges> {
    const { removeDanglingDeletes = true, signal } = this.#options
    const plan = this.#plan
    const { metadata } = pinnedTable(plan, this.#loaded)
    const addedDataFiles = groups.flatMap(({ result }) => result.addedDataFiles.map((file) => dataFileOf(file, metadata, plan.schemaId)))
    const removedDataFiles = groups.flatMap(({ group }) => group.tasks.map((task) => removedFile(task, metadata, plan.schemaId)))
    const replaced = new Set(removedDataFiles.map((file) => file.filePath))
    const removedDeleteFiles = removeDanglingDeletes ? await deadDeletes(replaced, plan, this.#loaded, signal) : []
    return { addedDataFiles, removedDataFiles, addedDeleteFiles: [], removedDeleteFiles }
  }
}

const NOTHING: CommittedGroups = {
  snapshot: undefined,
  committedGroups: [],
  lostGroups: [],
  repeatedGroups: [],
  removedDeleteFiles: 0,
  carriedDeleteFiles: 0,
}

/**
 * Whether outputs may have the sequence number of the snapshot that was read, so that equality deletes committed meanwhile apply to
 * them as to the inputs: they do so by partition, so the outputs must be where the inputs were. Elsewhere such deletes are carried over.
 */
function keepsPlace(plan: CompactionPlan, groups: readonly RewrittenGroup[]): boolean {
  return plan.useStartingSequenceNumber && plan.formatVersion > 1 && groups.every(({ group }) => group.partition !== undefined)
}

/** @throws FloeError `INVALID` for results that are not of the plan, or of one group twice */
function rewrittenGroups(plan: CompactionPlan, results: readonly GroupResult[]): readonly RewrittenGroup[] {
  const groups = new Map(plan.groups.map((group) => [group.id, group]))
  return results.map((result) => {
    const group = groups.get(result.groupId)
    if (group === undefined) throw new FloeError('INVALID', `The plan has no group ${result.groupId}, or two results are of it`)
    groups.delete(result.groupId)
    const written = result.addedDataFiles.reduce((rows, file) => rows + file.recordCount, 0)
    if (written !== result.rows) throw new FloeError('INVALID', `The files of group ${group.id} have ${written} rows, its result says ${result.rows}`)
    return { group, result }
  })
}

function removedFile(task: CompactionGroup['tasks'][number], metadata: LoadedTable['metadata'], schemaId: number): DataFile {
  const { filePath, fileFormat, specId, recordCount, fileSizeBytes } = task
  const partition = partitionOfText(task.partition, tupleType(metadata, specId, schemaId), filePath)
  return { content: 'data', filePath, fileFormat, specId, partition, recordCount, fileSizeBytes }
}

/** The files whose rows were written without ids, as they had none. */
function withoutRowIds(groups: readonly RewrittenGroup[]): ReadonlySet<string> {
  const tasks = groups.flatMap(({ group }) => group.tasks)
  return new Set(tasks.filter((task) => task.firstRowId === undefined).map((task) => task.filePath))
}

function rowsOf(files: readonly DataFile[]): number {
  return files.reduce((rows, file) => rows + file.recordCount, 0)
}
