/**
 * An S3 store in this process, for tests: path-style requests over HTTP, conditions enforced atomically, and faults on
 * demand. Signatures are accepted unread.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { decodeAwsChunked } from './aws-chunked.js'
import { deletedKeys, elementTexts, errorXml, escapeXml, listingXml, versionsXml } from './s3-xml.js'

export type S3Operation =
  | 'get'
  | 'head'
  | 'put'
  | 'delete'
  | 'list'
  | 'delete-objects'
  | 'create-upload'
  | 'upload-part'
  | 'complete-upload'
  | 'abort-upload'
  | 'list-versions'
  | 'get-lock'

export interface S3Call {
  readonly operation: S3Operation
  readonly bucket: string
  readonly key: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export type S3FaultKind =
  /** 503 SlowDown, no effect. */
  | 'slow-down'
  /** 500 InternalError, no effect. */
  | 'internal-error'
  /** 409 ConditionalRequestConflict, no effect. */
  | 'conflict'
  /** 403 AccessDenied, no effect. */
  | 'forbidden'
  /** The connection breaks, no effect. */
  | 'drop-before'
  /** The effect happens, the connection breaks before the answer. */
  | 'drop-after'
  /** The effect happens, the answer is a 503 of a proxy. */
  | 'error-after'
  /** The effect happens, then the request is played again, and the second answer is the one that arrives. */
  | 'duplicate'
  /** The effect happens `delayMs` after the connection has broken. */
  | 'late-effect'
  /** Half of the body, then the connection breaks. */
  | 'truncate'
  /** 200 with everything where a range was asked for. */
  | 'ignore-range'
  /** The range that was asked for, and its place, under status 200. */
  | 'range-in-200'
  /** A range that is shorter than asked. */
  | 'short-range'
  /** 200 with an error document, no effect. */
  | 'error-in-200'
  /** No answer, for `delayMs`; then the connection breaks. */
  | 'stall'

export interface S3Fault {
  readonly kind: S3FaultKind
  readonly when: (call: S3Call) => boolean
  /** How many calls it strikes. Default 1. */
  times?: number
  readonly delayMs?: number
}

interface FaultOptions {
  readonly times?: number
  /** Strikes only keys that match. */
  readonly key?: RegExp
  readonly delayMs?: number
}

interface StoredObject {
  readonly bytes: Buffer
  readonly etag: string
  readonly modified: Date
}

/** One content that an object had, or the mark that it was deleted. */
interface StoredVersion {
  readonly id: string
  readonly object: StoredObject | undefined
  readonly modified: Date
  /** Cannot be deleted before. */
  lockedUntil?: Date
}

interface Upload {
  readonly target: string
  readonly parts: Map<number, { readonly bytes: Buffer; readonly etag: string }>
}

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
}

/**
 * How a store keeps its conditions by half: `racy` does not see an object that nobody has read yet, `ignores-match` keeps
 * If-None-Match only, `ignores-multipart` single writes only; `stale-reads` does not find a new object at the first look, and
 * `remembers-deleted` refuses to create what was deleted. `checks-early` looks whether an object exists before it takes in its
 * content, as versitygw did up to 1.7.0, and `keeps-deleted` says that it deleted an object which is still listed once more, as
 * `rclone serve s3` does; that one also deletes some objects never, unless they are written once more: `forgets-deletes`.
 */
export type S3Weakness =
  | 'racy'
  | 'ignores-match'
  | 'ignores-multipart'
  | 'stale-reads'
  | 'remembers-deleted'
  | 'checks-early'
  | 'keeps-deleted'
  | 'forgets-deletes'

export interface S3ServerOptions {
  /** Keys per page of a listing. Default 1000. */
  readonly pageSize?: number
  /** Do as the stores that take no notice of If-Match and If-None-Match. */
  readonly ignoreConditions?: boolean
  /** Keep what was overwritten or deleted. */
  readonly versioned?: boolean
}

export class S3Server {
  /** Every call, in the order of arrival. */
  readonly calls: S3Call[] = []
  readonly faults: S3Fault[] = []
  ignoreConditions: boolean
  weakness: S3Weakness | undefined
  readonly #deleted = new Set<string>()
  /** Written after they were deleted. */
  readonly #rewritten = new Set<string>()
  /** Objects that were read, or looked for and found. */
  readonly #looked = new Set<string>()
  pageSize: number
  readonly #objects = new Map<string, StoredObject>()
  readonly #uploads = new Map<string, Upload>()
  readonly #versions = new Map<string, StoredVersion[]>()
  readonly #isVersioned: boolean
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  /** Grows with each reset: what an earlier test left under way has no effect on a later one. */
  #era = 0

  private constructor(options: S3ServerOptions) {
    this.pageSize = options.pageSize ?? 1000
    this.ignoreConditions = options.ignoreConditions ?? false
    this.#isVersioned = options.versioned ?? false
    this.#server = createServer((request, response) => void this.#serve(request, response))
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  static async start(options: S3ServerOptions = {}): Promise<S3Server> {
    const server = new S3Server(options)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Uploads begun and neither completed nor aborted. */
  get openUploads(): number {
    return this.#uploads.size
  }

  /** Adds a fault for the calls of one operation. */
  fail(kind: S3FaultKind, operation: S3Operation, options: FaultOptions = {}): void {
    const when = (call: S3Call): boolean => call.operation === operation && (options.key?.test(call.key) ?? true)
    this.faults.push({ kind, when, times: options.times ?? 1, delayMs: options.delayMs ?? 50 })
  }

  /** Forgets objects, uploads, faults and calls. */
  reset(): void {
    for (const state of [this.#objects, this.#uploads, this.#versions]) state.clear()
    this.faults.length = 0
    this.calls.length = 0
    this.ignoreConditions = false
    this.weakness = undefined
    this.#deleted.clear()
    this.#rewritten.clear()
    this.#looked.clear()
    this.#era++
  }

  /** `bucket/key` of every object, in byte order. */
  keys(): string[] {
    return [...this.#objects.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  }

  /** The content of every version that is kept, as `bucket/key`. */
  *versions(): Generator<readonly [target: string, bytes: Buffer]> {
    for (const [target, versions] of this.#versions) {
      for (const { object } of versions) if (object !== undefined) yield [target, object.bytes]
    }
  }

  /** Locks every version of the objects that match. */
  lock(key: RegExp, until: Date): void {
    for (const [target, versions] of this.#versions) if (key.test(target)) for (const version of versions) version.lockedUntil = until
  }

  /** Stores an object without a request. */
  put(target: string, bytes: Uint8Array): void {
    this.#objects.set(target, { bytes: Buffer.from(bytes), etag: `"${md5(Buffer.from(bytes))}"`, modified: new Date() })
  }

  bytesOf(target: string): Buffer | undefined {
    return this.#objects.get(target)?.bytes
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const early = decodeURIComponent((request.url ?? '/').split('?')[0]!.slice(1))
      if (this.weakness === 'checks-early' && this.#objects.has(early)) request.headers['x-was-there'] = 'yes'
      const body = await readBody(request)
      const url = new URL(request.url ?? '/', 'http://s3')
      const rawPath = (request.url ?? '/').split('?')[0]!
      const [bucket = '', ...rest] = rawPath.slice(1).split('/')
      const call = { operation: operationOf(request.method ?? '', url), bucket, key: decodeURIComponent(rest.join('/')), headers: request.headers }
      this.calls.push(call)
      const fault = this.#takeFault(call)
      const answer = await this.#answer(call, url, body, fault)
      if (answer === 'drop') request.socket.destroy()
      else await send(response, answer, fault?.kind === 'truncate', call.operation === 'head')
    } catch {
      request.socket.destroy()
    }
  }

  #takeFault(call: S3Call): S3Fault | undefined {
    const fault = this.faults.find((candidate) => (candidate.times ?? 1) > 0 && candidate.when(call))
    if (fault !== undefined) fault.times = (fault.times ?? 1) - 1
    return fault
  }

  async #answer(call: S3Call, url: URL, body: Buffer, fault: S3Fault | undefined): Promise<Answer | 'drop'> {
    const effect = (): Answer => this.#effect(call, url, body, fault)
    switch (fault?.kind) {
      case 'slow-down':
        return error(503, 'SlowDown')
      case 'internal-error':
        return error(500, 'InternalError')
      case 'conflict':
        return error(409, 'ConditionalRequestConflict')
      case 'forbidden':
        return error(403, 'AccessDenied')
      case 'error-in-200':
        return { ...error(200, 'InternalError'), status: 200 }
      case 'drop-before':
        return 'drop'
      case 'drop-after':
        effect()
        return 'drop'
      case 'error-after':
        effect()
        return { status: 503, body: '<html>Service Unavailable</html>', headers: { 'content-type': 'text/html' } }
      case 'duplicate':
        effect()
        return effect()
      case 'late-effect': {
        const era = this.#era
        setTimeout(() => (era === this.#era ? effect() : undefined), fault.delayMs ?? 50)
        return 'drop'
      }
      case 'stall':
        await new Promise((resolve) => setTimeout(resolve, fault.delayMs ?? 50))
        return 'drop'
      default:
        return effect()
    }
  }

  /** One step: nothing here waits, so no other request comes between the check of a condition and its effect. */
  #effect(call: S3Call, url: URL, body: Buffer, fault: S3Fault | undefined): Answer {
    const target = `${call.bucket}/${call.key}`
    const versionId = url.searchParams.get('versionId') ?? undefined
    switch (call.operation) {
      case 'list-versions':
        return this.#listVersions(call.bucket, url.searchParams)
      case 'get-lock':
        return this.#lockOf(target, versionId, url.searchParams.has('legal-hold'))
      case 'get':
      case 'head':
        return versionId === undefined ? this.#read(call, target, fault) : this.#readVersion(target, versionId)
      case 'put':
        return this.#put(call, target, body, `"${md5(body)}"`)
      case 'delete':
        return versionId === undefined ? this.#delete(target) : this.#deleteVersion(target, versionId)
      case 'delete-objects':
        for (const key of deletedKeys(body.toString())) {
          this.#delete(`${call.bucket}/${key}`)
        }
        return xml('<DeleteResult></DeleteResult>')
      case 'list':
        return this.#list(call.bucket, url.searchParams)
      case 'create-upload': {
        const id = randomUUID()
        this.#uploads.set(id, { target, parts: new Map() })
        return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
      }
      default:
        return this.#upload(call, target, url, body)
    }
  }

  #upload(call: S3Call, target: string, url: URL, body: Buffer): Answer {
    const id = url.searchParams.get('uploadId') ?? ''
    const upload = this.#uploads.get(id)
    if (upload?.target !== target) return error(404, 'NoSuchUpload')
    if (call.operation === 'abort-upload') {
      this.#uploads.delete(id)
      return { status: 204 }
    }
    if (call.operation === 'upload-part') {
      const etag = `"${md5(body)}"`
      upload.parts.set(Number(url.searchParams.get('partNumber')), { bytes: body, etag })
      return { status: 200, headers: { etag } }
    }
    const numbers = elementTexts(body.toString(), 'PartNumber').map(Number)
    const parts = numbers.map((number) => upload.parts.get(number))
    if (parts.length === 0 || parts.includes(undefined)) return error(400, 'InvalidPart')
    const digests = parts.map((part) => Buffer.from(part!.etag.slice(1, -1), 'hex'))
    const bytes = Buffer.concat(parts.map((part) => part!.bytes))
    const etag = `"${md5(Buffer.concat(digests))}-${parts.length}"`
    const put = this.#put(call, target, bytes, etag)
    if (put.status !== 200) return put
    this.#uploads.delete(id)
    return xml(`<CompleteMultipartUploadResult><Key>${escapeXml(call.key)}</Key><ETag>${escapeXml(etag)}</ETag></CompleteMultipartUploadResult>`)
  }

  #put(call: S3Call, target: string, bytes: Buffer, etag: string): Answer {
    const stored = this.#objects.get(target)
    const isUnseen =
      (this.weakness === 'racy' && !this.#looked.has(target)) || (this.weakness === 'checks-early' && call.headers['x-was-there'] === undefined)
    const current = isUnseen ? undefined : stored
    if (this.weakness === 'remembers-deleted' && this.#deleted.has(target)) return error(412, 'PreconditionFailed')
    if (!this.ignoreConditions && !(this.weakness === 'ignores-multipart' && call.operation === 'complete-upload')) {
      const match = this.weakness === 'ignores-match' ? undefined : call.headers['if-match']
      if (call.headers['if-none-match'] === '*' && current !== undefined) return error(412, 'PreconditionFailed')
      if (match !== undefined && current === undefined) return error(404, 'NoSuchKey')
      if (match !== undefined && current?.etag !== match) return error(412, 'PreconditionFailed')
    }
    if (this.#deleted.has(target)) this.#rewritten.add(target)
    this.#objects.set(target, { bytes, etag, modified: new Date() })
    this.#keepVersion(target)
    return { status: 200, headers: { etag } }
  }

  #delete(target: string): Answer {
    if (this.weakness === 'keeps-deleted' && this.#objects.has(target) && !this.#deleted.has(target)) {
      this.#deleted.add(target)
      return { status: 204 }
    }
    if (this.weakness === 'forgets-deletes' && this.#objects.has(target) && !this.#rewritten.has(target)) {
      this.#deleted.add(target)
      return { status: 204 }
    }
    const wasThere = this.#objects.delete(target)
    this.#deleted.add(target)
    if (wasThere) this.#keepVersion(target)
    return { status: 204 }
  }

  #keepVersion(target: string): void {
    if (!this.#isVersioned) return
    const versions = this.#versions.get(target) ?? []
    this.#versions.set(target, versions)
    versions.push({ id: randomUUID(), object: this.#objects.get(target), modified: new Date() })
  }

  #deleteVersion(target: string, id: string): Answer {
    const versions = this.#versions.get(target) ?? []
    const at = versions.findIndex((version) => version.id === id)
    if (at < 0) return { status: 204 }
    if ((versions[at]!.lockedUntil?.getTime() ?? 0) > Date.now()) return error(403, 'AccessDenied')
    versions.splice(at, 1)
    const last = versions.at(-1)?.object
    if (last === undefined) this.#objects.delete(target)
    else this.#objects.set(target, last)
    return { status: 204 }
  }

  #readVersion(target: string, id: string): Answer {
    const object = this.#versions.get(target)?.find((version) => version.id === id)?.object
    return object === undefined ? error(404, 'NoSuchVersion') : { status: 200, headers: { etag: object.etag }, body: object.bytes }
  }

  #lockOf(target: string, id: string | undefined, isHold: boolean): Answer {
    const version = this.#versions.get(target)?.find((candidate) => candidate.id === id)
    if (isHold || version?.lockedUntil === undefined) return error(404, 'NoSuchObjectLockConfiguration')
    return xml(`<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>${version.lockedUntil.toISOString()}</RetainUntilDate></Retention>`)
  }

  #listVersions(bucket: string, query: URLSearchParams): Answer {
    const prefix = `${bucket}/${query.get('prefix') ?? ''}`
    const all: (readonly [string, StoredVersion, boolean])[] = []
    for (const target of [...this.#versions.keys()].sort()) {
      const versions = this.#versions.get(target)!
      if (!target.startsWith(prefix)) continue
      const key = target.slice(bucket.length + 1)
      versions.forEach((version, i) => all.push([key, version, i === versions.length - 1]))
    }
    const marker = query.get('version-id-marker')
    const start = marker === null ? 0 : all.findIndex(([, { id }]) => id === marker) + 1
    const page = all.slice(start, start + this.pageSize)
    return xml(versionsXml(page, start + page.length < all.length, query.get('encoding-type') === 'url'))
  }

  #read(call: S3Call, target: string, fault: S3Fault | undefined): Answer {
    const object = this.#objects.get(target)
    const isNew = object !== undefined && !this.#looked.has(target)
    if (isNew) this.#looked.add(target)
    if (object === undefined || (this.weakness === 'stale-reads' && isNew)) return error(404, 'NoSuchKey')
    const headers = { etag: object.etag, 'last-modified': object.modified.toUTCString(), 'accept-ranges': 'bytes' }
    const range = fault?.kind === 'ignore-range' ? undefined : call.headers['range']
    if (typeof range !== 'string') return { status: 200, headers, body: object.bytes }
    const match = /^bytes=(\d*)-(\d*)$/.exec(range)
    const size = object.bytes.length
    const start = match?.[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match?.[1])
    let end = match?.[1] === '' || match?.[2] === '' ? size : Math.min(size, Number(match?.[2]) + 1)
    if (match === null || start >= size || end <= start) return error(416, 'InvalidRange')
    if (fault?.kind === 'short-range') end = Math.max(start + 1, end - 1)
    const status = fault?.kind === 'range-in-200' ? 200 : 206
    return { status, headers: { ...headers, 'content-range': `bytes ${start}-${end - 1}/${size}` }, body: object.bytes.subarray(start, end) }
  }

  #list(bucket: string, query: URLSearchParams): Answer {
    const prefix = query.get('prefix') ?? ''
    const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
    const delimiter = query.get('delimiter') ?? ''
    const entries = new Map<string, StoredObject | undefined>()
    for (const target of this.keys()) {
      const key = target.slice(bucket.length + 1)
      if (!target.startsWith(`${bucket}/`) || !key.startsWith(prefix)) continue
      const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
      if (cut === -1) entries.set(key, this.#objects.get(target))
      else entries.set(key.slice(0, cut + 1), undefined)
    }
    const left = [...entries].filter(([key]) => after === '' || Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0)
    const page = left.slice(0, this.pageSize)
    return xml(listingXml(page, left.length > page.length, query.get('encoding-type') === 'url'))
  }
}

function operationOf(method: string, url: URL): S3Operation {
  const query = url.searchParams
  const upload = query.has('uploadId')
  if (method === 'GET' && query.has('versions')) return 'list-versions'
  if (method === 'GET' && (query.has('retention') || query.has('legal-hold'))) return 'get-lock'
  if (method === 'GET') return query.has('list-type') ? 'list' : 'get'
  if (method === 'HEAD') return 'head'
  if (method === 'PUT') return upload ? 'upload-part' : 'put'
  if (method === 'DELETE') return upload ? 'abort-upload' : 'delete'
  if (query.has('delete')) return 'delete-objects'
  return query.has('uploads') ? 'create-upload' : 'complete-upload'
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const encoded = String(request.headers['content-encoding'] ?? '').includes('aws-chunked')
  return encoded || String(request.headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-') ? decodeAwsChunked(body) : body
}

async function send(response: ServerResponse, answer: Answer, truncated: boolean, isHead: boolean): Promise<void> {
  const body = Buffer.from(answer.body ?? '')
  const requestId = { 'x-amz-request-id': randomUUID() }
  response.writeHead(answer.status, { ...requestId, ...answer.headers, ...(answer.status === 204 ? {} : { 'content-length': String(body.length) }) })
  if (!truncated) {
    response.end(isHead ? undefined : body)
    return
  }
  await new Promise((resolve) => response.write(body.subarray(0, body.length >> 1), resolve))
  response.destroy()
}

function xml(body: string): Answer {
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: `<?xml version="1.0" encoding="UTF-8"?>${body}` }
}

function error(status: number, code: string): Answer {
  return { ...xml(errorXml(code)), status }
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex')
}
