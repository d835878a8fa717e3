import { timingSafeEqual, createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FloeError } from '../../util/errors.js'
import { printJson } from '../../util/json.js'
import { checkClientProperties } from './client-properties.js'
import { failure, type ServiceResponse } from './service-request.js'
import { RestService, type RestServiceOptions } from './rest-service.js'

export interface ServeOptions extends RestServiceOptions {
  /** Default `127.0.0.1`: nobody else reaches it. Other addresses need a token. */
  readonly host?: string | undefined
  /** Default 0: any free one. */
  readonly port?: number | undefined
  /** Clients must send it as their bearer token, or as their OAuth 2 client secret. Default: none is asked for. */
  readonly token?: string | undefined
  /** Until a request must have arrived as a whole; slower clients are answered 408. Default 60 s. */
  readonly requestTimeoutMs?: number | undefined
}

export interface RunningServer {
  /** What clients are given as the catalog's URI. */
  readonly uri: string
  /** Takes no more requests, waits for the answers of those under way, 10 s at most, and lets go of the port. */
  readonly close: () => Promise<void>
}

const MAX_PORT = 65_535
const MAX_BODY_BYTES = 64 * 2 ** 20
/** Of requests for a token, which anybody can send. */
const MAX_FORM_BYTES = 64 * 2 ** 10
const LOOPBACK = /^(?:localhost|::1|\[::1\]|127(?:\.\d{1,3}){3})$/
const TOKEN_LIFE_SECONDS = 3600
const DEFAULT_REQUEST_TIMEOUT_MS = 60_000
const MAX_HEADERS_TIMEOUT_MS = 15_000
const CLOSE_WAIT_MS = 10_000

/**
 * Serves a catalog by the REST protocol of Iceberg, so that other engines write the same tables.
 * @throws FloeError `INVALID` for an address that others reach without a token, a port that is none, a secret among the clients' properties
 */
export async function serveCatalog(options: ServeOptions): Promise<RunningServer> {
  const { host = '127.0.0.1', port = 0, token, overrides = {} } = options
  // Given anything else, Node would listen on a socket file of that name.
  if (!Number.isInteger(port) || port < 0 || port > MAX_PORT) {
    throw new FloeError('INVALID', `A port is a whole number from 0 to ${MAX_PORT}, not ${typeof port === 'number' ? port : `a value of type ${typeof port}`}`)
  }
  checkClientProperties(overrides)
  if (token === undefined && !LOOPBACK.test(host)) {
    throw new FloeError('INVALID', `Everybody who reaches ${host} could change the tables: give a token, or serve on 127.0.0.1`)
  }
  if (token === '') throw new FloeError('INVALID', 'The token must not be empty')
  const catalog = new CatalogServer(options)
  const bound = await catalog.listen(port, host)
  const name = host.includes(':') ? `[${host}]` : host
  return { uri: `http://${name}:${bound}`, close: () => catalog.close() }
}

class CatalogServer {
  readonly #options: ServeOptions
  readonly #service: RestService
  readonly #server: Server
  readonly #underWay = new Set<Promise<void>>()
  #isClosing = false

  constructor(options: ServeOptions) {
    const { requestTimeoutMs: requestTimeout = DEFAULT_REQUEST_TIMEOUT_MS } = options
    this.#options = options
    this.#service = new RestService(options)
    const headersTimeout = Math.min(MAX_HEADERS_TIMEOUT_MS, requestTimeout)
    const limits = { requestTimeout, headersTimeout, connectionsCheckingInterval: Math.ceil(headersTimeout / 2) }
    this.#server = createServer(limits, (incoming, outgoing) => {
      const answered: Promise<void> = this.#answer(incoming, outgoing)
        .catch((error: unknown) => {
          options.onError?.(error)
          outgoing.destroy()
        })
        .finally(() => this.#underWay.delete(answered))
      this.#underWay.add(answered)
    })
  }

  /** The port that it listens on. */
  async listen(port: number, host: string): Promise<number> {
    const server = this.#server
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => {
        reject(new FloeError('UNAVAILABLE', `Cannot serve on ${host}:${port}: ${cause.message}`, { cause }))
      })
      server.listen(port, host, resolve)
    })
    return (server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#isClosing = true
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const stop = new AbortController()
    const moment = this.#options.runtime.sleep(CLOSE_WAIT_MS, stop.signal).catch(() => undefined)
    await Promise.race([Promise.all(this.#underWay), moment])
    stop.abort()
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    let response: ServiceResponse
    try {
      response = await this.#respond(incoming)
    } catch (error) {
      // A client that is gone hears nothing.
      if (incoming.destroyed && !incoming.complete) return
      this.#options.onError?.(error)
      response = failure(500, 'InternalServerError', 'The server failed: see its log')
    }
    // What is left of a body that was not read to its end is no request.
    const isLast = this.#isClosing || !incoming.complete
    await write(outgoing, isLast ? { ...response, headers: { ...response.headers, connection: 'close' } } : response, incoming.method === 'HEAD')
  }

  async #respond(incoming: IncomingMessage): Promise<ServiceResponse> {
    const { token } = this.#options
    const target = targetOf(incoming.url ?? '/')
    if (target === undefined) return failure(400, 'BadRequestException', 'The address of the request is none')
    const method = incoming.method ?? 'GET'
    if (token !== undefined && method === 'POST' && target.path === 'v1/oauth/tokens') {
      const form = await readBody(incoming, MAX_FORM_BYTES)
      return form === undefined ? tooLarge(MAX_FORM_BYTES) : issueToken(form, token)
    }
    const refusal = this.#refusal(incoming)
    const body = await readBody(incoming, MAX_BODY_BYTES, refusal === undefined)
    if (refusal !== undefined) return refusal
    if (body === undefined) return tooLarge(MAX_BODY_BYTES)
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]))
    return this.#service.handle({ method, ...target, headers, body })
  }

  /** The answer to who may not ask: known before the body is read, of which nothing is kept then. */
  #refusal(incoming: IncomingMessage): ServiceResponse | undefined {
    const { token, host = '127.0.0.1' } = this.#options
    if (this.#isClosing) return failure(503, 'ServiceUnavailableException', 'The server is stopping')
    if (token !== undefined) {
      return isSame(bearerOf(incoming), token) ? undefined : failure(401, 'NotAuthorizedException', 'A valid bearer token is needed')
    }
    if (!isOfAnotherPlace(incoming, host)) return undefined
    return failure(403, 'ForbiddenException', 'Web pages and names of other machines are not served without a token')
  }
}

/** Path and query as they were sent: dot segments, escaped or not, are names here, which no catalog takes. */
function targetOf(url: string): { readonly path: string; readonly query: URLSearchParams } | undefined {
  const [, path, query] = /^(?:https?:\/\/[^/?]*)?\/([^?#]*)(?:\?([^#]*))?/i.exec(url) ?? []
  return path === undefined ? undefined : { path, query: new URLSearchParams(query ?? '') }
}

/**
 * Whether a web page asks, or somebody who knows this machine by another name. Any page that a browser shows can send requests to this
 * machine, and with a name of its own for it read the answers.
 */
function isOfAnotherPlace({ headers }: IncomingMessage, host: string): boolean {
  if (headers.origin !== undefined) return true
  const name = headers.host?.replace(/:\d*$/, '').toLowerCase()
  return name !== undefined && !LOOPBACK.test(name) && name !== host
}

function bearerOf({ headers }: IncomingMessage): string {
  return /^bearer (.*)$/i.exec(headers.authorization ?? '')?.[1]?.trim() ?? ''
}

function tooLarge(maxBytes: number): ServiceResponse {
  return failure(413, 'BadRequestException', `The body is larger than ${maxBytes} bytes`)
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

/** The body, or `undefined` where it is larger. One that is not to be kept is empty: clients look for an answer when they have sent all. */
async function readBody(incoming: IncomingMessage, maxBytes: number, isKept = true): Promise<string | undefined> {
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) return undefined
  const chunks: Buffer[] = []
  let length = 0
  // The connection stays, for the answer.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) return undefined
    if (isKept) chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Done when the answer has left, or nobody is there to take it. */
function write(outgoing: ServerResponse, response: ServiceResponse, isHead: boolean): Promise<void> {
  const text = response.body === undefined || isHead ? '' : printJson(response.body)
  const type = text === '' ? {} : { 'content-type': 'application/json' }
  return new Promise((resolve) => {
    outgoing.once('close', resolve)
    if (outgoing.destroyed) resolve()
    outgoing.writeHead(response.status, { ...type, ...response.headers })
    outgoing.end(text)
  })
}
