/** What a repair leaves alone, and what it does about others' commits; what it mends code by code is tested with the checks. */
import { describe, expect, it } from 'vitest'
import { lt, notNull } from '../../../src/index.js'
import { planRepair } from '../../../src/maintenance/repair/repair-plan.js'
import { repair } from '../../../src/maintenance/repair/repair.js'
import { DamageBench } from '../../support/damaged-table.js'

describe('a repair', () => {
  it('commits nothing to a table that is sound, nor in a dry run', async () => {
    const bench = await DamageBench.make()
    const before = bench.table.metadataLocation
    expect(await bench.repair()).toMatchObject({ branches: [], plan: { steps: [], unrepaired: [] }, dryRun: false })
    await bench.damageRecord(() => ({ addedRowsCount: 77n }))
    const damaged = bench.table.metadataLocation
    expect((await bench.repair({ dryRun: true })).plan.steps.map(({ action }) => action)).toEqual(['rewrite-manifest'])
    expect(bench.table.metadataLocation).toBe(damaged)
    expect(damaged).not.toBe(before)
  })

  it('mends every branch that has the damage, and leaves tags and earlier snapshots as they are', async () => {
    const bench = await DamageBench.make()
    await bench.damageFile('data', () => ({ nullValueCounts: new Map([[2, 1]]) }))
    await bench.table.createBranch('audit')
    await bench.table.createTag('kept')
    const result = await bench.repair()
    expect(result.branches.map(({ branch, editedFiles, lostRows }) => [branch, editedFiles, lostRows])).toEqual([['main', 1, 0], ['audit', 1, 0]])
    const after = await bench.fsck()
    expect(after.findings.map(({ code, snapshotId }) => [code, snapshotId])).toEqual([['data-counts', String(bench.table.refs.get('kept')!.snapshotId)]])
    expect((await bench.repair()).branches).toEqual([])
  })

  it('removes a dangling delete from the branch where it dangles, not from one where it is in force', async () => {
    const bench = await DamageBench.make()
    await bench.table.delete(lt('id', 2), { mode: 'merge-on-read' })
    await bench.table.createBranch('audit')
    // As engines leave it that rewrite data files only.
    await bench.damage(async ({ manifests, entries, attempt, write }) => {
      const data = manifests.filter(({ content }) => content === 'data')
      const live = (await Promise.all(data.map(entries))).flat()
      const added = live.map((entry) => ({ ...entry, status: 'added' as const, snapshotId: attempt.snapshotId, sequenceNumber: undefined, fileSequenceNumber: undefined }))
      return [await write('data', added), ...manifests.filter(({ content }) => content === 'deletes')]
    })
    const report = await bench.fsck()
    expect(report.findings.map(({ code, snapshotId }) => [code, snapshotId])).toEqual([['delete-dangling', String(bench.table.currentSnapshot!.snapshotId)]])
    const { branches } = await bench.repair()
    expect(branches.map(({ branch, removedFiles }) => [branch, removedFiles])).toEqual([['main', 1]])
    expect((await bench.table.branch('audit').scan().rows().toArray()).length).toBe(8)
    expect((await bench.fsck()).findings).toEqual([])
  })

  it('keeps the row ids of files whose entries it writes anew', async () => {
    const bench = await DamageBench.make({ formatVersion: 3 })
    const lineage = async (): Promise<string[]> => {
      const rows = await bench.table.scan().filter(notNull('id')).metadataColumns('_row_id', '_last_updated_sequence_number').rows().toArray()
      return rows.map((row) => [row['id'], row['_row_id'], row['_last_updated_sequence_number']].join('/')).sort()
    }
    const before = await lineage()
    await bench.damageFile('data', () => ({ nullValueCounts: new Map([[2, 1]]) }))
    await bench.damageRecord(() => ({ addedRowsCount: 5n }))
    await bench.repair()
    expect(await lineage()).toEqual(before)
    expect((await bench.fsck()).findings).toEqual([])
  })

  it('follows commits of others, whose files stay', async () => {
    const bench = await DamageBench.make()
    await bench.damageFile('data', () => ({ nullValueCounts: new Map([[2, 1]]) }))
    const stale = await bench.context()
    await bench.table.append([{ id: 100, kind: 'late', score: 1 }])
    const { result } = await repair(stale, { data: 'all' })
    expect(result.branches).toHaveLength(1)
    expect(await bench.ids()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100])
    expect((await bench.fsck()).findings).toEqual([])
  })

  it('says what it cannot mend, and what to do', async () => {
    const bench = await DamageBench.make()
    await bench.io.delete([(await bench.dataFiles())[0]!.filePath])
    const report = await bench.fsck()
    const plan = planRepair(report)
    expect(plan.steps).toEqual([])
    expect(plan.unrepaired).toEqual([{ finding: report.findings[0], advice: expect.stringContaining('dropMissingFiles') as unknown }])
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
    expect(planRepair(report, { dropMissingFiles: true }).steps).toHaveLength(1)
  })
})
