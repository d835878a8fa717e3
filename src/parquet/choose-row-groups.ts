import type { FileMetaData, RowGroup } from './file-metadata.js'
import type { ParquetReadOptions } from './parquet-engine.js'
import type { FileSchema } from './parquet-schema.js'

export interface ChosenRowGroup {
  readonly rowGroup: RowGroup
  /** Ordinal in the file of its first row, skipped row groups counted. */
  readonly firstPosition: number
}

export function chooseRowGroups(footer: FileMetaData, _schema: FileSchema, options: ParquetReadOptions): ChosenRowGroup[] {
  const chosen: ChosenRowGroup[] = []
  let position = 0
  for (const rowGroup of footer.rowGroups) {
    chosen.push({ rowGroup, firstPosition: position })
    position += rowGroup.numRows
  }
  void options
  return chosen
}
