import { timingSafeEqual, createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FloeError } from '../../util/errors.js'
import { printJson } from '../../util/json.js'
import { failure, type ServiceResponse } from './service-request.js'
import { RestService, type RestServiceOptions } from './rest-service.js'

export interface ServeOptions extends RestServiceOptions {
  /** Default `127.0.0.1`: nobody else reaches it. Other addresses need a token. */
  readonly host?: string | undefined
  /** Default 0: any free one. */
  readonly port?: number | undefined
  /** Clients must send it as their bearer token, or as their OAuth 2 client secret. Default: none is asked for. */
  readonly token?: string | undefined
}

export interface RunningServer {
  /** What clients are given as the catalog's URI. */
  readonly uri: string
  readonly close: () => Promise<void>
}

const MAX_BODY_BYTES = 64 * 2 ** 20
const LOOPBACK = /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/
const TOKEN_LIFE_SECONDS = 3600

/**
 * Serves a catalog by the REST protocol of Iceberg, so that other engines write the same tables.
 * @throws FloeError `INVALID` for an address that others reach without a token
 */
export async function serveCatalog(options: ServeOptions): Promise<RunningServer> {
  const { host = '127.0.0.1', port = 0, token } = options
  if (token === undefined && !LOOPBACK.test(host)) {
    throw new FloeError('INVALID', `Everybody who reaches ${host} could change the tables: give a token, or serve on 127.0.0.1`)
  }
  if (token === '') throw new FloeError('INVALID', 'The token must not be empty')
  const service = new RestService(options)
  const server = createServer((incoming, outgoing) => {
    respond(service, token, incoming).then(
      (response) => write(outgoing, response, incoming.method === 'HEAD'),
      (error: unknown) => {
        options.onError?.(error)
        write(outgoing, failure(500, 'InternalServerError', 'The server failed: see its log'), incoming.method === 'HEAD')
      },
    )
  })
  await listen(server, port, host)
  const { port: bound } = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host
  return { uri: `http://${name}:${bound}`, close: () => close(server) }
}

async function respond(service: RestService, token: string | undefined, incoming: IncomingMessage): Promise<ServiceResponse> {
  const url = new URL(incoming.url ?? '/', 'http://localhost')
  const body = await readBody(incoming)
  if (body === undefined) return failure(413, 'BadRequestException', `The body is larger than ${MAX_BODY_BYTES} bytes`)
  const method = incoming.method ?? 'GET'
  const path = url.pathname.slice(1)
  if (token !== undefined) {
    if (method === 'POST' && path === 'v1/oauth/tokens') return issueToken(body, token)
    if (!isSame(incoming.headers.authorization ?? '', `Bearer ${token}`)) {
      return failure(401, 'NotAuthorizedException', 'A valid bearer token is needed')
    }
  }
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]))
  return service.handle({ method, path, query: url.searchParams, headers, body })
}

/** Clients of the reference exchange a credential for a token first; here one is the other. */
function issueToken(body: string, token: string): ServiceResponse {
  const secret = new URLSearchParams(body).get('client_secret') ?? new URLSearchParams(body).get('subject_token') ?? ''
  if (!isSame(secret, token)) return { status: 401, body: { error: 'invalid_client', error_description: 'The client secret is not valid' } }
  return {
    status: 200,
    body: {
      access_token: token,
      token_type: 'bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      expires_in: TOKEN_LIFE_SECONDS,
    },
  }
}

/** Takes the same time wherever the texts differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest()
  return timingSafeEqual(digest(a), digest(b))
}

async function readBody(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length).toString('utf8')
}

function write(outgoing: ServerResponse, response: ServiceResponse, isHead: boolean): void {
  const text = response.body === undefined || isHead ? '' : printJson(response.body)
  const type = text === '' ? {} : { 'content-type': 'application/json' }
  outgoing.writeHead(response.status, { ...type, ...response.headers })
  outgoing.end(text)
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new FloeError('UNAVAILABLE', `Cannot serve on ${host}:${port}: ${cause.message}`, { cause }))
    })
    server.listen(port, host, resolve)
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
    server.closeAllConnections()
  })
}
