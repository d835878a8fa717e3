/** Small table metadata for tests, made through the public functions. */
import type { MetadataUpdate } from '../../src/metadata/metadata-update.js'
import { newTableMetadata } from '../../src/metadata/new-table.js'
import { applyUpdates } from '../../src/metadata/apply-updates.js'
import type { FormatVersion, TableMetadata } from '../../src/metadata/table-metadata.js'
import type { PartitionSpec, SortOrder } from '../../src/partition/partition-spec.js'
import { Schema } from '../../src/schema/schema.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'

export const UUID = '9c12d441-03fe-4693-9a96-a0705ddf69c1'
export const START_MS = 1_700_000_000_000
export const UNPARTITIONED: PartitionSpec = { specId: 0, fields: [] }
export const UNSORTED: SortOrder = { orderId: 0, fields: [] }

export const SCHEMA = new Schema([
  { id: 1, name: 'id', type: { kind: 'long' }, required: true },
  { id: 2, name: 'ts', type: { kind: 'timestamptz' }, required: false },
  { id: 3, name: 'kind', type: { kind: 'string' }, required: false },
])

export interface TableOptions {
  readonly formatVersion?: FormatVersion
  readonly schema?: Schema
  readonly spec?: PartitionSpec
  readonly sortOrder?: SortOrder
  readonly location?: string
  readonly properties?: Readonly<Record<string, string>>
}

/** Metadata of an empty table, version 2 unless told, made at {@link START_MS}. */
export function table(options: TableOptions = {}): TableMetadata {
  return newTableMetadata(
    {
      schema: options.schema ?? SCHEMA,
      spec: options.spec ?? UNPARTITIONED,
      sortOrder: options.sortOrder ?? UNSORTED,
      formatVersion: options.formatVersion ?? 2,
      location: options.location ?? 'mem://lake/shop/events',
      properties: new Map(Object.entries(options.properties ?? {})),
    },
    { uuid: UUID, now: START_MS },
  )
}

/** A snapshot that fits on top of `base`: next sequence number, next row ids, one second later. */
export function snapshotOn(base: TableMetadata, snapshotId: bigint, overrides: Partial<Snapshot> = {}): Snapshot {
  return {
    snapshotId,
    parentSnapshotId: base.currentSnapshotId,
    sequenceNumber: base.formatVersion === 1 ? 0n : base.lastSequenceNumber + 1n,
    timestampMs: base.lastUpdatedMs + 1000,
    manifestList: `${base.location}/metadata/snap-${snapshotId}.avro`,
    manifests: undefined,
    operation: 'append',
    summary: new Map(),
    schemaId: base.currentSchemaId,
    firstRowId: base.formatVersion >= 3 ? base.nextRowId : undefined,
    addedRows: base.formatVersion >= 3 ? 10n : undefined,
    keyId: undefined,
    unknownFields: new Map(),
    ...overrides,
  }
}

/** The updates that add `snapshot` and make it the head of `branch`. */
export function appendUpdates(snapshot: Snapshot, branch = 'main'): readonly MetadataUpdate[] {
  return [
    { action: 'add-snapshot', snapshot },
    { action: 'set-snapshot-ref', name: branch, ref: { type: 'branch', snapshotId: snapshot.snapshotId } },
  ]
}

/** `base` with one more commit for each id, a second apart. */
export function withSnapshots(base: TableMetadata, ...snapshotIds: readonly bigint[]): TableMetadata {
  return snapshotIds.reduce(
    (metadata, id) => applyUpdates(metadata, appendUpdates(snapshotOn(metadata, id)), { now: metadata.lastUpdatedMs + 1000 }),
    base,
  )
}

/** `base` after `updates`, one second later. */
export function update(base: TableMetadata, ...updates: readonly MetadataUpdate[]): TableMetadata {
  return applyUpdates(base, updates, { now: base.lastUpdatedMs + 1000 })
}
