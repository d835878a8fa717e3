/** What an answer of an S3 store means. Nothing of a request, its headers or its signature gets into an error. */
import { FloeError } from '../util/errors.js'

export type S3FailureKind =
  /** 404: no such object. */
  | 'not-found'
  /** 404 of another thing: the bucket, or the multipart upload. */
  | 'no-bucket'
  | 'no-upload'
  /** 412 */
  | 'precondition'
  /** 409: another operation was under way; says nothing about what exists. */
  | 'conflict'
  /** 416 */
  | 'range'
  | 'forbidden'
  /** 503, 429: come back later. */
  | 'throttled'
  /** No answer, a broken one, or a server error: may pass. */
  | 'transient'
  | 'aborted'
  | 'unsupported'
  | 'other'

export interface S3Failure {
  readonly kind: S3FailureKind
  /** The request may have taken effect. */
  readonly ambiguous: boolean
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined
  /** For people: the store's code and message, without secrets. */
  readonly detail: string
}

interface SdkError {
  readonly name?: string
  readonly Code?: string
  readonly code?: string
  readonly message?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

const UNAUTHORIZED_NAMES: ReadonlySet<string> = new Set([
  'AccessDenied',
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidAccessKeyId',
  'InvalidToken',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'TokenProviderError',
])
/** The connection was never made, so the request was never sent. */
const UNSENT_CODES: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

/** Classifies whatever the SDK threw. `secrets` are blotted out of the detail, should a store repeat them. */
export function classifyS3Failure(error: unknown, secrets: readonly string[]): S3Failure {
  const sdk = (typeof error === 'object' && error !== null ? error : {}) as SdkError
  const status = sdk.$metadata?.httpStatusCode
  const name = sdk.Code ?? sdk.name ?? 'Error'
  const kind = kindOf(sdk, name, status)
  const unsent = UNSENT_CODES.has(sdk.code ?? '') || name === 'CredentialsProviderError'
  const refused = status !== undefined && ((status >= 400 && status < 500) || status === 501)
  const retryAfter = Number(sdk.$response?.headers?.['retry-after'])
  return {
    kind,
    ambiguous: !unsent && !refused,
    status,
    retryAfterMs: Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter * 1000 : undefined,
    detail: describe(sdk, name, status, secrets),
  }
}

function kindOf(sdk: SdkError, name: string, status: number | undefined): S3FailureKind {
  if (name === 'AbortError' && sdk.code !== 'ECONNRESET') return 'aborted'
  if (UNAUTHORIZED_NAMES.has(name)) return 'forbidden'
  if (name === 'NoSuchBucket') return 'no-bucket'
  if (name === 'NoSuchUpload') return 'no-upload'
  if (name === 'RequestTimeout' || name === 'RequestTimeoutException') return 'transient'
  switch (status) {
    case 401:
    case 403:
      return 'forbidden'
    case 404:
      return 'not-found'
    case 405:
    case 501:
      return 'unsupported'
    case 409:
      return 'conflict'
    case 412:
      return 'precondition'
    case 416:
      return 'range'
    case 429:
    case 503:
      return 'throttled'
    default:
      // A 2xx status here is an answer that could not be read to its end.
      return status === undefined || status >= 500 || status < 300 ? 'transient' : 'other'
  }
}

function describe(sdk: SdkError, name: string, status: number | undefined, secrets: readonly string[]): string {
  const code = sdk.code !== undefined && sdk.code !== name ? ` ${sdk.code}` : ''
  const message = (sdk.message ?? '').slice(0, 300)
  const request = sdk.$metadata?.requestId === undefined ? '' : `, request ${sdk.$metadata.requestId}`
  let text = `${name}${code}${message === '' ? '' : `: ${message}`}${status === undefined ? '' : ` [HTTP ${status}${request}]`}`
  for (const secret of secrets) if (secret.length >= 4) text = text.replaceAll(secret, '***')
  return text
}

/** The typed error for a failure that the caller's operation gives no meaning of its own. */
export function s3Error(failure: S3Failure, doing: string, location: string): FloeError {
  const text = (hint: string): string => `Cannot ${doing}: ${hint} (${failure.detail})`
  const context = { file: location }
  switch (failure.kind) {
    case 'not-found':
      return new FloeError('NOT_FOUND', text('there is no such object'), context)
    case 'no-bucket':
      return new FloeError('NOT_FOUND', text('there is no such bucket; create it, or check endpoint and region'), context)
    case 'forbidden':
      return new FloeError('UNAUTHORIZED', text('the store refused the credentials, or they lack this permission'), context)
    case 'precondition':
    case 'conflict':
    case 'no-upload':
      return new FloeError('CONFLICT', text('another operation interfered'), context)
    case 'range':
      return new FloeError('CORRUPT', text('the object ends before the range'), context)
    case 'aborted':
      return new FloeError('ABORTED', text('the caller aborted'), context)
    case 'unsupported':
      return new FloeError('UNSUPPORTED', text('the store does not offer this operation'), context)
    case 'throttled':
    case 'transient':
      return new FloeError('UNAVAILABLE', text('the store does not answer as it should; try again later'), context)
    case 'other':
      return new FloeError('INVALID', text('the store refused the request; check endpoint, region and bucket'), context)
  }
}
