/** Which deletes a plan applies to a table's files, and that leaving out the others changes no row. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { and, eq, gtEq, isNull, lt, schema, t } from '../../src/index.js'
import type { Table, TableScan } from '../../src/index.js'
import { planScan } from '../../src/scan/plan-scan.js'
import { column, memoryLake } from '../support/lake.js'
import type { Lake } from '../support/lake.js'

let lake: Lake
let count = 0

beforeAll(async () => {
  lake = await memoryLake()
})
afterAll(async () => {
  await lake.catalog.close()
})

const idsOf = async (scan: TableScan | Table): Promise<number[]> => (await column(scan, 'id')).map(Number)

/** Two files of ids 0–9 and 10–19, whose keys 3, 13 and 14 are deleted by two equality delete files, and 5 by position. */
async function deleted(options: object = {}): Promise<Table> {
  const table = await lake.catalog.createTable(`deletes.t${++count}`, { schema: schema({ id: t.long, kind: t.string, n: t.int }), ...options })
  for (const start of [0, 10]) {
    await table.append(Array.from({ length: 10 }, (_, i) => ({ id: BigInt(start + i), kind: i % 2 === 0 ? 'even' : 'odd', n: i === 0 ? null : i })))
  }
  await table.deleteByKeys([{ id: 3n }], ['id'])
  await table.deleteByKeys([{ id: 13n }, { id: 14n }], ['id'])
  const [first] = [...(await table.scan().filter(lt('id', 10)).plan()).files()]
  await table.rowDelta({ deletePositions: new Map([[first!.filePath, [5]]]) })
  return table
}

const left = [0, 1, 2, 4, 6, 7, 8, 9, 10, 11, 12, 15, 16, 17, 18, 19]

describe.each([2, 3] as const)('planned deletes of format version %i', (formatVersion) => {
  it('are left out of files whose bounds they do not meet', async () => {
    const table = await deleted({ formatVersion })
    const plan = await table.scan().plan()
    const kinds = [...plan.files()].map((file) => file.deletes.map((deletes) => deletes.content).sort())
    expect(kinds.sort((a, b) => a.length - b.length)).toEqual([['equality-deletes'], ['equality-deletes', 'position-deletes']])
    expect(plan.report.filesWithDeletes).toBe(2)
    const positions = formatVersion === 3 ? { vectors: 1, positionFiles: 0 } : { vectors: 0, positionFiles: 1 }
    expect(plan.report.deletes).toMatchObject({ ...positions, equalityFiles: 2 })
    expect(await idsOf(table)).toEqual(left)
    expect(await table.scan().count()).toBe(left.length)
  })

  it('are left out where no row that the filter selects has their keys, but not for who reads the other rows too', async () => {
    const table = await deleted({ formatVersion })
    const filter = and(gtEq('id', 0), lt('id', 3))
    const equality = async (scan: TableScan): Promise<number> => (await scan.plan()).report.deletes.equalityFiles
    expect(await equality(table.scan().filter(filter))).toBe(0)
    expect(await equality(table.scan().filter(eq('id', 13)))).toBe(1)
    const { metadata } = table
    const snapshot = table.currentSnapshot
    const whole = await planScan({ io: lake.io, metadata, snapshot, schema: table.scan().schema, filter })
    expect(whole.report.deletes.equalityFiles).toBe(1)
    expect([...whole.files()][0]!.snapshotId).toBe(snapshot!.snapshotId)
    for (const id of [2, 3, 5, 13, 15]) expect(await idsOf(table.scan().filter(eq('id', id)))).toEqual(left.filter((kept) => kept === id))
  })

  it('are not left out for what their other columns say', async () => {
    const table = await deleted({ formatVersion })
    await table.append([{ id: 7n, kind: 'even', n: 1 }], { branch: 'elsewhere' })
    const written = [...(await table.scan().useRef('elsewhere').filter(eq('n', 1)).plan()).files()].map((file) => file.dataFile())
    const stale = written.find((file) => file.recordCount === 1)!
    await table.rowDelta({ addDeleteFiles: [{ ...stale, content: 'equality-deletes', equalityIds: [1], firstRowId: undefined, splitOffsets: undefined }] })
    expect(await idsOf(table.scan().filter(and(eq('kind', 'odd'), eq('n', 7))))).toEqual([17])
    expect(await idsOf(table.scan().filter(isNull('n')))).toEqual([0, 10])
  })

  it('trap 22: limits count rows that are left, whatever the filter', async () => {
    const table = await deleted({ formatVersion })
    for (const limit of [1, 5, 16, 20]) {
      expect(await table.scan().limit(limit).rows().toArray()).toHaveLength(Math.min(limit, 16))
      expect(await table.scan().limit(limit).count()).toBe(Math.min(limit, 16))
      expect(await table.scan().filter(eq('kind', 'odd')).limit(limit).count()).toBe(Math.min(limit, left.filter((id) => id % 2 === 1).length))
    }
  })
})

describe('planned deletes by partition', () => {
  it('trap 34: stay in their partition, and are not looked at for others', async () => {
    const columns = schema({ id: t.long, kind: t.string })
    const table = await lake.catalog.createTable(`deletes.t${++count}`, { schema: columns, partitionBy: ['kind'] })
    await table.append(['a', 'b', null].flatMap((kind) => [1n, 2n].map((id) => ({ id, kind }))))
    await table.deleteByKeys([{ id: 1n, kind: 'a' }, { id: 2n, kind: null }], ['id'])
    const rows = await table.scan().rows().toArray()
    expect(rows.map((row) => `${String(row['kind'])}${String(row['id'])}`).sort()).toEqual(['a2', 'b1', 'b2', 'null1'])
    const plan = await table.scan().filter(eq('kind', 'b')).plan({ explain: true })
    expect(plan.report.filesWithDeletes).toBe(0)
    expect(plan.report.decisions!.filter(({ kind, read }) => kind === 'delete' && read)).toEqual([])
  })
})
