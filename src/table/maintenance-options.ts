/** The names of the options of every verb of maintenance, held against their types by the compiler. */
import type { CommitCompactionOptions, PlanCompactionOptions, RewriteGroupOptions } from '../compaction/compaction-options.js'
import type { ExpireSnapshotsOptions } from '../maintenance/expire/expire-snapshots.js'
import type { FsckOptions } from '../maintenance/fsck/fsck-options.js'
import type { LayoutOptions } from '../maintenance/layout/layout-types.js'
import type { MaintenancePolicy } from '../maintenance/maintain/maintenance-policy.js'
import type { PlanOrphansOptions } from '../maintenance/orphans/orphan-options.js'
import type { RemoveOrphansOptions } from '../maintenance/orphans/remove-orphan-files.js'
import type { PurgeOptions } from '../maintenance/purge/purge-options.js'
import type { RepairOptions } from '../maintenance/repair/repair.js'
import type {
  ComputePartitionStatisticsOptions, ComputeStatisticsOptions, MaintainOptions, PlanMaintenanceOptions, ReadPartitionStatisticsOptions,
  RewriteManifestsOptions, RewritePositionDeletesOptions,
} from '../maintenance/table-upkeep.js'
import { checkAmount, checkCount, checkShare } from '../util/option-values.js'
import { checkArgument, checkNames, namesOf, type Names } from './checked-arguments.js'
import type { CompactCallOptions } from './compaction-calls.js'

const FSCK = {
  data: true,
  sampleRate: true,
  snapshots: true,
  maxFindings: true,
  concurrency: true,
  onProgress: true,
  signal: true,
} as const

/** Options that a policy leaves to `maintain` itself. */
const CALL = { branch: true, dryRun: true, summary: true, onProgress: true, signal: true } as const
const { dryRun: _dryRun, summary: _summary, onProgress: _onProgress, ...BRANCH } = CALL

const SELECTED_FILES = {
  strategy: true,
  filter: true,
  caseSensitive: true,
  targetFileSizeBytes: true,
  minFileSizeBytes: true,
  maxFileSizeBytes: true,
  minInputFiles: true,
  deleteFileThreshold: true,
  deleteRatioThreshold: true,
  maxFileGroupSizeBytes: true,
  maxFileGroupInputFiles: true,
  rewriteAll: true,
  maxFilesToRewrite: true,
  outputSpecId: true,
  jobOrder: true,
  selection: true,
  useStartingSequenceNumber: true,
} as const
const REWRITE = { memoryBudgetBytes: true, spillFolder: true } as const
const COMPACTION = {
  ...SELECTED_FILES,
  ...REWRITE,
  removeDanglingDeletes: true,
  partialProgress: true,
  maxCommits: true,
  maxFailedCommits: true,
  maxConcurrentGroups: true,
  filters: true,
} as const
const DELETE_FILES = { targetFileSizeBytes: true, minInputFiles: true, liveRatioThreshold: true, rewriteAll: true } as const
const EXPIRY = {
  olderThan: true,
  retainLast: true,
  snapshotIds: true,
  cleanExpiredMetadata: true,
  cleanExpiredFiles: true,
  readerGraceMs: true,
} as const
const ORPHANS = {
  minAgeMs: true,
  olderThan: true,
  allowRecentFiles: true,
  locations: true,
  sharedWith: true,
  goneTables: true,
  prefixMismatchMode: true,
  equalSchemes: true,
  equalAuthorities: true,
} as const
const MANIFESTS = {
  clusterBy: true,
  targetSizeBytes: true,
  specId: true,
  predicate: true,
  rewriteAll: true,
  memoryBudgetBytes: true,
  spillDirectory: true,
} as const
const STATISTICS = { ...BRANCH, snapshotId: true, full: true, dryRun: true } as const
const WATCHED = { dryRun: true, onProgress: true, signal: true } as const

/** By the name that a verb has in messages. */
export const MAINTENANCE_NAMES = {
  fsck: namesOf<FsckOptions>()(FSCK),
  layout: namesOf<LayoutOptions>()({ ref: true, snapshotId: true, signal: true }),
  repair: namesOf<RepairOptions>()({
    ...FSCK,
    dropMissingFiles: true,
    dropMissingDeletes: true,
    dropDuplicates: true,
    report: true,
    dryRun: true,
  }),
  purge: namesOf<PurgeOptions>()({
    ...WATCHED,
    branches: true,
    tags: true,
    scanColumns: true,
    scanValues: true,
    leftoverMinAgeMs: true,
    includeFilter: true,
    caseSensitive: true,
    memoryBudgetBytes: true,
  }),
  compaction: namesOf<CompactCallOptions>()({ ...COMPACTION, ...CALL, plan: true }),
  'compaction plan': namesOf<PlanCompactionOptions>()({ ...SELECTED_FILES, ...BRANCH }),
  'rewrite of a group': namesOf<RewriteGroupOptions>()({ ...REWRITE, onProgress: true, signal: true }),
  'commit of a compaction': namesOf<CommitCompactionOptions>()({ removeDanglingDeletes: true, summary: true, signal: true }),
  expireSnapshots: namesOf<ExpireSnapshotsOptions>()({ ...EXPIRY, ...WATCHED }),
  planOrphanRemoval: namesOf<PlanOrphansOptions>()({ ...ORPHANS, onProgress: true, signal: true }),
  removeOrphanFiles: namesOf<RemoveOrphansOptions>()({ ...ORPHANS, ...WATCHED, plan: true, trash: true }),
  'rewrite of manifests': namesOf<RewriteManifestsOptions>()({ ...MANIFESTS, ...CALL }),
  'computation of statistics': namesOf<ComputeStatisticsOptions>()({ ...STATISTICS, columns: true, onProgress: true }),
  'computation of partition statistics': namesOf<ComputePartitionStatisticsOptions>()({ ...STATISTICS, totalRecordCount: true }),
  'partition statistics': namesOf<ReadPartitionStatisticsOptions>()({ ...BRANCH, snapshotId: true }),
  'rewrite of position deletes': namesOf<RewritePositionDeletesOptions>()({ ...DELETE_FILES, ...CALL }),
  maintenance: namesOf<MaintainOptions>()({ ...BRANCH, ...WATCHED, policy: true }),
  'maintenance plan': namesOf<PlanMaintenanceOptions>()({ ...BRANCH, policy: true }),
} as const satisfies Readonly<Record<string, Names>>

export type MaintenanceVerb = keyof typeof MAINTENANCE_NAMES

/** What a policy can say of one task. */
type Said<K extends keyof MaintenancePolicy> = Exclude<MaintenancePolicy[K], false | undefined>

const POLICY = {
  compaction: namesOf<Said<'compaction'>>()(COMPACTION),
  equalityDeletes: namesOf<Said<'equalityDeletes'>>()({ minFiles: true }),
  positionDeletes: namesOf<Said<'positionDeletes'>>()(DELETE_FILES),
  manifests: namesOf<Said<'manifests'>>()(MANIFESTS),
  statistics: namesOf<Said<'statistics'>>()({ columns: true, minChangedShare: true }),
  partitionStatistics: namesOf<Said<'partitionStatistics'>>()({ totalRecordCount: true, minChangedShare: true }),
  expiry: namesOf<Said<'expiry'>>()(EXPIRY),
  orphans: namesOf<Said<'orphans'>>()({ ...ORPHANS, plan: true, trash: true, intervalMs: true }),
} as const satisfies Record<keyof MaintenancePolicy, Names>

/** @throws FloeError `INVALID` naming what a policy says that nothing would heed */
export function checkPolicy(policy: MaintenancePolicy | undefined): void {
  if (policy === undefined) return
  checkArgument(policy, 'object', 'The policy of a maintenance')
  checkNames(policy, Object.keys(POLICY), 'The policy of a maintenance')
  for (const [member, names] of Object.entries(POLICY)) {
    const said: unknown = policy[member as keyof MaintenancePolicy]
    if (said === undefined || said === false) continue
    checkArgument(said, 'object', `${member} of a policy, unless it is false,`)
    checkNames(said as object, names, `${member} of a policy`)
  }
  const { equalityDeletes, statistics, partitionStatistics, orphans } = policy
  checkCount(equalityDeletes === false ? undefined : equalityDeletes?.minFiles, 1, 'minFiles of equalityDeletes of a policy')
  for (const each of [statistics, partitionStatistics]) {
    checkShare(each === false ? undefined : each?.minChangedShare, 'minChangedShare of a policy')
  }
  checkAmount(orphans === false ? undefined : orphans?.intervalMs, 0, 'intervalMs of orphans of a policy')
}
