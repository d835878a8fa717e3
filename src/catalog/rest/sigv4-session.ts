import { createHash, createHmac } from 'node:crypto'
import type { S3Credentials } from '../../io/s3-options.js'
import type { Runtime } from '../../util/runtime.js'
import { compareUtf8 } from '../../util/utf8.js'
import type { AuthSession, OutgoingRequest } from './auth-session.js'

/** AWS Signature Version 4: Glue (`glue`), S3 Tables (`s3tables`), API Gateway (`execute-api`). */
export interface SigV4Options {
  readonly region: string
  /** The name that the endpoint's requests are signed for: `glue`, `s3tables`, `execute-api`. */
  readonly service: string
  readonly credentials: S3Credentials | (() => Promise<S3Credentials>)
}

/** Credentials that a provider gave are asked for again when they have less than this left. */
const MARGIN_MS = 60_000
const ALGORITHM = 'AWS4-HMAC-SHA256'
/** Headers that proxies change are not signed. */
const UNSIGNED = new Set(['user-agent', 'connection', 'expect', 'x-amzn-trace-id', 'authorization'])

/** Signs every request. Source: the AWS documentation of Signature Version 4 */
export class SigV4Session implements AuthSession {
  readonly #options: SigV4Options
  readonly #runtime: Runtime
  readonly #seen = new Set<string>()
  #credentials: S3Credentials | undefined
  #pending: Promise<S3Credentials> | undefined
  /** AWS says 403 of expired credentials too. */
  readonly refusals: ReadonlySet<number> = new Set([401, 403, 419])

  constructor(options: SigV4Options, runtime: Runtime) {
    this.#options = options
    this.#runtime = runtime
  }

  async authorize(request: OutgoingRequest): Promise<Readonly<Record<string, string>>> {
    const credentials = await this.#current()
    return signRequest(request, { ...this.#options, credentials, nowMs: this.#runtime.now() })
  }

  async refresh(refused: Readonly<Record<string, string>>): Promise<boolean> {
    if (typeof this.#options.credentials !== 'function') return false
    const isRefused = ({ accessKeyId }: S3Credentials): boolean => refused['authorization']?.includes(`Credential=${accessKeyId}/`) === true
    // Another request has renewed them meanwhile.
    if (this.#credentials !== undefined && isRefused(this.#credentials)) this.#credentials = undefined
    return !isRefused(await this.#current())
  }

  secrets(): readonly string[] {
    return [...this.#seen]
  }

  async #current(): Promise<S3Credentials> {
    const { credentials } = this.#options
    const known = this.#credentials
    const isOld = known?.expiration !== undefined && known.expiration.getTime() - MARGIN_MS < this.#runtime.now()
    if (known !== undefined && !isOld) return known
    if (typeof credentials !== 'function') return this.#use(credentials)
    // Requests that need them at the same time ask once.
    this.#pending ??= credentials()
      .then((fresh) => this.#use(fresh))
      .finally(() => {
        this.#pending = undefined
      })
    return this.#pending
  }

  #use(fresh: S3Credentials): S3Credentials {
    this.#credentials = fresh
    for (const secret of [fresh.accessKeyId, fresh.secretAccessKey, fresh.sessionToken]) if (secret !== undefined) this.#seen.add(secret)
    return fresh
  }
}

export interface SigningContext {
  readonly region: string
  readonly service: string
  readonly credentials: S3Credentials
  readonly nowMs: number
}

/** The request's headers, signed. */
export function signRequest(request: OutgoingRequest, context: SigningContext): Readonly<Record<string, string>> {
  const { credentials, nowMs } = context
  const payloadHash = sha256(request.body)
  const headers = new Map(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value.trim().replaceAll(/ +/g, ' ')]))
  headers.set('host', request.url.host).set('x-amz-date', timeText(nowMs)).set('x-amz-content-sha256', payloadHash)
  if (credentials.sessionToken !== undefined) headers.set('x-amz-security-token', credentials.sessionToken)
  const authorization = authorizationOf({ method: request.method, url: request.url, headers, payloadHash }, context)
  // `host` is the platform's to send.
  headers.delete('host')
  headers.set('authorization', authorization)
  return Object.fromEntries(headers)
}

export interface SignedParts {
  readonly method: string
  readonly url: URL
  /** Names in lower case, values as they are signed. */
  readonly headers: ReadonlyMap<string, string>
  /** SHA-256 of the body, in hex. */
  readonly payloadHash: string
}

/** The value of the `Authorization` header for exactly these parts. */
export function authorizationOf({ method, url, headers, payloadHash }: SignedParts, context: SigningContext): string {
  const { region, service, credentials } = context
  const time = timeText(context.nowMs)
  const day = time.slice(0, 8)
  const signed = [...headers.keys()].filter((name) => !UNSIGNED.has(name)).sort()
  const lines = signed.map((name) => `${name}:${headers.get(name)!}`)
  const canonical = [method, canonicalPath(url), canonicalQuery(url), ...lines, '', signed.join(';'), payloadHash].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const text = [ALGORITHM, time, scope, sha256(canonical)].join('\n')
  const key = [day, region, service, 'aws4_request'].reduce<Buffer>((secret, part) => hmac(secret, part), Buffer.from(`AWS4${credentials.secretAccessKey}`))
  const signature = hmac(key, text).toString('hex')
  return `${ALGORITHM} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signed.join(';')}, Signature=${signature}`
}

function timeText(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}

/** Each segment is escaped once more than it is sent, as all services but S3 want it. */
function canonicalPath(url: URL): string {
  return url.pathname.split('/').map(escapeUri).join('/')
}

function canonicalQuery(url: URL): string {
  const pairs = [...url.searchParams].map(([name, value]) => [escapeUri(name), escapeUri(value)] as const)
  const byNameThenValue = (a: readonly [string, string], b: readonly [string, string]): number =>
    a[0] === b[0] ? compareUtf8(a[1], b[1]) : compareUtf8(a[0], b[0])
  return pairs
    .sort(byNameThenValue)
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

function escapeUri(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest()
}
