/** Tables that Spark writes and changes are sound by floe's check, and Spark reads what floe has repaired and purged. */
import { rmSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { canonicalRowWriter } from '../../src/arrow/canonical-row.js'
import { eq, openCatalog, type Table } from '../../src/index.js'
import { oracle } from './oracle.js'
import { requireTool } from './tools.js'
import { currentMetadata, makeWarehouse } from './warehouse.js'

const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

const CANARY = 'c4a7-9f31e2d85b60-kanarienvogel'

async function sparkTable(name: string, formatVersion: 2 | 3): Promise<Table> {
  const table = `{catalog}.db.${name}`
  await oracle().sql(warehouse.location, [
    `create table ${table} (id bigint, part string, n double) using iceberg partitioned by (part) tblproperties ('format-version'='${formatVersion}',` +
      ` 'write.delete.mode'='merge-on-read', 'write.update.mode'='merge-on-read')`,
    `insert into ${table} select id, concat('p', id % 3), cast(id as double) from range(300)`,
    `insert into ${table} values (1000, 'p0', null), (1001, null, double('nan')), (1002, '${CANARY}', 1.5)`,
    `delete from ${table} where id % 7 = 0`,
    `update ${table} set n = -1 where id % 11 = 0`,
    `alter table ${table} add column note string`,
    `insert into ${table} values (2000, 'p1', 0.5, 'a note of ${CANARY}')`,
  ])
  const catalog = await openCatalog(warehouse.location, { parquet: { workers: 0 } })
  return catalog.loadTable(`db.${name}`)
}

async function expectSparkReads(table: Table, name: string): Promise<void> {
  const scan = table.scan()
  const write = canonicalRowWriter(scan.schema)
  const lines: string[] = []
  for await (const batch of scan) lines.push(...write(batch))
  const answers = await oracle().check({ metadata: currentMetadata(warehouse, 'db', name) }, lines.sort(), ['spark'])
  expect(answers.map(({ message }) => message)).toEqual([`ok ${lines.length} rows`])
}

describe('beside Spark', () => {
  it.for([2, 3] as const)('a table of version %i that Spark wrote and changed is sound, and stays readable when it is repaired and purged', { timeout: 600_000 }, async (version, context) => {
    requireTool(context, 'python', 'spark')
    const name = `checked${version}`
    const table = await sparkTable(name, version)
    const report = await table.fsck({ data: 'all', snapshots: 'all' })
    expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([])
    expect(report.checked.rowsRead).toBeGreaterThan(300)

    const lost = (await table.inspect.files()).find((file) => JSON.stringify(file.partition).includes('p2') && file.content === 0)!
    rmSync(lost.file_path.replace(/^file:\/*/, '/'))
    expect((await table.fsck()).codes['file-missing']).toBe(1)
    const repaired = await table.repair({ dropMissingFiles: true })
    expect(repaired.branches[0]!.lostRows).toBe(Number(lost.record_count))
    expect((await table.fsck({ data: 'all', snapshots: 'current' })).isSound).toBe(true)
    await expectSparkReads(table, name)

    // A note of another row names it, and stays.
    const purged = await table.purge(eq('part', CANARY), { leftoverMinAgeMs: 0 })
    expect(purged.branches[0]!.removedRows).toBe(1)
    expect(purged.held.length).toBeGreaterThan(0)
    expect(purged.held.every(({ kind, name }) => kind === 'object' && !name.includes(CANARY))).toBe(true)
    const notes = await table.purge(`note = 'a note of ${CANARY}'`, { leftoverMinAgeMs: 0 })
    expect(notes).toMatchObject({ isErased: true, held: [] })
    expect(await table.purge(eq('part', CANARY))).toMatchObject({ isErased: true, held: [], branches: [] })
    await expectSparkReads(table, name)
    expect((await table.fsck({ data: 'all' })).isSound).toBe(true)
  })
})
