import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { and, eq, gtEq, identity, lt, schema, t } from '../../src/index.js'
import type { Row, Snapshot, Table } from '../../src/index.js'
import { parseCursor } from '../../src/scan/changes/change-cursor.js'
import type { ScanChangesOptions } from '../../src/table/changes-scan.js'
import { column, failureOf, memoryLake } from '../support/lake.js'
import type { Lake } from '../support/lake.js'

let lake: Lake
let count = 0
const create = (options: object = {}): Promise<Table> =>
  lake.catalog.createTable(`changes.t${++count}`, { schema: schema({ id: t.long.required, kind: t.string, n: t.int }), formatVersion: 3, ...options })
const rows = (...ids: number[]): object[] => ids.map((id) => ({ id: BigInt(id), kind: 'a', n: id * 10 }))
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const text = (row: Row): string => `${String(row['_change_ordinal'])} ${String(row['_change_type'])} ${String(row['id'])} ${String(row['kind'])}`
const changesOf = async (table: Table, options: ScanChangesOptions = {}): Promise<string[]> =>
  (await table.scanChanges(options).rows().toArray()).map(text)
const mor = { mode: 'merge-on-read' } as const
const cow = { mode: 'copy-on-write' } as const

beforeAll(async () => {
  lake = await memoryLake()
})
afterAll(async () => {
  await lake.catalog.close()
})

describe('changes', () => {
  it('have the type, the ordinal and the snapshot of each, after the columns of the table', async () => {
    const table = await create()
    const { snapshotId } = await table.append(rows(1))
    const scan = table.scanChanges()
    expect(scan.schema.fields.slice(-3).map(({ id, name }) => [id, name])).toEqual([
      [2147483543, '_change_type'],
      [2147483542, '_change_ordinal'],
      [2147483541, '_commit_snapshot_id'],
    ])
    expect(await scan.rows().toArray()).toEqual([{ id: 1n, kind: 'a', n: 10, _change_type: 'INSERT', _change_ordinal: 0, _commit_snapshot_id: snapshotId }])
  })

  it.each([mor, cow])('of updates and deletes are pairs and deletes, however they were written: %o', async (mode) => {
    const table = await create()
    const first = await table.append(rows(...range(0, 20)))
    await table.update(eq('id', 3n), { kind: 'b' }, mode)
    await table.delete(eq('id', 3n), mode)
    await table.delete(and(gtEq('id', 2n), lt('id', 5n)), mode)
    expect(await changesOf(table, { from: first.snapshotId })).toEqual([
      '0 UPDATE_BEFORE 3 a',
      '0 UPDATE_AFTER 3 b',
      '1 DELETE 3 b',
      '2 DELETE 2 a',
      '2 DELETE 4 a',
    ])
  })

  it('of a row that was replaced by an equal one net to nothing, though its row id is another', async () => {
    const table = await create()
    const { snapshotId: from } = await table.append(rows(1))
    await table.append(rows(2))
    await table.overwrite(rows(2), eq('id', 2n))
    await table.overwrite([], eq('id', 2n))
    expect(await changesOf(table, { from })).toEqual(['0 INSERT 2 a', '2 DELETE 2 a'])
    expect(await changesOf(table, { from, net: true })).toEqual([])
  })

  it('of a file that was rewritten cost what changed in it, where rows say since when they are as they are', async () => {
    const ids = range(0, 20_000)
    const long = (id: number): string => Array.from({ length: 40 }, (_, i) => Math.imul(id * 40 + i + 1, 0x9e37_79b1).toString(36)).join('')
    const table = await create({ properties: { 'write.parquet.page-row-limit': '1000' } })
    const { snapshotId: from } = await table.append(ids.map((id) => ({ id: BigInt(id), kind: long(id), n: id * 7919 })))
    await table.update(eq('id', 17_777n), { n: 1 }, cow)
    let read = 0
    lake.io.hook = async (call, effect) => {
      const found = await effect()
      const bytes = Array.isArray(found) ? (found as Uint8Array[]) : found instanceof Uint8Array ? [found] : []
      if (call.location.endsWith('.parquet')) read += bytes.reduce((sum, part) => sum + part.length, 0)
      return found
    }
    try {
      expect(await changesOf(table, { from })).toEqual([`0 UPDATE_BEFORE 17777 ${long(17_777)}`, `0 UPDATE_AFTER 17777 ${long(17_777)}`])
    } finally {
      lake.io.hook = (_, effect) => effect()
    }
    const sizes = (await table.inspect.files()).map((file) => Number(file.file_size_in_bytes))
    expect(read).toBeLessThan(sizes.reduce((sum, size) => sum + size, 0) / 3)
  })

  it('tell deletes from inserts where nothing identifies a row, deletes first', async () => {
    const table = await create({ formatVersion: 2 })
    const { snapshotId: from } = await table.append(rows(1, 2, 3))
    await table.update(eq('id', 2n), { kind: 'b' }, cow)
    expect(await changesOf(table, { from })).toEqual(['0 DELETE 2 a', '0 INSERT 2 b'])
    expect(await changesOf(table, { from, keys: ['id'] })).toEqual(['0 UPDATE_BEFORE 2 a', '0 UPDATE_AFTER 2 b'])
  })

  it('are paired by the identifier fields of the schema, and not at all with an empty list of keys', async () => {
    const table = await lake.catalog.createTable(`changes.t${++count}`, {
      schema: schema({ id: t.long.required, kind: t.string, n: t.int }, { identifierFields: ['id'] }),
      formatVersion: 2,
    })
    const { snapshotId: from } = await table.append(rows(1, 2))
    await table.update(eq('id', 2n), { kind: 'b' }, mor)
    expect(await changesOf(table, { from })).toEqual(['0 UPDATE_BEFORE 2 a', '0 UPDATE_AFTER 2 b'])
    expect(await changesOf(table, { from, keys: [] })).toEqual(['0 DELETE 2 a', '0 INSERT 2 b'])
  })

  it('of equality deletes are the rows that were there, and none that was gone already', async () => {
    const table = await create({ formatVersion: 2 })
    await table.append(rows(1, 2, 3))
    const { snapshotId: from } = await table.append(rows(4))
    await table.deleteByKeys([{ id: 1n }, { id: 4n }, { id: 9n }], ['id'])
    await table.deleteByKeys([{ id: 1n }, { id: 2n }], ['id'])
    await table.append(rows(1))
    expect((await changesOf(table, { from })).sort()).toEqual(['0 DELETE 1 a', '0 DELETE 4 a', '1 DELETE 2 a', '2 INSERT 1 a'])
    expect(await changesOf(table, { from, net: true, keys: ['id'] })).toEqual(['0 DELETE 4 a', '1 DELETE 2 a'])
  })

  it('that undo each other are left out of net ones, and of the others the first and the last state is told', async () => {
    const table = await create()
    const { snapshotId: from } = await table.append(rows(1, 2, 3))
    await table.append(rows(7))
    await table.update(eq('id', 2n), { kind: 'b' }, mor)
    await table.update(eq('id', 2n), { kind: 'c' }, mor)
    await table.update(eq('id', 3n), { kind: 'z' }, mor)
    await table.update(eq('id', 3n), { kind: 'a' }, mor)
    await table.delete(eq('id', 7n), mor)
    await table.delete(eq('id', 1n), cow)
    expect(await changesOf(table, { from, net: true })).toEqual(['6 DELETE 1 a', '1 UPDATE_BEFORE 2 a', '2 UPDATE_AFTER 2 c'])
  })

  it('are those of the selected columns and the rows that match: what differs elsewhere is none, what comes to match is an insert', async () => {
    const table = await create()
    const { snapshotId: from } = await table.append(rows(1, 2, 3))
    await table.update(eq('id', 2n), { kind: 'b' }, mor)
    await table.update(eq('id', 3n), { n: 0 }, cow)
    const ofColumn = await table.scanChanges({ from }).select('id', 'n').rows().toArray()
    expect(ofColumn.map((row) => [row['_change_type'], row['id'], row['n']])).toEqual([
      ['UPDATE_BEFORE', 3n, 30],
      ['UPDATE_AFTER', 3n, 0],
    ])
    const matching = await table.scanChanges({ from }).filter("kind = 'b'").filter(lt('n', 100)).rows().toArray()
    expect(matching.map(text)).toEqual(['0 INSERT 2 b'])
    const byKey = await table.scanChanges({ from, keys: ['id'], columns: ['kind'] }).rows().toArray()
    expect(byKey.map((row) => Object.values(row).slice(0, 2))).toEqual([['a', 'UPDATE_BEFORE'], ['b', 'UPDATE_AFTER']])
  })

  it('are read with the schema of the last state, whatever the rows were written with', async () => {
    const table = await create()
    const { snapshotId: from } = await table.append(rows(1, 2))
    await table.updateSchema((update) => update.renameColumn('kind', 'sort').addColumn('note', t.string, { default: '-' }))
    await table.delete(eq('id', 1n), mor)
    const [change] = await table.scanChanges({ from }).rows().toArray()
    expect(change).toMatchObject({ id: 1n, sort: 'a', note: '-', _change_type: 'DELETE' })
  })

  it('stop at a limit and at an abort, and refuse what is no state, key or count', async () => {
    const table = await create()
    const first = await table.append(rows(...range(0, 10)))
    expect(await table.scanChanges().limit(4).rows().toArray()).toHaveLength(4)
    expect(await table.scanChanges().batchRows(3).toArrow().then((all) => all.batches.map((batch) => batch.numRows))).toEqual([3, 3, 3, 1])
    const aborted = table.scanChanges().withSignal(AbortSignal.abort())
    expect((await failureOf(aborted.rows().toArray())).code).toBe('ABORTED')
    for (const options of [{ from: 5 }, { keys: 'id' }, { limit: -1 }, { from: first.snapshotId, after: table.scanChanges().cursor }]) {
      await expect(async () => table.scanChanges(options as never)).rejects.toMatchObject({ code: 'INVALID' })
    }
    expect((await failureOf(table.scanChanges({ keys: ['nix'] }).rows().toArray())).code).toBe('NOT_FOUND')
  })
})

describe('a cursor', () => {
  it('moves behind each snapshot that was read to its end, survives JSON, and goes on with the next', async () => {
    const table = await create()
    const taken: string[] = []
    await table.append(rows(1, 2))
    await table.delete(eq('id', 1n), mor)
    let stored = JSON.stringify(table.scanChanges().cursor)
    for (const id of [3, 4, 5]) {
      await table.append(rows(id))
      for await (const changes of table.scanChanges({ after: parseCursor(stored) }).snapshots()) {
        for await (const row of changes.rows()) taken.push(text(row))
        stored = JSON.stringify(changes.cursor)
        // A consumer that dies after any snapshot misses nothing and sees nothing twice
        break
      }
    }
    expect(taken).toEqual(['0 INSERT 1 a', '0 INSERT 2 a', '0 DELETE 1 a', '0 INSERT 3 a'])
    const rest = table.scanChanges({ after: parseCursor(stored) })
    expect((await rest.rows().toArray()).map(text)).toEqual(['0 INSERT 4 a', '1 INSERT 5 a'])
    expect(rest.cursor).toMatchObject({ tableUuid: table.metadata.tableUuid, snapshotId: String(table.currentSnapshot!.snapshotId) })
    expect(await changesOf(table, { after: rest.cursor })).toEqual([])
  })

  it('of an empty table is before the first snapshot', async () => {
    const table = await create()
    const { cursor } = table.scanChanges()
    expect(cursor.snapshotId).toBeNull()
    await table.append(rows(1))
    expect(await changesOf(table, { after: cursor })).toEqual(['0 INSERT 1 a'])
  })

  it('whose snapshot has expired, or that is of another table, is refused with what to do next', async () => {
    const [table, other] = [await create(), await create()]
    await other.append(rows(1))
    const snapshots: Snapshot[] = []
    for (const id of [1, 2, 3, 4]) snapshots.push(await table.append(rows(id)))
    const { cursor } = other.scanChanges()
    await expect(async () => table.scanChanges({ after: cursor })).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining('another table') })
    const gone = { ...table.scanChanges().cursor, snapshotId: '77' }
    await expect(async () => table.scanChanges({ after: gone })).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('has expired') })
    await expect(async () => table.scanChanges({ from: snapshots[3]!.snapshotId, to: snapshots[1]!.snapshotId })).rejects.toMatchObject({ code: 'INVALID' })
    expect(() => parseCursor('{"snapshotId": 5}')).toThrow(/no cursor/)
    expect(() => parseCursor('x')).toThrow(/not JSON/)
  })
})

describe('history that is not whole', () => {
  it('is refused: a removed file that is gone, with what to do next', async () => {
    const table = await create()
    const { snapshotId: from } = await table.append(rows(1, 2, 3))
    const [file] = await table.inspect.dataFiles()
    await table.delete(eq('id', 2n), cow)
    await lake.io.delete([file!.file_path])
    const failure = await failureOf(table.scanChanges({ from }).rows().toArray())
    expect([failure.code, failure.file]).toEqual(['NOT_FOUND', file!.file_path])
    expect(failure.message).toMatch(/has expired.*Read the whole current state once/)
  })
})

describe('an append scan', () => {
  it('has the rows that append snapshots added, and passes others over', async () => {
    const table = await create({ partitionBy: [identity('kind')] })
    const first = await table.append(rows(1, 2))
    const second = await table.append([{ id: 3n, kind: 'b', n: 1 }])
    await table.delete(eq('id', 3n), mor)
    await table.overwrite(rows(8), eq('kind', 'a'))
    await table.append(rows(4))
    const scan = table.scan()
    expect(await column(scan.appendsBetween(undefined), 'id')).toEqual([1n, 2n, 3n, 4n])
    expect(await column(scan.appendsBetween(first.snapshotId), 'id')).toEqual([3n, 4n])
    expect(await column(scan.appendsBetween(first.snapshotId, second.snapshotId, { fromInclusive: true }), 'id')).toEqual([1n, 2n, 3n])
    expect(await column(scan.filter(eq('kind', 'b')).appendsBetween(undefined), 'id')).toEqual([3n])
    expect(await scan.appendsBetween(second.snapshotId).count()).toBe(1)
    expect(await column(scan.appendsBetween(first.snapshotId).useSnapshot(first.snapshotId), 'id')).toEqual([1n, 2n])
    await expect(async () => scan.appendsBetween(77n)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('the cost', () => {
  /** Twenty files of which one change touches one. */
  async function wide(options: object): Promise<{ readonly table: Table; readonly from: bigint }> {
    const table = await create(options)
    for (const file of range(0, 20)) await table.append(rows(...range(file * 100, file * 100 + 100)))
    return { table, from: table.currentSnapshot!.snapshotId }
  }

  async function readOf(scan: AsyncIterable<unknown>): Promise<readonly string[]> {
    lake.io.calls.length = 0
    for await (const _ of scan) continue
    const read = new Set(lake.io.calls.map((call) => call.location))
    return [...read].filter((location) => !location.endsWith('.avro') && !location.endsWith('.json'))
  }

  it.each([mor, cow])('is that of the files that changed, not of the table: %o', async (mode) => {
    const { table, from } = await wide({})
    await table.delete(and(gtEq('id', 500n), lt('id', 501n)), mode)
    const [changed, all] = [await readOf(table.scanChanges({ from })), await readOf(table.scan())]
    expect(all.length).toBeGreaterThanOrEqual(20)
    expect(changed).toHaveLength(2)
  })

  it('of a vector is that of the row groups that it names rows of', async () => {
    const table = await create({ properties: { 'write.parquet.row-group-size-bytes': '2000' } })
    await table.append(range(0, 3000).map((i) => ({ id: BigInt(i), kind: `kind ${i * 7919}`, n: i })))
    const { snapshotId: from } = table.currentSnapshot!
    await table.delete(eq('id', 1500n), mor)
    const callsOf = async (scan: AsyncIterable<unknown>): Promise<number> => {
      lake.io.calls.length = 0
      for await (const _ of scan) continue
      return lake.io.calls.filter((call) => call.location.endsWith('.parquet')).length
    }
    expect(await changesOf(table, { from })).toEqual(['0 DELETE 1500 kind 11878500'])
    const [changed, all] = [await callsOf(table.scanChanges({ from })), await callsOf(table.scan())]
    expect(changed).toBeLessThanOrEqual(3)
    expect(all).toBeGreaterThan(changed * 2)
  })

  it('of equality deletes is that of the files whose bounds hold a key', async () => {
    const { table, from } = await wide({ formatVersion: 2 })
    await table.deleteByKeys([{ id: 1234n }], ['id'])
    expect(await readOf(table.scanChanges({ from }))).toHaveLength(2)
    expect(await changesOf(table, { from })).toEqual(['0 DELETE 1234 a'])
  })
})
