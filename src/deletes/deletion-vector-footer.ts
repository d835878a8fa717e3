import type { FileIO } from '../io/file-io.js'
import { decodePuffinFooter, type PuffinBlob, puffinFooterLength, type PuffinSource } from '../puffin/puffin-footer.js'

/** The blobs of a Puffin file by their offset. Many vectors share one: read once, it serves them all. */
export type VectorFooter = ReadonlyMap<number, PuffinBlob>

/** Which file's footer to read. */
export interface VectorFile {
  readonly filePath: string
  /** Saves a request when known. */
  readonly fileSizeBytes?: number | undefined
}

/** Footers up to this size take one request. */
const FIRST_READ_BYTES = 32 * 1024

/** Reads the footer of a file with vectors. @throws FloeError `CORRUPT`, `UNSUPPORTED`, `NOT_FOUND` */
export async function readVectorFooter(io: FileIO, file: VectorFile, signal?: AbortSignal): Promise<VectorFooter> {
  const { filePath } = file
  const fileSizeBytes = file.fileSizeBytes ?? (await io.head(filePath))?.sizeBytes ?? 0
  const source: PuffinSource = { fileSizeBytes, file: filePath }
  const readEnd = (length: number): Promise<Uint8Array> => {
    const range = { offset: fileSizeBytes - length, length }
    return io.read(filePath, signal === undefined ? { range } : { range, signal })
  }
  const end = await readEnd(Math.min(fileSizeBytes, FIRST_READ_BYTES))
  const length = puffinFooterLength(end, source)
  const bytes = length <= end.length ? end.subarray(end.length - length) : await readEnd(length)
  const blobs = new Map<number, PuffinBlob>()
  for (const blob of decodePuffinFooter(bytes, source).blobs) if (blob.length > 0) blobs.set(blob.offset, blob)
  return blobs
}
