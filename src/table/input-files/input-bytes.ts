import { createReadStream } from 'node:fs'
import type { FileIO } from '../../io/file-io.js'
import { localPath } from '../../io/local-path.js'
import { parseLocation } from '../../io/location.js'
import { FloeError } from '../../util/errors.js'
import type { InputContext } from './input-file.js'

/** Of an object store, at once. */
const CHUNK_BYTES = 4 * 2 ** 20
const LOCAL_CHUNK_BYTES = 256 * 1024

/** A file's bytes in order, in chunks. Pipes and devices of this machine are read as well. */
export async function* inputBytes(location: string, { io, options }: InputContext): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal } = options
  signal?.throwIfAborted()
  if (location === '-') yield* options.stdin ?? process.stdin
  else if (options.io === undefined && options.pathMapping === undefined && parseLocation(location).scheme === 'file') yield* localBytes(location, signal)
  else yield* storedBytes(location, io, signal)
}

async function* localBytes(location: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* createReadStream(localPath(location), { highWaterMark: LOCAL_CHUNK_BYTES, signal }) as AsyncIterable<Uint8Array>
  } catch (cause) {
    signal?.throwIfAborted()
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOENT') throw new FloeError('NOT_FOUND', 'There is no such file', { file: location, cause })
    if (code === 'EACCES') throw new FloeError('UNAUTHORIZED', 'The file may not be read', { file: location, cause })
    if (code === 'EISDIR') throw new FloeError('INVALID', 'This is a folder: name the files in it', { file: location, cause })
    throw cause
  }
}

async function* storedBytes(location: string, io: FileIO, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  const status = await io.head(location)
  if (status === undefined) throw new FloeError('NOT_FOUND', 'There is no such file', { file: location })
  for (let offset = 0; offset < status.sizeBytes; offset += CHUNK_BYTES) {
    yield await io.read(location, { range: { offset, length: Math.min(CHUNK_BYTES, status.sizeBytes - offset) }, signal })
  }
}
