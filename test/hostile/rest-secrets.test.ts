/**
 * A canary in every credential that a catalog server is spoken to with, or that it sends, against a server that says all that it
 * was sent in each of its errors: none of it is in any error, report, log line or inspection.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { storageSecrets } from '../../src/catalog/rest/storage-access.js'
import type { RestAuth } from '../../src/catalog/rest/rest-catalog.js'
import { endpoints } from '../../src/catalog/rest/rest-endpoints.js'
import type { ServiceResponse } from '../../src/catalog/rest-server/service-request.js'
import { FloeError, openCatalog, schema, t, type Catalog, type OpenCatalogOptions } from '../../src/index.js'
import { S3FileIO } from '../../src/io/s3-file-io.js'
import { JsonObject, type JsonMembers } from '../../src/util/json.js'
import { restStub, type RestStub, type StubRequest } from '../support/rest-stub.js'
import { hastyRuntime } from '../support/hasty-runtime.js'
import { S3Server } from '../support/s3-server.js'

const CANARY = /canary/i
/** With what forms, paths and JSON each spell in another way. */
const canary = (name: string): string => `canary-${name}+/="é`
const plain = (name: string): string => `canary-${name}-9`

/** As AWS names them, each as a canary. */
const aws = (name: string): { accessKeyId: string; secretAccessKey: string; sessionToken: string } => ({
  accessKeyId: plain(`${name}-id`),
  secretAccessKey: canary(`${name}-secret`),
  sessionToken: plain(`${name}-session`),
})

const auths: Readonly<Record<string, RestAuth>> = {
  none: { type: 'none' },
  bearer: { type: 'bearer', token: plain('bearer') },
  'bearer function': { type: 'bearer', token: () => Promise.resolve(plain('provided')) },
  'OAuth 2 secret': { type: 'oauth2', clientId: 'me', clientSecret: canary('client-secret') },
  'OAuth 2 exchange': {
    type: 'oauth2',
    clientSecret: canary('client-secret'),
    token: plain('first-token'),
    subject: { token: canary('subject'), type: 'jwt' },
    actor: { token: () => Promise.resolve(canary('actor')) },
    tokenExchange: true,
  },
  'OAuth 2 token': { type: 'oauth2', token: plain('given-token') },
  'Signature Version 4': { type: 'sigv4', region: 'r', service: 'glue', credentials: aws('sigv4') },
  'Signature Version 4 function': { type: 'sigv4', region: 'r', service: 's3tables', credentials: () => Promise.resolve(aws('sigv4-provided')) },
}

/** What catalogs vend, by the names of the reference's properties. */
const vended: Readonly<Record<string, string>> = {
  token: plain('table-token'),
  credential: plain('credential'),
  's3.access-key-id': plain('vended-id'),
  's3.secret-access-key': canary('vended-secret'),
  's3.session-token': plain('vended-session'),
  's3.sse.key': plain('sse'),
  'gcs.oauth2.token': plain('gcs'),
  'adls.sas-token.account': plain('sas'),
  'adls.connection-string.account': plain('connection'),
  'adls.auth.shared-key.account.key': plain('shared-key'),
  'client.access-key-secret': plain('oss'),
  'io.password': plain('password'),
  'header.X-Vended': plain('vended-header'),
  'urn:ietf:params:oauth:token-type:id_token': plain('id-token'),
}

/** All that a request says, as it was sent and as it means. */
function saidIn({ headers, body, query, path }: StubRequest): string {
  const form = [...new URLSearchParams(body)].flat().join(' ')
  const credentials = /Basic (\S+)/.exec(headers['authorization'] ?? '')?.[1] ?? ''
  const texts = [...Object.values(headers), body, form, decodeURIComponent(path), query.toString(), Buffer.from(credentials, 'base64').toString()]
  return texts.join(' | ')
}

interface World extends RestStub {
  readonly catalog: Catalog
  readonly wrath: { status: number | undefined }
  readonly close: () => Promise<void>
  readonly store: S3Server
}

const properties = { 's3.secret-access-key': plain('own-property'), credential: plain('own-credential') }

async function world(auth: RestAuth): Promise<World> {
  const store = await S3Server.start()
  const s3 = { endpoint: store.endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1 }
  const admin = { accessKeyId: 'admin', secretAccessKey: 'admin' }
  const backend = new MemoryCatalog({ io: new S3FileIO({ ...s3, credentials: admin }), warehouse: 's3://lake/wh' })
  const own = await openCatalog('http://127.0.0.1:1', { s3: { ...s3, credentials: admin }, rest: { fetch: restStub(backend).fetch } })
  await (await own.createTable('shop.events', { schema: schema({ id: t.long.required }) })).append([{ id: 1n }])
  const wrath: World['wrath'] = { status: undefined }
  const credential: JsonMembers = { prefix: 's3://lake/wh', config: vended }
  const stub = restStub(backend, async (request, serve): Promise<ServiceResponse | undefined> => {
    const { path, method } = request
    const said = `${saidIn(request)} ${Object.values(vended).join(' ')} ${Object.values(properties).join(' ')}`
    const error: JsonMembers = { message: said, type: said, code: wrath.status ?? 500 }
    const isPlanned = path.endsWith('/plan')
    if (isPlanned) return { status: 200, body: { status: 'failed', error, 'plan-id': said } }
    if (wrath.status !== undefined && path !== 'v1/config' && !path.endsWith('oauth/tokens')) return { status: wrath.status, body: { error } }
    if (path.endsWith('oauth/tokens')) return { status: 200, body: { access_token: plain('issued'), token_type: 'bearer', expires_in: 3600 } }
    if (path === 'v1/config') {
      const offered = JsonObject.of((await serve()).body!).requireStrings('endpoints')
      const more = [endpoints.planScan, endpoints.loadCredentials]
      return { status: 200, body: { defaults: { 's3.session-token': plain('default') }, overrides: {}, endpoints: [...offered, ...more] } }
    }
    if (path.endsWith('/credentials')) return { status: 200, body: { 'storage-credentials': [credential] } }
    if (!path.endsWith('/tables/events') || method !== 'GET') return undefined
    return { status: 200, body: { ...JsonObject.of((await serve()).body!).members, config: vended, 'storage-credentials': [credential] } }
  })
  const headers = { 'x-own': plain('header'), 'x-proxy': `Basic ${plain('proxy')}` }
  const rest: OpenCatalogOptions['rest'] = { auth, headers, properties, fetch: stub.fetch, maxAttempts: 1 }
  const options: OpenCatalogOptions = { s3, cacheBytes: 0, runtime: hastyRuntime, parquet: { workers: 0 }, rest }
  const catalog = await openCatalog('https://catalog.example', options)
  const close = async (): Promise<void> => {
    await catalog.close()
    await own.close()
    await store.close()
  }
  return { ...stub, catalog, wrath, close, store }
}

/** Inspected to the bottom, as text, as JSON, and with every error of the chain of causes. */
function everySight(value: unknown): string {
  const json = (item: unknown): string => JSON.stringify(item, (_, member: unknown) => (typeof member === 'bigint' ? String(member) : member)) ?? ''
  const sights = [inspect(value, { depth: 20, showHidden: true, getters: true }), String(value), json(value)]
  for (let error = value; error instanceof Error; error = error.cause) sights.push(error.message, String(error.stack), json(error))
  return sights.join('\n')
}

async function failuresOf(actions: readonly (() => Promise<unknown>)[]): Promise<readonly unknown[]> {
  const errors: unknown[] = []
  for (const action of actions) errors.push(await action().then(() => 'no error', (error: unknown) => error))
  return errors
}

describe('a catalog server that repeats all that it hears', () => {
  it.each(Object.keys(auths))('has no secret of a client shown in any error, plan or inspection: %s', async (kind) => {
    const logged = (['log', 'warn', 'error', 'info', 'debug'] as const).map((level) => vi.spyOn(console, level).mockImplementation(() => undefined))
    const { catalog, wrath, close, store, seen } = await world(auths[kind]!)
    const table = await catalog.loadTable('shop.events')
    expect(await table.scan().rows().toArray()).toEqual([{ id: 1n }])
    const shown: unknown[] = [catalog, table, table.metadata, table.scan(), await table.scan().plan({ explain: true })]
    for (const status of [401, 409, 503]) {
      wrath.status = status
      const errors = await failuresOf([
        () => catalog.loadTable('shop.events'),
        () => catalog.listTables('shop'),
        () => catalog.createTable('shop.other', { schema: schema({ id: t.long }) }),
        () => table.updateProperties({ a: 'b' }),
        () => table.append([{ id: 2n }]),
        () => catalog.dropTable('shop.events'),
      ])
      for (const error of errors) expect(error).toBeInstanceOf(FloeError)
      shown.push(...errors)
    }
    wrath.status = undefined
    for (const operation of ['get', 'put', 'head'] as const) store.fail('forbidden', operation, { times: 1000 })
    shown.push(...(await failuresOf([() => table.scan().rows().toArray(), () => table.append([{ id: 3n }])])))
    for (const value of shown) expect(everySight(value)).not.toMatch(CANARY)
    for (const spy of logged) expect(JSON.stringify(spy.mock.calls)).not.toMatch(CANARY)
    for (const { body } of seen.filter(({ path }) => path.endsWith('/metrics'))) expect(body).not.toMatch(CANARY)
    expect(seen.some(({ path }) => path.endsWith('/metrics'))).toBe(true)
    vi.restoreAllMocks()
    await close()
  })

  it('has no secret shown by a plan that fails', async () => {
    const { catalog, close } = await world(auths['bearer']!)
    const planned = await openPlanned(auths['bearer']!)
    const error = await failuresOf([async () => (await planned.catalog.loadTable('shop.events')).scan().rows().toArray()])
    expect(error[0]).toBeInstanceOf(FloeError)
    expect(everySight(error[0])).toContain('[redacted]')
    expect(everySight(error[0])).not.toMatch(CANARY)
    await catalog.close()
    await planned.close()
    await close()
  })
})

/** A catalog that plans every scan. */
async function openPlanned(auth: RestAuth): Promise<World> {
  const made = await world(auth)
  const config = { 'scan-planning-mode': 'server' }
  const stub: typeof fetch = async (input, init) => {
    const answer = await made.fetch(input, init)
    if (!String(input).includes('/tables/events?')) return answer
    const body = (await answer.json()) as { config: object }
    return Response.json({ ...body, config: { ...body.config, ...config } }, { status: answer.status })
  }
  const s3 = { endpoint: made.store.endpoint, region: 'us-east-1', forcePathStyle: true }
  const catalog = await openCatalog('https://catalog.example', { s3, runtime: hastyRuntime, rest: { auth, properties, fetch: stub } })
  return { ...made, catalog }
}

describe('a store that repeats all that it hears', () => {
  it.each(['given', 'provided'])('has no credential shown: %s', async (kind) => {
    const echo = createServer((request, response) => {
      const said = Object.values(request.headers).join(' ').replaceAll('<', '')
      response.writeHead(400, { 'content-type': 'application/xml' })
      response.end(`<Error><Code>InvalidToken</Code><Message>${said}</Message></Error>`)
    })
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
    const credentials = { ...aws('store'), secretAccessKey: plain('store-secret') }
    const endpoint = `http://127.0.0.1:${(echo.address() as AddressInfo).port}`
    const io = new S3FileIO({ endpoint, credentials: kind === 'given' ? credentials : () => Promise.resolve(credentials), maxAttempts: 1 })
    const [error] = await failuresOf([() => io.read('s3://lake/x')])
    expect(error).toMatchObject({ code: 'UNAUTHORIZED', message: expect.stringContaining('***') as string })
    expect(everySight(error)).not.toMatch(CANARY)
    await io.close()
    echo.close()
  })
})

describe('what a catalog sends with a table', () => {
  it('is kept secret where it is a secret, and not where it only speaks of one', () => {
    expect(new Set(storageSecrets(new Map(Object.entries(vended)), []))).toEqual(new Set(Object.values(vended)))
    const harmless = {
      's3.session-token-expires-at-ms': '1700000000000',
      'gcs.oauth2.token-expires-at': '1700000000000',
      'token-refresh-enabled': 'true',
      'token-exchange-enabled': 'canary',
      's3.bucket-key-enabled': 'true',
      's3.endpoint': 'http://store:9000',
      'client.region': 'eu-west-1',
      's3.path-style-access': 'true',
    }
    expect(storageSecrets(new Map(Object.entries(harmless)), [])).toEqual([])
  })
})
