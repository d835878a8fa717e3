import { gzipSync } from 'node:zlib'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
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

describe('what cannot be served', () => {
  it('is a port that is none, and no socket file is made of it', async () => {
    for (const port of [-1, 99_999, 65_536, 1.5, Number.NaN, '8o80', '8080', join(folder, 'socket'), null, {}]) {
      const message = expect.stringMatching(/^A port is a whole number from 0 to 65535, not /) as string
      await expect(serve('memory:', { port: port as number }), String(port)).rejects.toMatchObject({ name: 'FloeError', code: 'INVALID', message })
    }
  })

  it('is a catalog whose arguments are of another kind', async () => {
    for (const [uri, options] of [[undefined, {}], [5, {}], ['memory:', null], ['memory:', { host: 5 }], ['memory:', { token: 5 }], ['memory:', { clientProperties: 'a=b' }]]) {
      await expect(serve(uri as string, options as object)).rejects.toMatchObject({ name: 'FloeError', code: 'INVALID' })
    }
  })

  it('is a secret, as a property for clients', async () => {
    const secrets = [
      's3.secret-access-key', 's3.access-key-id', 's3.session-token', 'token', 'credential', 'header.authorization', 'adls.sas-token.account',
      'adls.auth.shared-key.account.key', 'gcs.oauth2.token', 'rest.auth.basic.password', 's3.sse.key',
    ]
    for (const name of secrets) {
      for (const value of ['canary', '12345']) {
        const error = (await serve('memory:', { clientProperties: { [name]: value } }).catch((reason: unknown) => reason)) as Error
        expect(error).toMatchObject({ name: 'FloeError', code: 'INVALID', message: expect.stringContaining(JSON.stringify(name)) as string })
        expect(error.message).not.toContain(value)
      }
    }
    await expect(serve('memory:', { clientProperties: { 's3.endpoint': 5 as unknown as string } })).rejects.toMatchObject({ code: 'INVALID' })
    const clientProperties = {
      's3.endpoint': 'http://127.0.0.1:1', 'client.region': 'eu-north-1', 's3.path-style-access': 'true', 'token-refresh-enabled': 'false',
      'client.credentials-provider': 'com.example.Provider', 'client.refresh-credentials-endpoint': '/v1/credentials',
    }
    const { uri } = await serve('memory:', { clientProperties })
    expect(await (await fetch(`${uri}/v1/config`)).json()).toMatchObject({ overrides: clientProperties })
  })
})

describe('a catalog server that is named wrongly', () => {
  it.each(['http://', 'https://', 'http:', 'http://[', 'http://a b', 'https://user:canary@host'])('as %s is INVALID', async (uri) => {
    await expect(openCatalog(uri)).rejects.toMatchObject({ name: 'FloeError', code: 'INVALID', message: expect.not.stringContaining('canary') as string })
  })

  it.each([{ type: 'basic', token: 'canary' }, {}, 'canary', { type: 5 }, { type: 'canary'.repeat(0) }])('with authentication of an unknown type is INVALID, and names the types there are', async (auth) => {
    const opened = openCatalog('https://catalog.example', { rest: { auth: auth as never } })
    await expect(opened).rejects.toMatchObject({ name: 'FloeError', code: 'INVALID', message: expect.stringContaining('none, bearer, oauth2 or sigv4') as string })
    await expect(opened).rejects.toMatchObject({ message: expect.not.stringContaining('canary') as string })
  })

  it('with a bearer token that is none is INVALID', async () => {
    for (const token of [undefined, 5, null]) {
      await expect(openCatalog('https://catalog.example', { rest: { auth: { type: 'bearer', token } as never } })).rejects.toMatchObject({ code: 'INVALID' })
    }
  })
})

describe('registering at a served catalog', () => {
  const refusal = (action: Promise<unknown>): Promise<string> => action.then(() => 'registered', (error: Error & { readonly code?: string }) => `${error.code} ${error.message}`)

  it('tells nothing of files outside of the warehouse: neither what is in them, nor whether they exist', async () => {
    const [lake, apart] = [newLake(), newLake()]
    const client = await clientOf(await serve(lake))
    await client.createTable('shop.events', { schema: columns })
    mkdirSync(apart)
    for (const name of ['a.key', 'a.metadata.json']) writeFileSync(join(apart, name), 'canary-secret')
    writeFileSync(join(lake, 'a.key'), 'canary-secret')
    symlinkSync(apart, join(lake, 'link'))
    const pairs = [
      [`${apart}/a.metadata.json`, `${apart}/b.metadata.json`],
      [`file://${apart}/a.metadata.json`, `file://${apart}/b.metadata.json`],
      [`${lake}/link/a.metadata.json`, `${lake}/link/b.metadata.json`],
      [`${lake}/a.key`, `${lake}/b.key`],
      [`${lake}/../${apart.slice(folder.length + 1)}/a.metadata.json`, `${lake}/../${apart.slice(folder.length + 1)}/b.metadata.json`],
    ] as const
    for (const [present, missing] of pairs) {
      const answer = await refusal(client.registerTable('shop.leak', present))
      expect(answer).toMatch(/^INVALID /)
      expect(answer.replaceAll('a.metadata', 'b.metadata')).toBe(await refusal(client.registerTable('shop.leak', missing)))
    }
  })

  it('quotes nothing of a file that is no metadata', async () => {
    const lake = newLake()
    const client = await clientOf(await serve(lake))
    await client.createTable('shop.events', { schema: columns })
    for (const text of ['canary-secret', '{"canary-secret":', '{"format-version":"canary-secret"}', '{"format-version":2,"location":5,"table-uuid":"canary-secret"}', '']) {
      for (const [name, bytes] of [['x.metadata.json', Buffer.from(text)], ['x.gz.metadata.json', gzipSync(text)], ['x.metadata.json.gz', gzipSync(text)]] as const) {
        writeFileSync(join(lake, name), bytes)
        const answer = await refusal(client.registerTable('shop.leak', join(lake, name)))
        expect([answer, answer.includes('canary')]).toEqual([expect.stringMatching(/^INVALID .* no metadata that can be registered/), false])
      }
    }
  })

  it('takes metadata of the warehouse and of places that tables may use, and each table once', async () => {
    const [lake, apart] = [newLake(), newLake()]
    const client = await clientOf(await serve(lake, { allowedLocations: [apart] }), { allowedLocations: [apart] })
    const table = await client.createTable('shop.events', { schema: columns })
    await table.append([{ id: 1n }])
    const { metadataLocation } = await client.loadTable('shop.events')
    const second = await refusal(client.registerTable('shop.copy', metadataLocation))
    expect(second).toMatch(/^INVALID .*belong to the table shop\.events/)
    mkdirSync(apart)
    copyFileSync(metadataLocation, join(apart, 'v7.metadata.json'))
    expect(await refusal(client.registerTable('shop.copy', join(apart, 'v7.metadata.json')))).toMatch(/^INVALID .*belong to the table shop\.events/)
    const inside = readFileSync(metadataLocation, 'utf8').replace(`${lake}/shop/events"`, `${lake}/shop/events/part"`)
    writeFileSync(join(apart, 'v8.metadata.json'), inside)
    expect(await refusal(client.registerTable('shop.copy', join(apart, 'v8.metadata.json')))).toMatch(/^INVALID .*belong to the table shop\.events/)
    await client.dropTable('shop.events')
    const moved = await client.registerTable('shop.moved', join(apart, 'v7.metadata.json'))
    expect(await moved.scan().rows().toArray()).toEqual([{ id: 1n }])
  })

  it('holds for views as well', async () => {
    const client = await clientOf(await serve('memory:', { io: new MemoryFileIO() }))
    await client.createNamespace('shop')
    for (const name of ['/etc/hostname', '/etc/x.metadata.json']) {
      expect(await refusal(client.registerView('shop.leak', name))).toMatch(/^INVALID .*(?:must be a metadata file|outside the allowed locations)/)
    }
  })
})

describe('failures of a catalog that is served', () => {
  it('name the table that they are about', async () => {
    const lake = newLake()
    const client = await clientOf(await serve(lake))
    await client.createTable('shop.events', { schema: columns })
    const failures: Readonly<Record<string, readonly [code: string, action: () => Promise<unknown>]>> = {
      'shop.none': ['NOT_FOUND', () => client.loadTable('shop.none')],
      'shop.lost': ['NOT_FOUND', () => client.dropTable('shop.lost')],
      'shop.old': ['NOT_FOUND', () => client.renameTable('shop.old', 'shop.new')],
      'shop.events': ['ALREADY_EXISTS', () => client.createTable('shop.events', { schema: columns })],
      'shop.gone': ['NOT_FOUND', () => client.registerTable('shop.gone', join(lake, 'none.metadata.json'))],
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
