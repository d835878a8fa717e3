import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { openCatalog, schema, serveCatalog, t, type Catalog, type OpenCatalogOptions } from '../../src/index.js'

type Server = Awaited<ReturnType<typeof serveCatalog>>

const folder = mkdtempSync(join(tmpdir(), 'floe-serve-'))
const running: Server[] = []
const columns = schema({ id: t.long.required })
let lakes = 0

afterEach(async () => {
  for (const server of running.splice(0)) await server.close()
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const newLake = (): string => join(folder, String(lakes++))

async function serve(uri: string, options: Parameters<typeof serveCatalog>[1] = {}): Promise<Server> {
  const server = await serveCatalog(uri, options)
  running.push(server)
  return server
}

async function clientOf({ uri }: Server, options: OpenCatalogOptions = {}): Promise<Catalog> {
  return openCatalog(uri, { parquet: { workers: 0 }, ...options })
}

describe('a served catalog in memory', () => {
  const outOfReach = { name: 'FloeError', code: 'UNSUPPORTED', table: 'shop.events', message: expect.stringContaining('no client reaches') as string }

  it('has no tables for clients that cannot reach its files: nothing of theirs is written, or taken for written', async () => {
    const server = await serve('memory:')
    const client = await clientOf(server)
    const location = 'memory:///warehouse/shop/events'
    await expect(client.createTable('shop.events', { schema: columns, location })).rejects.toMatchObject(outOfReach)
    expect(await client.tableExists('shop.events')).toBe(false)
    await expect(client.createTable('shop.events', { schema: columns })).rejects.toMatchObject(outOfReach)
    await expect(client.loadTable('shop.events')).rejects.toMatchObject(outOfReach)
    await client.dropTable('shop.events')
  })

  it('is one like any other for clients that were given its store', async () => {
    const io = new MemoryFileIO()
    const server = await serve('memory:', { io })
    const table = await (await clientOf(server, { io })).createTable('shop.events', { schema: columns })
    await table.append([{ id: 1n }])
    const other = await (await clientOf(server, { io })).loadTable('shop.events')
    expect(await other.scan().rows().toArray()).toEqual([{ id: 1n }])
  })

  it('may name places in memory to tables elsewhere, which cannot be written to either', async () => {
    const lake = newLake()
    const server = await serve(lake, { allowedLocations: ['memory:///apart'] })
    const client = await clientOf(server, { allowedLocations: ['memory:///apart'] })
    const table = await client.createTable('shop.events', { schema: columns, properties: { 'write.data.path': 'memory:///apart' } })
    await expect(table.append([{ id: 1n }])).rejects.toMatchObject(outOfReach)
    expect((await client.loadTable('shop.events')).snapshots).toEqual([])
  })
})

describe('failures of a catalog that is served', () => {
  it('name the table that they are about', async () => {
    const client = await clientOf(await serve(newLake()))
    await client.createTable('shop.events', { schema: columns })
    const failures: Readonly<Record<string, readonly [code: string, action: () => Promise<unknown>]>> = {
      'shop.none': ['NOT_FOUND', () => client.loadTable('shop.none')],
      'shop.lost': ['NOT_FOUND', () => client.dropTable('shop.lost')],
      'shop.old': ['NOT_FOUND', () => client.renameTable('shop.old', 'shop.new')],
      'shop.events': ['ALREADY_EXISTS', () => client.createTable('shop.events', { schema: columns })],
      'shop.gone': ['NOT_FOUND', () => client.registerTable('shop.gone', join(folder, 'none.metadata.json'))],
    }
    const seen: unknown[] = []
    for (const [table, [code, action]] of Object.entries(failures)) {
      const error = (await action().catch((reason: unknown) => reason)) as { readonly table?: string; readonly code?: string }
      seen.push([table, code])
      expect([error.table, error.code]).toEqual(seen.at(-1))
    }
  })

  it('name the table whose name is taken, where one is to be renamed', async () => {
    const io = new MemoryFileIO()
    const client = await clientOf(await serve('memory:', { io }), { io })
    for (const name of ['shop.events', 'shop.taken']) await client.createTable(name, { schema: columns })
    await expect(client.renameTable('shop.events', 'shop.taken')).rejects.toMatchObject({ code: 'ALREADY_EXISTS', table: 'shop.taken' })
    await expect(client.renameTable('shop.events', 'nowhere.events')).rejects.toMatchObject({ code: 'NOT_FOUND', table: 'shop.events' })
  })
})
