import type { ByteRange } from '../io/file-io.js'
import { FloeError } from '../util/errors.js'
import type { ChosenRowGroup } from './choose-row-groups.js'
import type { ColumnChunk, ColumnMetaData, RowGroup } from './file-metadata.js'
import { PageGrid } from './page-grid.js'
import type { LeafLayout, PageRange, RowRange } from './page-grid.js'
import { chunkRange } from './page-index.js'
import type { PageIndexes, PageLayout } from './page-index.js'
import type { ParquetReadOptions } from './parquet-engine.js'
import { collectLeaves } from './parquet-schema.js'
import type { LeafNode, ParquetNode } from './parquet-schema.js'
import type { FetchedChunk } from './row-window.js'
import { corrupt } from './thrift-compact.js'

/** Decoded bytes of a window: what one decoding job aims at. */
export const WINDOW_BYTES = 12 * 2 ** 20
/** Row groups with fewer uncompressed bytes are fetched without asking for offset indexes, unless only some of their rows are needed. */
const MIN_INDEXED_BYTES = 2 * WINDOW_BYTES

/** What fetching depends on that does not change from row group to row group. */
export interface FetchPlan {
  readonly options: ParquetReadOptions
  readonly indexes: PageIndexes
  /** The needed columns, and their leaves in order. */
  readonly nodes: readonly ParquetNode[]
  readonly leaves: readonly LeafNode[]
}

/** What was fetched of a row group. */
export interface FetchedRowGroup {
  /** By column index. */
  readonly chunks: ReadonlyMap<number, FetchedChunk>
  /** The rows that were fetched; undefined for all. */
  readonly ranges: readonly RowRange[] | undefined
}

/** The stretches of a row group that are worth reading by themselves; undefined where all of it is read. */
export function rangesToRead(
  plan: FetchPlan,
  { rowGroup, firstPosition, matching }: ChosenRowGroup,
  grid: PageGrid,
): readonly RowRange[] | undefined {
  const { wanted } = plan.options
  if (wanted === undefined && matching === undefined) return undefined
  const ranges = matching ?? [{ start: 0, rows: rowGroup.numRows }]
  return grid.select(wanted === undefined ? ranges : grid.selected(wanted, firstPosition, ranges))
}

/**
 * Fetches the chunks of the needed columns, or only those of their pages that hold rows to be read, where that spares enough.
 * @throws FloeError `CORRUPT` for columns that do not lie in the file; `UNSUPPORTED` for encryption and unknown codecs.
 */
export async function fetchRowGroup(plan: FetchPlan, group: ChosenRowGroup): Promise<FetchedRowGroup> {
  const { options, leaves, indexes } = plan
  const { rowGroup } = group
  const chunks = leaves.map((leaf) => locateChunk(options, leaf, rowGroup.columns[leaf.columnIndex]!))
  const isSelective = options.wanted !== undefined || group.matching !== undefined
  const isLarge = rowGroup.totalByteSize >= MIN_INDEXED_BYTES
  const indexed = isSelective ? leaves : leaves.filter((leaf) => isLarge && leaf.maxRepetitionLevel > 0)
  const ordinals = indexed.map((leaf) => leaf.columnIndex)
  const layouts: Layouts = new Map([...(await indexes.read(rowGroup, ordinals, false))].map(([column, { layout }]) => [column, layout]))
  const grid = isSelective ? new PageGrid(plan.nodes.map((node) => storedLayouts(node, rowGroup, layouts)), rowGroup.numRows) : undefined
  const ranges = grid && rangesToRead(plan, group, grid)
  if (ranges?.length === 0) return { chunks: new Map(), ranges }
  return grid === undefined || ranges === undefined
    ? { chunks: await fetchWhole(options, chunks, layouts), ranges: undefined }
    : { chunks: await fetchPages(plan, chunks, layouts, { grid, ranges }), ranges }
}

/** By column index. */
type Layouts = ReadonlyMap<number, PageLayout>

/** In bytes of the file. */
function storedLayouts(node: ParquetNode, rowGroup: RowGroup, layouts: Layouts): LeafLayout[] {
  return collectLeaves(node).map(({ columnIndex }) => {
    const { start, end } = chunkRange(rowGroup.columns[columnIndex]!.metaData!)
    const layout = layouts.get(columnIndex)
    if (layout === undefined) return { starts: undefined, sizes: [end - start], dictionarySize: 0 }
    const { starts, offsets } = layout
    return { starts, sizes: offsets.slice(1).map((offset, i) => offset - offsets[i]!), dictionarySize: offsets[0]! - start }
  })
}

async function fetchWhole(
  options: ParquetReadOptions,
  chunks: readonly LocatedChunk[],
  layouts: Layouts,
): Promise<FetchedRowGroup['chunks']> {
  const ranges = chunks.map((chunk) => chunk.range)
  const bytes = await fetchRanges(options, ranges)
  return new Map(
    chunks.map(({ leaf, metaData }, i) => {
      return [leaf.columnIndex, { leaf, metaData, content: { bytes: bytes[i]!, offsetIndex: layouts.get(leaf.columnIndex) } }]
    }),
  )
}

/** Only the pages of some rows, where it is known where they are. */
async function fetchPages(
  plan: FetchPlan,
  chunks: readonly LocatedChunk[],
  layouts: Layouts,
  { grid, ranges }: { readonly grid: PageGrid; readonly ranges: readonly RowRange[] },
): Promise<FetchedRowGroup['chunks']> {
  const runs = plan.nodes.flatMap((_, field) => pageRuns(grid, field, ranges))
  const asked = chunks.map(({ leaf, range }, i): readonly ByteRange[] => {
    const layout = layouts.get(leaf.columnIndex)
    if (layout === undefined) return [range]
    const { offsets } = layout
    const between = (start: number, end: number): ByteRange => ({ offset: start, length: end - start })
    return [between(range.offset, offsets[0]!), ...runs[i]!.map(({ first, end }) => between(offsets[first]!, offsets[end]!))]
  })
  const bytes = await fetchRanges(plan.options, asked.flat())
  let next = 0
  const fetched = new Map<number, FetchedChunk>()
  chunks.forEach(({ leaf, metaData }, i) => {
    const [head, ...parts] = bytes.slice(next, (next += asked[i]!.length))
    const layout = layouts.get(leaf.columnIndex)
    const content: FetchedChunk['content'] =
      layout === undefined
        ? { bytes: head!, offsetIndex: undefined }
        : { layout, head: head!, runs: runs[i]!.map((pages, k) => ({ pages, bytes: parts[k]! })) }
    fetched.set(leaf.columnIndex, { leaf, metaData, content })
  })
  return fetched
}

/** By leaf of a column, the pages that some ascending ranges need; those that follow each other are joined. */
function pageRuns(grid: PageGrid, field: number, ranges: readonly RowRange[]): PageRange[][] {
  const runs: PageRange[][] = []
  for (const range of ranges) {
    grid.pages(field, range).forEach((pages, leaf) => {
      const known = (runs[leaf] ??= [])
      const last = known.at(-1)
      if (last === undefined || last.end < pages.first) known.push(pages)
      else known[known.length - 1] = { first: last.first, end: Math.max(last.end, pages.end) }
    })
  }
  return runs
}

/** Empty ranges, and those of no bytes at all, are not asked for. */
async function fetchRanges(options: ParquetReadOptions, ranges: readonly ByteRange[]): Promise<Uint8Array[]> {
  const asked = ranges.filter((range) => range.length > 0)
  const bytes = asked.length === 0 ? [] : await options.io.readMany(options.location, asked, { signal: options.signal })
  let next = 0
  return ranges.map((range) => (range.length > 0 ? bytes[next++]! : new Uint8Array(0)))
}

interface LocatedChunk {
  readonly leaf: LeafNode
  readonly metaData: ColumnMetaData
  readonly range: ByteRange
}

function locateChunk(options: ParquetReadOptions, leaf: LeafNode, chunk: ColumnChunk): LocatedChunk {
  const { metaData } = chunk
  const unsupported = (problem: string): FloeError => new FloeError('UNSUPPORTED', problem, { column: leaf.name })
  if (chunk.cryptoMetadata !== undefined || metaData === undefined) throw unsupported('the Parquet column is encrypted')
  if (chunk.filePath !== undefined && chunk.filePath !== '') throw unsupported('the Parquet column lies in another file')
  if (metaData.type !== leaf.element.type) throw corrupt(`has the column ${leaf.name} of two physical types`)
  if (metaData.codec < 0 || metaData.codec > 7 || metaData.codec === 3) {
    throw unsupported(`Parquet codec ${metaData.codec} is not supported; rewrite the file with zstd`)
  }
  const { start: offset, end } = chunkRange(metaData)
  const length = end - offset
  if (offset < 4 || length < 0 || end > options.fileSizeBytes - 8) {
    throw corrupt(`places the column ${leaf.name} at ${offset}+${length} in a file of ${options.fileSizeBytes} bytes`)
  }
  return { leaf, metaData, range: { offset, length } }
}
