import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { readManifestFiles } from '../../commit/manifest-input.js'
import { metadataOperation } from '../../commit/commit-operation.js'
import { commitTable } from '../../commit/commit-table.js'
import type { DmlContext } from '../../dml/dml-context.js'
import type { MetadataUpdate } from '../../metadata/metadata-update.js'
import { branchHead, MAIN_BRANCH } from '../../snapshot/snapshot-ref.js'
import { encodeUtf8 } from '../../util/utf8.js'
import { hintedVersion } from '../fsck/check-metadata-files.js'
import { snapshotCodes } from '../fsck/finding.js'
import { fsck } from '../fsck/fsck.js'
import type { FsckOptions } from '../fsck/fsck-options.js'
import type { FsckReport } from '../fsck/fsck-report.js'
import { editEntries } from './edit-entries.js'
import { liveEntries, prepareRepair } from './prepare-repair.js'
import { placeKey, RepairEditor, type PreparedRepair } from './repair-editor.js'
import { planRepair, type RepairConsent, type RepairPlan, type RepairStep } from './repair-plan.js'

export interface RepairOptions extends RepairConsent, FsckOptions {
  /** What to mend. Default: what a check with the same options finds. */
  readonly report?: FsckReport | undefined
  /** Tell what would be done, and change nothing. */
  readonly dryRun?: boolean | undefined
}

/** What was done to one branch. */
export interface RepairedBranch {
  readonly branch: string
  /** Of the snapshot that mends it. */
  readonly snapshotId: string
  readonly removedFiles: number
  /** Rows of data files that are gone, before deletes. */
  readonly lostRows: number
  readonly editedFiles: number
  readonly rewrittenManifests: number
}

/** Plain JSON, with `plan`. */
export interface RepairResult {
  readonly plan: RepairPlan
  readonly branches: readonly RepairedBranch[]
  readonly removedStatistics: readonly string[]
  readonly hintWritten: boolean
  readonly dryRun: boolean
}

/**
 * Mends what a check has found, as far as ordinary commits can: one for each branch whose head is concerned, and one for
 * statistics. Snapshots that are no head of a branch stay as they are until they expire, those of tags too. Rows stay, except
 * where the options say that they may go.
 *
 * @throws FloeError `CONFLICT` when the deletes that it mends were changed meanwhile
 */
export async function repair(
  context: DmlContext,
  options: RepairOptions = {},
): Promise<{ readonly result: RepairResult; readonly table: LoadedTable | undefined }> {
  const report = options.report ?? (await fsck(context, options))
  const plan = planRepair(report, options)
  if (options.dryRun === true || plan.steps.length === 0) {
    return { result: { plan, branches: [], removedStatistics: [], hintWritten: false, dryRun: options.dryRun === true }, table: undefined }
  }
  return new RepairRun(context, plan, options).run()
}

class RepairRun {
  #table: LoadedTable | undefined

  constructor(
    private readonly context: DmlContext,
    private readonly plan: RepairPlan,
    private readonly options: RepairOptions,
  ) {}

  async run(): Promise<{ readonly result: RepairResult; readonly table: LoadedTable | undefined }> {
    const branches: RepairedBranch[] = []
    for (const branch of this.#branches()) {
      const repaired = await this.#repairBranch(branch)
      if (repaired !== undefined) branches.push(repaired)
    }
    const removedStatistics = await this.#removeStatistics()
    const hintWritten = this.plan.steps.some(({ action }) => action === 'write-hint') && (await this.#writeHint())
    return { result: { plan: this.plan, branches, removedStatistics, hintWritten, dryRun: false }, table: this.#table }
  }

  get #newest(): DmlContext {
    return this.#table === undefined ? this.context : { ...this.context, loaded: this.#table }
  }

  #branches(): readonly string[] {
    const { refs } = this.context.loaded.metadata
    const names = [...refs].filter(([, ref]) => ref.type === 'branch').map(([name]) => name)
    return names.sort((a, b) => Number(b === MAIN_BRANCH) - Number(a === MAIN_BRANCH))
  }

  async #repairBranch(branch: string): Promise<RepairedBranch | undefined> {
    const context = this.#newest
    const { signal } = this.options
    const steps = await this.#stepsFor(branch)
    if (steps.length === 0) return undefined
    const prepared = await prepareRepair(context, branch, steps, signal)
    if (!(await this.#changesAnything(branch, steps, prepared))) return undefined
    const drops = steps.some(({ action }) => action === 'drop-file' || action === 'drop-delete' || action === 'drop-duplicate')
    const kind = { name: 'repair', operation: drops ? 'delete' : 'replace', branch } as const
    const operation = editEntries(new RepairEditor(steps, prepared), kind, context.runtime)
    const { table, snapshot } = await commitTable(context.backend, context.loaded, operation, { runtime: context.runtime, signal })
    this.#table = table
    const { removedFiles, removedRows, editedFiles, rewrittenManifests } = operation.counts
    return { branch, snapshotId: String(snapshot!.snapshotId), removedFiles, lostRows: removedRows, editedFiles, rewrittenManifests }
  }

  /** Another snapshot may say wrong things of a file of which this branch says the right ones. */
  async #changesAnything(branch: string, steps: readonly RepairStep[], prepared: PreparedRepair): Promise<boolean> {
    const whole: readonly RepairStep['action'][] = ['rewrite-manifest', 'count-totals', 'drop-duplicate']
    if (prepared.addedDeletes.length > 0 || steps.some(({ action }) => whole.includes(action))) return true
    const editor = new RepairEditor(steps, prepared)
    for await (const entry of liveEntries(this.#newest, branch, this.options.signal)) if (editor.edit(entry) !== 'keep') return true
    return false
  }

  /** The steps that concern the head of a branch. */
  async #stepsFor(branch: string): Promise<readonly RepairStep[]> {
    const { loaded } = this.#newest
    const head = loaded.metadata.refs.get(branch)?.snapshotId
    const places = new Set<string>()
    for await (const { dataFile: file } of liveEntries(this.#newest, branch, this.options.signal)) {
      places.add(placeKey(file.filePath, file.contentOffset))
    }
    const manifests = new Set((await this.#manifestsOf(branch)).map(({ manifestPath }) => manifestPath))
    return this.plan.steps.filter(({ action, finding }) => {
      if (action === 'write-hint' || action === 'remove-statistics') return false
      if ((action === 'count-totals' || snapshotCodes.has(finding.code)) && finding.snapshotId !== String(head)) return false
      if (action === 'count-totals') return true
      if (action === 'rewrite-manifest' || finding.file === undefined) return finding.manifest !== undefined && manifests.has(finding.manifest)
      return places.has(placeKey(finding.file, finding.offset))
    })
  }

  async #manifestsOf(branch: string): Promise<readonly { readonly manifestPath: string }[]> {
    const { loaded } = this.#newest
    return readManifestFiles(loaded, branchHead(loaded.metadata, branch), { signal: this.options.signal })
  }

  async #removeStatistics(): Promise<readonly string[]> {
    const files = new Set(this.plan.steps.filter(({ action }) => action === 'remove-statistics').map(({ finding }) => finding.file!))
    if (files.size === 0) return []
    const context = this.#newest
    const isNamed = ({ statisticsPath }: { readonly statisticsPath: string }): boolean => files.has(statisticsPath)
    const operation = metadataOperation('repair of statistics', ({ statistics, partitionStatistics }): readonly MetadataUpdate[] => [
      ...statistics.filter(isNamed).map(({ snapshotId }) => ({ action: 'remove-statistics', snapshotId }) as const),
      ...partitionStatistics.filter(isNamed).map(({ snapshotId }) => ({ action: 'remove-partition-statistics', snapshotId }) as const),
    ])
    const { backend, loaded, runtime } = context
    const { table } = await commitTable(backend, loaded, operation, { runtime, signal: this.options.signal })
    this.#table = table
    return [...files].sort()
  }

  /** A commit writes the hint anyway; where there was none, it is written here. */
  async #writeHint(): Promise<boolean> {
    const hinted = await hintedVersion({ table: this.#newest })
    if (hinted === undefined) return false
    if (hinted.hint !== String(hinted.version)) await this.#newest.loaded.io.write(hinted.location, encodeUtf8(String(hinted.version)))
    return true
  }
}
