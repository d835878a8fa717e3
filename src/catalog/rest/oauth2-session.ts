import { FloeError, isFloeError } from '../../util/errors.js'
import { JsonObject } from '../../util/json.js'
import type { Runtime } from '../../util/runtime.js'
import { anonymousSession, type AuthSession, type OutgoingRequest } from './auth-session.js'
import { exchangeForm, grantForm, tokenTypes, type OAuth2Token, type TokenParameters } from './oauth2-forms.js'
import { isLoopback, type RestHttp } from './rest-http.js'

/** OAuth 2: client credentials (RFC 6749 §4.4) and token exchange (RFC 8693). One of `clientSecret`, `token`, `subject` is needed. */
export interface OAuth2Options extends TokenParameters {
  readonly clientId?: string | undefined
  readonly clientSecret?: string | undefined
  /** Where tokens come from. Default: the catalog's own `v1/oauth/tokens`, which the protocol deprecates. */
  readonly tokenUri?: string | undefined
  /** An access token to begin with. */
  readonly token?: string | undefined
  /** A token of the user's that is exchanged for an access token of the catalog. */
  readonly subject?: OAuth2Token | undefined
  /** Who acts for the subject, where the server wants to know. */
  readonly actor?: OAuth2Token | undefined
  /**
   * Whether tokens are renewed by exchanging the current one: `token-exchange-enabled` of the reference. Default: where there is no
   * `clientSecret` to ask anew with, which every token server takes.
   */
  readonly tokenExchange?: boolean | undefined
}

interface Token {
  readonly accessToken: string
  /** As a form says it. */
  readonly type: string
  readonly expiresAtMs: number | undefined
  /** `undefined`: used until it is refused. */
  readonly renewAtMs: number | undefined
  /** Whether it is the client's own, and not a user's. */
  readonly isClients: boolean
}

/** Renewed when a tenth of its life is left, at most so early. Source: `OAuth2Util.AuthSession` */
const MAX_EARLY_MS = 5 * 60_000
/** What a token server says of requests that it does not like is not about tables. */
const REFUSALS = ['INVALID', 'NOT_FOUND', 'ALREADY_EXISTS', 'CONFLICT'] as const
/** A token that could not be renewed yet is tried to be again after half of what is left, at most so late. */
const MAX_PAUSE_MS = 60_000

/**
 * Fetches tokens, and new ones before they expire or when one is refused. Requests that need a token at the same time share one
 * fetch, and a token is never seen half replaced. While the old one lives, failing to renew it fails no request. Tokens are asked for
 * over https only, but on this machine. Source: `OAuth2Util.AuthSession`
 */
export class OAuth2Session implements AuthSession {
  readonly #options: OAuth2Options
  readonly #http: RestHttp
  readonly #runtime: Runtime
  #token: Token | undefined
  #pending: Promise<Token> | undefined
  readonly #seen = new Set<string>()

  constructor(options: OAuth2Options, http: RestHttp, runtime: Runtime) {
    this.#options = options
    this.#http = http
    this.#runtime = runtime
    const { clientSecret, token, subject } = options
    if (clientSecret === undefined && token === undefined && subject === undefined) {
      throw new FloeError('INVALID', 'OAuth 2 needs a clientSecret, a token, or a subject whose token is exchanged')
    }
    const url = this.#tokenUrl()
    if (url.username !== '' || url.password !== '') {
      throw new FloeError('INVALID', 'The tokenUri must not hold a user name or password: pass them as clientId and clientSecret')
    }
    if (url.protocol !== 'https:' && !isLoopback(url)) {
      throw new FloeError('INVALID', `Credentials are not sent to ${url.origin} without encryption: use an https address`)
    }
    if (token !== undefined) this.#token = this.#issued({ accessToken: token, type: tokenTypes.access_token, isClients: false })
  }

  async authorize(request: OutgoingRequest): Promise<Readonly<Record<string, string>>> {
    const { accessToken } = await this.#current()
    return { ...request.headers, authorization: bearer(accessToken) }
  }

  async refresh(refused: Readonly<Record<string, string>>): Promise<boolean> {
    const known = this.#token
    // Another request has renewed it meanwhile.
    if (known !== undefined && refused['authorization'] !== bearer(known.accessToken)) return true
    const { clientSecret, subject } = this.#options
    if (clientSecret === undefined && subject === undefined) return false
    await this.#renewed(true)
    return true
  }

  secrets(): readonly string[] {
    const { clientSecret } = this.#options
    return clientSecret === undefined ? [...this.#seen] : [clientSecret, basicValue(this.#options), ...this.#seen]
  }

  /**
   * The session of a table whose configuration names a token: as it is, for as long as it is taken, or to be exchanged on behalf of this
   * session. What comes of it is never a token of the client's own.
   */
  forTable({ token, type }: { readonly token: string; readonly type: keyof typeof tokenTypes | undefined }): OAuth2Session {
    const { token: _, subject: __, actor: ___, ...shared } = this.#options
    const acting = async (): Promise<string> => (await this.#current()).accessToken
    const exchanged = { ...shared, subject: { token, type }, actor: { token: acting, type: 'access_token' as const } }
    const asIs = shared.tokenExchange === true ? { ...shared, token } : { token, tokenUri: shared.tokenUri, tokenExchange: false }
    return new OAuth2Session(type === undefined ? asIs : exchanged, this.#http, this.#runtime)
  }

  async #current(): Promise<Token> {
    const known = this.#token
    const isDue = known?.renewAtMs !== undefined && this.#runtime.now() >= known.renewAtMs
    return known === undefined || (isDue && this.#canRenew()) ? this.#renewed(false) : known
  }

  /** One renewal for all who wait for it. */
  #renewed(isRefused: boolean): Promise<Token> {
    this.#pending ??= this.#renew(isRefused)
      .then((token) => (this.#token = token))
      .finally(() => {
        this.#pending = undefined
      })
    return this.#pending
  }

  #canRenew(): boolean {
    const { clientSecret, subject } = this.#options
    return clientSecret !== undefined || subject !== undefined || this.#exchanges()
  }

  #exchanges(): boolean {
    return this.#options.tokenExchange ?? this.#options.clientSecret === undefined
  }

  async #renew(isRefused: boolean): Promise<Token> {
    const old = this.#token
    const isDead = isRefused || (old?.expiresAtMs !== undefined && old.expiresAtMs <= this.#runtime.now())
    try {
      if (old !== undefined && !isDead && this.#exchanges()) return await this.#exchange(old, bearer(old.accessToken))
    } catch (error) {
      if (!isFloeError(error)) throw error
      // What a token server refuses to exchange, it may issue anew.
    }
    try {
      return await this.#begin(old)
    } catch (error) {
      if (old === undefined || isDead || !isFloeError(error)) throw error
      return this.#later(old)
    }
  }

  /** A token from what the session was opened with. */
  async #begin(old: Token | undefined): Promise<Token> {
    const { subject, clientSecret } = this.#options
    const authorization = clientSecret === undefined ? undefined : `Basic ${basicValue(this.#options)}`
    if (subject !== undefined) return this.#exchangeText(await this.#tokenOf(subject), subject.type ?? 'access_token', authorization)
    if (clientSecret !== undefined && (old === undefined || old.isClients || !this.#exchanges())) return this.#grant(clientSecret)
    if (old !== undefined) return this.#exchange(old, authorization ?? bearer(old.accessToken))
    throw new FloeError('UNAUTHORIZED', 'The token can be had from nowhere: give a clientSecret, or a subject')
  }

  async #grant(clientSecret: string): Promise<Token> {
    const form = grantForm({ ...this.#options, clientSecret })
    return { ...(await this.#ask(form, undefined)), isClients: true }
  }

  async #exchange(old: Token, authorization: string): Promise<Token> {
    const form = exchangeForm(this.#options, { token: old.accessToken, type: old.type }, undefined)
    return { ...(await this.#ask(form, authorization)), isClients: old.isClients }
  }

  async #exchangeText(token: string, type: keyof typeof tokenTypes, authorization: string | undefined): Promise<Token> {
    const { actor } = this.#options
    const acting = actor === undefined ? undefined : { token: await this.#tokenOf(actor), type: tokenTypes[actor.type ?? 'access_token'] }
    const form = exchangeForm(this.#options, { token, type: tokenTypes[type] }, acting)
    // Without credentials of its own, the client is known by the token of who acts.
    const proof = authorization ?? (acting === undefined ? undefined : bearer(acting.token))
    return { ...(await this.#ask(form, proof)), isClients: false }
  }

  async #tokenOf({ token }: OAuth2Token): Promise<string> {
    const text = typeof token === 'string' ? token : await token()
    this.#seen.add(text)
    return text
  }

  async #ask(form: URLSearchParams, authorization: string | undefined): Promise<Omit<Token, 'isClients'>> {
    const path = this.#tokenUrl().href
    const headers = authorization === undefined ? undefined : { authorization }
    const subject = 'an access token'
    const request = { method: 'POST', path, body: form, headers, repeatable: true, subject } as const
    const { body } = await this.#http.send(request, anonymousSession).catch((error: unknown) => {
      throw isFloeError(error, ...REFUSALS) ? tokenRefused(error) : error
    })
    const answer = body ?? JsonObject.parse('{}', { source: subject })
    const type = answer.optionalString('issued_token_type') ?? tokenTypes.access_token
    const seconds = answer.optionalSafeInteger('expires_in')
    return this.#issued({ accessToken: answer.requireString('access_token'), type, isClients: false }, seconds)
  }

  #issued(token: Pick<Token, 'accessToken' | 'type' | 'isClients'>, seconds?: number): Token {
    this.#seen.add(token.accessToken)
    const now = this.#runtime.now()
    const expiresAtMs = expiryOfJwt(token.accessToken) ?? (seconds === undefined ? undefined : now + seconds * 1000)
    if (expiresAtMs === undefined) return { ...token, expiresAtMs, renewAtMs: undefined }
    const lifeMs = Math.max(0, expiresAtMs - now)
    return { ...token, expiresAtMs, renewAtMs: expiresAtMs - Math.min(lifeMs / 10, MAX_EARLY_MS) }
  }

  /** `token`, which lives on, and is tried to be renewed again after a pause. */
  #later(token: Token): Token {
    const now = this.#runtime.now()
    const leftMs = token.expiresAtMs === undefined ? MAX_PAUSE_MS : token.expiresAtMs - now
    return { ...token, renewAtMs: now + Math.min(leftMs / 2, MAX_PAUSE_MS) }
  }

  #tokenUrl(): URL {
    const { tokenUri } = this.#options
    const base = this.#http.base.href.replace(/\/$/, '')
    if (tokenUri === undefined) return new URL(`${base}/v1/oauth/tokens`)
    if (/^https?:/.test(tokenUri) && URL.canParse(tokenUri)) return new URL(tokenUri)
    return new URL(`${base}/${tokenUri.replace(/^\//, '')}`)
  }
}

function tokenRefused({ message, cause }: FloeError): FloeError {
  return new FloeError('UNAUTHORIZED', `${message}; check the tokenUri and the credentials`, { cause })
}

function bearer(token: string): string {
  return `Bearer ${token}`
}

function basicValue({ clientId, clientSecret }: OAuth2Options): string {
  return Buffer.from(`${clientId === undefined ? '' : `${clientId}:`}${clientSecret ?? ''}`, 'utf8').toString('base64')
}

/** The `exp` claim, in milliseconds; `undefined` for tokens that are opaque. */
function expiryOfJwt(token: string): number | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    const seconds = JsonObject.parse(Buffer.from(parts[1]!, 'base64url').toString('utf8')).optionalSafeInteger('exp')
    return seconds === undefined ? undefined : seconds * 1000
  } catch {
    return undefined
  }
}
