import type { PositionBitmap } from '../deletes/position-bitmap.js'
import type { DataFile } from '../manifest/data-file.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { PlannedFile } from '../scan/scan-plan.js'

/** Rows of one planned file that go. */
export interface RowsOfFile {
  readonly file: PlannedFile
  readonly positions: PositionBitmap
}

/** What became of rows that go. */
export interface RemovedRows {
  /** Live rows that were among them. */
  readonly rows: number
  /** Data files that the table does not need any more. */
  readonly emptiedFiles: readonly PlannedFile[]
  readonly addedDeleteFiles: readonly DataFile[]
  readonly removedDeleteFiles: readonly DataFile[]
  /** The positions that were newly marked as deleted, by location of the data file. */
  readonly deletedPositions: ReadonlyMap<string, PositionBitmap>
}

/** Whether files of the table store row lineage. Spec: Row Lineage */
export function hasRowLineage(metadata: TableMetadata): boolean {
  return metadata.formatVersion >= 3
}

/** Whether deletes of positions are kept as deletion vectors, and no longer in position delete files. Spec: Deletion Vectors */
export function usesVectors(metadata: TableMetadata): boolean {
  return metadata.formatVersion >= 3
}
