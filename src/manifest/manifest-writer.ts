import type { AvroValue } from '../avro/avro-schema.js'
import { ContainerWriter } from '../avro/container-writer.js'
import type { PartitionSpec } from '../partition/partition-spec.js'
import { printPartitionFields } from '../partition/partition-spec-json.js'
import { partitionType } from '../partition/partition-type.js'
import { printSchema } from '../schema/schema-json.js'
import type { Schema } from '../schema/schema.js'
import type { StructType } from '../schema/type.js'
import { FloeError, isFloeError } from '../util/errors.js'
import { printJson } from '../util/json.js'
import type { DataFile, EntryStatus, FileContent, ManifestContent, ManifestEntry, ManifestFile } from './data-file.js'
import { containerCompression, type ManifestCompression } from './manifest-compression.js'
import { UNASSIGNED_SEQUENCE_NUMBER } from './manifest-list.js'
import { manifestEntrySchema, type ManifestFormatVersion } from './manifest-schema.js'
import { PartitionSummary } from './partition-summary.js'

/** What v1 requires and nobody reads: the reference writes its default of 64 MiB. */
const V1_BLOCK_SIZE_BYTES = 64 * 1024 * 1024
const STATUS_CODES: Readonly<Record<EntryStatus, number>> = { existing: 0, added: 1, deleted: 2 }
const CONTENT_CODES: Readonly<Record<FileContent, number>> = { data: 0, 'position-deletes': 1, 'equality-deletes': 2 }

export interface ManifestWriterOptions {
  readonly formatVersion: ManifestFormatVersion
  readonly content: ManifestContent
  /** The spec of all files in it, not necessarily the table's current one. */
  readonly spec: PartitionSpec
  /** Of the table, at the time of writing. */
  readonly schema: Schema
  /** The struct of the spec's tuples. Default: derived from `schema`; needed where the spec has a column that it dropped. */
  readonly partitionType?: StructType
  /** The snapshot that adds the manifest. */
  readonly snapshotId: bigint
  /** Default gzip. */
  readonly compression?: ManifestCompression
}

/** An entry to be written; members that are `undefined` are inherited on read. */
export interface ManifestEntryInput {
  readonly status: EntryStatus
  readonly snapshotId: bigint
  readonly sequenceNumber: bigint | undefined
  readonly fileSequenceNumber: bigint | undefined
  readonly dataFile: DataFile
}

export interface FinishedManifest {
  readonly bytes: Uint8Array
  /** Its record for the manifest list; sequence numbers are {@link UNASSIGNED_SEQUENCE_NUMBER} until a list is written. */
  readonly manifestFile: ManifestFile
}

interface Totals {
  files: number
  rows: bigint
}

/**
 * Writes one manifest entry by entry, as the reference does. To roll to a new file at a target size, ask for
 * {@link estimatedBytes} between entries. Spec: Manifests
 */
export class ManifestWriter {
  private readonly writer: ContainerWriter
  private readonly summary: PartitionSummary
  private readonly tupleSize: number
  private readonly totals: Record<EntryStatus, Totals> = {
    added: { files: 0, rows: 0n },
    existing: { files: 0, rows: 0n },
    deleted: { files: 0, rows: 0n },
  }
  private minSequenceNumber: bigint | undefined

  constructor(private readonly options: ManifestWriterOptions) {
    if (options.formatVersion === 1 && options.content === 'deletes') {
      throw new FloeError('INVALID', 'Format version 1 has no delete files; upgrade the table to write deletes')
    }
    const tuple = options.partitionType ?? partitionType(options.spec, options.schema)
    this.tupleSize = tuple.fields.length
    this.summary = new PartitionSummary(tuple)
    this.writer = new ContainerWriter(manifestEntrySchema(options.formatVersion, tuple), {
      metadata: manifestMetadata(options),
      ...containerCompression(options.compression),
    })
  }

  /** How many entries were added. */
  get entryCount(): number {
    return this.totals.added.files + this.totals.existing.files + this.totals.deleted.files
  }

  /** About how long the file would be if it were finished now, in bytes. */
  get estimatedBytes(): number {
    return this.writer.estimatedBytes
  }

  /**
   * A file that this snapshot adds. Its file sequence number is inherited, and so is the data sequence number unless one is
   * given, as a rewrite does that must not outlive later deletes.
   */
  added(dataFile: DataFile, sequenceNumber?: bigint): void {
    this.add({ status: 'added', snapshotId: this.options.snapshotId, sequenceNumber, fileSequenceNumber: undefined, dataFile })
  }

  /** A live file that an earlier snapshot added: its snapshot and sequence numbers are kept. */
  existing(entry: ManifestEntry): void {
    this.add({ ...entry, status: 'existing' })
  }

  /** A file that this snapshot removes: the entry gets this snapshot's id and keeps the sequence numbers of the file. */
  deleted(entry: ManifestEntry): void {
    this.add({ ...entry, status: 'deleted', snapshotId: this.options.snapshotId })
  }

  /** Any entry, as it is. Throws `INVALID` when it breaks a rule of the format; the manifest is then as it was before. */
  add(entry: ManifestEntryInput): void {
    const { status, sequenceNumber, dataFile } = entry
    this.check(entry)
    this.write(entry)
    this.summary.add(dataFile.partition)
    this.totals[status].files++
    this.totals[status].rows += BigInt(dataFile.recordCount)
    if (status !== 'deleted' && sequenceNumber !== undefined && (this.minSequenceNumber === undefined || sequenceNumber < this.minSequenceNumber)) {
      this.minSequenceNumber = sequenceNumber
    }
  }

  /** The file, to be stored at `manifestPath`, and its record. */
  finish(manifestPath: string): FinishedManifest {
    const bytes = this.writer.finish()
    const { added, existing, deleted } = this.totals
    const manifestFile: ManifestFile = {
      manifestPath,
      manifestLengthBytes: bytes.length,
      partitionSpecId: this.options.spec.specId,
      content: this.options.content,
      sequenceNumber: UNASSIGNED_SEQUENCE_NUMBER,
      minSequenceNumber: this.minSequenceNumber ?? UNASSIGNED_SEQUENCE_NUMBER,
      addedSnapshotId: this.options.snapshotId,
      addedFilesCount: added.files,
      existingFilesCount: existing.files,
      deletedFilesCount: deleted.files,
      addedRowsCount: added.rows,
      existingRowsCount: existing.rows,
      deletedRowsCount: deleted.rows,
      partitions: this.summary.summaries(),
      keyMetadata: undefined,
      firstRowId: undefined,
    }
    return { bytes, manifestFile }
  }

  private write(entry: ManifestEntryInput): void {
    try {
      this.writer.add(entryRecord(entry, this.options.formatVersion))
    } catch (cause) {
      if (!isFloeError(cause)) throw cause
      throw new FloeError(cause.code, cause.message, { file: entry.dataFile.filePath, cause })
    }
  }

  private check({ status, sequenceNumber, fileSequenceNumber, dataFile }: ManifestEntryInput): void {
    const isData = dataFile.content === 'data'
    if (isData !== (this.options.content === 'data')) throw refused(dataFile, `is of ${dataFile.content} and cannot be in a manifest of ${this.options.content}`)
    if (dataFile.specId !== this.options.spec.specId) throw refused(dataFile, `has partition spec ${dataFile.specId}, the manifest ${this.options.spec.specId}`)
    if (dataFile.partition.length !== this.tupleSize) throw refused(dataFile, `has ${dataFile.partition.length} partition values instead of ${this.tupleSize}`)
    if (!Number.isSafeInteger(dataFile.recordCount)) throw refused(dataFile, `has the record count ${dataFile.recordCount}`)
    if (dataFile.content === 'equality-deletes' && (dataFile.equalityIds ?? []).length === 0) throw refused(dataFile, 'has no equality ids')
    // Spec: Manifests › Sequence Number Inheritance
    if (this.options.formatVersion > 1 && status !== 'added' && (sequenceNumber === undefined || fileSequenceNumber === undefined)) {
      throw refused(dataFile, `is ${status} and needs its sequence numbers; only added files inherit them`)
    }
  }
}

/**
 * The value of an entry as `manifestEntrySchema` of that version orders its fields. Nothing is checked.
 */
export function entryRecord(entry: ManifestEntryInput, version: ManifestFormatVersion): AvroValue[] {
  const status = STATUS_CODES[entry.status]
  const sequenceNumbers = [entry.sequenceNumber ?? null, entry.fileSequenceNumber ?? null]
  return [status, entry.snapshotId, ...(version === 1 ? [] : sequenceNumbers), fileRecord(entry.dataFile, version)]
}

function fileRecord(file: DataFile, version: ManifestFormatVersion): AvroValue[] {
  const isPositionDeletes = file.content === 'position-deletes'
  const head: AvroValue[] = version === 1 ? [] : [CONTENT_CODES[file.content]]
  head.push(file.filePath, file.fileFormat.toUpperCase(), file.partition as readonly AvroValue[], file.recordCount, file.fileSizeBytes)
  if (version === 1) head.push(V1_BLOCK_SIZE_BYTES)
  head.push(
    // A Map from number to value is written as an array of pairs.
    mapRecord(file.columnSizes),
    mapRecord(file.valueCounts),
    mapRecord(file.nullValueCounts),
    mapRecord(file.nanValueCounts),
    mapRecord(file.lowerBounds),
    mapRecord(file.upperBounds),
    file.keyMetadata ?? null,
    file.splitOffsets === undefined || file.splitOffsets.length === 0 ? null : file.splitOffsets,
  )
  if (version > 1) head.push(file.content === 'equality-deletes' ? (file.equalityIds ?? null) : null)
  head.push(file.sortOrderId ?? null)
  if (version === 3) head.push(file.content === 'data' ? (file.firstRowId ?? null) : null)
  if (version > 1) head.push(isPositionDeletes ? (file.referencedDataFile ?? null) : null)
  if (version === 3) head.push(...(isPositionDeletes ? [file.contentOffset ?? null, file.contentSizeBytes ?? null] : [null, null]))
  return head
}

function mapRecord(map: ReadonlyMap<number, number | Uint8Array> | undefined): AvroValue {
  return map === undefined ? null : (map as unknown as ReadonlyMap<string, AvroValue>)
}

/** What the head of a manifest says of it. */
export function manifestMetadata({ schema, spec, formatVersion, content }: Omit<ManifestWriterOptions, 'snapshotId'>): Map<string, string> {
  const metadata = new Map([
    ['schema', printJson(printSchema(schema))],
    ['schema-id', String(schema.schemaId)],
    ['partition-spec', printJson(printPartitionFields(spec))],
    ['partition-spec-id', String(spec.specId)],
    ['format-version', String(formatVersion)],
  ])
  return formatVersion === 1 ? metadata : metadata.set('content', content)
}

function refused(file: DataFile, problem: string): FloeError {
  return new FloeError('INVALID', `The file ${problem}`, { file: file.filePath })
}
