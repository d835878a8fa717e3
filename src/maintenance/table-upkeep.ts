/** The types of rewriting metadata, statistics and maintenance, as users name them. */
export type { MaintainOptions, MaintenanceOutcome, MaintenanceProgress, MaintenanceResult, MaintenanceStatus } from './maintain/maintain.js'
export type { MaintenancePlan, MaintenancePolicy, MaintenanceStep, MaintenanceTask, StatisticsPolicy } from './maintain/maintenance-policy.js'
export type { PlanMaintenanceOptions } from './maintain/plan-maintenance.js'
export type { DeleteFileSelection } from './delete-files/select-delete-files.js'
export type {
  RewriteDeletesProgress, RewritePositionDeletesOptions, RewritePositionDeletesResult,
} from './delete-files/rewrite-position-deletes.js'
export type { RewriteManifestsOptions } from './manifests/rewrite-manifests.js'
export type { RewriteManifestsProgress, RewriteManifestsResult, RewrittenManifests } from './manifests/rewritten-manifests.js'
export type {
  ColumnStatistics, ComputeStatisticsOptions, ComputeStatisticsResult, StatisticsProgress,
} from './statistics/compute-statistics.js'
export type { ComputePartitionStatisticsOptions, ComputePartitionStatisticsResult } from './statistics/compute-partition-statistics.js'
export type { PartitionStatisticsRow, ReadPartitionStatisticsOptions } from './statistics/partition-statistics-rows.js'
