/** How a compaction runs: sizes, progress, aborts, crashes, branches, evolved tables. */
import { describe, expect, it } from 'vitest'
import { desc, gtEq, identity, isIn, lt, schema, sortBy, t, truncate } from '../../src/index.js'
import type { CompactionProgress, FormatVersion, Table } from '../../src/index.js'
import { changeBench, people, person, textsOf } from '../support/changed-rows.js'
import { failureOf, rowTexts } from '../support/lake.js'

const contents = async (table: Table): Promise<string[]> => {
  const scan = table.metadata.formatVersion >= 3 ? table.scan().metadataColumns('_row_id', '_last_updated_sequence_number') : table.scan()
  return rowTexts(await scan.rows().toArray())
}

describe('a compaction', () => {
  it('writes files of a size between the thresholds, without a tiny last one', async () => {
    const properties = { 'write.parquet.compression-codec': 'uncompressed' }
    const { table } = await changeBench(2, { schema: schema({ id: t.long.required, text: t.string }), properties })
    const wide = (id: number): { id: bigint; text: string } => ({ id: BigInt(id), text: `${id}`.padEnd(100, `${id * 7919}`) })
    for (let from = 0; from < 6000; from += 500) await table.append(Array.from({ length: 500 }, (_, i) => wide(from + i)))
    const targetFileSizeBytes = 120_000
    const result = await table.compact({ targetFileSizeBytes })
    const sizes = (await table.inspect.dataFiles()).map((file) => Number(file.file_size_in_bytes))
    expect(result.addedDataFiles).toBe(sizes.length)
    expect(sizes.length).toBeGreaterThan(4)
    for (const size of sizes) expect(size / targetFileSizeBytes, sizes.join()).toBeGreaterThan(0.75)
    for (const size of sizes) expect(size / targetFileSizeBytes, sizes.join()).toBeLessThan(1.8)
    expect(await table.scan().count()).toBe(6000)
    expect((await table.compact({ targetFileSizeBytes })).rewrittenGroups).toBe(0)
  })

  it('keeps the order of rows when it packs, and has that of the table when it sorts, and says so of the files', async () => {
    const { table } = await changeBench(2, { schema: schema({ id: t.long }) })
    for (const ids of [[3n, 1n], [9n, 2n], [8n, 7n]]) await table.append(ids.map((id) => ({ id })))
    await table.compact({ rewriteAll: true })
    const ids = async (): Promise<unknown[]> => (await table.scan().rows().toArray()).map((row) => row['id'])
    const orders = async (): Promise<unknown[]> => (await table.inspect.dataFiles()).map((file) => file.sort_order_id)
    const packed = await ids()
    expect([...packed].sort()).toEqual([1n, 2n, 3n, 7n, 8n, 9n])
    expect(packed.indexOf(3n)).toBe(packed.indexOf(1n) - 1)
    expect(packed.indexOf(9n)).toBe(packed.indexOf(2n) - 1)
    expect(await orders()).toEqual([0])
    await table.compact({ strategy: sortBy('id'), rewriteAll: true })
    expect([await ids(), await orders()]).toEqual([[1n, 2n, 3n, 7n, 8n, 9n], [0]])
    await table.replaceSortOrder([desc('id')])
    await table.compact({ strategy: 'sort', rewriteAll: true })
    expect([await ids(), await orders()]).toEqual([[9n, 8n, 7n, 3n, 2n, 1n], [1]])
    await table.compact({ strategy: 'binpack', rewriteAll: true })
    expect([await ids(), await orders()]).toEqual([[9n, 8n, 7n, 3n, 2n, 1n], [0]])
  })

  it.each([1, 2, 3] as const)('of version %i brings old specs and schemas to the current ones', async (version) => {
    const { table } = await changeBench(version, { partitionBy: [identity('part')] })
    await table.append(people(0, 12))
    await table.updateSchema((update) => update.addColumn('more', t.string).renameColumn('name', 'label').deleteColumn('tags'))
    await table.append([{ ...renamed(person(20)), more: 'x' }])
    await table.updateSpec((spec) => spec.removeField('part').addField(truncate('label', 1)))
    await table.append([{ ...renamed(person(21)), more: 'y' }])
    if (version > 1) await table.delete(isIn('id', [3n, 20n]), { mode: 'merge-on-read' })
    const before = await contents(table)
    const result = await table.compact({ rewriteAll: true })
    expect(await contents(table)).toEqual(before)
    const files = await table.inspect.dataFiles()
    expect(files.every((file) => file.spec_id === 1)).toBe(true)
    expect(await table.inspect.deleteFiles()).toEqual([])
    expect(result.rewrittenGroups).toBe(2)
  })

  it('FAULTS 26: leaves no delete file that applies to nothing, and keeps those that other files still need', async () => {
    const { table } = await changeBench(2, { partitionBy: [identity('part')] })
    await table.append(people(0, 30))
    await table.append(people(30, 60))
    await table.deleteByKeys([{ id: 1n, part: 1 }, { id: 30n, part: 0 }], ['id'])
    await table.delete(isIn('id', [2n, 45n]), { mode: 'merge-on-read' })
    const before = await contents(table)
    await table.compact({ filter: 'part = 0', rewriteAll: true })
    expect(await contents(table)).toEqual(before)
    const left = await table.inspect.deleteFiles()
    expect(left.map((file) => JSON.stringify(file.partition)).sort()).not.toContain('{"part":0}')
    expect(left.length).toBeGreaterThan(0)
    await table.compact({ rewriteAll: true })
    expect(await table.inspect.deleteFiles()).toEqual([])
    expect(await contents(table)).toEqual(before)
  })

  it('of rows that are all deleted leaves no file', async () => {
    const { table } = await changeBench(2)
    await table.append(people(0, 10))
    await table.deleteByKeys(people(0, 10).map(({ id }) => ({ id })), ['id'])
    const result = await table.compact({ rewriteAll: true })
    expect(result).toMatchObject({ rows: 0, droppedRows: 10, addedDataFiles: 0, removedDeleteFiles: 1 })
    expect([await table.inspect.dataFiles(), await table.inspect.deleteFiles()]).toEqual([[], []])
  })

  it('of a branch leaves the others alone', async () => {
    const { table } = await changeBench(3)
    for (let from = 0; from < 50; from += 10) await table.append(people(from, from + 10))
    await table.createBranch('audit')
    const main = table.currentSnapshot!.snapshotId
    const audit = table.branch('audit')
    await audit.append(people(50, 60))
    const before = await textsOf(table, 'audit')
    const result = await audit.compact()
    expect(result.snapshots).toHaveLength(1)
    expect(await textsOf(table, 'audit')).toEqual(before)
    await table.refresh()
    expect(table.currentSnapshot!.snapshotId).toBe(main)
    expect(await table.inspect.dataFiles({ ref: 'audit' })).toHaveLength(1)
  })

  it('with partial progress commits as groups are done, and a dry run does nothing', async () => {
    const { table } = await changeBench(2, { partitionBy: [identity('part')] })
    for (let from = 0; from < 60; from += 10) await table.append(people(from, from + 10))
    const before = await contents(table)
    const { snapshots } = table
    const planned = await table.compact({ dryRun: true, minInputFiles: 2 })
    expect([planned.plan.groups.length, planned.snapshots, table.snapshots.length]).toEqual([4, [], snapshots.length])
    const seen: CompactionProgress[] = []
    const onProgress = (progress: CompactionProgress): unknown => seen.push(progress)
    const result = await table.compact({ partialProgress: true, maxCommits: 2, minInputFiles: 2, onProgress })
    expect(result.snapshots).toHaveLength(2)
    expect(result).toMatchObject({ rewrittenGroups: 4, failedGroups: [] })
    expect(await contents(table)).toEqual(before)
    expect(seen.at(-1)).toMatchObject({ groups: 4, totalGroups: 4, rows: 60, totalRows: 60 })
    expect(seen.at(-1)!.bytes).toBe(seen.at(-1)!.totalBytes)
    for (let i = 1; i < seen.length; i++) expect(seen[i]!.rows).toBeGreaterThanOrEqual(seen[i - 1]!.rows)
  })

  it('with partial progress survives a group that fails; without, fails and leaves no file', async () => {
    const { table, lake } = await changeBench(2, { partitionBy: [identity('part')] })
    for (let from = 0; from < 40; from += 10) await table.append(people(from, from + 10))
    const before = await contents(table)
    const files = await lake.files()
    lake.io.hook = (call, effect) => {
      if (call.operation === 'write' && call.location.includes('/part=1/')) throw new Error('disk full')
      return effect()
    }
    await expect(table.compact({ rewriteAll: true })).rejects.toThrow('disk full')
    expect(await lake.files()).toEqual(files)
    const result = await table.compact({ rewriteAll: true, partialProgress: true })
    lake.io.hook = (_, effect) => effect()
    expect(result.failedGroups.map(({ group }) => group.partitionPath)).toEqual(['part=1'])
    expect(result.rewrittenGroups).toBe(3)
    expect(await contents(table)).toEqual(before)
  })

  it('with partial progress stops at a commit that fails once too often, and leaves no file of those that were to follow', async () => {
    const { table, lake } = await changeBench(2, { partitionBy: [identity('part')] })
    for (let from = 0; from < 40; from += 10) await table.append(people(from, from + 10))
    const before = await contents(table)
    const files = await lake.files()
    lake.io.hook = (call, effect) => {
      if (call.operation === 'write' && call.location.includes('/snap-')) throw new Error('no more lists')
      return effect()
    }
    await expect(table.compact({ rewriteAll: true, partialProgress: true, maxCommits: 4, maxFailedCommits: 1 })).rejects.toThrow('no more lists')
    lake.io.hook = (_, effect) => effect()
    expect(await lake.files()).toEqual(files)
    expect(await contents(table)).toEqual(before)
  })

  it('trap 53: of version 2 keeps what rows are said to be as old as, once the table is upgraded', async () => {
    const { table } = await changeBench(2)
    for (let from = 0; from < 30; from += 10) await table.append(people(from, from + 10))
    const { sequenceNumber } = await table.planCompaction({ rewriteAll: true })
    await table.compact({ rewriteAll: true })
    await table.upgrade(3)
    await table.append(people(30, 31))
    const rows = await table.scan().filter(lt('id', 30n)).metadataColumns('_last_updated_sequence_number').rows().toArray()
    expect(new Set(rows.map((row) => row['_last_updated_sequence_number']))).toEqual(new Set([BigInt(sequenceNumber)]))
  })

  it('goes on with a plan that was executed in part', async () => {
    const { table } = await changeBench(3, { partitionBy: [identity('part')] })
    for (let from = 0; from < 40; from += 10) await table.append(people(from, from + 10))
    await table.delete(isIn('id', [3n, 14n]), { mode: 'merge-on-read' })
    const before = await contents(table)
    const plan = await table.planCompaction({ rewriteAll: true })
    // What was rewritten and not committed by a process that died is nobody's.
    await table.rewriteGroup(2, plan)
    await table.commitCompaction(plan, [await table.rewriteGroup(1, plan)])
    await table.delete(isIn('id', [24n]), { mode: 'merge-on-read' })
    const after = before.filter((text) => !text.includes('"id":"24n"'))
    const result = await table.compact({ plan })
    expect(result).toMatchObject({ skippedGroups: 1, rewrittenGroups: plan.groups.length - 1, failedGroups: [] })
    expect(await contents(table)).toEqual(after)
    expect((await table.compact({ plan })).snapshots).toEqual([])
  })

  it.each([2, 3] as const)('of version %i that is aborted leaves nothing behind, wherever it is', async (version) => {
    const { table, lake } = await changeBench(version as FormatVersion, { partitionBy: [identity('part')] })
    for (let from = 0; from < 40; from += 10) await table.append(people(from, from + 10))
    await table.delete(lt('id', 4n), { mode: 'merge-on-read' })
    const before = await contents(table)
    const files = await lake.files()
    for (const at of [1, 3, 9, 20, 40]) {
      const abort = new AbortController()
      let calls = 0
      lake.io.hook = (_, effect) => {
        if (++calls === at) abort.abort()
        return effect()
      }
      const error = await failureOf(table.compact({ rewriteAll: true, signal: abort.signal }))
      lake.io.hook = (_, effect) => effect()
      expect(error.code, String(at)).toBe('ABORTED')
      expect(await lake.files(), String(at)).toEqual(files)
    }
    await table.refresh()
    expect(await contents(table)).toEqual(before)
  })

  it.each(['binpack', 'sort'] as const)('plans groups again that a copy-on-write delete takes files from, by %s', async (strategy) => {
    const { table, lake } = await changeBench(3)
    for (let from = 0; from < 40; from += 10) await table.append(people(from, from + 10))
    const other = await lake.catalog.loadTable('a.t')
    let isFirst = true
    lake.io.hook = async (call, effect) => {
      if (isFirst && call.operation === 'write') {
        isFirst = false
        await other.delete(gtEq('id', 36n), { mode: 'copy-on-write' })
      }
      return effect()
    }
    const result = await table.compact({ strategy: strategy === 'sort' ? sortBy('name') : 'binpack', rewriteAll: true })
    await other.refresh()
    expect(await contents(table)).toEqual(await contents(other))
    expect(await table.scan().count()).toBe(36)
    expect(result.failedGroups).toEqual([])
    expect(result.rewrittenGroups).toBe(1)
    const live = new Set((await table.inspect.allDataFiles()).map((file) => file.file_path))
    expect((await lake.dataFiles()).filter((file) => !live.has(file))).toEqual([])
  })

  it('FAULTS 30: gets through a writer that never stops', async () => {
    const { table, lake } = await changeBench(3)
    for (let from = 0; from < 40; from += 10) await table.append(people(from, from + 10))
    const other = await lake.catalog.loadTable('a.t')
    let id = 0
    let isBusy = false
    lake.io.hook = async (call, effect) => {
      // Each manifest list that the compaction writes finds another commit in its way, for a while.
      if (!isBusy && id < 3 && call.operation === 'write' && call.location.includes('/snap-')) {
        isBusy = true
        await other.upsert([{ ...person(id++), name: 'upserted' }], ['id'], { mode: 'merge-on-read' })
        isBusy = false
      }
      return effect()
    }
    const result = await table.compact({ rewriteAll: true })
    await other.refresh()
    expect(result.snapshots).toHaveLength(1)
    expect(await contents(table)).toEqual(await contents(other))
    expect((await table.scan().filter('name = \'upserted\'').rows().toArray()).length).toBe(3)
    expect(await table.scan().count()).toBe(40)
  })
})

function renamed({ name, tags: _, ...row }: Record<string, unknown>): Record<string, unknown> {
  return { ...row, label: name }
}
