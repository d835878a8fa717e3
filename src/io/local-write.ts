/** Writing one file of a local disk so that it is there whole, or not at all, whatever fails. */
import { link, mkdir, open, rename, stat, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path/posix'
import { FloeError } from '../util/errors.js'
import { throwIfAborted } from './aborted.js'
import { localError, systemCode } from './local-error.js'

const MAX_FOLDER_ATTEMPTS = 3

export interface LocalWrite {
  readonly path: string
  /** As the caller wrote it, for messages. */
  readonly location: string
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
  /** Refuse with `ALREADY_EXISTS` when the file exists; else it is replaced whole. */
  readonly createOnly: boolean
  /** Wait until file and folder are on the disk. */
  readonly sync: boolean
  /** Unique among all writers. */
  readonly token: string
  readonly signal?: AbortSignal | undefined
}

/**
 * Writes a temporary file beside the target, brings it to the disk, and gives it its name: with `link`, which fails when
 * the name is taken, for `createOnly`; else with `rename`. Never `rename` for a creation: it replaces silently.
 *
 * A failure after the name was given throws `COMMIT_STATE_UNKNOWN` for `createOnly`; every other failure proves that the
 * target was not touched.
 */
export async function writeLocal(write: LocalWrite): Promise<void> {
  const { path, location, createOnly } = write
  if (path.endsWith('/')) throw new FloeError('INVALID', 'A file cannot be written under a name that ends in a slash', { file: location })
  throwIfAborted(write.signal)
  if (createOnly && (await exists(path))) throw alreadyExists(location)
  const folder = dirname(path)
  const temporary = `${folder}/.floe-${write.token}.tmp`
  try {
    const handle = await openTemporary(temporary, folder, write.sync)
    try {
      await writeBody(handle, write)
      if (write.sync) await handle.sync()
    } finally {
      await handle.close()
    }
    throwIfAborted(write.signal)
    if (createOnly) await linkOnce(temporary, path, location)
    else await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw notWritten(error, location)
  }
  if (createOnly) await unlink(temporary).catch(() => undefined)
  if (write.sync) await syncNamed(folder, write)
}

/** A failure before the name was given; one of the source stays what it is. */
function notWritten(error: unknown, location: string): unknown {
  return systemCode(error) === undefined ? error : localError(error, 'write the file', location)
}

async function syncNamed(folder: string, write: LocalWrite): Promise<void> {
  try {
    await syncFolder(folder)
  } catch (cause) {
    if (!write.createOnly) throw localError(cause, 'bring the folder to the disk', write.location)
    throw new FloeError('COMMIT_STATE_UNKNOWN', 'The file has its name, but its folder could not be brought to the disk', {
      file: write.location,
      cause,
    })
  }
}

async function linkOnce(temporary: string, path: string, location: string): Promise<void> {
  try {
    await link(temporary, path)
  } catch (error) {
    const code = systemCode(error)
    // A network file system may repeat a request whose answer was lost, and so find its own link in the way.
    if (code === 'EEXIST') {
      if (await sameFile(temporary, path)) return
      throw alreadyExists(location)
    }
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'ENOSYS' || code === 'EMLINK') {
      throw new FloeError(
        'UNSUPPORTED',
        'This file system has no hard links, without which two writers can overwrite each other; keep the table on another one',
        { file: location, cause: error },
      )
    }
    throw error
  }
}

async function sameFile(a: string, b: string): Promise<boolean> {
  try {
    const [first, second] = await Promise.all([stat(a, { bigint: true }), stat(b, { bigint: true })])
    return first.ino === second.ino && first.dev === second.dev
  } catch {
    return false
  }
}

async function writeBody(handle: FileHandle, write: LocalWrite): Promise<void> {
  if (write.body instanceof Uint8Array) return writeChunk(handle, write.body)
  for await (const chunk of write.body) {
    throwIfAborted(write.signal)
    await writeChunk(handle, chunk)
  }
}

async function writeChunk(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  let offset = 0
  while (offset < chunk.length) {
    const { bytesWritten } = await handle.write(chunk, offset, chunk.length - offset)
    offset += bytesWritten
  }
}

/** The folder may be missing, and may vanish again between its making and the opening, when another process tidies up. */
async function openTemporary(temporary: string, folder: string, sync: boolean): Promise<FileHandle> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await open(temporary, 'wx')
    } catch (cause) {
      if (systemCode(cause) !== 'ENOENT') throw cause
      if (attempt === MAX_FOLDER_ATTEMPTS) {
        const reason = 'The folder cannot be made: a link on the way may lead nowhere, as to a disk that is not mounted'
        throw new FloeError('NOT_FOUND', reason, { file: folder, cause })
      }
      const first = await makeFolders(folder)
      if (sync && first !== undefined) await syncNewFolders(first, folder)
    }
  }
}

/**
 * Makes the folder and what is missing above it, and says which was the first one made. Level by level: the recursive making of Node
 * tries without end where a folder exists in which none can be made, as below `/proc`.
 */
async function makeFolders(folder: string): Promise<string | undefined> {
  const missing: string[] = []
  let [level, outcome] = [folder, await makeFolder(folder)]
  while (outcome === 'parent missing' && level !== '/') {
    missing.push(level)
    level = dirname(level)
    outcome = await makeFolder(level)
  }
  let first = outcome === 'made' ? level : undefined
  for (const below of missing.reverse()) {
    outcome = await makeFolder(below)
    // What was above it is gone again, or is no place for folders: the opening will tell.
    if (outcome === 'parent missing') break
    if (outcome === 'made') first ??= below
  }
  return first
}

async function makeFolder(path: string): Promise<'made' | 'exists' | 'parent missing'> {
  try {
    await mkdir(path)
    return 'made'
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT') return 'parent missing'
    // Of a folder that exists, some file systems say first that none may be made beside it.
    if (code === 'EEXIST' || (await isFolder(path))) return 'exists'
    throw error
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

/** A new folder is safe once its parent is on the disk, from the first one made down. */
async function syncNewFolders(first: string, last: string): Promise<void> {
  const made = first.endsWith('/') ? first.slice(0, -1) : first
  for (let folder = last; folder.length >= made.length && folder !== '/'; folder = dirname(folder)) await syncFolder(dirname(folder))
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch {
    return false
  }
}

function alreadyExists(location: string): FloeError {
  return new FloeError('ALREADY_EXISTS', 'The file exists already', { file: location })
}
