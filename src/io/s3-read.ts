/** Reading S3 objects and making sure that what came is what was asked for. */
import type * as S3Sdk from '@aws-sdk/client-s3'
import type { Readable } from 'node:stream'
import { FloeError } from '../util/errors.js'
import type { ByteRange, ReadOptions } from './file-io.js'
import { checkRange, objectNotFound, rangePastEnd, resolveRange } from './range-plan.js'
import { s3Error } from './s3-error.js'
import type { S3Store } from './s3-store.js'
import { s3ObjectAddress } from './s3-store.js'

/** Which bytes of an answer's body are the result. */
interface Expected {
  readonly skip: number
  readonly length: number
}

const MAX_PREALLOCATED_BYTES = 2 ** 28
const EMPTY = new Uint8Array(0)

/** Reads an object or a range of it. A body that ends early is fetched again, then thrown as `UNAVAILABLE`. */
export async function readS3(store: S3Store, location: string, options: ReadOptions): Promise<Uint8Array> {
  const { range, signal } = options
  if (range !== undefined) checkRange(range, location)
  if (range !== undefined && range.offset >= 0 && range.length === 0) return readNothing(store, location, range, signal)
  const address = s3ObjectAddress(location)
  const header = range === undefined ? {} : { Range: rangeHeader(range) }
  return store.retry(
    { doing: 'read the object', location, signal },
    async (sdk, client, http) => {
      const answer = await client.send(new sdk.GetObjectCommand({ ...address, ...header }), http)
      const body = answer.Body as Readable | undefined
      try {
        return body === undefined ? EMPTY : await collect(body, expectedOf(answer, range, location))
      } catch (error) {
        body?.destroy()
        throw error
      }
    },
    (failure) => {
      if (failure.kind === 'not-found') throw objectNotFound(location)
      if (failure.kind !== 'range' || range === undefined) return undefined
      // The store has no suffix of an empty object to give.
      if (range.offset < 0) return EMPTY
      throw rangePastEnd(range, undefined, location)
    },
  )
}

/** S3 cannot be asked for no bytes; whether they exist is asked instead. */
async function readNothing(store: S3Store, location: string, range: ByteRange, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const address = s3ObjectAddress(location)
  const head = await store.retry(
    { doing: 'look at the object', location, signal },
    (sdk, client, http) => client.send(new sdk.HeadObjectCommand(address), http),
    (failure) => {
      if (failure.kind === 'not-found') throw objectNotFound(location)
      return undefined
    },
  )
  resolveRange(range, head.ContentLength ?? 0, location)
  return EMPTY
}

function rangeHeader(range: ByteRange): string {
  return range.offset < 0 ? `bytes=${range.offset}` : `bytes=${range.offset}-${range.offset + range.length - 1}`
}

/**
 * Some stores and proxies ignore ranges and send everything (200), or a part of the range only. Others send the range under
 * status 200 (rclone): what the answer says of its place counts, where its length agrees.
 */
function expectedOf(answer: S3Sdk.GetObjectCommandOutput, range: ByteRange | undefined, location: string): Expected {
  const length = answer.ContentLength
  if (range === undefined) {
    if (answer.$metadata.httpStatusCode === 206) throw brokenAnswer('a part of the object instead of all of it')
    return { skip: 0, length: length ?? Number.POSITIVE_INFINITY }
  }
  const sent = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.ContentRange ?? '')
  const isRange = answer.$metadata.httpStatusCode === 206 || (sent !== null && length === Number(sent[2]) + 1 - Number(sent[1]))
  if (!isRange) {
    if (length === undefined) throw brokenAnswer('the whole object without its size instead of a range')
    const { start, end } = resolveRange(range, length, location)
    return { skip: start, length: end - start }
  }
  if (sent === null) throw brokenAnswer('a range without saying which')
  const first = Number(sent[1])
  const size = Number(sent[2]) + 1 - first
  if (range.offset < 0) return { skip: 0, length: size }
  const total = Number(sent[3])
  if (first + size < range.offset + range.length && first + size === total) throw rangePastEnd(range, total, location)
  if (first !== range.offset || size !== range.length) throw brokenAnswer(`the range ${sent[0]} instead of ${rangeHeader(range)}`)
  return { skip: 0, length: size }
}

/** Looks like a server error to the retry rules. */
function brokenAnswer(what: string): Error {
  return Object.assign(new Error(`the store sent ${what}`), { name: 'BrokenAnswer' })
}

/** Keeps the expected bytes only, so that a range out of a huge body stays small. */
async function collect(body: Readable, expected: Expected): Promise<Uint8Array> {
  const known = Number.isFinite(expected.length)
  const chunks: Uint8Array[] = []
  // What a store declares is believed up to a point: beyond it, memory grows with what really comes.
  const whole = expected.length <= MAX_PREALLOCATED_BYTES ? Buffer.allocUnsafeSlow(expected.length) : undefined
  let position = 0
  let filled = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    const from = Math.max(0, expected.skip - position)
    position += chunk.length
    if (from >= chunk.length) continue
    const part = chunk.subarray(from, known ? from + expected.length - filled : undefined)
    if (whole === undefined) chunks.push(part)
    else whole.set(part, filled)
    filled += part.length
    if (known && filled === expected.length && position > expected.skip + expected.length) break
  }
  if (known && filled < expected.length) throw brokenAnswer(`${filled} bytes instead of ${expected.length}`)
  const bytes = whole ?? Buffer.concat(chunks)
  return new Uint8Array(bytes.buffer, bytes.byteOffset, filled)
}

/** The size, time and etag of an object; `undefined` when there is none. */
export async function headS3(store: S3Store, location: string): Promise<S3Sdk.HeadObjectCommandOutput | undefined> {
  const address = s3ObjectAddress(location)
  const found = await store.retry<{ readonly head: S3Sdk.HeadObjectCommandOutput | undefined }>(
    { doing: 'look at the object', location },
    async (sdk, client, http) => ({ head: await client.send(new sdk.HeadObjectCommand(address), http) }),
    (failure) => {
      if (failure.kind === 'no-bucket') throw s3Error(failure, 'look at the object', location)
      return failure.kind === 'not-found' ? { head: undefined } : undefined
    },
  )
  if (found.head !== undefined && found.head.ContentLength === undefined) {
    throw new FloeError('UNAVAILABLE', 'The store did not tell the size of the object', { file: location })
  }
  return found.head
}
