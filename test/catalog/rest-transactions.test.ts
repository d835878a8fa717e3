import { mkdtempSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { RestService } from '../../src/catalog/rest-server/rest-service.js'
import type { ServiceResponse } from '../../src/catalog/rest-server/service-request.js'
import { openCatalog, schema, t, type Catalog, type CatalogTransaction } from '../../src/index.js'
import { LocalFileIO } from '../../src/io/local-file-io.js'
import { JsonObject } from '../../src/util/json.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { hastyRuntime } from '../support/hasty-runtime.js'
import { commitOne, restStub, type RestStub } from '../support/rest-stub.js'
import { codeOf } from '../support/table-commits.js'

const folder = mkdtempSync(join(tmpdir(), 'floe-transactions-'))
let lakes = 0
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

interface World extends RestStub {
  readonly catalog: Catalog
  readonly warehouse: string
}

type Answer = Promise<ServiceResponse | undefined>
type Change = (serve: () => Promise<ServiceResponse>, count: number, body: string, service: RestService) => Answer

const failed = (status: number, type = ''): ServiceResponse => ({ status, body: { error: { message: 'm', type, code: status } } })

/** Tables `shop.a` and `shop.b` with one row each, behind a server whose answers to transactions `change` may replace. */
async function world(change?: Change): Promise<World> {
  const warehouse = join(folder, `lake${lakes++}`)
  const backend = new MemoryCatalog({ io: new LocalFileIO({ sync: false }), warehouse: pathToFileURL(warehouse).href })
  const service = new RestService({ catalog: backend, runtime: systemRuntime })
  let count = 0
  const stub = restStub(backend, async (request, serve) =>
    request.path === 'v1/transactions/commit' ? change?.(serve, ++count, request.body, service) : undefined,
  )
  const catalog = await openCatalog('http://127.0.0.1:1', { rest: { fetch: stub.fetch }, runtime: hastyRuntime })
  for (const name of ['shop.a', 'shop.b']) await (await catalog.createTable(name, { schema: schema({ id: t.long.required }) })).append([{ id: 0n }])
  return { ...stub, catalog, warehouse }
}

const idsOf = async (catalog: Catalog, name: string): Promise<number[]> => {
  const rows = await (await catalog.loadTable(name)).scan().rows().toArray()
  return rows.map((row) => Number(row['id'])).sort((a, b) => a - b)
}
const filesOf = async ({ warehouse }: World): Promise<string[]> => {
  const files = await readdir(warehouse, { recursive: true })
  return files.filter((file) => /\.(?:parquet|avro)$/.test(file)).sort()
}
const appendToBoth = async (transaction: CatalogTransaction): Promise<void> => {
  for (const name of ['shop.a', 'shop.b']) await (await transaction.loadTable(name)).append([{ id: 1n }])
}

describe('a transaction over several tables', () => {
  it('commits changed and new tables in one request, each change seeing the ones before', async () => {
    const { catalog, seen } = await world()
    const count = await catalog.transaction(async (transaction) => {
      const a = await transaction.loadTable('shop.a')
      await a.append([{ id: 1n }])
      await a.delete('id = 0')
      expect(await transaction.loadTable('shop.a')).toBe(a)
      const fresh = await transaction.createTable('shop.fresh', { schema: schema({ id: t.long.required, note: t.string }), formatVersion: 3 })
      await fresh.append([{ id: 7n, note: 'x' }])
      await transaction.createTable('shop.empty', { schema: schema({ id: t.long }) })
      expect(await catalog.tableExists('shop.fresh')).toBe(false)
      return (await a.scan()).count()
    })
    expect(count).toBe(1)
    expect(seen.filter(({ path }) => path === 'v1/transactions/commit')).toHaveLength(1)
    expect(await idsOf(catalog, 'shop.a')).toEqual([1])
    expect(await idsOf(catalog, 'shop.fresh')).toEqual([7])
    expect((await catalog.loadTable('shop.fresh')).formatVersion).toBe(3)
    expect(await idsOf(catalog, 'shop.empty')).toEqual([])
    expect(await idsOf(catalog, 'shop.b')).toEqual([0])
  })

  it('that fails leaves nothing: no row, no table, no file, no request', async () => {
    const w = await world()
    const before = await filesOf(w)
    const attempt = w.catalog.transaction(async (transaction) => {
      await appendToBoth(transaction)
      await (await transaction.createTable('shop.fresh', { schema: schema({ id: t.long }) })).append([{ id: 1n }])
      throw new Error('no')
    })
    await expect(attempt).rejects.toThrow('no')
    const swallowed = w.catalog.transaction(async (transaction) => {
      await appendToBoth(transaction)
      const a = await transaction.loadTable('shop.a')
      await a.append([{ wrong: 1n }]).catch(() => undefined)
    })
    expect(await codeOf(swallowed)).toBe('INVALID')
    expect(w.seen.filter(({ path }) => path === 'v1/transactions/commit')).toEqual([])
    expect(await filesOf(w)).toEqual(before)
    expect(await w.catalog.tableExists('shop.fresh')).toBe(false)
  })

  it('is made again on what others have committed', async () => {
    let others = 0
    const w: World = await world(async (_, count) => {
      if (count > 2) return undefined
      await (await w.catalog.loadTable('shop.b')).append([{ id: BigInt(100 + others++) }])
      return undefined
    })
    await w.catalog.transaction(appendToBoth)
    expect(await idsOf(w.catalog, 'shop.a')).toEqual([0, 1])
    expect(await idsOf(w.catalog, 'shop.b')).toEqual([0, 1, 100, 101])
  })

  it('of which one table is another by now changes none of them, and leaves no file', async () => {
    const w: World = await world(async (_, count) => {
      if (count > 1) return undefined
      await w.catalog.dropTable('shop.b')
      await w.catalog.createTable('shop.b', { schema: schema({ id: t.long.required }) })
      return undefined
    })
    const before = await filesOf(w)
    expect(await codeOf(w.catalog.transaction(appendToBoth))).toBe('CONFLICT')
    expect([await idsOf(w.catalog, 'shop.a'), await idsOf(w.catalog, 'shop.b')]).toEqual([[0], []])
    expect(await filesOf(w)).toEqual(before)
  })

  it('that is refused for good is gone, with its files', async () => {
    const w = await world(() => Promise.resolve(failed(403)))
    const before = await filesOf(w)
    expect(await codeOf(w.catalog.transaction(appendToBoth))).toBe('UNAUTHORIZED')
    expect(await filesOf(w)).toEqual(before)
  })

  it('whose answer is lost is in when every table shows it', async () => {
    const w = await world(async (serve) => {
      await serve()
      return failed(503)
    })
    await w.catalog.transaction(appendToBoth)
    expect(await idsOf(w.catalog, 'shop.a')).toEqual([0, 1])
    expect(await idsOf(w.catalog, 'shop.b')).toEqual([0, 1])
  })

  it('whose answer is lost and that nobody sees keeps all its files: it may land yet (trap 81b)', async () => {
    const w = await world(() => Promise.resolve(failed(503)))
    const before = await filesOf(w)
    expect(await codeOf(w.catalog.transaction(appendToBoth))).toBe('COMMIT_STATE_UNKNOWN')
    const data = (files: readonly string[]): number => files.filter((file) => file.endsWith('.parquet')).length
    expect(data(await filesOf(w))).toBe(data(before) + 2)
  })

  it.each([409, 500, 403])('of which a server that breaks its promise took one half and answered %i deletes nothing of that half (trap 81b)', async (status) => {
    const w = await world(async (_, __, body, service) => {
      await commitOne(service, JsonObject.parse(body).requireObjects('table-changes')[0]!)
      return failed(status, 'CommitFailedException')
    })
    const error: unknown = await w.catalog.transaction(appendToBoth).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'COMMIT_STATE_UNKNOWN', message: expect.stringContaining('shop.a: landed, shop.b: absent') as string })
    expect(await idsOf(w.catalog, 'shop.a')).toEqual([0, 1])
    expect(await idsOf(w.catalog, 'shop.b')).toEqual([0])
  })

  it('is UNSUPPORTED where tables have no common pointer, and by servers that do not offer it', async () => {
    await using lake = await openCatalog(pathToFileURL(join(folder, 'plain')).href)
    expect(await codeOf(lake.transaction(() => undefined))).toBe('UNSUPPORTED')
    const backend = new MemoryCatalog()
    const stub = restStub(backend, async ({ path }) =>
      path === 'v1/config' ? { status: 200, body: { defaults: {}, overrides: {}, endpoints: ['GET /v1/{prefix}/namespaces'] } } : undefined,
    )
    await using poor = await openCatalog('http://127.0.0.1:1', { rest: { fetch: stub.fetch } })
    expect(await codeOf(poor.transaction(() => undefined))).toBe('UNSUPPORTED')
  })
})
