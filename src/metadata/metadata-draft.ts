/** The mutable copy on which one list of updates is applied; frozen into metadata at the end. Never leaves this folder. */
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import type { Schema } from '../schema/schema.js'
import type { SnapshotLogEntry, SnapshotRef } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import { DraftSnapshots } from './draft-snapshots.js'
import { UNPARTITIONED_LAST_ID } from './structure-rules.js'
import type { FormatVersion, MetadataLogEntry, PartitionStatisticsFile, StatisticsFile, TableMetadata } from './table-metadata.js'

export interface MetadataDraft extends ChangeTracking {
  formatVersion: FormatVersion
  tableUuid: string | undefined
  location: string | undefined
  lastSequenceNumber: bigint
  /** The time of this change, or of a snapshot in it that is later. */
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
  readonly snapshots: DraftSnapshots
  snapshotLog: SnapshotLogEntry[]
  readonly metadataLog: readonly MetadataLogEntry[]
  readonly refs: Map<string, SnapshotRef>
  statistics: readonly StatisticsFile[]
  partitionStatistics: readonly PartitionStatisticsFile[]
  nextRowId: bigint
  encryptionKeys: readonly unknown[]
  readonly unknownFields: ReadonlyMap<string, unknown>
}

/** What the updates did so far, as far as later ones or the end ask for it. */
interface ChangeTracking {
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
  /** These updates take `main` away before they set it: they replace the table. */
  replacesMain: boolean
}

/** A draft of `base`. `now` is the time of the change, after that of `base`. */
export function draftOf(base: TableMetadata, now: number): MetadataDraft {
  return {
    formatVersion: base.formatVersion,
    tableUuid: base.tableUuid,
    location: base.location,
    lastSequenceNumber: base.lastSequenceNumber,
    lastUpdatedMs: now,
    lastColumnId: base.lastColumnId,
    schemas: new Map(base.schemas.map((schema) => [schema.schemaId, schema])),
    currentSchemaId: base.currentSchemaId,
    partitionSpecs: new Map(base.partitionSpecs.map((spec) => [spec.specId, spec])),
    defaultSpecId: base.defaultSpecId,
    lastPartitionId: base.lastPartitionId,
    sortOrders: new Map(base.sortOrders.map((order) => [order.orderId, order])),
    defaultSortOrderId: base.defaultSortOrderId,
    properties: new Map(base.properties),
    currentSnapshotId: base.currentSnapshotId,
    snapshots: new DraftSnapshots(base.snapshots),
    snapshotLog: [...base.snapshotLog],
    metadataLog: base.metadataLog,
    refs: new Map(base.refs),
    statistics: base.statistics,
    partitionStatistics: base.partitionStatistics,
    nextRowId: base.nextRowId,
    encryptionKeys: base.encryptionKeys,
    unknownFields: base.unknownFields,
    ...untouched(),
  }
}

/** A draft of a table that does not exist yet: no current schema, spec or order, nothing assigned. */
export function emptyDraft(now: number, formatVersion: FormatVersion, tableUuid: string | undefined): MetadataDraft {
  return {
    formatVersion,
    tableUuid,
    location: undefined,
    lastSequenceNumber: 0n,
    lastUpdatedMs: now,
    lastColumnId: 0,
    schemas: new Map(),
    currentSchemaId: NONE,
    partitionSpecs: new Map(),
    defaultSpecId: NONE,
    lastPartitionId: UNPARTITIONED_LAST_ID,
    sortOrders: new Map(),
    defaultSortOrderId: NONE,
    properties: new Map(),
    currentSnapshotId: undefined,
    snapshots: new DraftSnapshots([]),
    snapshotLog: [],
    metadataLog: [],
    refs: new Map(),
    statistics: [],
    partitionStatistics: [],
    nextRowId: 0n,
    encryptionKeys: [],
    unknownFields: new Map(),
    ...untouched(),
  }
}

const NONE = -1

function untouched(): ChangeTracking {
  return {
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
    replacesMain: false,
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
    snapshots: draft.snapshots.list(),
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
