import * as compression from '../util/compression.js'
import { crc32 } from '../util/crc32.js'
import { FloeError } from '../util/errors.js'

/** As `avro.codec` spells it. */
export type AvroCodec = 'null' | 'deflate' | 'zstandard' | 'snappy'

const SNAPPY_CRC_BYTES = 4
const USUAL_BLOCK_BYTES = 72_000

/** The codec of that name; an absent one is `null`. Throws `UNSUPPORTED` for others. */
export function avroCodec(name: string | undefined, file?: string): AvroCodec {
  if (name === undefined) return 'null'
  if (name === 'null' || name === 'deflate' || name === 'zstandard' || name === 'snappy') return name
  throw new FloeError('UNSUPPORTED', `The Avro codec ${JSON.stringify(name)} is not supported; rewrite the file with deflate, zstandard or snappy`, { file })
}

/** The content of one block. Throws `CORRUPT` on damage and on output over `maxOutputBytes`. */
export function decompressBlock(codec: AvroCodec, bytes: Uint8Array, maxOutputBytes: number): Uint8Array {
  switch (codec) {
    case 'null':
      if (bytes.length > maxOutputBytes) {
        throw new FloeError('CORRUPT', `An Avro block has ${bytes.length} bytes, more than the ${maxOutputBytes} allowed here`)
      }
      return bytes
    case 'deflate':
      return compression.inflateRaw(bytes, maxOutputBytes, expectedBytes(bytes))
    case 'zstandard':
      return compression.decompressZstd(bytes, maxOutputBytes)
    case 'snappy':
      return decompressSnappyBlock(bytes, maxOutputBytes)
  }
}

/** {@link decompressBlock} on the libuv pool where the codec is native. */
export function decompressBlockAsync(codec: AvroCodec, bytes: Uint8Array, maxOutputBytes: number): Promise<Uint8Array> {
  switch (codec) {
    case 'deflate':
      return compression.inflateRawAsync(bytes, maxOutputBytes, expectedBytes(bytes))
    case 'zstandard':
      return compression.decompressZstdAsync(bytes, maxOutputBytes)
    default:
      return Promise.resolve().then(() => decompressBlock(codec, bytes, maxOutputBytes))
  }
}

/** `level` is the codec's own; it means nothing to null and snappy. */
export function compressBlock(codec: AvroCodec, bytes: Uint8Array, level: number | undefined): Uint8Array {
  switch (codec) {
    case 'null':
      return bytes
    case 'deflate':
      return compression.deflateRaw(bytes, level)
    case 'zstandard':
      return compression.compressZstd(bytes, level)
    case 'snappy':
      return compressSnappyBlock(bytes)
  }
}

/** {@link compressBlock} on the libuv pool where the codec is native. */
export function compressBlockAsync(codec: AvroCodec, bytes: Uint8Array, level: number | undefined): Promise<Uint8Array> {
  switch (codec) {
    case 'deflate':
      return compression.deflateRawAsync(bytes, level)
    case 'zstandard':
      return compression.compressZstdAsync(bytes, level)
    default:
      return Promise.resolve().then(() => compressBlock(codec, bytes, level))
  }
}

/** Most writers end a block at 64,000 bytes and the value that crosses it; others write one block per file. */
function expectedBytes(bytes: Uint8Array): number {
  return bytes.length < USUAL_BLOCK_BYTES ? Math.min(USUAL_BLOCK_BYTES, 8 * bytes.length) : 4 * bytes.length
}

/** Avro appends the CRC-32 of the uncompressed block, big-endian. */
function decompressSnappyBlock(bytes: Uint8Array, maxOutputBytes: number): Uint8Array {
  const end = bytes.length - SNAPPY_CRC_BYTES
  if (end < 1) throw new FloeError('CORRUPT', 'Corrupt Avro snappy block: it is too short for its checksum')
  const content = compression.decompressSnappy(bytes.subarray(0, end), maxOutputBytes)
  const expected = new DataView(bytes.buffer, bytes.byteOffset + end, SNAPPY_CRC_BYTES).getUint32(0, false)
  if (crc32(content) !== expected) throw new FloeError('CORRUPT', 'Corrupt Avro snappy block: its checksum does not match')
  return content
}

function compressSnappyBlock(bytes: Uint8Array): Uint8Array {
  const packed = compression.compressSnappy(bytes)
  const block = new Uint8Array(packed.length + SNAPPY_CRC_BYTES)
  block.set(packed)
  new DataView(block.buffer).setUint32(packed.length, crc32(bytes), false)
  return block
}
