/**
 * A canary in every place that holds a secret: none of them is in any error, however it is looked at, nor in anything that a
 * caller may print, send or store.
 */
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eq, FloeError, openCatalog, openTable, schema, systemRuntime, t } from '../../src/index.js'
import type { Catalog, OpenCatalogOptions, Table } from '../../src/index.js'
import { redactLocation } from '../../src/util/redact-location.js'
import { S3Server } from '../support/s3-server.js'

const credentials = {
  accessKeyId: 'AKIDCANARY0000000002',
  secretAccessKey: 'canary-secret-access-key-2',
  sessionToken: 'canary-session-token-2',
}
const URL_SECRETS = ['canary-user', 'canary-password', 'canary-signature']
const CANARIES = [...Object.values(credentials), ...URL_SECRETS]

/** Everything that can be seen of a value: inspected to the bottom, as JSON, and each error of the chain of causes. */
function everySight(value: unknown): string {
  const json = (item: unknown): string => JSON.stringify(item, (_, member: unknown) => (typeof member === 'bigint' ? String(member) : member)) ?? ''
  const sights = [inspect(value, { depth: 20, showHidden: true, getters: true }), String(value), json(value)]
  for (let error = value; error instanceof Error; error = error.cause) sights.push(error.message, String(error.stack), json(error))
  return sights.join('\n')
}

function expectNoCanary(value: unknown): void {
  const sights = everySight(value)
  for (const canary of CANARIES) expect(sights).not.toContain(canary)
}

async function failureOf(action: () => Promise<unknown>): Promise<FloeError> {
  const error: unknown = await action().then(() => undefined, (reason: unknown) => reason)
  expect(error).toBeInstanceOf(FloeError)
  return error as FloeError
}

let server: S3Server
let catalog: Catalog
let table: Table
/** Nothing is waited for. */
const runtime = { ...systemRuntime, sleep: (): Promise<void> => Promise.resolve() }

function options(): OpenCatalogOptions {
  return { s3: { endpoint: server.endpoint, credentials, maxAttempts: 1 }, cacheBytes: 0, parquet: { workers: 0 }, runtime }
}

beforeAll(async () => {
  server = await S3Server.start()
  catalog = await openCatalog('s3://bucket/lake', options())
  table = await catalog.createTable('shop.events', { schema: schema({ id: t.long.required, kind: t.string }) })
  await table.append([{ id: 1n, kind: 'a' }])
})

afterAll(async () => {
  await catalog.close()
  await server.close()
})

describe('credentials of a store', () => {
  const faults = ['forbidden', 'internal-error', 'drop-before', 'slow-down', 'truncate', 'conflict'] as const
  it.each(faults)('are in no error of a table whose store answers with %s', async (kind) => {
    for (const operation of ['get', 'head', 'put', 'list'] as const) {
      server.fail(kind, operation, { times: 1000 })
      const actions: readonly (() => Promise<unknown>)[] = [
        () => table.scan().filter(eq('id', 1n)).rows().toArray(),
        () => table.append([{ id: 2n, kind: 'b' }]),
        () => catalog.loadTable('shop.events'),
        () => catalog.listTables('shop'),
        () => catalog.createTable('shop.other', { schema: schema({ id: t.long }) }),
        () => openTable('s3://bucket/lake/shop/events', options()),
      ]
      const outcomes = await Promise.all(actions.map((action) => action().catch((error: unknown) => error)))
      server.faults.length = 0
      for (const outcome of outcomes) expectNoCanary(outcome)
      for (const error of outcomes.filter((outcome) => outcome instanceof Error)) expect(error).toBeInstanceOf(FloeError)
    }
  })

  it('are in nothing that a caller may print: catalogs, tables, scans, plans, tasks, metadata tables', async () => {
    const plan = await table.scan().plan({ explain: true })
    const inspected = [await table.inspect.files(), await table.inspect.manifests(), table.inspect.properties()]
    for (const value of [catalog, table, table.scan(), plan, [...plan.tasks()], table.metadata, inspected]) expectNoCanary(value)
  })

  it('are in no object of the store', () => {
    for (const key of server.keys()) {
      const stored = server.bytesOf(key)!.toString('latin1')
      for (const canary of CANARIES) expect(stored, key).not.toContain(canary)
    }
  })

  it('that a provider gives are in no error either', async () => {
    const provide = (): Promise<typeof credentials> => Promise.resolve(credentials)
    const provided = await openCatalog('s3://bucket/lake', { ...options(), s3: { ...options().s3, credentials: provide } })
    for (const operation of ['get', 'head', 'list'] as const) server.fail('forbidden', operation, { times: 1000 })
    expectNoCanary(await failureOf(() => provided.loadTable('shop.events')))
    server.faults.length = 0
    await provided.close()
  })
})

describe('locations that hold secrets', () => {
  const places = [
    's3://canary-user:canary-password@bucket/lake',
    's3://canary-user@bucket/lake',
    'https://canary-user:canary-password@host/lake?X-Amz-Signature=canary-signature',
    'https://host/lake/v1.metadata.json?X-Amz-Signature=canary-signature&X=1',
    'ftp://canary-user:canary-password@host/lake',
  ]
  it.each(places)('are refused without being repeated: %s', async (place) => {
    const actions: readonly (() => Promise<unknown>)[] = [
      async () => (await openCatalog(place, options())).loadTable('a.b'),
      () => openTable(place, options()),
      () => catalog.createTable('shop.elsewhere', { schema: schema({ id: t.long }), location: place }),
      () => catalog.createTable('shop.apart', { schema: schema({ id: t.long }), properties: { 'write.data.path': place } }),
      () => catalog.registerTable('shop.foreign', place),
    ]
    for (const action of actions) expectNoCanary(await failureOf(action))
  })

  it('keep what is an address', () => {
    for (const address of ['abfss://container@account.dfs.core.windows.net/t', 's3://bucket/a@b:c?d=e', '/data/a@b?c', 'file:///a?b']) {
      expect(redactLocation(address)).toBe(address)
    }
    expect(redactLocation('https://a:b@host/p?q#f')).toBe('https://***@host/p?***')
    expect(redactLocation('S3A://key:secret@bucket/p')).toBe('S3A://***@bucket/p')
  })
})
