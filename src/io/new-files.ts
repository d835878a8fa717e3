import { FloeError, isFloeError } from '../util/errors.js'
import type { FileIO, ObjectStatus, WriteOptions } from './file-io.js'

/** What takes files, and removes them. */
export type FileSink = Pick<FileIO, 'write' | 'delete'>

type Body = Uint8Array | AsyncIterable<Uint8Array>

/**
 * A store for new files whose names nobody else has: one that is found there, whole, is our own. So that a request that something on
 * the way sent twice, or whose answer was lost, is no failure. What the store leaves open fails as `UNAVAILABLE`: nothing refers to the
 * file yet, and no commit is in doubt.
 */
export function newFiles(io: FileIO): FileSink {
  return {
    write: (location, body, options) => writeNew(io, location, body, options),
    delete: (locations) => io.delete(locations),
  }
}

async function writeNew(io: FileIO, location: string, body: Body, options: WriteOptions | undefined): Promise<ObjectStatus> {
  const sent: SentBytes = { bytes: body instanceof Uint8Array ? body.length : 0, isWhole: body instanceof Uint8Array }
  try {
    return await io.write(location, body instanceof Uint8Array ? body : counted(body, sent), options)
  } catch (error) {
    if (!isFloeError(error, 'ALREADY_EXISTS', 'COMMIT_STATE_UNKNOWN')) throw error
    const found = await io.head(location).catch(() => undefined)
    if (found !== undefined && sent.isWhole && found.sizeBytes === sent.bytes) return found
    if (found !== undefined && error.code === 'ALREADY_EXISTS') throw error
    const message = 'the store does not say whether it has written a new file, and nothing was committed: try again'
    throw new FloeError('UNAVAILABLE', message, { file: location, cause: error })
  }
}

interface SentBytes {
  bytes: number
  isWhole: boolean
}

async function* counted(body: AsyncIterable<Uint8Array>, sent: SentBytes): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const bytes of body) {
    sent.bytes += bytes.length
    yield bytes
  }
  sent.isWhole = true
}
