import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { classifyS3Failure } from '../../src/io/s3-error.js'
import { S3FileIO } from '../../src/io/s3-file-io.js'
import { uploadStream } from '../../src/io/s3-multipart.js'
import type { S3FileIOOptions } from '../../src/io/s3-options.js'
import { S3Store } from '../../src/io/s3-store.js'
import { FloeError } from '../../src/util/errors.js'
import { systemRuntime } from '../../src/util/runtime.js'
import { describeFileIO } from '../conformance/file-io.js'
import { S3Server } from '../support/s3-server.js'

const SECRETS = ['AKIDCANARY0000000001', 'canary-secret-access-key', 'canary-session-token']
let server: S3Server
const opened: S3FileIO[] = []
const sleeps: number[] = []

/** Waits are recorded, not waited. */
const runtime = {
  ...systemRuntime,
  sleep: (ms: number): Promise<void> => {
    sleeps.push(ms)
    return Promise.resolve()
  },
}

function open(options: S3FileIOOptions = {}): S3FileIO {
  const [accessKeyId, secretAccessKey, sessionToken] = SECRETS as [string, string, string]
  const io = new S3FileIO({ endpoint: server.endpoint, credentials: { accessKeyId, secretAccessKey, sessionToken }, runtime, ...options })
  opened.push(io)
  return io
}

beforeAll(async () => {
  server = await S3Server.start()
})
beforeEach(() => {
  server.reset()
  sleeps.length = 0
})
afterAll(async () => {
  await Promise.all(opened.map((io) => io.close()))
  await server.close()
})

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const at = 's3://bucket/dir/object'

async function failure(promise: Promise<unknown>): Promise<FloeError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof FloeError) return error
    throw error
  }
  throw new Error('did not fail')
}

async function* pieces(total: number, size: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < total; sent += size) {
    await Promise.resolve()
    yield new Uint8Array(Math.min(size, total - sent)).map((_, i) => (sent + i) % 253)
  }
}

let roots = 0
describeFileIO('S3FileIO', () => ({ io: open(), root: `s3://bucket/r${roots++}` }))
describeFileIO('S3FileIO under its alias, with small pages, parts and checksums', () => {
  server.pageSize = 3
  return { io: open({ partSizeBytes: 2, parallelParts: 2, checksums: 'when-supported' }), root: `s3a://bucket/r${roots++}` }
})

describe('writes under a condition', () => {
  it('a refused creation is sent once', async () => {
    const io = open()
    await io.write(at, bytes('a'))
    server.calls.length = 0
    expect((await failure(io.write(at, bytes('b'), { ifNoneMatch: '*' }))).code).toBe('ALREADY_EXISTS')
    expect(server.calls.map((call) => call.operation)).toEqual(['put'])
  })

  for (const [kind, effect] of [
    ['drop-after', true],
    ['drop-before', false],
    ['late-effect', false],
    ['internal-error', false],
  ] as const) {
    it(`trap 75: ${kind} on a creation is COMMIT_STATE_UNKNOWN, and nothing is sent again`, async () => {
      const io = open()
      server.fail(kind, 'put', { delayMs: 1 })
      expect((await failure(io.write(at, bytes('a'), { ifNoneMatch: '*' }))).code).toBe('COMMIT_STATE_UNKNOWN')
      expect(server.calls.filter((call) => call.operation === 'put')).toHaveLength(1)
      if (kind !== 'late-effect') expect(server.keys()).toHaveLength(effect ? 1 : 0)
    })
  }

  it('a timeout on a creation is COMMIT_STATE_UNKNOWN', async () => {
    server.fail('stall', 'put', { delayMs: 400 })
    const error = await failure(open({ requestTimeoutMs: 100 }).write(at, bytes('a'), { ifNoneMatch: '*' }))
    expect(error.code).toBe('COMMIT_STATE_UNKNOWN')
  })

  it('an abort while the request is under way is COMMIT_STATE_UNKNOWN', async () => {
    server.fail('stall', 'put', { delayMs: 300 })
    const controller = new AbortController()
    const io = open()
    await io.head(at)
    const write = io.write(at, bytes('a'), { ifNoneMatch: '*', signal: controller.signal })
    setTimeout(() => controller.abort(), 30)
    expect((await failure(write)).code).toBe('COMMIT_STATE_UNKNOWN')
  })

  it('503 backs off with jitter under the same condition, and the write is made once', async () => {
    const io = open()
    server.fail('slow-down', 'put', { times: 4 })
    await io.write(at, bytes('a'), { ifNoneMatch: '*' })
    expect(sleeps).toHaveLength(4)
    expect(new Set(sleeps).size).toBeGreaterThan(1)
    sleeps.forEach((ms, i) => expect(ms).toBeLessThanOrEqual(50 * 2 ** (i + 1)))
  })

  it('a 503 that hid its effect ends as unknown, for the object in the way may be our own', async () => {
    const io = open()
    server.fail('error-after', 'put')
    expect((await failure(io.write(at, bytes('a'), { ifNoneMatch: '*' }))).code).toBe('COMMIT_STATE_UNKNOWN')
    expect(server.keys()).toEqual(['bucket/dir/object'])
  })

  it('an endless 503 ends', async () => {
    server.fail('slow-down', 'put', { times: 100 })
    expect((await failure(open({ maxAttempts: 3 }).write(at, bytes('a'), { ifNoneMatch: '*' }))).code).toBe('COMMIT_STATE_UNKNOWN')
    expect(server.calls).toHaveLength(3)
  })

  it('409 is looked into and repeated, never taken for «exists»', async () => {
    const io = open()
    server.fail('conflict', 'put', { times: 3 })
    await io.write(at, bytes('a'), { ifNoneMatch: '*' })
    expect(server.calls.map((call) => call.operation)).toEqual(['put', 'head', 'put', 'head', 'put', 'head', 'put'])
  })

  it('409 with the object there is ALREADY_EXISTS; for a swap, CONFLICT', async () => {
    const io = open()
    const { etag } = await io.write(at, bytes('a'))
    server.fail('conflict', 'put')
    expect((await failure(io.write(at, bytes('b'), { ifNoneMatch: '*' }))).code).toBe('ALREADY_EXISTS')
    await io.write(at, bytes('c'))
    server.fail('conflict', 'put')
    expect((await failure(io.write(at, bytes('b'), { ifMatch: etag! }))).code).toBe('CONFLICT')
  })

  it('409 without end is UNAVAILABLE: nothing was written', async () => {
    server.fail('conflict', 'put', { times: 100 })
    expect((await failure(open({ maxAttempts: 3 }).write(at, bytes('a'), { ifNoneMatch: '*' }))).code).toBe('UNAVAILABLE')
    expect(server.keys()).toEqual([])
  })

  it('a refused connection is UNAVAILABLE: nothing was sent', async () => {
    const io = open({ endpoint: 'http://127.0.0.1:1', maxAttempts: 2 })
    expect((await failure(io.write(at, bytes('a'), { ifNoneMatch: '*' }))).code).toBe('UNAVAILABLE')
  })

  it('If-Match on a missing object (404) is CONFLICT', async () => {
    expect((await failure(open().write(at, bytes('a'), { ifMatch: '"x"' }))).code).toBe('CONFLICT')
  })

  it('an unconditional write is repeated until it goes through', async () => {
    const io = open()
    server.fail('drop-after', 'put')
    server.fail('internal-error', 'put')
    await io.write(at, bytes('a'))
    expect(server.bytesOf('bucket/dir/object')?.toString()).toBe('a')
  })
})

describe('uploads in parts', () => {
  const options = { partSizeBytes: 1000, parallelParts: 3 }

  it('all parts but the last have one size, whatever the chunks', async () => {
    const io = open(options)
    const written = await io.write(at, pieces(4321, 77), { ifNoneMatch: '*' })
    const expected = new Uint8Array(4321).map((_, i) => (Math.floor(i / 77) * 77 + (i % 77)) % 253)
    expect(Buffer.compare(server.bytesOf('bucket/dir/object')!, expected)).toBe(0)
    expect(written.sizeBytes).toBe(4321)
    expect(server.calls.filter((call) => call.operation === 'upload-part').map((call) => Number(call.headers['content-length']))).toEqual([
      1000, 1000, 1000, 1000, 321,
    ])
    expect((await io.head(at))?.etag).toBe(written.etag)
  })

  it('memory is bounded: the source is not read ahead of the parts under way', async () => {
    const io = open(options)
    let produced = 0
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const piece of pieces(50_000, 500)) {
        produced += piece.length
        const received = server.calls.filter((call) => call.operation === 'upload-part').length * 1000
        expect(produced - received).toBeLessThanOrEqual(1000 * (options.parallelParts + 3))
        yield piece
      }
    }
    await io.write(at, counted())
    expect(produced).toBe(50_000)
  })

  it('a failing source, part or begin aborts the upload and leaves nothing', async () => {
    const io = open({ ...options, maxAttempts: 2 })
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield* pieces(5000, 500)
      throw new Error('source broke')
    }
    await expect(io.write(at, failing())).rejects.toThrow('source broke')
    server.fail('internal-error', 'upload-part', { times: 20 })
    expect((await failure(io.write(at, pieces(5000, 500)))).code).toBe('UNAVAILABLE')
    server.faults.length = 0
    server.fail('slow-down', 'create-upload', { times: 2 })
    expect((await failure(io.write(at, pieces(5000, 500)))).code).toBe('UNAVAILABLE')
    expect(server.openUploads).toBe(0)
    expect(server.keys()).toEqual([])
  })

  it('a part is repeated after a broken connection', async () => {
    const io = open(options)
    server.fail('drop-before', 'upload-part', { times: 2 })
    server.fail('drop-after', 'upload-part')
    await io.write(at, pieces(5000, 500), { ifNoneMatch: '*' })
    expect(server.bytesOf('bucket/dir/object')).toHaveLength(5000)
  })

  it('an error inside a 200 answer to the completion is an error: completed again, or unknown', async () => {
    const io = open(options)
    server.fail('error-in-200', 'complete-upload')
    await io.write(at, pieces(5000, 500), { ifNoneMatch: '*' })
    expect(server.bytesOf('bucket/dir/object')).toHaveLength(5000)
    server.fail('error-in-200', 'complete-upload', { times: 100 })
    expect((await failure(open({ ...options, maxAttempts: 3 }).write(`${at}2`, pieces(5000, 500)))).code).toBe('UNAVAILABLE')
    expect(server.keys()).toEqual(['bucket/dir/object'])
  })

  it('a completion whose answer was lost is recognised by the etag of its parts', async () => {
    const io = open(options)
    server.fail('drop-after', 'complete-upload')
    await io.write(at, pieces(5000, 500), { ifNoneMatch: '*' })
    server.fail('error-after', 'complete-upload')
    await io.write(`${at}2`, pieces(5000, 500), { ifNoneMatch: '*' })
    server.fail('duplicate', 'complete-upload')
    await io.write(`${at}3`, pieces(5000, 500), { ifNoneMatch: '*' })
    expect(server.keys()).toHaveLength(3)
  })

  it('a small stream whose answer was lost is recognised too, and another’s object is not taken for it', async () => {
    const io = open(options)
    server.fail('drop-after', 'put')
    expect((await io.write(at, pieces(500, 100), { ifNoneMatch: '*' })).sizeBytes).toBe(500)
    server.fail('drop-before', 'put')
    server.put('bucket/dir/other', bytes('theirs'))
    expect((await failure(io.write('s3://bucket/dir/other', pieces(500, 100), { ifNoneMatch: '*' }))).code).toBe('COMMIT_STATE_UNKNOWN')
  })

  it('a completion refused by its condition aborts the upload', async () => {
    const io = open(options)
    await io.write(at, bytes('theirs'))
    expect((await failure(io.write(at, pieces(5000, 500), { ifNoneMatch: '*' }))).code).toBe('ALREADY_EXISTS')
    expect(server.openUploads).toBe(0)
    expect(server.bytesOf('bucket/dir/object')?.toString()).toBe('theirs')
  })

  it('more parts than S3 allows is refused with what to change, and nothing is left', async () => {
    const store = new S3Store({ endpoint: server.endpoint, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } })
    const upload = uploadStream(store, { location: at, condition: {} }, pieces(5000, 500), { ...options, maxParts: 4 })
    const error = await failure(upload)
    expect(error.code).toBe('INVALID')
    expect(error.message).toContain('partSizeBytes')
    expect(server.openUploads).toBe(0)
    await store.close()
  })
})

describe('a write that waits with its last byte', () => {
  it.each(['when-required', 'when-supported'] as const)('is there, whole, only when it was let go (checksums %s)', async (checksums) => {
    const warn = vi.spyOn(console, 'warn')
    const io = open({ checksums })
    for (const text of ['', 'a', 'ab', 'x'.repeat(100_000)]) {
      const location = `${at}-${text.length}`
      let letGo = (): void => undefined
      const released = new Promise<void>((resolve) => (letGo = resolve))
      const hold = vi.fn(() => released)
      const written = io.write(location, bytes(text), { ifNoneMatch: '*', beforeLastByte: hold })
      await vi.waitFor(() => { expect(hold).toHaveBeenCalled() }, { timeout: 20_000 })
      expect(await io.head(location)).toBeUndefined()
      letGo()
      expect((await written).sizeBytes).toBe(text.length)
      expect(await io.read(location)).toEqual(bytes(text))
      expect((await failure(io.write(location, bytes(text), { ifNoneMatch: '*', beforeLastByte: hold }))).code).toBe('ALREADY_EXISTS')
    }
    expect(warn).not.toHaveBeenCalled()
  })
})

describe('reads that do not bring what was asked', () => {
  const content = bytes('0123456789'.repeat(10))

  it('a truncated body is fetched again; when it never comes whole, UNAVAILABLE', async () => {
    const io = open({ maxAttempts: 3 })
    await io.write(at, content)
    server.fail('truncate', 'get', { times: 2 })
    expect(await io.read(at)).toEqual(content)
    server.fail('truncate', 'get', { times: 3 })
    expect((await failure(io.read(at))).code).toBe('UNAVAILABLE')
    server.fail('truncate', 'get')
    expect(await io.read(at, { range: { offset: 10, length: 50 } })).toEqual(content.slice(10, 60))
  })

  it('a whole body instead of a range is sliced', async () => {
    const io = open()
    await io.write(at, content)
    for (const [offset, length, start, end] of [
      [2, 4, 2, 6],
      [0, 1, 0, 1],
      [99, 1, 99, 100],
      [-7, 0, 93, 100],
    ] as const) {
      server.fail('ignore-range', 'get')
      expect(await io.read(at, { range: { offset, length } })).toEqual(content.slice(start, end))
    }
    server.fail('ignore-range', 'get')
    expect((await failure(io.read(at, { range: { offset: 98, length: 3 } }))).code).toBe('CORRUPT')
  })

  it('a range under status 200 is taken for what it says it is, as rclone sends it', async () => {
    const io = open()
    await io.write(at, content)
    for (const [offset, length, start, end] of [
      [12, 4, 12, 16],
      [60, 30, 60, 90],
      [-7, 0, 93, 100],
      [0, 100, 0, 100],
    ] as const) {
      server.fail('range-in-200', 'get')
      expect(await io.read(at, { range: { offset, length } })).toEqual(content.slice(start, end))
    }
    server.fail('range-in-200', 'get')
    expect((await failure(io.read(at, { range: { offset: 98, length: 3 } }))).code).toBe('CORRUPT')
  })

  it('a range shorter than asked is fetched again', async () => {
    const io = open()
    await io.write(at, content)
    server.fail('short-range', 'get')
    expect(await io.read(at, { range: { offset: 2, length: 4 } })).toEqual(content.slice(2, 6))
    expect(server.calls.filter((call) => call.operation === 'get')).toHaveLength(2)
  })

  it('a body that ends early without any sign of it is not believed', async () => {
    const sdk = await import('@aws-sdk/client-s3')
    class S3Client {
      async send(): Promise<unknown> {
        return { Body: Readable.from([content.slice(0, 40)]), ContentLength: 100, $metadata: { httpStatusCode: 200 } }
      }
      destroy(): void {}
    }
    const io = open({ maxAttempts: 2, loadSdk: async () => ({ ...sdk, S3Client: S3Client as unknown as typeof sdk.S3Client }) })
    const error = await failure(io.read(at))
    expect(error.code).toBe('UNAVAILABLE')
    expect(error.message).toContain('40 bytes instead of 100')
  })

  it('near ranges share a request, far ones do not', async () => {
    const io = open({ maxGapBytes: 10 })
    await io.write(at, content)
    const results = await io.readMany(at, [
      { offset: 0, length: 5 },
      { offset: 15, length: 5 },
      { offset: 60, length: 5 },
    ])
    expect(results).toEqual([content.slice(0, 5), content.slice(15, 20), content.slice(60, 65)])
    expect(server.calls.filter((call) => call.operation === 'get').map((call) => call.headers['range'])).toEqual(['bytes=0-19', 'bytes=60-64'])
  })

  it('a stalled or broken read is repeated', async () => {
    const io = open({ requestTimeoutMs: 100 })
    await io.write(at, content)
    server.fail('stall', 'get', { delayMs: 300 })
    server.fail('drop-before', 'get')
    server.fail('slow-down', 'get')
    expect(await io.read(at)).toEqual(content)
  })
})

describe('listing and deleting', () => {
  it('pages are followed to the end, beyond 1000 deletions too', async () => {
    const io = open()
    server.pageSize = 400
    for (let i = 0; i < 1100; i++) server.put(`bucket/many/${String(i).padStart(5, '0')}`, new Uint8Array(0))
    const found: string[] = []
    for await (const status of io.list('s3://bucket/many')) found.push(status.location)
    expect(found).toHaveLength(1100)
    expect([...found].sort()).toEqual(found)
    server.calls.length = 0
    await io.delete(found)
    expect(server.keys()).toEqual([])
    expect(server.calls.map((call) => call.operation)).toEqual(['delete-objects', 'delete-objects'])
    server.pageSize = 1000
  })

  it('a bucket is listed from its root', async () => {
    const io = open()
    await io.write('s3://bucket/a', bytes('1'))
    for (const root of ['s3://bucket', 's3://bucket/']) {
      const found: string[] = []
      for await (const status of io.list(root)) found.push(status.location)
      expect(found).toEqual(['s3://bucket/a'])
    }
  })

  it('keys with control characters survive', async () => {
    const io = open()
    const odd = 's3://bucket/odd/a\u0001b\nc'
    await io.write(odd, bytes('1'))
    const found: string[] = []
    for await (const status of io.list('s3://bucket/odd')) found.push(status.location)
    expect(found).toEqual([odd])
    await io.delete([odd, 's3://bucket/odd/plain'])
    expect(server.keys()).toEqual([])
  })
})

describe('errors', () => {
  it('no secret appears in any error, inspected to the bottom', async () => {
    const io = open({ maxAttempts: 1 })
    await io.write(at, bytes('a'))
    const kinds = ['forbidden', 'internal-error', 'drop-after', 'slow-down', 'truncate'] as const
    for (const kind of kinds) {
      server.fail(kind, 'get')
      const error = await failure(io.read(at))
      const shown = inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error) + String(error.stack)
      for (const secret of SECRETS) expect(shown).not.toContain(secret)
    }
    const shown = inspect(io, { depth: 20 }) + JSON.stringify(io)
    for (const secret of SECRETS) expect(shown).not.toContain(secret)
  })

  it('a store that repeats a secret in its message is not quoted with it', () => {
    const error = { name: 'InvalidAccessKeyId', message: `no key ${SECRETS[0]} with ${SECRETS[1]}`, $metadata: { httpStatusCode: 403 } }
    const { detail, kind } = classifyS3Failure(error, SECRETS)
    expect(kind).toBe('forbidden')
    expect(detail).toContain('no key *** with ***')
  })

  it('refused credentials are UNAUTHORIZED', async () => {
    server.fail('forbidden', 'get')
    expect((await failure(open().read(at))).code).toBe('UNAUTHORIZED')
    server.fail('forbidden', 'put')
    expect((await failure(open().write(at, bytes('a'), { ifNoneMatch: '*' }))).code).toBe('UNAUTHORIZED')
  })

  it('a missing SDK is UNSUPPORTED and says what to install', async () => {
    vi.doMock('@aws-sdk/client-s3', () => {
      throw new Error('Cannot find package')
    })
    const error = await failure(open().read(at))
    vi.doUnmock('@aws-sdk/client-s3')
    expect(error.code).toBe('UNSUPPORTED')
    expect(error.message).toContain('npm install @aws-sdk/client-s3')
  })

  it('an endpoint with a password is refused without repeating it', async () => {
    const error = await failure(open({ endpoint: 'http://user:canary-secret-access-key@host' }).read(at))
    expect(error.code).toBe('INVALID')
    expect(error.message).not.toContain('canary')
  })

  it('locations without bucket or key are INVALID', async () => {
    const io = open()
    for (const location of ['s3:///key', 's3://bucket', 's3://bucket/', 's3://user:pw@bucket/key', '/local', 'gs://b/k']) {
      expect((await failure(io.read(location))).code).toBe('INVALID')
    }
  })
})
