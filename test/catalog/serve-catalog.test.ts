import { once } from 'node:events'
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { CatalogBackend } from '../../src/catalog/catalog-backend.js'
import { MemoryCatalog } from '../../src/catalog/memory-catalog.js'
import { RestCatalog } from '../../src/catalog/rest/rest-catalog.js'
import { type RunningServer, serveCatalog, type ServeOptions } from '../../src/catalog/rest-server/serve-catalog.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { codeOf, commitUpdates, creation, emptyAppend, notesOf } from '../support/table-commits.js'

const id = { namespace: ['shop'], name: 'events' }
const running: RunningServer[] = []

afterEach(async () => {
  for (const server of running.splice(0)) await server.close()
})

interface Served {
  readonly server: RunningServer
  readonly backend: CatalogBackend
  readonly io: MemoryFileIO
  readonly errors: unknown[]
  readonly port: number
}

async function serve(options: Partial<ServeOptions> = {}): Promise<Served> {
  const io = new MemoryFileIO()
  const backend = new MemoryCatalog({ io })
  await backend.createNamespace(['shop'])
  await backend.createTable(id, creation())
  const errors: unknown[] = []
  const server = await serveCatalog({ catalog: backend, runtime: systemRuntime, onError: (error) => errors.push(error), ...options })
  running.push(server)
  return { server, backend, io, errors, port: Number(new URL(server.uri).port) }
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** As it is: `fetch` would tidy the address up. */
async function send({ port }: Served, path: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answer> {
  const outgoing = httpRequest({ host: '127.0.0.1', port, path, method, headers })
  outgoing.end(body)
  return answerOf(outgoing)
}

async function answerOf(outgoing: ClientRequest): Promise<Answer> {
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  return { status: incoming.statusCode!, headers: incoming.headers, body: Buffer.concat(chunks).toString() }
}

describe('a served catalog', () => {
  it('listens on this machine only, unless it is told an address and has a token', async () => {
    const local = await serve()
    expect(new URL(local.server.uri).hostname).toBe('127.0.0.1')
    for (const host of ['0.0.0.0', '::', '192.168.1.2', 'example.com', '127.evil.example']) {
      await expect(serve({ host })).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining('give a token') as string })
    }
    await expect(serve({ token: '' })).rejects.toMatchObject({ code: 'INVALID' })
    expect((await send(await serve({ host: '0.0.0.0', token: 't' }), '/v1/config', { headers: { authorization: 'Bearer t', host: 'lake.example' } })).status).toBe(200)
  })

  it('says which port is taken', async () => {
    const { port } = await serve()
    await expect(serve({ port })).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining(`127.0.0.1:${port}`) as string })
  })

  it('answers nobody without the token, whatever they ask for, and looks at no body of theirs', async () => {
    const served = await serve({ token: 'canary-token' })
    const commit = '{"requirements":[],"updates":[]}'
    for (const authorization of [undefined, '', 'Bearer', 'Bearer ', 'Bearer canary-toke', 'Bearer canary-tokens', 'Basic canary-token', 'canary-token']) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
      for (const [method, path] of [['GET', '/v1/config'], ['GET', '/v1/none'], ['POST', '/v1/namespaces/shop/tables/events'], ['DELETE', '/v1/namespaces/shop/tables/events'], ['GET', '/v1/oauth/tokens']] as const) {
        const { status, body } = await send(served, path, { method, headers, ...(method === 'POST' ? { body: commit } : {}) })
        expect([status, body]).toEqual([401, expect.stringContaining('NotAuthorizedException') as string])
        expect(body).not.toContain('canary')
      }
    }
    const large = await send(served, '/v1/namespaces/shop/tables/events', { method: 'POST', body: 'x'.repeat(3 * 2 ** 20) })
    expect(large.status).toBe(401)
    expect((await send(served, '/v1/config', { headers: { authorization: 'bearer canary-token' } })).status).toBe(200)
    expect(served.errors).toEqual([])
  })

  it('gives the token to clients that know it as their secret, and says nothing to others', async () => {
    const served = await serve({ token: 'canary-token' })
    const ask = (body: string): Promise<Answer> => send(served, '/v1/oauth/tokens', { method: 'POST', body })
    expect(await ask('grant_type=client_credentials&client_id=x&client_secret=canary-token')).toMatchObject({ status: 200, body: expect.stringContaining('"access_token":"canary-token"') as string })
    for (const body of ['', 'client_secret=', 'client_secret=wrong', 'client_id=canary-token', '{"client_secret":"canary-token"}']) {
      const answer = await ask(body)
      expect([answer.status, answer.body.includes('canary')]).toEqual([401, false])
    }
    expect((await ask(`client_secret=${'x'.repeat(100_000)}`)).status).toBe(413)
    const catalog = new RestCatalog({ uri: served.server.uri, auth: { type: 'oauth2', clientId: 'me', clientSecret: 'canary-token' }, openStore: () => served.io })
    expect((await catalog.loadTable(id)).identifier).toEqual(id)
  })

  it('serves no web page, and nobody who calls this machine by a name of his own, without a token', async () => {
    const served = await serve()
    const commit = { method: 'POST', body: '{"requirements":[],"updates":[]}' }
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { host: 'evil.example' }, { host: `evil.example:${served.port}` }, { host: '127.0.0.1.evil.example' }] as Record<string, string>[]) {
      expect((await send(served, '/v1/config', { headers })).status).toBe(403)
      expect((await send(served, '/v1/namespaces/shop/tables/events', { ...commit, headers: { ...headers, 'content-type': 'text/plain' } })).status).toBe(403)
    }
    for (const host of ['localhost', 'LOCALHOST:1', '[::1]:80', '127.0.0.2']) expect((await send(served, '/v1/config', { headers: { host } })).status).toBe(200)
  })

  it('refuses bodies that are too large, before and while they come', async () => {
    const served = await serve()
    const path = '/v1/namespaces/shop/tables/events'
    const announced = httpRequest({ host: '127.0.0.1', port: served.port, path, method: 'POST', headers: { 'content-length': String(2 ** 40) } })
    announced.flushHeaders()
    expect((await answerOf(announced)).status).toBe(413)
    announced.destroy()
    const endless = httpRequest({ host: '127.0.0.1', port: served.port, path, method: 'POST' })
    endless.on('error', () => undefined)
    const answer = answerOf(endless)
    const mebibyte = Buffer.alloc(2 ** 20, ' ')
    for (let i = 0; i < 65; i++) endless.write(mebibyte)
    expect((await answer).status).toBe(413)
    endless.destroy()
    expect(served.errors).toEqual([])
  })

  it('answers what is no request with a typed error: bodies, addresses, methods', async () => {
    const served = await serve()
    const deep = `{"requirements":${'['.repeat(100_000)}`
    for (const body of ['', '[]', 'null', '{"requirements":', deep, '<xml/>', '{"requirements":[{"type":"assert-nothing"}],"updates":[]}', '{"requirements":[],"updates":[{"action":"drop-all"}]}', '\ufffd']) {
      expect(await send(served, '/v1/namespaces/shop/tables/events', { method: 'POST', body })).toMatchObject({ status: 400, body: expect.stringMatching(/"type":"\w*Exception"/) as string })
    }
    expect((await send(served, '/v1/namespaces/shop/tables/events', { method: 'PUT' })).status).toBe(405)
    expect((await send(served, '/v1/none')).status).toBe(404)
    expect((await send(served, '//[/v1/config')).status).toBe(404)
    expect((await send(served, '*', { method: 'OPTIONS' })).status).toBe(400)
    expect((await send(served, '/v1/namespaces/%zz')).status).toBe(400)
    expect(served.errors).toEqual([])
  })

  it('takes names as they were sent: dot segments, escaped or not, lead to nothing else', async () => {
    const served = await serve()
    await served.backend.createNamespace(['empty'])
    for (const name of ['%2e%2e', '..', '.', '%2E', '%2e%2e%2f%2e%2e', '..%2fempty', '%252e%252e', 'a%00b', 'a%5Cb']) {
      for (const path of [`/v1/namespaces/empty/tables/${name}`, `/v1/namespaces/${name}`, `/v1/namespaces/empty%1F${name}`]) {
        const { status } = await send(served, path, { method: 'DELETE' })
        expect([400, 404], path).toContain(status)
      }
    }
    expect(await served.backend.namespaceExists(['empty'])).toBe(true)
  })

  it('waits for no client that does not send what it began', async () => {
    const served = await serve({ requestTimeoutMs: 100 })
    const texts: string[] = []
    for (const begun of ['GET /v1/con', 'POST /v1/namespaces HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{']) {
      const socket = connect(served.port, '127.0.0.1')
      socket.write(begun)
      let text = ''
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
      await once(socket, 'close')
      texts.push(text)
    }
    for (const text of texts) expect(text).toContain('408 Request Timeout')
    expect(served.errors).toEqual([])
  })

  it('forgets clients that leave in the middle', async () => {
    const served = await serve()
    for (let i = 0; i < 5; i++) {
      const socket = connect(served.port, '127.0.0.1')
      socket.write('POST /v1/namespaces HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{')
      await once(socket, 'connect')
      socket.resetAndDestroy()
    }
    expect((await send(served, '/v1/config')).status).toBe(200)
    expect(served.errors).toEqual([])
  })
})

describe('a served catalog that is stopped', () => {
  interface Gate {
    readonly backend: CatalogBackend
    readonly reached: Promise<void>
    readonly open: () => void
  }

  /** A catalog whose commits wait at a gate. */
  function gated(inner: CatalogBackend): Gate {
    const [reached, arrive] = promise()
    const [opened, open] = promise()
    const commitTable: CatalogBackend['commitTable'] = async (request) => {
      arrive()
      await opened
      return inner.commitTable(request)
    }
    const backend = new Proxy(inner, {
      get: (target, name) => {
        const member: unknown = name === 'commitTable' ? commitTable : Reflect.get(target, name)
        return typeof member === 'function' ? (member as () => unknown).bind(target) : member
      },
    })
    return { backend, reached, open }
  }

  function promise(): readonly [Promise<void>, () => void] {
    let resolve: (() => void) | undefined
    const made = new Promise<void>((done) => (resolve = done))
    return [made, resolve!]
  }

  async function underWay(runtime = systemRuntime) {
    const io = new MemoryFileIO()
    const inner = new MemoryCatalog({ io })
    await inner.createNamespace(['shop'])
    await inner.createTable(id, creation())
    const gate = gated(inner)
    const served = await serve({ catalog: gate.backend, runtime })
    const catalog = new RestCatalog({ uri: served.server.uri, openStore: () => io })
    const base = await catalog.loadTable(id)
    const commit = commitUpdates(catalog, base, emptyAppend(base, 'mine'))
    await gate.reached
    return { served, inner, catalog, commit, open: gate.open }
  }

  it('answers the commits under way first, and takes no others', async () => {
    const { served, inner, catalog, commit, open } = await underWay()
    const closed = served.server.close()
    expect(await codeOf(new RestCatalog({ uri: served.server.uri, openStore: () => served.io, maxAttempts: 1 }).listNamespaces())).toBe('UNAVAILABLE')
    open()
    expect(await commit).toMatchObject({ outcome: 'committed' })
    await closed
    expect(notesOf(await inner.loadTable(id))).toEqual(['mine'])
    await catalog.close()
  })

  it('waits for them no longer than a moment', async () => {
    const hasty = { ...systemRuntime, sleep: () => Promise.resolve() }
    const { served, commit, open } = await underWay(hasty)
    await served.server.close()
    expect(await commit).toMatchObject({ outcome: 'unknown' })
    open()
  })
})
