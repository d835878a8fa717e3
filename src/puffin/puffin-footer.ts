/**
 * Puffin files: blobs, and a footer that says what they are. This folder turns bytes into blobs and back; it does not fetch, and
 * knows nothing of what is in a blob. Spec: Puffin file format
 */
import { FloeError } from '../util/errors.js'
import { JsonObject, printJson, type JsonMembers } from '../util/json.js'
import { decodeUtf8, encodeUtf8 } from '../util/utf8.js'

/** `PFA1`, at the head of the file, at the head of the footer and at the end. */
export const PUFFIN_MAGIC: Uint8Array = Uint8Array.of(0x50, 0x46, 0x41, 0x31)

/** Bytes at the end of every file: payload size, flags and magic. */
export const PUFFIN_TAIL_BYTES = 12

const FOOTER_COMPRESSED_FLAG = 1
/** More than any writer makes: ten million blobs take less. */
const MAX_PAYLOAD_BYTES = 2 ** 30

/** Spec: Footer Payload › BlobMetadata */
export interface PuffinBlob {
  /** As `deletion-vector-v1`. */
  readonly type: string
  /** Ids of the fields that the blob was computed from, in order. */
  readonly fields: readonly number[]
  /** -1n: not known when the file was written. */
  readonly snapshotId: bigint
  readonly sequenceNumber: bigint
  /** In bytes from the start of the file. */
  readonly offset: number
  /** In bytes, as stored. */
  readonly length: number
  /** Absent: stored as it is. */
  readonly compressionCodec?: string | undefined
  readonly properties: ReadonlyMap<string, string>
}

/** Spec: Footer Payload › FileMetadata */
export interface PuffinFooter {
  readonly blobs: readonly PuffinBlob[]
  /** As `created-by`. */
  readonly properties: ReadonlyMap<string, string>
}

export interface PuffinSource {
  readonly fileSizeBytes: number
  /** Where the file lies, for errors. */
  readonly file?: string | undefined
}

/**
 * How many bytes at the end of the file the footer takes, told by the last {@link PUFFIN_TAIL_BYTES} of them.
 * @throws FloeError `CORRUPT` when they are no end of a Puffin file, `UNSUPPORTED` for flags of a later version
 */
export function puffinFooterLength(tail: Uint8Array, source: PuffinSource): number {
  if (tail.length < PUFFIN_TAIL_BYTES) throw corrupt(source, `it has ${tail.length} bytes, too few for a footer`)
  const end = tail.subarray(tail.length - PUFFIN_TAIL_BYTES)
  requireMagic(end, 8, source)
  const payloadBytes = new DataView(end.buffer, end.byteOffset).getInt32(0, true)
  if (end[5] !== 0 || end[6] !== 0 || end[7] !== 0 || (end[4]! & ~FOOTER_COMPRESSED_FLAG) !== 0) {
    const flags = [...end.subarray(4, 8)].join(' ')
    throw new FloeError('UNSUPPORTED', `The Puffin file has the flags ${flags} of a later version of the format`, { file: source.file })
  }
  const length = PUFFIN_MAGIC.length + payloadBytes + PUFFIN_TAIL_BYTES
  if (payloadBytes < 0 || payloadBytes > MAX_PAYLOAD_BYTES || length > source.fileSizeBytes - PUFFIN_MAGIC.length) {
    throw corrupt(source, `its footer claims ${payloadBytes} bytes in a file of ${source.fileSizeBytes}`)
  }
  return length
}

/**
 * Reads a footer, which must be all of `bytes`. Blobs lie between the head of the file and the footer, and apart from each other.
 * @throws FloeError `CORRUPT`, naming what is wrong; `UNSUPPORTED` for a compressed footer
 */
export function decodePuffinFooter(bytes: Uint8Array, source: PuffinSource): PuffinFooter {
  const length = puffinFooterLength(bytes, source)
  if (length !== bytes.length) throw corrupt(source, `its footer has ${bytes.length} bytes, and claims to have ${length}`)
  requireMagic(bytes, 0, source)
  if ((bytes[bytes.length - 8]! & FOOTER_COMPRESSED_FLAG) !== 0) {
    throw new FloeError('UNSUPPORTED', 'The footer of the Puffin file is compressed with LZ4, which no reference implementation reads either', {
      file: source.file,
    })
  }
  const json = JsonObject.parse(payloadText(bytes, source), { source: source.file })
  const blobs = json.requireObjects('blobs').map(parseBlob)
  checkPlaces(blobs, source, source.fileSizeBytes - length)
  return { blobs, properties: json.optionalStringMap('properties') ?? new Map<string, string>() }
}

/** The bytes that follow the last blob. Source: Java `FileMetadataParser` */
export function encodePuffinFooter(footer: PuffinFooter): Uint8Array {
  const members: JsonMembers = {
    blobs: footer.blobs.map(printBlob),
    properties: footer.properties.size > 0 ? footer.properties : undefined,
  }
  const payload = encodeUtf8(printJson(members))
  const bytes = new Uint8Array(PUFFIN_MAGIC.length + payload.length + PUFFIN_TAIL_BYTES)
  bytes.set(PUFFIN_MAGIC)
  bytes.set(payload, PUFFIN_MAGIC.length)
  new DataView(bytes.buffer).setInt32(PUFFIN_MAGIC.length + payload.length, payload.length, true)
  bytes.set(PUFFIN_MAGIC, bytes.length - PUFFIN_MAGIC.length)
  return bytes
}

/** Throws `CORRUPT` unless the magic stands at `offset`. */
export function requireMagic(bytes: Uint8Array, offset: number, source: PuffinSource): void {
  if (PUFFIN_MAGIC.every((byte, i) => bytes[offset + i] === byte)) return
  throw corrupt(source, 'it lacks the mark PFA1 where one must be')
}

function corrupt(source: PuffinSource, problem: string): FloeError {
  return new FloeError('CORRUPT', `Corrupt Puffin file: ${problem}`, { file: source.file })
}

function payloadText(bytes: Uint8Array, source: PuffinSource): string {
  try {
    return decodeUtf8(bytes.subarray(PUFFIN_MAGIC.length, bytes.length - PUFFIN_TAIL_BYTES))
  } catch (cause) {
    throw new FloeError('CORRUPT', 'Corrupt Puffin file: its footer is not UTF-8', { file: source.file, cause })
  }
}

function parseBlob(json: JsonObject): PuffinBlob {
  return {
    type: json.requireString('type'),
    fields: json.requireInts('fields'),
    snapshotId: json.requireLong('snapshot-id'),
    sequenceNumber: json.requireLong('sequence-number'),
    offset: json.requireSafeInteger('offset'),
    length: json.requireSafeInteger('length'),
    compressionCodec: json.optionalString('compression-codec'),
    properties: json.optionalStringMap('properties') ?? new Map<string, string>(),
  }
}

function printBlob(blob: PuffinBlob): JsonMembers {
  return {
    type: blob.type,
    fields: blob.fields,
    'snapshot-id': blob.snapshotId,
    'sequence-number': blob.sequenceNumber,
    offset: blob.offset,
    length: blob.length,
    'compression-codec': blob.compressionCodec,
    properties: blob.properties.size > 0 ? blob.properties : undefined,
  }
}

function checkPlaces(blobs: readonly PuffinBlob[], source: PuffinSource, end: number): void {
  let previousEnd = PUFFIN_MAGIC.length
  for (const { offset, length, type } of blobs.toSorted((a, b) => (a.offset === b.offset ? a.length - b.length : a.offset - b.offset))) {
    const place = `its blob of type ${type} has ${length} bytes at offset ${offset}`
    if (length < 0 || offset < PUFFIN_MAGIC.length || offset > end - length) {
      throw corrupt(source, `${place}, outside of the ${end} bytes before the footer`)
    }
    if (offset < previousEnd) throw corrupt(source, `${place}, inside of another blob`)
    previousEnd = offset + length
  }
}
