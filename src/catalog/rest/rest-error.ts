import { FloeError, type FloeErrorCode } from '../../util/errors.js'
import { JsonObject } from '../../util/json.js'

const MAX_SHOWN_CHARACTERS = 500
const MAX_TYPE_CHARACTERS = 100

/**
 * The error that an answer of status 400 and above stands for. Its `cause` keeps the status and the protocol's type. What the server
 * says goes through `redact`. Source: `ErrorHandlers`
 */
export function restError(status: number, text: string, subject: string, redact: (text: string) => string): FloeError {
  const model = parseErrorModel(text)
  const [message, type] = [redact(model.message), redact(model.type).slice(0, MAX_TYPE_CHARACTERS)]
  const said = message === '' ? '' : `: ${message.slice(0, MAX_SHOWN_CHARACTERS)}`
  const cause = new RestStatus(status, type)
  const [code, advice] = meaningOf(status, type)
  const retryable = code === 'CONFLICT' || (code === 'UNAVAILABLE' && (status === 408 || status === 429 || status >= 500))
  return new FloeError(code, `The catalog answered ${status}${type === '' ? '' : ` ${type}`} about ${subject}${said}${advice}`, { cause, retryable })
}

/** The request never reached the server, or was turned away at its door: nothing can have happened. */
export class NotSentError extends FloeError {}

/** What an error came from. */
export class RestStatus extends Error {
  override readonly name = 'RestStatus'

  constructor(
    readonly status: number,
    /** The protocol's name of the error: `NoSuchTableException`. */
    readonly type: string,
  ) {
    super(`HTTP ${status}${type === '' ? '' : ` ${type}`}`)
  }
}

/** The HTTP status behind an error of {@link restError}; `undefined` for others, and where it was another server's, as of tokens. */
export function statusOf(error: unknown): number | undefined {
  if (error instanceof NotSentError || !(error instanceof FloeError)) return undefined
  return error.cause instanceof RestStatus ? error.cause.status : undefined
}

function meaningOf(status: number, type: string): readonly [FloeErrorCode, advice: string] {
  switch (status) {
    case 400:
      return ['INVALID', '']
    case 401:
    case 403:
    case 419:
      return ['UNAUTHORIZED', '; check the credentials and what they allow']
    case 404:
      return ['NOT_FOUND', '']
    case 405:
    case 406:
    case 501:
      return ['UNSUPPORTED', '; this catalog does not offer it']
    case 409:
      return type === 'CommitFailedException' ? ['CONFLICT', ''] : type === 'NamespaceNotEmptyException' ? ['INVALID', ''] : ['ALREADY_EXISTS', '']
    case 422:
      return ['INVALID', '']
    default:
      return ['UNAVAILABLE', status === 429 || status >= 500 ? '; try again later' : '']
  }
}

// Source: `ErrorResponseParser`, and `OAuthErrorResponseParser` for token endpoints
function parseErrorModel(text: string): { readonly message: string; readonly type: string } {
  try {
    const root = JsonObject.parse(text)
    const error = root.value('error')
    if (typeof error === 'string') return { type: error, message: root.optionalString('error_description') ?? '' }
    const inner = root.requireObject('error')
    return { message: inner.optionalString('message') ?? '', type: inner.optionalString('type') ?? '' }
  } catch {
    // Proxies answer in HTML.
    return { message: text.trimStart().startsWith('<') ? '' : text.trim(), type: '' }
  }
}
