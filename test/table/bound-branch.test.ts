/** A table that is bound to a branch: every verb changes that branch, and none goes on when the branch is gone. */
import { describe, expect, it } from 'vitest'
import { openCatalog, schema, t, type Table } from '../../src/index.js'
import { failureOf } from '../support/lake.js'

const columns = schema({ id: t.long.required, part: t.int, name: t.string })
const rows = Array.from({ length: 6 }, (_, id) => ({ id: BigInt(id), part: id % 2, name: 'a' }))

interface Bound {
  readonly table: Table
  readonly audit: Table
}

async function boundTable(formatVersion: 2 | 3 = 3): Promise<Bound> {
  const lake = await openCatalog('memory:')
  const table = await lake.createTable('shop.events', { schema: columns, partitionBy: ['part'], formatVersion })
  await table.append(rows)
  const audit = await table.createBranch('audit')
  await audit.append([{ id: 7n, part: 1, name: 'b' }])
  return { table, audit }
}

interface BranchVerb {
  /** 3 unless the verb needs another. */
  readonly version?: 2
  readonly isAsSeen?: true
  prepare?(audit: Table): Promise<unknown>
  run(audit: Table): Promise<unknown>
}

const byKeys = (audit: Table): Promise<unknown> => audit.deleteByKeys([{ id: 1n, part: 1 }], ['id', 'part'])

const VERBS: Readonly<Record<string, BranchVerb>> = {
  append: { run: (audit) => audit.append([{ id: 9n, part: 0 }]) },
  appendFiles: {
    run: async (audit) => {
      const [file] = [...(await audit.scan().plan({ includeColumnStats: true })).files()]
      return audit.appendFiles([{ ...file!.dataFile(), filePath: `${file!.filePath}.copy`, firstRowId: undefined }])
    },
  },
  delete: { run: (audit) => audit.delete('id = 1') },
  update: { run: (audit) => audit.update('id = 1', { name: 'b' }) },
  overwrite: { run: (audit) => audit.overwrite([{ id: 1n, part: 1, name: 'b' }], 'id = 1') },
  overwritePartitions: { run: (audit) => audit.overwritePartitions([{ id: 20n, part: 1 }]) },
  upsert: { run: (audit) => audit.upsert([{ id: 1n, part: 1, name: 'b' }, { id: 30n, part: 0 }], ['id']) },
  merge: { run: (audit) => audit.merge([{ id: 1n, part: 1, name: 'b' }], { on: ['id'], whenMatched: 'update' }) },
  applyChanges: { run: (audit) => audit.applyChanges([{ id: 1n, part: 1, op: 'u', at: 1n }], { keys: ['id'], operation: 'op', order: 'at' }) },
  rowDelta: { isAsSeen: true, run: (audit) => audit.rowDelta({ addRows: [{ id: 40n, part: 0 }] }) },
  deleteByKeys: { isAsSeen: true, run: byKeys },
  convertEqualityDeletes: { prepare: byKeys, run: (audit) => audit.convertEqualityDeletes() },
  compact: { run: (audit) => audit.compact({ rewriteAll: true }) },
  rewriteManifests: { run: (audit) => audit.rewriteManifests({ rewriteAll: true }) },
  rewritePositionDeletes: {
    version: 2,
    prepare: async (audit) => {
      await audit.delete('id = 1', { mode: 'merge-on-read' })
      await audit.delete('id = 3', { mode: 'merge-on-read' })
    },
    run: (audit) => audit.rewritePositionDeletes({ rewriteAll: true }),
  },
  transaction: { run: (audit) => audit.transaction((tx) => tx.append([{ id: 9n, part: 0 }])) },
  rollback: { run: (audit) => audit.rollback({ snapshotId: audit.snapshots[0]!.snapshotId }) },
  setCurrentSnapshot: { run: (audit) => audit.setCurrentSnapshot(audit.snapshots[0]!.snapshotId) },
  cherryPick: {
    prepare: (audit) => audit.append([{ id: 50n, part: 0 }], { stage: { wapId: 'w1' } }),
    run: (audit) => audit.cherryPick({ wapId: 'w1' }),
  },
}

const headOf = (table: Table, branch: string): bigint => table.refs.get(branch)!.snapshotId

describe('a table bound to a branch', () => {
  it.each(Object.entries(VERBS))('%s moves that branch, and main stays where it is', async (_, { version, prepare, run }) => {
    const { table, audit } = await boundTable(version)
    const main = headOf(table, 'main')
    await prepare?.(audit)
    await table.refresh()
    const before = headOf(table, 'audit')
    await run(audit)
    await table.refresh()
    expect(headOf(table, 'audit')).not.toBe(before)
    expect(headOf(table, 'main')).toBe(main)
  })

  it.each(Object.entries(VERBS))('%s is NOT_FOUND when the branch is gone, and does not make it anew', async (_, { version, isAsSeen, prepare, run }) => {
    for (const isKnown of [true, false]) {
      const { table, audit } = await boundTable(version)
      await prepare?.(audit)
      if (isKnown) await audit.renameBranch('audit', 'later')
      else await table.renameBranch('audit', 'later')
      const error = await failureOf(run(audit))
      // What is planned on a known state asks first what was committed since.
      expect(error.code).toBe(isAsSeen === true && !isKnown ? 'CONFLICT' : 'NOT_FOUND')
      expect(error.message).toContain('audit')
      await table.refresh()
      expect([...table.refs.keys()].sort()).toEqual(['later', 'main'])
    }
  })

  it('tells of that branch wherever no other state is named', async () => {
    const { table, audit } = await boundTable()
    expect([await audit.scan().count(), await table.scan().count()]).toEqual([7, 6])
    expect([(await audit.inspect.files()).length, (await table.inspect.files()).length]).toEqual([3, 2])
    expect((await audit.inspect.files({ ref: 'main' })).length).toBe(2)
  })
})
