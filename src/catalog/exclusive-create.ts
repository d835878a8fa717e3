/** Creating an object that exactly one writer may create, and knowing whether it was us. */
import type { FileIO, ObjectStatus } from '../io/file-io.js'
import { waitBeforeRetry } from '../io/retry-delay.js'
import { FloeError, isFloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { compareBytes } from '../util/utf8.js'

export type CreateResult =
  | { readonly outcome: 'created'; readonly status: ObjectStatus }
  /** Somebody else's object has the name: ours is not there and never will be. */
  | { readonly outcome: 'taken' }
  /** The object has been emptied since; whose it was, only the table's history tells. */
  | { readonly outcome: 'retired' }
  /** Proof that nothing was written. */
  | { readonly outcome: 'failed'; readonly reason: FloeError }
  | { readonly outcome: 'unknown'; readonly reason: Error }

/** Each repeats the same condition and the same bytes, so that all of them together write at most once. */
const MAX_ATTEMPTS = 5

/**
 * Creates `location` with `body`, which must hold a nonce: bytes that are equal to ours are then ours. A refusal may be the
 * echo of our own success (a proxy or client that repeats requests), so the object is read before it is believed.
 */
export async function createExclusively(io: FileIO, location: string, body: Uint8Array, runtime: Runtime): Promise<CreateResult> {
  let doubt: Error | undefined
  for (let attempt = 1; ; attempt++) {
    try {
      return { outcome: 'created', status: await io.write(location, body, { ifNoneMatch: '*' }) }
    } catch (error) {
      const refused = isFloeError(error, 'ALREADY_EXISTS', 'CONFLICT')
      if (!refused) {
        if (doubt === undefined && isFloeError(error, 'UNAUTHORIZED', 'INVALID', 'UNSUPPORTED', 'NOT_FOUND', 'ABORTED')) {
          return { outcome: 'failed', reason: error }
        }
        doubt = error instanceof Error ? error : new Error(String(error))
      }
      const seen = await lookAt(io, location, body)
      if (seen !== undefined) return seen
      if (attempt === MAX_ATTEMPTS) {
        return { outcome: 'unknown', reason: doubt ?? new FloeError('UNAVAILABLE', 'The store calls the object present, but does not show it', { file: location }) }
      }
      await waitBeforeRetry({ runtime, attempt })
    }
  }
}

/** What stands at the location; `undefined` when nothing does, or nothing can be seen. */
async function lookAt(io: FileIO, location: string, body: Uint8Array): Promise<CreateResult | undefined> {
  try {
    const bytes = await io.read(location)
    if (bytes.length === 0 && body.length > 0) return { outcome: 'retired' }
    if (compareBytes(bytes, body) !== 0) return { outcome: 'taken' }
    const status = await io.head(location)
    return status === undefined ? undefined : { outcome: 'created', status }
  } catch {
    return undefined
  }
}
