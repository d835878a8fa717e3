/**
 * Table metadata as an immutable value, its JSON, and the pure updates that lead from one version to the next. It knows
 * nothing of where metadata is kept (catalog/) or how a commit is retried (commit/).
 */
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import type { Schema } from '../schema/schema.js'
import type { Snapshot, SnapshotLogEntry, SnapshotRef } from '../snapshot/snapshot.js'

export type FormatVersion = 1 | 2 | 3

/** Spec: Table Metadata › Table Metadata Fields */
export interface TableMetadata {
  readonly formatVersion: FormatVersion
  /** `undefined` only in v1 metadata that never had one. */
  readonly tableUuid: string | undefined
  /** Without a trailing slash. */
  readonly location: string
  readonly lastSequenceNumber: bigint
  readonly lastUpdatedMs: number
  readonly lastColumnId: number
  readonly schemas: readonly Schema[]
  readonly currentSchemaId: number
  readonly partitionSpecs: readonly PartitionSpec[]
  readonly defaultSpecId: number
  readonly lastPartitionId: number
  readonly properties: ReadonlyMap<string, string>
  readonly currentSnapshotId: bigint | undefined
  readonly snapshots: readonly Snapshot[]
  readonly snapshotLog: readonly SnapshotLogEntry[]
  readonly metadataLog: readonly MetadataLogEntry[]
  readonly sortOrders: readonly SortOrder[]
  readonly defaultSortOrderId: number
  /** Includes `main` whenever there is a current snapshot. */
  readonly refs: ReadonlyMap<string, SnapshotRef>
  readonly statistics: readonly StatisticsFile[]
  readonly partitionStatistics: readonly PartitionStatisticsFile[]
  /** v3 only; 0 before. */
  readonly nextRowId: bigint
  readonly encryptionKeys: readonly unknown[]
  /** Members this version does not know, kept for the rewrite. */
  readonly unknownFields: ReadonlyMap<string, unknown>
}

export interface MetadataLogEntry {
  readonly metadataFile: string
  readonly timestampMs: number
}

/** Spec: Table Metadata › Table Statistics */
export interface StatisticsFile {
  readonly snapshotId: bigint
  readonly statisticsPath: string
  readonly fileSizeBytes: number
  readonly fileFooterSizeBytes: number
  readonly keyMetadata: string | undefined
  readonly blobMetadata: readonly BlobMetadata[]
  readonly unknownFields?: ReadonlyMap<string, unknown> | undefined
}

export interface BlobMetadata {
  readonly type: string
  readonly snapshotId: bigint
  readonly sequenceNumber: bigint
  readonly fields: readonly number[]
  readonly properties: ReadonlyMap<string, string>
}

/** Spec: Table Metadata › Partition Statistics */
export interface PartitionStatisticsFile {
  readonly snapshotId: bigint
  readonly statisticsPath: string
  readonly fileSizeBytes: number
  readonly unknownFields?: ReadonlyMap<string, unknown> | undefined
}
