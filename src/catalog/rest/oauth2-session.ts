import { FloeError } from '../../util/errors.js'
import { JsonObject } from '../../util/json.js'
import type { Runtime } from '../../util/runtime.js'
import { anonymousSession, type AuthSession, type OutgoingRequest } from './auth-session.js'
import { isLoopback, type RestHttp } from './rest-http.js'

/** OAuth 2 client credentials, RFC 6749 §4.4. */
export interface OAuth2Options {
  readonly clientId?: string | undefined
  readonly clientSecret: string
  /** Default `catalog`. */
  readonly scope?: string | undefined
  /** Where tokens come from. Default: the catalog's own `v1/oauth/tokens`, which the protocol deprecates. */
  readonly tokenUri?: string | undefined
  readonly audience?: string | undefined
  readonly resource?: string | undefined
}

interface Token {
  readonly accessToken: string
  /** `undefined`: used until it is refused. */
  readonly renewAtMs: number | undefined
}

const DEFAULT_SCOPE = 'catalog'
/** Renewed when a tenth of its life is left, at most so early. Source: `OAuth2Util.AuthSession` */
const MAX_EARLY_MS = 5 * 60_000

/**
 * Fetches tokens for client credentials, and new ones before they expire or when one is refused. Requests that need a token at
 * the same time share one fetch. Tokens are asked for over https only, but on this machine.
 */
export class OAuth2Session implements AuthSession {
  readonly #options: OAuth2Options
  readonly #http: RestHttp
  readonly #runtime: Runtime
  #token: Promise<Token> | undefined
  readonly #seen = new Set<string>()

  constructor(options: OAuth2Options, http: RestHttp, runtime: Runtime) {
    this.#options = options
    this.#http = http
    this.#runtime = runtime
    const url = this.#tokenUrl()
    if (url.protocol !== 'https:' && !isLoopback(url)) {
      throw new FloeError('INVALID', `Credentials are not sent to ${url.origin} without encryption: use an https address`)
    }
  }

  async authorize(request: OutgoingRequest): Promise<Readonly<Record<string, string>>> {
    const { accessToken } = await this.#currentToken()
    return { ...request.headers, authorization: `Bearer ${accessToken}` }
  }

  async refresh(): Promise<boolean> {
    this.#token = undefined
    await this.#currentToken()
    return true
  }

  secrets(): readonly string[] {
    return [this.#options.clientSecret, ...this.#seen]
  }

  async #currentToken(): Promise<Token> {
    const pending = this.#token
    if (pending !== undefined) {
      const token = await pending
      const isDue = token.renewAtMs !== undefined && this.#runtime.now() >= token.renewAtMs
      // Somebody else may have begun to renew it meanwhile.
      if (!isDue) return token
      if (this.#token === pending) this.#token = undefined
    }
    this.#token ??= this.#fetch()
    try {
      return await this.#token
    } catch (error) {
      this.#token = undefined
      throw error
    }
  }

  async #fetch(): Promise<Token> {
    const { clientId, clientSecret, scope = DEFAULT_SCOPE, audience, resource } = this.#options
    const form = new URLSearchParams({ grant_type: 'client_credentials' })
    if (clientId !== undefined) form.set('client_id', clientId)
    form.set('client_secret', clientSecret)
    form.set('scope', scope)
    if (audience !== undefined) form.set('audience', audience)
    if (resource !== undefined) form.set('resource', resource)
    const path = this.#tokenUrl().href
    const { body } = await this.#http.send({ method: 'POST', path, body: form, repeatable: true, subject: 'an access token' }, anonymousSession)
    return this.#read(body ?? JsonObject.parse('{}', { source: 'an access token' }))
  }

  #read(answer: JsonObject): Token {
    const accessToken = answer.requireString('access_token')
    this.#seen.add(accessToken)
    const seconds = answer.optionalSafeInteger('expires_in')
    if (seconds === undefined) return { accessToken, renewAtMs: undefined }
    const lifeMs = seconds * 1000
    return { accessToken, renewAtMs: this.#runtime.now() + lifeMs - Math.min(lifeMs / 10, MAX_EARLY_MS) }
  }

  #tokenUrl(): URL {
    const { tokenUri } = this.#options
    const base = this.#http.base.href.replace(/\/$/, '')
    if (tokenUri === undefined) return new URL(`${base}/v1/oauth/tokens`)
    if (/^https?:/.test(tokenUri) && URL.canParse(tokenUri)) return new URL(tokenUri)
    return new URL(`${base}/${tokenUri.replace(/^\//, '')}`)
  }
}
