import type { TableMetadata } from '../../metadata/table-metadata.js'
import { ancestorsOf, indexSnapshots } from '../../snapshot/ancestry.js'
import { findSnapshot } from '../../snapshot/snapshot-ref.js'
import { snapshotAsOf } from '../../snapshot/time-travel.js'

/*
 * The metadata tables that need no manifest. Columns are named as the reference names them; times are `Date`s, ids bigint,
 * what is not recorded null.
 */

/** Source: Java `SnapshotsTable` */
export interface SnapshotRow {
  readonly committed_at: Date
  readonly snapshot_id: bigint
  readonly parent_id: bigint | null
  readonly operation: string | null
  readonly manifest_list: string | null
  readonly summary: Readonly<Record<string, string>>
}

export function snapshotRows(metadata: TableMetadata): SnapshotRow[] {
  return metadata.snapshots.map((snapshot) => ({
    committed_at: new Date(snapshot.timestampMs),
    snapshot_id: snapshot.snapshotId,
    parent_id: snapshot.parentSnapshotId ?? null,
    operation: snapshot.operation ?? null,
    manifest_list: snapshot.manifestList ?? null,
    summary: Object.fromEntries(snapshot.summary),
  }))
}

/** Source: Java `HistoryTable` */
export interface HistoryRow {
  readonly made_current_at: Date
  readonly snapshot_id: bigint
  readonly parent_id: bigint | null
  /** False for a snapshot that was rolled back. */
  readonly is_current_ancestor: boolean
}

export function historyRows(metadata: TableMetadata): HistoryRow[] {
  const line = ancestorsOf(metadata.currentSnapshotId, indexSnapshots(metadata.snapshots))
  const ancestors = new Set([...line].map((snapshot) => snapshot.snapshotId))
  return metadata.snapshotLog.map((entry) => ({
    made_current_at: new Date(entry.timestampMs),
    snapshot_id: entry.snapshotId,
    parent_id: findSnapshot(metadata, entry.snapshotId)?.parentSnapshotId ?? null,
    is_current_ancestor: ancestors.has(entry.snapshotId),
  }))
}

/** Source: Java `RefsTable` */
export interface RefRow {
  readonly name: string
  readonly type: 'BRANCH' | 'TAG'
  readonly snapshot_id: bigint
  readonly max_reference_age_in_ms: number | null
  readonly min_snapshots_to_keep: number | null
  readonly max_snapshot_age_in_ms: number | null
}

export function refRows(metadata: TableMetadata): RefRow[] {
  return [...metadata.refs].map(([name, ref]) => ({
    name,
    type: ref.type === 'branch' ? 'BRANCH' : 'TAG',
    snapshot_id: ref.snapshotId,
    max_reference_age_in_ms: ref.maxRefAgeMs ?? null,
    min_snapshots_to_keep: ref.minSnapshotsToKeep ?? null,
    max_snapshot_age_in_ms: ref.maxSnapshotAgeMs ?? null,
  }))
}

/** Source: Java `MetadataLogEntriesTable` */
export interface MetadataLogRow {
  readonly timestamp: Date
  readonly file: string
  readonly latest_snapshot_id: bigint | null
  readonly latest_schema_id: number | null
  readonly latest_sequence_number: bigint | null
}

/** Earlier metadata files and, last, the current one. */
export function metadataLogRows(metadata: TableMetadata, metadataLocation: string): MetadataLogRow[] {
  const files = [...metadata.metadataLog, { metadataFile: metadataLocation, timestampMs: metadata.lastUpdatedMs }]
  return files.map(({ metadataFile, timestampMs }) => {
    const snapshot = findSnapshot(metadata, latestAt(metadata, timestampMs))
    return {
      timestamp: new Date(timestampMs),
      file: metadataFile,
      latest_snapshot_id: latestAt(metadata, timestampMs) ?? null,
      latest_schema_id: snapshot?.schemaId ?? null,
      latest_sequence_number: snapshot?.sequenceNumber ?? null,
    }
  })
}

function latestAt(metadata: TableMetadata, timestampMs: number): bigint | undefined {
  const isKnown = metadata.snapshotLog.some((entry) => entry.timestampMs <= timestampMs)
  return isKnown ? snapshotAsOf(metadata.snapshotLog, timestampMs) : undefined
}

export interface SchemaRow {
  readonly schema_id: number
  readonly is_current: boolean
  readonly field_id: number
  /** Dotted path. */
  readonly path: string
  readonly type: string
  readonly required: boolean
  readonly is_identifier: boolean
  readonly doc: string | null
}

export interface PropertyRow {
  readonly key: string
  readonly value: string
}

export function propertyRows(metadata: TableMetadata): PropertyRow[] {
  return [...metadata.properties].map(([key, value]) => ({ key, value }))
}
