import { describe, expect, it } from 'vitest'
import { and, asc, eq, gtEq, layoutPage, lt, openCatalog, openTable, schema, t } from '../../../src/index.js'
import type { Table, TableLayout } from '../../../src/index.js'

const fields = schema({ id: t.long.required, kind: t.string, note: t.string, inner: t.struct({ deep: t.int }), tags: t.list(t.string) })

function rows(from: number, count: number, step = 1): object[] {
  return Array.from({ length: count }, (_, i) => {
    const id = from + i * step
    return { id: BigInt(id), kind: id % 3 === 0 ? 'a' : 'b', note: `note ${id * 7919 % 1000}`, inner: { deep: id % 10 }, tags: [] }
  })
}

async function filled(): Promise<Table> {
  const lake = await openCatalog('memory:')
  const properties = { 'write.target-file-size-bytes': '1000000' }
  const table = await lake.createTable('shop.events', { schema: fields, partitionBy: ['kind'], sortBy: [asc('id')], formatVersion: 3, properties })
  for (let from = 0; from < 600; from += 100) await table.append(rows(from, 100))
  return table
}

const layoutOf = (layout: TableLayout): unknown => ({ ...layout, metadataLocation: '', measuredAtMs: 0 })

describe('the layout of a table', () => {
  it('counts files, bytes and rows as the metadata tables do, altogether and by partition', async () => {
    const table = await filled()
    const layout = await table.layout()
    const files = await table.inspect.dataFiles()
    const bytes = files.reduce((sum, file) => sum + file.file_size_in_bytes, 0)
    const small = { smallFiles: 12, smallBytes: bytes, largeFiles: 0 }
    expect(layout.totals).toEqual({ dataFiles: 12, dataBytes: bytes, rows: 600, partitions: 2, ...small })
    expect(layout.fileSizes.reduce((sum, bucket) => sum + bucket.bytes, 0)).toBe(bytes)
    const partitions = await table.inspect.partitions()
    expect(layout.partitions.largest.map(({ path, files: count, rows: records }) => [path, count, records]).sort()).toEqual(
      partitions.map((row) => [`kind=${String(row.partition['kind'])}`, row.file_count, row.record_count]).sort(),
    )
    expect(layout.partitions.rest).toEqual({ partitions: 0, files: 0, bytes: 0, rows: 0 })
  })

  it('tells what a range of each column reads, members of structs included and lists left out', async () => {
    const { columns, clustering } = await (await filled()).layout()
    expect(columns.measured.map(({ column }) => column)).toEqual(['id', 'kind', 'note', 'inner.deep'])
    const share = Object.fromEntries(columns.measured.map(({ column, fileShare }) => [column, fileShare]))
    expect(share['id']).toBeLessThan(0.35)
    expect(share['note']).toBeGreaterThan(0.9)
    expect(clustering).toMatchObject([{ kind: 'sort-order', order: 'id', depth: { average: 1, maximum: 1 } }])
    expect(columns.measured.every(({ filesWithBounds }) => filesWithBounds === 12)).toBe(true)
  })

  it('counts deletes once, and the files that have them', async () => {
    const table = await filled()
    await table.delete(and(gtEq('id', 50), lt('id', 150)), { mode: 'merge-on-read' })
    const { deletes, growth, advice } = await table.layout()
    expect(deletes).toMatchObject({ deletionVectors: 4, positionDeleteFiles: 0, positionDeletes: 100 })
    expect(deletes).toMatchObject({ filesWithDeletes: 4, danglingFiles: 0 })
    expect(deletes.filesByDeletes).toEqual([{ from: 0, to: 0, files: 8 }, { from: 1, to: 1, files: 4 }])
    expect(growth.points.map((point) => point.deleteFiles)).toEqual([0, 0, 0, 0, 0, 0, 4])
    expect(advice.map(({ command }) => command)).toContain('compact --delete-ratio-threshold 0.1')
  })

  it('advises what helps, and finds all well when it was done', async () => {
    const table = await filled()
    const before = await table.layout()
    expect(before.advice.map(({ weight, command }) => [weight, command])).toEqual([['act', 'compact']])
    await table.compact()
    const after = await table.layout()
    expect(after.advice.map(({ weight }) => weight)).toEqual(['fine'])
    expect(after.totals.dataFiles).toBe(2)
  })

  it('tells of overlap in the sort order', async () => {
    const lake = await openCatalog('memory:')
    const table = await lake.createTable('a.b', { schema: fields, sortBy: [asc('id')] })
    for (let from = 0; from < 4; from++) await table.append(rows(from, 100, 4))
    const { clustering, advice } = await table.layout()
    expect(clustering[0]!.depth.average).toBeGreaterThan(3.9)
    expect(advice.map(({ command }) => command)).toContain('compact --strategy sort --selection clustering')
  })

  it('is of a branch, a tag or a snapshot, if asked', async () => {
    const table = await filled()
    const old = table.history[2]!.snapshotId
    await table.createTag('then', { snapshotId: old })
    expect((await table.layout({ ref: 'then' })).totals.rows).toBe(300)
    const past = await table.layout({ snapshotId: old })
    expect(past).toMatchObject({ ref: null, snapshotId: String(old), totals: { rows: 300 }, growth: { snapshots: 3 } })
    await expect(table.layout({ ref: 'never' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const branch = await table.createBranch('dev')
    await branch.delete(eq('kind', 'a'))
    expect((await branch.layout()).totals.partitions).toBe(1)
  })

  it('is JSON data, the same each time', async () => {
    const table = await filled()
    const layout = await table.layout()
    expect(JSON.parse(JSON.stringify(layout))).toEqual(layout)
    expect(layoutOf(await table.layout())).toEqual(layoutOf(layout))
  })

  it('of a table without snapshots is empty', async () => {
    const lake = await openCatalog('memory:')
    const layout = await (await lake.createTable('a.b', { schema: fields })).layout()
    expect(layout).toMatchObject({ snapshotId: null, totals: { dataFiles: 0, rows: 0 }, growth: { points: [] }, advice: [{ weight: 'fine' }] })
    expect(layoutPage(layout)).toContain('no snapshot yet')
  })

  it('needs no more than a metadata file', async () => {
    const { mkdtemp, rm } = await import('node:fs/promises')
    const { tmpdir } = await import('node:os')
    const folder = await mkdtemp(`${tmpdir()}/floe-layout-`)
    try {
      const lake = await openCatalog(folder)
      const table = await lake.createTable('a.b', { schema: fields })
      await table.append(rows(0, 10))
      const read = await openTable(table.metadataLocation)
      expect((await read.layout()).totals.rows).toBe(10)
      await Promise.all([read.close(), lake.close()])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
