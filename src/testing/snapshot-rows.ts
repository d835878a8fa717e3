/** The rows of a snapshot by the letter of the format, without any of the code that the library reads them with. */
import type { DataFile, ManifestEntry } from '../manifest/data-file.js'
import { decodeVectorBlob } from '../deletes/deletion-vector.js'
import { DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD, ROW_ID_FIELD } from '../schema/reserved-fields.js'
import { keyOf, textOf } from './synthetic-file.js'
import { decodeTextFile, type TextRow } from './text-file.js'

/** The bytes of a file. Throws `NOT_FOUND`. */
export type ReadBytes = (location: string) => Uint8Array

export interface SnapshotRows {
  /** Sorted; a row that is there twice comes twice. */
  readonly rows: readonly string[]
  /** Row ids by the id column, of rows that are there once; `undefined` before format version 3. */
  readonly rowIds: ReadonlyMap<string, bigint | undefined>
}

type IsDeleted = (position: number, row: TextRow) => boolean

/** The rows of live entries. */
export function rowsOfEntries(entries: readonly ManifestEntry[], read: ReadBytes): SnapshotRows {
  const deletes = entries.filter(({ dataFile }) => dataFile.content !== 'data').map((entry) => deletesOf(entry, read))
  const rows: string[] = []
  const rowIds = new Map<string, bigint | undefined>()
  const twice = new Set<string>()
  for (const entry of entries) {
    const { dataFile } = entry
    if (dataFile.content !== 'data') continue
    const applying = deletes.flatMap((applies) => applies(entry) ?? [])
    decodeTextFile(read(dataFile.filePath), dataFile.filePath).forEach((row, position) => {
      if (applying.some((isDeleted) => isDeleted(position, row))) return
      const text = textOf(row)
      const key = keyOf(text)
      rows.push(text)
      if (rowIds.has(key)) twice.add(key)
      rowIds.set(key, rowIdOf(row, dataFile, position))
    })
  }
  for (const key of twice) rowIds.delete(key)
  return { rows: rows.sort(), rowIds }
}

// Spec: Row Lineage › Row ID Inheritance
function rowIdOf(row: TextRow, { firstRowId }: DataFile, position: number): bigint | undefined {
  return (row.get(ROW_ID_FIELD.id) as bigint | null | undefined) ?? (firstRowId === undefined ? undefined : firstRowId + BigInt(position))
}

/** What a delete file says of the rows of a data file; `undefined`: nothing. Spec: Scan Planning */
function deletesOf(entry: ManifestEntry, read: ReadBytes): (data: ManifestEntry) => IsDeleted | undefined {
  const { dataFile, sequenceNumber } = entry
  const { filePath, fileFormat, content } = dataFile
  if (fileFormat === 'puffin') {
    const vector = decodeVectorBlob(vectorBytes(dataFile, read), { file: filePath, cardinality: dataFile.recordCount })
    const isDeleted: IsDeleted = (position) => vector.contains(position)
    const { referencedDataFile } = dataFile
    return (data) => (data.dataFile.filePath === referencedDataFile && data.sequenceNumber <= sequenceNumber ? isDeleted : undefined)
  }
  const rows = decodeTextFile(read(filePath), filePath)
  if (content === 'position-deletes') {
    const deleted = new Set(rows.map((row) => `${String(row.get(DELETE_FILE_POS_FIELD.id))} ${String(row.get(DELETE_FILE_PATH_FIELD.id))}`))
    return (data) => (data.sequenceNumber <= sequenceNumber ? (position) => deleted.has(`${position} ${data.dataFile.filePath}`) : undefined)
  }
  const ids = dataFile.equalityIds!
  const keyText = (row: TextRow): string => JSON.stringify(ids.map((id) => row.get(id) ?? null))
  const deleted = new Set(rows.map(keyText))
  return (data) => (data.sequenceNumber < sequenceNumber ? (_, row) => deleted.has(keyText(row)) : undefined)
}

function vectorBytes({ filePath, contentOffset, contentSizeBytes }: DataFile, read: ReadBytes): Uint8Array {
  return read(filePath).subarray(contentOffset, contentOffset! + contentSizeBytes!)
}
