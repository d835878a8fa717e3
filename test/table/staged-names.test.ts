/** Write-audit-publish by name: what is named once is published once. */
import { describe, expect, it } from 'vitest'
import { openCatalog, schema, t, type Snapshot, type Table } from '../../src/index.js'
import { memoryLake } from '../support/lake.js'

const JOB = { stage: { wapId: 'load-3' } }

async function tableWith(...ids: readonly number[]): Promise<Table> {
  const lake = await openCatalog('memory:')
  const table = await lake.createTable('a.b', { schema: schema({ id: t.long.required }) })
  if (ids.length > 0) await table.append(ids.map((id) => ({ id })))
  return table
}

const ids = async (table: Table): Promise<number[]> =>
  (await table.scan().rows().toArray()).map((row) => Number(row['id'])).sort((a, b) => a - b)

/** A staged snapshot of a name, as another engine may add one at any time. */
async function stagedByOthers(table: Table, id: number): Promise<Snapshot> {
  const other = await table.createBranch('others')
  const snapshot = await other.append([{ id }], { summary: { 'wap.id': 'load-3' } })
  await table.dropBranch('others')
  return snapshot
}

describe('a name that was published', () => {
  it('is refused by a second run of the job that stages and publishes under it', async () => {
    const table = await tableWith(1)
    await table.append([{ id: 2 }], JOB)
    await table.cherryPick({ wapId: 'load-3' })
    const snapshots = table.snapshots.length
    await expect(table.append([{ id: 2 }], JOB)).rejects.toMatchObject({ code: 'ALREADY_EXISTS', message: expect.stringContaining('load-3') as string })
    await expect(table.cherryPick({ wapId: 'load-3' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect([await ids(table), table.snapshots.length]).toEqual([[1, 2], snapshots])
  })

  it('is refused after a pick that added files anew, too', async () => {
    const table = await tableWith(1)
    await table.append([{ id: 2 }], JOB)
    await table.append([{ id: 3 }])
    expect((await table.cherryPick({ wapId: 'load-3' })).summary.get('published-wap-id')).toBe('load-3')
    await expect(table.append([{ id: 2 }], JOB)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    await expect(table.cherryPick({ wapId: 'load-3' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(await ids(table)).toEqual([1, 2, 3])
  })

  it('is refused where another snapshot of the name is based on the head, and the branch could just move', async () => {
    const table = await tableWith(1)
    await table.append([{ id: 2 }], JOB)
    await table.cherryPick({ wapId: 'load-3' })
    const second = await stagedByOthers(table, 2)
    await expect(table.cherryPick({ snapshotId: second.snapshotId })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    await expect(table.cherryPick({ wapId: 'load-3' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(await ids(table)).toEqual([1, 2])
  })

  it('is free in a branch that does not have it', async () => {
    const table = await tableWith(1)
    const audit = await table.createBranch('audit')
    await table.append([{ id: 2 }], JOB)
    await audit.cherryPick({ wapId: 'load-3' })
    await expect(audit.append([{ id: 2 }], JOB)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    await table.cherryPick({ wapId: 'load-3' })
    expect([await ids(audit), await ids(table)]).toEqual([[1, 2], [1, 2]])
  })

  it('is answered by the snapshot that it was staged as, when the call repeats its idempotency token', async () => {
    const table = await tableWith(1)
    const options = { ...JOB, idempotencyToken: 'once' }
    const first = await table.append([{ id: 2 }], options)
    await table.cherryPick({ wapId: 'load-3' })
    expect((await table.append([{ id: 2 }], options)).snapshotId).toBe(first.snapshotId)
    expect(await ids(table)).toEqual([1, 2])
  })

  it('that is published while rows are staged under it leaves no file behind', async () => {
    const { catalog: lake, dataFiles } = await memoryLake()
    const table = await lake.createTable('a.b', { schema: schema({ id: t.long.required }) })
    await table.append([{ id: 1 }])
    async function* rows(): AsyncGenerator<{ id: number }> {
      yield { id: 2 }
      const other = await lake.loadTable('a.b')
      await other.append([{ id: 2 }], JOB)
      await other.cherryPick({ wapId: 'load-3' })
    }
    await expect(table.append(rows(), JOB)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect([await ids(await lake.loadTable('a.b')), (await dataFiles()).length]).toEqual([[1, 2], 2])
  })
})

it('a name of several staged snapshots is INVALID and tells their ids, by which either can be picked, and then no other', async () => {
  const table = await tableWith(1)
  const first = await table.append([{ id: 2 }], JOB)
  const second = await table.append([{ id: 3 }], JOB)
  const error: unknown = await table.cherryPick({ wapId: 'load-3' }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'INVALID' })
  for (const { snapshotId } of [first, second]) expect((error as Error).message).toContain(String(snapshotId))
  await table.cherryPick({ snapshotId: second.snapshotId })
  await expect(table.cherryPick({ snapshotId: first.snapshotId })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  expect(await ids(table)).toEqual([1, 3])
})

it('rows are staged under a name that says something', async () => {
  const table = await tableWith(1)
  const odd: readonly unknown[] = [{}, { wapId: '' }, { wapId: ' ' }, { wapId: 5 }, { wapId: undefined }, 'load-3', null, { wapId: 'a', id: 'b' }]
  for (const stage of odd) await expect(table.append([{ id: 2 }], { stage: stage as never })).rejects.toMatchObject({ code: 'INVALID' })
  expect(table.snapshots).toHaveLength(1)
})
