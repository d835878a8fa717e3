import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { and, bucket, day, eq, gtEq, identity, isIn, isNull, lt, notNull, openTable, or, schema, t } from '../../src/index.js'
import type { FileScanTask, Table } from '../../src/index.js'
import { column, failureOf, memoryLake, rowTexts } from '../support/lake.js'
import type { Lake } from '../support/lake.js'

let lake: Lake
let count = 0
const create = (columns: Parameters<typeof schema>[0], options: object = {}): Promise<Table> =>
  lake.catalog.createTable(`scan.t${++count}`, { schema: schema(columns), ...options })
const ids = (...numbers: number[]): bigint[] => numbers.map(BigInt)
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

beforeAll(async () => {
  lake = await memoryLake()
})
afterAll(async () => {
  await lake.catalog.close()
})

/** Three files with ids 0–9, 10–19 and 20–29. */
async function threeFiles(options: object = {}): Promise<Table> {
  const table = await create({ id: t.long.required, kind: t.string, who: t.struct({ name: t.string, age: t.int }) }, options)
  for (const start of [0, 10, 20]) {
    await table.append(range(start, start + 10).map((i) => ({ id: BigInt(i), kind: i % 2 === 0 ? 'even' : 'odd', who: i % 5 === 0 ? null : { name: `n${i}`, age: i } })))
  }
  return table
}

describe('filters', () => {
  it('apply to columns that are not selected, nested ones included', async () => {
    const scan = (await threeFiles()).scan()
    expect(await column(scan.select('id').filter(eq('kind', 'odd')).filter(lt('id', 6n)), 'id')).toEqual(ids(1, 3, 5))
    const rows = await scan.select('kind').filter(gtEq('who.age', 27)).rows().toArray()
    expect(rows).toEqual([{ kind: 'odd' }, { kind: 'even' }, { kind: 'odd' }])
    expect(await column(scan.select('id').filter(isNull('who.name')), 'id')).toEqual(ids(0, 5, 10, 15, 20, 25))
    const names = await scan.select('who.name').filter(eq('who.age', 3)).rows().toArray()
    expect(names).toEqual([{ who: { name: 'n3' } }])
  })

  it('apply to columns by their new names, over files written under the old ones', async () => {
    const table = await threeFiles()
    await table.updateSchema((update) => update.renameColumn('kind', 'parity').renameColumn('who.age', 'years'))
    const scan = table.scan().filter(and(eq('parity', 'odd'), lt('who.years', 4)))
    expect(await column(scan, 'id')).toEqual(ids(1, 3))
    expect((await failureOf(table.scan().filter(eq('kind', 'odd')).rows().toArray())).table).toBe(table.name)
  })

  it('trap 18: a column that files lack is filtered by its initial default', async () => {
    const table = await threeFiles({ formatVersion: 3 })
    await table.updateSchema((update) => update.addColumn('grade', t.int, { default: 7 }).addColumn('note', t.string))
    await table.append([{ id: 100n, grade: 1, note: 'new' }, { id: 101n }])
    expect(await table.scan().filter(eq('grade', 7)).count()).toBe(31)
    expect(await column(table.scan().select('id').filter(eq('grade', 1)), 'id')).toEqual(ids(100))
    expect(await table.scan().filter(isNull('grade')).count()).toBe(0)
    expect(await table.scan().filter(notNull('note')).count()).toBe(1)
    expect(await table.scan().filter(isNull('note')).count()).toBe(31)
  })

  it('trap 22: with a limit, the limit counts rows that match', async () => {
    const scan = (await threeFiles()).scan().filter(eq('kind', 'odd'))
    for (const limit of [0, 1, 7, 14, 15, 16, 100]) {
      expect(await scan.limit(limit).rows().toArray()).toHaveLength(Math.min(limit, 15))
      expect(await scan.limit(limit).count()).toBe(Math.min(limit, 15))
    }
  })
})

describe('pruning', () => {
  it('skips manifests, files and row groups, and says why each', async () => {
    const table = await create({ id: t.long, kind: t.string }, {
      partitionBy: ['kind'],
      properties: { 'write.parquet.row-group-size-bytes': '2000', 'commit.manifest-merge.enabled': 'false' },
    })
    await table.append(range(0, 3000).map((i) => ({ id: BigInt(i), kind: 'a' })))
    await table.append([...range(0, 50), ...range(5000, 5050)].map((i) => ({ id: BigInt(i), kind: i < 100 ? 'b' : 'c' })))
    await table.append([{ id: 1n, kind: 'z' }])
    const rowGroups: boolean[] = []
    const scan = table.scan().filter(and(isIn('kind', ['a', 'b', 'c']), gtEq('id', 2900), lt('id', 4000))).onRowGroup((_, { read }) => rowGroups.push(read))
    const { report } = await scan.plan({ explain: true })
    expect(report).toMatchObject({ manifests: { total: 3, skipped: 1 }, files: { total: 3, skipped: 2 }, filesSkippedByMetrics: 2 })
    const reasons = report.decisions!.map(({ kind, read, reason }) => `${kind} ${read ? 'read' : 'skipped'}: ${reason}`)
    expect(reasons.filter((reason) => reason.startsWith('manifest skipped'))).toEqual([expect.stringMatching(/kind/)])
    expect(reasons.filter((reason) => reason.startsWith('manifest read'))).toEqual(Array(2).fill(expect.stringContaining('its partitions may match')))
    expect(reasons.filter((reason) => reason.startsWith('file skipped'))).toEqual(Array(2).fill(expect.stringMatching(/id/)))
    expect(await column(scan, 'id')).toEqual(range(2900, 3000).map(BigInt))
    expect(rowGroups.filter(Boolean).length).toBeLessThan(rowGroups.length)
  })

  it('without a filter says so', async () => {
    const { report } = await (await threeFiles()).scan().plan({ explain: true })
    expect(new Set(report.decisions!.map(({ reason }) => reason))).toEqual(new Set(['there is no filter']))
  })

  it('FAULTS 36: counts come from the manifests where the partition proves the filter, and no data file is read', async () => {
    const table = await create({ id: t.long, kind: t.string }, { partitionBy: ['kind'] })
    await table.append(range(0, 20).map((i) => ({ id: BigInt(i), kind: i < 5 ? 'a' : null })))
    const before = lake.io.calls.length
    expect(await table.scan().count()).toBe(20)
    expect(await table.scan().filter(eq('kind', 'a')).count()).toBe(5)
    expect(await table.scan().filter(isNull('kind')).limit(7).count()).toBe(7)
    expect(lake.io.calls.slice(before).filter(({ location }) => location.endsWith('.parquet'))).toEqual([])
    expect(await table.scan().filter(and(eq('kind', 'a'), lt('id', 3))).count()).toBe(3)
  })
})

describe('tasks', () => {
  const columns = { id: t.long.required, big: t.long, x: t.double, day: t.timestamptz, text: t.string }
  const big = (i: number): bigint => 2n ** 62n + BigInt(i % 3)

  it('trap 39: are plain JSON that another reader turns into the same rows, each once, whatever the split size', async () => {
    const table = await create(columns, { partitionBy: [identity('big'), identity('x')], properties: { 'write.parquet.row-group-size-bytes': '4000' } })
    await table.append(range(0, 2000).map((i) => ({ id: BigInt(i), big: i % 7 === 0 ? null : big(i), x: [NaN, -0, 0.5][i % 3], day: new Date(i * 1e7), text: `t${i}` })))
    const filter = and(or(eq('big', 2n ** 62n + 1n), isNull('big')), gtEq('id', 100), lt('text', 't9'))
    const scan = table.scan().filter(filter).select('id', 'x', 'big')
    const expected = rowTexts(await scan.rows().toArray())
    expect(expected.length).toBeGreaterThan(400)
    const plan = await scan.plan()
    for (const splitSizeBytes of [1, 3000, 10_000, 2 ** 30]) {
      const text = JSON.stringify([...plan.combinedTasks({ splitSizeBytes, openFileCostBytes: 1 })])
      const combined = JSON.parse(text) as { tasks: FileScanTask[] }[]
      const elsewhere = (await openTable(table.metadataLocation, { io: lake.io, parquet: { workers: 0 } })).scan().filter(filter).select('id', 'x', 'big')
      const rows: Record<string, unknown>[] = []
      const { rowReader } = await import('../../src/arrow/row-values.js')
      for (const { tasks } of combined) for await (const batch of elsewhere.read(tasks)) rows.push(...rowReader(elsewhere.schema)(batch))
      expect(rowTexts(rows)).toEqual(expected)
      if (splitSizeBytes === 1) expect(combined.length).toBeGreaterThan(plan.fileCount)
    }
  })

  it('read by a table that has evolved: the columns they mean, or a refusal', async () => {
    const table = await threeFiles()
    const tasks = [...(await table.scan().filter(eq('kind', 'odd')).plan()).tasks()]
    await table.updateSchema((update) => update.renameColumn('kind', 'parity'))
    await table.updateSchema((update) => update.addColumn('kind', t.string))
    const rows: unknown[] = []
    for await (const batch of table.scan().read(tasks)) rows.push(batch.numRows)
    expect(rows).toEqual([5, 5, 5])
    await table.updateSchema((update) => update.deleteColumn('parity'))
    const reading = async (): Promise<void> => { for await (const _ of table.scan().read(tasks)); }
    expect(await failureOf(reading())).toMatchObject({ code: 'INVALID', table: table.name, column: 'kind' })
  })
})

describe('time travel', () => {
  it('traps 21, 61, 62 and 66: snapshots, times and tags read with their own schema, branches with the current one', async () => {
    const table = await create({ id: t.long.required, kind: t.string }, { partitionBy: ['kind'] })
    const first = await table.append([{ id: 1n, kind: 'a' }])
    await table.append([{ id: 9n, kind: 'a' }], { branch: 'side' })
    await table.updateSpec((spec) => spec.removeField('kind'))
    await table.updateSchema((update) => update.deleteColumn('kind').addColumn('extra', t.int))
    const second = await table.append([{ id: 2n, extra: 5 }])
    const old = table.scan().useSnapshot(first.snapshotId)
    expect(await old.filter(eq('kind', 'a')).rows().toArray()).toEqual([{ id: 1n, kind: 'a' }])
    expect(await old.filter(eq('kind', 'b')).count()).toBe(0)
    expect(await table.scan().asOfTime(first.timestampMs).rows().toArray()).toEqual([{ id: 1n, kind: 'a' }])
    expect(await column(table.scan().asOfTime(new Date(second.timestampMs)), 'id')).toEqual(ids(1, 2))
    expect(await table.scan().useRef('side').rows().toArray()).toEqual(expect.arrayContaining([{ id: 9n, extra: null }, { id: 1n, extra: null }]))
    expect(() => table.scan().asOfTime(first.timestampMs - 1)).toThrow(expect.objectContaining({ code: 'NOT_FOUND', table: table.name }))
    expect(() => table.scan().useSnapshot(5n)).toThrow(expect.objectContaining({ code: 'NOT_FOUND', table: table.name }))
    expect(() => table.scan().useRef('nowhere')).toThrow(expect.objectContaining({ code: 'NOT_FOUND', table: table.name }))
    expect(() => table.scan().select('kind').schema).toThrow(expect.objectContaining({ table: table.name }))
  })
})

describe('stopping early', () => {
  const isOpen = (location: string): boolean => location.endsWith('.parquet')

  it('with a limit, with break or with an abort: no further file is opened, and nothing rejects unseen', async () => {
    const table = await create({ id: t.long }, { partitionBy: [bucket('id', 16)] })
    await table.append(range(0, 200).map((i) => ({ id: BigInt(i) })))
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const filesRead = async (work: () => Promise<void>): Promise<number> => {
      const before = lake.io.calls.length
      await work()
      await new Promise((resolve) => setTimeout(resolve, 20))
      return new Set(lake.io.calls.slice(before).map(({ location }) => location).filter(isOpen)).size
    }
    expect(await filesRead(async () => { expect(await table.scan().limit(1).rows().toArray()).toHaveLength(1) })).toBeLessThanOrEqual(3)
    expect(await filesRead(async () => { for await (const _ of table.scan()) break })).toBeLessThanOrEqual(3)
    const controller = new AbortController()
    const aborted = async (): Promise<void> => {
      for await (const _ of table.scan().withSignal(controller.signal)) controller.abort(new Error('enough'))
    }
    expect(await filesRead(async () => { expect(await failureOf(aborted())).toMatchObject({ code: 'ABORTED', table: table.name }) })).toBeLessThanOrEqual(3)
    expect(await failureOf(table.scan().withSignal(AbortSignal.abort()).count())).toMatchObject({ code: 'ABORTED', table: table.name })
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  it('batches are as small as asked for', async () => {
    const sizes: number[] = []
    for await (const batch of (await threeFiles()).scan().batchRows(3)) sizes.push(batch.numRows)
    expect(Math.max(...sizes)).toBe(3)
    expect(sizes.reduce((a, b) => a + b)).toBe(30)
  })
})

describe('row lineage', () => {
  it('trap 51: appends take row ids one after another, also on branches and after an upgrade', async () => {
    const table = await create({ id: t.long }, { formatVersion: 2 })
    await table.append([{ id: 0n }, { id: 1n }])
    await table.upgrade(3)
    await table.append([{ id: 2n }, { id: 3n }, { id: 4n }])
    await table.append([{ id: 5n }], { branch: 'side' })
    const last = await table.append([{ id: 6n }])
    expect(last.firstRowId).toBe(6n)
    expect(table.metadata.nextRowId).toBe(7n)
    const firstRowIds = (await table.inspect.dataFiles()).map((file) => [file.record_count, file.first_row_id])
    expect(firstRowIds).toEqual(expect.arrayContaining([[2, expect.any(BigInt)], [3, expect.any(BigInt)], [1, 6n]]))
    expect(new Set(firstRowIds.map(([, id]) => id)).size).toBe(3)
  })
})

describe('values', () => {
  it('come back exactly, in rows and in Arrow', async () => {
    const table = await create({
      l: t.long, d: t.decimal(38, 10), f: t.float, x: t.double, ts: t.timestamp, tz: t.timestamptz, day: t.date, at: t.time,
      s: t.string, u: t.uuid, b: t.binary, fx: t.fixed(3), list: t.list(t.long), map: t.map(t.string, t.int), __proto__x: t.int,
    })
    const value = {
      l: 2n ** 63n - 1n, d: '1234567890123456789012345678.0123456789', f: 0.10000000149011612, x: -0, ts: -1n, tz: 253402300799999999n, day: -1, at: 86399999999n,
      s: '\ud83d\ude00\u0000', u: 'f79c3e09-677c-4bbd-a479-3f349cb785e7', b: Uint8Array.of(0, 255), fx: Uint8Array.of(1, 2, 3), list: [1n, null], map: new Map([['', 0]]), __proto__x: 0,
    }
    await table.append([value])
    const [found] = await table.scan().rows().toArray()
    const { l, f, ts, tz, at, s, u, list } = value
    expect(found).toMatchObject({ l, f, ts, tz, at, s, u, list, __proto__x: 0 })
    expect(Object.is(found!['x'], -0)).toBe(true)
    expect(String(found!['d'])).toBe(value.d)
    expect(found!['b']).toEqual(value.b)
    expect((await table.scan().select('l', 's').toArrow()).numRows).toBe(1)
    expect(await table.scan().filter(eq('l', 2n ** 63n - 1n)).count()).toBe(1)
  })

  it('a partitioned table without a snapshot has no rows', async () => {
    const table = await create({ ts: t.timestamptz }, { partitionBy: [day('ts')] })
    expect(await table.scan().rows().toArray()).toEqual([])
    expect((await table.scan().toArrow()).numRows).toBe(0)
    expect((await table.scan().plan({ explain: true })).report.decisions).toEqual([])
  })
})
