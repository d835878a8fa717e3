/** Spark writes through `floe serve` while floe writes the same warehouse without it. */
import { afterAll, expect, it } from 'vitest'
import { openCatalog, schema, serveCatalog, t } from '../../src/index.js'
import { oracle } from './oracle.js'
import { requireTool } from './tools.js'
import { makeWarehouse } from './warehouse.js'

const warehouse = makeWarehouse()
afterAll(() => {
  warehouse.remove()
})

it('Spark through the server and floe beside it lose nothing', async (context) => {
  requireTool(context, 'python', 'spark')
  const server = await serveCatalog(warehouse.location)
  const catalog = await openCatalog(warehouse.location)
  try {
    const spark = oracle()
    await spark.sql(server.uri, ['CREATE NAMESPACE {catalog}.shop', "CREATE TABLE {catalog}.shop.t (id BIGINT, who STRING) TBLPROPERTIES ('format-version' = '2')"])
    const table = await catalog.loadTable('shop.t')
    const bySpark = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) await spark.sql(server.uri, [`INSERT INTO {catalog}.shop.t VALUES (${i}, 'spark')`])
    }
    const byFloe = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await table.append([{ id: BigInt(100 + i), who: 'floe' }])
    }
    await Promise.all([bySpark(), byFloe()])
    const expected = [...Array.from({ length: 5 }, (_, i) => i), ...Array.from({ length: 20 }, (_, i) => 100 + i)]
    const rows = await (await catalog.loadTable('shop.t')).scan().rows().toArray()
    expect(rows.map((row) => Number(row['id'])).sort((a, b) => a - b)).toEqual(expected)
    expect(await spark.sql(server.uri, ['SELECT id FROM {catalog}.shop.t ORDER BY id'])).toEqual(expected.map((id) => [id]))
    await spark.sql(server.uri, ["DELETE FROM {catalog}.shop.t WHERE who = 'spark'", 'ALTER TABLE {catalog}.shop.t ADD COLUMN note STRING'])
    const after = await catalog.loadTable('shop.t')
    expect(await after.scan().count()).toBe(20)
    expect(after.schema.fields.map(({ name }) => name)).toEqual(['id', 'who', 'note'])
  } finally {
    await catalog.close()
    await server.close()
  }
}, 300_000)

it('what Spark creates from a query, and replaces, through the server is a table like any other', async (context) => {
  requireTool(context, 'python', 'spark')
  const server = await serveCatalog(warehouse.location)
  const catalog = await openCatalog(warehouse.location)
  try {
    const spark = oracle()
    await spark.sql(server.uri, ['CREATE NAMESPACE IF NOT EXISTS {catalog}.made', 'CREATE TABLE {catalog}.made.t AS SELECT 1L AS id'])
    expect(await (await catalog.loadTable('made.t')).scan().count()).toBe(1)
    await spark.sql(server.uri, ["CREATE OR REPLACE TABLE {catalog}.made.t AS SELECT 2L AS id, 'x' AS note"])
    expect(await (await catalog.loadTable('made.t')).scan().rows().toArray()).toEqual([{ id: 2n, note: 'x' }])
    await (await catalog.createTable('made.own', { schema: schema({ id: t.long }) })).append([{ id: 3n }])
    expect(await spark.sql(server.uri, ['DROP TABLE {catalog}.made.t', 'SELECT id FROM {catalog}.made.own'])).toEqual([[3]])
    expect(await catalog.tableExists('made.t')).toBe(false)
  } finally {
    await catalog.close()
    await server.close()
  }
}, 300_000)
