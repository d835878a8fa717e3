import { describe, expect, it } from 'vitest'
import { bucket, identity, schema, t } from '../../src/index.js'
import type { DataFile, Row, Table, TableScan } from '../../src/index.js'
import { changeBench, countsOf, expectRows, people, person } from '../support/changed-rows.js'
import { failureOf } from '../support/lake.js'

type Person = Record<string, unknown>
const id = (row: Person): number => Number(row['id'])

/** Where the rows of some ids lie, as a scan tells it. */
async function positionsOf(table: Table, ...ids: readonly number[]): Promise<Map<string, bigint[]>> {
  const found = new Map<string, bigint[]>()
  const rows = await table.scan().metadataColumns('_file', '_pos').rows().toArray()
  for (const row of rows.filter((candidate) => ids.includes(id(candidate)))) {
    found.set(row['_file'] as string, [...(found.get(row['_file'] as string) ?? []), row['_pos'] as bigint])
  }
  return found
}

const without = (rows: readonly Person[], ...ids: readonly number[]): Person[] => rows.filter((row) => !ids.includes(id(row)))

describe.each([2, 3] as const)('a row delta on version %d', (version) => {
  it('deletes positions and adds rows in one snapshot, merged with the deletes that are there', async () => {
    const { table } = await changeBench(version, { partitionBy: [identity('part')], properties: { 'write.delete.granularity': 'file' } })
    await table.append(people(0, 10))
    await table.delete('id = 1', { mode: 'merge-on-read' })
    const result = await table.rowDelta({ deletePositions: await positionsOf(table, 2, 3, 4), addRows: [person(20)] })
    expect(countsOf(result)).toEqual({ deletedRows: 3, updatedRows: 0, insertedRows: 1 })
    expect(result.snapshot!.operation).toBe('overwrite')
    await expectRows(table, [...without(people(0, 10), 1, 2, 3, 4), person(20)])
    const perFile = (await table.inspect.deleteFiles()).map((file) => file.referenced_data_file)
    expect(new Set(perFile).size).toBe(perFile.length)
  })

  it('counts a row that was deleted already no second time', async () => {
    const { table } = await changeBench(version)
    await table.append(people(0, 10))
    const positions = await positionsOf(table, 2, 3)
    expect((await table.rowDelta({ deletePositions: positions })).deletedRows).toBe(2)
    const again = await table.rowDelta({ deletePositions: positions })
    expect([again.deletedRows, again.snapshot]).toEqual([0, undefined])
    const one = new Map([...positions].map(([file, found]) => [file, [...found, 5]]))
    expect((await table.rowDelta({ deletePositions: one })).deletedRows).toBe(1)
    await expectRows(table, without(people(0, 10), 2, 3, 5))
  })

  it('deletes by keys that nobody looked up, in rows that were there before and in no others', async () => {
    const { table } = await changeBench(version)
    await table.append(people(0, 10))
    const deleteKeys = { keys: [{ id: 3n }, { id: 4n }, { id: 77n }], columns: ['id'] }
    await table.rowDelta({ deleteKeys, addRows: [{ ...person(4), name: 'new' }] })
    await expectRows(table, [...without(people(0, 10), 3, 4), { ...person(4), name: 'new' }])
    await table.deleteByKeys([{ name: null }, { name: 'n8' }], ['name'])
    const rest = without(people(0, 10), 3, 4, 8).filter((row) => row['name'] !== null)
    await expectRows(table, [...rest, { ...person(4), name: 'new' }])
  })

  it('of keys in a partitioned table deletes in the partition of each, and needs its columns', async () => {
    const { table } = await changeBench(version, { partitionBy: [identity('part')] })
    await table.append(people(0, 10))
    await table.deleteByKeys(people(2, 6).map((row) => ({ id: row['id'], part: row['part'] })), ['id'])
    await expectRows(table, without(people(0, 10), 2, 3, 4, 5))
    const error = await failureOf(table.deleteByKeys([{ id: 1n }], ['id']))
    expect([error.code, error.message]).toEqual(['INVALID', expect.stringMatching(/lacks a column that the table is partitioned by.*column part/)])
    await expectRows(table, without(people(0, 10), 2, 3, 4, 5))
  })

  it('of keys reaches the files of older specs, or refuses', async () => {
    const { table } = await changeBench(version)
    await table.append(people(0, 6))
    await table.updateSpec((spec) => spec.addField(bucket('id', 2)))
    await table.append(people(6, 12))
    // Whoever does not know of the older spec gives the columns of the current one as well.
    await table.deleteByKeys([{ name: 'n1', id: 1n }, { name: 'n8', id: 8n }], ['name'])
    await expectRows(table, without(people(0, 12), 1, 8))
    const { table: never } = await changeBench(version, { partitionBy: [identity('part')] })
    await never.append(people(0, 6))
    await never.updateSpec((spec) => spec.addField(bucket('id', 2)))
    const error = await failureOf(never.deleteByKeys([{ id: 1n, part: 1 }], ['id']))
    expect([error.code, error.message]).toEqual(['UNSUPPORTED', expect.stringContaining('do not reach the files')])
    await expectRows(never, people(0, 6))
  })

  it('takes and removes files that exist', async () => {
    const { table } = await changeBench(version)
    await table.append(people(0, 4))
    const [own] = await filesOf(table.scan())
    await table.append(people(10, 13), { branch: 'side' })
    const given = (await filesOf(table.scan().useRef('side'))).find((file) => file.filePath !== own!.filePath)!
    const result = await table.rowDelta({ addDataFiles: [given], removeDataFiles: [own!.filePath] })
    expect(countsOf(result)).toEqual({ deletedRows: 4, updatedRows: 0, insertedRows: 3 })
    await expectRows(table, people(10, 13))
    // A file that was there before stays there, whatever becomes of the commit.
    const strange = await failureOf(table.rowDelta({ addDataFiles: [{ ...given, specId: 9 }], addRows: people(0, 2) }))
    expect(strange.code).toBe('INVALID')
    await expectRows(table, people(10, 13))
    for (const file of [{ ...given, filePath: `${given.filePath}x` }, { ...given, fileSizeBytes: 5 }, { ...given, filePath: 'memory:///etc/x' }]) {
      expect((await failureOf(table.rowDelta({ addDataFiles: [file] }))).code).toMatch(/^(?:NOT_FOUND|INVALID)$/)
    }
  })

  it('names what is wrong: positions beyond the file, files that are not there, arguments of another kind', async () => {
    const { lake, table } = await changeBench(version)
    await table.append(people(0, 4))
    const [file] = [...(await positionsOf(table, 0)).keys()]
    const files = await lake.files()
    for (const position of [4, -1, 0.5, 2n ** 70n]) {
      const error = await failureOf(table.rowDelta({ deletePositions: new Map([[file!, [position]]]) }))
      expect([error.code, error.file]).toEqual(['INVALID', file])
    }
    expect((await failureOf(table.rowDelta({ deletePositions: new Map([['memory:///x', [0]]]) }))).code).toBe('CONFLICT')
    expect((await failureOf(table.rowDelta({ removeDataFiles: ['memory:///x'] }))).code).toBe('CONFLICT')
    expect((await failureOf(table.rowDelta({ deletePositions: {} as never }))).code).toBe('INVALID')
    expect((await failureOf(table.rowDelta(undefined as never))).code).toBe('INVALID')
    expect((await failureOf(table.deleteByKeys([{ id: 1n }], []))).code).toBe('INVALID')
    expect((await failureOf(table.deleteByKeys([{ id: 1n }], ['nope']))).code).toBe('NOT_FOUND')
    expect((await failureOf(table.deleteByKeys([{ id: 'x' }], ['id']))).message).toMatch(/row 0: expected long/)
    expect(await table.rowDelta({})).toMatchObject({ snapshot: undefined })
    expect(await lake.files()).toEqual(files)
    await expectRows(table, people(0, 4))
  })

  it('is checked against what happened since the rows were looked up', async () => {
    const { lake, table } = await changeBench(version, { properties: { 'write.delete.granularity': 'file' } })
    await table.append(people(0, 10))
    const positions = await positionsOf(table, 2)
    const startingSnapshotId = table.currentSnapshot!.snapshotId
    const other = await lake.catalog.loadTable('a.t')
    await other.append(people(10, 12))
    await other.delete('id = 3', { mode: 'merge-on-read' })
    // Appends and deletes of other rows are no reason to stop a stream.
    expect((await table.rowDelta({ deletePositions: positions })).deletedRows).toBe(1)
    await expectRows(table, without(people(0, 12), 2, 3))
    const strict = table.rowDelta({ addRows: [person(30)] }, { startingSnapshotId, isolation: 'serializable' })
    expect((await failureOf(strict)).code).toBe('CONFLICT')
    await other.overwrite(people(0, 2))
    const lost = table.rowDelta({ deletePositions: positions }, { startingSnapshotId })
    expect((await failureOf(lost)).code).toBe('CONFLICT')
    await table.refresh()
    await expectRows(table, people(0, 2))
  })
})

async function filesOf(scan: TableScan): Promise<DataFile[]> {
  const plan = await scan.plan()
  return [...plan.files()].map((file) => file.dataFile())
}

describe.each([2, 3] as const)('the conversion of equality deletes on version %d', (version) => {
  it('leaves every row and no equality delete', async () => {
    const { table } = await changeBench(version, { partitionBy: [identity('part')] })
    await table.append(people(0, 20))
    await table.delete('id = 7', { mode: 'merge-on-read' })
    await table.deleteByKeys(people(2, 6).map((row) => ({ id: row['id'], part: row['part'] })), ['id'])
    await table.append(people(2, 4))
    await table.deleteByKeys([{ name: 'n3', part: 0 }, { name: null, part: 1 }, { name: 'nobody', part: 9 }], ['name'])
    const before = await table.scan().rows().toArray()
    const planned = await table.convertEqualityDeletes({ dryRun: true })
    const deletesBefore = (await table.inspect.deleteFiles()).length
    const result = await table.convertEqualityDeletes()
    expect(planned.convertedRows).toBe(result.convertedRows)
    expect(result.convertedRows).toBe(20 + 2 - 1 - before.length)
    expect(result.snapshot!.operation).toBe('replace')
    expect(deletesBefore - result.removedDeleteFiles + result.addedDeleteFiles).toBe((await table.inspect.deleteFiles()).length)
    expect((await table.inspect.deleteFiles()).filter((file) => file.content === 2)).toEqual([])
    await expectRows(table, before as Row[])
    expect(await table.convertEqualityDeletes()).toMatchObject({ snapshot: undefined, convertedRows: 0 })
  })

  it('drops data files that have no row left, and deletes that never met a row', async () => {
    const { table } = await changeBench(version, { schema: schema({ id: t.long.required }) })
    await table.append([{ id: 1n }, { id: 2n }])
    await table.append([{ id: 3n }])
    await table.deleteByKeys([{ id: 1n }, { id: 2n }], ['id'])
    await table.deleteByKeys([{ id: 50n }], ['id'])
    const result = await table.convertEqualityDeletes()
    expect(result).toMatchObject({ convertedRows: 2, removedDataFiles: 1, addedDeleteFiles: 0, removedDeleteFiles: 2 })
    await expectRows(table, [{ id: 3n }])
  })
})

describe('a table of version 1', () => {
  it('takes positions by writing its files anew, and no deletes by keys', async () => {
    const { table } = await changeBench(1)
    await table.append(people(0, 10))
    expect((await table.rowDelta({ deletePositions: await positionsOf(table, 2, 3), addRows: [person(20)] })).deletedRows).toBe(2)
    await expectRows(table, [...without(people(0, 10), 2, 3), person(20)])
    expect((await failureOf(table.deleteByKeys([{ id: 1n }], ['id']))).code).toBe('INVALID')
  })
})
