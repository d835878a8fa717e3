import { describe, expect, it } from 'vitest'
import { bucket, day, eq, hour, identity, month, schema, t, truncate, year } from '../../src/index.js'
import type { PartitionTerm } from '../../src/index.js'
import { changeBench, countsOf, expectRows, people, person, textsOf, WAYS } from '../support/changed-rows.js'
import { failureOf, rowTexts } from '../support/lake.js'

type Person = Record<string, unknown>
const id = (row: Person): number => Number(row['id'])

describe.each(WAYS)('an overwrite on version $version, $mode', ({ version, mode }) => {
  it('replaces the rows that match, whole files and parts of files, in one snapshot', async () => {
    const { table } = await changeBench(version, { partitionBy: [identity('part')] })
    await table.append(people(0, 20))
    const fresh = people(100, 104)
    const snapshots = table.snapshots.length
    const result = await table.overwrite(fresh, 'part = 1 or id < 4', { mode })
    const rest = people(0, 20).filter((row) => row['part'] !== 1 && id(row) >= 4)
    expect(countsOf(result)).toEqual({ deletedRows: 20 - rest.length, updatedRows: 0, insertedRows: 4 })
    expect([table.snapshots.length - snapshots, result.snapshot!.operation]).toEqual([1, 'overwrite'])
    await expectRows(table, [...rest, ...fresh])
  })

  it('without a filter replaces everything, and without rows only deletes', async () => {
    const { table } = await changeBench(version)
    await table.append(people(0, 8))
    expect(countsOf(await table.overwrite(people(8, 10), undefined, { mode }))).toEqual({ deletedRows: 8, updatedRows: 0, insertedRows: 2 })
    await expectRows(table, people(8, 10))
    expect(countsOf(await table.overwrite([], eq('id', 9n), { mode }))).toEqual({ deletedRows: 1, updatedRows: 0, insertedRows: 0 })
    await expectRows(table, people(8, 9))
    expect((await table.overwrite([], eq('id', 9n), { mode })).snapshot).toBeUndefined()
  })

  it('that fails over a bad row commits nothing and leaves no file', async () => {
    const { lake, table } = await changeBench(version)
    await table.append(people(0, 8))
    const files = await lake.files()
    const bad = [...people(10, 12), { id: 'x' }]
    expect((await failureOf(table.overwrite(bad, 'id < 4', { mode }))).message).toMatch(/row 2: expected long/)
    expect((await failureOf(table.overwrite(people(3, 6), 'id < 5', { mode, requireMatch: true }))).message).toMatch(/row 2: the filter .* id: 5/)
    expect(await lake.files()).toEqual(files)
    await expectRows(table, people(0, 8))
  })

  it('of partitions leaves every other partition as it was, nulls being a partition too', async () => {
    const { table } = await changeBench(version, { partitionBy: [identity('part')] })
    await table.append(people(0, 20))
    const fresh = [{ ...person(50), part: null }, { ...person(51), part: 2 }, { ...person(52), part: 77 }]
    const rest = people(0, 20).filter((row) => row['part'] === 0 || row['part'] === 1)
    const counts = { deletedRows: 20 - rest.length, updatedRows: 0, insertedRows: 3 }
    expect(countsOf(await table.overwritePartitions(fresh, { mode }))).toEqual(counts)
    await expectRows(table, [...rest, ...fresh])
    const { snapshot } = await table.overwritePartitions(fresh, { mode })
    expect(snapshot!.summary.get('replace-partitions')).toBe('true')
    await expectRows(table, [...rest, ...fresh])
    const before = table.snapshots.length
    expect(await table.overwritePartitions([], { mode })).toMatchObject({ snapshot: undefined, deletedRows: 0, insertedRows: 0 })
    expect(table.snapshots.length).toBe(before)
  })

  it('of partitions also replaces rows of theirs that lie in files of an older spec', async () => {
    const { table } = await changeBench(version, { partitionBy: [bucket('id', 2)] })
    await table.append(people(0, 12))
    await table.updateSpec((spec) => spec.addField(identity('part')).removeField('id_bucket'))
    await table.append(people(12, 24))
    const fresh = [{ ...person(60), part: 1 }]
    const rest = people(0, 24).filter((row) => row['part'] !== 1)
    for (let i = 0; i < 2; i++) {
      const result = await table.overwritePartitions(fresh, { mode })
      expect(countsOf(result)).toEqual({ deletedRows: i === 0 ? 24 - rest.length : 1, updatedRows: 0, insertedRows: 1 })
      await expectRows(table, [...rest, ...fresh])
    }
  })

  it('in a dry run counts and writes nothing', async () => {
    const { lake, table } = await changeBench(version, { partitionBy: [identity('part')] })
    await table.append(people(0, 10))
    const files = await lake.files()
    const first = await table.overwrite(people(20, 23), 'id < 4', { mode, dryRun: true })
    const second = await table.overwritePartitions([{ ...person(30), part: 0 }], { mode, dryRun: true })
    expect(countsOf(first)).toEqual({ deletedRows: 4, updatedRows: 0, insertedRows: 3 })
    expect(second).toMatchObject({ snapshot: undefined, deletedRows: people(0, 10).filter((row) => row['part'] === 0).length, insertedRows: 1 })
    expect(await lake.files()).toEqual(files)
  })
})

describe('a dynamic overwrite', () => {
  const columns = schema({ id: t.long.required, at: t.timestamptz, text: t.string })
  const HOUR = 3_600_000_000n
  const rows = Array.from({ length: 24 }, (_, i) => {
    const at = i % 8 === 7 ? null : BigInt(i) * 700n * HOUR - 1n
    return { id: BigInt(i), at, text: ['aa', 'ab', 'b', ''][i % 4]! }
  })
  const keys: Readonly<Record<string, readonly [PartitionTerm, (row: (typeof rows)[number]) => unknown]>> = {
    identity: [identity('text'), (row) => row.text],
    truncate: [truncate('text', 1), (row) => row.text.slice(0, 1)],
    year: [year('at'), (row) => row.at && new Date(Number((row.at + 1n) / 1000n) - 1).getUTCFullYear()],
    month: [month('at'), (row) => row.at && new Date(Number((row.at + 1n) / 1000n) - 1).toISOString().slice(0, 7)],
    day: [day('at'), (row) => row.at && new Date(Number((row.at + 1n) / 1000n) - 1).toISOString().slice(0, 10)],
    hour: [hour('at'), (row) => row.at && new Date(Number((row.at + 1n) / 1000n) - 1).toISOString().slice(0, 13)],
  }

  it.each(Object.keys(keys))('by %s replaces whole partitions, and repeated gives the same', async (name) => {
    const [term, keyOf] = keys[name]!
    const { table } = await changeBench(2, { schema: columns, partitionBy: [term] })
    await table.append(rows)
    const fresh = [rows[2]!, rows[7]!].map((row) => ({ ...row, id: row.id + 100n }))
    const replaced = new Set(fresh.map(keyOf))
    const rest = rows.filter((row) => !replaced.has(keyOf(row)))
    for (const gone of [rows.length - rest.length, 2]) {
      expect((await table.overwritePartitions(fresh)).deletedRows).toBe(gone)
      await expectRows(table, [...rest, ...fresh])
    }
  })

  it('of a table that is not partitioned replaces the table', async () => {
    const { table } = await changeBench(2)
    await table.append(people(0, 5))
    expect((await table.overwritePartitions(people(5, 7))).deletedRows).toBe(5)
    await expectRows(table, people(5, 7))
  })

  it('trap 66: of a branch replaces partitions of the branch', async () => {
    const { table } = await changeBench(3, { partitionBy: [identity('part')] })
    await table.append(people(0, 10))
    await table.append([{ ...person(20), part: 0 }], { branch: 'audit' })
    const result = await table.overwritePartitions([{ ...person(30), part: 0 }], { branch: 'audit' })
    expect(result.deletedRows).toBe(people(0, 10).filter((row) => row['part'] === 0).length + 1)
    const rest = people(0, 10).filter((row) => row['part'] !== 0)
    expect(await textsOf(table, 'audit')).toEqual(rowTexts([...rest, { ...person(30), part: 0 }]))
    await expectRows(table, people(0, 10))
  })
})
