import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { inspect } from 'node:util'
import { SignatureV4 } from '@smithy/signature-v4'
import { describe, expect, it } from 'vitest'
import type { OutgoingRequest } from '../../src/catalog/rest/auth-session.js'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { RestCatalog, type RestAuth } from '../../src/catalog/rest/rest-catalog.js'
import { authorizationOf, signRequest } from '../../src/catalog/rest/sigv4-session.js'
import { TableStore, type StorageAccess, type StorageCredential } from '../../src/catalog/rest/storage-access.js'
import { openCatalog } from '../../src/index.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import type { S3Credentials, S3FileIOOptions } from '../../src/io/s3-options.js'
import { JsonObject } from '../../src/util/json.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { restStub, type StubRequest } from '../support/rest-stub.js'
import { codeOf, creation } from '../support/table-commits.js'

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const nowMs = Date.UTC(2015, 7, 30, 12, 36)
/** As the SDK wants a hash. */
class Sha256 {
  readonly #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }

  update(data: Uint8Array): void {
    this.#hash.update(data)
  }

  reset(): void {
    throw new Error('not used')
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#hash.digest()))
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

interface Vector {
  readonly name: string
  readonly method: string
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signature: string
}

/** Of the AWS Signature Version 4 test suite. */
const vectors: readonly Vector[] = [
  { name: 'get-vanilla', method: 'GET', target: '/', signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31' },
  { name: 'get-vanilla-query-order-key-case', method: 'GET', target: '/?Param2=value2&Param1=value1', signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500' },
  { name: 'post-vanilla', method: 'POST', target: '/', signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b' },
  {
    name: 'post-x-www-form-urlencoded',
    method: 'POST',
    target: '/',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'Param1=value1',
    signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  },
]

describe('Signature Version 4', () => {
  it.each(vectors)('signs $name as AWS does', ({ method, target, headers = {}, body = '', signature }) => {
    const url = new URL(target, 'https://example.amazonaws.com')
    const signed = new Map([...Object.entries(headers), ['host', url.host], ['x-amz-date', '20150830T123600Z']] as [string, string][])
    const context = { region: 'us-east-1', service: 'service', credentials, nowMs }
    const names = [...signed.keys()].sort().join(';')
    expect(authorizationOf({ method, url, headers: signed, payloadHash: sha256(body) }, context)).toBe(
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${names}, Signature=${signature}`,
    )
  })

  it('signs the example of the IAM documentation', () => {
    const url = new URL('https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08')
    const headers = new Map([
      ['content-type', 'application/x-www-form-urlencoded; charset=utf-8'],
      ['host', url.host],
      ['x-amz-date', '20150830T123600Z'],
    ])
    const context = { region: 'us-east-1', service: 'iam', credentials, nowMs }
    expect(authorizationOf({ method: 'GET', url, headers, payloadHash: sha256('') }, context)).toMatch(
      /Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7$/,
    )
  })

  it.each([
    ['glue', 'https://glue.eu-west-1.amazonaws.com/iceberg', 'catalogs/123456789012:s3tablescatalog/lake', 'v1/catalogs/123456789012:s3tablescatalog/lake'],
    ['s3tables', 'https://s3tables.eu-west-1.amazonaws.com/iceberg', 'arn%3Aaws%3As3tables%3Aeu-west-1%3A123456789012%3Abucket%2Flake', undefined],
  ])('signs what it sends to %s as the SDK of AWS does, prefix, names and query included', async (service, uri, prefix, start = `v1/${prefix}`) => {
    const seen: OutgoingRequest[] = []
    const answer: typeof fetch = (input, init) => {
      const { method = 'GET', body = '' } = init as { readonly method?: string; readonly body?: string }
      const request = { method, url: new URL(input as string), headers: Object.fromEntries(new Headers(init?.headers)), body }
      seen.push(request)
      const config = { defaults: {}, overrides: { prefix } }
      return Promise.resolve(Response.json(request.url.pathname.endsWith('/config') ? config : { namespaces: [], properties: {} }))
    }
    const session = { ...credentials, sessionToken: 'session' }
    const auth: RestAuth = { type: 'sigv4', region: 'eu-west-1', service, credentials: session }
    const warehouse = 'arn:aws:s3tables:eu-west-1:123456789012:bucket/lake'
    const catalog = new RestCatalog({ uri, fetch: answer, openStore: () => new MemoryFileIO(), auth, warehouse })
    await catalog.listNamespaces(['a b', 'ü'])
    await catalog.loadNamespace(['it’s (an) odd!name', 'x+y'])
    await catalog.updateNamespace(['a'], { updates: new Map([['ü', '✓']]), removals: [] })
    expect(seen.map(({ url }) => url.pathname.slice('/iceberg/'.length))).toEqual([
      'v1/config',
      `${start}/namespaces`,
      `${start}/namespaces/it%E2%80%99s%20%28an%29%20odd%21name%1Fx%2By`,
      `${start}/namespaces/a/properties`,
    ])
    for (const { method, url, headers, body } of seen) {
      const { authorization, ...others } = headers as Record<string, string>
      const signer = new SignatureV4({ service, region: 'eu-west-1', credentials: session, sha256: Sha256 })
      const { protocol, hostname, pathname: path } = url
      const request = { method, protocol, hostname, path, query: Object.fromEntries(url.searchParams), body }
      const signingDate = new Date(others['x-amz-date']!.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
      const signed = await signer.sign({ ...request, headers: { ...others, host: url.host } }, { signingDate })
      expect(authorization).toBe(signed.headers['authorization'])
    }
  })

  it.each([401, 403])('is made with other keys, once, when AWS says %i of those that it had, and those that need them at a time ask once', async (status) => {
    let given = 0
    const provide = (): Promise<S3Credentials> => Promise.resolve({ ...credentials, accessKeyId: `AKID${++given}` })
    const auth: RestAuth = { type: 'sigv4', region: 'r', service: 'glue', credentials: provide }
    let refuses = 'AKID1/'
    const stub = restStub(new MemoryCatalog(), ({ headers }) => {
      const error = { message: 'The security token is expired', type: 'ExpiredTokenException', code: status }
      return Promise.resolve(headers['authorization']!.includes(`Credential=${refuses}`) ? { status, body: { error } } : undefined)
    })
    const catalog = new RestCatalog({ uri: 'https://glue.example', fetch: stub.fetch, openStore: () => new MemoryFileIO(), auth })
    await Promise.all([catalog.listNamespaces(), catalog.listNamespaces(), catalog.listNamespaces()])
    expect(given).toBe(2)
    refuses = ''
    const before = stub.seen.length
    expect(await codeOf(catalog.listNamespaces())).toBe('UNAUTHORIZED')
    expect([given, stub.seen.length - before]).toEqual([3, 2])
  })

  it('covers every request of a catalog: method, path, query, body and token, as a server that checks them finds', async () => {
    const own = new MemoryCatalog()
    const session = { ...credentials, sessionToken: 'session' }
    const verify = ({ method, path, query, headers, body }: StubRequest): void => {
      const { authorization, ...others } = headers as Record<string, string>
      const url = new URL(`https://glue.example/${path}?${query.toString()}`)
      const time = others['x-amz-date']!
      const at = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
      expect(others['x-amz-content-sha256']).toBe(sha256(body))
      expect(others['x-amz-security-token']).toBe('session')
      expect(authorization).toBe(signRequest({ method, url, headers: others, body }, { region: 'eu-west-1', service: 'glue', credentials: session, nowMs: at })['authorization'])
    }
    const stub = restStub(own, (request) => {
      verify(request)
      return Promise.resolve(undefined)
    })
    const auth: RestAuth = { type: 'sigv4', region: 'eu-west-1', service: 'glue', credentials: session }
    const catalog = new RestCatalog({ uri: 'https://glue.example', fetch: stub.fetch, openStore: () => new MemoryFileIO(), auth })
    await catalog.createNamespace(['a b', 'ü'].slice(0, 1))
    await catalog.createNamespace(['a b', 'ü'])
    expect(await catalog.listNamespaces(['a b'])).toEqual([['a b', 'ü']])
    expect(stub.seen.length).toBeGreaterThan(3)
  })
})

describe('credentials that a catalog vends', () => {
  const vended = (prefix: string, key: string, expiresAtMs = 10_000_000): StorageCredential => ({
    prefix,
    config: new Map([
      ['s3.access-key-id', key],
      ['s3.secret-access-key', `secret of ${key}`],
      ['s3.session-token-expires-at-ms', String(expiresAtMs)],
    ]),
  })

  interface Opened {
    readonly store: TableStore
    readonly keys: () => Promise<readonly (readonly [location: string, key: string | undefined])[]>
  }

  function open(access: Partial<StorageAccess>, now: () => number = () => 0): Opened {
    const opened: [string, S3FileIOOptions | undefined][] = []
    const store = new TableStore({
      config: new Map(),
      credentials: [],
      runtime: { ...systemRuntime, now },
      open: (location, s3) => {
        opened.push([location, s3])
        return { ...new MemoryFileIO(), head: () => Promise.resolve(undefined) } as unknown as MemoryFileIO
      },
      ...access,
    })
    const keyOf = async (s3: S3FileIOOptions | undefined): Promise<string | undefined> => {
      const given = s3?.credentials as (() => Promise<S3Credentials>) | undefined
      return given === undefined ? undefined : (await given()).accessKeyId
    }
    return { store, keys: () => Promise.all(opened.map(async ([location, s3]) => [location, await keyOf(s3)] as const)) }
  }

  it('are those of the longest prefix that a location starts with, and none outside of every prefix', async () => {
    const { store, keys } = open({ credentials: [vended('s3://b/t', 'table'), vended('s3://b/t/data', 'data'), vended('s3://b/t/data/p=1/', 'deep')] })
    for (const location of ['s3://b/t/metadata/x', 's3://b/t/data/x', 's3://b/t/data/p=1/x', 's3://b/t/data2/x', 's3://b/t2/x', 's3a://b/t/data/y']) await store.head(location)
    expect(await keys()).toEqual([
      ['s3://b/t/metadata/x', 'table'],
      ['s3://b/t/data/x', 'data'],
      ['s3://b/t/data/p=1/x', 'deep'],
      ['s3://b/t2/x', undefined],
    ])
  })

  it('are renewed once, before they expire, however many ask at a time', async () => {
    let now = 0
    let renewals = 0
    const renew = (): Promise<readonly StorageCredential[]> => Promise.resolve([vended('s3://b/t', `new ${++renewals}`, 500_000)])
    const { store, keys } = open({ credentials: [vended('s3://b/t', 'old', 200_000)], renew }, () => now)
    await store.head('s3://b/t/x')
    expect(await keys()).toEqual([['s3://b/t/x', 'old']])
    now = 150_000
    const both = await Promise.all([keys(), keys()])
    expect(both.flat().map(([, key]) => key)).toEqual(['new 1', 'new 1'])
    expect(renewals).toBe(1)
  })

  it('of several prefixes are renewed together, each for its own', async () => {
    let now = 0
    const prefixes = ['s3://b/t', 's3://b/t/data', 's3://c/t']
    const renew = (): Promise<readonly StorageCredential[]> => Promise.resolve(prefixes.map((prefix) => vended(prefix, `new ${prefix}`, 900_000)))
    const { store, keys } = open({ credentials: prefixes.map((prefix) => vended(prefix, `old ${prefix}`, 200_000)), renew }, () => now)
    for (const prefix of prefixes) await store.head(`${prefix}/x`)
    expect(await keys()).toEqual(prefixes.map((prefix) => [`${prefix}/x`, `old ${prefix}`]))
    now = 199_999
    expect(await keys()).toEqual(prefixes.map((prefix) => [`${prefix}/x`, `new ${prefix}`]))
  })

  it('that the catalog takes back are UNAUTHORIZED, not those of somebody else', async () => {
    const { store, keys } = open({ credentials: [vended('s3://b/t', 'old', 1)], renew: () => Promise.resolve([]) })
    await store.head('s3://b/t/x')
    expect(await codeOf(keys())).toBe('UNAUTHORIZED')
  })
})

describe('secrets of a catalog', () => {
  const canary = (name: string): string => `canary-${name}-5f1c`
  const auths: readonly RestAuth[] = [
    { type: 'bearer', token: canary('bearer') },
    { type: 'bearer', token: () => Promise.resolve(canary('provided')) },
    { type: 'oauth2', clientId: 'me', clientSecret: canary('oauth') },
    { type: 'oauth2', clientSecret: canary('oauth'), subject: { token: canary('subject') }, actor: { token: canary('actor') } },
    { type: 'sigv4', region: 'r', service: 'glue', credentials: { accessKeyId: 'AK', secretAccessKey: canary('aws'), sessionToken: canary('session') } },
  ]

  it.each(auths)('($type) are shown by no error, catalog or table, inspected or as JSON', async (auth) => {
    const io = new MemoryFileIO()
    const own = new MemoryCatalog({ io })
    await own.createNamespace(['shop'])
    const id = { namespace: ['shop'], name: 'events' }
    await own.createTable(id, creation())
    const stub = restStub(own, async (request, serve) => {
      if (request.path.endsWith('oauth/tokens')) return { status: 200, body: { access_token: canary('issued'), token_type: 'bearer' } }
      const said = `${Object.values(request.headers).join(' ')} ${request.body} ${canary('vended')} ${canary('table')}`
      if (request.method === 'POST') return { status: 400, body: { error: { message: said, type: 'BadRequestException', code: 400 } } }
      if (!request.path.endsWith('/tables/events')) return undefined
      const { body } = await serve()
      const config = { 's3.secret-access-key': canary('vended'), 's3.access-key-id': 'x', token: canary('table') }
      return { status: 200, body: { ...JsonObject.of(body!, '').members, config } }
    })
    const headers = { 'x-own': canary('header') }
    const catalog = await openCatalog('https://catalog.example', { io, rest: { auth, headers, fetch: stub.fetch, maxAttempts: 1 } })
    const table = await catalog.loadTable('shop.events')
    const errors: unknown[] = []
    for (const call of [() => catalog.createNamespace('x'), () => table.updateProperties({ a: 'b' }), () => catalog.loadTable('shop.none')]) {
      errors.push(await call().then(() => 'no error', (error: unknown) => error))
    }
    expect(errors).not.toContain('no error')
    for (const value of [catalog, table, table.metadata, ...errors]) {
      const texts = [inspect(value, { depth: 12, showHidden: true, getters: true }), String(value), value instanceof Error ? (value.stack ?? '') : '']
      for (const text of texts) expect(text).not.toMatch(/canary-[a-z]+-5f1c/)
      expect(JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? String(member) : member)) ?? '').not.toMatch(/canary-[a-z]+-5f1c/)
    }
    await catalog.close()
  })
})
