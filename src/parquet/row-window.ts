import { pageType } from './file-metadata.js'
import type { ColumnMetaData, OffsetIndex } from './file-metadata.js'
import type { ArrayLayout, DecodeField, DecodeJob, DecodeLeaf } from './engine-job.js'
import { layoutOf } from './column-type.js'
import { concatenate } from './concatenate.js'
import { walkPages } from './page-walk.js'
import type { Page } from './page-walk.js'
import { collectLeaves } from './parquet-schema.js'
import type { LeafNode, ParquetNode } from './parquet-schema.js'
import { syntheticElements } from './synthetic-file.js'
import { corrupt } from './thrift-compact.js'

/**
 * Cuts a row group into windows of rows that are decoded one by one, so that memory is bounded whatever the size of the row
 * group. A window takes from each column only the pages that hold its rows.
 */

/** A column chunk that was fetched. */
export interface FetchedChunk {
  readonly leaf: LeafNode
  readonly metaData: ColumnMetaData
  readonly bytes: Uint8Array
  readonly offsetIndex: OffsetIndex | undefined
}

interface LeafPages {
  readonly chunk: FetchedChunk
  readonly dictionary: Page | undefined
  readonly pages: readonly Page[]
  /** Row at which each page starts, and the row after the last; undefined when only the whole chunk has known rows. */
  readonly starts: readonly number[] | undefined
}

interface FieldPages {
  readonly node: ParquetNode
  readonly layout: ArrayLayout
  readonly schema: DecodeField['schema']
  readonly leaves: readonly LeafPages[]
}

export interface RowWindow {
  readonly start: number
  readonly rows: number
}

/** The columns of one row group, ready to be cut. */
export class RowGroupPages {
  private readonly fields: readonly FieldPages[]
  private readonly rows: number

  /** @throws FloeError `CORRUPT` when the pages are damaged or do not hold the row group's rows. */
  constructor(nodes: readonly ParquetNode[], chunks: ReadonlyMap<number, FetchedChunk>, rows: number) {
    this.rows = rows
    this.fields = nodes.map((node) => ({
      node,
      layout: layoutOf(node),
      schema: syntheticElements(node, 'c'),
      leaves: collectLeaves(node).map((leaf) => leafPages(chunks.get(leaf.columnIndex)!, rows)),
    }))
  }

  /** Windows of about `targetBytes` decoded bytes each, whole batches; larger where pages are too large to be cut without waste. */
  windows(targetBytes: number, batchRows: number): RowWindow[] {
    const total = this.decodedBytes({ start: 0, rows: this.rows })
    let rows = Math.ceil(((this.rows / Math.max(1, total)) * targetBytes) / batchRows) * batchRows
    for (; rows < this.rows; rows *= 2) {
      const windows = cut(this.rows, rows)
      if (windows.reduce((sum, window) => sum + this.decodedBytes(window), 0) < total * 1.5) return windows
    }
    return cut(this.rows, this.rows)
  }

  /** Uncompressed bytes of the pages that a window needs. */
  decodedBytes(window: RowWindow): number {
    let bytes = 0
    for (const field of this.fields) {
      const { first, last } = pageRows(field, window, this.rows)
      for (const leaf of field.leaves) {
        bytes += leaf.dictionary?.header.uncompressedPageSize ?? 0
        for (const page of pagesBetween(leaf, first, last)) bytes += page.header.uncompressedPageSize
      }
    }
    return bytes
  }

  /** The work of one window. `copy`: the job gets buffers of its own. */
  job(window: RowWindow, batchRows: number, copy: boolean): DecodeJob {
    return { kind: 'decode', batchRows, fields: this.fields.map((field) => this.decodeField(field, window, copy)) }
  }

  private decodeField(field: FieldPages, window: RowWindow, copy: boolean): DecodeField {
    const { first, last } = pageRows(field, window, this.rows)
    const leafPaths = pathsOf(field.schema)
    return {
      schema: field.schema,
      layout: field.layout,
      leaves: field.leaves.map((leaf, i) => decodeLeaf(leaf, pagesBetween(leaf, first, last), leafPaths[i]!, copy)),
      pageRows: last - first,
      skipRows: window.start - first,
      rows: window.rows,
    }
  }
}

function cut(total: number, rows: number): RowWindow[] {
  const windows: RowWindow[] = []
  for (let start = 0; start < total; start += rows) windows.push({ start, rows: Math.min(rows, total - start) })
  return windows
}

function leafPages(chunk: FetchedChunk, rows: number): LeafPages {
  const { leaf, metaData, bytes } = chunk
  if (metaData.numValues < rows || (leaf.maxRepetitionLevel === 0 && metaData.numValues !== rows)) {
    throw corrupt(`has the column ${leaf.name} with ${metaData.numValues} values in a row group of ${rows} rows`)
  }
  const walked = walkPages(bytes, metaData.numValues)
  const dictionary = walked[0]?.header.type === pageType.dictionary ? walked[0] : undefined
  const pages = dictionary === undefined ? walked : walked.slice(1)
  return { chunk, dictionary, pages, starts: pageStarts(chunk, pages, rows) }
}

/** Pages of repeated columns say how many rows they hold only in version 2, or in the offset index. */
function pageStarts(chunk: FetchedChunk, pages: readonly Page[], rows: number): readonly number[] | undefined {
  if (chunk.leaf.maxRepetitionLevel === 0) return runningSum(pages.map((page) => page.numValues))
  if (pages.every((page) => page.header.dataPageHeaderV2 !== undefined)) {
    const starts = runningSum(pages.map((page) => page.header.dataPageHeaderV2!.numRows))
    return starts.at(-1) === rows ? starts : undefined
  }
  const locations = chunk.offsetIndex?.pageLocations
  if (locations?.length !== pages.length || locations[0]?.firstRowIndex !== 0) return undefined
  const starts = [...locations.map((location) => location.firstRowIndex), rows]
  return starts.every((start, i) => i === 0 || start > starts[i - 1]!) ? starts : undefined
}

function runningSum(counts: readonly number[]): number[] {
  const sums = [0]
  for (const count of counts) sums.push(sums.at(-1)! + count)
  return sums
}

/** The smallest range of rows around a window at which pages of all leaves of a column start and end. */
function pageRows(field: FieldPages, window: RowWindow, rows: number): { first: number; last: number } {
  let first = window.start
  let last = window.start + window.rows
  for (let settled = false; !settled; ) {
    settled = true
    for (const { starts } of field.leaves) {
      const below = starts === undefined ? 0 : starts[upperBound(starts, first) - 1]!
      const above = starts === undefined ? rows : starts[lowerBound(starts, last)]!
      if (below < first || above > last) settled = false
      first = below
      last = above
    }
  }
  return { first, last }
}

function pagesBetween(leaf: LeafPages, first: number, last: number): readonly Page[] {
  return leaf.starts === undefined ? leaf.pages : leaf.pages.slice(lowerBound(leaf.starts, first), lowerBound(leaf.starts, last))
}

/** Index of the first element that is not below `value`. */
function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

function upperBound(sorted: readonly number[], value: number): number {
  return lowerBound(sorted, value + 1)
}

function decodeLeaf(leaf: LeafPages, pages: readonly Page[], path: readonly string[], copy: boolean): DecodeLeaf {
  const { bytes, metaData, leaf: node } = leaf.chunk
  const parts: Uint8Array[] = []
  if (leaf.dictionary !== undefined) parts.push(bytes.subarray(leaf.dictionary.headerStart, leaf.dictionary.dataEnd))
  if (pages.length > 0) parts.push(bytes.subarray(pages[0]!.headerStart, pages.at(-1)!.dataEnd))
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
