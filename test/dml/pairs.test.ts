/** Every two kinds of change after each other: what the first took away stays away. */
import { describe, expect, it } from 'vitest'
import { and, gtEq, identity, lt } from '../../src/index.js'
import type { Row, Table, WriteMode } from '../../src/index.js'
import { changeBench, people, person, textsOf } from '../support/changed-rows.js'
import { rowTexts } from '../support/lake.js'

type Person = Record<string, unknown>
const id = (row: Person): number => Number(row['id'])

interface Change {
  readonly name: string
  /** Changes rows from `first` on, before `end`, of a branch and of the model alike; `branch` also tells the changes apart. */
  apply(table: Table, model: readonly Person[], range: readonly [first: number, end: number, branch: string]): Promise<Person[]>
}

const blank: Person = Object.fromEntries(Object.keys(person(0)).map((name) => [name, null]))

const within = (first: number, end: number): ReturnType<typeof and> => and(gtEq('id', BigInt(first)), lt('id', BigInt(end)))
const outside = (rows: readonly Person[], first: number, end: number): Person[] => rows.filter((row) => id(row) < first || id(row) >= end)

function deleteBy(mode: WriteMode): Change {
  return {
    name: `delete ${mode}`,
    async apply(table, model, [first, end, branch]) {
      const rest = outside(model, first, end)
      expect((await table.delete(within(first, end), { mode, branch })).deletedRows).toBe(model.length - rest.length)
      return rest
    },
  }
}

function updateBy(mode: WriteMode): Change {
  return {
    name: `update ${mode}`,
    async apply(table, model, [first, end, branch]) {
      const found = model.filter((row) => id(row) >= first && id(row) < end)
      const result = await table.update(within(first, end), { name: (row) => `${row['name'] as string}${branch}`, part: 1 }, { mode, branch })
      expect([result.updatedRows, result.deletedRows]).toEqual([found.length, 0])
      return [...outside(model, first, end), ...found.map((row) => ({ ...row, name: `${row['name'] as string}${branch}`, part: 1 }))]
    },
  }
}

function overwriteBy(mode: WriteMode): Change {
  return {
    name: `overwrite ${mode}`,
    async apply(table, model, [first, end, branch]) {
      const rest = outside(model, first, end)
      const fresh = [{ ...person(first), name: `new${branch}` }]
      const result = await table.overwrite(fresh, within(first, end), { mode, branch, requireMatch: true })
      expect([result.deletedRows, result.insertedRows]).toEqual([model.length - rest.length, 1])
      return [...rest, ...fresh]
    },
  }
}

const deleteByKeys: Change = {
  name: 'equality delete',
  async apply(table, model, [first, end, branch]) {
    const keys = people(first, end).flatMap((row) => [0, 1].map((part) => ({ id: row['id'], part })))
    await table.deleteByKeys(keys, ['id'], { branch })
    return outside(model, first, end)
  },
}

const overwritePartition: Change = {
  name: 'overwrite of a partition',
  async apply(table, model, [first, , branch]) {
    const fresh = [{ ...person(first), part: 0, name: `whole${branch}` }]
    const gone = model.filter((row) => row['part'] === 0)
    const result = await table.overwritePartitions(fresh, { branch })
    expect([result.deletedRows, result.insertedRows]).toEqual([gone.length, 1])
    return [...model.filter((row) => row['part'] !== 0), ...fresh]
  },
}

const convert: Change = {
  name: 'conversion of equality deletes',
  async apply(table, model, [, , branch]) {
    await table.convertEqualityDeletes({ branch })
    if (table.refs.has(branch)) expect((await table.inspect.deleteFiles({ ref: branch })).filter((file) => file.content === 2)).toEqual([])
    return [...model]
  },
}

const compact: Change = {
  name: 'compaction',
  async apply(table, model, [, , branch]) {
    await table.compact({ rewriteAll: true, branch: table.refs.has(branch) ? branch : 'main' })
    if (table.refs.has(branch)) expect(await table.inspect.deleteFiles({ ref: branch })).toEqual([])
    return [...model]
  },
}

const CHANGES: readonly Change[] = [
  deleteBy('merge-on-read'), deleteBy('copy-on-write'), updateBy('merge-on-read'), updateBy('copy-on-write'),
  overwriteBy('merge-on-read'), overwriteBy('copy-on-write'), deleteByKeys, overwritePartition, convert, compact,
]

async function lineageOf(table: Table, branch: string): Promise<Map<string, unknown>> {
  const rows = await table.scan().useRef(branch).select('id').metadataColumns('_row_id').rows().toArray()
  return new Map(rows.map((row) => [String(row['_row_id']), row['id']]))
}

describe.each([2, 3] as const)('FAULTS 27: two changes on version %d', (version) => {
  it.each(CHANGES.map((change) => change.name))('%s, and then any other: no row comes back, and none is lost', async (name) => {
    const first = CHANGES.find((change) => change.name === name)!
    const { table } = await changeBench(version, { partitionBy: [identity('part')], properties: { 'write.delete.granularity': 'file' } })
    const all = [...people(0, 14), ...people(14, 18)].map((row) => ({ ...row, part: id(row) % 2 }))
    await table.append(all.slice(0, 14))
    await table.append(all.slice(14))
    const between = await first.apply(table, all, [2, 9, 'main'])
    expect(await textsOf(table), `after ${first.name}`).toEqual(rowTexts(between as Row[]))
    const before = version === 3 ? await lineageOf(table, 'main') : undefined
    for (const [i, second] of CHANGES.entries()) {
      const branch = `b${i}`
      // A change that finds nothing to do makes no branch.
      await table.append([{ id: 100n, part: 1 }], { branch })
      const extra = { ...blank, id: 100n, part: 1 }
      const after = await second.apply(table, [...between, extra], [5, 13, branch])
      expect(await textsOf(table, branch), `${first.name}, then ${second.name}`).toEqual(rowTexts(after as Row[]))
      if (before === undefined) continue
      // Whatever was written anew has its id still, and an id stands for one row.
      const now = await lineageOf(table, branch)
      expect(now.size).toBe(after.length)
      for (const [rowId, key] of now) if (before.has(rowId)) expect(key, `row id ${rowId} after ${second.name}`).toBe(before.get(rowId))
    }
  })
})
