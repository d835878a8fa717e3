import { readManifest } from '../../commit/manifest-input.js'
import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { mapOrdered } from '../../io/ordered-prefetch.js'
import { throwIfAborted } from '../../io/aborted.js'
import type { ManifestFile } from '../../manifest/data-file.js'
import { STATUS_ADDED, type ManifestEntries } from '../../manifest/manifest-entries.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import type { PartitionSpec } from '../../partition/partition-spec.js'
import { partitionKey } from '../../partition/partition-key.js'
import { unifiedPartitionType } from '../../partition/partition-type.js'
import { currentSchema } from '../../metadata/metadata-lookup.js'
import type { StructType, Value } from '../../schema/type.js'
import { findSnapshot } from '../../snapshot/snapshot-ref.js'

const MANIFESTS_AHEAD = 4

/** What one partition of one spec holds. Spec: Partition Statistics File */
export interface PartitionCounts {
  /** Of all specs' fields, by their ids. */
  readonly partition: readonly Value[]
  readonly specId: number
  dataRecordCount: bigint
  dataFileCount: number
  totalDataFileSizeBytes: bigint
  positionDeleteRecordCount: bigint
  positionDeleteFileCount: number
  dvCount: number
  equalityDeleteRecordCount: bigint
  equalityDeleteFileCount: number
  /** Rows that are there once deletes are applied, where that is known. */
  totalRecordCount: bigint | undefined
  /** Milliseconds since 1970 UTC, and the snapshot that last changed a file; `undefined` once that has expired. */
  lastUpdatedAt: number | undefined
  lastUpdatedSnapshotId: bigint | undefined
}

/**
 * The fields of all specs by id, of which partition statistics are; those whose column every schema has lost are left out.
 */
export function statisticsPartitionType(metadata: TableMetadata): StructType {
  const type = unifiedPartitionType(metadata.partitionSpecs, currentSchema(metadata), metadata.schemas)
  return { kind: 'struct', fields: type.fields.filter((field) => field.type.kind !== 'unknown') }
}

/** Adds up the files of partitions. Source: `PartitionStatsHandler.computeStats` */
export class PartitionCounter {
  readonly type: StructType
  readonly #metadata: TableMetadata
  readonly #counts = new Map<string, PartitionCounts>()
  /** For each spec, where the fields of all specs stand in its tuples. */
  readonly #places: ReadonlyMap<number, readonly number[]>

  constructor(private readonly table: Pick<LoadedTable, 'io' | 'metadata'>) {
    this.#metadata = table.metadata
    this.type = statisticsPartitionType(table.metadata)
    const placesOf = ({ fields }: PartitionSpec): readonly number[] =>
      this.type.fields.map((field) => fields.findIndex((own) => own.fieldId === field.id))
    this.#places = new Map(table.metadata.partitionSpecs.map((spec) => [spec.specId, placesOf(spec)]))
  }

  /** Those that hold a file. */
  counts(): PartitionCounts[] {
    const filesOf = (counts: PartitionCounts): number =>
      counts.dataFileCount + counts.positionDeleteFileCount + counts.dvCount + counts.equalityDeleteFileCount
    return [...this.#counts.values()].filter((counts) => filesOf(counts) > 0)
  }

  /** Starts from what was counted before. */
  start(counts: PartitionCounts): void {
    this.#counts.set(keyOf(counts.specId, counts.partition), counts)
  }

  /** Counts every live file of a snapshot's manifests. */
  async addAll(manifests: readonly ManifestFile[], signal: AbortSignal | undefined): Promise<void> {
    await this.#forEach(manifests, signal, (entries, i) => {
      const counts = this.#countsOf(entries, i)
      if (entries.isLive(i)) addFile(counts, entries, i, 1)
      this.#touch(counts, entries.snapshotId[i]!)
    })
  }

  /** Counts what one snapshot added and removed, in the manifests that it wrote. */
  async addChanges(manifests: readonly ManifestFile[], snapshotId: bigint, signal: AbortSignal | undefined): Promise<void> {
    await this.#forEach(manifests, signal, (entries, i) => {
      if (entries.snapshotId[i] !== snapshotId) return
      const isAdded = entries.status[i] === STATUS_ADDED
      if (!isAdded && entries.isLive(i)) return
      const counts = this.#countsOf(entries, i)
      addFile(counts, entries, i, isAdded ? 1 : -1)
      this.#touch(counts, snapshotId)
    })
  }

  async #forEach(
    manifests: readonly ManifestFile[],
    signal: AbortSignal | undefined,
    visit: (entries: ManifestEntries, i: number) => void,
  ): Promise<void> {
    const read = (manifest: ManifestFile): Promise<ManifestEntries> => readManifest(this.table, manifest, { signal })
    for await (const entries of mapOrdered(manifests, MANIFESTS_AHEAD, read)) {
      throwIfAborted(signal)
      for (let i = 0; i < entries.count; i++) visit(entries, i)
    }
  }

  #countsOf(entries: ManifestEntries, i: number): PartitionCounts {
    const { specId } = entries
    const tuple = entries.partition(i)
    const places = this.#places.get(specId) ?? []
    const partition = this.type.fields.map((_, field) => tuple[places[field] ?? -1] ?? null)
    const key = keyOf(specId, partition)
    let counts = this.#counts.get(key)
    if (counts === undefined) {
      counts = emptyCounts(specId, partition)
      this.#counts.set(key, counts)
    }
    return counts
  }

  #touch(counts: PartitionCounts, snapshotId: bigint): void {
    const timestampMs = findSnapshot(this.#metadata, snapshotId)?.timestampMs
    if (timestampMs === undefined || (counts.lastUpdatedAt !== undefined && counts.lastUpdatedAt >= timestampMs)) return
    counts.lastUpdatedAt = timestampMs
    counts.lastUpdatedSnapshotId = snapshotId
  }
}

/** Sets the rows that remain in each partition where manifests tell: where deletes are vectors only. */
export function setTotalRecordCounts(counts: readonly PartitionCounts[], metadata: TableMetadata): void {
  const unpartitioned = metadata.partitionSpecs.filter((spec) => spec.fields.every((field) => field.transform === 'void'))
  const global = new Set(unpartitioned.map((spec) => spec.specId))
  const hasGlobalDeletes = counts.some((partition) => global.has(partition.specId) && partition.equalityDeleteFileCount > 0)
  for (const partition of counts) {
    const isKnown = !hasGlobalDeletes && partition.equalityDeleteFileCount === 0 && partition.positionDeleteFileCount === 0
    partition.totalRecordCount = isKnown ? partition.dataRecordCount - partition.positionDeleteRecordCount : undefined
  }
}

/** The counts of a partition without files. */
export function emptyCounts(specId: number, partition: readonly Value[]): PartitionCounts {
  return {
    partition,
    specId,
    dataRecordCount: 0n,
    dataFileCount: 0,
    totalDataFileSizeBytes: 0n,
    positionDeleteRecordCount: 0n,
    positionDeleteFileCount: 0,
    dvCount: 0,
    equalityDeleteRecordCount: 0n,
    equalityDeleteFileCount: 0,
    totalRecordCount: undefined,
    lastUpdatedAt: undefined,
    lastUpdatedSnapshotId: undefined,
  }
}

function keyOf(specId: number, partition: readonly Value[]): string {
  return `${specId} ${partitionKey(partition)}`
}

/** Source: `PartitionStatsHandler.liveEntry`, `deletedEntryForIncrementalCompute` */
function addFile(counts: PartitionCounts, entries: ManifestEntries, i: number, sign: 1 | -1): void {
  const records = BigInt(sign * entries.recordCount[i]!)
  const content = entries.content[i]
  if (content === 0) {
    counts.dataRecordCount += records
    counts.dataFileCount += sign
    counts.totalDataFileSizeBytes += BigInt(sign * entries.fileSizeBytes[i]!)
  } else if (content === 1) {
    counts.positionDeleteRecordCount += records
    if (entries.fileFormat(i) === 'puffin') counts.dvCount += sign
    else counts.positionDeleteFileCount += sign
  } else {
    counts.equalityDeleteRecordCount += records
    counts.equalityDeleteFileCount += sign
  }
}
