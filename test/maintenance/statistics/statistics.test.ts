import { describe, expect, it } from 'vitest'
import { bucket, eq, identity, month, schema, t, truncate, type Table } from '../../../src/index.js'
import { failureOf, memoryLake } from '../../support/lake.js'

const types = {
  flag: t.boolean, i: t.int, l: t.long, f: t.float, d: t.double, dec: t.decimal(20, 2), day: t.date, time: t.time, ts: t.timestamp,
  s: t.string, id: t.uuid, fixed: t.fixed(3), bin: t.binary, list: t.list(t.int), point: t.struct({ x: t.int }),
}

function row(i: number) {
  return {
    flag: i % 2 === 0, i: i % 100, l: BigInt(i % 1000), f: (i % 10) / 4, d: i % 7 === 0 ? NaN : i / 3, dec: `${i % 20}.25`, day: i % 30, time: BigInt(i % 40),
    ts: BigInt(i) * 1_000_000n, s: i % 50 === 0 ? '' : `text ${i % 300}`, id: `00000000-0000-0000-0000-${String(i % 60).padStart(12, '0')}`,
    fixed: Uint8Array.of(1, 2, i % 5), bin: i % 3 === 0 ? null : Uint8Array.of(i % 8), list: [i], point: i % 4 === 0 ? null : { x: i % 9 },
  }
}

describe('statistics of columns', () => {
  it('count the distinct values of every primitive type: no nulls, no empty texts, NaN once', async () => {
    const { catalog } = await memoryLake()
    const table = await catalog.createTable('a.t', { schema: schema(types), formatVersion: 2 })
    expect(await table.computeStatistics()).toMatchObject({ statisticsFile: undefined, rowsRead: 0 })
    await table.append(Array.from({ length: 1200 }, (_, i) => row(i)))
    expect(await table.computeStatistics({ dryRun: true })).toMatchObject({ statisticsFile: undefined, rowsRead: 1200 })
    const { columns, statisticsFile } = await table.computeStatistics()
    const ndv = Object.fromEntries(columns.map(({ column, ndv: count }) => [column, Number(count)]))
    const d = new Set(Array.from({ length: 1200 }, (_, i) => row(i).d)).size
    expect(ndv).toEqual({ flag: 2, i: 100, l: 1000, f: 10, d, dec: 20, day: 30, time: 40, ts: 1200, s: 294, id: 60, fixed: 5, bin: 8 })
    expect(table.metadata.statistics).toEqual([statisticsFile])
    const rows = table.inspect.statistics()
    expect(rows).toHaveLength(13)
    expect(rows[1]).toMatchObject({ kind: 'table', columns: ['i'], ndv: 100n, snapshots_behind: 0, blob_type: 'apache-datasketches-theta-v1' })
    expect((await table.computeStatistics({ columns: ['point.x'] })).columns).toEqual([{ column: 'point.x', fieldId: expect.any(Number) as number, ndv: 9n }])
    // What the file held of other columns stays.
    expect(table.inspect.statistics()).toHaveLength(14)
  })

  it('are there already for the same snapshot, and need only appended rows for a later one', async () => {
    const { catalog, files } = await memoryLake()
    const table = await catalog.createTable('a.t', { schema: schema({ id: t.long, kind: t.string }) })
    await table.append(Array.from({ length: 500 }, (_, i) => ({ id: BigInt(i), kind: `k${i % 5}` })))
    const first = await table.computeStatistics()
    expect(await table.computeStatistics()).toMatchObject({ rowsRead: 0, statisticsFile: first.statisticsFile })
    await table.append(Array.from({ length: 300 }, (_, i) => ({ id: BigInt(400 + i), kind: `k${i % 7}` })))
    expect(table.inspect.statistics()[0]).toMatchObject({ snapshots_behind: 1 })
    const second = await table.computeStatistics()
    expect(second).toMatchObject({ rowsRead: 300, basedOn: first.snapshotId })
    expect(second.columns.map(({ ndv }) => ndv)).toEqual([700n, 7n])
    expect(await table.computeStatistics({ full: true })).toMatchObject({ rowsRead: 800, basedOn: undefined, columns: second.columns })
    // Values that are gone cannot be taken out of a sketch.
    await table.delete(eq('kind', 'k1'))
    const third = await table.computeStatistics()
    expect(third.basedOn).toBeUndefined()
    expect(third.columns.find(({ column }) => column === 'kind')?.ndv).toBe(6n)
    expect((await files()).filter((file) => file.endsWith('.stats'))).toHaveLength(4)
  })

  it('are computed again when their file is lost or damaged, or a column was promoted', async () => {
    const { catalog, io } = await memoryLake()
    const table = await catalog.createTable('a.t', { schema: schema({ id: t.int }) })
    await table.append([{ id: 1 }, { id: 2 }])
    const { statisticsFile } = await table.computeStatistics()
    await io.delete([statisticsFile!.statisticsPath])
    expect(await table.computeStatistics()).toMatchObject({ rowsRead: 2 })
    await table.updateSchema((update) => update.updateColumn('id', { kind: 'long' }))
    await table.append([{ id: 3n }])
    const promoted = await table.computeStatistics()
    expect(promoted).toMatchObject({ rowsRead: 3, basedOn: undefined })
    expect(promoted.columns[0]?.ndv).toBe(3n)
  })

  it('are refused for columns that cannot be counted, and leave no file when the snapshot expires meanwhile', async () => {
    const { catalog, files, io } = await memoryLake()
    const table = await catalog.createTable('a.t', { schema: schema(types) })
    await table.append([row(1)])
    expect(await failureOf(table.computeStatistics({ columns: ['nope'] }))).toMatchObject({ code: 'NOT_FOUND', column: 'nope' })
    expect(await failureOf(table.computeStatistics({ columns: ['list'] }))).toMatchObject({ code: 'UNSUPPORTED' })
    expect(await failureOf(table.computeStatistics({ columns: ['list.element'] }))).toMatchObject({ code: 'INVALID' })
    const other = await catalog.loadTable('a.t')
    await other.append([row(2)])
    const expireFirst = async (): Promise<void> => {
      const [old] = other.metadata.snapshots
      await (other as unknown as Committing).commitMetadata('expiry', () => [{ action: 'remove-snapshots', snapshotIds: [old!.snapshotId] }], {})
    }
    const snapshotId = table.currentSnapshot!.snapshotId
    io.hook = async ({ operation, location }, effect) => {
      if (operation === 'write' && location.endsWith('.stats')) await expireFirst()
      return effect()
    }
    const failure = await failureOf(table.computeStatistics({ snapshotId, columns: ['i'] }))
    expect(failure.code).toBe('CONFLICT')
    expect((await files()).filter((file) => file.endsWith('.stats'))).toEqual([])
  })
})

interface Committing {
  commitMetadata(name: string, updates: () => readonly unknown[], options: object): Promise<unknown>
}

describe('partition statistics', () => {
  /** What the files of the table add up to, by partition and spec. */
  async function expected(table: Table): Promise<Map<string, unknown>> {
    const sums = new Map<string, { rows: bigint; files: number; bytes: bigint; deletes: bigint; dvs: number; positionFiles: number }>()
    for (const file of await table.inspect.files()) {
      const key = JSON.stringify([file.spec_id, Object.values(file.partition).map(String)])
      const sum = sums.get(key) ?? { rows: 0n, files: 0, bytes: 0n, deletes: 0n, dvs: 0, positionFiles: 0 }
      sums.set(key, sum)
      if (file.content === 0) {
        sum.rows += BigInt(file.record_count)
        sum.files++
        sum.bytes += BigInt(file.file_size_in_bytes)
      } else {
        sum.deletes += BigInt(file.record_count)
        if (file.file_format === 'PUFFIN') sum.dvs++
        else sum.positionFiles++
      }
    }
    return sums
  }

  async function actual(table: Table): Promise<Map<string, unknown>> {
    const rows = (await table.partitionStatistics())!
    return new Map(
      rows.map((found) => [
        JSON.stringify([found.spec_id, Object.values(found.partition).map(String)]),
        {
          rows: found.data_record_count, files: found.data_file_count, bytes: found.total_data_file_size_in_bytes,
          deletes: found.position_delete_record_count, dvs: found.dv_count, positionFiles: found.position_delete_file_count,
        },
      ]),
    )
  }

  it('count files and rows of each partition, from manifests added since the last ones, on every format version', async () => {
    for (const formatVersion of [1, 2, 3] as const) {
      const { catalog } = await memoryLake()
      const columns = { id: t.long.required, kind: t.string, ts: t.timestamp, price: t.decimal(9, 2) }
      const table = await catalog.createTable('a.t', { schema: schema(columns), partitionBy: ['kind', truncate('price', 100)], formatVersion })
      const rows = (from: number, to: number) =>
        Array.from({ length: to - from }, (_, i) => ({ id: BigInt(from + i), kind: i % 7 === 0 ? null : `k${i % 3}`, ts: BigInt(i) * 86_400_000_000n, price: `${i % 3}.50` }))
      await table.append(rows(0, 60))
      const first = await table.computePartitionStatistics()
      expect(first.basedOn).toBeUndefined()
      expect(await actual(table)).toEqual(await expected(table))
      expect(await table.computePartitionStatistics()).toMatchObject({ manifestsRead: 0, statisticsFile: first.statisticsFile })
      await table.append(rows(60, 100))
      await table.delete(eq('id', 3n))
      await table.delete(eq('kind', 'k1'))
      await table.updateSpec((spec) => spec.removeField('kind').addField(bucket('id', 4)))
      await table.append(rows(100, 140))
      await table.delete(eq('id', 120n))
      expect(table.inspect.statistics()).toMatchObject([{ kind: 'partitions', snapshots_behind: 5 }])
      const next = await table.computePartitionStatistics()
      expect(next.basedOn).toBe(first.snapshotId)
      const incremental = await actual(table)
      expect(incremental).toEqual(await expected(table))
      await table.rewriteManifests({ rewriteAll: true })
      await table.computePartitionStatistics()
      expect(await actual(table)).toEqual(incremental)
      expect(await table.computePartitionStatistics({ full: true })).toMatchObject({ basedOn: undefined })
      expect(await actual(table)).toEqual(incremental)
      const sorted = (await table.partitionStatistics())!.map(({ partition }) => partition['kind'])
      expect(sorted).toEqual([...sorted].sort((a, b) => (a === b ? 0 : a === null ? -1 : b === null ? 1 : a! < b! ? -1 : 1)))
    }
  })

  it('tell how many rows remain where that is asked for and manifests tell it', async () => {
    const { catalog } = await memoryLake()
    const table = await catalog.createTable('a.t', { schema: schema({ id: t.long, ts: t.timestamp }), partitionBy: [month('ts')], formatVersion: 3 })
    await table.append(Array.from({ length: 40 }, (_, i) => ({ id: BigInt(i), ts: BigInt(i % 2) * 40n * 86_400_000_000n })))
    await table.delete(eq('id', 4n), { mode: 'merge-on-read' })
    await table.computePartitionStatistics({ totalRecordCount: true })
    const counted = (await table.partitionStatistics())!.map(({ total_record_count: rows, dv_count: dvs }) => [rows, dvs])
    expect(counted).toEqual([[19n, 1], [20n, 0]])
    await table.deleteByKeys([{ id: 8n, ts: 0n }], ['id'])
    await table.computePartitionStatistics({ totalRecordCount: true })
    expect((await table.partitionStatistics())!.map((found) => found.total_record_count)).toContain(null)
  })

  it('are refused without partitions, and started anew when their file is gone or wrong', async () => {
    const { catalog, io } = await memoryLake()
    const plain = await catalog.createTable('a.plain', { schema: schema({ id: t.long }) })
    expect(await failureOf(plain.computePartitionStatistics())).toMatchObject({ code: 'INVALID' })
    const table = await catalog.createTable('a.t', { schema: schema({ id: t.long }), partitionBy: [identity('id')] })
    expect(await table.computePartitionStatistics()).toMatchObject({ statisticsFile: undefined, partitions: 0 })
    expect(await table.partitionStatistics()).toBeUndefined()
    await table.append([{ id: 1n }, { id: 2n }])
    const { statisticsFile } = await table.computePartitionStatistics()
    await table.append([{ id: 3n }])
    await io.delete([statisticsFile!.statisticsPath])
    expect(await table.computePartitionStatistics()).toMatchObject({ basedOn: undefined, partitions: 3 })
  })
})
