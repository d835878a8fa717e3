import type { ByteRange } from '../io/file-io.js'
import { isFloeError } from '../util/errors.js'
import { decodeColumnIndex, decodeOffsetIndex } from './file-metadata.js'
import type { ColumnChunk, ColumnIndex, RowGroup } from './file-metadata.js'
import type { FileTail, FooterLocation } from './read-footer.js'

/** Where the pages of a column chunk are, as its offset index says. The pages follow each other without gaps. */
export interface PageLayout {
  /** Row of the row group at which each page starts, and the row after the last. */
  readonly starts: readonly number[]
  /** Byte of the file at which each page's header starts, and the byte after the last page. */
  readonly offsets: readonly number[]
}

/** The page indexes of one column chunk. */
export interface ChunkIndex {
  readonly layout: PageLayout
  /** Bounds of as many pages as the layout has; undefined where none were asked for, or there are none that can be used. */
  readonly bounds: ColumnIndex | undefined
}

/** Larger indexes are not worth reading: they have some hundred thousand pages. */
const MAX_INDEX_BYTES = 16 * 2 ** 20

/**
 * Reads the page indexes of a file. They only spare work: one that is missing, or contradicts itself or the chunk, is left out,
 * and its column is read whole. Source: parquet-format/PageIndex.md
 */
export class PageIndexes {
  readonly #file: FooterLocation
  readonly #tail: FileTail

  /** `tail` came with the footer; indexes in it cost no request. */
  constructor(file: FooterLocation, tail: FileTail) {
    this.#file = file
    this.#tail = tail
  }

  /** The indexes of some columns of a row group, by the columns' ordinals. */
  async read(rowGroup: RowGroup, columns: readonly number[], withBounds: boolean): Promise<ReadonlyMap<number, ChunkIndex>> {
    const places = columns.flatMap((column) => {
      const chunk = rowGroup.columns[column]!
      const layout = this.#rangeOf(chunk.offsetIndexOffset, chunk.offsetIndexLength)
      if (layout === undefined) return []
      return [{ column, chunk, layout, bounds: withBounds ? this.#rangeOf(chunk.columnIndexOffset, chunk.columnIndexLength) : undefined }]
    })
    const bytes = await this.#bytesOf(places.flatMap(({ layout, bounds }) => (bounds === undefined ? [layout] : [layout, bounds])))
    const found = new Map<number, ChunkIndex>()
    for (const { column, chunk, layout: layoutRange, bounds: boundsRange } of places) {
      const layout = unlessCorrupt(() => pageLayout(bytes.get(layoutRange)!, chunk, rowGroup.numRows))
      if (layout === undefined) continue
      const bounds = boundsRange && unlessCorrupt(() => decodeColumnIndex(bytes.get(boundsRange)!))
      found.set(column, { layout, bounds: bounds && isOfPages(bounds, layout.starts.length - 1) ? bounds : undefined })
    }
    return found
  }

  #rangeOf(offset: number | undefined, length: number | undefined): ByteRange | undefined {
    if (offset === undefined || length === undefined || length > MAX_INDEX_BYTES) return undefined
    return offset < 4 || length <= 0 || offset + length > this.#file.fileSizeBytes - 8 ? undefined : { offset, length }
  }

  async #bytesOf(ranges: readonly ByteRange[]): Promise<ReadonlyMap<ByteRange, Uint8Array>> {
    const { io, location, signal } = this.#file
    const missing = ranges.filter((range) => range.offset < this.#tail.offset)
    const fetched = missing.length === 0 ? [] : await io.readMany(location, missing, { signal })
    const found = new Map(missing.map((range, i) => [range, fetched[i]!]))
    for (const range of ranges) {
      const start = range.offset - this.#tail.offset
      if (start >= 0) found.set(range, this.#tail.bytes.subarray(start, start + range.length))
    }
    return found
  }
}

function unlessCorrupt<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (isFloeError(error, 'CORRUPT')) return undefined
    throw error
  }
}

/** Undefined when it cannot be true. */
function pageLayout(bytes: Uint8Array, { metaData }: ColumnChunk, rows: number): PageLayout | undefined {
  const { pageLocations } = decodeOffsetIndex(bytes)
  const last = pageLocations.at(-1)
  if (metaData === undefined || last === undefined || pageLocations[0]!.firstRowIndex !== 0) return undefined
  const starts = [...pageLocations.map((page) => page.firstRowIndex), rows]
  const offsets = [...pageLocations.map((page) => page.offset), last.offset + last.compressedPageSize]
  const { start, end } = chunkRange(metaData)
  const isTrue = pageLocations.every((page, i) => {
    return page.compressedPageSize > 0 && offsets[i]! + page.compressedPageSize === offsets[i + 1]! && starts[i]! < starts[i + 1]!
  })
  return isTrue && offsets[0]! >= start && offsets.at(-1)! <= end ? { starts, offsets } : undefined
}

/** The bytes of a column chunk in its file. */
export function chunkRange(metaData: NonNullable<ColumnChunk['metaData']>): { readonly start: number; readonly end: number } {
  const { dictionaryPageOffset: dictionary, dataPageOffset: data, totalCompressedSize: length } = metaData
  // Old writers set the dictionary's offset to zero where there is none
  const start = dictionary !== undefined && dictionary > 0 && dictionary < data ? dictionary : data
  return { start, end: start + length }
}

function isOfPages({ nullPages, minValues, maxValues, nullCounts }: ColumnIndex, pages: number): boolean {
  return [nullPages, minValues, maxValues, nullCounts ?? nullPages].every((list) => list.length === pages)
}
