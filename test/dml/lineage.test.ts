/** Row lineage on version 3: which rows keep their id, and whose sequence number moves. */
import { describe, expect, it } from 'vitest'
import { alwaysTrue, gtEq, identity, schema, t } from '../../src/index.js'
import type { Table } from '../../src/index.js'
import { MODES, changeBench } from '../support/changed-rows.js'

const columns = schema({ id: t.long.required, part: t.int, n: t.int })
const rowsOf = (from: number, to: number): object[] =>
  Array.from({ length: to - from }, (_, i) => ({ id: BigInt(from + i), part: (from + i) % 2, n: 0 }))

/** `_row_id` and `_last_updated_sequence_number` by id. */
async function lineageOf(table: Table): Promise<Map<bigint, readonly [rowId: unknown, lastUpdated: unknown]>> {
  const rows = await table.scan().metadataColumns('_row_id', '_last_updated_sequence_number').rows().toArray()
  return new Map(rows.map((row) => [row['id'] as bigint, [row['_row_id'], row['_last_updated_sequence_number']] as const]))
}

const sequenceOf = (table: Table): bigint => table.currentSnapshot!.sequenceNumber

describe.each(MODES)('row lineage with %s', (mode) => {
  it('updated rows keep their id and get the sequence number of the commit; all others keep both', async () => {
    const { table } = await changeBench(3, { schema: columns, partitionBy: [identity('part')] })
    await table.append(rowsOf(0, 10))
    await table.append(rowsOf(10, 20))
    const before = await lineageOf(table)
    expect(new Set([...before.values()].map(([rowId]) => rowId)).size).toBe(20)
    await table.update(gtEq('id', 8n), { n: 1 }, { mode })
    const first = await lineageOf(table)
    const expected = new Map([...before].map(([id, [rowId, lastUpdated]]) => [id, [rowId, id >= 8n ? sequenceOf(table) : lastUpdated]]))
    expect(first).toEqual(expected)
    // Again, through files that store lineage, and with rows that move to another partition.
    await table.update('id = 9 or id = 3', { part: 5 }, { mode })
    const second = await lineageOf(table)
    const isMoved = (id: bigint): boolean => id === 9n || id === 3n
    expect(second).toEqual(new Map([...first].map(([id, [rowId, last]]) => [id, [rowId, isMoved(id) ? sequenceOf(table) : last]])))
  })

  it('rows that a delete leaves keep both, also when their file is written anew', async () => {
    const { table } = await changeBench(3, { schema: columns })
    await table.append(rowsOf(0, 10))
    await table.update('id < 5', { n: 1 }, { mode })
    const before = await lineageOf(table)
    await table.delete('id = 2 or id = 7', { mode })
    const after = await lineageOf(table)
    expect(after).toEqual(new Map([...before].filter(([id]) => id !== 2n && id !== 7n)))
    await table.append(rowsOf(20, 22))
    const ids = [...(await lineageOf(table)).values()].map(([rowId]) => rowId)
    expect(new Set(ids).size).toBe(10)
  })

  it('rows that an overwrite puts in are new, and those it leaves are not', async () => {
    const { table } = await changeBench(3, { schema: columns })
    await table.append(rowsOf(0, 6))
    const before = await lineageOf(table)
    await table.overwrite(rowsOf(2, 3), 'id >= 2 and id < 4', { mode })
    const after = await lineageOf(table)
    const known = new Set([...before.values()].map(([rowId]) => rowId))
    expect(after.size).toBe(5)
    for (const [id, [rowId, lastUpdated]] of after) {
      if (id === 2n) expect([known.has(rowId), lastUpdated]).toEqual([false, sequenceOf(table)])
      else expect([rowId, lastUpdated]).toEqual(before.get(id))
    }
  })

  it('rows from before an upgrade have no id until their manifest is written again, and then keep theirs', async () => {
    const { table } = await changeBench(2, { schema: columns })
    await table.append(rowsOf(0, 6))
    await table.append(rowsOf(6, 12))
    await table.upgrade(3)
    const upgraded = await lineageOf(table)
    expect([...upgraded.values()].every(([rowId, last]) => rowId === null && last === null)).toBe(true)
    await table.update('id = 1', { n: 1 }, { mode })
    const first = await lineageOf(table)
    expect(new Set([...first.values()].map(([rowId]) => rowId)).size).toBe(12)
    expect([...first.values()].some(([rowId]) => rowId === null)).toBe(false)
    expect(first.get(1n)![1]).toBe(sequenceOf(table))
    await table.update('id = 1 or id = 7', { n: 2 }, { mode })
    const second = await lineageOf(table)
    for (const [id, [rowId, last]] of second) {
      expect([rowId, last], `row ${id}`).toEqual([first.get(id)![0], id === 1n || id === 7n ? sequenceOf(table) : first.get(id)![1]])
    }
  })

  it('ids are never used twice over many changes', async () => {
    const { table } = await changeBench(3, { schema: columns, partitionBy: [identity('part')] })
    const byId = new Map<bigint, unknown>()
    for (let i = 0; i < 4; i++) {
      await table.append(rowsOf(i * 4, i * 4 + 4))
      await table.update(`id >= ${i * 2}`, { n: (row) => (row['n'] as number) + 1 }, { mode })
      await table.delete(`id = ${i * 3}`, { mode })
      const now = await lineageOf(table)
      expect(new Set([...now.values()].map(([rowId]) => rowId)).size).toBe(now.size)
      for (const [id, [rowId]] of now) {
        if (byId.has(id)) expect(rowId).toBe(byId.get(id))
        byId.set(id, rowId)
      }
    }
  })
})

describe('files that store row lineage', () => {
  it('have metrics of its columns, as the reference writes them', async () => {
    const { table } = await changeBench(3, { schema: columns })
    await table.append(rowsOf(0, 4))
    await table.update(alwaysTrue(), { n: 1 })
    const [file] = await table.inspect.dataFiles()
    expect([file!.value_counts!.get(2147483540), file!.null_value_counts!.get(2147483540)]).toEqual([4, 0])
    expect([file!.value_counts!.get(2147483539), file!.null_value_counts!.get(2147483539)]).toEqual([4, 4])
    expect(file!.lower_bounds!.get(2147483540)).toEqual(new Uint8Array(8))
    expect(file!.upper_bounds!.get(2147483540)).toEqual(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0))
    expect(file!.lower_bounds!.has(2147483539)).toBe(false)
  })
})
