/** Statistics, manifests and delete files that floe rewrites are those that Spark and Java write, or read. */
import { afterAll, describe, expect, it } from 'vitest'
import { eq, isIn, openCatalog, schema, t, truncate, type Table } from '../../src/index.js'
import { oracle } from './oracle.js'
import { requireTool } from './tools.js'
import { currentMetadata, makeWarehouse } from './warehouse.js'

const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

const mor = { mode: 'merge-on-read' } as const
const sql = (...statements: readonly string[]) => oracle().sql(warehouse.location, statements)

describe('statistics of columns', () => {
  it('are byte for byte those of Spark, exact and estimated, and its library reads ours', async (context) => {
    requireTool(context, 'python', 'spark')
    const lake = await openCatalog(warehouse.location)
    const numbers = { id: t.long, kind: t.string, n: t.int, f: t.float, d: t.double, price: t.decimal(20, 2) }
    const columns = { ...numbers, day: t.date, ts: t.timestamptz, ok: t.boolean, bin: t.binary }
    const table = await lake.createTable('st.columns', { schema: schema(columns), formatVersion: 2 })
    await table.append(
      Array.from({ length: 30_000 }, (_, i) => ({
        id: BigInt(i) * 1_000_003n, kind: i % 11 === 0 ? '' : `kind é ${i % 500}`, n: i % 9 === 0 ? null : i % 5000, f: (i % 100) / 8, d: i / 7,
        price: `${i % 6000}.25`, day: i % 4097, ts: BigInt(i) * 60_000_000n, ok: i % 2 === 0, bin: new TextEncoder().encode(`b${i % 40}`),
      })),
    )
    await sql("call {catalog}.system.compute_table_stats(table => 'st.columns')")
    const theirs = await oracle().statistics(warehouse.location, 'st.columns')
    await table.refresh()
    expect(table.inspect.statistics().map((row) => row.columns?.[0])).toEqual(Object.keys(columns))
    const { columns: counted } = await table.computeStatistics({ full: true })
    const ours = await oracle().statistics(warehouse.location, 'st.columns')
    expect(ours.sketches).toEqual(theirs.sketches)
    for (const { estimate, ndv } of ours.sketches) expect(ndv).toBe(String(Math.trunc(estimate)))
    expect(counted.map(({ ndv }) => String(ndv))).toEqual(theirs.sketches.map(({ ndv }) => ndv))
    // Spark plans with them.
    expect(await sql('set spark.sql.cbo.enabled=true', 'select count(*) from {catalog}.st.columns')).toEqual([[30_000]])
  }, 240_000)
})

describe('partition statistics', () => {
  /** As Java tells them, times and snapshots left out. */
  async function ours(table: Table): Promise<unknown[]> {
    return (await table.partitionStatistics())!.map((row) => [
      Object.values(row.partition).map((value) => (value === null ? 'None' : String(value))),
      row.spec_id, Number(row.data_record_count), row.data_file_count,
      Number(row.total_data_file_size_in_bytes), Number(row.position_delete_record_count), row.position_delete_file_count,
      Number(row.equality_delete_record_count), row.equality_delete_file_count, row.dv_count,
      row.last_updated_at?.getTime(), String(row.last_updated_snapshot_id),
    ])
  }

  it('are read by Java, built on by Spark, and built on again by floe, on versions 2 and 3', async (context) => {
    requireTool(context, 'python', 'spark')
    const lake = await openCatalog(warehouse.location)
    for (const formatVersion of [2, 3] as const) {
      const name = `st.parts${formatVersion}`
      const table = await lake.createTable(name, { schema: schema({ id: t.long, kind: t.string }), partitionBy: ['kind', truncate('id', 100)], formatVersion })
      await table.append(Array.from({ length: 300 }, (_, i) => ({ id: BigInt(i), kind: i % 5 === 0 ? null : `k${i % 3}` })))
      await table.delete(eq('id', 7n), mor)
      await table.computePartitionStatistics()
      expect((await oracle().statistics(warehouse.location, name)).partitions.map(comparable)).toEqual((await ours(table)).map(comparable))
      await sql(`insert into {catalog}.${name} values (1000, 'k1'), (5, 'k9')`, `call {catalog}.system.compute_partition_stats(table => '${name}')`)
      await table.refresh()
      const theirs = await oracle().statistics(warehouse.location, name)
      expect(theirs.partitions.map(comparable)).toEqual((await ours(table)).map(comparable))
      await table.delete(isIn('id', [8n, 1000n]), mor)
      const { basedOn } = await table.computePartitionStatistics()
      expect(basedOn).toBeDefined()
      const incremental = await ours(table)
      await table.computePartitionStatistics({ full: true })
      const counts = (rows: readonly unknown[]): unknown[] => (rows as unknown[][]).map((row) => row.slice(0, 10))
      expect(counts(await ours(table))).toEqual(counts(incremental))
      expect((await oracle().statistics(warehouse.location, name)).partitions.map(comparable)).toEqual((await ours(table)).map(comparable))
    }
  }, 240_000)
})

/** Version 2 knows no vectors. */
function comparable(row: unknown): unknown {
  const cells = [...(row as readonly unknown[])]
  cells[9] = cells[9] ?? 0
  return cells
}

describe('manifests and delete files that were rewritten', () => {
  it('list the same rows and row ids for the engines, who write on', async (context) => {
    requireTool(context, 'python', 'spark')
    const lake = await openCatalog(warehouse.location)
    for (const formatVersion of [2, 3] as const) {
      const name = `re.t${formatVersion}`
      const table = await lake.createTable(name, {
        schema: schema({ id: t.long, kind: t.string }), partitionBy: ['kind'], formatVersion, properties: { 'write.delete.granularity': 'partition' },
      })
      for (let i = 0; i < 6; i++) await table.append(Array.from({ length: 40 }, (_, k) => ({ id: BigInt(40 * i + k), kind: `k${k % 3}` })))
      await sql(`insert into {catalog}.${name} values (9000, 'k1')`)
      for (let i = 0; i < 6; i++) await table.delete(eq('id', BigInt(40 * i)), mor)
      await sql(`alter table {catalog}.${name} set tblproperties ('write.delete.mode' = 'merge-on-read')`, `delete from {catalog}.${name} where id = 41`)
      await table.refresh()
      const read = () => oracle().dump({ metadata: currentMetadata(warehouse, 're', `t${formatVersion}`), lineage: formatVersion === 3 }, 'spark')
      const before = await read()
      expect((await table.rewriteManifests({ rewriteAll: true })).snapshot).toBeDefined()
      expect(await read()).toEqual(before)
      expect((await table.rewritePositionDeletes()).addedFiles).toBe(1)
      expect(await read()).toEqual(before)
      const report = await oracle().describe({ metadata: currentMetadata(warehouse, 're', `t${formatVersion}`) })
      expect(report.errors).toEqual([])
      await sql(`call {catalog}.system.rewrite_manifests('${name}')`, `delete from {catalog}.${name} where id = 42`)
      await table.refresh()
      expect(await table.scan().rows().toArray()).toHaveLength(before.length - 1)
    }
  }, 240_000)
})
