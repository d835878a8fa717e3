import { redactLocation } from './redact-location.js'

/** What the caller can do next; the only part of an error that is API besides its fields. */
export type FloeErrorCode =
  /** The input breaks a rule: fix the call, the row or the schema. */
  | 'INVALID'
  /** The table, snapshot, ref, column or file does not exist. */
  | 'NOT_FOUND'
  /** The table, branch or object exists already. */
  | 'ALREADY_EXISTS'
  /** A concurrent commit invalidated this one; nothing was committed. */
  | 'CONFLICT'
  /** The commit may or may not have landed; nothing was deleted. Reload and look before retrying. */
  | 'COMMIT_STATE_UNKNOWN'
  /** Stored bytes break the format: restore or repair the file that the message names. */
  | 'CORRUPT'
  /** Valid, but not supported by this version. */
  | 'UNSUPPORTED'
  /** Credentials are missing or refused. */
  | 'UNAUTHORIZED'
  /** The store or catalog did not answer; the same call may go through later. */
  | 'UNAVAILABLE'
  /** The caller's AbortSignal fired; nothing was committed. */
  | 'ABORTED'

/** Where the problem is. Every member that is known is filled in, and printed in the message. */
export interface ErrorContext {
  readonly table?: string
  /** Its location; users, passwords and queries of URLs are left out. */
  readonly file?: string
  readonly column?: string
  readonly cause?: unknown
  /** Whether the same call may succeed unchanged later. Default: true for `UNAVAILABLE` and `CONFLICT`. */
  readonly retryable?: boolean
}

/** The one error class of this package. */
export class FloeError extends Error {
  override readonly name = 'FloeError'
  readonly code: FloeErrorCode
  readonly retryable: boolean
  readonly table: string | undefined
  readonly file: string | undefined
  readonly column: string | undefined

  constructor(code: FloeErrorCode, message: string, context: ErrorContext = {}) {
    const file = context.file === undefined ? undefined : redactLocation(context.file)
    const where = [
      context.table === undefined ? undefined : `table ${context.table}`,
      file === undefined ? undefined : `file ${file}`,
      context.column === undefined ? undefined : `column ${context.column}`,
    ].filter((part) => part !== undefined)
    super(where.length === 0 ? message : `${message} (${where.join(', ')})`, { cause: context.cause })
    this.code = code
    this.table = context.table
    this.file = file
    this.column = context.column
    this.retryable = context.retryable ?? (code === 'UNAVAILABLE' || code === 'CONFLICT')
  }

  /** The same error, said of a table: layers that know the name add it for those that do not. */
  withTable(table: string): FloeError {
    const { file, column, cause, retryable } = this
    const named = new FloeError(this.code, `${this.message} (table ${table})`, { cause, retryable })
    Object.assign(named, { table, file, column })
    if (this.stack !== undefined) named.stack = this.stack.replace(this.message, named.message)
    return named
  }
}

/** Whether `error` is a {@link FloeError}, optionally with one of the given codes. */
export function isFloeError(error: unknown, ...codes: readonly FloeErrorCode[]): error is FloeError {
  return error instanceof FloeError && (codes.length === 0 || codes.includes(error.code))
}
