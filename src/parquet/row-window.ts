import type { FloeError } from '../util/errors.js'
import { pageType } from './file-metadata.js'
import type { ColumnMetaData } from './file-metadata.js'
import type { ArrayLayout, DecodeField, DecodeJob, DecodeLeaf } from './engine-job.js'
import { layoutOf } from './column-type.js'
import { concatenate } from '../util/concatenate.js'
import { PageGrid, runningSum } from './page-grid.js'
import type { LeafLayout, PageRange, RowRange } from './page-grid.js'
import type { PageLayout } from './page-index.js'
import { pageAt, walkPages } from './page-walk.js'
import type { Page } from './page-walk.js'
import { collectLeaves } from './parquet-schema.js'
import type { LeafNode, ParquetNode } from './parquet-schema.js'
import { syntheticElements } from './synthetic-file.js'
import { corrupt } from './thrift-compact.js'

/**
 * Cuts a row group into windows of rows that are decoded one by one, so that memory is bounded whatever the size of the row
 * group. A window takes from each column only the pages that hold its rows.
 */

/** A column chunk of which all or some pages were fetched. */
export interface FetchedChunk {
  readonly leaf: LeafNode
  readonly metaData: ColumnMetaData
  readonly content: WholeChunk | ChunkParts
}

export interface WholeChunk {
  readonly bytes: Uint8Array
  /** Tells the rows of pages that do not tell them themselves. */
  readonly offsetIndex: PageLayout | undefined
}

export interface ChunkParts {
  readonly layout: PageLayout
  /** What lies before the first data page: the dictionary page, or nothing. */
  readonly head: Uint8Array
  /** Pages that follow each other, ascending. */
  readonly runs: readonly { readonly pages: PageRange; readonly bytes: Uint8Array }[]
}

interface StoredPage extends Page {
  readonly bytes: Uint8Array
}

interface LeafPages {
  readonly chunk: FetchedChunk
  readonly dictionary: StoredPage | undefined
  /** Undefined where a page was not fetched. */
  readonly pages: readonly (StoredPage | undefined)[]
  /** Row at which each page starts, and the row after the last; undefined when only the whole chunk has known rows. */
  readonly starts: readonly number[] | undefined
}

interface FieldPages {
  readonly layout: ArrayLayout
  readonly schema: DecodeField['schema']
  readonly leaves: readonly LeafPages[]
}

/** The columns of one row group, ready to be cut. */
export class RowGroupPages {
  /** In bytes of decompressed pages; those that were not fetched count nothing. */
  readonly grid: PageGrid
  private readonly fields: readonly FieldPages[]

  /** @throws FloeError `CORRUPT` when the pages are damaged or do not hold the row group's rows. */
  constructor(nodes: readonly ParquetNode[], chunks: ReadonlyMap<number, FetchedChunk>, rows: number) {
    this.fields = nodes.map((node) => ({
      layout: layoutOf(node),
      schema: syntheticElements(node, 'c'),
      leaves: collectLeaves(node).map((leaf) => leafPages(chunks.get(leaf.columnIndex)!, rows)),
    }))
    this.grid = new PageGrid(this.fields.map((field) => field.leaves.map(leafLayout)), rows)
  }

  /** The work of one window, all of whose pages must have been fetched. `copy`: the job gets buffers of its own. */
  job(window: RowRange, batchRows: number, copy: boolean): DecodeJob {
    return { kind: 'decode', batchRows, fields: this.fields.map((_, i) => this.decodeField(i, window, copy)) }
  }

  private decodeField(index: number, window: RowRange, copy: boolean): DecodeField {
    const field = this.fields[index]!
    const { first, last } = this.grid.pageRows(index, window)
    const pages = this.grid.pages(index, window)
    const leafPaths = pathsOf(field.schema)
    return {
      schema: field.schema,
      layout: field.layout,
      leaves: field.leaves.map((leaf, i) => decodeLeaf(leaf, pages[i]!, leafPaths[i]!, copy)),
      pageRows: last - first,
      skipRows: window.start - first,
      rows: window.rows,
    }
  }
}

function leafLayout({ pages, starts, dictionary }: LeafPages): LeafLayout {
  const sizes = pages.map((page) => page?.header.uncompressedPageSize ?? 0)
  return { starts, sizes, dictionarySize: dictionary?.header.uncompressedPageSize ?? 0 }
}

function leafPages(chunk: FetchedChunk, rows: number): LeafPages {
  const { leaf, metaData, content } = chunk
  if (metaData.numValues < rows || (leaf.maxRepetitionLevel === 0 && metaData.numValues !== rows)) {
    throw corrupt(`has the column ${leaf.name} with ${metaData.numValues} values in a row group of ${rows} rows`)
  }
  if ('layout' in content) return partPages(chunk, content)
  const walked = walkPages(content.bytes, metaData.numValues).map((page): StoredPage => ({ ...page, bytes: content.bytes }))
  const dictionary = walked[0]?.header.type === pageType.dictionary ? walked[0] : undefined
  const pages = dictionary === undefined ? walked : walked.slice(1)
  return { chunk, dictionary, pages, starts: pageStarts(leaf, content.offsetIndex, pages, rows) }
}

/** The pages that were fetched by an offset index, which must be what it says. */
function partPages(chunk: FetchedChunk, { layout, head, runs }: ChunkParts): LeafPages {
  const { starts, offsets } = layout
  const { leaf } = chunk
  const dictionary = head.length === 0 ? undefined : { ...pageAt(head, 0), bytes: head }
  const pages: (StoredPage | undefined)[] = Array.from({ length: starts.length - 1 }, () => undefined)
  for (const { pages: range, bytes } of runs) {
    for (let i = range.first; i < range.end; i++) {
      const page = { ...pageAt(bytes, offsets[i]! - offsets[range.first]!), bytes }
      const rows = starts[i + 1]! - starts[i]!
      const fits = page.dataEnd - page.headerStart === offsets[i + 1]! - offsets[i]! && (rowsOfPage(leaf, page) ?? rows) === rows
      if (!fits || !isDataPage(page)) throw lyingIndex(leaf)
      pages[i] = page
    }
  }
  const isDictionary = dictionary === undefined || (dictionary.header.type === pageType.dictionary && dictionary.dataEnd === head.length)
  if (!isDictionary) throw lyingIndex(leaf)
  return { chunk, dictionary, pages, starts }
}

function isDataPage({ header }: Page): boolean {
  return header.type === pageType.data || header.type === pageType.dataV2
}

function lyingIndex(leaf: LeafNode): FloeError {
  return corrupt(`has an offset index of the column ${leaf.name} that does not fit its pages`)
}

/** Undefined for pages of repeated columns in version 1. */
function rowsOfPage(leaf: LeafNode, page: Page): number | undefined {
  return leaf.maxRepetitionLevel === 0 ? page.numValues : page.header.dataPageHeaderV2?.numRows
}

/** Pages of repeated columns say how many rows they hold only in version 2, or in the offset index. */
function pageStarts(leaf: LeafNode, index: PageLayout | undefined, pages: readonly Page[], rows: number): readonly number[] | undefined {
  const counts = pages.map((page) => rowsOfPage(leaf, page))
  if (counts.every((count) => count !== undefined)) {
    const starts = runningSum(counts)
    return starts.at(-1) === rows ? starts : undefined
  }
  return index?.starts.length === pages.length + 1 ? index.starts : undefined
}

function decodeLeaf(leaf: LeafPages, range: PageRange, path: readonly string[], copy: boolean): DecodeLeaf {
  const { metaData, leaf: node } = leaf.chunk
  const pages = leaf.pages.slice(range.first, range.end) as readonly StoredPage[]
  const parts: Uint8Array[] = []
  if (leaf.dictionary !== undefined) parts.push(leaf.dictionary.bytes.subarray(leaf.dictionary.headerStart, leaf.dictionary.dataEnd))
  if (pages.length > 0) parts.push(pages[0]!.bytes.subarray(pages[0]!.headerStart, pages.at(-1)!.dataEnd))
  return {
    type: node.element.type!,
    codec: metaData.codec,
    path,
    pages: copy || parts.length > 1 ? concatenate(parts) : (parts[0] ?? new Uint8Array(0)),
    numValues: pages.reduce((sum, page) => sum + page.numValues, 0),
  }
}

function pathsOf(elements: DecodeField['schema']): string[][] {
  const paths: string[][] = []
  let next = 0
  const visit = (path: readonly string[]): void => {
    const element = elements[next++]!
    const here = [...path, element.name]
    if (element.numChildren === undefined) paths.push(here)
    for (let i = 0; i < (element.numChildren ?? 0); i++) visit(here)
  }
  visit([])
  return paths
}
