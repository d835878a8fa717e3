/**
 * From a filter to the files that must be read, and from those to rows. Planning fetches manifests and decides; reading
 * runs a task. Neither commits anything.
 */
import type { DeleteTask } from '../deletes/delete-file.js'

/**
 * One data file, or a part of one, to be read: plain JSON data, runnable in another process. What `JSON.stringify` could not
 * write exactly, 64-bit integers and floats, is in texts.
 */
export interface FileScanTask {
  readonly filePath: string
  readonly fileFormat: 'parquet' | 'avro' | 'orc'
  readonly fileSizeBytes: number
  readonly recordCount: number
  readonly specId: number
  /** The text of a JSON array: the partition's values in single-value form, in the order of the spec's fields. */
  readonly partition: string
  /** Byte range of this split; row groups that start in it are read. */
  readonly start: number
  readonly length: number
  /** As decimal strings: 64-bit. */
  readonly sequenceNumber: string
  readonly firstRowId: string | undefined
  /** The delete files and vectors that apply, with all that applying them takes. */
  readonly deletes: readonly DeleteTask[]
  /** The snapshot that was planned: its tasks share what is loaded of their deletes. */
  readonly snapshotId?: string | undefined
  /** The schema whose names the residual uses. */
  readonly schemaId: number
  /** The part of the filter that the partition does not prove: the text of an expression in JSON. */
  readonly residual: string
}

/** Tasks that one worker reads in turn; made to a target size. */
export interface CombinedScanTask {
  readonly tasks: readonly FileScanTask[]
  readonly sizeBytes: number
}
