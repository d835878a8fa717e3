/**
 * From a filter to the files that must be read, and from those to rows. Planning fetches manifests and decides; reading
 * runs a task. Neither commits anything.
 */

import type { JsonValue } from '../util/json.js'

/** One data file, or a part of one, to be read: plain JSON data, runnable in another process. */
export interface FileScanTask {
  readonly filePath: string
  readonly fileFormat: 'parquet' | 'avro' | 'orc'
  readonly fileSizeBytes: number
  readonly recordCount: number
  readonly specId: number
  /** Partition values in JSON single-value form, in the order of the spec's fields. */
  readonly partition: readonly JsonValue[]
  /** Byte range of this split; row groups that start in it are read. */
  readonly start: number
  readonly length: number
  /** As decimal strings: 64-bit. */
  readonly sequenceNumber: string
  readonly firstRowId: string | undefined
  /** Locations of the delete files and vectors that apply. */
  readonly deleteFiles: readonly string[]
  /** The part of the filter that the partition and metrics do not prove, as expression JSON. */
  readonly residual: JsonValue
}

/** Tasks that one worker reads in turn; made to a target size. */
export interface CombinedScanTask {
  readonly tasks: readonly FileScanTask[]
  readonly sizeBytes: number
}
