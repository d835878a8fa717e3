import { describe, expect, it } from 'vitest'
import { openCatalog, schema, t, type Table } from '../../src/index.js'

const ids = async (table: Table): Promise<number[]> => {
  const rows = await table.scan().rows().toArray()
  return rows.map((row) => Number(row['id'])).sort((a, b) => a - b)
}

async function tableWith(...batches: readonly (readonly number[])[]): Promise<Table> {
  const lake = await openCatalog('memory:')
  const columns = schema({ id: t.long.required, day: t.string })
  const table = await lake.createTable('shop.events', { schema: columns, partitionBy: ['day'], formatVersion: 3 })
  for (const batch of batches) await table.append(batch.map((id) => ({ id, day: 'a' })))
  return table
}

describe('branches and tags', () => {
  it('a branch has every verb of the table, and main does not see it until it is fast-forwarded', async () => {
    const table = await tableWith([1, 2])
    const audit = await table.createBranch('audit')
    await audit.append([{ id: 3, day: 'a' }])
    await audit.delete('id = 1')
    await audit.update('id = 2', { day: 'b' })
    expect(await ids(audit)).toEqual([2, 3])
    expect(await ids(table)).toEqual([1, 2])
    await table.fastForward('main', 'audit')
    expect(await ids(table)).toEqual([2, 3])
    expect(table.currentSnapshot?.snapshotId).toBe(audit.currentSnapshot?.snapshotId)
  })

  it('fast-forward is a CONFLICT once both have commits', async () => {
    const table = await tableWith([1])
    const audit = await table.createBranch('audit')
    await audit.append([{ id: 2, day: 'a' }])
    await table.append([{ id: 3, day: 'a' }])
    await expect(table.fastForward('main', 'audit')).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await ids(table)).toEqual([1, 3])
  })

  it('tags name snapshots for good, and cannot be written to', async () => {
    const table = await tableWith([1])
    await table.createTag('v1', { maxRefAgeMs: 86_400_000 })
    await table.append([{ id: 2, day: 'a' }])
    const rows = await table.scan().useRef('v1').rows().toArray()
    expect(rows.map((row) => row['id'])).toEqual([1n])
    expect(() => table.branch('v1')).toThrow(/is a tag/)
    await expect(table.append([{ id: 3, day: 'a' }], { branch: 'v1' })).rejects.toMatchObject({ code: 'INVALID' })
    await table.replaceTag('v1', { ref: 'main' })
    expect(table.refs.get('v1')).toMatchObject({ type: 'tag', snapshotId: table.currentSnapshot!.snapshotId, maxRefAgeMs: 86_400_000 })
    await table.dropTag('v1')
    expect([...table.refs.keys()]).toEqual(['main'])
  })

  it('names, kinds and retention are checked with typed errors', async () => {
    const table = await tableWith([1])
    await table.createBranch('b', { minSnapshotsToKeep: 3 })
    await table.createTag('t')
    const refused: (readonly [string, Promise<unknown>])[] = [
      ['ALREADY_EXISTS', table.createBranch('b')],
      ['ALREADY_EXISTS', table.createTag('b')],
      ['ALREADY_EXISTS', table.renameBranch('b', 't')],
      ['NOT_FOUND', table.dropBranch('none')],
      ['NOT_FOUND', table.createBranch('c', { snapshotId: 5n })],
      ['INVALID', table.dropBranch('t')],
      ['INVALID', table.dropTag('b')],
      ['INVALID', table.dropBranch('main')],
      ['INVALID', table.renameBranch('main', 'x')],
      ['INVALID', table.createBranch('')],
      ['INVALID', table.createTag('x', { minSnapshotsToKeep: 1 })],
      ['INVALID', table.setRetention('main', { maxRefAgeMs: 1 })],
      ['INVALID', table.setRetention('b', { maxSnapshotAgeMs: 0 })],
    ]
    for (const [code, call] of refused) await expect(call).rejects.toMatchObject({ code })
    await table.renameBranch('b', 'c')
    await table.setRetention('c', { minSnapshotsToKeep: null, maxSnapshotAgeMs: 5 })
    expect(table.refs.get('c')).toEqual({ type: 'branch', snapshotId: table.currentSnapshot!.snapshotId, maxSnapshotAgeMs: 5 })
    expect(table.refs.has('b')).toBe(false)
  })

  it('an empty table has nothing to name', async () => {
    const table = await tableWith()
    await expect(table.createTag('t')).rejects.toMatchObject({ code: 'INVALID' })
  })
})

describe('rollback', () => {
  it('goes back in the history of the branch, by snapshot and by time', async () => {
    const table = await tableWith([1], [2], [3])
    const [first, second, third] = table.snapshots
    await table.rollback({ snapshotId: second!.snapshotId })
    expect(await ids(table)).toEqual([1, 2])
    await expect(table.rollback({ snapshotId: third!.snapshotId })).rejects.toMatchObject({ code: 'INVALID' })
    await table.setCurrentSnapshot(third!.snapshotId)
    await table.rollback({ time: second!.timestampMs })
    expect(await ids(table)).toEqual([1])
    await expect(table.rollback({ time: first!.timestampMs })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await table.append([{ id: 4, day: 'a' }])
    expect(await ids(table)).toEqual([1, 4])
  })
})

describe('write-audit-publish', () => {
  it('a staged append is in no branch until it is picked by its name, once', async () => {
    const table = await tableWith([1])
    await table.append([{ id: 2, day: 'a' }], { stage: { wapId: 'job-7' } })
    expect(await ids(table)).toEqual([1])
    await table.append([{ id: 3, day: 'a' }])
    const published = await table.cherryPick({ wapId: 'job-7' })
    expect(await ids(table)).toEqual([1, 2, 3])
    expect(published.summary.get('published-wap-id')).toBe('job-7')
    expect(published.operation).toBe('append')
    await expect(table.cherryPick({ wapId: 'job-7' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    await expect(table.cherryPick({ wapId: 'none' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await ids(table)).toEqual([1, 2, 3])
  })

  it('what is based on the head is fast-forwarded to, whatever it is', async () => {
    const table = await tableWith([1, 2])
    const audit = await table.createBranch('audit')
    await audit.delete('id = 1')
    const picked = audit.currentSnapshot!
    expect((await table.cherryPick({ snapshotId: picked.snapshotId })).snapshotId).toBe(picked.snapshotId)
    expect(await ids(table)).toEqual([2])
  })

  it('a delete that is not based on the head cannot be picked', async () => {
    const table = await tableWith([1, 2])
    const audit = await table.createBranch('audit')
    await audit.delete('id = 1')
    await table.append([{ id: 3, day: 'a' }])
    await expect(table.cherryPick({ snapshotId: audit.currentSnapshot!.snapshotId })).rejects.toMatchObject({ code: 'INVALID' })
  })

  it('a dynamic overwrite is picked while its partitions are as they were', async () => {
    const table = await tableWith([1])
    await table.append([{ id: 10, day: 'b' }])
    const audit = await table.createBranch('audit')
    await audit.overwritePartitions([{ id: 11, day: 'b' }])
    const picked = audit.currentSnapshot!.snapshotId
    await table.append([{ id: 2, day: 'a' }])
    await table.cherryPick({ snapshotId: picked })
    expect(await ids(table)).toEqual([1, 2, 11])
    await audit.overwritePartitions([{ id: 12, day: 'b' }])
    await table.append([{ id: 13, day: 'b' }])
    await expect(table.cherryPick({ snapshotId: audit.currentSnapshot!.snapshotId })).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await ids(table)).toEqual([1, 2, 11, 13])
  })

  it('a checked branch is published, a failed one set aside', async () => {
    const table = await tableWith([1])
    const good = await table.createBranch('audit')
    await good.append([{ id: 2, day: 'a' }])
    const published = await good.publish(async (branch) => (await branch.scan().count()) === 2)
    expect(published).toMatchObject({ published: true })
    await table.refresh()
    expect(await ids(table)).toEqual([1, 2])
    await table.dropBranch('audit')
    const bad = await table.createBranch('audit')
    await bad.append([{ id: -1, day: 'a' }])
    const refused = await bad.publish(
      async (branch) => {
        if ((await branch.scan().filter('id < 0').count()) > 0) throw new Error('negative ids')
      },
      { quarantine: 'rejected-1' },
    )
    expect(refused).toMatchObject({ published: false, branch: 'rejected-1', reason: { message: 'negative ids' } })
    await table.refresh()
    expect(await ids(table)).toEqual([1, 2])
    expect([...table.refs.keys()].sort()).toEqual(['main', 'rejected-1'])
  })

  it('what came to the branch while it was checked is not published', async () => {
    const table = await tableWith([1])
    const audit = await table.createBranch('audit')
    await audit.append([{ id: 2, day: 'a' }])
    const late = audit.branch('audit')
    await expect(audit.publish(() => late.append([{ id: 3, day: 'a' }]))).rejects.toMatchObject({ code: 'CONFLICT' })
    await table.refresh()
    expect(await ids(table)).toEqual([1])
  })
})
