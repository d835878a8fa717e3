/** The mutable copy on which one list of updates is applied; frozen into metadata at the end. Never leaves this folder. */
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import type { Schema } from '../schema/schema.js'
import type { Snapshot, SnapshotLogEntry, SnapshotRef } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import type { FormatVersion, MetadataLogEntry, PartitionStatisticsFile, StatisticsFile, TableMetadata } from './table-metadata.js'

export interface MetadataDraft {
  formatVersion: FormatVersion
  tableUuid: string | undefined
  location: string | undefined
  lastSequenceNumber: bigint
  /** Time of this change: what `last-updated-ms` will be at least. */
  readonly now: number
  lastUpdatedMs: number
  lastColumnId: number
  readonly schemas: Map<number, Schema>
  currentSchemaId: number
  readonly partitionSpecs: Map<number, PartitionSpec>
  defaultSpecId: number
  lastPartitionId: number
  readonly sortOrders: Map<number, SortOrder>
  defaultSortOrderId: number
  readonly properties: Map<string, string>
  currentSnapshotId: bigint | undefined
  readonly snapshots: Map<bigint, Snapshot>
  snapshotLog: SnapshotLogEntry[]
  readonly metadataLog: readonly MetadataLogEntry[]
  readonly refs: Map<string, SnapshotRef>
  statistics: StatisticsFile[]
  partitionStatistics: PartitionStatisticsFile[]
  nextRowId: bigint
  encryptionKeys: unknown[]
  readonly unknownFields: ReadonlyMap<string, unknown>

  /** Whether any update had an effect. */
  changed: boolean
  /** What -1 stands for, once something was added. */
  lastAddedSchemaId: number | undefined
  lastAddedSpecId: number | undefined
  lastAddedSortOrderId: number | undefined
  /** Ids of schemas, specs and orders that these updates added, as opposed to found. */
  readonly addedSchemaIds: Set<number>
  readonly addedSpecIds: Set<number>
  readonly addedSortOrderIds: Set<number>
  readonly addedSnapshotIds: Set<bigint>
  /** Every snapshot that `main` was set to, in order. */
  readonly mainSnapshotIds: bigint[]
  removedSnapshots: boolean
}

/** A draft of `base`, or of a table that does not exist yet. */
export function draftOf(base: TableMetadata | undefined, now: number, formatVersion: FormatVersion): MetadataDraft {
  return {
    formatVersion: base?.formatVersion ?? formatVersion,
    tableUuid: base?.tableUuid,
    location: base?.location,
    lastSequenceNumber: base?.lastSequenceNumber ?? 0n,
    now,
    lastUpdatedMs: now,
    lastColumnId: base?.lastColumnId ?? 0,
    schemas: new Map(base?.schemas.map((schema) => [schema.schemaId, schema])),
    currentSchemaId: base?.currentSchemaId ?? -1,
    partitionSpecs: new Map(base?.partitionSpecs.map((spec) => [spec.specId, spec])),
    defaultSpecId: base?.defaultSpecId ?? -1,
    lastPartitionId: base?.lastPartitionId ?? 999,
    sortOrders: new Map(base?.sortOrders.map((order) => [order.orderId, order])),
    defaultSortOrderId: base?.defaultSortOrderId ?? -1,
    properties: new Map(base?.properties),
    currentSnapshotId: base?.currentSnapshotId,
    snapshots: new Map(base?.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot])),
    snapshotLog: [...(base?.snapshotLog ?? [])],
    metadataLog: base?.metadataLog ?? [],
    refs: new Map(base?.refs),
    statistics: [...(base?.statistics ?? [])],
    partitionStatistics: [...(base?.partitionStatistics ?? [])],
    nextRowId: base?.nextRowId ?? 0n,
    encryptionKeys: [...(base?.encryptionKeys ?? [])],
    unknownFields: base?.unknownFields ?? new Map(),
    changed: false,
    lastAddedSchemaId: undefined,
    lastAddedSpecId: undefined,
    lastAddedSortOrderId: undefined,
    addedSchemaIds: new Set(),
    addedSpecIds: new Set(),
    addedSortOrderIds: new Set(),
    addedSnapshotIds: new Set(),
    mainSnapshotIds: [],
    removedSnapshots: false,
  }
}

/** The draft's columns and partitions as an immutable value. Throws `INVALID` when a part without a default is missing. */
export function freezeDraft(draft: MetadataDraft, metadataLog: readonly MetadataLogEntry[]): TableMetadata {
  if (draft.location === undefined) throw new FloeError('INVALID', 'the table has no location: add a set-location update')
  return Object.freeze({
    formatVersion: draft.formatVersion,
    tableUuid: draft.tableUuid,
    location: draft.location,
    lastSequenceNumber: draft.lastSequenceNumber,
    lastUpdatedMs: draft.lastUpdatedMs,
    lastColumnId: draft.lastColumnId,
    schemas: [...draft.schemas.values()],
    currentSchemaId: draft.currentSchemaId,
    partitionSpecs: [...draft.partitionSpecs.values()],
    defaultSpecId: draft.defaultSpecId,
    lastPartitionId: draft.lastPartitionId,
    properties: draft.properties,
    currentSnapshotId: draft.currentSnapshotId,
    snapshots: [...draft.snapshots.values()],
    snapshotLog: draft.snapshotLog,
    metadataLog,
    sortOrders: [...draft.sortOrders.values()],
    defaultSortOrderId: draft.defaultSortOrderId,
    refs: draft.refs,
    statistics: draft.statistics,
    partitionStatistics: draft.partitionStatistics,
    nextRowId: draft.nextRowId,
    encryptionKeys: draft.encryptionKeys,
    unknownFields: draft.unknownFields,
  })
}
