/** What branches, tags and rollbacks are told to name: what is no id of a snapshot, says nothing or says two things is no failed lookup. */
import { describe, expect, it } from 'vitest'
import { openCatalog, schema, t, type Table } from '../../src/index.js'

async function tableWithBranch(): Promise<Table> {
  const lake = await openCatalog('memory:')
  const table = await lake.createTable('a.b', { schema: schema({ id: t.long.required }) })
  await table.append([{ id: 1 }])
  await table.createBranch('old')
  await table.createTag('v1')
  await table.append([{ id: 2 }])
  return table
}

type Call = (table: Table, value: never) => Promise<unknown>

const TAKING_IDS: Readonly<Record<string, Call>> = {
  createBranch: (table, snapshotId) => table.createBranch('new', { snapshotId }),
  createTag: (table, snapshotId) => table.createTag('new', { snapshotId }),
  replaceBranch: (table, snapshotId) => table.replaceBranch('old', { snapshotId }),
  replaceTag: (table, snapshotId) => table.replaceTag('v1', { snapshotId }),
  rollback: (table, snapshotId) => table.rollback({ snapshotId }),
  cherryPick: (table, snapshotId) => table.cherryPick({ snapshotId }),
  setCurrentSnapshot: (table, snapshotId) => table.setCurrentSnapshot(snapshotId),
}

describe.each(Object.entries(TAKING_IDS))('%s', (_, call) => {
  it('takes the id of a snapshot as a bigint, and no number or text of its digits', async () => {
    const table = await tableWithBranch()
    const id = table.snapshots[0]!.snapshotId
    for (const other of [Number(id), String(id), 5, null]) {
      await expect(call(table, other as never)).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining('must be a bigint') as string })
    }
    await expect(call(table, 5n as never)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

const REFUSED: Readonly<Record<string, (table: Table) => Promise<unknown>>> = {
  'a rollback to nowhere': (table) => table.rollback({} as never),
  'a rollback to what is undefined': (table) => table.rollback({ snapshotId: undefined } as never),
  'a rollback to two places': (table) => table.rollback({ snapshotId: table.snapshots[0]!.snapshotId, time: Date.now() } as never),
  'a rollback to a member that there is not': (table) => table.rollback({ ref: 'old' } as never),
  'a pick of nothing': (table) => table.cherryPick({} as never),
  'a pick of two things': (table) => table.cherryPick({ snapshotId: table.snapshots[0]!.snapshotId, wapId: 'x' } as never),
  'a pick of a member that there is not': (table) => table.cherryPick({ ref: 'old' } as never),
  'a pick by a name that is no text': (table) => table.cherryPick({ wapId: 5 } as never),
  'a branch at two places': (table) => table.createBranch('new', { snapshotId: table.snapshots[0]!.snapshotId, ref: 'v1' }),
  'a tag at two places': (table) => table.createTag('new', { snapshotId: table.snapshots[0]!.snapshotId, ref: 'v1' }),
  'a branch at a reference that is no text': (table) => table.createBranch('new', { ref: 5 } as never),
  'moving a branch nowhere': (table) => table.replaceBranch('old', {}),
  'moving a tag nowhere': (table) => table.replaceTag('v1', {}),
  'moving a branch to two places': (table) => table.replaceBranch('old', { snapshotId: table.snapshots[0]!.snapshotId, ref: 'v1' }),
  'a blank name of a branch': (table) => table.createBranch(' '),
  'a blank name of a tag': (table) => table.createTag('\u00a0 '),
  'a blank name to rename to': (table) => table.renameBranch('old', '  '),
  'an append to a blank branch': (table) => table.append([{ id: 3 }], { branch: ' ' }),
  'a delete from a blank branch': (table) => table.delete('id = 1', { branch: ' ' }),
}

it.each(Object.entries(REFUSED))('%s is INVALID, and changes nothing', async (_, call) => {
  const table = await tableWithBranch()
  const { refs, metadataLocation } = await table.refresh()
  await expect(call(table)).rejects.toMatchObject({ code: 'INVALID' })
  await table.refresh()
  expect([table.refs, table.metadataLocation]).toEqual([refs, metadataLocation])
})

it('members of undefined are left out', async () => {
  const table = await tableWithBranch()
  const id = table.snapshots[0]!.snapshotId
  await table.createBranch('new', { snapshotId: undefined, ref: 'v1', signal: undefined })
  await table.replaceBranch('new', { snapshotId: table.snapshots[1]!.snapshotId, ref: undefined })
  await table.rollback({ snapshotId: id, time: undefined } as never)
  expect([table.currentSnapshot?.snapshotId, table.refs.get('new')?.snapshotId]).toEqual([id, table.snapshots[1]!.snapshotId])
})
