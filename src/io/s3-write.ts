/**
 * Writing S3 objects under a condition, with an outcome that is never guessed: refused, written, or unknown.
 *
 * A conditional request is repeated only after an answer which says that it had no effect, or that the store is too busy
 * (503, 429), where repeating under the same condition is harmless. A lost answer is `COMMIT_STATE_UNKNOWN` at once.
 */
import type * as S3Sdk from '@aws-sdk/client-s3'
import { FloeError } from '../util/errors.js'
import type { WriteOptions } from './file-io.js'
import { heldPut } from './s3-held-put.js'
import { headS3 } from './s3-read.js'
import { s3Error } from './s3-error.js'
import type { S3Failure } from './s3-error.js'
import type { S3FileIOOptions } from './s3-options.js'
import type { S3Request, S3Store } from './s3-store.js'
import { s3ObjectAddress } from './s3-store.js'

export interface S3Write {
  readonly location: string
  readonly condition: Pick<WriteOptions, 'ifNoneMatch' | 'ifMatch'>
  readonly signal?: AbortSignal | undefined
  readonly encryption?: S3FileIOOptions['serverSideEncryption']
  /** As in `WriteOptions`. Heeded for bytes, not for streams. */
  readonly beforeLastByte?: WriteOptions['beforeLastByte']
}

/** The headers of a write's condition. */
export function conditionHeaders(condition: S3Write['condition']): { readonly IfNoneMatch?: string; readonly IfMatch?: string } {
  return {
    ...(condition.ifNoneMatch === undefined ? {} : { IfNoneMatch: condition.ifNoneMatch }),
    ...(condition.ifMatch === undefined ? {} : { IfMatch: condition.ifMatch }),
  }
}

/** The headers that ask for encryption at rest. */
export function encryptionHeaders(
  encryption: S3Write['encryption'],
): Pick<S3Sdk.PutObjectCommandInput, 'ServerSideEncryption' | 'SSEKMSKeyId'> {
  if (encryption === undefined) return {}
  return { ServerSideEncryption: encryption.kind, ...(encryption.kmsKeyId === undefined ? {} : { SSEKMSKeyId: encryption.kmsKeyId }) }
}

/** Writes bytes with one request. Returns the new etag. */
export async function putS3(store: S3Store, write: S3Write, bytes: Uint8Array): Promise<string | undefined> {
  const address = s3ObjectAddress(write.location)
  const headers = { ...conditionHeaders(write.condition), ...encryptionHeaders(write.encryption) }
  const input = { ...address, Body: bytes, ContentLength: bytes.length, ...headers }
  const hold = write.beforeLastByte
  const answer = await sendConditionally(store, write, (sdk, client, http) =>
    client.send(hold === undefined ? new sdk.PutObjectCommand(input) : heldPut(sdk, { ...input, Body: bytes }, hold), http),
  )
  return answer.ETag
}

/** What a conditional request has come to so far. */
interface Progress {
  failures: number
  /** An earlier attempt may have taken effect. */
  ambiguous: boolean
}

/** Sends a request that carries `write.condition`, or none. */
export async function sendConditionally<T>(store: S3Store, write: S3Write, request: S3Request<T>): Promise<T> {
  const { condition, location, signal } = write
  if (condition.ifNoneMatch === undefined && condition.ifMatch === undefined) {
    return store.retry({ doing: 'write the object', location, signal }, request)
  }
  const progress: Progress = { failures: 0, ambiguous: false }
  for (;;) {
    try {
      return await store.send(request, signal)
    } catch (error) {
      if (error instanceof FloeError) throw progress.ambiguous ? unknownOutcome(location, error.message) : error
      const failure = store.classify(error)
      progress.failures++
      await judgeFailure(store, write, failure, progress)
      progress.ambiguous ||= failure.ambiguous
      await store.pause(progress.failures, failure, signal).catch((aborted: unknown) => {
        throw progress.ambiguous ? unknownOutcome(location, 'the caller aborted') : aborted
      })
    }
  }
}

/** Returns when the request may be sent again; throws what it came to otherwise. */
async function judgeFailure(store: S3Store, write: S3Write, failure: S3Failure, progress: Progress): Promise<void> {
  const { location } = write
  const last = progress.failures >= store.maxAttempts
  switch (failure.kind) {
    case 'precondition':
      throw progress.ambiguous ? unknownOutcome(location, failure.detail) : refused(write, failure)
    // S3 answers 404 to If-Match when there is no current object.
    case 'not-found':
      if (write.condition.ifMatch === undefined) break
      throw progress.ambiguous ? unknownOutcome(location, failure.detail) : refused(write, failure)
    case 'conflict':
      await lookAfterConflict(store, write, failure, progress)
      if (!last) return
      break
    case 'throttled':
      if (!last) return
      break
    case 'transient':
      if (!failure.ambiguous && !last) return
      break
    default:
      break
  }
  throw progress.ambiguous || failure.ambiguous ? unknownOutcome(location, failure.detail) : definiteError(write, failure)
}

/** A 409 says that something else was under way, not that the object exists: only a look tells. */
async function lookAfterConflict(store: S3Store, write: S3Write, failure: S3Failure, progress: Progress): Promise<void> {
  const found = await headS3(store, write.location).catch(() => 'unseen' as const)
  if (found === 'unseen') return
  const standsInTheWay = write.condition.ifMatch === undefined ? found !== undefined : found?.ETag !== write.condition.ifMatch
  if (!standsInTheWay) return
  throw progress.ambiguous ? unknownOutcome(write.location, failure.detail) : refused(write, failure)
}

/** After an answer that proves that nothing was written. */
function definiteError(write: S3Write, failure: S3Failure): FloeError {
  if (failure.kind === 'conflict') {
    return new FloeError('UNAVAILABLE', `Other operations kept interfering, nothing was written; try again (${failure.detail})`, { file: write.location })
  }
  return s3Error(failure, 'write the object', write.location)
}

function refused(write: S3Write, failure: S3Failure): FloeError {
  return write.condition.ifMatch === undefined
    ? new FloeError('ALREADY_EXISTS', `The object exists already (${failure.detail})`, { file: write.location })
    : new FloeError('CONFLICT', `The object was replaced or removed meanwhile (${failure.detail})`, { file: write.location })
}

/** The outcome that only a look at the object, now or later, can settle. */
export function unknownOutcome(location: string, detail: string): FloeError {
  return new FloeError('COMMIT_STATE_UNKNOWN', `The object may or may not have been written; read it before writing again (${detail})`, {
    file: location,
  })
}
