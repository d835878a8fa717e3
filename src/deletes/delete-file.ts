/**
 * Rows that are gone: positions as bitmaps, keys as hash sets, and the files and vectors that hold them. This folder knows what
 * a delete file says and how to take its rows out of a batch; which deletes apply to a data file is planned in scan/, and
 * committing new ones is not its business either.
 */
import type { DataFile } from '../manifest/data-file.js'
import type { PositionedBatch } from '../parquet/parquet-engine.js'
import type { Schema } from '../schema/schema.js'
import type { Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'

/** A live delete file or deletion vector of a snapshot. */
export interface DeleteFile extends DataFile {
  /** Data sequence number: equality deletes apply to data with a lower one. */
  readonly sequenceNumber: bigint
}

/** What of a delete file or vector must be known to apply it. */
export type AppliedDelete = Pick<
  DeleteFile,
  | 'content'
  | 'filePath'
  | 'fileFormat'
  | 'fileSizeBytes'
  | 'recordCount'
  | 'specId'
  | 'sequenceNumber'
  | 'equalityIds'
  | 'referencedDataFile'
  | 'contentOffset'
  | 'contentSizeBytes'
>

/** The same for vectors and position delete files, which apply whatever their sequence number once they were planned. */
export type PositionDelete = Omit<AppliedDelete, 'sequenceNumber'> & Partial<Pick<AppliedDelete, 'sequenceNumber'>>

/** A data file that deletes are applied to. */
export interface DeleteTarget {
  readonly filePath: string
  readonly specId: number
  readonly partition: readonly Value[]
  /** Data sequence number. */
  readonly sequenceNumber: bigint
  /**
   * The snapshot whose deletes apply, when it is those of one: its data files share what is loaded. Without it, nothing but the
   * deletes that are given applies, and only data files with the very same ones share them.
   */
  readonly snapshotId?: string | undefined
  /** Reads some columns of all rows. Needed where the keys that apply to the file exceed the memory. */
  readonly readColumns?: ((columns: Schema) => AsyncIterable<PositionedBatch>) | undefined
}

/** {@link AppliedDelete} as plain JSON data, 64-bit numbers as decimal strings. Sizes and offsets in bytes. */
export interface DeleteTask {
  readonly content: 'position-deletes' | 'equality-deletes'
  readonly filePath: string
  /** `puffin` for a deletion vector. */
  readonly fileFormat: DataFile['fileFormat']
  readonly fileSizeBytes: number
  readonly recordCount: number
  /** Equality deletes of an unpartitioned spec apply to every partition. */
  readonly specId: number
  readonly sequenceNumber: string
  /** Field ids of the key columns of an equality delete file. */
  readonly equalityIds?: readonly number[] | undefined
  /** The one data file whose rows a vector or position delete file names, where that is known. */
  readonly referencedDataFile?: string | undefined
  /** Where a vector lies in its file. */
  readonly contentOffset?: number | undefined
  readonly contentSizeBytes?: number | undefined
}

/** Whether a delete is a deletion vector rather than a file of rows. */
export function isDeletionVector(deletes: { readonly fileFormat: DataFile['fileFormat'] }): boolean {
  return deletes.fileFormat === 'puffin'
}

/** A delete as a member of a task. */
export function deleteTask(deletes: AppliedDelete): DeleteTask {
  const { filePath, fileFormat, fileSizeBytes, recordCount, specId, equalityIds } = deletes
  const { referencedDataFile, contentOffset, contentSizeBytes } = deletes
  return {
    content: deletes.content === 'equality-deletes' ? 'equality-deletes' : 'position-deletes',
    filePath,
    fileFormat,
    fileSizeBytes,
    recordCount,
    specId,
    sequenceNumber: String(deletes.sequenceNumber),
    equalityIds,
    referencedDataFile,
    contentOffset,
    contentSizeBytes,
  }
}

/** The delete that a task names. @throws FloeError `INVALID` for a sequence number that is none */
export function deleteOfTask(task: DeleteTask): AppliedDelete {
  return { ...task, sequenceNumber: taskLong(task.sequenceNumber, task.filePath) }
}

/** A 64-bit number of a task. @throws FloeError `INVALID` */
export function taskLong(text: string, file: string): bigint {
  if (/^-?\d{1,19}$/.test(text)) return BigInt(text)
  throw new FloeError('INVALID', `The task has ${JSON.stringify(text)} where digits should be: make tasks with a plan`, { file })
}
