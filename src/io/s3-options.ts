import type * as S3Sdk from '@aws-sdk/client-s3'
import { FloeError } from '../util/errors.js'
import { checkAmount, checkCount } from '../util/option-values.js'
import type { Runtime } from '../util/runtime.js'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  /** When they stop working; a provider is asked again before. */
  readonly expiration?: Date | undefined
}

/** Every member has a default: a plain `new S3FileIO()` uses the standard AWS environment and profile files. */
export interface S3FileIOOptions {
  /** `http://host:9000` for a store other than AWS. Default: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, else AWS. */
  readonly endpoint?: string | undefined
  /** Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's; `us-east-1` where an endpoint makes it irrelevant. */
  readonly region?: string | undefined
  /** Default: the AWS chain (environment, profiles, SSO, instance roles). */
  readonly credentials?: S3Credentials | (() => Promise<S3Credentials>) | undefined
  /** Send no signature: public buckets. */
  readonly anonymous?: boolean | undefined
  /** The bucket in the path instead of the host name. Default: true with an endpoint. */
  readonly forcePathStyle?: boolean | undefined
  /** Payload checksums on each request, or only where S3 demands them. Default `when-required`: other stores refuse the new ones. */
  readonly checksums?: 'when-required' | 'when-supported' | undefined
  /** Streams are uploaded in parts of this size. Default 16 MiB; at least 5 MiB on AWS; at most 10,000 parts per object. */
  readonly partSizeBytes?: number | undefined
  /** Parts under way at once. Default 3; a stream holds at most one part more in memory. */
  readonly parallelParts?: number | undefined
  /** Requests of one `readMany` under way at once. Default 8. */
  readonly parallelRanges?: number | undefined
  /** See `RangePlanOptions`. Default 1 MiB. */
  readonly maxGapBytes?: number | undefined
  /** Tries of a request that may be repeated. Default 8. */
  readonly maxAttempts?: number | undefined
  /** Until the connection stands. Default 5 s. */
  readonly connectTimeoutMs?: number | undefined
  /** Until the answer begins, and longest silence within it. Default 60 s. */
  readonly requestTimeoutMs?: number | undefined
  readonly serverSideEncryption?: { readonly kind: 'AES256' | 'aws:kms'; readonly kmsKeyId?: string | undefined } | undefined
  /** Where the SDK comes from; by default the installed `@aws-sdk/client-s3`, imported at the first request. */
  readonly loadSdk?: (() => Promise<typeof S3Sdk>) | undefined
  readonly runtime?: Runtime | undefined
}

/** Imports the SDK only now: it takes half a second and is optional. Throws `UNSUPPORTED` when it is not installed. */
export async function importS3Sdk(): Promise<typeof S3Sdk> {
  try {
    return await import('@aws-sdk/client-s3')
  } catch (cause) {
    throw new FloeError('UNSUPPORTED', 'S3 locations need the package @aws-sdk/client-s3; run: npm install @aws-sdk/client-s3', { cause })
  }
}

/** The URL of a store that is not Amazon's. */
export function endpointOf(options: S3FileIOOptions): string | undefined {
  return options.endpoint ?? process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL']
}

/** A client that tries every request once: what may be repeated is decided here, per operation. */
export function createS3Client(sdk: typeof S3Sdk, options: S3FileIOOptions): S3Sdk.S3Client {
  const endpoint = endpointOf(options)
  const region = options.region ?? process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? (endpoint === undefined ? undefined : 'us-east-1')
  if (endpoint !== undefined) checkEndpoint(endpoint)
  if (typeof options.credentials !== 'function' && options.credentials !== undefined) checkCredentials(options.credentials)
  const checksums = options.checksums === 'when-supported' ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED'
  const requestTimeout = options.requestTimeoutMs ?? 60_000
  return new sdk.S3Client({
    maxAttempts: 1,
    requestChecksumCalculation: checksums,
    responseChecksumValidation: checksums,
    followRegionRedirects: true,
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    requestHandler: {
      connectionTimeout: options.connectTimeoutMs ?? 5_000,
      requestTimeout,
      throwOnRequestTimeout: true,
      socketTimeout: requestTimeout,
      httpAgent: { keepAlive: true, maxSockets: 64 },
      httpsAgent: { keepAlive: true, maxSockets: 64 },
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials as S3Sdk.S3ClientConfig['credentials'] & object }),
    // The SDK signs by default; this signer hands the request back as it is.
    ...(options.anonymous === true ? { signer: { sign: async (request) => request } } : {}),
  })
}

/** Values that must not show up in any message. */
export function knownSecrets(options: S3FileIOOptions): readonly string[] {
  const given = typeof options.credentials === 'object' ? options.credentials : undefined
  return [
    given?.accessKeyId,
    given?.secretAccessKey,
    given?.sessionToken,
    process.env['AWS_ACCESS_KEY_ID'],
    process.env['AWS_SECRET_ACCESS_KEY'],
    process.env['AWS_SESSION_TOKEN'],
  ].filter((secret): secret is string => secret !== undefined && secret !== '')
}

/** @throws FloeError `INVALID` naming the option that is wrong */
export function checkS3Numbers(options: S3FileIOOptions): void {
  checkCount(options.partSizeBytes, 1, 's3.partSizeBytes')
  checkCount(options.parallelParts, 1, 's3.parallelParts')
  checkCount(options.parallelRanges, 1, 's3.parallelRanges')
  checkAmount(options.maxGapBytes, 0, 's3.maxGapBytes')
  checkCount(options.maxAttempts, 1, 's3.maxAttempts')
  checkAmount(options.connectTimeoutMs, 0, 's3.connectTimeoutMs')
  checkAmount(options.requestTimeoutMs, 0, 's3.requestTimeoutMs')
}

/** @throws FloeError `INVALID`, telling no value; further members are the SDK's business */
function checkCredentials(credentials: unknown): void {
  const given = credentials as Partial<Record<keyof S3Credentials, unknown>> | null | undefined
  const lacking = (['accessKeyId', 'secretAccessKey'] as const).filter((name) => typeof given?.[name] !== 'string' || given[name] === '')
  if (lacking.length > 0) throw new FloeError('INVALID', `The S3 credentials lack ${lacking.join(' and ')}: give both as texts`)
}

function checkEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new FloeError('INVALID', 'The S3 endpoint must be an http or https URL')
  if (url.username !== '' || url.password !== '') {
    throw new FloeError('INVALID', 'The S3 endpoint must not hold a user name or password; pass credentials instead')
  }
}
