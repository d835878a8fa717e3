/** PyIceberg and DuckDB write and read through `floe serve` while floe reads and writes the same warehouse without it. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openCatalog, schema, serveCatalog, t, type Catalog } from '../../src/index.js'
import { S3Server } from '../support/s3-server.js'
import { pythonExecutable, requireTool } from './tools.js'
import { makeWarehouse } from './warehouse.js'

const TOKEN = 'a token that clients are told'

/** The answer of a client, see `rest-clients.py`. */
function ask(request: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = spawn(pythonExecutable, [join(import.meta.dirname, 'rest-clients.py')], { env: { ...process.env, PYTHONWARNINGS: 'ignore' } })
    let [output, errors] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString() })
    child.stderr.on('data', (chunk: Buffer) => { errors = (errors + chunk.toString()).slice(-4000) })
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output))
      else reject(new Error(`the client ended with ${code}: ${errors}`))
    })
    child.stdin.end(JSON.stringify(request))
  })
}

async function idsOf(catalog: Catalog, name: string): Promise<number[]> {
  const rows = await (await catalog.loadTable(name)).scan().select('id').rows().toArray()
  return rows.map((row) => Number(row['id'])).sort((a, b) => a - b)
}

it('PyIceberg through the server and floe beside it lose nothing', async (context) => {
  requireTool(context, 'python')
  const warehouse = makeWarehouse()
  const server = await serveCatalog(warehouse.location, { token: TOKEN })
  const catalog = await openCatalog(warehouse.location)
  const client = (steps: readonly unknown[]): Promise<unknown> => ask({ engine: 'pyiceberg', uri: server.uri, token: TOKEN, steps })
  try {
    const row = (id: number): object => ({ id, who: 'py' })
    await client([['create', 'py.t'], ['append', 'py.t', [row(1), row(2), row(3)]], ['tag', 'py.t', 'first'], ['delete', 'py.t', 'id = 2']])
    const table = await catalog.loadTable('py.t')
    expect(await idsOf(catalog, 'py.t')).toEqual([1, 3])
    expect(await table.scan().useRef('first').count()).toBe(3)
    await Promise.all([
      client(Array.from({ length: 3 }, (_, i) => ['append', 'py.t', [row(10 + i)]])),
      (async () => { for (let i = 0; i < 10; i++) await table.append([{ id: BigInt(100 + i), who: 'floe' }]) })(),
    ])
    const expected = [1, 3, 10, 11, 12, ...Array.from({ length: 10 }, (_, i) => 100 + i)]
    expect(await idsOf(catalog, 'py.t')).toEqual(expected)
    const rows = (await client([['column', 'py.t', 'note'], ['rows', 'py.t']])) as readonly { readonly id: number; readonly note: unknown }[]
    expect(rows.map(({ id, note }) => [id, note])).toEqual(expected.map((id) => [id, null]))
    await (await catalog.createTable('py.own', { schema: schema({ id: t.long.required, who: t.string }), formatVersion: 2 })).append([{ id: 7n, who: 'floe' }])
    expect(await client([['drop', 'py.t'], ['rows', 'py.own']])).toEqual([{ id: 7, who: 'floe' }])
    expect(await catalog.tableExists('py.t')).toBe(false)
    await expect(ask({ engine: 'pyiceberg', uri: server.uri, token: 'another', steps: [['rows', 'py.own']] })).rejects.toThrow(/[Uu]nauthorized|NotAuthorized/)
  } finally {
    await catalog.close()
    await server.close()
    warehouse.remove()
  }
}, 180_000)

it('DuckDB through the server and floe beside it lose nothing, in an object store', async (context) => {
  requireTool(context, 'python')
  const store = await S3Server.start()
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  const options = { s3: { endpoint: store.endpoint, region: 'us-east-1', forcePathStyle: true, credentials } }
  const server = await serveCatalog('s3://lake/warehouse', { ...options, token: TOKEN })
  const catalog = await openCatalog('s3://lake/warehouse', options)
  const s3 = { endpoint: store.endpoint.replace('http://', ''), key: 'key', secret: 'secret' }
  const client = (statements: readonly string[]): Promise<unknown> => ask({ engine: 'duckdb', uri: server.uri, token: TOKEN, s3, statements })
  try {
    await client(['create schema lake.duck', 'create table lake.duck.t (id bigint, who varchar)', "insert into lake.duck.t values (1, 'a'), (2, 'b'), (3, 'c')"])
    const table = await catalog.loadTable('duck.t')
    expect(await idsOf(catalog, 'duck.t')).toEqual([1, 2, 3])
    await table.append([{ id: 4n, who: 'floe' }])
    await client(['delete from lake.duck.t where id = 2', "update lake.duck.t set who = 'z' where id = 3"])
    const rows = await (await catalog.loadTable('duck.t')).scan().rows().toArray()
    expect(rows.map((row) => `${String(row['id'])} ${String(row['who'])}`).sort()).toEqual(['1 a', '3 z', '4 floe'])
    await client(['begin', "insert into lake.duck.t values (10, 'x')", "insert into lake.duck.t values (11, 'y')", 'commit'])
    await (await catalog.loadTable('duck.t')).delete('id = 1')
    expect(await client(['select id, who from lake.duck.t order by id'])).toEqual([[3, 'z'], [4, 'floe'], [10, 'x'], [11, 'y']])
    expect(await client(['create table lake.duck.made as select 5 as id', 'select * from lake.duck.made'])).toEqual([[5]])
    expect(await idsOf(catalog, 'duck.made')).toEqual([5])
    await client(['drop table lake.duck.made'])
    expect(await catalog.tableExists('duck.made')).toBe(false)
  } finally {
    await catalog.close()
    await server.close()
    await store.close()
  }
}, 180_000)
