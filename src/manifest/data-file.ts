/**
 * Manifests and manifest lists: bytes into columns and back. This folder never fetches: scan/ and commit/ bring bytes.
 */
import type { Value } from '../schema/type.js'
import type { FieldSummary } from '../expression/expression.js'

export type FileContent = 'data' | 'position-deletes' | 'equality-deletes'
export type FileFormat = 'parquet' | 'avro' | 'orc' | 'puffin'
export type ManifestContent = 'data' | 'deletes'
export type EntryStatus = 'existing' | 'added' | 'deleted'

/** Spec: Manifests › Data File Fields. Counts are exact: writers refuse values over 2^53. */
export interface DataFile {
  readonly content: FileContent
  readonly filePath: string
  readonly fileFormat: FileFormat
  readonly specId: number
  /** In the order of the spec's fields. */
  readonly partition: readonly Value[]
  readonly recordCount: number
  readonly fileSizeBytes: number
  readonly columnSizes?: ReadonlyMap<number, number> | undefined
  readonly valueCounts?: ReadonlyMap<number, number> | undefined
  readonly nullValueCounts?: ReadonlyMap<number, number> | undefined
  readonly nanValueCounts?: ReadonlyMap<number, number> | undefined
  readonly lowerBounds?: ReadonlyMap<number, Uint8Array> | undefined
  readonly upperBounds?: ReadonlyMap<number, Uint8Array> | undefined
  readonly keyMetadata?: Uint8Array | undefined
  readonly splitOffsets?: readonly number[] | undefined
  readonly equalityIds?: readonly number[] | undefined
  readonly sortOrderId?: number | undefined
  readonly firstRowId?: bigint | undefined
  readonly referencedDataFile?: string | undefined
  readonly contentOffset?: number | undefined
  readonly contentSizeBytes?: number | undefined
}

/** Spec: Manifests › Manifest Entry Fields, after inheritance. */
export interface ManifestEntry {
  readonly status: EntryStatus
  readonly snapshotId: bigint
  /** Data sequence number. */
  readonly sequenceNumber: bigint
  readonly fileSequenceNumber: bigint | undefined
  readonly dataFile: DataFile
}

/** An entry of a manifest list. Spec: Manifest Lists */
export interface ManifestFile {
  readonly manifestPath: string
  readonly manifestLengthBytes: number
  readonly partitionSpecId: number
  readonly content: ManifestContent
  readonly sequenceNumber: bigint
  readonly minSequenceNumber: bigint
  readonly addedSnapshotId: bigint
  /** `undefined`: not recorded (v1); must be taken as non-zero. */
  readonly addedFilesCount: number | undefined
  readonly existingFilesCount: number | undefined
  readonly deletedFilesCount: number | undefined
  readonly addedRowsCount: bigint | undefined
  readonly existingRowsCount: bigint | undefined
  readonly deletedRowsCount: bigint | undefined
  readonly partitions: readonly FieldSummary[] | undefined
  readonly keyMetadata: Uint8Array | undefined
  readonly firstRowId: bigint | undefined
}
