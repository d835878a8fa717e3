import { localError } from '../io/local-error.js'
import { FloeError } from '../util/errors.js'

/**
 * A failure of the operating system, such as that of opening a file, as a typed error that says what could not be done;
 * undefined for any other error. `doing` is by default the call that failed; `file` the one that was asked for, where the
 * error names another or none.
 */
export function systemFailure(error: unknown, doing?: string, file?: string): FloeError | undefined {
  const { syscall, path } = error instanceof Error ? (error as NodeJS.ErrnoException) : {}
  if (syscall === undefined) return undefined
  const what = doing ?? syscall
  const place = file ?? path
  // Without a file it is a stream or a connection, which may be whole again later.
  if (place === undefined) return new FloeError('UNAVAILABLE', `Cannot ${what}: ${(error as Error).message}`, { cause: error })
  return localError(error, what, place)
}
