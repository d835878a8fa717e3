import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { and, asc, bucket, Catalog, day, eq, gtEq, openCatalog, openTable, schema, t } from '../../src/index.js'
import type { Table } from '../../src/index.js'
import { column, failureOf, memoryLake } from '../support/lake.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floe-open-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('a catalog on a local disk', () => {
  it('runs the example of the documentation, and every way in sees the rows', async () => {
    const used: number[] = []
    {
      await using lake = await openCatalog(`file://${folder}/lake`)
      expect(lake).toBeInstanceOf(Catalog)
      const events = await lake.createTable('shop.events', {
        schema: schema({ id: t.long.required, ts: t.timestamptz.required, kind: t.string, tags: t.list(t.string) }),
        partitionBy: [day('ts'), bucket('id', 16)], sortBy: [asc('ts')], formatVersion: 3,
      })
      const since = new Date('2024-01-02')
      const rows = Array.from({ length: 50 }, (_, i) => ({ id: BigInt(i), ts: new Date(Date.UTC(2024, 0, 1 + (i % 3))), kind: i % 2 === 0 ? 'click' : 'view', tags: [`t${i}`] }))
      const snapshot = await events.append(rows)
      for await (const batch of events.scan().select('id', 'ts').filter(and(eq('kind', 'click'), gtEq('ts', since)))) used.push(batch.numRows)
      expect(used.reduce((a, b) => a + b)).toBe(rows.filter((row) => row.kind === 'click' && row.ts >= since).length)
      await events.append(rows, { branch: 'v1' })
      expect(await events.scan().useRef('v1').rows().toArray()).toHaveLength(100)
      expect(await events.scan().useSnapshot(snapshot.snapshotId).count()).toBe(50)
      expect(await events.scan().asOfTime(new Date(snapshot.timestampMs)).count()).toBe(50)
      expect(await lake.listTables('shop')).toEqual(['shop.events'])
      expect([events.name, events.formatVersion, events.sortOrder.fields.length, events.spec.fields.length]).toEqual(['shop.events', 3, 1, 2])
    }
    const lake = await openCatalog(join(folder, 'lake'))
    const again = await lake.loadTable('shop.events')
    expect(await again.scan().count()).toBe(50)
    for (const location of [again.location, `${again.location}/`, again.metadataLocation, join(folder, 'lake/shop/events')]) {
      await using table = await openTable(location)
      expect(await table.scan().count()).toBe(50)
      if (!location.endsWith('.json')) continue
      expect(await failureOf(table.append([]))).toMatchObject({ code: 'UNSUPPORTED', table: 'events' })
      expect(await failureOf(table.refresh())).toMatchObject({ code: 'UNSUPPORTED' })
    }
    await using byFolder = await openTable(join(folder, 'lake/shop/events'))
    await byFolder.append([{ id: 100n, ts: new Date(0) }])
    await again.refresh()
    expect(await again.scan().count()).toBe(51)
    await lake.close()
  })

  it('a folder without a table, and a file that is no metadata, are told apart', async () => {
    expect(await failureOf(openTable(join(folder, 'nothing')))).toMatchObject({ code: 'NOT_FOUND' })
    expect(await failureOf(openTable(join(folder, 'nothing.metadata.json')))).toMatchObject({ code: 'NOT_FOUND' })
    expect(await failureOf(openCatalog('gopher://x'))).toMatchObject({ code: 'UNSUPPORTED' })
  })
})

describe('a handle', () => {
  it('sees its version until it is refreshed, and tells when another table has its name', async () => {
    const lake = await memoryLake()
    const { catalog } = lake
    const table: Table = await catalog.createTable('a.t', { schema: schema({ id: t.long }) })
    const other = await catalog.loadTable('a.t')
    await other.append([{ id: 1n }])
    await other.updateProperties({ colour: 'blue', 'write.parquet.compression-codec': null })
    expect(await column(table, 'id')).toEqual([])
    expect(await table.refresh()).toBe(table)
    expect(await column(table, 'id')).toEqual([1n])
    expect(Object.fromEntries(table.properties)).toEqual({ colour: 'blue' })
    await catalog.dropTable('a.t')
    expect(await failureOf(table.refresh())).toMatchObject({ code: 'NOT_FOUND', table: 'a.t' })
    await catalog.createTable('a.t', { schema: schema({ id: t.long }) })
    expect(await failureOf(table.refresh())).toMatchObject({ code: 'CONFLICT', table: 'a.t' })
    expect(await failureOf(table.append([{ id: 2n }]))).toMatchObject({ code: 'CONFLICT', table: 'a.t' })
    expect(await lake.dataFiles()).toHaveLength(1)
    await catalog.close()
  })
})
