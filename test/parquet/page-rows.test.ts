import { describe, expect, it } from 'vitest'
import type { RecordBatch } from 'apache-arrow'
import type { Row } from '../../src/arrow/row-values.js'
import { decodeOffsetIndex } from '../../src/parquet/file-metadata.js'
import { pageCut } from '../../src/parquet/page-cut.js'
import type { ParquetWriteOptions } from '../../src/parquet/parquet-engine.js'
import { readFooter } from '../../src/parquet/read-footer.js'
import { schema, t } from '../../src/schema/schema-builder.js'
import type { Schema } from '../../src/schema/schema.js'
import { batchOf, readRows, writeFile } from './parquet-file.js'

const flat = schema({ id: t.long.required, kind: t.string, text: t.string })
const listed = schema({ id: t.long.required, l: t.list(t.int) })
const flatRow = (i: number): Row => ({ id: BigInt(i), kind: i % 3 === 0 ? null : `kind ${i % 7}`, text: `the text of row ${i}` })
const listRow = (i: number): Row => ({ id: BigInt(i), l: i % 4 === 0 ? null : Array.from({ length: i % 5 }, (_, k) => i + k) })

function batches(columns: Schema, rowOf: (i: number) => Row, sizes: readonly number[]): RecordBatch[] {
  let next = 0
  return sizes.map((size) => batchOf(columns, Array.from({ length: size }, () => rowOf(next++))))
}

/** Rows of each page, by column. */
async function pageRows(columns: Schema, input: readonly RecordBatch[], options: Partial<ParquetWriteOptions>): Promise<number[][]> {
  const file = await writeFile(columns, input, options)
  const rows = await readRows({ ...file, projection: columns })
  expect(rows).toEqual(Array.from({ length: rows.length }, (_, i) => (columns === flat ? flatRow(i) : listRow(i))))
  const footer = await readFooter(file)
  return Promise.all(
    footer.rowGroups[0]!.columns.map(async ({ offsetIndexOffset, offsetIndexLength }) => {
      const bytes = await file.io.read(file.location, { range: { offset: offsetIndexOffset!, length: offsetIndexLength! } })
      const starts = decodeOffsetIndex(bytes).pageLocations.map((location) => location.firstRowIndex)
      return starts.map((start, i) => (starts[i + 1] ?? footer.numRows) - start)
    }),
  )
}

describe('pages', () => {
  it('end at 20,000 rows by default, however the rows come in', async () => {
    for (const sizes of [[50_000], [8192, 8192, 8192, 8192, 8192, 9040], [1, 49_999], Array.from({ length: 50 }, () => 1000)]) {
      expect(await pageRows(flat, batches(flat, flatRow, sizes), {})).toEqual(Array(3).fill([20_000, 20_000, 10_000]))
    }
  })

  it('of lists end there as well', async () => {
    const input = batches(listed, listRow, [8192, 8192, 8192, 8192, 12_232])
    expect(await pageRows(listed, input, {})).toEqual(Array(2).fill([20_000, 20_000, 5000]))
  })

  it('end at the row limit that a table asks for', async () => {
    for (const sizes of [[2500], [7, 993, 1, 1499], Array.from({ length: 25 }, () => 100)]) {
      expect(await pageRows(flat, batches(flat, flatRow, sizes), { pageRowLimit: 1000 })).toEqual(Array(3).fill([1000, 1000, 500]))
    }
    expect(await pageRows(flat, batches(flat, flatRow, [50]), { pageRowLimit: 20, compression: 'snappy' })).toEqual(Array(3).fill([20, 20, 10]))
    const ofLists = await pageRows(listed, batches(listed, listRow, [3000]), { pageRowLimit: 1000 })
    expect(Math.max(...ofLists.flat())).toBe(1000)
  })

  it('of values without a dictionary are neither larger than the row limit nor far smaller', async () => {
    const some = { id: t.long.required, sparse: t.long, flag: t.boolean.required, yes: t.boolean }
    const plain = schema({ ...some, text: t.string, l: t.list(t.long) })
    const row = (i: number): Row => ({
      id: BigInt(i),
      sparse: i < 2000 || i % 10 === 0 ? BigInt(i) : null,
      flag: i % 3 === 0,
      yes: i % 5 === 0 ? null : i % 2 === 0,
      text: i % 7 === 0 ? null : `text ${i} ${'x'.repeat(i % 50)}`,
      l: i % 4 === 0 ? null : Array.from({ length: i % 5 }, (_, k) => BigInt(i + k)),
    })
    for (const dictSizeBytes of [2 ** 21, 10_000, 0]) {
      const file = await writeFile(plain, batches(plain, row, [2500, 2500]), { pageRowLimit: 1000, dictSizeBytes })
      expect(await readRows({ ...file, projection: plain })).toEqual(Array.from({ length: 5000 }, (_, i) => row(i)))
      const footer = await readFooter(file)
      for (const { offsetIndexOffset, offsetIndexLength, metaData } of footer.rowGroups[0]!.columns) {
        const bytes = await file.io.read(file.location, { range: { offset: offsetIndexOffset!, length: offsetIndexLength! } })
        const starts = decodeOffsetIndex(bytes).pageLocations.map((location) => location.firstRowIndex)
        const rows = starts.map((start, i) => (starts[i + 1] ?? footer.numRows) - start)
        const path = metaData!.pathInSchema.join('.')
        expect(Math.max(...rows), path).toBeLessThanOrEqual(1000)
        expect(rows.length, path).toBeLessThanOrEqual(40)
      }
    }
  })

  it('after a dictionary that grew too large are a tenth over it at most', async () => {
    const rows = await pageRows(flat, batches(flat, flatRow, [70_000]), { dictSizeBytes: 300_000 })
    expect(rows[1]).toEqual([20_000, 20_000, 20_000, 10_000])
    expect(Math.max(...rows.flat())).toBeLessThanOrEqual(22_000)
  })

  it('never have more rows than a limit over 20,000 allows', async () => {
    const rows = await pageRows(flat, batches(flat, flatRow, [50_000]), { pageRowLimit: 30_000 })
    expect(Math.max(...rows.flat())).toBeLessThanOrEqual(30_000)
  })

  it('of wide rows stay below the page size, too', () => {
    const wide = batches(flat, (i) => ({ id: BigInt(i), kind: null, text: 'x'.repeat(1000) }), [100])
    const cut = pageCut(wide, 10_000, 2 ** 16)
    expect(cut.stepRows).toBeGreaterThan(60)
    expect(cut.stepRows).toBeLessThanOrEqual(65)
    expect(pageCut(wide, 50, 2 ** 16).stepRows).toBe(50)
    expect(pageCut(wide, 10_000, 1).stepRows).toBe(1)
  })
})
