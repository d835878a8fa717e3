/**
 * Decides what a table needs, from its metadata and manifests alone, and does it. The work itself is that of the folders beside this one.
 */
import { readManifestFiles } from '../../commit/manifest-input.js'
import { planCompaction } from '../../compaction/plan-compaction.js'
import type { DmlContext } from '../../dml/dml-context.js'
import { readBoolean, readInteger, tableProperties } from '../../metadata/table-properties.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { ancestorsOf, indexSnapshots } from '../../snapshot/ancestry.js'
import { branchHead, MAIN_BRANCH } from '../../snapshot/snapshot-ref.js'
import { summaryCount } from '../../snapshot/snapshot-summary.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { livePositionDeletes } from '../delete-files/live-deletes.js'
import { selectDeleteFiles } from '../delete-files/select-delete-files.js'
import { planExpiry } from '../expire/plan-expiry.js'
import { selectManifests } from '../manifests/select-manifests.js'
import { DEFAULT_MIN_AGE_MS } from '../orphans/orphan-options.js'
import { statisticsPartitionType } from '../statistics/partition-counts.js'
import { liveEqualityDeleteFiles } from './live-equality-deletes.js'
import {
  MAINTENANCE_TASKS, POLICY_MEMBERS, type MaintenancePlan, type MaintenancePolicy, type MaintenanceStep, type MaintenanceTask,
} from './maintenance-policy.js'

/** When orphans were last looked for, in milliseconds since 1970 UTC: a property of the table. */
export const ORPHANS_CHECKED_PROPERTY = 'floe.maintenance.orphans-checked-ms'

const WEEK_MS = 7 * 24 * 3_600_000
const MIB = 2 ** 20
const DEFAULT_CHANGED_SHARE = 0.1
const SHARED_FILES = 'gc.enabled is false: its files may belong to others'

export interface PlanMaintenanceOptions {
  readonly policy?: MaintenancePolicy | undefined
  readonly branch?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** What each task would do to the table as it is now, and why. */
export async function planMaintenance(context: DmlContext, options: PlanMaintenanceOptions = {}): Promise<MaintenancePlan> {
  const { branch = MAIN_BRANCH } = options
  const steps: MaintenanceStep[] = []
  for (const task of MAINTENANCE_TASKS) steps.push(await planTask(task, context, options))
  return { branch, snapshotId: branchHead(context.loaded.metadata, branch)?.snapshotId.toString(), steps }
}

/** The same for one task. */
export async function planTask(task: MaintenanceTask, context: DmlContext, options: PlanMaintenanceOptions): Promise<MaintenanceStep> {
  const { policy = {}, branch = MAIN_BRANCH, signal } = options
  const { metadata } = context.loaded
  if (policy[POLICY_MEMBERS[task]] === false) return idle(task, 'the policy leaves it out')
  const head = branchHead(metadata, branch)
  if (head === undefined && task !== 'orphans') return idle(task, 'the branch has no snapshot yet')
  const question = { context, policy, branch, head: head!, signal }
  return DECISIONS[task](question)
}

interface Question {
  readonly context: DmlContext
  readonly policy: MaintenancePolicy
  readonly branch: string
  readonly head: Snapshot
  readonly signal: AbortSignal | undefined
}

const DECISIONS: Readonly<Record<MaintenanceTask, (question: Question) => MaintenanceStep | Promise<MaintenanceStep>>> = {
  compaction: decideCompaction,
  'equality-deletes': decideEqualityDeletes,
  'position-deletes': decidePositionDeletes,
  manifests: decideManifests,
  statistics: decideStatistics,
  'partition-statistics': decidePartitionStatistics,
  expiry: decideExpiry,
  orphans: decideOrphans,
}

async function decideCompaction({ context, policy, branch, signal }: Question): Promise<MaintenanceStep> {
  const plan = await planCompaction(context, { ...(policy.compaction === false ? {} : policy.compaction), branch, signal })
  const { candidateFiles: files, inputFiles, inputBytes, groups, targetFileSizeBytes } = plan
  const numbers = { files, inputFiles, inputBytes, groups: groups.length, targetFileSizeBytes }
  if (groups.length === 0) return idle('compaction', `${count(files, 'data file')}: none is worth rewriting`, numbers)
  const deletes = groups.reduce((sum, group) => sum + group.deleteFiles, 0)
  const outputs = groups.reduce((sum, group) => sum + group.expectedOutputFiles, 0)
  const applied = deletes === 0 ? '' : `, with ${count(deletes, 'delete file')} to apply`
  const size = `${count(inputFiles, 'data file')} of ${files}, ${mib(inputBytes / inputFiles)} on average`
  return needed('compaction', `${size}, become about ${outputs} of up to ${mib(targetFileSizeBytes)}${applied}`, { ...numbers, deletes, outputs })
}

async function decideEqualityDeletes({ context, policy, head, signal }: Question): Promise<MaintenanceStep> {
  const { minFiles = 1 } = policy.equalityDeletes === false ? {} : (policy.equalityDeletes ?? {})
  const files = await liveEqualityDeleteFiles(context.loaded, head, signal)
  const numbers = { files, minFiles }
  if (files === 0) return idle('equality-deletes', 'there are none', numbers)
  if (files < minFiles) return idle('equality-deletes', `${count(files, 'file')}, fewer than ${minFiles}`, numbers)
  return needed('equality-deletes', `${count(files, 'file')} that every read has to join become positions`, numbers)
}

async function decidePositionDeletes({ context, policy, head, signal }: Question): Promise<MaintenanceStep> {
  const { metadata } = context.loaded
  const deletes = metadata.formatVersion === 1 ? [] : await livePositionDeletes(context, head, signal)
  const selection = policy.positionDeletes === false ? {} : (policy.positionDeletes ?? {})
  const { dangling, groups, vectors, reasons } = selectDeleteFiles(deletes, metadata, selection)
  const numbers = { deletes: deletes.length, dangling: dangling.length, files: groups.flat().length, vectors: vectors.length }
  if (deletes.length === 0) return idle('position-deletes', 'there are none', numbers)
  const what = count(deletes.length, 'delete file or vector', 'delete files or vectors')
  if (reasons.length === 0) return idle('position-deletes', `${what} in good order`, numbers)
  return needed('position-deletes', reasons.join('; '), numbers)
}

async function decideManifests({ context, policy, head, signal }: Question): Promise<MaintenanceStep> {
  const { metadata } = context.loaded
  const manifests = await readManifestFiles(context.loaded, head, { signal })
  const options = policy.manifests === false ? {} : (policy.manifests ?? {})
  const targetSizeBytes = options.targetSizeBytes ?? readInteger(metadata.properties, tableProperties.manifestTargetSizeBytes)
  const { groups } = selectManifests(metadata, manifests, { ...options, targetSizeBytes })
  const chosen = groups.reduce((sum, group) => sum + group.manifests.length, 0)
  const planned = groups.reduce((sum, group) => sum + group.plannedManifests, 0)
  const numbers = { manifests: manifests.length, rewritten: chosen, planned, targetSizeBytes }
  if (groups.length === 0) return idle('manifests', `${count(manifests.length, 'manifest')} of a good size and in order`, numbers)
  // Every commit adds a manifest: rewriting at each would make garbage rather than order.
  const minManifests = Math.min(MIN_MANIFESTS, readInteger(metadata.properties, tableProperties.manifestMinMergeCount))
  if (options.rewriteAll !== true && chosen < minManifests) {
    return idle('manifests', `${count(chosen, 'manifest')} of ${manifests.length} could be merged, fewer than ${minManifests}`, numbers)
  }
  return needed('manifests', groups.map((group) => `${group.content}: ${group.reason}`).join('; '), numbers)
}

const MIN_MANIFESTS = 8

function decideStatistics({ context, policy, head }: Question): MaintenanceStep {
  const { metadata } = context.loaded
  const given = policy.statistics === false ? undefined : policy.statistics
  const { minChangedShare = DEFAULT_CHANGED_SHARE } = given ?? {}
  return decideByChange('statistics', { metadata, head, files: metadata.statistics, isAsked: given !== undefined, minChangedShare })
}

function decidePartitionStatistics({ context, policy, head }: Question): MaintenanceStep {
  const { metadata } = context.loaded
  const given = policy.partitionStatistics === false ? undefined : policy.partitionStatistics
  if (statisticsPartitionType(metadata).fields.length === 0) return idle('partition-statistics', 'the table has no partitions')
  const { minChangedShare = DEFAULT_CHANGED_SHARE } = given ?? {}
  const files = metadata.partitionStatistics
  return decideByChange('partition-statistics', { metadata, head, files, isAsked: given !== undefined, minChangedShare })
}

interface StatisticsQuestion {
  readonly metadata: TableMetadata
  readonly head: Snapshot
  readonly files: readonly { readonly snapshotId: bigint }[]
  readonly isAsked: boolean
  readonly minChangedShare: number
}

/** How much changed since the last statistics, as summaries tell it. */
function decideByChange(task: MaintenanceTask, { metadata, head, files, isAsked, minChangedShare }: StatisticsQuestion): MaintenanceStep {
  const described = new Set(files.map((file) => file.snapshotId))
  let changed = 0n
  let behind = 0
  for (const snapshot of ancestorsOf(head.snapshotId, indexSnapshots(metadata.snapshots))) {
    if (described.has(snapshot.snapshotId)) {
      const total = summaryCount(head.summary, 'total-records') ?? 0n
      const share = total === 0n ? (changed === 0n ? 0 : 1) : Number(changed) / Number(total)
      const numbers = { snapshotsBehind: behind, changedRows: Number(changed), rows: Number(total), changedShare: share }
      if (behind === 0) return idle(task, 'those of the current snapshot are there', numbers)
      const text = `${count(behind, 'snapshot')} and ${Math.round(1000 * share) / 10} % of the rows have changed since the last ones`
      return share >= minChangedShare ? needed(task, text, numbers) : idle(task, `${text}, less than ${100 * minChangedShare} %`, numbers)
    }
    // Rewrites change no rows.
    if (snapshot.operation !== 'replace') changed += changedRows(snapshot)
    behind++
  }
  if (isAsked) return needed(task, 'the policy asks for them, and there are none', { snapshotsBehind: behind })
  return idle(task, 'nobody ever asked for any: name them in the policy to begin', { snapshotsBehind: behind })
}

function changedRows({ summary }: Snapshot): bigint {
  const names = ['added-records', 'deleted-records', 'added-position-deletes', 'added-equality-deletes']
  return names.reduce((sum, name) => sum + (summaryCount(summary, name) ?? 0n), 0n)
}

function decideExpiry({ context, policy }: Question): MaintenanceStep {
  const { loaded: { metadata }, runtime } = context
  if (!readBoolean(metadata.properties, tableProperties.gcEnabled)) return idle('expiry', SHARED_FILES)
  const rules = policy.expiry === false ? {} : (policy.expiry ?? {})
  const plan = planExpiry(metadata, rules, runtime.now())
  const snapshots = metadata.snapshots.length
  const numbers = { snapshots, expired: plan.removedSnapshots.length, refs: plan.removedRefs.length }
  if (numbers.expired + numbers.refs === 0) return idle('expiry', `${count(snapshots, 'snapshot')}, none past what is to be kept`, numbers)
  const refs = numbers.refs === 0 ? '' : `, and ${count(numbers.refs, 'branch or tag', 'branches and tags')}`
  return needed('expiry', `${numbers.expired} of ${count(snapshots, 'snapshot')}${refs} are past what is to be kept`, numbers)
}

function decideOrphans({ context, policy }: Question): MaintenanceStep {
  const { loaded: { metadata }, runtime } = context
  if (!readBoolean(metadata.properties, tableProperties.gcEnabled)) return idle('orphans', SHARED_FILES)
  const options = policy.orphans === false ? {} : (policy.orphans ?? {})
  const { intervalMs = WEEK_MS, minAgeMs = DEFAULT_MIN_AGE_MS, allowRecentFiles = false } = options
  const now = runtime.now()
  const ageMs = now - bornMs(metadata)
  if (!allowRecentFiles && ageMs < minAgeMs) {
    return idle('orphans', `the table is ${days(ageMs)} old, and only files of ${days(minAgeMs)} count as orphans`, { ageMs, minAgeMs })
  }
  const checked = Number(metadata.properties.get(ORPHANS_CHECKED_PROPERTY) ?? NaN)
  if (Number.isNaN(checked)) return needed('orphans', 'nobody has looked for any yet', { intervalMs })
  const numbers = { sinceMs: now - checked, intervalMs }
  const text = `the last look was ${days(numbers.sinceMs)} ago`
  return numbers.sinceMs >= intervalMs ? needed('orphans', text, numbers) : idle('orphans', `${text}, less than ${days(intervalMs)}`, numbers)
}

/** The earliest time that the metadata still knows of. */
function bornMs({ snapshotLog, metadataLog, snapshots, lastUpdatedMs }: TableMetadata): number {
  const times = [...snapshotLog, ...metadataLog, ...snapshots].map((entry) => entry.timestampMs)
  return times.reduce((least, time) => Math.min(least, time), lastUpdatedMs)
}

function needed(task: MaintenanceTask, why: string, numbers: MaintenanceStep['numbers'] = {}): MaintenanceStep {
  return { task, needed: true, why, numbers }
}

function idle(task: MaintenanceTask, why: string, numbers: MaintenanceStep['numbers'] = {}): MaintenanceStep {
  return { task, needed: false, why, numbers }
}

function count(number: number, what: string, plural = `${what}s`): string {
  return `${number} ${number === 1 ? what : plural}`
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(bytes < 10 * MIB ? 1 : 0)} MiB`
}

function days(ms: number): string {
  const number = ms / (24 * 3_600_000)
  return number < 2 ? count(Math.round(24 * number), 'hour') : count(Math.round(number), 'day')
}
