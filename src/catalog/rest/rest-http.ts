import { abortedError } from '../../io/aborted.js'
import { waitBeforeRetry } from '../../io/retry-delay.js'
import { FloeError, isFloeError } from '../../util/errors.js'
import { JsonObject, printJson, type JsonValue } from '../../util/json.js'
import { checkAmount, checkCount } from '../../util/option-values.js'
import type { Runtime } from '../../util/runtime.js'
import { decodeUtf8 } from '../../util/utf8.js'
import type { AuthSession, OutgoingRequest } from './auth-session.js'
import { NotSentError, restError } from './rest-error.js'

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'DELETE'

export interface RestRequest {
  readonly method: HttpMethod
  /** Below the catalog's URI, without a leading slash, escaped; or a whole URL. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Sent as JSON, or as a form. */
  readonly body?: JsonValue | URLSearchParams | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * Whether the request may be sent again when its answer was lost or the server failed: it changes nothing, or the server
   * recognises the repetition. Default: for GET and HEAD only.
   */
  readonly repeatable?: boolean | undefined
  /** How long the server recognises a repetition, from the first time on. Default: for ever. */
  readonly repeatableForMs?: number | undefined
  /** What is asked for, for messages: `table shop.events`. */
  readonly subject?: string | undefined
}

export interface RestResponse {
  readonly status: number
  readonly headers: Headers
  /** `undefined`: the answer has no body. */
  readonly body: JsonObject | undefined
}

export interface RestHttpOptions {
  /** The catalog's URI; paths are below it. */
  readonly uri: string
  readonly runtime: Runtime
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Default: the platform's. */
  readonly fetch?: typeof fetch | undefined
  /** Until an answer is there as a whole. Default 60 s. */
  readonly requestTimeoutMs?: number | undefined
  /** Tries of a request that may be repeated. Default 5. */
  readonly maxAttempts?: number | undefined
  /** Values that no message may show. */
  readonly secrets: () => readonly string[]
}

const DEFAULT_TIMEOUT_MS = 60_000
const DEFAULT_MAX_ATTEMPTS = 5
const MAX_REDIRECTS = 3
/** Metadata of large tables arrives as one answer. */
const MAX_RESPONSE_BYTES = 256 * 2 ** 20
const MAX_ERROR_BYTES = 64 * 2 ** 10
const MAX_REASON_CHARACTERS = 300
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])
/** Statuses of requests that were not processed, whatever they ask for. */
const NOT_PROCESSED = new Set([429])
const SERVER_TROUBLE = new Set([408, 500, 502, 503, 504])
const TOKEN_REFUSED: ReadonlySet<number> = new Set([401, 419])

/**
 * Sends requests with the headers of a session. Answers below 400, and 304, resolve; others throw what `restError` makes of
 * them. Requests that may be repeated are, after 408, 429, 5xx and lost answers, waiting as `Retry-After` says.
 */
export class RestHttp {
  readonly #options: RestHttpOptions
  readonly #base: URL
  readonly #fetch: typeof fetch

  constructor(options: RestHttpOptions) {
    this.#options = options
    checkCount(options.maxAttempts, 1, 'rest.maxAttempts')
    checkAmount(options.requestTimeoutMs, 0, 'rest.requestTimeoutMs')
    this.#base = parseBase(options.uri)
    this.#fetch = options.fetch ?? fetch
  }

  get base(): URL {
    return new URL(this.#base)
  }

  /** Sends a request, again where that is safe. */
  async send(request: RestRequest, session: AuthSession): Promise<RestResponse> {
    const repeatable = request.repeatable ?? (request.method === 'GET' || request.method === 'HEAD')
    const { maxAttempts = DEFAULT_MAX_ATTEMPTS, runtime } = this.#options
    const refusals = session.refusals ?? TOKEN_REFUSED
    const startMs = runtime.now()
    let isRefreshed = false
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#try(request, session)
      if ('response' in outcome) return outcome.response
      const { failure, status, sent, retryAfterMs } = outcome
      if (request.signal?.aborted === true) throw abortedError(request.signal)
      if (sent !== undefined && refusals.has(status) && !isRefreshed && (await this.#refresh(session, sent))) {
        // The server turned it away at the door.
        isRefreshed = true
        attempt--
        continue
      }
      const notProcessed = failure instanceof NotSentError || (status !== undefined && NOT_PROCESSED.has(status))
      const trouble = status === undefined ? failure.retryable : SERVER_TROUBLE.has(status)
      if (attempt >= maxAttempts || !(notProcessed || (repeatable && trouble))) throw failure
      await waitBeforeRetry({ runtime, attempt, retryAfterMs, signal: request.signal })
      const isForgotten = request.repeatableForMs !== undefined && runtime.now() - startMs >= request.repeatableForMs
      if (isForgotten && !notProcessed) throw failure
    }
  }

  /** The error for a failure that the server tells of, without secrets. */
  errorOf(status: number, text: string, subject: string): FloeError {
    return restError(status, text, subject, (said) => this.#redact(said))
  }

  async #refresh(session: AuthSession, refused: SentHeaders): Promise<boolean> {
    try {
      return (await session.refresh?.(refused)) === true
    } catch (error) {
      throw this.#unsent(error)
    }
  }

  async #try(request: RestRequest, session: AuthSession): Promise<Outcome> {
    let response: Response
    let body: Uint8Array
    let sent: SentHeaders
    try {
      ;({ response, body, sent } = await this.#exchange(request, session))
    } catch (error) {
      // Without the proof of who asks there is no request to repeat.
      if (error instanceof NotSentError) throw error
      return { failure: this.#networkError(error, request) }
    }
    const { status, headers } = response
    if (status < 400) {
      const json = request.method === 'HEAD' || status === 204 || status === 304 || body.length === 0 ? undefined : this.#parse(body, request)
      return { response: { status, headers, body: json } }
    }
    // A text that is cut could end in half a secret.
    const text = body.length > MAX_ERROR_BYTES ? '' : Buffer.from(body).toString('utf8')
    const failure = this.errorOf(status, text, subjectOf(request))
    return { failure, status, sent, retryAfterMs: retryAfterOf(headers, this.#options.runtime) }
  }

  async #exchange(request: RestRequest, session: AuthSession): Promise<{ response: Response; body: Uint8Array; sent: SentHeaders }> {
    let url = this.#urlOf(request)
    const timeout = AbortSignal.timeout(this.#options.requestTimeoutMs ?? DEFAULT_TIMEOUT_MS)
    const signal = request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout])
    for (let redirects = 0; ; redirects++) {
      const init = await this.#initOf(request, url, session)
      const response = await this.#fetch(url, { ...init, signal, redirect: 'manual' })
      const isRedirect = response.status >= 300 && response.status !== 304 && response.status < 400
      if (!isRedirect) return { response, body: await readBounded(response, request), sent: init.headers }
      await response.body?.cancel()
      const target = targetOf(response, url)
      // Credentials go to nobody else, and a change is not sent twice.
      if (target?.origin !== url.origin || redirects >= MAX_REDIRECTS || request.method === 'POST' || request.method === 'DELETE') {
        const place = target === undefined ? 'nowhere' : this.#redact(target.origin)
        throw new FloeError('UNAVAILABLE', `The catalog redirects to ${place}: open it under its own address`, { retryable: false })
      }
      url = target
    }
  }

  #urlOf(request: RestRequest): URL {
    const url = /^https?:/.test(request.path) ? new URL(request.path) : new URL(`${this.#base.href.replace(/\/$/, '')}/${request.path}`)
    for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) url.searchParams.set(name, value)
    // `%20` means a space to those who decode forms and to those who decode URIs, and so they sign it.
    url.search = url.search.replaceAll('+', '%20')
    return url
  }

  async #initOf(request: RestRequest, url: URL, session: AuthSession): Promise<RequestInit & { readonly headers: SentHeaders }> {
    const { method, body } = request
    const isForm = body instanceof URLSearchParams
    const text = body === undefined ? undefined : isForm ? body.toString() : printJson(body)
    const plain = {
      accept: 'application/json',
      // A token server elsewhere is another party.
      ...(url.origin === this.#base.origin ? this.#options.headers : {}),
      ...(text === undefined ? {} : { 'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json' }),
      ...request.headers,
    }
    const headers = await this.#authorize(session, { method, url, headers: plain, body: text ?? '' })
    return { method, headers, ...(text === undefined ? {} : { body: text }) }
  }

  async #authorize(session: AuthSession, request: OutgoingRequest): Promise<SentHeaders> {
    let headers: SentHeaders
    try {
      headers = await session.authorize(request)
    } catch (error) {
      throw this.#unsent(error)
    }
    const wrong = Object.entries(headers).find((header) => !isSendable(header))
    if (wrong === undefined) return headers
    throw new NotSentError('INVALID', `The header ${JSON.stringify(wrong[0].slice(0, 40))} cannot be sent: look for line breaks and characters beyond Latin-1 in it`)
  }

  /** Why there is no proof of who asks; of a function of the caller's only what it says, without secrets. */
  #unsent(error: unknown): NotSentError {
    if (isFloeError(error)) return new NotSentError(error.code, error.message, { cause: error.cause, retryable: error.retryable })
    const said = this.#redact(error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON_CHARACTERS)
    return new NotSentError('UNAUTHORIZED', `The function that gives credentials for the catalog failed: ${said}`)
  }

  #parse(body: Uint8Array, request: RestRequest): JsonObject {
    try {
      return JsonObject.parse(decodeUtf8(body), { source: subjectOf(request) })
    } catch (cause) {
      throw new FloeError('CORRUPT', `The catalog's answer about ${subjectOf(request)} is not the JSON of the protocol: check the catalog's URI`, { cause })
    }
  }

  #networkError(error: unknown, request: RestRequest): FloeError {
    if (error instanceof FloeError) return error
    const code = codeOf(error)
    const reason = this.#redact(code ?? (error instanceof Error ? error.name : 'unknown'))
    const message = `The catalog at ${this.#base.origin} did not answer about ${subjectOf(request)} (${reason}): try again`
    return code !== undefined && NEVER_SENT.has(code) ? new NotSentError('UNAVAILABLE', message) : new FloeError('UNAVAILABLE', message)
  }

  #redact(text: string): string {
    const secrets = new Set(this.#options.secrets().filter((secret) => secret.length > 3).flatMap(formsOf))
    // What is a part of another comes after it.
    const longestFirst = [...secrets].sort((a, b) => b.length - a.length)
    return longestFirst.reduce((redacted, secret) => redacted.replaceAll(secret, '[redacted]'), text)
  }
}

type SentHeaders = Readonly<Record<string, string>>

type Outcome =
  | { readonly response: RestResponse }
  | { readonly failure: FloeError; readonly status?: undefined; readonly sent?: undefined; readonly retryAfterMs?: undefined }
  | { readonly failure: FloeError; readonly status: number; readonly sent: SentHeaders; readonly retryAfterMs: number | undefined }

function subjectOf(request: RestRequest): string {
  return request.subject ?? request.path
}

/** A secret as it may come back: as it is, and as paths, forms and JSON have it. */
function formsOf(secret: string): readonly string[] {
  const form = new URLSearchParams([['', secret]]).toString().slice(1)
  return [secret, form, form.replaceAll('+', '%20'), JSON.stringify(secret).slice(1, -1)]
}

function isSendable(header: [name: string, value: string]): boolean {
  try {
    return new Headers([header]).has(header[0])
  } catch {
    return false
  }
}

/** Where a redirect goes; `undefined` for one that goes nowhere, or tells a user's name and password. */
function targetOf(response: Response, from: URL): URL | undefined {
  const location = response.headers.get('location')
  if (location === null || !URL.canParse(location, from.href)) return undefined
  const target = new URL(location, from)
  return target.username === '' && target.password === '' ? target : undefined
}

function parseBase(uri: string): URL {
  if (!URL.canParse(uri)) throw new FloeError('INVALID', 'The URI of a REST catalog must be an http or https URL')
  const url = new URL(uri)
  if (!/^https?:$/.test(url.protocol)) throw new FloeError('INVALID', 'The URI of a REST catalog must be an http or https URL')
  if (url.username !== '' || url.password !== '') {
    throw new FloeError('INVALID', 'The URI of a REST catalog must not hold a user name or password: pass credentials as options')
  }
  url.search = ''
  url.hash = ''
  return url
}

/** Whether a URL stays on this machine. */
export function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(url.hostname)
}

async function readBounded(response: Response, request: RestRequest): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > MAX_RESPONSE_BYTES) {
      throw new FloeError('UNSUPPORTED', `The catalog's answer about ${subjectOf(request)} is larger than ${MAX_RESPONSE_BYTES} bytes`)
    }
    chunks.push(chunk)
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)
}

function retryAfterOf(headers: Headers, runtime: Runtime): number | undefined {
  const value = headers.get('retry-after')
  if (value === null) return undefined
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1000
  const time = Date.parse(value)
  return Number.isNaN(time) ? undefined : Math.max(0, time - runtime.now())
}

/** `fetch` hides the system's code in a cause. */
function codeOf(error: unknown): string | undefined {
  for (let cause: unknown = error, depth = 0; typeof cause === 'object' && cause !== null && depth < 5; depth++) {
    const { code, cause: inner } = cause as { readonly code?: unknown; readonly cause?: unknown }
    if (typeof code === 'string') return code
    cause = inner
  }
  return undefined
}
