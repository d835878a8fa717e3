import { throwIfAborted } from '../io/aborted.js'
import { mapParallel } from '../io/bounded-parallel.js'
import type { FileIO } from '../io/file-io.js'
import { FloeError, isFloeError } from '../util/errors.js'

/** A file that was to be deleted and is, as far as is known, still there. */
export interface HeldFile {
  readonly location: string
  /**
   * `denied`: the store refused, for want of permission or because the object is locked. `outside`: it lies where this catalog
   * does not let the table reach. `failed`: no answer, or another error. `stopped`: it was not tried any more.
   */
  readonly reason: 'denied' | 'outside' | 'failed' | 'stopped'
  /** For people. */
  readonly message: string
}

export interface DeleteFilesOptions {
  readonly signal?: AbortSignal | undefined
  /** Called with what is known to be gone, batch by batch. */
  readonly onDeleted?: ((locations: readonly string[]) => void) | undefined
}

/** What one request of an object store takes. */
const BATCH = 1000
const PARALLEL_BATCHES = 4
const PARALLEL_FILES = 8
/** Of one batch; a store that is away is not asked a thousand times. */
const MAX_UNAVAILABLE = 8

/**
 * Deletes files in batches, and answers those that stay. A batch that fails is tried again file by file, so that one that is
 * locked holds up no other. Never throws: what an abort leaves is answered as `stopped`.
 */
export async function deleteFiles(
  io: FileIO,
  locations: readonly string[],
  options: DeleteFilesOptions = {},
): Promise<readonly HeldFile[]> {
  const count = Math.ceil(locations.length / BATCH)
  const batches = Array.from({ length: count }, (_, i) => locations.slice(i * BATCH, (i + 1) * BATCH))
  const held = await mapParallel(batches, PARALLEL_BATCHES, (batch) => deleteBatch(io, batch, options))
  return held.flat()
}

async function deleteBatch(io: FileIO, batch: readonly string[], options: DeleteFilesOptions): Promise<readonly HeldFile[]> {
  if (options.signal?.aborted === true) return batch.map(stopped)
  try {
    await io.delete(batch)
    options.onDeleted?.(batch)
    return []
  } catch {
    return deleteEach(io, batch, options)
  }
}

async function deleteEach(io: FileIO, batch: readonly string[], options: DeleteFilesOptions): Promise<readonly HeldFile[]> {
  let unavailable = 0
  const outcomes = await mapParallel(batch, PARALLEL_FILES, async (location): Promise<HeldFile | undefined> => {
    if (unavailable >= MAX_UNAVAILABLE) return stopped(location)
    try {
      throwIfAborted(options.signal)
      await io.delete([location])
      unavailable = 0
      options.onDeleted?.([location])
      return undefined
    } catch (error) {
      if (isFloeError(error, 'ABORTED')) return stopped(location)
      if (!isFloeError(error) || error.code === 'UNAVAILABLE') unavailable++
      return { location, reason: heldReason(error), message: error instanceof Error ? error.message : String(error) }
    }
  })
  return outcomes.filter((outcome) => outcome !== undefined)
}

/** Why a file that could not be touched stays. */
export function heldReason(error: unknown): HeldFile['reason'] {
  if (isFloeError(error, 'ABORTED')) return 'stopped'
  if (isFloeError(error, 'UNAUTHORIZED')) return 'denied'
  return isFloeError(error, 'INVALID') ? 'outside' : 'failed'
}

function stopped(location: string): HeldFile {
  return { location, reason: 'stopped', message: 'It was not tried: the operation was aborted, or the store stopped answering' }
}

/** What stays, as one warning. */
export function heldFilesWarning(held: readonly HeldFile[]): FloeError | undefined {
  const [first] = held
  if (first === undefined) return undefined
  const others = held.length === 1 ? '' : ` and ${held.length - 1} others`
  const message = `could not delete a file${others} that the table no longer needs; removing orphan files will try again: ${first.message}`
  return new FloeError('UNAVAILABLE', message, { file: first.location })
}
