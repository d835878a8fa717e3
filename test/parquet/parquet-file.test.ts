import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/arrow/row-values.js'
import { Schema } from '../../src/schema/schema.js'
import { everyRow, everyType } from '../arrow/every-type.js'
import { batchOf, readRows, writeFile } from './parquet-file.js'

const nulls: Row = Object.fromEntries(everyType.fields.map((field) => [field.name, null]))
const rows = Array.from({ length: 300 }, (_, i): Row => (i % 7 === 3 ? nulls : everyRow(1 + (i % 39))))

describe('a Parquet file', () => {
  for (const compression of ['zstd', 'snappy', 'gzip', 'lz4', 'brotli', 'uncompressed'] as const) {
    it(`gives back every type, nested and null, with ${compression}`, async () => {
      const batches = [rows.slice(0, 100), [], rows.slice(100)].map((part) => batchOf(everyType, part))
      const file = await writeFile(everyType, batches, { compression })
      expect(await readRows({ ...file, projection: everyType })).toEqual(rows)
      expect(file.result.recordCount).toBe(300)
    })
  }

  it('gives back slices of batches that start in the middle of a byte', async () => {
    const batch = batchOf(everyType, rows)
    const file = await writeFile(everyType, [batch.slice(3, 50), batch.slice(101, 300)])
    expect(await readRows({ ...file, projection: everyType })).toEqual([...rows.slice(3, 50), ...rows.slice(101)])
  })

  it('holds no rows when nothing was written', async () => {
    const file = await writeFile(everyType, [])
    expect(await readRows({ ...file, projection: everyType })).toEqual([])
    expect(file.result.splitOffsets).toEqual([])
  })

  it('counts rows of a projection without columns', async () => {
    const file = await writeFile(everyType, [batchOf(everyType, rows)])
    expect(await readRows({ ...file, projection: new Schema([]) })).toEqual(rows.map(() => ({})))
  })

  it('without columns still has its rows', async () => {
    const empty = new Schema([])
    const file = await writeFile(empty, [batchOf(empty, [{}, {}, {}])])
    expect(await readRows({ ...file, projection: empty })).toEqual([{}, {}, {}])
  })
})
