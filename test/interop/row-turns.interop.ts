/** floe and Spark change the rows of one table in turns: vectors and deletes of each under changes of the other. */
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { eq, isIn, openCatalog, schema, t } from '../../src/index.js'
import { among, between, ChangedTable, changing, item, items, itemOfSpark, upserting, without } from './changed-table.js'
import type { Item } from './changed-table.js'
import { oracle } from './oracle.js'
import { requireTool } from './tools.js'
import { makeWarehouse } from './warehouse.js'

const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

const mor = { mode: 'merge-on-read' } as const
const cow = { mode: 'copy-on-write' } as const
const loose = { unknownColumns: 'ignore' } as const

/** Lets Spark write its changes in a mode. */
const sparkMode = (mode: string): string =>
  `alter table {table} set tblproperties (${['delete', 'update', 'merge'].map((verb) => `'write.${verb}.mode' = '${mode}'`).join(', ')})`

/** A merge that deletes the rows whose match has a negative number, updates other matches and inserts the rest. */
const sparkMerge = (source: readonly Item[], more = ''): string => `
  merge into {table} t using (${source.map(itemOfSpark).join(' union all ')}) s on t.id = s.id
  when matched and s.n < 0 then delete when matched then update set * when not matched then insert * ${more}`

const merging = (source: readonly Item[]) => (rows: readonly Item[]): Item[] => {
  const known = new Set(rows.map(({ id }) => id))
  const gone = new Set(source.filter(({ id, n }) => n < 0 && known.has(id)).map(({ id }) => id))
  return upserting(source.filter(({ id }) => !gone.has(id)))(rows.filter(({ id }) => !gone.has(id)))
}

async function byVectorsAndPositions(changed: ChangedTable): Promise<void> {
  const { table } = changed
  for (const from of [0, 60]) await changed.step(`append from ${from}`, () => table.append(items(from, from + 60)), (rows) => [...rows, ...items(from, from + 60)])
  await changed.step('Spark deletes', () => changed.sql(sparkMode('merge-on-read'), 'delete from {table} where id % 5 = 0'), without(({ id }) => id % 5n === 0n))
  await changed.step('floe updates the same files', () => table.update('id >= 10 AND id < 24', { n: 1, name: 'floe' }, mor),
    changing(between(10, 24), () => ({ n: 1, name: 'floe' })))
  await changed.step(
    'Spark updates, and moves rows to another partition',
    () => changed.sql("update {table} set name = concat('spark', id), n = n + 1, part = case when id % 10 = 1 then 'new' else part end where id % 5 = 1"),
    changing(({ id }) => id % 5n === 1n, ({ id, n, part }) => ({ name: `spark${id}`, n: n + 1, part: id % 10n === 1n ? 'new' : part })),
  )
  const source = [...items(28, 36, { n: 3 }), item(37, { n: -1 }), ...items(200, 204, { n: 4 })]
  const clauses = { on: ['id'], whenMatched: [{ when: { source: 'n < 0' }, then: 'delete' }, { then: 'update' }], whenNotMatched: 'insert' } as const
  await changed.step('floe merges', () => table.merge(source, { ...mor, ...clauses }), merging(source))
  const theirs = [...items(33, 40, { n: 5 }), item(201, { n: -1 }), item(61, { n: -1 }), ...items(210, 213)]
  await changed.step('Spark merges', () => changed.sql(sparkMerge(theirs)), merging(theirs))
  const gone = [12, 13, 33, 62, 63, 200, 210]
  await changed.step('floe deletes', () => table.delete(isIn('id', gone.map(BigInt)), mor), without(among(...gone)))
}

async function overEqualityDeletes(changed: ChangedTable): Promise<void> {
  const { table } = changed
  const keys = items(14, 18)
  await changed.step('floe deletes by keys', () => table.deleteByKeys(keys, ['id'], loose), without(between(14, 18)))
  await changed.step('Java deletes by keys', () => changed.equalityDeletes(['id', 'part'], "part = 'a' and id in (3, 9, 27, 42)"), without(among(3, 9, 27, 42)))
  await changed.step('Spark deletes under equality deletes', () => changed.sql('delete from {table} where id in (4, 19, 64)'), without(among(4, 19, 64)))
  await changed.step('floe upserts under equality deletes', () => table.upsert([...items(15, 20), item(66, { n: 6 })], ['id'], mor), upserting([...items(15, 20), item(66, { n: 6 })]))
  await changed.step('Spark deletes, copy-on-write', () => changed.sql(sparkMode('copy-on-write'), 'delete from {table} where id in (7, 67, 211)'), without(among(7, 67, 211)))
  await changed.step('Spark updates, copy-on-write', () => changed.sql("update {table} set name = 'cow', tags = array(1, null) where id between 68 and 74"),
    changing(between(68, 75), () => ({ name: 'cow', tags: [1, null] })))
  await changed.step('floe converts equality deletes', () => table.convertEqualityDeletes(), (rows) => rows)
  expect(changed.states.at(-1)!.equalityDeletes).toBe(false)
  const source = [...items(80, 90, { n: 7 }), item(91, { n: -1 }), item(220)]
  await changed.step(
    'Spark merges, copy-on-write',
    () => changed.sql(sparkMerge(source, 'when not matched by source and t.id >= 110 and t.id < 120 then delete')),
    (rows) => merging(source)(rows).filter((row) => !between(110, 120)(row)),
  )
  await changed.step('floe updates, copy-on-write', () => table.update(isIn('id', [82n, 92n, 202n]), { amount: '0.01' }, cow), changing(among(82, 92, 202), () => ({ amount: '0.01' })))
}

/** Deletes of v2 that live on under vectors. */
async function overUpgrade(changed: ChangedTable): Promise<void> {
  const { table } = changed
  await changed.step('Spark deletes before the upgrade', () => changed.sql(sparkMode('merge-on-read'), 'delete from {table} where id in (16, 83, 84, 96)'), without(among(16, 83, 84, 96)))
  await changed.step('Java deletes by keys before the upgrade', () => changed.equalityDeletes(['id', 'part'], "part = 'a' and id in (18, 36)"), without(among(18, 36)))
  const stale = changed.states.at(-1)!.snapshotId
  await changed.sql("alter table {table} set tblproperties ('format-version' = '3')")
  await table.refresh()
  expect([table.formatVersion, String(table.currentSnapshot!.snapshotId)]).toEqual([3, stale])
  await changed.step('floe deletes, where position deletes are', () => table.delete(isIn('id', [86n, 97n]), mor), without(among(86, 97)))
  await changed.step('Spark updates, where vectors of floe and position deletes are', () => changed.sql('update {table} set n = 8 where id in (17, 88, 98)'),
    changing(among(17, 88, 98), () => ({ n: 8 })))
  await changed.step('floe converts equality deletes to vectors', () => table.convertEqualityDeletes(), (rows) => rows)
  await changed.step('Spark deletes last', () => changed.sql('delete from {table} where id in (19, 89, 99)'), without(among(19, 89, 99)))
}

const cases = ([2, 3] as const).flatMap((formatVersion) => [false, true].map((isPartitioned) => ({
  formatVersion, isPartitioned, name: `turns_v${formatVersion}_${isPartitioned ? 'partitioned' : 'plain'}`,
})))

describe.each(cases)('a table $name', ({ formatVersion, isPartitioned, name }) => {
  let made: Promise<ChangedTable> | undefined
  const table = (): Promise<ChangedTable> => (made ??= make())
  const make = async (): Promise<ChangedTable> => {
    const properties = { 'write.delete.granularity': isPartitioned ? 'partition' : 'file' }
    const changed = await ChangedTable.create({ warehouse, name, formatVersion, isPartitioned, properties })
    await byVectorsAndPositions(changed)
    await overEqualityDeletes(changed)
    if (formatVersion === 2) await overUpgrade(changed)
    return changed
  }

  it('has the rows of the model after every turn', async (context) => {
    requireTool(context, 'python', 'spark')
    expect((await table()).states).toHaveLength(formatVersion === 2 ? 23 : 17)
  })

  it.for(['spark', 'pyarrow'] as const)('is read by %s as by floe, after every turn', async (engine, context) => {
    requireTool(context, 'python', 'spark')
    const { answers, wanted } = await (await table()).ask(engine)
    expect(answers).toEqual(wanted)
  })

  it('has a valid history', async (context) => {
    requireTool(context, 'python', 'spark')
    const report = await oracle().describe({ metadata: (await table()).metadata })
    expect(report.errors).toEqual([])
  })
})

/** Deletes of many positions: stretches, every seventh, a few here and there, over three containers of a bitmap. */
it.for([2, 3] as const)('positions of every shape in 140,000 rows of v%i are the same for both', async (formatVersion, context) => {
  requireTool(context, 'python', 'spark')
  const lake = await openCatalog(warehouse.location)
  const name = `many_v${formatVersion}`
  const table = await lake.createTable(`changed.${name}`, { schema: schema({ id: t.long.required, k: t.int }), formatVersion })
  let model = Array.from({ length: 140_000 }, (_, id) => ({ id, k: id % 7 }))
  // Append in one file: on v3 the row ids are the ids, for ever.
  await table.append(model.map(({ id, k }) => ({ id: BigInt(id), k })))
  const rowId = formatVersion === 3 ? '_row_id' : 'id'
  const hashOf = (lines: string[]): string => createHash('sha256').update(lines.sort().join()).digest('hex')
  const sql = (...statements: readonly string[]): Promise<readonly (readonly unknown[])[]> =>
    oracle().sql(warehouse.location, statements.map((text) => text.replaceAll('{table}', `{catalog}.changed.${name}`)))
  const turn = async (change: string, work: () => Promise<unknown>): Promise<void> => {
    await work()
    await table.refresh()
    const wanted = hashOf(model.map(({ id, k }) => `${id}:${k}:${id}`))
    const scan = formatVersion === 3 ? table.scan().metadataColumns('_row_id') : table.scan()
    const lines: string[] = []
    for await (const row of scan.rows()) lines.push(`${row['id'] as bigint}:${row['k'] as number}:${row[rowId] as bigint}`)
    expect([lines.length, hashOf(lines)], `floe, after ${change}`).toEqual([model.length, wanted])
    const theirs = await sql(`select count(*), sha2(concat_ws(',', sort_array(collect_list(concat(id, ':', k, ':', ${rowId})))), 256) from {table}`)
    expect(theirs, `Spark, after ${change}`).toEqual([[model.length, wanted]])
  }
  await turn('deletes of a stretch, of every seventh and of a few', async () => {
    const few = Array.from({ length: 100 }, (_, index) => index * 1399)
    await table.delete('id >= 10000 AND id < 70000', mor)
    await table.delete(eq('k', 3), mor)
    await table.delete(isIn('id', few.map(BigInt)), mor)
    model = model.filter(({ id, k }) => !(id >= 10_000 && id < 70_000) && k !== 3 && !few.includes(id))
  })
  await turn('deletes and updates of Spark', async () => {
    const gone = 'delete from {table} where id % 13 = 0 or id between 131000 and 132000'
    await sql(sparkMode('merge-on-read'), gone, 'update {table} set k = -1 where id % 1000 = 1')
    const left = model.filter(({ id }) => id % 13 !== 0 && !(id >= 131_000 && id <= 132_000))
    model = left.map((row) => (row.id % 1000 === 1 ? { ...row, k: -1 } : row))
  })
  await turn('a delete and an update of floe on top', async () => {
    await table.delete('id >= 70000 AND id < 70100', mor)
    await table.delete('id >= 130900 AND id < 133000', mor)
    await table.update('k = -1', { k: -2 }, mor)
    const left = model.filter(({ id }) => !(id >= 70_000 && id < 70_100) && !(id >= 130_900 && id < 133_000))
    model = left.map((row) => (row.k === -1 ? { ...row, k: -2 } : row))
  })
  const vectors = (await table.inspect.deleteFiles()).filter((file) => file.file_format === 'PUFFIN').map((file) => file.referenced_data_file)
  expect([vectors.length, new Set(vectors).size]).toEqual(formatVersion === 3 ? [1, 1] : [0, 0])
})
