import type { FileIO } from '../io/file-io.js'
import { FloeError } from '../util/errors.js'
import { decodeFileMetaData } from './file-metadata.js'
import type { FileMetaData } from './file-metadata.js'

export interface FooterLocation {
  readonly io: FileIO
  readonly location: string
  readonly fileSizeBytes: number
  readonly signal?: AbortSignal | undefined
}

/** The last bytes of a file, from `offset` on. */
export interface FileTail {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Read at once in the hope that the whole footer is in it. */
const TAIL_BYTES = 64 * 1024
const MAX_FOOTER_BYTES = 256 * 2 ** 20

/**
 * Reads the footer of a file in one request, or two when it is large.
 * @throws FloeError `CORRUPT` naming the file when it is no Parquet file, or damaged; `UNSUPPORTED` when it is encrypted.
 */
export async function readFooter(file: FooterLocation): Promise<FileMetaData> {
  return (await readFooterAndTail(file)).footer
}

/** The same with the bytes that came along: indexes are often among them. */
export async function readFooterAndTail(file: FooterLocation): Promise<{ readonly footer: FileMetaData; readonly tail: FileTail }> {
  const { fileSizeBytes: size } = file
  if (size < 12) throw new FloeError('CORRUPT', `${size} bytes are no Parquet file`, { file: file.location })
  const tail = await readEnd(file, Math.min(size, TAIL_BYTES))
  const magic = String.fromCharCode(...tail.subarray(tail.length - 4))
  if (magic === 'PARE') throw new FloeError('UNSUPPORTED', 'the Parquet footer is encrypted', { file: file.location })
  if (magic !== 'PAR1') throw new FloeError('CORRUPT', 'the file does not end as a Parquet file does; it may be truncated', { file: file.location })
  const length = new DataView(tail.buffer, tail.byteOffset + tail.length - 8, 4).getUint32(0, true)
  if (length > size - 12 || length > MAX_FOOTER_BYTES) {
    throw new FloeError('CORRUPT', `the Parquet footer declares ${length} bytes in a file of ${size}`, { file: file.location })
  }
  const whole = length + 8 <= tail.length ? tail : await readEnd(file, length + 8)
  const footer = namingFile(file.location, () => decodeFileMetaData(whole.subarray(whole.length - 8 - length, whole.length - 8)))
  return { footer, tail: { offset: size - whole.length, bytes: whole } }
}

function readEnd(file: FooterLocation, length: number): Promise<Uint8Array> {
  return file.io.read(file.location, { range: { offset: file.fileSizeBytes - length, length }, signal: file.signal })
}

/** Adds the file's name to an error of decoding. */
export function namingFile<T>(location: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw withFile(location, error)
  }
}

export function withFile(location: string, error: unknown): unknown {
  if (!(error instanceof FloeError) || error.file !== undefined) return error
  const column = error.column === undefined ? {} : { column: error.column }
  return new FloeError(error.code, error.message, { file: location, cause: error.cause, ...column })
}
