import { open, rmdir, stat, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { Runtime } from '../util/runtime.js'
import { systemRuntime } from '../util/runtime.js'
import { FloeError } from '../util/errors.js'
import { throwIfAborted } from './aborted.js'
import { mapParallel } from './bounded-parallel.js'
import type { AbortOptions, ByteRange, FileIO, FolderEntry, ObjectStatus, ReadOptions, WriteOptions } from './file-io.js'
import { localError, systemCode } from './local-error.js'
import { localStatus, walkFiles, walkFolder } from './local-list.js'
import { localPath } from './local-path.js'
import { writeLocal } from './local-write.js'
import { objectNotFound, planRanges, resolveRange, sliceAnswers } from './range-plan.js'

export interface LocalFileIOOptions {
  /** Bring files and folders to the disk before a write is acknowledged. Default true; without it a power cut can lose commits. */
  readonly sync?: boolean
  readonly runtime?: Runtime
}

const READ_PARALLEL = 4
const DELETE_PARALLEL = 8
/** On a disk a request costs little: joining ranges across large gaps would only read more. */
const LOCAL_GAP_BYTES = 32 * 1024
/** One read call of the system moves at most 2 GiB. */
const MAX_READ_BYTES = 2 ** 30

/**
 * Files of this machine: `file:` URIs and absolute paths, taken literally (see `localPath`).
 *
 * A file appears whole or not at all. Creation with `ifNoneMatch` is exclusive among all processes that share the disk.
 * There is no compare-and-swap on a disk: `ifMatch` throws `UNSUPPORTED`. Temporary files `.floe-<uuid>.tmp` that a
 * crash left behind show up in `list`, where a clean-up of orphans finds them.
 */
export class LocalFileIO implements FileIO {
  readonly #sync: boolean
  readonly #runtime: Runtime

  constructor(options: LocalFileIOOptions = {}) {
    this.#sync = options.sync ?? true
    this.#runtime = options.runtime ?? systemRuntime
  }

  async read(location: string, options: ReadOptions = {}): Promise<Uint8Array> {
    throwIfAborted(options.signal)
    const { range } = options
    return withFile(location, async (handle, sizeBytes) => {
      const { start, end } = range === undefined ? { start: 0, end: sizeBytes } : resolveRange(range, sizeBytes, location)
      return readExactly(handle, start, end - start, location)
    })
  }

  async readMany(location: string, ranges: readonly ByteRange[], options: AbortOptions = {}): Promise<Uint8Array[]> {
    throwIfAborted(options.signal)
    return withFile(location, async (handle, sizeBytes) => {
      for (const range of ranges) resolveRange(range, sizeBytes, location)
      const plan = planRanges(ranges, { maxGapBytes: LOCAL_GAP_BYTES })
      const answers = await mapParallel(plan, READ_PARALLEL, async (request) => {
        throwIfAborted(options.signal)
        const { start, end } = resolveRange(request.range, sizeBytes, location)
        return readExactly(handle, start, end - start, location)
      })
      return sliceAnswers(ranges, plan, answers)
    })
  }

  async write(location: string, body: Uint8Array | AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<ObjectStatus> {
    if (options.ifMatch !== undefined) {
      throw new FloeError('UNSUPPORTED', 'A local disk has no compare-and-swap; write a new file with ifNoneMatch instead', { file: location })
    }
    const path = localPath(location)
    const createOnly = options.ifNoneMatch === '*'
    await writeLocal({ path, location, body, createOnly, sync: this.#sync, token: this.#runtime.uuid(), signal: options.signal })
    const status = await this.head(location)
    if (status !== undefined) return status
    throw new FloeError(createOnly ? 'COMMIT_STATE_UNKNOWN' : 'UNAVAILABLE', 'The file was removed as soon as it was written', { file: location })
  }

  async head(location: string): Promise<ObjectStatus | undefined> {
    try {
      const stats = await stat(localPath(location), { bigint: true })
      return stats.isFile() ? localStatus(location, stats) : undefined
    } catch (error) {
      const code = systemCode(error)
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw localError(error, 'look at the file', location)
    }
  }

  list(prefix: string, options: AbortOptions = {}): AsyncIterable<ObjectStatus> {
    return walkFiles(localPath(prefix), prefix, options.signal)
  }

  listFolder(folder: string, options: AbortOptions = {}): AsyncIterable<FolderEntry> {
    return walkFolder(localPath(folder), folder, options.signal)
  }

  async delete(locations: readonly string[]): Promise<void> {
    await mapParallel(locations, DELETE_PARALLEL, deleteOne)
  }
}

async function deleteOne(location: string): Promise<void> {
  const path = localPath(location)
  const isFolder = path.endsWith('/')
  try {
    if (isFolder) await rmdir(path)
    else await unlink(path)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return
    // An object store's folder is gone when its last object is; one that still holds some stays.
    if (isFolder && (code === 'ENOTEMPTY' || code === 'EEXIST')) return
    if (!isFolder && (code === 'EISDIR' || code === 'EPERM') && (await isDirectory(path))) return
    throw localError(error, 'delete the file', location)
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

async function withFile<T>(location: string, use: (handle: FileHandle, sizeBytes: number) => Promise<T>): Promise<T> {
  const path = localPath(location)
  let handle: FileHandle | undefined
  try {
    handle = await open(path, 'r')
    const stats = await handle.stat()
    if (!stats.isFile()) throw objectNotFound(location)
    return await use(handle, stats.size)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') throw objectNotFound(location, error)
    throw localError(error, 'read the file', location)
  } finally {
    await handle?.close()
  }
}

async function readExactly(handle: FileHandle, start: number, length: number, location: string): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, Math.min(length - filled, MAX_READ_BYTES), start + filled)
    if (bytesRead === 0) throw new FloeError('CORRUPT', `The file ended at ${start + filled} while ${length} bytes were read at ${start}`, { file: location })
    filled += bytesRead
  }
  // A plain view: a Buffer's slice would share memory where a Uint8Array's copies.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, length)
}
