/** One S3 client with the retry rules of this package; each operation of the port is built from its few methods. */
import type * as S3Sdk from '@aws-sdk/client-s3'
import { FloeError } from '../util/errors.js'
import { systemRuntime } from '../util/runtime.js'
import type { Runtime } from '../util/runtime.js'
import { throwIfAborted } from './aborted.js'
import { parseLocation, quoteLocation } from './location.js'
import { waitBeforeRetry } from './retry-delay.js'
import { classifyS3Failure, s3Error } from './s3-error.js'
import type { S3Failure } from './s3-error.js'
import { checkS3Numbers, createS3Client, importS3Sdk, knownSecrets } from './s3-options.js'
import type { S3FileIOOptions } from './s3-options.js'

export interface S3Address {
  readonly Bucket: string
  readonly Key: string
}

/** One request, sent once. */
export type S3Request<T> = (sdk: typeof S3Sdk, client: S3Sdk.S3Client, http: { readonly abortSignal?: AbortSignal }) => Promise<T>

export interface S3Attempt {
  readonly doing: string
  readonly location: string
  readonly signal?: AbortSignal | undefined
}

const DEFAULT_ATTEMPTS = 8

export class S3Store {
  readonly runtime: Runtime
  readonly maxAttempts: number
  readonly #options: S3FileIOOptions
  #opened: Promise<{ readonly sdk: typeof S3Sdk; readonly client: S3Sdk.S3Client }> | undefined

  readonly #secrets: Set<string>

  constructor(options: S3FileIOOptions) {
    checkS3Numbers(options)
    this.#secrets = new Set(knownSecrets(options))
    this.#options = { ...options, credentials: this.#noting(options.credentials) }
    this.runtime = options.runtime ?? systemRuntime
    this.maxAttempts = options.maxAttempts ?? DEFAULT_ATTEMPTS
  }

  /** Sends once. Throws the SDK's error, for {@link classify}; `FloeError` for what the SDK was not asked. */
  async send<T>(request: S3Request<T>, signal?: AbortSignal): Promise<T> {
    throwIfAborted(signal)
    this.#opened ??= this.#open()
    const { sdk, client } = await this.#opened
    return request(sdk, client, signal === undefined ? {} : { abortSignal: signal })
  }

  /**
   * Sends a request that may be repeated until it goes through. `meaning` may turn a failure into a result, or throw
   * its own error; what it leaves `undefined` is retried or thrown typed.
   */
  async retry<T>(attempt: S3Attempt, request: S3Request<T>, meaning?: (failure: S3Failure) => T | undefined): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.send(request, attempt.signal)
      } catch (error) {
        const failure = this.classify(error)
        const result = meaning?.(failure)
        if (result !== undefined) return result
        const mayPass = failure.kind === 'throttled' || failure.kind === 'transient' || failure.kind === 'conflict'
        if (!mayPass || failures >= this.maxAttempts) throw s3Error(failure, attempt.doing, attempt.location)
        await this.pause(failures, failure, attempt.signal)
      }
    }
  }

  pause(failures: number, failure: S3Failure, signal?: AbortSignal): Promise<void> {
    return waitBeforeRetry({ runtime: this.runtime, attempt: failures, retryAfterMs: failure.retryAfterMs, signal })
  }

  /** Rethrows what is typed already. */
  classify(error: unknown): S3Failure {
    if (error instanceof FloeError) throw error
    return classifyS3Failure(error, [...this.#secrets])
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    if (opened !== undefined) (await opened.catch(() => undefined))?.client.destroy()
  }

  /** What a provider gives must not show up in any message either. */
  #noting(credentials: S3FileIOOptions['credentials']): S3FileIOOptions['credentials'] {
    if (typeof credentials !== 'function') return credentials
    return async () => {
      const given = await credentials()
      for (const secret of knownSecrets({ credentials: given })) this.#secrets.add(secret)
      return given
    }
  }

  async #open(): Promise<{ readonly sdk: typeof S3Sdk; readonly client: S3Sdk.S3Client }> {
    const sdk = await (this.#options.loadSdk ?? importS3Sdk)()
    return { sdk, client: createS3Client(sdk, this.#options) }
  }
}

/** Bucket and key of an `s3:`, `s3a:` or `s3n:` location; the key is taken literally. Throws `INVALID`. */
export function s3Address(location: string): S3Address {
  const { scheme, authority, path } = parseLocation(location)
  if (scheme !== 's3') throw new FloeError('INVALID', `${quoteLocation(location)} is no S3 location`)
  if (authority === '' || authority.includes('@')) throw new FloeError('INVALID', `${quoteLocation(location)} has no bucket: write s3://bucket/key`)
  return { Bucket: authority, Key: path.slice(1) }
}

/** {@link s3Address} of an object: the key must not be empty. */
export function s3ObjectAddress(location: string): S3Address {
  const address = s3Address(location)
  if (address.Key === '') throw new FloeError('INVALID', `${quoteLocation(location)} names a bucket, not an object in it`)
  return address
}
