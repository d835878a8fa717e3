import type { Row } from '../../src/arrow/row-values.js'
import { rowsOf } from '../../src/arrow/row-values.js'
import type { FileIO } from '../../src/io/file-io.js'
import {
  decodeColumnIndex,
  decodeFileMetaData,
  decodeOffsetIndex,
  encodeColumnIndex,
  encodeFileMetaData,
  encodeOffsetIndex,
  encodePageHeader,
  pageType,
} from '../../src/parquet/file-metadata.js'
import type { ColumnChunk, ColumnIndex, FileMetaData, OffsetIndex } from '../../src/parquet/file-metadata.js'
import { walkPages } from '../../src/parquet/page-walk.js'
import type { Page } from '../../src/parquet/page-walk.js'
import type { ParquetReadOptions } from '../../src/parquet/parquet-engine.js'
import { parseFileSchema } from '../../src/parquet/parquet-schema.js'
import { footerStart } from './patched-footer.js'
import { engine } from './parquet-file.js'

interface StoredFile {
  readonly io: FileIO
  readonly location: string
  readonly fileSizeBytes: number
}

/** Indexes of one chunk as values, or as whatever bytes. */
export interface PatchedIndex {
  readonly pages?: OffsetIndex | Uint8Array | undefined
  readonly bounds?: ColumnIndex | Uint8Array | undefined
}

export interface KnownIndex {
  readonly pages: OffsetIndex
  readonly bounds: ColumnIndex | undefined
}

/** The same file with other page indexes. */
export async function patchIndexes<T extends StoredFile>(file: T, change: (index: KnownIndex, column: number) => PatchedIndex): Promise<T> {
  const bytes = await file.io.read(file.location)
  const start = footerStart(bytes)
  const footer = decodeFileMetaData(bytes.subarray(start, bytes.length - 8))
  const parts = [bytes.subarray(0, start)]
  let end = start
  const place = (index: Uint8Array): { offset: number; length: number } => {
    parts.push(index)
    end += index.length
    return { offset: end - index.length, length: index.length }
  }
  const changed = mapChunks(footer, (chunk, column) => {
    const { offsetIndexOffset, offsetIndexLength, columnIndexOffset, columnIndexLength, ...kept } = chunk
    const pages = decodeOffsetIndex(bytes.subarray(offsetIndexOffset, offsetIndexOffset! + offsetIndexLength!))
    const bounds =
      columnIndexOffset === undefined
        ? undefined
        : decodeColumnIndex(bytes.slice(columnIndexOffset, columnIndexOffset + columnIndexLength!))
    const { pages: newPages, bounds: newBounds } = change({ pages, bounds }, column)
    const offsetIndex = newPages && place(newPages instanceof Uint8Array ? newPages : encodeOffsetIndex(newPages))
    const columnIndex = newBounds && place(newBounds instanceof Uint8Array ? newBounds : encodeColumnIndex(newBounds))
    return {
      ...kept,
      ...(offsetIndex && { offsetIndexOffset: offsetIndex.offset, offsetIndexLength: offsetIndex.length }),
      ...(columnIndex && { columnIndexOffset: columnIndex.offset, columnIndexLength: columnIndex.length }),
    }
  })
  return stored(file, parts, changed)
}

/** The same uncompressed file with data pages of version 2. */
export async function asVersion2<T extends StoredFile>(file: T): Promise<T> {
  const bytes = await file.io.read(file.location)
  const footer = decodeFileMetaData(bytes.subarray(footerStart(bytes), bytes.length - 8))
  const { leaves } = parseFileSchema(footer.schema)
  const parts = [bytes.subarray(0, 4)]
  let end = 4
  const indexes: { readonly chunk: ColumnChunk; readonly pages: OffsetIndex; readonly bounds: Uint8Array | undefined }[] = []
  for (const group of footer.rowGroups) {
    group.columns.forEach((chunk, column) => {
      const metaData = chunk.metaData!
      const start = metaData.dictionaryPageOffset ?? metaData.dataPageOffset
      const content = bytes.subarray(start, start + metaData.totalCompressedSize)
      const { offsetIndexOffset: at = 0, offsetIndexLength = 0, columnIndexOffset, columnIndexLength = 0 } = chunk
      const locations = decodeOffsetIndex(bytes.subarray(at, at + offsetIndexLength)).pageLocations
      const bounds = columnIndexOffset === undefined ? undefined : bytes.slice(columnIndexOffset, columnIndexOffset + columnIndexLength)
      const nulls = bounds && decodeColumnIndex(bounds).nullCounts
      const chunkStart = end
      const pages = walkPages(content, metaData.numValues)
      const dataPages = pages.filter((page) => page.header.type === pageType.data)
      const pageLocations = []
      let dataPageOffset = 0
      for (const page of pages) {
        const i = dataPages.indexOf(page)
        const firstRowIndex = locations[i]?.firstRowIndex ?? 0
        const numRows = (locations[i + 1]?.firstRowIndex ?? group.numRows) - firstRowIndex
        const counts = { numRows, numNulls: nulls?.[i] ?? 0 }
        const written = i < 0 ? [content.subarray(page.headerStart, page.dataEnd)] : version2(content, page, leaves[column]!, counts)
        const size = written.reduce((sum, part) => sum + part.length, 0)
        if (i === 0) dataPageOffset = end
        if (i >= 0) pageLocations.push({ offset: end, compressedPageSize: size, firstRowIndex })
        parts.push(...written)
        end += size
      }
      const { dictionaryPageOffset, ...others } = metaData
      const sizes = { totalCompressedSize: end - chunkStart, totalUncompressedSize: end - chunkStart }
      const dictionary = dictionaryPageOffset === undefined ? {} : { dictionaryPageOffset: chunkStart }
      const moved = { ...chunk, metaData: { ...others, ...sizes, dataPageOffset, ...dictionary } }
      indexes.push({ chunk: moved, pages: { pageLocations }, bounds })
    })
  }
  let next = 0
  const changed = mapChunks(footer, () => {
    const { chunk, pages, bounds } = indexes[next++]!
    const encoded = encodeOffsetIndex(pages)
    const offsetIndexOffset = end
    parts.push(encoded, ...(bounds === undefined ? [] : [bounds]))
    end += encoded.length + (bounds?.length ?? 0)
    const columnIndex = bounds && { columnIndexOffset: end - bounds.length, columnIndexLength: bounds.length }
    return { ...chunk, offsetIndexOffset, offsetIndexLength: encoded.length, ...columnIndex }
  })
  return stored(file, parts, changed)
}

interface Levels {
  readonly maxRepetitionLevel: number
  readonly maxDefinitionLevel: number
}

interface Counts {
  readonly numRows: number
  readonly numNulls: number
}

function version2(content: Uint8Array, page: Page, levels: Levels, counts: Counts): Uint8Array[] {
  const body = content.subarray(page.dataStart, page.dataEnd)
  let at = 0
  const take = (present: boolean): Uint8Array => {
    if (!present) return new Uint8Array(0)
    const length = new DataView(body.buffer, body.byteOffset + at).getUint32(0, true)
    at += 4 + length
    return body.subarray(at - length, at)
  }
  const repetition = take(levels.maxRepetitionLevel > 0)
  const definition = take(levels.maxDefinitionLevel > 0)
  const values = body.subarray(at)
  const size = repetition.length + definition.length + values.length
  const header = encodePageHeader({
    type: pageType.dataV2,
    uncompressedPageSize: size,
    compressedPageSize: size,
    dataPageHeaderV2: {
      numValues: page.numValues,
      ...counts,
      encoding: page.header.dataPageHeader!.encoding,
      definitionLevelsByteLength: definition.length,
      repetitionLevelsByteLength: repetition.length,
      isCompressed: false,
    },
  })
  return [header, repetition, definition, values]
}

function mapChunks(footer: FileMetaData, change: (chunk: ColumnChunk, column: number) => ColumnChunk): FileMetaData {
  return { ...footer, rowGroups: footer.rowGroups.map((group) => ({ ...group, columns: group.columns.map(change) })) }
}

async function stored<T extends StoredFile>(file: T, parts: readonly Uint8Array[], footer: FileMetaData): Promise<T> {
  const encoded = encodeFileMetaData(footer)
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, encoded.length, true)
  const bytes = Buffer.concat([...parts, encoded, length, Buffer.from('PAR1')])
  const location = `${file.location}.${stored.count++}`
  await file.io.write(location, new Uint8Array(bytes))
  return { ...file, location, fileSizeBytes: bytes.length }
}

stored.count = 0

/** Rows by their positions, ascending; a position that comes twice is an error. */
export async function rowsByPosition(options: ParquetReadOptions): Promise<Map<number, Row>> {
  const rows = new Map<number, Row>()
  let next = 0
  for await (const { batch, firstPosition } of engine.read(options)) {
    if (firstPosition < next) throw new Error(`row ${firstPosition} comes after row ${next - 1}`)
    next = firstPosition
    for (const row of rowsOf([batch], options.projection)) rows.set(next++, row)
  }
  return rows
}
