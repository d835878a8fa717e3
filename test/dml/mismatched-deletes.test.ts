/** Position deletes and vectors that are listed under another partition than their data file: no engine can tell what was meant. */
import { describe, expect, it } from 'vitest'
import { identity } from '../../src/index.js'
import type { Table } from '../../src/index.js'
import { changeBench, expectRows, people } from '../support/changed-rows.js'
import { DamageBench } from '../support/damaged-table.js'
import { failureOf } from '../support/lake.js'

/** A table whose position deletes name their data file. */
async function deletedFrom(formatVersion: 2 | 3): Promise<DamageBench> {
  const bench = await DamageBench.make({ formatVersion, partitioned: true, properties: { 'write.delete.granularity': 'file' } })
  await bench.table.delete('id = 2', { mode: 'merge-on-read' })
  return bench
}

const CALLS: Readonly<Record<string, (table: Table) => Promise<unknown>>> = {
  scan: (table) => table.scan().rows().toArray(),
  count: (table) => table.scan().filter('id > 0').count(),
  delete: (table) => table.delete('id = 4', { mode: 'merge-on-read' }),
  update: (table) => table.update('id = 4', { score: 1 }),
  compact: (table) => table.compact({ rewriteAll: true }),
}

describe.each([2, 3] as const)('deletes under another partition than their data file, on version %d', (version) => {
  it('are CORRUPT to every reader and change, in no file applied or left out; a repair brings them home (fault 34)', async () => {
    const bench = await deletedFrom(version)
    expect(await bench.ids()).toEqual([0, 1, 3, 4, 5, 6, 7, 8, 9])
    await bench.damageFile('deletes', () => ({ partition: ['view'] }))
    const before = bench.table.currentSnapshot!.snapshotId
    for (const [name, call] of Object.entries(CALLS)) {
      const error = await failureOf(call(bench.table))
      expect([error.code, error.file], name).toEqual(['CORRUPT', expect.stringContaining('kind=click')])
      expect(error.message).toContain('listed under another partition than their data file')
    }
    // The other partition has no such file, so that its rows are all there.
    expect(await bench.table.scan().filter("kind = 'view'").count()).toBe(5)
    await bench.table.refresh()
    expect(bench.table.currentSnapshot!.snapshotId).toBe(before)
    expect((await bench.fsck()).findings.map(({ code }) => code)).toContain('delete-partition')
    await bench.repair()
    expect(await bench.ids()).toEqual([0, 1, 3, 4, 5, 6, 7, 8, 9])
  })

  it('are refused when they are given, and nothing is committed (fault 34)', async () => {
    const { table } = await changeBench(version, { partitionBy: [identity('part')], properties: { 'write.delete.granularity': 'file' } })
    await table.append(people(0, 10))
    await table.createBranch('side')
    const side = table.branch('side')
    await side.delete('id = 1', { mode: 'merge-on-read' })
    const plan = await side.scan().plan()
    const { sequenceNumber: _, ...deletes } = [...plan.files()].flatMap((file) => file.deletes)[0]!
    for (const change of [{ partition: [2] }, { partition: [] }, { partition: [1, 1] }, { partition: ['x'] }, { specId: 7 }]) {
      const error = await failureOf(table.rowDelta({ addDeleteFiles: [{ ...deletes, ...change }] }))
      expect([error.code, error.file]).toEqual(['INVALID', deletes.filePath])
    }
    const data = [...plan.files()].find((file) => file.deletes.length > 0)
    const together = { addDataFiles: [{ ...data!.dataFile(), partition: [2] }], addDeleteFiles: [deletes] }
    expect((await failureOf(table.rowDelta(together))).code).toBe('INVALID')
    await table.refresh()
    await expectRows(table, people(0, 10))
    // As they were made, they are what they are on the branch.
    await table.rowDelta({ addDeleteFiles: [deletes] })
    await expectRows(table, people(0, 10).filter((row) => row['id'] !== 1n))
  })

  it('are refused for a data file that is not there, in the table or in the delta', async () => {
    const { table } = await changeBench(version, { partitionBy: [identity('part')], properties: { 'write.delete.granularity': 'file' } })
    await table.append(people(0, 10))
    await table.createBranch('side')
    const side = table.branch('side')
    await side.append([...people(10, 11), ...people(13, 14)])
    await side.delete('id = 10', { mode: 'merge-on-read' })
    const file = [...(await side.scan().plan()).files()].find(({ deletes }) => deletes.length > 0)
    const { sequenceNumber: _, ...deletes } = file!.deletes[0]!
    const error = await failureOf(table.rowDelta({ addDeleteFiles: [deletes] }))
    expect([error.code, error.file, error.retryable]).toEqual(['CONFLICT', file!.filePath, false])
    await table.refresh()
    await expectRows(table, people(0, 10))
    await table.rowDelta({ addDataFiles: [{ ...file!.dataFile(), firstRowId: undefined }], addDeleteFiles: [deletes] })
    await expectRows(table, [...people(0, 10), ...people(13, 14)])
  })
})
