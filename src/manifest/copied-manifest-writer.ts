import { EncodedContainerWriter } from '../avro/encoded-container.js'
import { partitionType } from '../partition/partition-type.js'
import type { Value } from '../schema/type.js'
import { containerCompression } from './manifest-compression.js'
import { UNASSIGNED_SEQUENCE_NUMBER } from './manifest-list.js'
import { manifestEntrySchema } from './manifest-schema.js'
import { manifestMetadata, type FinishedManifest, type ManifestWriterOptions } from './manifest-writer.js'
import { PartitionSummary } from './partition-summary.js'

/** What a manifest's record tells of an entry. */
export interface EncodedEntry {
  /** The entry as `manifestEntrySchema` encodes it, status existing, sequence numbers explicit. */
  readonly bytes: Uint8Array
  readonly sequenceNumber: bigint
  readonly recordCount: number
}

/**
 * Writes a manifest of existing entries that are encoded already. Tuples come in runs: {@link startPartition} tells which one
 * the entries behind it are of.
 */
export class CopiedManifestWriter {
  readonly #options: ManifestWriterOptions
  readonly #writer: EncodedContainerWriter
  readonly #summary: PartitionSummary
  #files = 0
  #rows = 0n
  #minSequenceNumber: bigint | undefined

  constructor(options: ManifestWriterOptions) {
    const tuple = options.partitionType ?? partitionType(options.spec, options.schema)
    this.#options = options
    this.#summary = new PartitionSummary(tuple)
    this.#writer = new EncodedContainerWriter(manifestEntrySchema(options.formatVersion, tuple), {
      metadata: manifestMetadata(options),
      ...containerCompression(options.compression),
    })
  }

  get entryCount(): number {
    return this.#files
  }

  /** Uncompressed. */
  get rawBytes(): number {
    return this.#writer.rawBytes
  }

  /** What the blocks that are compressed took before and after that. */
  get compressed(): { readonly rawBytes: number; readonly packedBytes: number } {
    return this.#writer.compressed
  }

  startPartition(tuple: readonly Value[]): void {
    this.#summary.add(tuple)
  }

  /** A promise is to be waited for before the next entry. */
  add({ bytes, sequenceNumber, recordCount }: EncodedEntry): Promise<unknown> | undefined {
    this.#files++
    this.#rows += BigInt(recordCount)
    if (this.#minSequenceNumber === undefined || sequenceNumber < this.#minSequenceNumber) this.#minSequenceNumber = sequenceNumber
    return this.#writer.add(bytes)
  }

  /** The file, to be stored at `manifestPath`, and its record. */
  finish(manifestPath: string): Promise<FinishedManifest> {
    const { spec, content, snapshotId } = this.#options
    return this.#writer.finish().then((bytes) => ({
      bytes,
      manifestFile: {
        manifestPath,
        manifestLengthBytes: bytes.length,
        partitionSpecId: spec.specId,
        content,
        sequenceNumber: UNASSIGNED_SEQUENCE_NUMBER,
        minSequenceNumber: this.#minSequenceNumber ?? UNASSIGNED_SEQUENCE_NUMBER,
        addedSnapshotId: snapshotId,
        addedFilesCount: 0,
        existingFilesCount: this.#files,
        deletedFilesCount: 0,
        addedRowsCount: 0n,
        existingRowsCount: this.#rows,
        deletedRowsCount: 0n,
        partitions: this.#summary.summaries(),
        keyMetadata: undefined,
        firstRowId: undefined,
      },
    }))
  }
}
