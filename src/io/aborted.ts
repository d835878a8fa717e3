import { FloeError } from '../util/errors.js'

/** Throws `ABORTED` once `signal` has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedError(signal)
}

/** The typed form of an abort; nothing was committed. */
export function abortedError(signal?: AbortSignal): FloeError {
  return new FloeError('ABORTED', 'The operation was aborted by the caller', { cause: signal?.reason })
}
