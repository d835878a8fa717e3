import type { AvroValue } from '../avro/avro-schema.js'
import { readContainer, readRecords } from '../avro/container.js'
import { ContainerWriter } from '../avro/container-writer.js'
import type { FieldSummary } from '../expression/expression.js'
import { FloeError } from '../util/errors.js'
import type { ManifestFile } from './data-file.js'
import { containerCompression, type ManifestCompression } from './manifest-compression.js'
import { addManifestBlocks } from './manifest-list-blocks.js'
import { manifestListReadSchema, manifestListSchema, type ManifestFormatVersion } from './manifest-schema.js'

/** Stands in a {@link ManifestFile} for the sequence number of the commit that will list it. */
export const UNASSIGNED_SEQUENCE_NUMBER = -1n

const readSchema = manifestListReadSchema()

/**
 * Decodes a manifest list of any version. Throws `CORRUPT`, naming `file`, when it is not one.
 * Spec: Manifest Lists; counts below zero, which some old writers stored, count as not recorded.
 */
export function decodeManifestList(bytes: Uint8Array, file?: string): ManifestFile[] {
  const container = readContainer(bytes, file)
  return readRecords(container, readSchema).map((record) => manifestFileOf(record as readonly AvroValue[], file))
}

export interface EncodeManifestListOptions {
  readonly formatVersion: ManifestFormatVersion
  /** The snapshot whose list this is. */
  readonly snapshotId: bigint
  readonly parentSnapshotId: bigint | undefined
  /** Replaces {@link UNASSIGNED_SEQUENCE_NUMBER}; not used by v1. */
  readonly sequenceNumber: bigint
  /** Of the snapshot; required by v3. */
  readonly firstRowId?: bigint | undefined
  /** Default gzip. */
  readonly compression?: ManifestCompression
}

/**
 * Encodes a manifest list as the reference does. Manifests with {@link UNASSIGNED_SEQUENCE_NUMBER} get the commit's; in v3 data
 * manifests must have their first row ids already ({@link assignFirstRowIds}). Manifests that were in a list before are not encoded
 * again, so the objects must never change.
 *
 * @throws FloeError `INVALID` when a manifest cannot be listed in this version.
 */
export function encodeManifestList(manifests: readonly ManifestFile[], options: EncodeManifestListOptions): Uint8Array {
  const { formatVersion } = options
  const { codec, level } = containerCompression(options.compression)
  const containerOptions = { metadata: listMetadata(options), codec, level, blockBytes: Infinity }
  const writer = new ContainerWriter(manifestListSchema(formatVersion), containerOptions)
  addManifestBlocks(writer, formatVersion === 1 ? manifests : assignSequenceNumbers(manifests, options), {
    key: `${formatVersion} ${codec} ${level}`,
    add: (manifest) => {
      writer.add(formatVersion === 1 ? recordOfV1(manifest) : recordOf(manifest, formatVersion))
    },
  })
  return writer.finish()
}

/**
 * Gives manifests with {@link UNASSIGNED_SEQUENCE_NUMBER} that of the commit; others stay the same objects.
 *
 * @throws FloeError `INVALID` when one of another snapshot has none.
 * Spec: Manifests › Sequence Number Inheritance
 */
export function assignSequenceNumbers(
  manifests: readonly ManifestFile[],
  commit: { readonly snapshotId: bigint; readonly sequenceNumber: bigint },
): readonly ManifestFile[] {
  const assigned = (manifest: ManifestFile, sequenceNumber: bigint): bigint => {
    if (sequenceNumber !== UNASSIGNED_SEQUENCE_NUMBER) return sequenceNumber
    if (manifest.addedSnapshotId === commit.snapshotId) return commit.sequenceNumber
    throw invalid(manifest, `is of snapshot ${manifest.addedSnapshotId} and was never given a sequence number`)
  }
  return manifests.map((manifest) => {
    const sequenceNumber = assigned(manifest, manifest.sequenceNumber)
    const minSequenceNumber = assigned(manifest, manifest.minSequenceNumber)
    const isSame = sequenceNumber === manifest.sequenceNumber && minSequenceNumber === manifest.minSequenceNumber
    return isSame ? manifest : { ...manifest, sequenceNumber, minSequenceNumber }
  })
}

/**
 * Gives every data manifest without a first row id the next one, and leaves room for all rows that may inherit from it:
 * added and existing, since files from before an upgrade have no ids yet. Ids that are there stay; delete manifests have none.
 *
 * @throws FloeError `INVALID` when a manifest to be assigned has no row counts (`withEntryCounts` finds them).
 * Spec: Manifest Lists › First Row ID Assignment
 */
export function assignFirstRowIds(
  manifests: readonly ManifestFile[],
  firstRowId: bigint,
): { manifests: ManifestFile[]; nextRowId: bigint } {
  let nextRowId = firstRowId
  const assigned = manifests.map((manifest) => {
    if (manifest.content === 'deletes') return manifest.firstRowId === undefined ? manifest : { ...manifest, firstRowId: undefined }
    if (manifest.firstRowId !== undefined) return manifest
    const { addedRowsCount, existingRowsCount } = manifest
    if (addedRowsCount === undefined || existingRowsCount === undefined) throw missingCounts(manifest)
    const own = nextRowId
    nextRowId += addedRowsCount + existingRowsCount
    return { ...manifest, firstRowId: own }
  })
  return { manifests: assigned, nextRowId }
}

function manifestFileOf(record: readonly AvroValue[], file: string | undefined): ManifestFile {
  const [path, length, specId, content, sequenceNumber, minSequenceNumber, snapshotId] = record as readonly [
    string, bigint, number, number | null, bigint | null, bigint | null, bigint,
  ]
  if (content !== null && content !== 0 && content !== 1) throw corrupt(`has the content ${content} for ${path}`, file)
  if (length < 0n || length > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt(`has the length ${length} for ${path}`, file)
  return {
    manifestPath: path,
    manifestLengthBytes: Number(length),
    partitionSpecId: specId,
    content: content === 1 ? 'deletes' : 'data',
    sequenceNumber: sequenceNumber ?? 0n,
    minSequenceNumber: minSequenceNumber ?? 0n,
    addedSnapshotId: snapshotId,
    addedFilesCount: knownCount(record[7] as number | null),
    existingFilesCount: knownCount(record[8] as number | null),
    deletedFilesCount: knownCount(record[9] as number | null),
    addedRowsCount: knownCount(record[10] as bigint | null),
    existingRowsCount: knownCount(record[11] as bigint | null),
    deletedRowsCount: knownCount(record[12] as bigint | null),
    partitions: (record[13] as readonly AvroValue[] | null)?.map(summaryOf),
    keyMetadata: (record[14] as Uint8Array | null) ?? undefined,
    firstRowId: (record[15] as bigint | null) ?? undefined,
  }
}

function summaryOf(record: AvroValue): FieldSummary {
  const [containsNull, containsNan, lower, upper] = record as readonly [boolean, boolean | null, Uint8Array | null, Uint8Array | null]
  return { containsNull, containsNan: containsNan ?? undefined, lowerBound: lower ?? undefined, upperBound: upper ?? undefined }
}

function knownCount<T extends number | bigint>(count: T | null): T | undefined {
  return count === null || count < 0 ? undefined : count
}

// The order of the values is that of the fields in `manifestListSchema`.
function recordOfV1(manifest: ManifestFile): AvroValue[] {
  if (manifest.content === 'deletes') throw invalid(manifest, 'is of deletes, which format version 1 does not have')
  return [
    manifest.manifestPath,
    manifest.manifestLengthBytes,
    manifest.partitionSpecId,
    manifest.addedSnapshotId,
    manifest.addedFilesCount ?? null,
    manifest.existingFilesCount ?? null,
    manifest.deletedFilesCount ?? null,
    summaryRecords(manifest),
    manifest.addedRowsCount ?? null,
    manifest.existingRowsCount ?? null,
    manifest.deletedRowsCount ?? null,
    manifest.keyMetadata ?? null,
  ]
}

function recordOf(manifest: ManifestFile, formatVersion: 2 | 3): AvroValue[] {
  const { addedFilesCount, existingFilesCount, deletedFilesCount, addedRowsCount, existingRowsCount, deletedRowsCount } = manifest
  const counts = [addedFilesCount, existingFilesCount, deletedFilesCount, addedRowsCount, existingRowsCount, deletedRowsCount]
  if (counts.includes(undefined)) throw missingCounts(manifest)
  return [
    manifest.manifestPath,
    manifest.manifestLengthBytes,
    manifest.partitionSpecId,
    manifest.content === 'deletes' ? 1 : 0,
    manifest.sequenceNumber,
    manifest.minSequenceNumber,
    manifest.addedSnapshotId,
    ...(counts as (number | bigint)[]),
    summaryRecords(manifest),
    manifest.keyMetadata ?? null,
    ...(formatVersion === 3 ? [assignedRowId(manifest)] : []),
  ]
}

function assignedRowId(manifest: ManifestFile): bigint | null {
  if (manifest.content === 'deletes') return null
  if (manifest.firstRowId === undefined) throw invalid(manifest, 'has no first row id; assign them before writing the list')
  return manifest.firstRowId
}

function summaryRecords(manifest: ManifestFile): AvroValue {
  if (manifest.partitions === undefined) return null
  return manifest.partitions.map(({ containsNull, containsNan, lowerBound, upperBound }) => {
    return [containsNull, containsNan ?? null, lowerBound ?? null, upperBound ?? null]
  })
}

function listMetadata(options: EncodeManifestListOptions): Map<string, string> {
  const metadata = new Map([
    ['snapshot-id', String(options.snapshotId)],
    // The reference prints a missing parent so.
    ['parent-snapshot-id', options.parentSnapshotId === undefined ? 'null' : String(options.parentSnapshotId)],
  ])
  if (options.formatVersion > 1) metadata.set('sequence-number', String(options.sequenceNumber))
  if (options.formatVersion === 3) {
    if (options.firstRowId === undefined) throw new FloeError('INVALID', 'A manifest list of format version 3 needs the first row id of its snapshot')
    metadata.set('first-row-id', String(options.firstRowId))
  }
  return metadata.set('format-version', String(options.formatVersion))
}

function missingCounts(manifest: ManifestFile): FloeError {
  return invalid(manifest, 'has no file and row counts, as v1 allows; count its entries first (withEntryCounts)')
}

function invalid(manifest: ManifestFile, problem: string): FloeError {
  return new FloeError('INVALID', `The manifest ${problem}`, { file: manifest.manifestPath })
}

function corrupt(problem: string, file: string | undefined): FloeError {
  return new FloeError('CORRUPT', `Corrupt manifest list: it ${problem}`, { file })
}
