import { decompressZstd } from '../util/compression.js'
import { FloeError } from '../util/errors.js'
import { decodePuffinFooter, encodePuffinFooter, PUFFIN_MAGIC, puffinFooterLength, requireMagic } from './puffin-footer.js'
import type { PuffinBlob, PuffinFooter, PuffinSource } from './puffin-footer.js'

/** A blob before it has a place. */
export type NewPuffinBlob = Omit<PuffinBlob, 'offset' | 'length' | 'compressionCodec'> & { readonly content: Uint8Array }

/**
 * A Puffin file of blobs that are stored uncompressed, in order. `blobs` of the result tell where they are.
 * Source: Java `PuffinWriter`
 */
export function encodePuffinFile(
  blobs: readonly NewPuffinBlob[],
  properties: ReadonlyMap<string, string>,
): { readonly bytes: Uint8Array; readonly blobs: readonly PuffinBlob[] } {
  const placed: PuffinBlob[] = []
  let offset = PUFFIN_MAGIC.length
  for (const { content, ...blob } of blobs) {
    placed.push({ ...blob, offset, length: content.length })
    offset += content.length
  }
  const footer = encodePuffinFooter({ blobs: placed, properties })
  const bytes = new Uint8Array(offset + footer.length)
  bytes.set(PUFFIN_MAGIC)
  for (const [i, { content }] of blobs.entries()) bytes.set(content, placed[i]!.offset)
  bytes.set(footer, offset)
  return { bytes, blobs: placed }
}

/** The footer of a whole file. @throws FloeError `CORRUPT`, `UNSUPPORTED` */
export function decodePuffinFile(bytes: Uint8Array, file?: string): PuffinFooter {
  const source: PuffinSource = { fileSizeBytes: bytes.length, file }
  const length = puffinFooterLength(bytes, source)
  requireMagic(bytes, 0, source)
  return decodePuffinFooter(bytes.subarray(bytes.length - length), source)
}

/**
 * What a blob holds, of the bytes it takes in the file: `stored` is returned itself when it is not compressed.
 * @throws FloeError `CORRUPT` when it does not decompress to at most `maxBytes`; `UNSUPPORTED` for LZ4 and unknown codecs
 */
export function decodePuffinBlob(blob: PuffinBlob, stored: Uint8Array, maxBytes: number): Uint8Array {
  if (stored.length !== blob.length) {
    const counts = `${stored.length} bytes, and its footer says ${blob.length}`
    throw new FloeError('CORRUPT', `Corrupt Puffin file: a blob of type ${blob.type} has ${counts}`)
  }
  if (blob.compressionCodec === undefined) return stored
  if (blob.compressionCodec === 'zstd') return decompressZstd(stored, maxBytes)
  throw new FloeError('UNSUPPORTED', `A Puffin blob of type ${blob.type} is compressed with '${blob.compressionCodec}': floe reads zstd`)
}
