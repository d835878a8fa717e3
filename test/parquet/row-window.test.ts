import { describe, expect, it } from 'vitest'
import type { ArrayParts, DecodeJob } from '../../src/parquet/engine-job.js'
import { decodeOffsetIndex } from '../../src/parquet/file-metadata.js'
import { parseFileSchema } from '../../src/parquet/parquet-schema.js'
import { readFooter } from '../../src/parquet/read-footer.js'
import { RowGroupPages } from '../../src/parquet/row-window.js'
import type { FetchedChunk } from '../../src/parquet/row-window.js'
import { runDecode } from '../../src/parquet/run-decode.js'
import { everyRow, everyType } from '../arrow/every-type.js'
import { batchOf, writeFile } from './parquet-file.js'

const count = 3000
const batchRows = 128

/** The pages of a file of one row group; small pages, with or without the offset indexes. */
async function pagesOf(withIndex: boolean): Promise<RowGroupPages> {
  const rows = Array.from({ length: count }, (_, i) => everyRow(1 + (i % 97)))
  const file = await writeFile(everyType, [batchOf(everyType, rows)], { pageSizeBytes: 3000, dictSizeBytes: 2000, compression: 'zstd' })
  const footer = await readFooter(file)
  const schema = parseFileSchema(footer.schema)
  const [group] = footer.rowGroups
  const chunks = new Map<number, FetchedChunk>()
  for (const leaf of schema.leaves) {
    const { metaData, offsetIndexOffset, offsetIndexLength } = group!.columns[leaf.columnIndex]!
    const offset = metaData!.dictionaryPageOffset ?? metaData!.dataPageOffset
    const bytes = await file.io.read(file.location, { range: { offset, length: metaData!.totalCompressedSize } })
    const index = await file.io.read(file.location, { range: { offset: offsetIndexOffset!, length: offsetIndexLength! } })
    const locations = decodeOffsetIndex(index).pageLocations
    const layout = { starts: [...locations.map((page) => page.firstRowIndex), count], offsets: locations.map((page) => page.offset) }
    const content = { bytes, offsetIndex: withIndex ? layout : undefined }
    chunks.set(leaf.columnIndex, { leaf, metaData: metaData!, content })
  }
  return new RowGroupPages(schema.fields, chunks, count)
}

/** What can be compared between different cuts: lengths and the bytes of every value, by row. */
function summary(parts: ArrayParts): unknown {
  const { offsets, values, children, length, nullCount } = parts
  const sum = values === undefined ? 0 : values.reduce((total, byte, i) => (total * 31 + byte + i) % 1_000_003, 7)
  return { length, nullCount, offsets: offsets && [...offsets], sum, children: children.map(summary) }
}

async function batchesOf(jobs: readonly DecodeJob[]): Promise<unknown[][]> {
  const columns: unknown[][] = []
  for (const job of jobs) {
    const { fields } = await runDecode(job)
    fields.forEach((batches, i) => (columns[i] ??= []).push(...batches.map(summary)))
  }
  return columns
}

describe('a row group that is decoded in windows', () => {
  for (const withIndex of [true, false]) {
    it(`has the same batches as one that is decoded whole, ${withIndex ? 'with' : 'without'} offset indexes`, async () => {
      const pages = await pagesOf(withIndex)
      const whole = await batchesOf([pages.job({ start: 0, rows: count }, batchRows, false)])
      const windows = Array.from({ length: Math.ceil(count / 640) }, (_, i) => ({ start: i * 640, rows: Math.min(640, count - i * 640) }))
      expect(await batchesOf(windows.map((window) => pages.job(window, batchRows, true)))).toEqual(whole)
    })
  }

  it('is cut at whole batches, and needs only the pages of each window', async () => {
    const pages = await pagesOf(true)
    const total = pages.grid.bytes({ start: 0, rows: count })
    const windows = pages.grid.windows({ start: 0, rows: count }, total / 4, batchRows)
    expect(windows.length).toBeGreaterThan(1)
    expect(windows.every((window) => window.start % batchRows === 0)).toBe(true)
    expect(windows.reduce((sum, window) => sum + window.rows, 0)).toBe(count)
    expect(windows.reduce((sum, window) => sum + pages.grid.bytes(window), 0)).toBeLessThan(total * 1.5)
  })

  it('is cut less finely than asked where windows would decode pages again and again', async () => {
    const pages = await pagesOf(false)
    const windows = pages.grid.windows({ start: 0, rows: count }, 1, batchRows)
    expect(windows.length).toBeLessThan(count / batchRows / 2)
    const decoded = windows.reduce((sum, window) => sum + pages.grid.bytes(window), 0)
    expect(decoded).toBeLessThan(pages.grid.bytes({ start: 0, rows: count }) * 1.5)
  })
})
