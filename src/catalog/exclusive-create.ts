/** Creating an object that exactly one writer may create, and knowing whether it was us. */
import type { FileIO, ObjectStatus } from '../io/file-io.js'
import { waitBeforeRetry } from '../io/retry-delay.js'
import { FloeError, isFloeError } from '../util/errors.js'
import type { Runtime } from '../util/runtime.js'
import { compareBytes } from '../util/utf8.js'
import { decodeMarker } from './version-marker.js'

export type CreateResult =
  | { readonly outcome: 'created'; readonly status: ObjectStatus }
  /** Somebody else's object has the name: ours is not there and never will be. */
  | { readonly outcome: 'taken' }
  /** The version was written and has been retired since: by its nonce it was ours. */
  | { readonly outcome: 'created-and-retired' }
  /** Retired, and without a nonce: whose it was, only the table's history tells. */
  | { readonly outcome: 'retired' }
  /** Proof that nothing was written. */
  | { readonly outcome: 'failed'; readonly reason: FloeError }
  | { readonly outcome: 'unknown'; readonly reason: Error }

/** Each repeats the same condition and the same bytes, so that all of them together write at most once. */
const MAX_ATTEMPTS = 5

export interface ExclusiveObject {
  readonly location: string
  /** Must hold the nonce: equal bytes are then our own. */
  readonly body: Uint8Array
  readonly nonce: string
}

/**
 * Creates an object whose bytes nobody else can have written. A refusal may be the
 * echo of our own success (a proxy or client that repeats requests), so the object is read before it is believed.
 */
export async function createExclusively(io: FileIO, object: ExclusiveObject, runtime: Runtime): Promise<CreateResult> {
  const { location, body } = object
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
      const seen = await lookAt(io, object)
      if (seen !== undefined) return seen
      if (attempt === MAX_ATTEMPTS) {
        return { outcome: 'unknown', reason: doubt ?? new FloeError('UNAVAILABLE', 'The store calls the object present, but does not show it', { file: location }) }
      }
      await waitBeforeRetry({ runtime, attempt })
    }
  }
}

/** What stands at the location; `undefined` when nothing does, or nothing can be seen. */
async function lookAt(io: FileIO, { location, body, nonce }: ExclusiveObject): Promise<CreateResult | undefined> {
  try {
    const bytes = await io.read(location)
    const marker = decodeMarker(bytes)
    if (marker?.kind === 'retired') {
      if (marker.nonce === undefined) return { outcome: 'retired' }
      return { outcome: marker.nonce === nonce ? 'created-and-retired' : 'taken' }
    }
    if (compareBytes(bytes, body) !== 0) return { outcome: 'taken' }
    const status = await io.head(location)
    return status === undefined ? undefined : { outcome: 'created', status }
  } catch {
    return undefined
  }
}
