import { crc32 } from 'node:zlib'
import type { FileIO } from '../io/file-io.js'
import type { DataFile } from '../manifest/data-file.js'
import { PUFFIN_TAIL_BYTES, type PuffinBlob } from '../puffin/puffin-footer.js'
import { FloeError } from '../util/errors.js'
import { readVectorFooter, type VectorFooter } from './deletion-vector-footer.js'
import { PositionBitmap } from './position-bitmap.js'

/** Type of the blobs that hold deletion vectors. */
export const DELETION_VECTOR_BLOB_TYPE = 'deletion-vector-v1'
/** Blob property: the location of the data file. */
export const REFERENCED_DATA_FILE_PROPERTY = 'referenced-data-file'
/** Blob property: how many positions the vector has. */
export const CARDINALITY_PROPERTY = 'cardinality'

const MAGIC = 0xd1d33964
const LENGTH_BYTES = 4
const MAGIC_BYTES = 4
const CRC_BYTES = 4
const FRAME_BYTES = LENGTH_BYTES + MAGIC_BYTES + CRC_BYTES
const MAX_BLOB_BYTES = 2 ** 31 - 1

/** What a manifest says of a vector. Vectors share files: path, offset and size together tell which one it is. */
export type DeletionVectorRef = Pick<DataFile, 'filePath' | 'contentOffset' | 'contentSizeBytes' | 'recordCount' | 'referencedDataFile'> & {
  /** Saves a request when known. */
  readonly fileSizeBytes?: number | undefined
}

export interface DecodeVectorOptions {
  /** Where the vector lies, for errors. */
  readonly file?: string | undefined
  /** How many positions it must have. */
  readonly cardinality?: number | undefined
}

export interface LoadVectorOptions {
  readonly signal?: AbortSignal | undefined
  /** The data file that the vector is to be applied to. */
  readonly dataFilePath?: string | undefined
  /** Gives the footer of the vector's file, which many vectors share. Default: it is read for each vector. */
  readonly loadFooter?: (() => Promise<VectorFooter>) | undefined
}

/**
 * The bytes of a vector as they lie in a Puffin file, those that the reference writes.
 * Spec: Puffin › Blob types › deletion-vector-v1. Source: Java `BitmapPositionDeleteIndex.serialize`
 *
 * @throws FloeError `UNSUPPORTED` for a vector of 2 GiB
 */
export function encodeVectorBlob(bitmap: PositionBitmap): Uint8Array {
  const vector = bitmap.encode()
  const length = vector.length + FRAME_BYTES
  if (length > MAX_BLOB_BYTES) {
    throw new FloeError('UNSUPPORTED', `A deletion vector of ${length} bytes is over the limit of 2 GiB: compact the table`)
  }
  const blob = new Uint8Array(length)
  const view = new DataView(blob.buffer)
  view.setUint32(0, MAGIC_BYTES + vector.length, false)
  view.setUint32(LENGTH_BYTES, MAGIC, false)
  blob.set(vector, LENGTH_BYTES + MAGIC_BYTES)
  view.setUint32(length - CRC_BYTES, crc32(blob.subarray(LENGTH_BYTES, length - CRC_BYTES)), false)
  return blob
}

/**
 * Reads a vector of exactly the bytes it takes in its file. The bitmap may keep views of `bytes`, which must not change any more.
 * @throws FloeError `CORRUPT` when length, magic, checksum, vector or cardinality is wrong
 */
export function decodeVectorBlob(bytes: Uint8Array, options: DecodeVectorOptions = {}): PositionBitmap {
  const { file, cardinality } = options
  if (bytes.length < FRAME_BYTES) throw corrupt(file, `it has ${bytes.length} bytes, too few for a vector`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getUint32(0, false)
  if (length !== bytes.length - LENGTH_BYTES - CRC_BYTES) {
    throw corrupt(file, `it claims ${length} bytes, and has ${bytes.length - LENGTH_BYTES - CRC_BYTES}`)
  }
  if (view.getUint32(LENGTH_BYTES, false) !== MAGIC) throw corrupt(file, 'it lacks the mark D1 D3 39 64')
  const end = bytes.length - CRC_BYTES
  if (crc32(bytes.subarray(LENGTH_BYTES, end)) !== view.getUint32(end, false)) throw corrupt(file, 'its checksum does not match its bytes')
  const bitmap = PositionBitmap.decode(bytes.subarray(LENGTH_BYTES + MAGIC_BYTES, end), { file })
  if (cardinality !== undefined && bitmap.cardinality !== cardinality) {
    throw corrupt(file, `it deletes ${bitmap.cardinality} rows, and should delete ${cardinality}`)
  }
  return bitmap
}

/**
 * Fetches and verifies a vector: that manifest and footer agree on where it lies, what file it deletes from and how many rows,
 * and that its bytes are whole.
 *
 * @throws FloeError `CORRUPT` when anything of this does not hold, `NOT_FOUND` when the file is gone
 */
export async function loadDeletionVector(io: FileIO, ref: DeletionVectorRef, options: LoadVectorOptions = {}): Promise<PositionBitmap> {
  const { signal, dataFilePath } = options
  const { filePath, contentOffset, contentSizeBytes } = checkedRef(ref, dataFilePath)
  const [footer, bytes] = await Promise.all([
    options.loadFooter?.() ?? readVectorFooter(io, ref, signal),
    io.read(filePath, { range: { offset: contentOffset, length: contentSizeBytes }, signal }),
  ])
  const blob = footer.get(contentOffset)
  if (blob === undefined) throw corrupt(filePath, `its file has no blob at offset ${contentOffset}`)
  checkBlob(blob, ref)
  return decodeVectorBlob(bytes, { file: filePath, cardinality: ref.recordCount })
}

interface CheckedRef extends DeletionVectorRef {
  readonly contentOffset: number
  readonly contentSizeBytes: number
}

function checkedRef(ref: DeletionVectorRef, dataFilePath: string | undefined): CheckedRef {
  const { filePath, contentOffset, contentSizeBytes, referencedDataFile, fileSizeBytes } = ref
  if (contentOffset === undefined || contentSizeBytes === undefined || referencedDataFile === undefined) {
    throw corrupt(filePath, 'its manifest entry lacks content_offset, content_size_in_bytes or referenced_data_file')
  }
  if (dataFilePath !== undefined && dataFilePath !== referencedDataFile) {
    throw corrupt(filePath, `it belongs to ${referencedDataFile}, not to ${dataFilePath}`)
  }
  const isInFile = fileSizeBytes === undefined || contentOffset <= fileSizeBytes - PUFFIN_TAIL_BYTES - contentSizeBytes
  if (contentOffset < 0 || contentSizeBytes < FRAME_BYTES || contentSizeBytes > MAX_BLOB_BYTES || !isInFile) {
    throw corrupt(filePath, `its manifest entry says ${contentSizeBytes} bytes at offset ${contentOffset}, which no vector takes`)
  }
  return { ...ref, contentOffset, contentSizeBytes }
}

function checkBlob(blob: PuffinBlob, ref: DeletionVectorRef): void {
  const { filePath, referencedDataFile, contentSizeBytes, recordCount } = ref
  if (blob.type !== DELETION_VECTOR_BLOB_TYPE) throw corrupt(filePath, `the blob at offset ${blob.offset} is of type ${blob.type}`)
  if (blob.length !== contentSizeBytes) throw corrupt(filePath, `its footer says ${blob.length} bytes, and the manifest ${contentSizeBytes}`)
  if (blob.compressionCodec !== undefined) throw corrupt(filePath, `it is compressed with ${blob.compressionCodec}, which vectors must not be`)
  const file = blob.properties.get(REFERENCED_DATA_FILE_PROPERTY)
  if (file !== undefined && file !== referencedDataFile) {
    throw corrupt(filePath, `its footer says that it belongs to ${file}, and the manifest to ${referencedDataFile}`)
  }
  const cardinality = blob.properties.get(CARDINALITY_PROPERTY)
  if (cardinality !== undefined && cardinality !== String(recordCount)) {
    throw corrupt(filePath, `its footer says ${cardinality} rows, and the manifest ${recordCount}`)
  }
}

function corrupt(file: string | undefined, problem: string): FloeError {
  return new FloeError('CORRUPT', `Damaged deletion vector: ${problem}. Restore the file, or rewrite the deletes of its data file`, { file })
}
