import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { CommitOutcome, LoadedTable } from '../../src/catalog/catalog-backend.js'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { RestCatalog, type RestCatalogOptions } from '../../src/catalog/rest/rest-catalog.js'
import { RestService } from '../../src/catalog/rest-server/rest-service.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { printJson } from '../../src/util/json.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { hastyRuntime } from '../support/hasty-runtime.js'
import { codeOf, commitUpdates, creation, emptyAppend, notesOf, setProperties } from '../support/table-commits.js'

/** What is to become of one request: answered, or failed in some way before or after it took effect. */
interface Fault {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly applies?: boolean
  readonly cutsConnection?: boolean
}

interface Seen {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

interface FaultyServer {
  readonly uri: string
  readonly seen: Seen[]
  readonly io: MemoryFileIO
}

const id = { namespace: ['shop'], name: 'events' }
let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** A server over a catalog in memory whose answers `fault` may replace. */
async function faultyServer(fault: (request: Seen, count: number) => Fault | undefined): Promise<FaultyServer> {
  const io = new MemoryFileIO()
  const service = new RestService({ catalog: new MemoryCatalog({ io }), runtime: systemRuntime })
  const seen: Seen[] = []
  server = createServer((incoming, outgoing) => {
    void answer(incoming, outgoing)
  })
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
    const url = new URL(incoming.url ?? '/', 'http://x')
    const body = Buffer.concat(chunks).toString()
    const request = { method: incoming.method!, path: url.pathname.slice(1), query: url.searchParams, headers: incoming.headers, body }
    seen.push(request)
    const wrong = fault(request, seen.filter((other) => other.method === request.method && other.path === request.path).length)
    const headers = request.headers as Readonly<Record<string, string>>
    const isHandled = wrong === undefined || wrong.applies === true
    const right = isHandled ? await service.handle({ ...request, headers }) : undefined
    if (wrong?.cutsConnection === true) {
      incoming.socket.destroy()
      return
    }
    outgoing.writeHead(wrong?.status ?? right!.status, { ...right?.headers, ...wrong?.headers })
    outgoing.end(wrong === undefined || wrong.status === undefined ? (right?.body === undefined ? '' : printJson(right.body)) : (wrong.body ?? ''))
  }
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  return { uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, io }
}

interface Faulty {
  readonly catalog: RestCatalog
  readonly seen: Seen[]
  readonly base: LoadedTable
}

/** A table in a catalog whose commits meet `fault`. */
async function tableWith(
  fault: (count: number, request: Seen) => Fault | undefined,
  options: Partial<RestCatalogOptions> = {},
): Promise<Faulty> {
  const isCommit = ({ method, path }: Seen): boolean => method === 'POST' && path.endsWith('/tables/events')
  const { uri, seen, io } = await faultyServer((request, count) => (isCommit(request) ? fault(count, request) : undefined))
  const catalog = new RestCatalog({ uri, openStore: () => io, runtime: hastyRuntime, ...options })
  await catalog.createNamespace(['shop'])
  return { catalog, seen, base: await catalog.createTable(id, creation()) }
}

const commits = (seen: readonly Seen[]): readonly Seen[] => seen.filter(({ method, path }) => method === 'POST' && path.endsWith('/tables/events'))
const commitOnce = ({ catalog, base }: Faulty): Promise<CommitOutcome> => commitUpdates(catalog, base, emptyAppend(base, 'mine'))

describe('a commit to a REST catalog', () => {
  it.each([500, 502, 503, 504])('answered by %i is unknown, before and after its effect, and sent once (FAULTS 6 and 7)', async (status) => {
    for (const applies of [false, true]) {
      const faulty = await tableWith(() => ({ status, applies, headers: { 'retry-after': '0' } }))
      expect(await commitOnce(faulty)).toMatchObject({ outcome: 'unknown' })
      expect(commits(faulty.seen)).toHaveLength(1)
      expect(notesOf(await faulty.catalog.loadTable(id))).toEqual(applies ? ['mine'] : [])
    }
  })

  it('whose answer is lost is unknown, and sent once', async () => {
    for (const applies of [false, true]) {
      const faulty = await tableWith(() => ({ cutsConnection: true, applies }))
      expect(await commitOnce(faulty)).toMatchObject({ outcome: 'unknown' })
      expect(commits(faulty.seen)).toHaveLength(1)
    }
  })

  it('whose answer cannot be read is unknown: it was committed', async () => {
    const faulty = await tableWith(() => ({ status: 200, body: '<html>', applies: true }))
    expect(await commitOnce(faulty)).toMatchObject({ outcome: 'unknown' })
    expect(notesOf(await faulty.catalog.loadTable(id))).toEqual(['mine'])
  })

  it('to a server that is not there is rejected, and may be tried again: it never left', async () => {
    const faulty = await tableWith(() => undefined)
    server!.closeAllConnections()
    await new Promise((resolve) => server!.close(resolve))
    // The first one meets a connection that was open.
    await commitOnce(faulty)
    expect(await commitOnce(faulty)).toMatchObject({ outcome: 'rejected', retryable: true })
  })

  it.each([400, 403, 404, 422])('answered by %i is rejected for good', async (status) => {
    const faulty = await tableWith(() => ({ status }))
    expect(await commitOnce(faulty)).toMatchObject({ outcome: 'rejected', retryable: false })
    expect(commits(faulty.seen)).toHaveLength(1)
  })

  it('answered by 409 is rejected, and may be tried again on the newer version', async () => {
    const faulty = await tableWith(() => ({ status: 409, body: '{"error":{"message":"m","type":"CommitFailedException","code":409}}' }))
    expect(await commitOnce(faulty)).toMatchObject({ outcome: 'rejected', retryable: true, reason: { code: 'CONFLICT' } })
  })

  it('answered by 429 was not looked at, and is sent again', async () => {
    const faulty = await tableWith((count) => (count < 3 ? { status: 429, headers: { 'retry-after': '0' } } : undefined))
    expect(await commitOnce(faulty)).toMatchObject({ outcome: 'committed' })
    expect(commits(faulty.seen)).toHaveLength(3)
  })

  it.each([401, 419])('answered by %i is sent again with a new token, once', async (status) => {
    let tokens = 0
    const token = (): Promise<string> => Promise.resolve(`token-${++tokens}`)
    const faulty = await tableWith((_, request) => (request.headers.authorization === 'Bearer token-1' ? { status } : undefined), {
      auth: { type: 'bearer', token },
    })
    expect(await commitOnce(faulty)).toMatchObject({ outcome: 'committed' })
    expect(tokens).toBe(2)
    const refused = await tableWith(() => ({ status }), { auth: { type: 'bearer', token } })
    expect(await commitOnce(refused)).toMatchObject({ outcome: 'rejected', retryable: false, reason: { code: 'UNAUTHORIZED' } })
    expect(commits(refused.seen)).toHaveLength(2)
  })

  it('of 16 writers at once is in once for each, in a strict order (FAULTS 21)', async () => {
    const { uri, io } = await faultyServer(() => undefined)
    const open = (): RestCatalog => new RestCatalog({ uri, openStore: () => io })
    const first = open()
    await first.createNamespace(['shop'])
    await first.createTable(id, creation())
    const writers = Array.from({ length: 16 }, (_, i) => ({ catalog: open(), note: `w${i}` }))
    await Promise.all(
      writers.map(async ({ catalog, note }) => {
        for (;;) {
          const base = await catalog.loadTable(id)
          const outcome = await commitUpdates(catalog, base, emptyAppend(base, note))
          if (outcome.outcome === 'committed') return
          expect(outcome).toMatchObject({ outcome: 'rejected', retryable: true, reason: { code: 'CONFLICT' } })
        }
      }),
    )
    const { metadata } = await first.loadTable(id)
    expect(metadata.snapshots.map(({ summary }) => summary.get('note')).sort()).toEqual(writers.map(({ note }) => note).sort())
    expect(metadata.snapshots.map(({ sequenceNumber }) => sequenceNumber)).toEqual(Array.from({ length: 16 }, (_, i) => BigInt(i + 1)))
  })

  it('is aborted before it is sent, not after: then its effect is not known', async () => {
    const faulty = await tableWith(() => undefined)
    const updates = setProperties({ a: '1' })
    const { catalog, base } = faulty
    const outcome = await catalog.commitTable({ identifier: id, base, requirements: [], updates, signal: AbortSignal.abort() })
    expect(outcome).toMatchObject({ outcome: 'rejected', retryable: false, reason: { code: 'ABORTED' } })
    expect(commits(faulty.seen)).toEqual([])
  })
})

/** Changes of a catalog's tables: what is sent, and how one can tell whether they took effect. */
interface CatalogChange {
  /** As `METHOD path`. */
  readonly request: string
  readonly query?: Readonly<Record<string, string>>
  run(catalog: RestCatalog, base: LoadedTable): Promise<unknown>
  isIn(catalog: RestCatalog): Promise<boolean>
}

const other = { namespace: ['shop'], name: 'other' }
const CHANGES: Readonly<Record<string, CatalogChange>> = {
  createTable: {
    request: 'POST v1/namespaces/shop/tables',
    run: (catalog) => catalog.createTable(other, creation()),
    isIn: (catalog) => catalog.tableExists(other),
  },
  registerTable: {
    request: 'POST v1/namespaces/shop/register',
    run: (catalog, base) => catalog.registerTable(other, base.metadataLocation),
    isIn: (catalog) => catalog.tableExists(other),
  },
  renameTable: {
    request: 'POST v1/tables/rename',
    run: (catalog) => catalog.renameTable(id, other),
    isIn: async (catalog) => (await catalog.tableExists(other)) && !(await catalog.tableExists(id)),
  },
  dropTable: {
    request: 'DELETE v1/namespaces/shop/tables/events',
    query: { purgeRequested: 'false' },
    run: (catalog) => catalog.dropTable(id),
    isIn: async (catalog) => !(await catalog.tableExists(id)),
  },
  'dropTable with its files': {
    request: 'DELETE v1/namespaces/shop/tables/events',
    query: { purgeRequested: 'true' },
    run: (catalog) => catalog.dropTable(id, { purge: true }),
    isIn: async (catalog) => !(await catalog.tableExists(id)),
  },
}

const FATES: Readonly<Record<string, Fault>> = {
  'is cut off': { cutsConnection: true },
  'is 503': { status: 503, headers: { 'retry-after': '0' } },
  'is 504': { status: 504 },
}

describe.each(Object.keys(CHANGES))('%s in a REST catalog', (name) => {
  const change = CHANGES[name]!
  const isChange = ({ method, path }: Seen): boolean => `${method} ${path}` === change.request

  it.each(Object.keys(FATES))('whose answer %s is sent once, and typed, before and after its effect', async (fate) => {
    for (const applies of [false, true]) {
      let isPending = false
      const { uri, seen, io } = await faultyServer((request) => (isPending && isChange(request) ? { ...FATES[fate], applies } : undefined))
      const catalog = new RestCatalog({ uri, openStore: () => io, runtime: hastyRuntime })
      await catalog.createNamespace(['shop'])
      const base = await catalog.createTable(id, creation())
      isPending = true
      const before = seen.length
      const error = await change.run(catalog, base).then(() => undefined, (reason: unknown) => reason)
      // Nobody can tell from the answer: the error says so, and does not call for a blind repetition.
      expect(error).toMatchObject({ code: 'COMMIT_STATE_UNKNOWN', retryable: false })
      const sent = seen.slice(before).filter(isChange)
      expect(sent).toHaveLength(1)
      expect(Object.fromEntries(sent[0]!.query)).toEqual(change.query ?? {})
      // Reads have no part in the fault: they tell what came of it.
      expect(await change.isIn(catalog)).toBe(applies)
      server!.closeAllConnections()
      server!.close()
    }
  })
})

describe('a REST catalog that recognises repetitions', () => {
  it('gets a commit again under the same key until it answers (FAULTS 9)', async () => {
    const remembered = new Map<string, true>()
    const isCommit = ({ method, path }: Seen): boolean => method === 'POST' && path.endsWith('/tables/events')
    const config = { endpoints: undefined, defaults: {}, overrides: {}, 'idempotency-key-lifetime': 'PT30M' }
    const { uri, seen, io } = await faultyServer((request, count) => {
      if (request.path === 'v1/config') return { status: 200, body: JSON.stringify(config) }
      if (!isCommit(request)) return undefined
      const key = String(request.headers['idempotency-key'])
      if (count === 1) {
        remembered.set(key, true)
        return { cutsConnection: true, applies: true }
      }
      // What a server that keeps its promise answers.
      return remembered.has(key) ? { status: 409, body: '{"error":{"message":"seen","type":"CommitFailedException","code":409}}' } : undefined
    })
    const catalog = new RestCatalog({ uri, openStore: () => io, runtime: hastyRuntime })
    await catalog.createNamespace(['shop'])
    const base = await catalog.createTable(id, creation())
    await commitUpdates(catalog, base, emptyAppend(base, 'mine'))
    const keys = commits(seen).map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(2)
    expect(new Set(keys).size).toBe(1)
    expect(keys[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(notesOf(await catalog.loadTable(id))).toEqual(['mine'])
  })
})

describe('reading from a REST catalog', () => {
  it('tries again after server trouble and lost answers, and gives up after some tries', async () => {
    const isLoad = ({ method, path }: Seen): boolean => method === 'GET' && path.endsWith('/tables/events')
    const { uri, io } = await faultyServer((request, count) => {
      if (!isLoad(request) || count > 3) return undefined
      return count === 1 ? { status: 503 } : count === 2 ? { cutsConnection: true } : { status: 429 }
    })
    const catalog = new RestCatalog({ uri, openStore: () => io, runtime: hastyRuntime })
    await catalog.createNamespace(['shop'])
    await catalog.createTable(id, creation())
    expect((await catalog.loadTable(id)).identifier).toEqual(id)
    const never = new RestCatalog({ uri: 'http://127.0.0.1:9', openStore: () => io, runtime: hastyRuntime, maxAttempts: 3 })
    expect(await codeOf(never.loadTable(id))).toBe('UNAVAILABLE')
  })

  it('keeps a table whose tag has not changed', async () => {
    const faulty = await tableWith(() => undefined)
    const first = await faulty.catalog.loadTable(id)
    const again = await faulty.catalog.loadTable(id)
    expect(again.metadata).toBe(first.metadata)
    expect(faulty.seen.at(-1)!.headers['if-none-match']).toMatch(/^"/)
  })

  it('refuses HTML, empty and endless answers as such, naming what was asked', async () => {
    for (const body of ['<html>login</html>', '', '[]', '{"metadata":']) {
      const { uri, io } = await faultyServer((request) => (request.path === 'v1/config' ? { status: 200, body } : undefined))
      const catalog = new RestCatalog({ uri, openStore: () => io, runtime: hastyRuntime })
      expect(await codeOf(catalog.loadTable(id))).toBe('CORRUPT')
    }
  })

  it('never carries credentials to another origin, whatever redirects say', async () => {
    const evil = await faultyServer(() => undefined)
    const evilServer = server!
    const { uri, io } = await faultyServer((request) => (request.path === 'v1/config' ? { status: 307, headers: { location: `${evil.uri}/v1/config` } } : undefined))
    const catalog = new RestCatalog({ uri, openStore: () => io, runtime: hastyRuntime, auth: { type: 'bearer', token: 'canary-token' } })
    expect(await codeOf(catalog.listNamespaces())).toBe('UNAVAILABLE')
    expect(evil.seen).toEqual([])
    evilServer.close()
  })

  it('ignores what the server says of addresses and credentials', async () => {
    const config = { defaults: { credential: 'x:y' }, overrides: { uri: 'http://evil:1', token: 'evil', 'oauth2-server-uri': 'http://evil', prefix: 'p' } }
    const { uri, seen, io } = await faultyServer((request) => (request.path === 'v1/config' ? { status: 200, body: JSON.stringify(config) } : undefined))
    const catalog = new RestCatalog({ uri, openStore: () => io, runtime: hastyRuntime, auth: { type: 'bearer', token: 'own' } })
    await codeOf(catalog.listNamespaces())
    expect(seen.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ['v1/config', 'Bearer own'],
      ['v1/p/namespaces', 'Bearer own'],
    ])
  })
})

describe('secrets of a REST catalog', () => {
  it('are in no error, also when the server sends them back', async () => {
    const secret = 'canary-0123456789'
    const { uri, io } = await faultyServer((request) => {
      if (request.path === 'v1/oauth/tokens') return { status: 200, body: JSON.stringify({ access_token: `${secret}-token`, token_type: 'bearer', expires_in: 3600 }) }
      return { status: 400, body: JSON.stringify({ error: { message: `bad ${request.headers.authorization ?? ''} ${secret}`, type: 'X', code: 400 } }) }
    })
    const catalog = new RestCatalog({ uri, openStore: () => io, runtime: hastyRuntime, auth: { type: 'oauth2', clientId: 'me', clientSecret: secret } })
    const error: unknown = await catalog.listNamespaces().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'INVALID' })
    const shown = [error, catalog].map((value) => inspect(value, { depth: 10, showHidden: true }))
    for (const text of [String(error), JSON.stringify(error), ...shown]) expect(text).not.toContain(secret)
  })

  it('are not sent over plain http to other machines', () => {
    const options = { uri: 'http://catalog.example/api', openStore: () => new MemoryFileIO() }
    expect(() => new RestCatalog({ ...options, auth: { type: 'bearer', token: 'x' } })).toThrow(/without encryption/)
    expect(() => new RestCatalog({ ...options, auth: { type: 'oauth2', clientSecret: 'x' } })).toThrow(/without encryption/)
    const elsewhere = { type: 'oauth2', clientSecret: 'x', tokenUri: 'http://idp.example/token' } as const
    expect(() => new RestCatalog({ ...options, uri: 'https://catalog.example', auth: elsewhere })).toThrow(/without encryption/)
  })

  it('OAuth 2 tokens are fetched once, renewed before they expire, and after they are refused', async () => {
    let now = 1_000_000
    let issued = 0
    const { uri, seen, io } = await faultyServer((request) => {
      if (request.path === 'v1/oauth/tokens') return { status: 200, body: JSON.stringify({ access_token: `t${++issued}`, token_type: 'bearer', expires_in: 100 }) }
      return request.headers.authorization === 'Bearer t2' ? { status: 401 } : undefined
    })
    const runtime = { ...hastyRuntime, now: () => now }
    const catalog = new RestCatalog({ uri, openStore: () => io, runtime, auth: { type: 'oauth2', clientId: 'id', clientSecret: 's' } })
    await Promise.all([catalog.listNamespaces(), catalog.listNamespaces()])
    expect(issued).toBe(1)
    now += 95_000
    await catalog.listNamespaces()
    expect(issued).toBe(3)
    expect(seen.find(({ path }) => path === 'v1/oauth/tokens')!.body).toBe('grant_type=client_credentials&client_id=id&client_secret=s&scope=catalog')
  })
})
