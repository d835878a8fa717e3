import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { RecordBatchReader } from 'apache-arrow'
import type { RecordBatch } from 'apache-arrow'
import { schemaFromArrow } from '../../arrow/arrow-schema.js'
import { localPath } from '../../io/local-path.js'
import { parseLocation } from '../../io/location.js'
import { FloeError } from '../../util/errors.js'
import { inputBytes } from './input-bytes.js'
import type { InputContext, InputFile } from './input-file.js'

/**
 * Opens an Arrow IPC file or stream; which of the two is seen from its first bytes. Streams, and files on this machine, are
 * read a batch at a time; a file in an object store is held in memory, as its index comes last.
 */
export async function openArrowFile(location: string, context: InputContext): Promise<InputFile> {
  const { signal } = context.options
  const handle = await localHandle(location, context)
  const opened = guarded(location, async () => {
    const reader = await (handle === undefined ? RecordBatchReader.from(inputBytes(location, context)) : RecordBatchReader.from(handle))
    return reader.open()
  })
  const close = async (): Promise<void> => {
    await opened.then((reader) => reader.cancel()).catch(() => undefined)
    await handle?.close().catch(() => undefined)
  }
  opened.catch(() => undefined)
  const reader = await opened.catch(async (error: unknown) => {
    await close()
    throw error
  })
  return {
    location,
    format: 'arrow',
    rowCount: undefined,
    async schema() {
      if (reader.schema === undefined) throw new FloeError('CORRUPT', 'The Arrow data has no schema', { file: location })
      return { schema: schemaFromArrow(reader.schema), basis: 'declared', sampledRows: 0 }
    },
    async *rows(): AsyncGenerator<RecordBatch, void, undefined> {
      for (;;) {
        signal?.throwIfAborted()
        const next = await guarded(location, async () => reader.next())
        if (next.done === true) return
        if ((next.value as RecordBatch).numRows > 0) yield next.value as RecordBatch
      }
    },
    close,
  }
}

/** A regular file of this machine can be read at any place. */
async function localHandle(location: string, { options }: InputContext): Promise<FileHandle | undefined> {
  if (location === '-' || options.io !== undefined || options.pathMapping !== undefined || parseLocation(location).scheme !== 'file') return undefined
  let handle: FileHandle
  try {
    handle = await open(localPath(location))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new FloeError('NOT_FOUND', 'There is no such file', { file: location, cause })
  }
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  return undefined
}

/** The library throws plain errors for whatever is wrong with the bytes. */
async function guarded<T>(location: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof FloeError || (cause as Error).name === 'AbortError') throw cause
    const message = (cause as Error).message
    const isCodec = /compress|codec/i.test(message)
    throw new FloeError(isCodec ? 'UNSUPPORTED' : 'CORRUPT', `The Arrow data cannot be read: ${message}`, { file: location, cause })
  }
}
