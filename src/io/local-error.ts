import { FloeError } from '../util/errors.js'
import type { FloeErrorCode } from '../util/errors.js'

const CODES: Readonly<Record<string, FloeErrorCode>> = {
  ENOENT: 'NOT_FOUND',
  ENOTDIR: 'NOT_FOUND',
  EISDIR: 'NOT_FOUND',
  EEXIST: 'ALREADY_EXISTS',
  EACCES: 'UNAUTHORIZED',
  EPERM: 'UNAUTHORIZED',
  EROFS: 'UNAUTHORIZED',
  ELOOP: 'INVALID',
  ENAMETOOLONG: 'INVALID',
  EINVAL: 'INVALID',
}

/** The system's error code, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return typeof code === 'string' ? code : undefined
}

/** A failure of the file system as a typed error; everything that may pass (full disk, too many open files) is `UNAVAILABLE`. */
export function localError(error: unknown, doing: string, location: string): FloeError {
  if (error instanceof FloeError) return error
  const system = systemCode(error)
  const code = system === undefined ? 'UNAVAILABLE' : (CODES[system] ?? 'UNAVAILABLE')
  const reason = error instanceof Error ? error.message.split(',')[0]! : String(error)
  return new FloeError(code, `Cannot ${doing}: ${reason}`, { file: location, cause: error })
}
