import type { CompactionOptions } from '../../compaction/compaction-options.js'
import type { DeleteFileSelection } from '../delete-files/select-delete-files.js'
import type { ExpireSnapshotsOptions } from '../expire/expire-snapshots.js'
import type { RewriteManifestsOptions } from '../manifests/rewrite-manifests.js'
import type { RemoveOrphansOptions } from '../orphans/remove-orphan-files.js'

/** What maintenance is made of, in the order in which it is done: what makes garbage before what removes it. */
export const MAINTENANCE_TASKS = [
  'compaction', 'equality-deletes', 'position-deletes', 'manifests', 'statistics', 'partition-statistics', 'expiry', 'orphans',
] as const

export type MaintenanceTask = (typeof MAINTENANCE_TASKS)[number]

type Unbound<T> = Omit<T, 'branch' | 'dryRun' | 'signal' | 'onProgress' | 'summary'>

/** How much a table is to be kept in order. A task of `false` is left out; what is not said has the defaults of the task's own verb. */
export interface MaintenancePolicy {
  readonly compaction?: false | Unbound<CompactionOptions> | undefined
  /** Turned into positions from so many live equality delete files on. Default 1. */
  readonly equalityDeletes?: false | { readonly minFiles?: number | undefined } | undefined
  readonly positionDeletes?: false | DeleteFileSelection | undefined
  readonly manifests?: false | Unbound<RewriteManifestsOptions> | undefined
  /** Only statistics that the table has are kept true, unless columns are named here, or `{}` asks for the default ones. */
  readonly statistics?: false | StatisticsPolicy | undefined
  /** Only where the table has some, or `{}` asks for them. */
  readonly partitionStatistics?: false | PartitionStatisticsPolicy | undefined
  readonly expiry?: false | Unbound<ExpireSnapshotsOptions> | undefined
  /** Finding orphans lists the whole table, so it is done once in `intervalMs`: default a week. */
  readonly orphans?: false | (Unbound<RemoveOrphansOptions> & { readonly intervalMs?: number | undefined }) | undefined
}

export interface PartitionStatisticsPolicy {
  /** As of {@link StatisticsPolicy}. */
  readonly minChangedShare?: number | undefined
  readonly totalRecordCount?: boolean | undefined
}

export interface StatisticsPolicy {
  readonly columns?: readonly string[] | undefined
  /** Compute them anew once this share of the rows was added or removed since. Default 0.1. */
  readonly minChangedShare?: number | undefined
}

/** The member of a policy that speaks of a task. */
export const POLICY_MEMBERS = {
  compaction: 'compaction',
  'equality-deletes': 'equalityDeletes',
  'position-deletes': 'positionDeletes',
  manifests: 'manifests',
  statistics: 'statistics',
  'partition-statistics': 'partitionStatistics',
  expiry: 'expiry',
  orphans: 'orphans',
} as const satisfies Record<MaintenanceTask, keyof MaintenancePolicy>

/** What one task is about to do, or why it does nothing. Plain JSON data. */
export interface MaintenanceStep {
  readonly task: MaintenanceTask
  readonly needed: boolean
  /** One sentence with the numbers that decided. */
  readonly why: string
  /** Those numbers. */
  readonly numbers: Readonly<Record<string, number>>
}

/** What a table needs, in the order in which it is done. */
export interface MaintenancePlan {
  readonly branch: string
  /** The head that was looked at, as decimal digits; undefined for an empty branch. */
  readonly snapshotId: string | undefined
  readonly steps: readonly MaintenanceStep[]
}
