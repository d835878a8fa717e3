import type { WriterProperties } from 'parquet-wasm/esm'
import { concatenate } from '../util/concatenate.js'
import type { EncodeJob, EncodeResult } from './engine-job.js'
import { codecId, decodeFileMetaData, decodeOffsetIndex, encodePageHeader, pageType } from './file-metadata.js'
import type { ColumnChunk, PageHeader } from './file-metadata.js'
import { releaseBuffer } from './release-buffer.js'
import type { EncodedGroup } from './larger-pages.js'
import { compressPage, isDecompressedHere, pageCrc } from './page-codec.js'
import { walkPages } from './page-walk.js'
import type { Page } from './page-walk.js'
import { corrupt } from './thrift-compact.js'
import { withEngine } from './wasm-module.js'
import type { WasmEngine } from './wasm-module.js'

/** The engine keeps whole row groups apart only by these. */
const UNLIMITED_ROWS = 2 ** 31 - 1

/**
 * Encodes the batches of a job as the column chunks of one row group. The engine encodes the pages; they are compressed here,
 * because that is faster and the only way to choose a level.
 */
export async function runEncode(job: EncodeJob): Promise<EncodeResult> {
  // The filters first: encoding gives the batches back
  const filters = await bloomFilters(job)
  // Pages that are made by a size may come out far too small, and are made again from the same bytes.
  const mayMend = job.pages.isStepAPage
  const encoded = await encodeGroup(mayMend ? { ...job, ipc: job.ipc.slice() } : job)
  const columns = mayMend ? await (await import('./larger-pages.js')).withLargerPages(encoded, job, encodeGroup) : encoded.columns
  return { kind: 'encode', rows: encoded.rows, columns: columns.map((column, i) => ({ ...column, bloomFilter: filters.get(i) })) }
}

async function encodeGroup(job: EncodeJob): Promise<EncodedGroup> {
  const file = await withEngine((engine) => encodeFile(engine, job))
  const footerLength = new DataView(file.buffer, file.byteOffset + file.length - 8, 4).getUint32(0, true)
  const footer = decodeFileMetaData(file.slice(file.length - 8 - footerLength, file.length - 8))
  const [group, ...others] = footer.rowGroups
  if (group === undefined || others.length > 0) throw corrupt(`came out of the encoder with ${footer.rowGroups.length} row groups`)
  const columns = group.columns.map((chunk) => encodedColumn(job, file, chunk))
  releaseBuffer(file.buffer)
  return { rows: group.numRows, columns }
}

async function bloomFilters({ ipc, bloomFilters: requests }: EncodeJob): Promise<ReadonlyMap<number, Uint8Array>> {
  if (requests.length === 0) return new Map()
  // Threads that make no filters do without Arrow
  const { buildBloomFilters } = await import('./bloom-builder.js')
  return buildBloomFilters(ipc, requests)
}

function encodeFile(engine: WasmEngine, job: EncodeJob): Uint8Array {
  const { Table, writeParquet } = engine.api
  const table = Table.fromIPCStream(job.ipc)
  releaseBuffer(job.ipc.buffer)
  return writeParquet(table, writerProperties(engine, job))
}

function writerProperties({ api }: WasmEngine, job: EncodeJob): WriterProperties {
  const properties = new api.WriterPropertiesBuilder()
    .setCompression(engineCompression(api.Compression, job.codec))
    .setStatisticsEnabled(api.EnabledStatistics.Page)
    .setDictionaryEnabled(job.dictSizeBytes > 0)
    .setDictionaryPageSizeLimit(Math.max(1, job.dictSizeBytes))
    .setDataPageSizeLimit(job.pages.pageSizeBytes)
    .setWriteBatchSize(job.pages.stepRows)
    .setMaxRowGroupSize(UNLIMITED_ROWS)
    .setWriterVersion(api.WriterVersion.V1)
  return job.plainColumns.reduce((builder, column) => builder.setColumnDictionaryEnabled(column, false), properties).build()
}

function engineCompression(compression: typeof import('parquet-wasm/esm').Compression, codec: number): number {
  if (codec === codecId.snappy) return compression.SNAPPY
  return codec === codecId.lz4Raw ? compression.LZ4_RAW : compression.UNCOMPRESSED
}

function encodedColumn(job: EncodeJob, file: Uint8Array, chunk: ColumnChunk): EncodedGroup['columns'][number] {
  const metaData = chunk.metaData!
  const start = metaData.dictionaryPageOffset ?? metaData.dataPageOffset
  const bytes = file.subarray(start, start + metaData.totalCompressedSize)
  const pages = walkPages(bytes, metaData.numValues)
  const parts: Uint8Array[] = []
  const offsets: number[] = []
  let offset = 0
  let dataPageOffset = 0
  for (const page of pages) {
    const written = writtenPage(job, bytes, page)
    const length = written.header.length + written.body.length
    if (page.header.type === pageType.dictionary) dataPageOffset = length
    else offsets.push(offset)
    parts.push(written.header, written.body)
    offset += length
  }
  const whole = concatenate(parts)
  if (isDecompressedHere(job.codec)) for (const part of parts) if (part.byteLength === part.buffer.byteLength) releaseBuffer(part.buffer)
  const firstRows = firstRowsOf(file, chunk, offsets.length)
  const sizeOf = (page: number): number => (offsets[page + 1] ?? offset) - offsets[page]!
  const pageLocations = firstRows?.map((firstRowIndex, i) => ({ offset: offsets[i]!, compressedPageSize: sizeOf(i), firstRowIndex }))
  const dictionary = dataPageOffset > 0 ? { dictionaryPageOffset: 0 } : {}
  const { dictionaryPageOffset: _dictionary, bloomFilterOffset: _bloom, bloomFilterLength: _length, ...kept } = metaData
  return {
    bytes: whole,
    dictionaryPaid: dictionaryPaid(pages, metaData.numValues),
    metaData: { ...kept, codec: job.codec, totalCompressedSize: offset, dataPageOffset, ...dictionary },
    columnIndex: indexBytes(file, chunk.columnIndexOffset, chunk.columnIndexLength)?.slice(),
    pageLocations,
  }
}

/** Fewer values say little of those to come. */
const MIN_TELLING_VALUES = 4096
/** Distinct values among all from which on a dictionary costs more than it saves. */
const MAX_DISTINCT_SHARE = 0.4

function dictionaryPaid(pages: readonly Page[], values: number): boolean | undefined {
  const distinct = pages.find(({ header }) => header.type === pageType.dictionary)?.header.dictionaryPageHeader?.numValues
  return distinct === undefined || values < MIN_TELLING_VALUES ? undefined : distinct < values * MAX_DISTINCT_SHARE
}

function writtenPage(job: EncodeJob, bytes: Uint8Array, page: Page): { readonly header: Uint8Array; readonly body: Uint8Array } {
  const { header } = page
  const body = bytes.subarray(page.dataStart, page.dataEnd)
  const compressed = isDecompressedHere(job.codec) ? compressPage(job.codec, body, job.compressionLevel) : body
  const rewritten: PageHeader = { ...header, compressedPageSize: compressed.length, crc: pageCrc(compressed) }
  return { header: encodePageHeader(rewritten), body: compressed }
}

function firstRowsOf(file: Uint8Array, chunk: ColumnChunk, pages: number): readonly number[] | undefined {
  const bytes = indexBytes(file, chunk.offsetIndexOffset, chunk.offsetIndexLength)
  if (bytes === undefined) return undefined
  const locations = decodeOffsetIndex(bytes).pageLocations
  return locations.length === pages ? locations.map((location) => location.firstRowIndex) : undefined
}

function indexBytes(file: Uint8Array, offset: number | undefined, length: number | undefined): Uint8Array | undefined {
  return offset === undefined || length === undefined ? undefined : file.subarray(offset, offset + length)
}
