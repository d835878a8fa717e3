import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { endpoints } from '../../src/catalog/rest/rest-endpoints.js'
import { type OpenStore, type StorageCredential, TableStore } from '../../src/catalog/rest/storage-access.js'
import { openCatalog, schema, t, type Catalog } from '../../src/index.js'
import { S3FileIO } from '../../src/io/s3-file-io.js'
import { JsonObject, type JsonMembers } from '../../src/util/json.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { restStub, type RestStub } from '../support/rest-stub.js'
import { S3Server, type S3Call } from '../support/s3-server.js'
import { codeOf } from '../support/table-commits.js'

const tablePath = 'v1/namespaces/shop/tables/events'
const FILES = 5
let store: S3Server
const admin = { accessKeyId: 'admin', secretAccessKey: 'secret' }

beforeAll(async () => {
  store = await S3Server.start()
})
afterAll(async () => {
  await store.close()
})

const keyOf = ({ headers }: S3Call): string => /Credential=([^/]+)\//.exec(String(headers['authorization']))?.[1] ?? 'none'
const isData = ({ operation, key }: S3Call): boolean => operation === 'get' && key.endsWith('.parquet')

interface World extends RestStub {
  readonly catalog: Catalog
  readonly clock: { skewMs: number }
  readonly renewals: () => number
}

type Vended = readonly JsonMembers[] | undefined

/** A table of some files whose catalog vends `old`, and `new-1`, `new-2` when it is asked again. */
async function world(vended: (key: string) => JsonMembers, renew: () => Vended = () => undefined): Promise<World> {
  store.reset()
  const s3 = { endpoint: store.endpoint, region: 'us-east-1', forcePathStyle: true }
  const backend = new MemoryCatalog({ io: new S3FileIO({ ...s3, credentials: admin }), warehouse: 's3://lake/wh' })
  let renewed = 0
  const stub = restStub(backend, async ({ path, method }, serve) => {
    if (path === 'v1/config') {
      const config = JsonObject.of((await serve()).body!)
      return { status: 200, body: { ...config.members, endpoints: [...config.requireStrings('endpoints'), endpoints.loadCredentials] } }
    }
    if (path === `${tablePath}/credentials`) return { status: 200, body: { 'storage-credentials': renew() ?? [vended(`new-${++renewed}`)] } }
    if (path !== tablePath || method !== 'GET') return undefined
    return { status: 200, body: { ...JsonObject.of((await serve()).body!).members, 'storage-credentials': [vended('old')] } }
  })
  const clock = { skewMs: 0 }
  const runtime = { ...systemRuntime, now: () => systemRuntime.now() + clock.skewMs }
  const own = await openCatalog('http://127.0.0.1:1', { s3: { ...s3, credentials: admin }, rest: { fetch: restStub(backend).fetch } })
  const table = await own.createTable('shop.events', { schema: schema({ id: t.long.required }) })
  for (let i = 0; i < FILES; i++) await table.append([{ id: BigInt(i) }])
  store.calls.length = 0
  return { ...stub, clock, renewals: () => renewed, catalog: await openCatalog('http://127.0.0.1:1', { s3, runtime, rest: { fetch: stub.fetch } }) }
}

function credentials(key: string, more: JsonMembers = {}): JsonMembers {
  return { prefix: 's3://lake/wh', config: { 's3.access-key-id': key, 's3.secret-access-key': `secret of ${key}`, 's3.session-token': `of ${key}`, ...more } }
}

describe('credentials that a catalog vends', () => {
  it('that expire in the middle of a scan are renewed, once, and the scan goes on', async () => {
    const expiry = (key: string): JsonMembers => ({ 's3.session-token-expires-at-ms': String(systemRuntime.now() + (key === 'old' ? 90_000 : 3_600_000)) })
    const w = await world((key) => credentials(key, expiry(key)))
    // The store refuses the old ones from their last minute on.
    store.faults.push({ kind: 'forbidden', when: (call) => w.clock.skewMs > 0 && keyOf(call) === 'old', times: Infinity })
    const rows: bigint[] = []
    for await (const row of (await w.catalog.loadTable('shop.events')).scan().rows()) {
      rows.push(row['id'] as bigint)
      w.clock.skewMs = 60_000
    }
    expect(rows.sort()).toEqual(Array.from({ length: FILES }, (_, i) => BigInt(i)))
    expect(w.renewals()).toBe(1)
    const keys = store.calls.filter(isData).map(keyOf)
    expect([keys[0], keys.at(-1), new Set(keys).size]).toEqual(['old', 'new-1', 2])
    await w.catalog.close()
  })

  it('that expire in the middle of a write are renewed, once, and the write goes on: parts that are up stay', async () => {
    store.reset()
    const clock = { skewMs: 0 }
    const runtime = { ...systemRuntime, now: () => systemRuntime.now() + clock.skewMs }
    let renewals = 0
    const given = (key: string, lifeMs: number): StorageCredential => {
      const config = { 's3.access-key-id': key, 's3.secret-access-key': 'secret', 's3.session-token-expires-at-ms': String(systemRuntime.now() + lifeMs) }
      return { prefix: 's3://lake/wh', config: new Map(Object.entries(config)) }
    }
    const renew = (): Promise<readonly StorageCredential[]> => Promise.resolve([given(`new-${++renewals}`, 3_600_000)])
    const s3 = { endpoint: store.endpoint, region: 'us-east-1', forcePathStyle: true, partSizeBytes: 100, parallelParts: 1, runtime }
    const open: OpenStore = (_, sent) => new S3FileIO({ ...s3, ...sent })
    const io = new TableStore({ config: new Map(), credentials: [given('old', 90_000)], renew, open, runtime })
    store.faults.push({ kind: 'forbidden', when: (call) => clock.skewMs > 0 && keyOf(call) === 'old', times: Infinity })
    async function* body(): AsyncGenerator<Uint8Array> {
      for (let part = 0; part < 6; part++) {
        if (part === 3) clock.skewMs = 60_000
        yield new Uint8Array(100).fill(part)
      }
    }
    await io.write('s3://lake/wh/x', body(), { ifNoneMatch: '*' })
    expect((await io.read('s3://lake/wh/x')).length).toBe(600)
    expect(renewals).toBe(1)
    const keys = store.calls.filter(({ operation }) => operation === 'upload-part').map(keyOf)
    expect([keys.length, keys[0], keys.at(-1)]).toEqual([6, 'old', 'new-1'])
    await io.close()
  })

  it('that the store refuses are renewed for lists and deletions too, and a stream that is refused leaves nothing', async () => {
    store.reset()
    const s3 = { endpoint: store.endpoint, region: 'us-east-1', forcePathStyle: true, partSizeBytes: 100, parallelParts: 1 }
    const given = (key: string): StorageCredential => ({ prefix: 's3://lake', config: new Map([['s3.access-key-id', key], ['s3.secret-access-key', 'secret']]) })
    const fresh = (): TableStore =>
      new TableStore({ config: new Map(), credentials: [given('old')], renew: () => Promise.resolve([given('new')]), open: (_, sent) => new S3FileIO({ ...s3, ...sent }), runtime: systemRuntime })
    const own = new S3FileIO({ ...s3, credentials: admin })
    for (const name of ['a', 'b']) await own.write(`s3://lake/wh/${name}`, new Uint8Array(1))
    store.faults.push({ kind: 'forbidden', when: (call) => keyOf(call) === 'old', times: Infinity })
    const listed: string[] = []
    for await (const { location } of fresh().list('s3://lake/wh/')) listed.push(location)
    expect(listed).toEqual(['s3://lake/wh/a', 's3://lake/wh/b'])
    await fresh().delete(listed)
    expect(store.keys()).toEqual([])
    async function* body(): AsyncGenerator<Uint8Array> {
      for (let part = 0; part < 3; part++) yield new Uint8Array(100)
    }
    expect(await codeOf(fresh().write('s3://lake/wh/x', body()))).toBe('UNAUTHORIZED')
    expect(store.keys()).toEqual([])
    await own.close()
  })

  it('that the store refuses before their time, or that bear none, are asked for again once', async () => {
    const w = await world((key) => credentials(key))
    let reads = 0
    // Half of the table is read by then.
    store.faults.push({ kind: 'forbidden', when: (call) => keyOf(call) === 'old' && isData(call) && ++reads > FILES, times: Infinity })
    const table = await w.catalog.loadTable('shop.events')
    for (let i = 0; i < 3; i++) expect(await table.scan().rows().toArray()).toHaveLength(FILES)
    expect(w.renewals()).toBe(1)
    await table.append([{ id: 100n }])
    expect(keyOf(store.calls.findLast(({ operation, key }) => operation === 'put' && key.endsWith('.parquet'))!)).toBe('new-1')
    await w.catalog.close()
  })

  it('that are refused again, or that the catalog does not replace, are UNAUTHORIZED without end of requests', async () => {
    const refused = await world((key) => credentials(key))
    store.faults.push({ kind: 'forbidden', when: isData, times: Infinity })
    const table = await refused.catalog.loadTable('shop.events')
    for (let i = 0; i < 3; i++) expect(await codeOf(table.scan().rows().toArray())).toBe('UNAUTHORIZED')
    expect(refused.renewals()).toBe(1)
    const same = await world((key) => credentials(key), () => [credentials('old')])
    store.faults.push({ kind: 'forbidden', when: isData, times: Infinity })
    expect(await codeOf((await same.catalog.loadTable('shop.events')).scan().rows().toArray())).toBe('UNAUTHORIZED')
    expect(same.seen.filter(({ path }) => path.endsWith('/credentials'))).toHaveLength(1)
    await refused.catalog.close()
    await same.catalog.close()
  })
})
