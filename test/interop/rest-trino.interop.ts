/** Trino writes and reads through `floe serve` while floe reads and writes the same warehouse without it. */
import { expect, it } from 'vitest'
import { openCatalog, schema, serveCatalog, t, type Catalog } from '../../src/index.js'
import { S3Server } from '../support/s3-server.js'
import { requireTool } from './tools.js'
import { startTrino } from './trino.js'

const TOKEN = 'a-token-that-clients-are-told'

async function idsOf(catalog: Catalog, name: string): Promise<number[]> {
  const rows = await (await catalog.loadTable(name)).scan().select('id').rows().toArray()
  return rows.map((row) => Number(row['id'])).sort((a, b) => a - b)
}

it('Trino through the server and floe beside it lose nothing, in an object store', async (context) => {
  requireTool(context, 'trino')
  const store = await S3Server.start()
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  const options = { s3: { endpoint: store.endpoint, region: 'us-east-1', forcePathStyle: true, credentials } }
  const server = await serveCatalog('s3://lake/warehouse', { ...options, token: TOKEN })
  const catalog = await openCatalog('s3://lake/warehouse', options)
  const trino = await startTrino({
    'iceberg.catalog.type': 'rest',
    'iceberg.rest-catalog.uri': server.uri,
    'iceberg.rest-catalog.security': 'OAUTH2',
    'iceberg.rest-catalog.oauth2.token': TOKEN,
    'fs.native-s3.enabled': 'true',
    's3.endpoint': store.endpoint,
    's3.region': 'us-east-1',
    's3.path-style-access': 'true',
    's3.aws-access-key': 'key',
    's3.aws-secret-key': 'secret',
  })
  try {
    // Without one, Trino creates tables at once, and then minds the metadata file that it finds.
    await trino.sql("create schema lake.tri with (location = 's3://lake/warehouse/tri')")
    await trino.sql("create table lake.tri.t (id bigint, who varchar) with (partitioning = array['who'])")
    await trino.sql("insert into lake.tri.t values (1, 'trino'), (2, 'trino'), (3, 'both')")
    const table = await catalog.loadTable('tri.t')
    expect(await idsOf(catalog, 'tri.t')).toEqual([1, 2, 3])
    const byTrino = async (): Promise<void> => {
      for (let i = 0; i < 4; i++) await trino.sql(`insert into lake.tri.t values (${10 + i}, 'trino')`)
    }
    const byFloe = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) await table.append([{ id: BigInt(100 + i), who: 'floe' }])
    }
    await Promise.all([byTrino(), byFloe()])
    await trino.sql('delete from lake.tri.t where id = 2')
    await trino.sql("update lake.tri.t set who = 'changed' where id = 3")
    await (await catalog.loadTable('tri.t')).delete('id = 100')
    const expected = [1, 3, 10, 11, 12, 13, ...Array.from({ length: 9 }, (_, i) => 101 + i)]
    expect(await idsOf(catalog, 'tri.t')).toEqual(expected)
    expect(await trino.sql('select id from lake.tri.t order by id')).toEqual(expected.map((id) => [id]))
    expect(await trino.sql('select who from lake.tri.t where id = 3')).toEqual([['changed']])
    await trino.sql('alter table lake.tri.t add column note varchar')
    expect((await catalog.loadTable('tri.t')).schema.fields.map(({ name }) => name)).toEqual(['id', 'who', 'note'])
    await (await catalog.createTable('tri.own', { schema: schema({ id: t.long.required }), formatVersion: 2 })).append([{ id: 7n }])
    await trino.sql('create table lake.tri.made as select id + 1 as id from lake.tri.own')
    expect(await idsOf(catalog, 'tri.made')).toEqual([8])
    await trino.sql('drop table lake.tri.made')
    expect(await catalog.tableExists('tri.made')).toBe(false)
  } finally {
    await trino.stop()
    await catalog.close()
    await server.close()
    await store.close()
  }
}, 900_000)
