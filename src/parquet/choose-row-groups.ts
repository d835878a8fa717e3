import { compileInclusiveMetrics } from '../expression/inclusive-metrics.js'
import type { FileMetaData, RowGroup } from './file-metadata.js'
import type { ParquetReadOptions } from './parquet-engine.js'
import type { FileSchema } from './parquet-schema.js'
import { filterColumns, rowGroupStats } from './row-group-stats.js'

/** A row group that is to be read. */
export interface ChosenRowGroup {
  readonly rowGroup: RowGroup
  /** Ordinal in the file of its first row, skipped row groups counted. */
  readonly firstPosition: number
}

/** Decides which row groups of a file are read, and tells `onRowGroup` of each. */
export function chooseRowGroups(footer: FileMetaData, schema: FileSchema, options: ParquetReadOptions): ChosenRowGroup[] {
  const skipReason = skipReasonOf(footer, schema, options)
  const chosen: ChosenRowGroup[] = []
  let firstPosition = 0
  footer.rowGroups.forEach((rowGroup, i) => {
    const reason = skipReason(rowGroup)
    const bytes = rowGroup.columns.reduce((sum, column) => sum + (column.metaData?.totalCompressedSize ?? 0), 0)
    const kept = options.filter === undefined ? 'no filter' : 'its statistics do not exclude a match'
    options.onRowGroup?.({ rowGroup: i, rows: rowGroup.numRows, bytes, read: reason === undefined, reason: reason ?? kept })
    if (reason === undefined) chosen.push({ rowGroup, firstPosition })
    firstPosition += rowGroup.numRows
  })
  return chosen
}

function skipReasonOf(footer: FileMetaData, schema: FileSchema, options: ParquetReadOptions): (rowGroup: RowGroup) => string | undefined {
  const { filter, split, constants } = options
  const test = filter && compileInclusiveMetrics(filter)
  const columns = filter && filterColumns(filter, schema, footer, constants)
  return (rowGroup) => {
    if (split !== undefined) {
      const start = startOf(rowGroup)
      if (start < split.offset || start >= split.offset + split.length) return `it starts at byte ${start}, outside of the split`
    }
    if (rowGroup.numRows === 0) return 'it has no rows'
    if (test === undefined || columns === undefined) return undefined
    const stats = rowGroupStats(rowGroup, columns)
    return test.mayMatch(stats) ? undefined : (test.explain(stats) ?? 'its statistics exclude a match')
  }
}

/** Where a row group's first page is; the field of that name is not filled in by all writers. */
export function startOf(rowGroup: RowGroup): number {
  const first = rowGroup.columns[0]?.metaData
  if (first === undefined) return rowGroup.fileOffset ?? 4
  const { dictionaryPageOffset: dictionary, dataPageOffset: data } = first
  return dictionary !== undefined && dictionary > 0 && dictionary < data ? dictionary : data
}
