/** The types of checks, repairs and erasures, as users name them. */
export type { Finding, FindingCode, FindingPlace, Remedy, Severity } from './fsck/finding.js'
export type { DataScope, FsckOptions, FsckProgress, SnapshotScope } from './fsck/fsck-options.js'
export type { FsckCounts, FsckReport } from './fsck/fsck-report.js'
export type { HeldData, PurgeReport } from './purge/purge-report.js'
export type { PurgeOptions } from './purge/purge-options.js'
export type { RepairOptions, RepairResult, RepairedBranch } from './repair/repair.js'
export type { RepairAction, RepairConsent, RepairPlan, RepairStep, Unrepaired } from './repair/repair-plan.js'
