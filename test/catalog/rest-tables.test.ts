import { describe, expect, it } from 'vitest'
import type { LoadedTable } from '../../src/catalog/catalog-backend.js'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { RestCatalog, type RestCatalogOptions } from '../../src/catalog/rest/rest-catalog.js'
import type { ServiceResponse } from '../../src/catalog/rest-server/service-request.js'
import { commitTable } from '../../src/commit/commit-table.js'
import { openBackend } from '../../src/table/open-backend.js'
import { Table } from '../../src/table/table.js'
import type { FileIO } from '../../src/io/file-io.js'
import { endpoints } from '../../src/catalog/rest/rest-endpoints.js'
import { openCatalog } from '../../src/index.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import type { S3FileIOOptions } from '../../src/io/s3-options.js'
import { JsonObject, printJson, type JsonMembers } from '../../src/util/json.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { hastyRuntime } from '../support/hasty-runtime.js'
import { S3Server } from '../support/s3-server.js'
import { restStub, type RestStub } from '../support/rest-stub.js'
import { codeOf, commitUpdates, creation, emptyAppend, mustCommit, notesOf } from '../support/table-commits.js'

const id = { namespace: ['shop'], name: 'events' }
const uri = 'http://127.0.0.1:1'
const path = 'v1/namespaces/shop/tables/events'

interface Client extends RestStub {
  readonly catalog: RestCatalog
  readonly own: MemoryCatalog
}

/** A client of a table whose loads are answered with `change` of what the server says. */
async function client(
  change: (body: JsonMembers) => JsonMembers = (body) => body,
  options: Partial<RestCatalogOptions> = {},
): Promise<Client> {
  const io = new MemoryFileIO()
  const own = new MemoryCatalog({ io })
  await own.createNamespace(['shop'])
  await own.createTable(id, creation())
  const stub = restStub(own, async (request, serve): Promise<ServiceResponse | undefined> => {
    if (request.method !== 'GET' || request.path !== path) return undefined
    const answer = await serve()
    return answer.body === undefined ? answer : { ...answer, body: change(answer.body) }
  })
  return { ...stub, own, catalog: new RestCatalog({ uri, fetch: stub.fetch, openStore: () => io, ...options }) }
}

const withConfig = (config: JsonMembers) => (body: JsonMembers): JsonMembers => ({ ...JsonObject.of(body, '').members, config })

/** The answer with another location, and with the metadata file there. */
function movedTo(location: string): (body: JsonMembers) => JsonMembers {
  return (body) => {
    const text = printJson(body).replaceAll('memory:///warehouse/shop/events', location)
    return JsonObject.parse(text).members
  }
}

describe('a table of a REST catalog that leaves out snapshots', () => {
  async function historied(): Promise<Client> {
    const made = await client(undefined, { snapshots: 'refs' })
    let table = await made.own.loadTable(id)
    for (const note of ['a', 'b', 'c']) table = await mustCommit(made.own, table, emptyAppend(table, note))
    return made
  }

  it('has those of its branches and tags, and all of them on request, at the same version', async () => {
    const { catalog, own, seen } = await historied()
    const table = await catalog.loadTable(id)
    expect(table.metadata.snapshots).toHaveLength(1)
    await mustCommit(own, await own.loadTable(id), emptyAppend(await own.loadTable(id), 'later'))
    const whole = await table.complete!()
    expect(whole.metadata.snapshots.map(({ summary }) => summary.get('note'))).toEqual(['a', 'b', 'c'])
    expect(whole.metadataLocation).toBe(table.metadataLocation)
    const handle = new Table(await catalog.loadTable(id), { backend: catalog, engine: undefined as never, runtime: systemRuntime })
    expect((await handle.loadHistory()).snapshots).toHaveLength(4)
    expect(seen.filter((request) => request.path === path && request.method === 'GET').map(({ query }) => query.get('snapshots'))).toEqual(['refs', 'all', 'refs', 'all'])
  })

  it('is not taken for the whole one by servers whose tags do not tell them apart', async () => {
    const { own } = await historied()
    const stub = restStub(own, async (request, serve) => {
      if (request.path !== path) return undefined
      if (request.headers['if-none-match'] === '"same"') return { status: 304 }
      return { ...(await serve()), headers: { etag: '"same"' } }
    })
    const catalog = new RestCatalog({ uri, fetch: stub.fetch, openStore: () => new MemoryFileIO(), snapshots: 'refs' })
    const table = await catalog.loadTable(id)
    expect(table.metadata.snapshots).toHaveLength(1)
    expect((await table.complete!()).metadata.snapshots).toHaveLength(3)
    expect((await catalog.loadTable(id)).metadata.snapshots).toHaveLength(1)
  })

  it('is committed to with all of them in sight', async () => {
    const { catalog } = await historied()
    const seen: number[] = []
    const operation = {
      name: 'test',
      validate: (base: LoadedTable, current: LoadedTable) => {
        seen.push(base.metadata.snapshots.length, current.metadata.snapshots.length)
        return Promise.resolve()
      },
      apply: () => Promise.resolve({ updates: [{ action: 'set-properties', updates: new Map([['a', 'b']]) } as const] }),
    }
    await commitTable(catalog, await catalog.loadTable(id), operation, { runtime: systemRuntime })
    expect(seen).toEqual([3, 3])
  })

  it('keeps the heads that it knows of when they expire, so that its other branches can be changed', async () => {
    const { catalog, own } = await historied()
    await mustCommit(own, await own.loadTable(id), emptyAppend(await own.loadTable(id), 'aside', 'dev'))
    const stale = await catalog.loadTable(id)
    const head = stale.metadata.refs.get('main')!.snapshotId
    const newest = await mustCommit(own, await own.loadTable(id), emptyAppend(await own.loadTable(id), 'later'))
    await mustCommit(own, newest, [{ action: 'remove-snapshots', snapshotIds: [head] }])
    const whole = await stale.complete!()
    expect(whole.metadata.snapshots.map(({ summary }) => summary.get('note'))).toEqual(['a', 'b', 'c', 'aside'])
    const operation = { name: 'test', apply: (current: LoadedTable) => Promise.resolve({ updates: emptyAppend(current, 'more', 'dev') }) }
    await commitTable(catalog, stale, operation, { runtime: systemRuntime })
    expect(notesOf(await own.loadTable(id), 'dev')).toContain('more')
  })

  it('is refused its history when another has taken the name', async () => {
    const { catalog, own } = await historied()
    const table = await catalog.loadTable(id)
    await own.dropTable(id)
    await own.createTable(id, creation())
    expect(await codeOf(table.complete!())).toBe('CONFLICT')
  })
})

describe('the configuration that a REST catalog sends with a table', () => {
  it('has a token for requests about the table, and for no others', async () => {
    const { catalog, seen } = await client(withConfig({ token: 'of-the-table' }), { auth: { type: 'bearer', token: 'own' } })
    const table = await catalog.loadTable(id)
    await commitUpdates(catalog, table, emptyAppend(table, 'x'))
    await catalog.listTables(['shop'])
    const tokens = new Map(seen.map(({ method, path: asked, headers }) => [`${method} ${asked}`, headers['authorization']]))
    expect(tokens.get(`POST ${path}`)).toBe('Bearer of-the-table')
    expect(tokens.get(`GET ${path}`)).toBe('Bearer own')
    expect(tokens.get('GET v1/namespaces/shop/tables')).toBe('Bearer own')
  })

  it('that demands planning by the server, or signing by it, is UNSUPPORTED and says what to do', async () => {
    const planning = await client(withConfig({ 'scan-planning-mode': 'server' }))
    await expect(planning.catalog.loadTable(id)).rejects.toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('scan-planning-mode') as string })
    const signing = await client((body) => withConfig({ 's3.remote-signing-enabled': 'true' })(movedTo('s3://bucket/t')(body)))
    const table = await signing.catalog.loadTable(id)
    await expect((async () => table.io.read('s3://bucket/t/data/x'))()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})

describe('a hostile REST catalog', () => {
  const opened: string[] = []
  const openStore = (location: string): FileIO => {
    opened.push(location)
    throw new Error(`opened ${location}`)
  }

  it.each(['file:///etc', 'https://evil/t', 'http://169.254.169.254/latest'])('cannot have %s read as a table’s place', async (location) => {
    const { catalog } = await client(movedTo(location), { uri: 'https://catalog.example', openStore })
    expect(await codeOf(catalog.loadTable(id))).toBe('INVALID')
    expect(opened).toEqual([])
  })

  it('whose table lies in one bucket has no request sent elsewhere', async () => {
    const { catalog } = await client(movedTo('s3://bucket/t'), { openStore })
    const { io } = await catalog.loadTable(id)
    const elsewhere = ['s3://other/t/x', 's3://bucket/other', 's3://bucket/t/../x', 'https://evil/x', 'http://169.254.169.254/x', 'file:///etc/passwd', 's3://bucket@evil/t/x']
    for (const location of elsewhere) {
      expect(await codeOf((async () => io.read(location))())).toBe('INVALID')
      expect(await codeOf((async () => io.write(location, new Uint8Array(1)))())).toBe('INVALID')
      expect(await codeOf((async () => io.delete([location]))())).toBe('INVALID')
    }
    expect(opened).toEqual([])
  })

  it.each([
    's3://other/t/metadata/1.json', 'file:///etc/1.json', '/etc/1.json', 'http://169.254.169.254/latest/1.json', 's3://bucket/1.json', 's3://bucket/t/../../1.json',
  ])('opens no place to a table by keeping its metadata file there: %s', async (metadataLocation) => {
    const moved = (body: JsonMembers): JsonMembers => ({ ...movedTo('s3://bucket/a/t')(body), 'metadata-location': metadataLocation })
    const { catalog } = await client(moved, { uri: 'https://catalog.example', openStore })
    const { io } = await catalog.loadTable(id)
    const folder = metadataLocation.slice(0, metadataLocation.lastIndexOf('/'))
    for (const location of [metadataLocation, `${folder}/other`, 's3://bucket/a/u/x', 's3://bucket/x']) {
      expect(await codeOf((async () => io.read(location))()), location).toBe('INVALID')
      expect(await codeOf((async () => io.delete([location]))()), location).toBe('INVALID')
    }
    expect(opened).toEqual([])
  })

  it('may keep a metadata file beside the table, in its own folder or another', async () => {
    for (const folder of ['s3://bucket/a/t/metadata', 's3a://bucket/metadata/t']) {
      const moved = (body: JsonMembers): JsonMembers => ({ ...movedTo('s3://bucket/a/t')(body), 'metadata-location': `${folder}/1.json` })
      const { catalog } = await client(moved, { uri: 'https://catalog.example', openStore: () => new MemoryFileIO() })
      const { io } = await catalog.loadTable(id)
      expect(await codeOf(io.read(`${folder}/0.json`))).not.toBe('INVALID')
    }
  })

  const ambient = { region: 'us-east-1', forcePathStyle: true, maxAttempts: 1 }
  const named = (body: JsonMembers): JsonMembers => withConfig({ 's3.endpoint': 'http://127.0.0.1:1' })(movedTo('s3://bucket/t')(body))
  const openedWith = async (s3: S3FileIOOptions, uriOf: string, change = named): Promise<string | undefined> => {
    const stub = await client(change)
    const { backend } = await openBackend(uriOf, { s3: { ...ambient, ...s3 }, runtime: hastyRuntime, rest: { fetch: stub.fetch } })
    const code = await codeOf((async () => (await backend.loadTable(id)).io.read('s3://bucket/t/x'))())
    await backend.close?.()
    return code
  }

  it('is sent nothing to a store that only it names with credentials that it did not give, nor is another taken than the caller’s', async () => {
    const keys = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
    const vends = (body: JsonMembers): JsonMembers => withConfig({ 's3.endpoint': 'http://127.0.0.1:1', 's3.access-key-id': 'a', 's3.secret-access-key': 'b' })(movedTo('s3://bucket/t')(body))
    expect(await openedWith({}, 'https://catalog.example')).toBe('INVALID')
    // These are sent, to nobody who listens.
    expect(await openedWith({ credentials: keys }, 'https://catalog.example')).toBe('UNAVAILABLE')
    expect(await openedWith({}, 'https://catalog.example', vends)).toBe('UNAVAILABLE')
    const own = await S3Server.start()
    expect(await openedWith({ endpoint: own.endpoint, credentials: keys }, 'https://catalog.example', vends)).toBe('NOT_FOUND')
    expect(own.calls.length).toBeGreaterThan(0)
    await own.close()
  })

  it('whose plan names a file elsewhere has nothing read there', async () => {
    const config = { 'scan-planning-mode': 'server' }
    const file = { 'spec-id': 0, content: 'data', 'file-format': 'parquet', partition: [], 'record-count': 1, 'file-size-in-bytes': 100 }
    for (const place of ['s3://other/x.parquet', 'file:///etc/passwd', 's3://bucket/t/../x', 'http://169.254.169.254/x']) {
      const own = await client(undefined)
      await mustCommit(own.own, await own.own.loadTable(id), emptyAppend(await own.own.loadTable(id), 'a'))
      const planned = restStub(own.own, async (request, serve): Promise<ServiceResponse | undefined> => {
        if (request.path === 'v1/config') {
          const offered = JsonObject.of((await serve()).body!)
          return { status: 200, body: { ...offered.members, endpoints: [...offered.requireStrings('endpoints'), endpoints.planScan] } }
        }
        if (request.path.endsWith('/plan')) return { status: 200, body: { status: 'completed', 'file-scan-tasks': [{ 'data-file': { ...file, 'file-path': place } }] } }
        if (request.path !== path || request.method !== 'GET') return undefined
        return { status: 200, body: withConfig(config)(movedTo('s3://bucket/t')((await serve()).body!)) }
      })
      const touched: string[] = []
      const io = new Proxy(new MemoryFileIO(), { get: (_, name) => () => { touched.push(String(name)); throw new Error('touched') } })
      const catalog = await openCatalog('https://catalog.example', { io, cacheBytes: 0, parquet: { workers: 0 }, rest: { fetch: planned.fetch } })
      expect(await codeOf((await catalog.loadTable('shop.events')).scan().rows().toArray()), place).toBe('INVALID')
      expect(touched).toEqual([])
    }
  })

  it('that answers too much, too slowly or half is an error in bounded time', async () => {
    const answers: readonly (readonly [code: string, answer: () => Response])[] = [
      ['CORRUPT', () => new Response('{"defaults":{},"over')],
      ['CORRUPT', () => new Response(`{"defaults":${'['.repeat(100_000)}`)],
      ['UNSUPPORTED', () => new Response(endless())],
      ['UNAVAILABLE', () => new Response(new ReadableStream({ start: (stream) => { stream.enqueue(new Uint8Array(1)) } }))],
    ]
    for (const [code, answer] of answers) {
      const fetchStub: typeof fetch = (_, init) => {
        const response = answer()
        return Promise.resolve(init?.signal instanceof AbortSignal ? abortable(response, init.signal) : response)
      }
      const catalog = new RestCatalog({ uri, fetch: fetchStub, openStore, maxAttempts: 1, requestTimeoutMs: 300 })
      expect(await codeOf(catalog.listNamespaces()), code).toBe(code)
    }
  })

  it.each([
    ['%2E', 'a%2Eb.c', 'a.b.c'], ['.', 'a.b.c', 'a.b.c'], ['%1F', 'a%1Fb.c', 'a\u001fb.c'], ['%2D%2D', 'a%2D%2Db.c', 'a--b.c'], ['%25', 'a%25b.c', 'a%b.c'], ['', 'a%1Fb.c', 'a\u001fb.c'],
  ])('is asked with its separator %j in paths and for children', async (separator, inPath, inQuery) => {
    const { own } = await client()
    const stub = restStub(own, async ({ path: asked }) =>
      asked === 'v1/config'
        ? { status: 200, body: { defaults: {}, overrides: { 'namespace-separator': separator } } }
        : { status: 200, body: { namespaces: [['a', 'b.c', 'ü %']], properties: {} } },
    )
    const catalog = new RestCatalog({ uri, fetch: stub.fetch, openStore })
    await catalog.loadNamespace(['a', 'b.c'])
    expect(stub.seen.at(-1)!.path).toBe(`v1/namespaces/${inPath}`)
    expect(await catalog.listNamespaces(['a', 'b.c'])).toEqual([['a', 'b.c', 'ü %']])
    expect(stub.seen.at(-1)!.query.get('parent')).toBe(inQuery)
  })

  it.each(['/', '%2F', '?', '%23', '%zz'])('whose separator %j would end a path is CORRUPT', async (separator) => {
    const config = { defaults: {}, overrides: { 'namespace-separator': separator } }
    const catalog = new RestCatalog({ uri, fetch: () => Promise.resolve(Response.json(config)), openStore })
    expect(await codeOf(catalog.listNamespaces())).toBe('CORRUPT')
  })

  it('is asked for nothing that it does not offer, and by other ways where there are some', async () => {
    const offers = (listed: readonly string[] | undefined): RestStub & { readonly catalog: RestCatalog } => {
      const stub = restStub(new MemoryCatalog(), async ({ path: asked, method }) => {
        if (asked === 'v1/config') return { status: 200, body: { defaults: {}, overrides: {}, ...(listed === undefined ? {} : { endpoints: [...listed] }) } }
        return method === 'HEAD' ? { status: 500 } : { status: 404, body: { error: { message: 'm', type: 'NoSuchTableException', code: 404 } } }
      })
      return { ...stub, catalog: new RestCatalog({ uri, fetch: stub.fetch, openStore }) }
    }
    const few = offers([endpoints.loadTable])
    expect(await few.catalog.tableExists(id)).toBe(false)
    const ns = ['shop']
    for (const call of [
      () => few.catalog.listNamespaces(),
      () => few.catalog.createNamespace(ns),
      () => few.catalog.dropNamespace(ns),
      () => few.catalog.loadNamespace(ns),
      () => few.catalog.updateNamespace(ns, { updates: new Map(), removals: [] }),
      () => few.catalog.listTables(ns),
      () => few.catalog.createTable(id, creation()),
      () => few.catalog.dropTable(id), () => few.catalog.renameTable(id, id), () => few.catalog.registerTable(id, 's3://b/x.json'), () => few.catalog.views.listViews(ns),
    ]) expect(await codeOf(call())).toBe('UNSUPPORTED')
    expect(await few.catalog.commitTable({ identifier: id, base: undefined, requirements: [], updates: [] })).toMatchObject({ outcome: 'rejected', retryable: false, reason: { code: 'UNSUPPORTED' } })
    expect(few.seen.map(({ method, path: asked }) => `${method} ${asked}`)).toEqual(['GET v1/config', `GET ${path}`])
    // Servers of old list nothing, and offer what the protocol had then.
    const old = offers(undefined)
    expect(await old.catalog.tableExists(id)).toBe(false)
    expect(await codeOf(old.catalog.listTables(ns))).toBe('NOT_FOUND')
    expect(await codeOf(old.catalog.views.listViews(ns))).toBe('UNSUPPORTED')
  })

  it('gives its lists in pages, and is asked until there are no more', async () => {
    const pages: Readonly<Record<string, JsonMembers>> = {
      '': { namespaces: [['a'], ['b']], identifiers: [{ namespace: ['a'], name: 'x' }], 'next-page-token': 'p/2 +' },
      'p/2 +': { namespaces: [], identifiers: [], 'next-page-token': '3' },
      '3': { namespaces: [['c']], identifiers: [{ namespace: ['a'], name: 'y' }], 'next-page-token': null },
    }
    const stub = restStub(new MemoryCatalog(), async ({ path: asked, query }) =>
      asked === 'v1/config' ? undefined : { status: 200, body: pages[query.get('pageToken')!]! },
    )
    const catalog = new RestCatalog({ uri, fetch: stub.fetch, openStore, pageSize: 2 })
    expect(await catalog.listNamespaces()).toEqual([['a'], ['b'], ['c']])
    expect((await catalog.listTables(['a'])).map(({ name }) => name)).toEqual(['x', 'y'])
    expect(stub.seen.slice(1).map(({ query }) => query.get('pageSize'))).toEqual(Array(6).fill('2'))
    const endless = restStub(new MemoryCatalog(), async ({ path: asked }) => (asked === 'v1/config' ? undefined : { status: 200, body: pages['']! }))
    expect(await codeOf(new RestCatalog({ uri, fetch: endless.fetch, openStore }).listNamespaces())).toBe('CORRUPT')
  })

  it('is asked with the separator that it advertises', async () => {
    const { own } = await client()
    const stub = restStub(own, async ({ path: asked }) =>
      asked === 'v1/config' ? { status: 200, body: { defaults: {}, overrides: { 'namespace-separator': '%2E' } } } : { status: 204 },
    )
    const catalog = new RestCatalog({ uri, fetch: stub.fetch, openStore })
    expect(await catalog.tableExists({ namespace: ['a', 'b.c'], name: 't' })).toBe(true)
    expect(stub.seen.at(-1)!.path).toBe('v1/namespaces/a%2Eb.c/tables/t')
  })
})

/** A mebibyte of spaces, again and again. */
function endless(): ReadableStream<Uint8Array> {
  const chunk = new Uint8Array(2 ** 20).fill(32)
  return new ReadableStream({ pull: (stream) => { stream.enqueue(chunk) } })
}

/** As `fetch` has it: a body ends with an error when the request is aborted. */
function abortable(response: Response, signal: AbortSignal): Response {
  const reader = response.body!.getReader()
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => { reject(signal.reason as Error) })
  })
  aborted.catch(() => undefined)
  const body = new ReadableStream<Uint8Array>({
    pull: async (stream) => {
      const { done, value } = await Promise.race([reader.read(), aborted])
      if (done) stream.close()
      else stream.enqueue(value)
    },
  })
  return new Response(body, response)
}
