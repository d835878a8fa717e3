/** What makes two content files the same, and which data file a delete file is for. */
import { DELETE_FILE_PATH_FIELD } from '../schema/reserved-fields.js'
import { decodeUtf8 } from '../util/utf8.js'
import type { DataFile, ManifestFile } from './data-file.js'

/** A text that two content files share exactly when they are the same: many vectors lie in one Puffin file. Source: `DeleteFileSet` */
export function fileKey(file: Pick<DataFile, 'filePath' | 'contentOffset' | 'contentSizeBytes'>): string {
  if (file.contentOffset === undefined && file.contentSizeBytes === undefined) return file.filePath
  return `${file.filePath}\0${file.contentOffset ?? ''}\0${file.contentSizeBytes ?? ''}`
}

/** Whether a file is a deletion vector. */
export function isVector(file: Pick<DataFile, 'content' | 'fileFormat'>): boolean {
  return file.content === 'position-deletes' && file.fileFormat === 'puffin'
}

/**
 * The one data file whose rows a delete file deletes; undefined for one that may be for several. Writers that do not name
 * it still tell by equal bounds of the column `file_path`. Source: `ContentFileUtil.referencedDataFile`
 */
export function referencedDataFile(file: DataFile): string | undefined {
  if (file.content !== 'position-deletes') return undefined
  if (file.referencedDataFile !== undefined) return file.referencedDataFile
  const lower = file.lowerBounds?.get(DELETE_FILE_PATH_FIELD.id)
  const upper = file.upperBounds?.get(DELETE_FILE_PATH_FIELD.id)
  if (lower === undefined || upper === undefined || lower.length !== upper.length) return undefined
  return lower.every((byte, i) => byte === upper[i]) ? decodeUtf8(lower) : undefined
}

/**
 * Tells manifests apart by what their entries are. A transaction lists a manifest that it made itself anew in each attempt: its
 * entries then inherit another sequence number and other row ids, though the file is the same.
 */
export function manifestKey({ manifestPath, sequenceNumber, firstRowId }: Pick<ManifestFile, 'manifestPath' | 'sequenceNumber' | 'firstRowId'>): string {
  return `${manifestPath} ${sequenceNumber} ${firstRowId ?? ''}`
}
