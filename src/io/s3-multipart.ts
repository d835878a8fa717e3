/** Uploading a stream of unknown length in parts, in bounded memory. */
import { createHash } from 'node:crypto'
import type * as S3Sdk from '@aws-sdk/client-s3'
import { FloeError, isFloeError } from '../util/errors.js'
import { throwIfAborted } from './aborted.js'
import { headS3 } from './s3-read.js'
import { conditionHeaders, encryptionHeaders, putS3, sendConditionally } from './s3-write.js'
import type { S3Write } from './s3-write.js'
import { s3ObjectAddress } from './s3-store.js'
import type { S3Address, S3Store } from './s3-store.js'

export interface MultipartOptions {
  readonly partSizeBytes: number
  readonly parallelParts: number
  /** The store's bound on the number of parts. Default 10,000. */
  readonly maxParts?: number
}

/** What was written. */
export interface StreamWritten {
  readonly etag: string | undefined
  readonly sizeBytes: number
}

const MAX_PARTS = 10_000

interface Upload {
  readonly store: S3Store
  readonly write: S3Write
  readonly address: S3Address & { readonly UploadId: string }
  readonly parts: S3Sdk.CompletedPart[]
}

/**
 * Uploads `body`; a stream that fits one part is a plain write. Unlike bytes, a stream whose answer was lost is recognised by
 * its etag where the store's etags tell the content: names of streams must be their writer's own. When anything fails
 * before the last request the upload is aborted, so that no parts are left to be paid for. All parts but the last have the
 * same size, which some stores demand.
 */
export async function uploadStream(
  store: S3Store,
  write: S3Write,
  body: AsyncIterable<Uint8Array>,
  options: MultipartOptions,
): Promise<StreamWritten> {
  const parts = cutParts(body, options.partSizeBytes, write.signal)
  try {
    const first = await parts.next()
    if (first.done === true) return await putWhole(store, write, new Uint8Array(0))
    const second = first.value.length < options.partSizeBytes ? undefined : await parts.next()
    if (second === undefined || second.done === true) return await putWhole(store, write, first.value)
    return await uploadParts(await beginUpload(store, write), [first.value, second.value], parts, options)
  } finally {
    await parts.return(undefined)
  }
}

/** A stream cannot be read again to be compared, so an object with the etag of its bytes counts as its own. */
async function putWhole(store: S3Store, write: S3Write, bytes: Uint8Array): Promise<StreamWritten> {
  const sizeBytes = bytes.length
  try {
    return { etag: await putS3(store, write, bytes), sizeBytes }
  } catch (error) {
    if (!isFloeError(error, 'COMMIT_STATE_UNKNOWN')) throw error
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
    if (await isStored(store, write.location, { etag, sizeBytes })) return { etag, sizeBytes }
    throw error
  }
}

async function uploadParts(
  upload: Upload,
  ready: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
  options: MultipartOptions,
): Promise<StreamWritten> {
  let sizeBytes = 0
  try {
    const underWay = new Set<Promise<void>>()
    try {
      const queue = [...ready]
      for (let number = 1; ; number++) {
        const bytes = queue.shift() ?? (await nextPart(rest))
        if (bytes === undefined) break
        if (number > (options.maxParts ?? MAX_PARTS)) throw tooManyParts(upload.write, options)
        sizeBytes += bytes.length
        const sent: Promise<void> = sendPart(upload, number, bytes).finally(() => underWay.delete(sent))
        sent.catch(() => undefined)
        underWay.add(sent)
        while (underWay.size >= options.parallelParts) await Promise.race(underWay)
      }
      await Promise.all(underWay)
    } finally {
      await Promise.allSettled(underWay)
    }
  } catch (error) {
    await abortUpload(upload)
    throw error
  }
  return { etag: await completeUpload(upload, sizeBytes), sizeBytes }
}

async function nextPart(rest: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  const next = await rest.next()
  return next.done === true ? undefined : next.value
}

async function beginUpload(store: S3Store, write: S3Write): Promise<Upload> {
  const address = s3ObjectAddress(write.location)
  const input = { ...address, ...encryptionHeaders(write.encryption) }
  const { UploadId } = await store.retry({ doing: 'begin the upload', location: write.location, signal: write.signal }, (sdk, client, http) =>
    client.send(new sdk.CreateMultipartUploadCommand(input), http),
  )
  if (UploadId === undefined) throw new FloeError('UNAVAILABLE', 'The store began an upload without naming it', { file: write.location })
  return { store, write, address: { ...address, UploadId }, parts: [] }
}

async function sendPart(upload: Upload, number: number, bytes: Uint8Array): Promise<void> {
  const { store, write, address, parts } = upload
  const input = { ...address, PartNumber: number, Body: bytes, ContentLength: bytes.length }
  const { ETag } = await store.retry({ doing: 'upload a part', location: write.location, signal: write.signal }, (sdk, client, http) =>
    client.send(new sdk.UploadPartCommand(input), http),
  )
  parts[number - 1] = { PartNumber: number, ...(ETag === undefined ? {} : { ETag }) }
}

/**
 * The request that makes the object. Its success may arrive as an error inside a 200, and its repetition may meet its
 * own effect: the upload is gone, or the object stands in the way. An object with the etag of our parts is ours.
 */
async function completeUpload(upload: Upload, sizeBytes: number): Promise<string | undefined> {
  const { store, write, address, parts } = upload
  const input = { ...address, MultipartUpload: { Parts: parts }, ...conditionHeaders(write.condition) }
  try {
    const answer = await sendConditionally(store, write, (sdk, client, http) =>
      client.send(new sdk.CompleteMultipartUploadCommand(input), http),
    )
    return answer.ETag
  } catch (error) {
    const etag = await ownEtag(upload, sizeBytes)
    if (etag !== undefined) return etag
    if (!isFloeError(error, 'COMMIT_STATE_UNKNOWN')) await abortUpload(upload)
    throw error
  }
}

/** The etag of the object when it is provably the one that this upload makes. */
async function ownEtag(upload: Upload, sizeBytes: number): Promise<string | undefined> {
  const etag = compositeEtag(upload.parts)
  return etag !== undefined && (await isStored(upload.store, upload.write.location, { etag, sizeBytes })) ? etag : undefined
}

async function isStored(store: S3Store, location: string, written: StreamWritten): Promise<boolean> {
  const found = await headS3(store, location).catch(() => undefined)
  return found !== undefined && found.ETag === written.etag && found.ContentLength === written.sizeBytes
}

/** The etag of a finished upload: the MD5 of its parts' MD5s. `undefined` where the store's etags are none, as under KMS. */
function compositeEtag(parts: readonly S3Sdk.CompletedPart[]): string | undefined {
  const hash = createHash('md5')
  for (const { ETag } of parts) {
    const digest = /^"?([0-9a-f]{32})"?$/.exec(ETag ?? '')
    if (digest === null) return undefined
    hash.update(Buffer.from(digest[1]!, 'hex'))
  }
  return `"${hash.digest('hex')}-${parts.length}"`
}

/** Best effort: a rule for incomplete uploads on the bucket catches what is left. */
async function abortUpload(upload: Upload): Promise<void> {
  const { store, address } = upload
  await store.send((sdk, client) => client.send(new sdk.AbortMultipartUploadCommand(address))).catch(() => undefined)
}

/** Chunks of any size as parts of exactly `partSizeBytes`, the last one shorter; each in memory of its own. */
async function* cutParts(
  body: AsyncIterable<Uint8Array>,
  partSizeBytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, undefined> {
  let part = Buffer.allocUnsafeSlow(Math.min(partSizeBytes, 64 * 1024))
  let filled = 0
  for await (const chunk of body) {
    throwIfAborted(signal)
    for (let offset = 0; offset < chunk.length; ) {
      if (filled === part.length) part = grow(part, partSizeBytes)
      const taken = chunk.subarray(offset, offset + part.length - filled)
      part.set(taken, filled)
      filled += taken.length
      offset += taken.length
      if (filled < partSizeBytes) continue
      yield part
      part = Buffer.allocUnsafeSlow(partSizeBytes)
      filled = 0
    }
  }
  if (filled > 0) yield part.subarray(0, filled)
}

function grow(part: Buffer<ArrayBuffer>, bound: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(Math.min(bound, part.length * 2))
  larger.set(part)
  return larger
}

function tooManyParts(write: S3Write, options: MultipartOptions): FloeError {
  return new FloeError('INVALID', `The object needs more than ${options.maxParts ?? MAX_PARTS} parts of ${options.partSizeBytes} bytes; raise partSizeBytes`, {
    file: write.location,
  })
}
