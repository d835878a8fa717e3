import { compileInclusiveMetrics } from '../expression/inclusive-metrics.js'
import { mapParallel } from '../io/bounded-parallel.js'
import { BloomPruning } from './bloom-filter.js'
import type { FileMetaData, RowGroup } from './file-metadata.js'
import type { ParquetReadOptions, RowGroupDecision } from './parquet-engine.js'
import type { RowRange } from './page-grid.js'
import { chunkRange } from './page-index.js'
import type { PageIndexes } from './page-index.js'
import { PagePruning } from './page-pruning.js'
import type { FileSchema } from './parquet-schema.js'
import { filterColumns, rowGroupStats } from './row-group-stats.js'

/** A row group that is to be read. */
export interface ChosenRowGroup {
  readonly rowGroup: RowGroup
  /** Ordinal among the row groups of the file. */
  readonly index: number
  /** Ordinal in the file of its first row, skipped row groups counted. */
  readonly firstPosition: number
  /** Outside of these no row matches the filter; undefined where that is not known. */
  readonly matching: readonly RowRange[] | undefined
}

export type ChooseOptions = Pick<
  ParquetReadOptions,
  'io' | 'location' | 'fileSizeBytes' | 'filter' | 'wanted' | 'split' | 'constants' | 'signal' | 'onRowGroup'
>

/** Row groups whose filters are asked at the same time. */
const ASKED_AT_ONCE = 8
/** Compressed bytes below which the pages of a row group are not told apart. */
const MIN_INDEXED_BYTES = 64 * 2 ** 10

/**
 * Decides which row groups of a file are read, and tells `onRowGroup` of each: by their statistics, and where those leave the
 * question open by their bloom filters and then their page indexes, which are fetched for it.
 */
export async function chooseRowGroups(
  footer: FileMetaData,
  schema: FileSchema,
  options: ChooseOptions,
  indexes: PageIndexes,
): Promise<ChosenRowGroup[]> {
  const decisions = decideByStatistics(footer, schema, options)
  await askBloomFilters(decisions, footer, schema, options)
  const { filter, constants } = options
  const pruning = filter && new PagePruning(filter, filterColumns(filter, schema, footer, constants), indexes)
  const matching = await askPageIndexes(decisions, footer, pruning)
  const chosen: ChosenRowGroup[] = []
  let firstPosition = 0
  decisions.forEach((decision, index) => {
    options.onRowGroup?.(decision)
    if (decision.read) chosen.push({ rowGroup: footer.rowGroups[index]!, index, firstPosition, matching: matching.get(index) })
    firstPosition += decision.rows
  })
  return chosen
}

/** What the footer alone decides, by row group. */
export function decideByStatistics(footer: FileMetaData, schema: FileSchema, options: ChooseOptions): RowGroupDecision[] {
  const skipReason = skipReasonOf(footer, schema, options)
  let firstPosition = 0
  return footer.rowGroups.map((rowGroup, i) => {
    const isWanted = options.wanted === undefined || options.wanted.countInRange(firstPosition, firstPosition + rowGroup.numRows) > 0
    firstPosition += rowGroup.numRows
    const reason = isWanted ? skipReason(rowGroup) : 'it has none of the rows that are asked for'
    const bytes = rowGroup.columns.reduce((sum, column) => sum + (column.metaData?.totalCompressedSize ?? 0), 0)
    const kept = options.filter === undefined ? 'no filter' : 'its statistics do not exclude a match'
    return { rowGroup: i, rows: rowGroup.numRows, bytes, read: reason === undefined, reason: reason ?? kept }
  })
}

async function askBloomFilters(
  decisions: RowGroupDecision[],
  footer: FileMetaData,
  schema: FileSchema,
  options: ChooseOptions,
): Promise<void> {
  const { filter, constants } = options
  const open = decisions.filter((decision) => decision.read)
  if (filter === undefined || open.length === 0) return
  const filters = new BloomPruning(filter, filterColumns(filter, schema, footer, constants), options)
  await mapParallel(open, ASKED_AT_ONCE, async (decision) => {
    const reason = await filters.skipReason(footer.rowGroups[decision.rowGroup]!)
    if (reason !== undefined) decisions[decision.rowGroup] = { ...decision, read: false, reason }
  })
}

/** By row group, the rows that may match; undefined, or not there, where all may. */
async function askPageIndexes(
  decisions: RowGroupDecision[],
  footer: FileMetaData,
  pruning: PagePruning | undefined,
): Promise<ReadonlyMap<number, readonly RowRange[] | undefined>> {
  const matching = new Map<number, readonly RowRange[] | undefined>()
  const open = decisions.filter((decision) => decision.read && decision.bytes >= MIN_INDEXED_BYTES)
  if (pruning === undefined || open.length === 0) return matching
  await mapParallel(open, ASKED_AT_ONCE, async (decision) => {
    const ranges = await pruning.matchingRows(footer.rowGroups[decision.rowGroup]!)
    const rows = ranges?.reduce((sum, range) => sum + range.rows, 0) ?? decision.rows
    if (rows === decision.rows) return
    matching.set(decision.rowGroup, ranges)
    const reason = rows === 0 ? 'its page index excludes a match' : `its page index leaves ${rows} of ${decision.rows} rows that may match`
    decisions[decision.rowGroup] = { ...decision, read: rows > 0, reason }
  })
  return matching
}

function skipReasonOf(footer: FileMetaData, schema: FileSchema, options: ChooseOptions): (rowGroup: RowGroup) => string | undefined {
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
  return first === undefined ? (rowGroup.fileOffset ?? 4) : chunkRange(first).start
}
