import { describe, expect, it } from 'vitest'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { RestCatalog, type RestAuth, type RestCatalogOptions } from '../../src/catalog/rest/rest-catalog.js'
import type { FloeErrorCode } from '../../src/util/errors.js'
import { FloeError } from '../../src/util/errors.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { hastyRuntime } from '../support/hasty-runtime.js'
import { restStub, type RestStub, type StubRequest } from '../support/rest-stub.js'
import { codeOf, commitUpdates, creation, emptyAppend, setProperties } from '../support/table-commits.js'

const id = { namespace: ['shop'], name: 'events' }
const uri = 'https://catalog.example'

type Fault = (request: StubRequest, count: number) => Response | undefined

interface Client extends RestStub {
  readonly catalog: RestCatalog
}

/** A client of a server with one table, some of whose answers `fault` replaces as they are, bodies and all. */
async function client(fault: Fault = () => undefined, options: Partial<RestCatalogOptions> = {}): Promise<Client> {
  const own = new MemoryCatalog({ io: new MemoryFileIO() })
  await own.createNamespace(['shop'])
  await own.createTable(id, creation())
  const stub = restStub(own)
  let count = 0
  const answer: typeof fetch = async (input, init) => {
    const url = new URL(input as string | URL)
    const headers = init!.headers as Record<string, string>
    const asked = { method: init!.method!, path: url.pathname.slice(1), query: url.searchParams, headers, body: (init!.body ?? '') as string }
    const wrong = fault(asked, ++count)
    if (wrong === undefined) return stub.fetch(input, init)
    stub.seen.push(asked)
    return wrong
  }
  const runtime = hastyRuntime
  return { ...stub, catalog: new RestCatalog({ uri, fetch: answer, openStore: () => new MemoryFileIO(), allowedLocations: ['memory:///'], runtime, ...options }) }
}

const failure = (status: number, type: string, message = 'the reason'): Response => Response.json({ error: { message, type, code: status } }, { status })
const isLoad = ({ method, path }: StubRequest): boolean => method === 'GET' && path.endsWith('/tables/events')
const isCommit = ({ method, path }: StubRequest): boolean => method === 'POST' && path.endsWith('/tables/events')
async function errorOf(action: Promise<unknown>): Promise<FloeError> {
  const error: unknown = await action.then(() => undefined, (reason: unknown) => reason)
  expect(error).toBeInstanceOf(FloeError)
  return error as FloeError
}

describe('an answer of a catalog that is an error', () => {
  const model: readonly (readonly [status: number, type: string, code: FloeErrorCode, retryable: boolean])[] = [
    [400, 'BadRequestException', 'INVALID', false],
    [401, 'NotAuthorizedException', 'UNAUTHORIZED', false],
    [403, 'ForbiddenException', 'UNAUTHORIZED', false],
    [404, 'NoSuchTableException', 'NOT_FOUND', false],
    [404, 'NoSuchNamespaceException', 'NOT_FOUND', false],
    [404, 'NoSuchViewException', 'NOT_FOUND', false],
    [405, 'UnsupportedOperationException', 'UNSUPPORTED', false],
    [406, 'UnsupportedOperationException', 'UNSUPPORTED', false],
    [409, 'CommitFailedException', 'CONFLICT', true],
    [409, 'AlreadyExistsException', 'ALREADY_EXISTS', false],
    [409, 'NamespaceNotEmptyException', 'INVALID', false],
    [419, 'AuthenticationTimeoutException', 'UNAUTHORIZED', false],
    [422, 'UnprocessableEntityException', 'INVALID', false],
    [429, 'TooManyRequestsException', 'UNAVAILABLE', true],
    [500, 'InternalServerError', 'UNAVAILABLE', true],
    [501, 'UnsupportedOperationException', 'UNSUPPORTED', false],
    [502, 'BadGateway', 'UNAVAILABLE', true],
    [503, 'ServiceUnavailableException', 'UNAVAILABLE', true],
    [504, 'GatewayTimeout', 'UNAVAILABLE', true],
  ]
  it.each(model)('of status %i %s is %s, and names status, type, table and reason', async (status, type, code, retryable) => {
    const { catalog } = await client((request) => (isLoad(request) ? failure(status, type) : undefined), { maxAttempts: 1 })
    const error = await errorOf(catalog.loadTable(id))
    expect([error.code, error.retryable]).toEqual([code, retryable])
    expect(error.message).toContain(`${status} ${type}`)
    expect(error.message).toContain('table shop.events: the reason')
  })

  it('is known by its status where it has no model: of proxies, empty, oversized', async () => {
    const bodies = ['', '<html>no</html>', 'plain', '{"error":', `{"error":{"message":"${'x'.repeat(100_000)}"}}`, '[]', '{"error":{"message":7}}']
    for (const body of bodies) {
      const { catalog } = await client((request) => (isLoad(request) ? new Response(body, { status: 403 }) : undefined))
      const error = await errorOf(catalog.loadTable(id))
      expect([error.code, error.message.length < 700]).toEqual(['UNAUTHORIZED', true])
      expect(error.message).not.toContain('html')
    }
  })

  it('of a token server is about the token: no table is missing for it, and no commit unknown', async () => {
    for (const [status, code] of [[404, 'UNAUTHORIZED'], [400, 'UNAUTHORIZED'], [500, 'UNAVAILABLE']] as const) {
      const auth: RestAuth = { type: 'oauth2', clientId: 'me', clientSecret: 'secret' }
      let isDown = false
      const { catalog, seen } = await client(
        ({ path }) => (path.endsWith('oauth/tokens') ? (isDown ? failure(status, 'X') : Response.json({ access_token: 'a', token_type: 'bearer', expires_in: 0 })) : undefined),
        { auth, maxAttempts: 1 },
      )
      const base = await catalog.loadTable(id)
      isDown = true
      expect(await codeOf(catalog.tableExists({ namespace: ['shop'], name: 'none' }))).toBe(code)
      expect(await codeOf(catalog.loadTable(id))).toBe(code)
      expect(await commitUpdates(catalog, base, emptyAppend(base, 'x'))).toMatchObject({ outcome: 'rejected', retryable: code === 'UNAVAILABLE', reason: { code } })
      expect(seen.filter(isCommit)).toEqual([])
    }
  })

  it('401, while no other token can be had, is a commit that was turned away', async () => {
    let given = 0
    const token = (): Promise<string> => (given++ === 0 ? Promise.resolve('first') : Promise.reject(new TypeError('the vault is closed to first')))
    const { catalog, seen } = await client((request) => (isCommit(request) ? failure(401, 'NotAuthorizedException') : undefined), { auth: { type: 'bearer', token } })
    const base = await catalog.loadTable(id)
    const outcome = await commitUpdates(catalog, base, emptyAppend(base, 'x'))
    expect(outcome).toMatchObject({ outcome: 'rejected', retryable: false, reason: { code: 'UNAUTHORIZED', message: expect.stringContaining('the vault is closed to [redacted]') as string } })
    expect(seen.filter(isCommit)).toHaveLength(1)
  })

  it('409 to the change of a table is a conflict, whatever the server calls it', async () => {
    for (const type of ['ConflictException', '', 'AlreadyExistsException']) {
      const { catalog } = await client((request) => (isCommit(request) ? failure(409, type) : undefined))
      const base = await catalog.loadTable(id)
      expect(await commitUpdates(catalog, base, emptyAppend(base, 'x'))).toMatchObject({ outcome: 'rejected', retryable: true, reason: { code: 'CONFLICT' } })
      const creates = await catalog.commitTable({ identifier: id, base: undefined, requirements: [{ type: 'assert-create' }], updates: setProperties({ a: 'b' }) })
      expect(creates).toMatchObject({ outcome: 'rejected', reason: { code: 'ALREADY_EXISTS' } })
    }
  })
})

describe('a request that cannot be sent', () => {
  it.each([
    ['a token with a line break', { auth: { type: 'bearer', token: 'canary-to\nken' } }, 'authorization'],
    ['a token beyond Latin-1', { auth: { type: 'bearer', token: 'canary-töken✓' } }, 'authorization'],
    ['a header with a line break', { headers: { 'x-own': 'canary\r\nx: y' } }, 'x-own'],
    ['a header without a name', { headers: { '': 'canary' } }, '""'],
  ] as readonly (readonly [string, Partial<RestCatalogOptions>, string])[])('for %s is INVALID and names the header, not its value', async (_, options, name) => {
    const { catalog, seen } = await client(undefined, options)
    const error = await errorOf(catalog.listNamespaces())
    expect(error.code).toBe('INVALID')
    expect(error.message).toContain(name)
    expect(error.message).not.toContain('canary')
    expect(seen).toEqual([])
  })

  it('for a token server whose address holds a password is INVALID at once, without repeating it', () => {
    const auth: RestAuth = { type: 'oauth2', clientSecret: 's', tokenUri: 'https://canary-user:canary-password@idp.example/token' }
    const open = (): RestCatalog => new RestCatalog({ uri, auth, openStore: () => new MemoryFileIO() })
    expect(open).toThrow(/must not hold a user name or password/)
    expect(open).not.toThrow(/canary/)
  })
})

describe('a redirect', () => {
  const places = ['https://evil.example/v1/config', 'http://catalog.example/v1/config', 'https://catalog.example:444/', '//evil.example/', 'https://me:canary@catalog.example/', 'http://[', 'file:///etc/passwd', undefined]
  it.each(places)('to %s carries nothing there, and is UNAVAILABLE', async (location) => {
    const { catalog, seen } = await client(({ path }) => (path === 'v1/config' ? new Response(null, { status: 307, headers: location === undefined ? {} : { location } }) : undefined))
    const error = await errorOf(catalog.namespaceExists(['shop']))
    expect([error.code, error.retryable, seen.length]).toEqual(['UNAVAILABLE', false, 1])
    expect(error.message).not.toContain('canary')
  })

  it('within the catalog is followed for reads, three times at most, and never for a change', async () => {
    const around = await client(({ path }) => (path === 'v1/config' ? new Response(null, { status: 302, headers: { location: '/v1/config' } }) : undefined))
    expect(await codeOf(around.catalog.listNamespaces())).toBe('UNAVAILABLE')
    expect(around.seen).toHaveLength(4)
    const moved = await client(({ path }) => (path === 'v1/namespaces' ? new Response(null, { status: 308, headers: { location: '/v1/elsewhere' } }) : undefined))
    expect(await codeOf(moved.catalog.createNamespace(['x']))).toBe('COMMIT_STATE_UNKNOWN')
    expect(moved.seen.filter(({ path }) => path === 'v1/elsewhere')).toEqual([])
  })
})

describe('a key by which a server recognises repetitions', () => {
  const config = { defaults: {}, overrides: {}, 'idempotency-key-lifetime': 'PT10S' }
  it.each([[1000, 5], [3000, 4], [20_000, 1]])('is not used for longer than the server keeps it: %i ms a try are %i requests', async (tryMs, requests) => {
    let now = 0
    const fault: Fault = (request) => {
      if (request.path === 'v1/config') return Response.json(config)
      if (!isCommit(request)) return undefined
      now += tryMs / 2
      return failure(500, 'InternalServerError')
    }
    const runtime = { ...hastyRuntime, now: () => now, sleep: () => ((now += tryMs / 2), Promise.resolve()) }
    const { catalog, seen } = await client(fault, { runtime })
    const base = await catalog.loadTable(id)
    expect(await commitUpdates(catalog, base, emptyAppend(base, 'x'))).toMatchObject({ outcome: 'unknown' })
    expect(seen.filter(isCommit)).toHaveLength(requests)
  })
})

it('spaces in a query are sent as %20, which means a space to every server', async () => {
  const urls: string[] = []
  const { catalog } = await client(undefined, {
    fetch: (input) => {
      urls.push(String(input))
      return Promise.resolve(Response.json({ defaults: {}, overrides: {}, namespaces: [] }))
    },
  })
  await catalog.listNamespaces(['two words', 'a+b'])
  expect(urls.at(-1)).toContain('parent=two%20words%1Fa%2Bb')
})
