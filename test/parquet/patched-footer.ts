import type { FileIO } from '../../src/io/file-io.js'
import { decodeFileMetaData, encodeFileMetaData } from '../../src/parquet/file-metadata.js'
import type { FileMetaData } from '../../src/parquet/file-metadata.js'

/** Offset of the footer in the bytes of a file. */
export function footerStart(bytes: Uint8Array): number {
  return bytes.length - 8 - new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8).getUint32(0, true)
}

/** The same file with another footer. */
export function patchFooter(bytes: Uint8Array, change: (footer: FileMetaData) => FileMetaData): Uint8Array {
  const start = footerStart(bytes)
  const footer = encodeFileMetaData(change(decodeFileMetaData(bytes.subarray(start, bytes.length - 8))))
  const changed = new Uint8Array([...bytes.subarray(0, start), ...footer, 0, 0, 0, 0, ...bytes.subarray(bytes.length - 4)])
  new DataView(changed.buffer).setUint32(changed.length - 8, footer.length, true)
  return changed
}

/** Replaces a stored file by the same with another footer. */
export async function patchFile<T extends { readonly io: FileIO; readonly location: string }>(
  file: T,
  change: (footer: FileMetaData) => FileMetaData,
): Promise<T & { readonly fileSizeBytes: number }> {
  const changed = patchFooter(await file.io.read(file.location), change)
  await file.io.write(file.location, changed)
  return { ...file, fileSizeBytes: changed.length }
}
