/** The types of a check, as users name them. */
export type { Finding, FindingCode, FindingPlace, Remedy, Severity } from './finding.js'
export type { DataScope, FsckOptions, FsckProgress, SnapshotScope } from './fsck-options.js'
export type { FsckCounts, FsckReport } from './fsck-report.js'
