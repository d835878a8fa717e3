import { describe, expect, it } from 'vitest'
import { alwaysTrue, and, asc, eq, FilterLog, gt, isIn, lt, openCatalog, schema, t } from '../../../src/index.js'
import type { Expression, Table } from '../../../src/index.js'

const fields = schema({ id: t.long, ts: t.timestamptz, name: t.string })
const logged = (location = 'file:///a') => ({ metadata: { tableUuid: undefined, location }, schema: fields })
const metadata = logged().metadata

describe('the log of filters', () => {
  it('keeps one entry for filters that differ in their literals alone, and the latest of them', () => {
    const log = new FilterLog({ maxFiltersPerShape: 3 })
    for (let i = 0; i < 10; i++) log.record(metadata, eq('id', i))
    log.record(metadata, isIn('id', [1, 2]))
    log.record(metadata, isIn('id', [1, 2, 3]))
    expect(log.filters(logged())).toEqual([eq('id', 9), eq('id', 8), eq('id', 7), isIn('id', [1, 2, 3]), isIn('id', [1, 2])])
  })

  it('is bounded: shapes and tables that were not used for longest give way', () => {
    const log = new FilterLog({ maxShapes: 2, maxTables: 2 })
    for (const filter of [eq('id', 1), gt('id', 1), eq('id', 2), lt('id', 1)]) log.record(metadata, filter)
    expect(log.filters(logged())).toEqual([eq('id', 2), eq('id', 1), lt('id', 1)])
    log.record(logged('file:///b').metadata, eq('id', 1))
    log.record(logged('file:///c').metadata, eq('id', 1))
    expect(log.filters(logged())).toEqual([])
  })

  it('takes no note of filters that select everything', () => {
    const log = new FilterLog()
    log.record(metadata, alwaysTrue())
    expect(log.filters(logged())).toEqual([])
  })

  it('leaves out filters on columns that the table has no more', () => {
    const log = new FilterLog()
    log.record(metadata, eq('gone', 1))
    log.record(metadata, eq('name', 'x'))
    expect(log.filters(logged())).toEqual([eq('name', 'x')])
  })

  it('is the same after a way through JSON, tables of any name included', () => {
    const log = new FilterLog()
    const odd = logged('__proto__')
    for (const filter of [eq('id', 2n ** 60n), and(gt('id', 1), lt('name', 'ü"')), eq('id', 3)]) log.record(odd.metadata, filter)
    const read = FilterLog.parse(log.print())
    expect(read.print()).toBe(log.print())
    expect(read.filters(odd)).toEqual(log.filters(odd))
  })

  it.each(['', '[]', '{"version":2,"tables":{}}', '{"version":1,"tables":{"a":[{"uses":1,"filters":[{"type":"x"}]}]}}'])('refuses %s', (text) => {
    expect(() => FilterLog.parse(text)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
  })

  it('records what scans of a catalog were filtered by, exactly, and measures a compaction by it', async () => {
    const filterLog = new FilterLog()
    const lake = await openCatalog('memory:', { filterLog })
    const table = await lake.createTable('a.b', { schema: fields, sortBy: [asc('id')] })
    const rows = (from: number) => Array.from({ length: 50 }, (_, i) => ({ id: BigInt(from + i * 6), ts: new Date(0), name: `n${i}` }))
    for (let from = 0; from < 6; from++) await table.append(rows(from))
    const filters: readonly Expression[] = [eq('ts', new Date(86_400_000)), eq('id', 200)]
    for (const filter of filters) await table.scan().filter(filter).count()
    await table.scan().count()
    const recorded = FilterLog.parse(filterLog.print()).filters(table as Table)
    expect(recorded).toHaveLength(2)
    const result = await table.compact({ strategy: 'sort', filters: recorded, selection: 'clustering', targetFileSizeBytes: 1200 })
    const { skippingBefore, skippingAfter, depthBefore, depthAfter } = result.clustering!
    expect(skippingBefore.filters.map(({ filter }) => filter).sort()).toEqual(['id = 200', "ts = timestamp '1970-01-02T00:00:00+00:00'"])
    expect(skippingBefore.filters.find(({ filter }) => filter.startsWith('id'))!.filesRead).toBe(6)
    expect(skippingAfter.filters.find(({ filter }) => filter.startsWith('id'))!.filesRead).toBe(1)
    expect(depthBefore.average).toBeGreaterThan(5)
    expect(depthAfter.average).toBe(1)
    expect((await table.compact({ strategy: 'sort', selection: 'clustering' })).snapshots).toEqual([])
    await lake.close()
  })
})
