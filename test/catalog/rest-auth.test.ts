import { describe, expect, it } from 'vitest'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { RestCatalog, type RestAuth, type RestCatalogOptions } from '../../src/catalog/rest/rest-catalog.js'
import type { ServiceResponse } from '../../src/catalog/rest-server/service-request.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { JsonObject, type JsonMembers } from '../../src/util/json.js'
import { systemRuntime, type Runtime } from '../../src/util/runtime.js'
import { restStub, type RestStub, type StubRequest } from '../support/rest-stub.js'
import { codeOf, commitUpdates, creation, emptyAppend } from '../support/table-commits.js'

const id = { namespace: ['shop'], name: 'events' }
const tokenPath = 'v1/oauth/tokens'
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

interface World extends RestStub {
  readonly catalog: RestCatalog
  /** What the token server was asked, each with the header that proves who asks. */
  readonly asked: () => readonly Readonly<Record<string, string>>[]
  /** The bearer tokens that requests to the catalog had, each once, in order. */
  readonly used: () => readonly string[]
  readonly clock: { now: number }
}

type Issue = (request: StubRequest, count: number) => ServiceResponse | Promise<ServiceResponse>
type Change = (request: StubRequest, serve: () => Promise<ServiceResponse>) => Promise<ServiceResponse | undefined>

const issue = (token: string, more: JsonMembers = {}): ServiceResponse => {
  return { status: 200, body: { access_token: token, token_type: 'bearer', ...more } }
}
const refuse = (status: number, error: string): ServiceResponse => ({ status, body: { error, error_description: 'no' } })

type Options = Partial<RestCatalogOptions> & { readonly change?: Change }

async function world(auth: RestAuth, issued: Issue, options: Options = {}): Promise<World> {
  const clock = { now: 1_000_000_000_000 }
  const runtime: Runtime = { ...systemRuntime, now: () => clock.now, sleep: () => Promise.resolve() }
  const io = new MemoryFileIO()
  const own = new MemoryCatalog({ io })
  await own.createNamespace(['shop'])
  await own.createTable(id, creation())
  const { change, ...rest } = options
  let count = 0
  const stub = restStub(own, async (request, serve) =>
    request.path === tokenPath || request.path === 'token' ? issued(request, ++count) : change?.(request, serve),
  )
  const catalog = new RestCatalog({ uri: 'https://catalog.example', fetch: stub.fetch, openStore: () => io, runtime, auth, ...rest })
  const isToken = ({ path }: StubRequest): boolean => path === tokenPath || path === 'token'
  const asked = (): readonly Readonly<Record<string, string>>[] =>
    stub.seen.filter(isToken).map(({ body, headers }) => {
      const proof = headers['authorization']
      return { ...Object.fromEntries(new URLSearchParams(body)), ...(proof === undefined ? {} : { by: proof }) }
    })
  const used = (): readonly string[] => [...new Set(stub.seen.filter((request) => !isToken(request)).map(({ headers }) => headers['authorization'] ?? ''))]
  return { ...stub, catalog, asked, used, clock }
}

/** A token that says itself when it expires. */
function jwt(expiresAtMs: number, name = 'x'): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ exp: expiresAtMs / 1000, name })}.sig`
}

describe('OAuth 2 client credentials', () => {
  const client = { type: 'oauth2', clientId: 'me', clientSecret: 'hush' } as const

  it('are asked for again by whoever finds the token refused first, whatever the others find', async () => {
    const w = await world(client, (_, count) => issue(`t${count}`), {
      change: (request) => Promise.resolve(request.headers['authorization'] === 'Bearer t1' ? { status: 401 } : undefined),
    })
    await Promise.all(Array.from({ length: 8 }, () => w.catalog.listNamespaces()))
    expect(w.asked()).toHaveLength(2)
    expect(w.used()).toEqual(['Bearer t1', 'Bearer t2'])
  })

  it('are not asked for again by a request whose refusal comes late', async () => {
    let release: () => void = () => undefined
    const renewed = new Promise<void>((resolve) => { release = resolve })
    let refusals = 0
    const w = await world(client, (_, count) => issue(`t${count}`), {
      change: async ({ headers, path }) => {
        if (path === 'v1/config') return undefined
        if (headers['authorization'] === 'Bearer t2') release()
        if (headers['authorization'] !== 'Bearer t1') return undefined
        if (++refusals === 2) await renewed
        return { status: 401 }
      },
    })
    await Promise.all([w.catalog.listNamespaces(), w.catalog.listNamespaces()])
    expect([refusals, w.asked().length]).toEqual([2, 2])
  })

  it('last as long as the token itself says, before what came with it', async () => {
    const w = await world(client, (_, count) => issue(count === 1 ? jwt(1_000_000_100_000) : 'second', { expires_in: 3600 }))
    await w.catalog.listNamespaces()
    w.clock.now += 85_000
    await w.catalog.listNamespaces()
    expect(w.asked()).toHaveLength(1)
    w.clock.now += 10_000
    await w.catalog.listNamespaces()
    expect(w.asked()).toHaveLength(2)
  })

  it('that cannot be renewed fail no request while the old token lives, and are tried again', async () => {
    const w = await world(client, (_, count) => (count === 2 ? refuse(500, 'server_error') : issue(`t${count}`, { expires_in: 100 })), { maxAttempts: 1 })
    await w.catalog.listNamespaces()
    w.clock.now += 92_000
    await w.catalog.listNamespaces()
    await w.catalog.listNamespaces()
    expect(w.asked()).toHaveLength(2)
    w.clock.now += 5_000
    await w.catalog.listNamespaces()
    expect(w.used()).toEqual(['Bearer t1', 'Bearer t3'])
  })

  it('that cannot be renewed when the token is dead fail the request with the reason', async () => {
    const w = await world(client, (_, count) => (count === 2 ? refuse(401, 'invalid_client') : issue(`t${count}`, { expires_in: 100 })), { maxAttempts: 1 })
    await w.catalog.listNamespaces()
    w.clock.now += 200_000
    expect(await codeOf(w.catalog.listNamespaces())).toBe('UNAUTHORIZED')
    await w.catalog.listNamespaces()
    expect(w.used()).toEqual(['Bearer t1', 'Bearer t3'])
  })

  it('go to a token server elsewhere without the headers that are for the catalog', async () => {
    const w = await world({ ...client, tokenUri: 'https://idp.example/token' }, () => issue('t'), { headers: { 'x-own': 'for the catalog' } })
    await w.catalog.listNamespaces()
    const [asked, config] = w.seen
    expect([asked!.path, asked!.headers['x-own']]).toEqual(['token', undefined])
    expect(config!.headers).toMatchObject({ authorization: 'Bearer t', 'x-own': 'for the catalog' })
  })
})

describe('OAuth 2 token exchange', () => {
  it('turns a token of the user into one of the catalog, with who acts and what is asked for', async () => {
    const auth: RestAuth = {
      type: 'oauth2',
      clientId: 'me',
      clientSecret: 'hush',
      scope: 'read',
      audience: 'lake',
      subject: { token: () => Promise.resolve('of the user'), type: 'id_token' },
      actor: { token: 'of the service' },
    }
    const w = await world(auth, () => issue('t'))
    await w.catalog.listNamespaces()
    expect(w.asked()).toEqual([
      {
        grant_type: exchange,
        subject_token: 'of the user',
        subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
        actor_token: 'of the service',
        actor_token_type: accessToken,
        scope: 'read',
        audience: 'lake',
        by: `Basic ${Buffer.from('me:hush').toString('base64')}`,
      },
    ])
    expect(w.used()).toEqual(['Bearer t'])
  })

  it('renews a token while it lives, by itself', async () => {
    const w = await world({ type: 'oauth2', token: jwt(1_000_000_100_000) }, (_, count) => issue(`t${count}`, { expires_in: 100, issued_token_type: 'urn:ietf:params:oauth:token-type:jwt' }))
    const first = jwt(1_000_000_100_000)
    await w.catalog.listNamespaces()
    for (let i = 0; i < 2; i++) {
      w.clock.now += 95_000
      await w.catalog.listNamespaces()
    }
    expect(w.asked()).toEqual([
      { grant_type: exchange, subject_token: first, subject_token_type: accessToken, scope: 'catalog', by: `Bearer ${first}` },
      { grant_type: exchange, subject_token: 't1', subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', scope: 'catalog', by: 'Bearer t1' },
    ])
    expect(w.used()).toEqual([`Bearer ${first}`, 'Bearer t1', 'Bearer t2'])
  })

  it('that is refused, or comes too late, gives way to the client’s own credentials', async () => {
    const auth: RestAuth = { type: 'oauth2', clientId: 'me', clientSecret: 'hush', tokenExchange: true }
    const grants = (w: World): readonly string[] => w.asked().map((form) => form['grant_type']!)
    const refused = await world(auth, (request, count) => (request.body.includes('token-exchange') ? refuse(400, 'unsupported_grant_type') : issue(`t${count}`, { expires_in: 100 })))
    await refused.catalog.listNamespaces()
    refused.clock.now += 95_000
    await refused.catalog.listNamespaces()
    expect(grants(refused)).toEqual(['client_credentials', exchange, 'client_credentials'])
    const late = await world(auth, (_, count) => issue(`t${count}`, { expires_in: 100 }))
    await late.catalog.listNamespaces()
    late.clock.now += 101_000
    await late.catalog.listNamespaces()
    expect(grants(late)).toEqual(['client_credentials', 'client_credentials'])
  })

  it('of a dead token of the user’s is proven by the client’s credentials, so that the user stays the user', async () => {
    const old = jwt(999_999_000_000)
    const auth: RestAuth = { type: 'oauth2', clientId: 'me', clientSecret: 'hush', token: old, tokenExchange: true }
    const w = await world(auth, () => issue('t'))
    await w.catalog.listNamespaces()
    const by = `Basic ${Buffer.from('me:hush').toString('base64')}`
    expect(w.asked()).toEqual([{ grant_type: exchange, subject_token: old, subject_token_type: accessToken, scope: 'catalog', by }])
    expect(w.used()).toEqual(['Bearer t'])
  })

  it('is not tried where it is turned off, and needs something to begin with', async () => {
    const w = await world({ type: 'oauth2', token: jwt(1_000_000_100_000), tokenExchange: false }, () => issue('t'))
    w.clock.now += 99_000
    await w.catalog.listNamespaces()
    expect(w.asked()).toEqual([])
    expect(() => new RestCatalog({ uri: 'https://catalog.example', openStore: () => new MemoryFileIO(), auth: { type: 'oauth2' } })).toThrow(/needs a clientSecret/)
  })
})

describe('a token in the configuration of a table', () => {
  const ofTable = (config: () => JsonMembers): Change => async (request, serve) => {
    if (request.method !== 'GET' || !request.path.endsWith('/tables/events')) return undefined
    const { body } = await serve()
    return { status: 200, body: { ...JsonObject.of(body!, '').members, config: config() } }
  }
  const tokenOfCommit = ({ seen }: World): readonly string[] =>
    seen.filter(({ method, path }) => method === 'POST' && path.endsWith('/tables/events')).map(({ headers }) => headers['authorization']!)

  it('that is an identity is exchanged on behalf of the catalog’s session, once', async () => {
    const change = ofTable(() => ({ 'urn:ietf:params:oauth:token-type:id_token': 'who' }))
    const w = await world({ type: 'oauth2', clientSecret: 'hush' }, (_, count) => issue(`t${count}`), { change })
    for (let i = 0; i < 2; i++) {
      const table = await w.catalog.loadTable(id)
      await commitUpdates(w.catalog, table, emptyAppend(table, `${i}`))
    }
    expect(w.asked().slice(1)).toMatchObject([{ grant_type: exchange, subject_token: 'who', actor_token: 't1', actor_token_type: accessToken }])
    expect(tokenOfCommit(w)).toEqual(['Bearer t2', 'Bearer t2'])
  })

  it('that is refused has the server asked for another, once for all who meet it', async () => {
    let loads = 0
    const table = ofTable(() => ({ token: `table-${++loads}` }))
    const change: Change = async (request, serve) => (request.headers['authorization'] === 'Bearer table-1' ? { status: 419 } : table(request, serve))
    for (const auth of [{ type: 'bearer', token: 'own' }, { type: 'oauth2', clientSecret: 'hush' }] as const) {
      loads = 0
      const w = await world(auth, () => issue('own'), { change })
      const base = await w.catalog.loadTable(id)
      expect(await commitUpdates(w.catalog, base, emptyAppend(base, 'x'))).toMatchObject({ outcome: 'committed' })
      expect(tokenOfCommit(w)).toEqual(['Bearer table-1', 'Bearer table-2'])
      expect(loads).toBe(2)
    }
  })

  it('is not used where requests are signed, and a credential there is sent nowhere', async () => {
    const change = ofTable(() => ({ token: 'of-the-table', credential: 'a:b' }))
    const credentials = { accessKeyId: 'k', secretAccessKey: 's' }
    const w = await world({ type: 'sigv4', region: 'r', service: 'glue', credentials }, () => issue('t'), { change })
    const base = await w.catalog.loadTable(id)
    await commitUpdates(w.catalog, base, emptyAppend(base, 'x'))
    expect(tokenOfCommit(w)[0]).toMatch(/^AWS4-HMAC-SHA256 /)
    expect(w.seen.filter(({ body }) => body.includes('a:b'))).toEqual([])
  })
})
