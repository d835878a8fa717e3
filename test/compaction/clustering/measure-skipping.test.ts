import { describe, expect, it } from 'vitest'
import { clusteredFile } from '../../../src/compaction/clustering/clustered-file.js'
import type { ClusteredFile } from '../../../src/compaction/clustering/clustered-file.js'
import { clusteringReport } from '../../../src/compaction/clustering/clustering-report.js'
import { columnOrder } from '../../../src/compaction/clustering/clustering-order.js'
import { measureSkipping } from '../../../src/compaction/clustering/measure-skipping.js'
import { columnQuantiles, quantileFilters } from '../../../src/compaction/clustering/quantile-filters.js'
import { and, bucket, eq, gtEq, identity, isNull, lt, openCatalog, or, schema, Schema, startsWith, t } from '../../../src/index.js'
import type { Expression, Table } from '../../../src/index.js'
import { column, fileOf, intervals, orderOf } from './clustered-files.js'

async function people(): Promise<Table> {
  const lake = await openCatalog('memory:')
  const fields = schema({ id: t.long.required, name: t.string, part: t.int, score: t.double })
  const table = await lake.createTable('a.people', { schema: fields, partitionBy: [identity('part'), bucket('id', 3)] })
  for (let from = 0; from < 40; from += 10) {
    await table.append(
      Array.from({ length: 10 }, (_, i) => {
        const id = from + i
        return { id: BigInt(id), name: id % 7 === 0 ? null : `name ${id}`, part: id % 2, score: id % 5 === 0 ? NaN : id / 3 }
      }),
    )
  }
  return table
}

async function filesOf(table: Table): Promise<ClusteredFile[]> {
  const plan = await table.scan().plan({ includeColumnStats: true })
  return Array.from(plan.files(), (file) => clusteredFile(file.dataFile()))
}

describe('skipping', () => {
  const filters: readonly Expression[] = [
    ...[eq('id', 7), lt('id', 12), and(gtEq('id', 5), lt('id', 31), eq('part', 1)), isNull('name'), startsWith('name', 'name 3')],
    ...[lt('score', 2.5), or(eq('part', 0), eq('id', 39)), eq('part', 9)],
  ]

  it('reads exactly the files that planning a scan does not skip', async () => {
    const table = await people()
    const measured = measureSkipping(await filesOf(table), filters, table)
    for (const [i, filter] of filters.entries()) {
      const plan = await table.scan().filter(filter).plan()
      expect(measured.filters[i]).toMatchObject({ filesRead: plan.fileCount, bytesRead: plan.sizeBytes })
    }
    const shares = measured.filters.map(({ filesRead }) => filesRead / measured.files)
    expect(measured.fileShare).toBeCloseTo(shares.reduce((sum, share) => sum + share, 0) / shares.length, 9)
  })

  it('is the same of files that kept only the columns of the filter', async () => {
    const table = await people()
    const ids = new Set([table.schema.requireField('id').id])
    const plan = await table.scan().plan({ includeColumnStats: true })
    const slim = Array.from(plan.files(), (file) => clusteredFile(file.dataFile(), ids))
    expect(measureSkipping(slim, [filters[0]!], table)).toEqual(measureSkipping(await filesOf(table), [filters[0]!], table))
    expect(slim[0]!.stats.lowerBound(table.schema.requireField('name').id)).toBeUndefined()
  })

  it('tells what a change of files gained, by the same filters before and after', async () => {
    const table = await people()
    const files = await filesOf(table)
    const order = columnOrder(table.schema, table.schema.requireField('id').id)!
    const { metadata, schema: fields } = table
    const change = { metadata, schema: fields, before: files, after: files.slice(0, 6), order }
    const report = clusteringReport(change)
    expect(report.columns).toEqual(['id'])
    expect(report.skippingBefore.filters.map(({ filter }) => filter)).toEqual(report.skippingAfter.filters.map(({ filter }) => filter))
    expect(report.skippingAfter.files).toBe(6)
    const named = clusteringReport({ ...change, filters: [filters[0]!] })
    expect(named.skippingBefore.filters.map(({ filter }) => filter)).toEqual(['id = 7'])
  })
})

describe('filters by quantiles of bounds', () => {
  const byC1 = orderOf('linear', column(1))

  it('select a hundredth of the rows each, spread over all of them', () => {
    const files = intervals(...Array.from({ length: 100 }, (_, i) => [i * 1000, (i + 1) * 1000] as const))
    const filters = quantileFilters(files, byC1)
    expect(filters).toHaveLength(32)
    const ranges = filters.map((filter) => JSON.stringify(filter).match(/"literal":\d+/g)!.map((text) => Number(text.slice(10))))
    for (const [low, high] of ranges) expect(high! - low!).toBeCloseTo(1000, -2)
    expect(Math.min(...ranges.map(([low]) => low!))).toBeLessThan(10_000)
    expect(Math.max(...ranges.map(([low]) => low!))).toBeGreaterThan(90_000)
  })

  it('follow the rows, not the values', () => {
    const crowded = fileOf([column(1)], [[0, 10]], { rows: 990 })
    const lonely = fileOf([column(1)], [[10, 1000]], { rows: 10 })
    const quantile = columnQuantiles([crowded, lonely], byC1.terms[0]!)!
    expect([0, 0.5, 0.99, 1].map(quantile)).toEqual([0, 5, 10, 1000])
  })

  it('are of the column\'s type, whatever it is', () => {
    const types = [
      [{ kind: 'long' }, [2n ** 60n, 2n ** 60n + 100n]],
      [{ kind: 'float' }, [0, 1]],
      [{ kind: 'double' }, [-Infinity, Infinity]],
      [{ kind: 'string' }, ['a', 'ü😀']],
      [{ kind: 'boolean' }, [false, true]],
      [{ kind: 'decimal', precision: 9, scale: 2 }, [-100n, 100n]],
      [{ kind: 'timestamptz' }, [0n, 10n ** 15n]],
      [{ kind: 'date' }, [0, 20_000]],
      [{ kind: 'uuid' }, ['00000000-0000-0000-0000-000000000000', 'ffffffff-0000-0000-0000-000000000000']],
      [{ kind: 'binary' }, [Uint8Array.of(1), Uint8Array.of(2)]],
    ] as const
    for (const [type, bounds] of types) {
      const field = column(1, type)
      const order = orderOf('linear', field)
      const one = new Schema([field])
      const files = [fileOf([field], [bounds])]
      const filters = quantileFilters(files, order, { filters: 4 })
      expect(filters).toHaveLength(4)
      const metadata = { partitionSpecs: [{ specId: 0, fields: [] }], schemas: [one] } as unknown as Table['metadata']
      expect(measureSkipping(files, filters, { metadata, schema: one }).fileShare).toBe(1)
    }
  })

  it('are none where no bounds are known', () => {
    expect(quantileFilters(intervals(undefined, null), byC1)).toEqual([])
    expect(quantileFilters([], byC1)).toEqual([])
  })
})
