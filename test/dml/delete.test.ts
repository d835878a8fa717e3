import { describe, expect, it } from 'vitest'
import { alwaysTrue, and, bucket, day, eq, gtEq, identity, isIn, isNull, lt, notEq, or, schema, t, truncate } from '../../src/index.js'
import type { Expression, PartitionTerm } from '../../src/index.js'
import { changeBench, countsOf, expectRows, people, person, textsOf, WAYS } from '../support/changed-rows.js'
import { failureOf, rowTexts } from '../support/lake.js'

type Person = Record<string, unknown>
const id = (row: Person): number => Number(row['id'])
const city = (row: Person): unknown => (row['home'] as { city: string } | null)?.city

/** Filters with what they mean. */
const FILTERS: readonly (readonly [filter: Expression | string, matches: (row: Person) => boolean])[] = [
  [eq('id', 7n), (row) => id(row) === 7],
  [and(gtEq('id', 10n), lt('id', 30n)), (row) => id(row) >= 10 && id(row) < 30],
  [isNull('part'), (row) => row['part'] === null],
  [eq('part', 1), (row) => row['part'] === 1],
  [notEq('part', 1), (row) => row['part'] !== null && row['part'] !== 1],
  ["name = 'n8' or score > 20", (row) => row['name'] === 'n8' || (row['score'] !== null && (row['score'] as number) > 20)],
  [isIn('home.city', ['c1', 'c2']), (row) => city(row) === 'c1' || city(row) === 'c2'],
  [or(eq('part', 0), lt('id', 6n)), (row) => row['part'] === 0 || id(row) < 6],
  [alwaysTrue(), () => true],
]

const SPECS: Readonly<Record<string, readonly PartitionTerm[]>> = {
  nothing: [],
  'a column': [identity('part')],
  'buckets and truncation': [bucket('id', 3), truncate('name', 1)],
}

/** A third of the filters, another one for each way and partitioning; all of them with FLOE_ALL=1. */
function filtersOf(partitionBy: readonly PartitionTerm[], version: number, mode: string): readonly (typeof FILTERS)[number][] {
  if (process.env['FLOE_ALL'] === '1') return FILTERS
  const share = (partitionBy.length + version + mode.length) % 3
  return FILTERS.filter((_, i) => i % 3 === share)
}

describe.each(WAYS)('a delete on version $version, $mode', ({ version, mode }) => {
  it.each(Object.entries(SPECS))('FAULTS 35: of a table partitioned by %s deletes what a plain array loses, and counts it', async (_, partitionBy) => {
    const { table } = await changeBench(version, { partitionBy })
    await table.append(people(0, 30))
    await table.append(people(30, 50))
    for (const [i, [filter, matches]] of filtersOf(partitionBy, version, mode).entries()) {
      const result = await table.delete(filter, { mode, branch: `b${i}` })
      const rest = people(0, 50).filter((row) => !matches(row))
      const message = JSON.stringify(filter, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
      expect(countsOf(result), message).toEqual({ deletedRows: 50 - rest.length, updatedRows: 0, insertedRows: 0 })
      expect(await textsOf(table, `b${i}`), message).toEqual(rowTexts(rest))
    }
    await expectRows(table, people(0, 50))
  })

  it('again and again loses each row once, and a repeated delete finds nothing and commits nothing', async () => {
    const { table } = await changeBench(version, { partitionBy: [identity('part')] })
    await table.append(people(0, 40))
    let rest = people(0, 40)
    for (const [first, end] of [[3, 9], [5, 12], [30, 33], [0, 40]] as const) {
      const gone = rest.filter((row) => id(row) >= first && id(row) < end)
      const result = await table.delete(and(gtEq('id', BigInt(first)), lt('id', BigInt(end))), { mode })
      expect(result.deletedRows).toBe(gone.length)
      rest = rest.filter((row) => !gone.includes(row))
      await expectRows(table, rest)
    }
    const { snapshots } = table
    const nothing = await table.delete(alwaysTrue(), { mode })
    expect(nothing).toMatchObject({ snapshot: undefined, deletedRows: 0, removedDataFiles: 0 })
    expect(table.snapshots).toHaveLength(snapshots.length)
  })

  it('removes a data file that has no row left, with its deletes', async () => {
    const { table } = await changeBench(version)
    await table.append(people(0, 10))
    await table.append(people(10, 20))
    await table.delete('score < 1 or id = 1', { mode })
    await table.delete('score >= 0 and score < 3 or score is null and id < 10', { mode })
    const result = await table.delete('id < 10 and score is not null', { mode })
    await expectRows(table, people(10, 20))
    expect(await table.inspect.dataFiles()).toHaveLength(1)
    expect(await table.inspect.deleteFiles()).toHaveLength(0)
    expect(result.removedDataFiles).toBe(1)
  })

  it('trap 31: deletes under the spec of each data file, when the spec has changed meanwhile', async () => {
    const { table } = await changeBench(version, { partitionBy: [identity('part')] })
    await table.append(people(0, 20))
    await table.updateSpec((spec) => spec.removeField('part').addField(bucket('id', 2)))
    await table.append(people(20, 40))
    const result = await table.delete("home.city = 'c1'", { mode })
    const rest = people(0, 40).filter((row) => city(row) !== 'c1')
    expect(result.deletedRows).toBe(40 - rest.length)
    await expectRows(table, rest)
    const bySpec = new Map((await table.inspect.dataFiles()).map((file) => [file.file_path, file]))
    for (const deletes of await table.inspect.deleteFiles()) {
      if (deletes.referenced_data_file === null) continue
      const data = bySpec.get(deletes.referenced_data_file)!
      expect(deletes.spec_id).toBe(data.spec_id)
      expect(deletes.partition).toEqual(data.partition)
    }
    await table.delete('part = 0', { mode })
    await expectRows(table, rest.filter((row) => row['part'] !== 0))
  })

  it('trap 66: of a branch is planned on the branch, and leaves main alone', async () => {
    const { table } = await changeBench(version)
    await table.append(people(0, 10))
    await table.append(people(10, 20), { branch: 'audit' })
    const result = await table.delete('id >= 5', { mode, branch: 'audit' })
    expect(result.deletedRows).toBe(15)
    expect(await textsOf(table, 'audit')).toEqual(rowTexts(people(0, 5)))
    await expectRows(table, people(0, 10))
    const fresh = await table.delete('id < 3', { mode, branch: 'fresh' })
    expect(fresh.deletedRows).toBe(3)
    expect(await textsOf(table, 'fresh')).toEqual(rowTexts(people(3, 10)))
  })

  it('sees columns that were added, renamed and promoted since the files were written', async () => {
    const columns = schema({ id: t.int.required, kind: t.string })
    const { table } = await changeBench(version, { schema: columns })
    await table.append([{ id: 1, kind: 'a' }, { id: 2, kind: 'b' }])
    await table.updateSchema((update) => {
      update.updateColumn('id', t.long)
      update.renameColumn('kind', 'sort')
      if (version === 3) update.addColumn('level', t.int, { default: 7 })
      else update.addColumn('level', t.int)
    })
    const old = version === 3 ? 7 : null
    await table.append([{ id: 3n, sort: 'a', level: 1 }, { id: 4n, sort: 'b', level: 7 }])
    expect((await table.delete('level = 7', { mode, dryRun: true })).deletedRows).toBe(version === 3 ? 3 : 1)
    const result = await table.delete(old === null ? 'level is null and id = 1' : 'level = 7 and id = 1', { mode })
    expect(result.deletedRows).toBe(1)
    await expectRows(table, [{ id: 2n, sort: 'b', level: old }, { id: 3n, sort: 'a', level: 1 }, { id: 4n, sort: 'b', level: 7 }])
  })

  it('counts without changing anything in a dry run', async () => {
    const { lake, table } = await changeBench(version, { partitionBy: [identity('part')] })
    await table.append(people(0, 20))
    const files = await lake.files()
    const planned = await table.delete('part = 1 or id = 0', { mode, dryRun: true })
    expect(planned).toMatchObject({ snapshot: undefined, deletedRows: people(0, 20).filter((row) => row['part'] === 1 || id(row) === 0).length })
    expect(await lake.files()).toEqual(files)
    await expectRows(table, people(0, 20))
  })
})

describe('a delete of whole files', () => {
  it('reads no data file where partitions and metrics prove that all of their rows match', async () => {
    const { lake, table } = await changeBench(3, { schema: schema({ id: t.long.required, at: t.timestamptz }), partitionBy: [day('at')] })
    const DAY = 86_400_000_000n
    await table.append(Array.from({ length: 30 }, (_, i) => ({ id: BigInt(i), at: BigInt(i % 3) * DAY + 5n })))
    await table.append([{ id: 100n, at: null }])
    lake.io.calls.length = 0
    const byPartition = await table.delete(lt('at', 2n * DAY))
    const byMetrics = await table.delete(gtEq('id', 50n))
    expect([byPartition, byMetrics].map(({ deletedRows, removedDataFiles }) => [deletedRows, removedDataFiles])).toEqual([[20, 2], [1, 1]])
    expect(byPartition.snapshot!.operation).toBe('delete')
    expect(lake.io.calls.filter(({ operation, location }) => operation === 'read' && location.endsWith('.parquet'))).toEqual([])
    expect(await table.scan().count()).toBe(10)
  })

  it('counts only rows that were live', async () => {
    for (const version of [2, 3] as const) {
      const { table } = await changeBench(version, { partitionBy: [identity('part')] })
      await table.append(people(0, 30))
      await table.delete('id < 12', { mode: 'merge-on-read' })
      const rest = people(12, 30)
      const result = await table.delete('part = 2')
      expect(result.deletedRows).toBe(rest.filter((row) => row['part'] === 2).length)
      await expectRows(table, rest.filter((row) => row['part'] !== 2))
    }
  })
})

describe('merge-on-read', () => {
  it('trap 42: a data file has one vector, which holds the previous ones and the position deletes from before an upgrade', async () => {
    const { table } = await changeBench(2, { properties: { 'write.delete.mode': 'merge-on-read', 'write.delete.granularity': 'file' } })
    await table.append(people(0, 20))
    await table.delete('id = 1')
    await table.delete('id = 2')
    expect((await table.inspect.deleteFiles()).map((file) => file.record_count)).toEqual([2])
    await table.upgrade(3)
    const upgraded = await table.delete('id = 3')
    expect(upgraded).toMatchObject({ deletedRows: 1, addedDeleteFiles: 1, removedDeleteFiles: 1 })
    const again = await table.delete('id = 4 or id = 5')
    expect(again).toMatchObject({ deletedRows: 2, addedDeleteFiles: 1, removedDeleteFiles: 1 })
    const [vector, ...others] = await table.inspect.deleteFiles()
    expect(others).toEqual([])
    expect(vector).toMatchObject({ file_format: 'PUFFIN', record_count: 5, referenced_data_file: (await table.inspect.dataFiles())[0]!.file_path })
    await expectRows(table, people(0, 20).filter((row) => id(row) === 0 || id(row) > 5))
  })

  it('trap 42: position delete files of a whole partition stay for the other data files, and the vector holds their rows', async () => {
    const { table } = await changeBench(2, { properties: { 'write.delete.mode': 'merge-on-read' } })
    await table.append(people(0, 10))
    await table.append(people(10, 20))
    await table.delete('id = 1 or id = 11')
    await table.upgrade(3)
    const result = await table.delete('id = 2')
    expect(result.deletedRows).toBe(1)
    await expectRows(table, people(0, 20).filter((row) => ![1, 2, 11].includes(id(row))))
    const vectors = (await table.inspect.deleteFiles()).filter((file) => file.file_format === 'PUFFIN')
    expect(vectors.map((file) => file.record_count)).toEqual([2])
  })

  it.each(['file', 'partition'])('on version 2 writes position delete files by %s, as the table says', async (granularity) => {
    const properties = { 'write.delete.mode': 'merge-on-read', 'write.delete.granularity': granularity }
    const { table } = await changeBench(2, { properties })
    for (let first = 0; first < 30; first += 10) await table.append(people(first, first + 10))
    await table.delete('id = 1 or id = 11 or id = 21')
    expect(await table.inspect.deleteFiles()).toHaveLength(granularity === 'file' ? 3 : 1)
    await table.delete('id = 2 or id = 12')
    expect((await table.inspect.deleteFiles()).map((file) => file.record_count).sort()).toEqual(granularity === 'file' ? [1, 2, 2] : [2, 3])
    await expectRows(table, people(0, 30).filter((row) => ![1, 11, 21, 2, 12].includes(id(row))))
  })

  it('many vectors of one delete share a file', async () => {
    const { table } = await changeBench(3, { partitionBy: [bucket('id', 8)] })
    await table.append(people(0, 200))
    const result = await table.delete("home.city = 'c1'", { mode: 'merge-on-read' })
    expect(result.addedDeleteFiles).toBe(8)
    expect(new Set((await table.inspect.deleteFiles()).map((file) => file.file_path)).size).toBe(1)
  })
})

describe('the options of a delete', () => {
  it('the mode is the call’s, else the table’s, else copy-on-write', async () => {
    const { table } = await changeBench(2)
    await table.append(people(0, 20))
    expect((await table.delete('id = 1')).addedDeleteFiles).toBe(0)
    expect((await table.delete('id = 2', { mode: 'merge-on-read' })).addedDeleteFiles).toBe(1)
    await table.updateProperties({ 'write.delete.mode': 'merge-on-read' })
    expect((await table.delete('id = 3')).addedDeleteFiles).toBe(1)
    expect((await table.delete('id = 4', { mode: 'copy-on-write' })).addedDeleteFiles).toBe(0)
  })

  it('a delete that is repeated with its token deletes once, and answers the same', async () => {
    const { table } = await changeBench(3)
    await table.append(people(0, 20))
    const first = await table.delete('id < 5', { idempotencyToken: 'job 1', summary: { job: '1' } })
    expect(first).toMatchObject({ deletedRows: 5, isRepeat: false })
    expect(first.snapshot!.summary.get('job')).toBe('1')
    await table.append(people(0, 3))
    const again = await table.delete('id < 5', { idempotencyToken: 'job 1' })
    expect(again).toMatchObject({ deletedRows: 5, isRepeat: true })
    expect(again.snapshot!.snapshotId).toBe(first.snapshot!.snapshotId)
    expect(await table.scan().count()).toBe(18)
  })

  it('an aborted delete commits nothing and leaves no file', async () => {
    const { lake, table } = await changeBench(3)
    await table.append(people(0, 20))
    const files = await lake.files()
    const abort = new AbortController()
    const deleting = table.delete('score > 1', { signal: abort.signal, onProgress: () => abort.abort() })
    expect((await failureOf(deleting)).code).toBe('ABORTED')
    expect(await lake.files()).toEqual(files)
    expect((await failureOf(table.delete('id = 1', { signal: abort.signal }))).code).toBe('ABORTED')
  })

  it('whatever is no filter, or no option, is refused and deletes nothing', async () => {
    const { table } = await changeBench(3)
    await table.append(people(0, 5))
    const wrong = [
      table.delete(undefined as never), table.delete({} as never), table.delete('id ='), table.delete('nope = 1'),
      table.delete('id = 1', { mode: 'vectors' as never }), table.delete('id = 1', { isolation: 'none' as never }),
      table.delete('id = 1', { branch: '' }), table.delete('id = 1', { idempotencyToken: '' }), table.delete('id = 1', { summary: { a: 1 as never } }),
      table.delete('id = 1', { summary: { 'added-records': '1' } }),
    ]
    for (const [i, action] of wrong.entries()) expect((await failureOf(action)).code, `case ${i}`).toBe(i === 3 ? 'NOT_FOUND' : 'INVALID')
    await expectRows(table, people(0, 5))
  })

  it('an empty table, and an empty branch, have nothing to delete', async () => {
    const { table } = await changeBench(3)
    expect(await table.delete(alwaysTrue())).toMatchObject({ snapshot: undefined, deletedRows: 0 })
    expect(await table.delete('id = 1', { branch: 'other' })).toMatchObject({ snapshot: undefined, deletedRows: 0 })
    expect(person(1)['id']).toBe(1n)
  })
})
