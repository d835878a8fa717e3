import type { FileIO } from '../../io/file-io.js'
import { newFiles } from '../../io/new-files.js'
import { metadataFileLocation } from '../../metadata/metadata-location.js'
import type { StatisticsFile, TableMetadata } from '../../metadata/table-metadata.js'
import { decodePuffinBlob, encodePuffinFile, type NewPuffinBlob } from '../../puffin/puffin-file.js'
import { decodePuffinFooter, PUFFIN_TAIL_BYTES, puffinFooterLength, type PuffinBlob } from '../../puffin/puffin-footer.js'
import { decodeThetaSketch, type CompactThetaSketch } from '../../puffin/theta-sketch.js'
import { FloeError } from '../../util/errors.js'
import type { Runtime } from '../../util/runtime.js'
import { CREATED_BY } from '../../write/delete-file-context.js'

/** More than a sketch of 4096 hashes takes. */
const MAX_SKETCH_BYTES = 2 ** 20
/** Of one blob that is carried over as it is. */
const MAX_BLOB_BYTES = 2 ** 28

interface StatisticsTarget {
  readonly io: FileIO
  readonly metadata: TableMetadata
  readonly runtime: Runtime
  readonly signal?: AbortSignal | undefined
}

/** Writes the statistics of a snapshot, and answers what is to be registered. Source: `ComputeTableStatsSparkAction.writeStatsFile` */
export async function writeStatisticsFile(
  snapshotId: bigint,
  blobs: readonly NewPuffinBlob[],
  { io, metadata, runtime, signal }: StatisticsTarget,
): Promise<StatisticsFile> {
  const encoded = encodePuffinFile(blobs, new Map([['created-by', CREATED_BY]]))
  const statisticsPath = metadataFileLocation(metadata, `${snapshotId}-${runtime.uuid()}.stats`)
  await newFiles(io).write(statisticsPath, encoded.bytes, { ifNoneMatch: '*', signal })
  return {
    snapshotId,
    statisticsPath,
    fileSizeBytes: encoded.bytes.length,
    fileFooterSizeBytes: puffinFooterLength(encoded.bytes, { fileSizeBytes: encoded.bytes.length }),
    keyMetadata: undefined,
    blobMetadata: blobs.map(({ type, snapshotId: computedOn, sequenceNumber, fields, properties }) => {
      return { type, snapshotId: computedOn, sequenceNumber, fields, properties }
    }),
  }
}

/** The blobs of a statistics file that the footer lists. @throws FloeError `CORRUPT`, `NOT_FOUND`, `UNSUPPORTED` */
export async function readStatisticsBlobs(file: StatisticsFile, io: FileIO, signal?: AbortSignal): Promise<readonly PuffinBlob[]> {
  const { statisticsPath: location, fileSizeBytes } = file
  const source = { fileSizeBytes, file: location }
  const readEnd = (length: number): Promise<Uint8Array> => io.read(location, { range: { offset: fileSizeBytes - length, length }, signal })
  const claimed = Math.min(Math.max(file.fileFooterSizeBytes, PUFFIN_TAIL_BYTES), fileSizeBytes)
  const end = await readEnd(claimed)
  const length = puffinFooterLength(end, source)
  const footer = length <= end.length ? end.subarray(end.length - length) : await readEnd(length)
  return decodePuffinFooter(footer, source).blobs
}

/** What a blob of a statistics file holds. */
export async function readStatisticsBlob(file: StatisticsFile, blob: PuffinBlob, io: FileIO, signal?: AbortSignal): Promise<Uint8Array> {
  const { offset, length } = blob
  if (length > MAX_BLOB_BYTES) throw new FloeError('CORRUPT', `A blob of ${length} bytes is no statistics`, { file: file.statisticsPath })
  const stored = await io.read(file.statisticsPath, { range: { offset, length }, signal })
  return decodePuffinBlob(blob, stored, MAX_BLOB_BYTES)
}

/** The theta sketch in a blob. */
export async function readThetaSketch(
  file: StatisticsFile,
  blob: PuffinBlob,
  io: FileIO,
  signal?: AbortSignal,
): Promise<CompactThetaSketch> {
  if (blob.length > MAX_SKETCH_BYTES) throw new FloeError('CORRUPT', `A theta sketch of ${blob.length} bytes is larger than any`, { file: file.statisticsPath })
  const stored = await io.read(file.statisticsPath, { range: { offset: blob.offset, length: blob.length }, signal })
  return decodeThetaSketch(decodePuffinBlob(blob, stored, MAX_SKETCH_BYTES), file.statisticsPath)
}
