import type { Table } from 'apache-arrow'
import { chunkBytes } from '../arrow/batch-bytes.js'
import { columnsOf } from '../arrow/arrow-data.js'
import type { EncodedColumn, EncodeJob } from './engine-job.js'

/** The column chunks of a row group, before their bloom filters. */
export interface EncodedGroup {
  readonly rows: number
  readonly columns: readonly Omit<EncodedColumn, 'bloomFilter'>[]
}

type Chunk = EncodedGroup['columns'][number]

/** A column that has more pages than this many times those of its steps is encoded again. */
const MAX_PAGES_OF_STEP = 4
/** Smaller page sizes are tried so often when pages come out with too many rows. */
const MAX_TRIES = 4

/**
 * The columns of a row group whose pages were to end with each step, with those mended that the engine cut far smaller: values
 * without a dictionary are cut at a page size in the middle of a step, and the smallest size makes a page of each. Such columns
 * are encoded again, alone, with pages of about half a step; none has more rows than a step.
 */
export async function withLargerPages(
  group: EncodedGroup,
  job: EncodeJob,
  encode: (job: EncodeJob) => Promise<EncodedGroup>,
): Promise<readonly Chunk[]> {
  const most = MAX_PAGES_OF_STEP * Math.ceil(group.rows / job.pages.stepRows)
  const names = new Set(group.columns.filter(({ pageLocations }) => (pageLocations?.length ?? 0) > most).map(columnOf))
  if (names.size === 0) return group.columns
  const { tableFromIPC, tableToIPC } = await import('apache-arrow')
  const table = tableFromIPC(job.ipc)
  const mended = new Map<string, Chunk[]>()
  for (const name of names) {
    const alone = table.select([name])
    const leaves = group.columns.filter((column) => columnOf(column) === name)
    mended.set(name, [...(await largerPages(leaves, alone, { job, encode, ipc: () => tableToIPC(alone, 'stream') }))])
  }
  return group.columns.map((column) => mended.get(columnOf(column))?.shift() ?? column)
}

interface Encoding {
  readonly job: EncodeJob
  readonly encode: (job: EncodeJob) => Promise<EncodedGroup>
  readonly ipc: () => Uint8Array
}

async function largerPages(leaves: readonly Chunk[], table: Table, { job, encode, ipc }: Encoding): Promise<readonly Chunk[]> {
  const { stepRows } = job.pages
  let pageSizeBytes = Math.floor((valueBytes(table) * stepRows) / table.numRows / 2 / leaves.length)
  for (let tries = 0; tries < MAX_TRIES && pageSizeBytes > job.pages.pageSizeBytes; tries++) {
    // Values that did not fit a dictionary the first time would not now.
    const plainColumns = [...job.plainColumns, columnOf(leaves[0]!)]
    const pages = { stepRows, pageSizeBytes, isStepAPage: false }
    const { columns } = await encode({ ...job, ipc: ipc(), plainColumns, pages, bloomFilters: [] })
    if (columns.every((column) => largestPage(column, table.numRows) <= stepRows)) {
      return columns.map((column, i) => ({ ...column, dictionaryPaid: leaves[i]!.dictionaryPaid }))
    }
    pageSizeBytes = Math.floor(pageSizeBytes / 2)
  }
  return leaves
}

/** Raw bytes of the column's values; nulls are not stored. */
function valueBytes(table: Table): number {
  let bytes = 0
  for (const batch of table.batches) {
    const column = columnsOf(batch)[0]!
    bytes += (chunkBytes(column) * (column.length - column.nullCount)) / Math.max(1, column.length)
  }
  return bytes
}

function largestPage({ pageLocations = [] }: Chunk, rows: number): number {
  const ends = pageLocations.map((_, i) => pageLocations[i + 1]?.firstRowIndex ?? rows)
  return Math.max(0, ...ends.map((end, i) => end - pageLocations[i]!.firstRowIndex))
}

function columnOf({ metaData }: Chunk): string {
  return metaData.pathInSchema[0]!
}
