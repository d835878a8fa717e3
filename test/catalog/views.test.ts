import { pathToFileURL } from 'node:url'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { RestCatalog } from '../../src/catalog/rest/rest-catalog.js'
import type { ServiceResponse } from '../../src/catalog/rest-server/service-request.js'
import { openCatalog, schema, t, type Catalog, type CreateViewOptions } from '../../src/index.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { hastyRuntime } from '../support/hasty-runtime.js'
import { restStub, type RestStub, type StubRequest } from '../support/rest-stub.js'
import { codeOf } from '../support/table-commits.js'

const columns = schema({ id: t.long, note: t.string })
const definition: CreateViewOptions = { schema: columns, sql: { spark: 'SELECT * FROM t', trino: 'SELECT * FROM t' }, properties: { comment: 'all' } }

interface World extends RestStub {
  readonly catalog: Catalog
  /** The same views, without the server. */
  readonly own: MemoryCatalog
}

type Change = (request: StubRequest, serve: () => Promise<ServiceResponse>) => Promise<ServiceResponse | undefined>

async function world(change?: Change): Promise<World> {
  const io = new MemoryFileIO()
  const own = new MemoryCatalog({ io })
  const stub = restStub(own, change)
  const rest = { fetch: stub.fetch, maxAttempts: 1 }
  return { ...stub, own, catalog: await openCatalog('http://127.0.0.1:1', { rest, io, runtime: hastyRuntime }) }
}

describe('views of a REST catalog', () => {
  it('are created, loaded, listed, renamed and dropped', async () => {
    const { catalog } = await world()
    const view = await catalog.createView('shop.big', definition)
    expect([view.name, view.sqlFor('Spark'), view.properties.get('comment'), view.version.defaultNamespace]).toEqual(['shop.big', 'SELECT * FROM t', 'all', ['shop']])
    expect(view.schema.fields.map(({ name }) => name)).toEqual(['id', 'note'])
    expect(view.location).toMatch(/\/shop\/big$/)
    const { metadataLocation } = await catalog.loadView('shop.big')
    expect(await catalog.listViews('shop')).toEqual(['shop.big'])
    expect(await catalog.listTables('shop')).toEqual([])
    await catalog.renameView('shop.big', 'shop.all')
    expect([await catalog.viewExists('shop.big'), await catalog.viewExists('shop.all')]).toEqual([false, true])
    await catalog.dropView('shop.all')
    expect(await codeOf(catalog.loadView('shop.all'))).toBe('NOT_FOUND')
    expect(await codeOf(catalog.dropView('shop.all'))).toBe('NOT_FOUND')
    expect((await catalog.registerView('shop.again', metadataLocation)).sqlFor('trino')).toBe('SELECT * FROM t')
  })

  it('are replaced, rolled back, moved and described, each change on top of what others did', async () => {
    const { catalog, own } = await world()
    const view = await catalog.createView('shop.big', definition)
    const other = await catalog.loadView('shop.big')
    await other.updateProperties({ comment: null, owner: 'me' })
    await view.replace({ schema: schema({ id: t.long }), sql: { spark: 'SELECT id FROM t', trino: 'SELECT id FROM t' }, summary: { 'engine-name': 'x' } })
    expect([...view.properties]).toEqual([['owner', 'me']])
    expect(view.schema.fields).toHaveLength(1)
    expect(view.version.summary.get('engine-name')).toBe('x')
    expect(await codeOf(view.replace({ schema: columns, sql: { spark: 'SELECT 1' } }))).toBe('INVALID')
    await view.setCurrentVersion(1)
    await view.setLocation('memory:///elsewhere')
    expect(view.history.map(({ versionId }) => versionId)).toEqual([1, 2, 1])
    const before = view.metadataLocation
    await view.setCurrentVersion(1)
    expect(view.metadataLocation).toBe(before)
    expect((await own.views.loadView({ namespace: ['shop'], name: 'big' })).metadata.location).toBe('memory:///elsewhere')
  })

  it('share their names with no table, whichever comes first', async () => {
    const { catalog } = await world()
    await catalog.createView('shop.view', definition)
    await catalog.createTable('shop.table', { schema: columns })
    expect(await codeOf(catalog.createTable('shop.view', { schema: columns }))).toBe('ALREADY_EXISTS')
    expect(await codeOf(catalog.createView('shop.table', definition))).toBe('ALREADY_EXISTS')
    expect(await codeOf(catalog.createView('shop.view', definition))).toBe('ALREADY_EXISTS')
    expect(await codeOf(catalog.renameView('shop.view', 'shop.table'))).toBe('ALREADY_EXISTS')
    expect(await codeOf(catalog.renameTable('shop.table', 'shop.view'))).toBe('ALREADY_EXISTS')
    expect(await codeOf(catalog.loadTable('shop.view'))).toBe('NOT_FOUND')
    expect(await codeOf(catalog.loadView('shop.table'))).toBe('NOT_FOUND')
    expect(await codeOf(catalog.dropNamespace('shop'))).toBe('INVALID')
  })

  it('that another has taken the name of are changed by nobody who meant the first', async () => {
    const { catalog, seen } = await world()
    const view = await catalog.createView('shop.big', definition)
    await catalog.dropView('shop.big')
    await catalog.createView('shop.big', definition)
    expect(await codeOf(view.updateProperties({ a: 'b' }))).toBe('CONFLICT')
    expect(seen.filter(({ method, path }) => method === 'POST' && path.endsWith('/views/big'))).toEqual([])
  })

  it('are changed again after a conflict, and once when the answer is lost', async () => {
    const isCommit = ({ method, path }: StubRequest): boolean => method === 'POST' && path.endsWith('/views/big')
    let conflicts = 0
    const body = { error: { message: 'm', type: 'CommitFailedException', code: 409 } }
    const busy = await world((request) => Promise.resolve(isCommit(request) && conflicts++ < 2 ? { status: 409, body } : undefined))
    await (await busy.catalog.createView('shop.big', definition)).updateProperties({ a: 'b' })
    expect(busy.seen.filter(isCommit)).toHaveLength(3)
    const lost = await world((request) => Promise.resolve(isCommit(request) ? { status: 503 } : undefined))
    const view = await lost.catalog.createView('shop.big', definition)
    expect(await codeOf(view.updateProperties({ a: 'b' }))).toBe('COMMIT_STATE_UNKNOWN')
    expect(lost.seen.filter(isCommit)).toHaveLength(1)
  })

  it('are UNSUPPORTED where the server does not list them, and in folders', async () => {
    const config = { status: 200, body: { defaults: {}, overrides: {}, endpoints: ['GET /v1/{prefix}/namespaces'] } }
    const { catalog } = await world(({ path }) => Promise.resolve(path === 'v1/config' ? config : undefined))
    await using folder = await openCatalog(pathToFileURL(join(tmpdir(), 'floe-no-views')).href)
    for (const one of [catalog, folder]) {
      expect(await codeOf(one.listViews('shop'))).toBe('UNSUPPORTED')
      expect(await codeOf(one.loadView('shop.big'))).toBe('UNSUPPORTED')
    }
    expect(await codeOf(folder.createView('shop.big', definition))).toBe('UNSUPPORTED')
    expect(await folder.viewExists('shop.big')).toBe(false)
  })

  it('without a statement, or a schema, are refused before anything is sent', async () => {
    const { catalog, seen } = await world()
    expect(await codeOf(catalog.createView('shop.big', { schema: columns, sql: {} }))).toBe('INVALID')
    expect(await codeOf(catalog.createView('shop.big', { sql: { spark: 'x' } } as never))).toBe('INVALID')
    expect(seen).toEqual([])
  })

  it('come in pages', async () => {
    const { own, fetch } = await world()
    const catalog = new RestCatalog({ uri: 'http://127.0.0.1:1', fetch, openStore: () => new MemoryFileIO(), pageSize: 2 })
    const direct = await openCatalog('http://127.0.0.1:1', { rest: { fetch } })
    for (let i = 0; i < 5; i++) await direct.createView(`shop.v${i}`, definition)
    expect(await catalog.views.listViews(['shop'])).toEqual(await own.views.listViews(['shop']))
  })
})
