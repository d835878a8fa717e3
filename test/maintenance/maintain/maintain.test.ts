import { describe, expect, it } from 'vitest'
import { eq, schema, t, type MaintenanceOutcome, type Table } from '../../../src/index.js'
import type { MaintenanceProgress, MaintenanceResult } from '../../../src/index.js'
import { systemRuntime, type Runtime } from '../../../src/util/runtime.js'
import { FloeError } from '../../../src/util/errors.js'
import { failureOf, memoryLake, rowTexts } from '../../support/lake.js'

const DAY_MS = 24 * 3_600_000
const columns = schema({ id: t.long.required, kind: t.string })
const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => ({ id: BigInt(from + i), kind: `k${(from + i) % 2}` }))
const statuses = ({ steps }: MaintenanceResult) => Object.fromEntries(steps.map(({ task, status }) => [task, status]))
const stepOf = ({ steps }: MaintenanceResult, task: string): MaintenanceOutcome => steps.find((step) => step.task === task)!

/** A clock that the test moves. */
function clock(): Runtime & { advance(ms: number): void } {
  let ahead = 0
  return { ...systemRuntime, now: () => systemRuntime.now() + ahead, sleep: () => Promise.resolve(), advance: (ms) => void (ahead += ms) }
}

async function messyTable(formatVersion: 2 | 3 = 3) {
  const runtime = clock()
  const lake = await memoryLake({ runtime })
  const table = await lake.catalog.createTable('a.t', { schema: columns, partitionBy: ['kind'], formatVersion })
  for (let i = 0; i < 12; i++) await table.append(rows(20 * i, 20 * i + 20))
  await table.delete(eq('id', 5n), { mode: 'merge-on-read' })
  await table.deleteByKeys([{ id: 7n, kind: 'k1' }], ['id'])
  return { ...lake, table, runtime }
}

const state = async (table: Table): Promise<string[]> => rowTexts(await table.scan().metadataColumns('_row_id').rows().toArray())

describe('maintenance', () => {
  it('decides by itself what a table needs, says why with numbers, does it, and then finds nothing to do', async () => {
    const { table, runtime } = await messyTable()
    const before = await state(table)
    const planned = await table.maintain({ dryRun: true })
    expect(planned.dryRun).toBe(true)
    expect(statuses(planned)).toMatchObject({ compaction: 'planned', 'equality-deletes': 'planned', manifests: 'planned', expiry: 'not-needed' })
    expect(stepOf(planned, 'compaction').why).toMatch(/^24 data files of 24, .* MiB on average, become about 2/)
    expect(stepOf(planned, 'orphans').why).toBe('the table is 0 hours old, and only files of 3 days count as orphans')
    runtime.advance(6 * DAY_MS)
    const events: string[] = []
    const onProgress = ({ task, step, totalSteps }: MaintenanceProgress) => events.push(`${task} ${step}/${totalSteps}`)
    const result = await table.maintain({ policy: { statistics: {}, partitionStatistics: {} }, onProgress })
    expect(statuses(result)).toEqual({
      compaction: 'done', 'equality-deletes': 'not-needed', 'position-deletes': 'not-needed', manifests: 'not-needed', statistics: 'done',
      'partition-statistics': 'done', expiry: 'done', orphans: 'done',
    })
    expect(stepOf(result, 'compaction').summary).toBe('24 data files became 2, 2 deleted rows dropped')
    expect(stepOf(result, 'expiry').numbers['expired']).toBeGreaterThan(10)
    expect(events).toContain('compaction 1/8')
    expect(await state(table)).toEqual(before)
    expect(table.metadata.snapshots).toHaveLength(1)
    expect(table.inspect.statistics().length).toBe(3)
    const again = await table.maintain()
    expect(new Set(Object.values(statuses(again)))).toEqual(new Set(['not-needed']))
    expect(again.hasFailed).toBe(false)
  })

  it('keeps statistics true that the table has, once a share of its rows changed', async () => {
    const { catalog } = await memoryLake()
    const table = await catalog.createTable('a.t', { schema: columns, partitionBy: ['kind'] })
    await table.append(rows(0, 100))
    await table.computeStatistics({ columns: ['kind'] })
    await table.append(rows(100, 102))
    const little = await table.maintain({ policy: { compaction: false } })
    const why = '1 snapshot and 2 % of the rows have changed since the last ones, less than 10 %'
    expect(stepOf(little, 'statistics')).toMatchObject({ status: 'not-needed', why })
    await table.append(rows(102, 140))
    const much = await table.maintain()
    expect(stepOf(much, 'statistics').status).toBe('done')
    expect(table.inspect.statistics().filter((row) => row.snapshots_behind === 0).map((row) => row.columns)).toEqual([['kind']])
    expect(stepOf(much, 'partition-statistics').why).toBe('nobody ever asked for any: name them in the policy to begin')
  })

  it('does the other tasks when one fails, and tells of it', async () => {
    const { table, io, runtime } = await messyTable(2)
    runtime.advance(6 * DAY_MS)
    io.hook = (call, effect) => {
      const isData = call.operation === 'write' && call.location.includes('/data/') && !call.location.includes('delete')
      if (isData) throw new FloeError('UNAVAILABLE', 'the disk is full')
      return effect()
    }
    const result = await table.maintain()
    expect(result.hasFailed).toBe(true)
    expect(stepOf(result, 'compaction')).toMatchObject({ status: 'failed', error: { code: 'UNAVAILABLE' } })
    expect(stepOf(result, 'expiry').status).toBe('done')
    expect(stepOf(result, 'orphans').status).toBe('done')
  })

  it('leaves out what the policy leaves out, tables that share their files, and stops at a signal', async () => {
    const { table, catalog, runtime } = await messyTable()
    runtime.advance(30 * DAY_MS)
    const rewrites = { compaction: false, equalityDeletes: false, positionDeletes: false, manifests: false } as const
    const nothing = { ...rewrites, expiry: false, orphans: false } as const
    const result = await table.maintain({ policy: nothing })
    expect(new Set(Object.values(statuses(result)))).toEqual(new Set(['not-needed']))
    await table.updateProperties({ 'gc.enabled': 'false' })
    const shared = await table.maintain({ policy: { ...nothing, expiry: {}, orphans: {} } })
    const whys = [stepOf(shared, 'expiry').why, stepOf(shared, 'orphans').why]
    expect(whys).toEqual(Array(2).fill('gc.enabled is false: its files may belong to others'))
    expect(await failureOf(table.maintain({ signal: AbortSignal.abort() }))).toMatchObject({ code: 'ABORTED' })
    expect(await failureOf(table.maintain({ branch: 'nope' }))).toMatchObject({ code: 'NOT_FOUND' })
    const empty = await catalog.createTable('a.empty', { schema: columns })
    expect((await empty.maintain()).hasFailed).toBe(false)
  })

  it('can run twice at the same time: what one did the other need not, and no row is lost', async () => {
    const { table, catalog, runtime } = await messyTable()
    runtime.advance(6 * DAY_MS)
    const before = await state(table)
    const other = await catalog.loadTable('a.t')
    const writer = await catalog.loadTable('a.t')
    const [first, second] = await Promise.all([table.maintain(), other.maintain(), writer.append(rows(1000, 1010))])
    expect([first.hasFailed, second.hasFailed]).toEqual([false, false])
    await table.refresh()
    const after = await state(table)
    expect(after).toHaveLength(before.length + 10)
    expect(after).toEqual(expect.arrayContaining(before))
  })
})
