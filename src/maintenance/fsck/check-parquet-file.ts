import type { DataFile } from '../../manifest/data-file.js'
import { startOf } from '../../parquet/choose-row-groups.js'
import type { FileMetaData } from '../../parquet/file-metadata.js'
import { parseFileSchema } from '../../parquet/parquet-schema.js'
import { readFooter } from '../../parquet/read-footer.js'
import type { FindingPlace } from './finding.js'
import type { FsckContext } from './fsck-context.js'

/** Reads the footer of a Parquet file and holds its rows and row groups against the entry. @throws FloeError `CORRUPT` */
export async function checkParquetFile(context: FsckContext, file: DataFile, place: FindingPlace): Promise<void> {
  const { filePath: location, fileSizeBytes, recordCount, splitOffsets } = file
  const footer = await readFooter({ io: context.io, location, fileSizeBytes, signal: context.caller.signal })
  parseFileSchema(footer.schema)
  const rows = footer.rowGroups.reduce((sum, group) => sum + group.numRows, 0)
  if (rows !== recordCount && recordCount >= 0) context.find('entry-record-count', `It has ${rows} rows, and its entry says ${recordCount}`, place)
  const starts = rowGroupOffsets(footer)
  if (splitOffsets !== undefined && !isSame(splitOffsets, starts)) {
    context.find('file-split-offsets', `Its row groups start at ${list(starts)}, and its entry says ${list(splitOffsets)}`, place)
  }
}

/** Where the row groups of a file start, as split offsets have it. Source: `ParquetUtil.getSplitOffsets` */
export function rowGroupOffsets(footer: FileMetaData): readonly number[] {
  return footer.rowGroups.map(startOf).toSorted((a, b) => a - b)
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i])
}

function list(offsets: readonly number[]): string {
  return offsets.length > 5 ? `${offsets.slice(0, 5).join(', ')} and ${offsets.length - 5} more` : offsets.join(', ')
}
