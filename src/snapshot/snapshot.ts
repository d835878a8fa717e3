/**
 * Snapshots, references and their histories as values: which snapshot a scan reads, what a summary says, what retention
 * asks. It knows no table metadata, no manifests, no I/O.
 */

export type SnapshotOperation = 'append' | 'replace' | 'overwrite' | 'delete'

/** Spec: Snapshots */
export interface Snapshot {
  readonly snapshotId: bigint
  readonly parentSnapshotId: bigint | undefined
  /** 0 for v1. */
  readonly sequenceNumber: bigint
  readonly timestampMs: number
  /** Absent only in v1 tables that list their manifests inline. */
  readonly manifestList: string | undefined
  /** Inline manifest locations of v1. */
  readonly manifests: readonly string[] | undefined
  readonly operation: SnapshotOperation | string | undefined
  /** All of the summary but `operation`. */
  readonly summary: ReadonlyMap<string, string>
  readonly schemaId: number | undefined
  readonly firstRowId: bigint | undefined
  readonly addedRows: bigint | undefined
  readonly keyId: string | undefined
  /** Members this version does not know, kept for the rewrite. */
  readonly unknownFields: ReadonlyMap<string, unknown>
}

/** Spec: Snapshot References */
export interface SnapshotRef {
  readonly snapshotId: bigint
  readonly type: 'branch' | 'tag'
  readonly minSnapshotsToKeep?: number | undefined
  readonly maxSnapshotAgeMs?: number | undefined
  readonly maxRefAgeMs?: number | undefined
  /** Members this version does not know, kept for the rewrite. */
  readonly unknownFields?: ReadonlyMap<string, unknown> | undefined
}

export interface SnapshotLogEntry {
  readonly snapshotId: bigint
  readonly timestampMs: number
}
