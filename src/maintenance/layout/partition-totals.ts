import { referencedDataFile } from '../../manifest/file-identity.js'
import type { DeleteFile } from '../../deletes/delete-file.js'
import { specById } from '../../metadata/metadata-lookup.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { partitionKey } from '../../partition/partition-key.js'
import { partitionPathPrinter } from '../../partition/partition-path.js'
import type { PlannedFile } from '../../scan/scan-plan.js'
import type { Schema } from '../../schema/schema.js'
import type { Value } from '../../schema/type.js'
import type { LayoutTotals, PartitionLayout, PartitionsLayout } from './layout-types.js'
import { SizeBuckets } from './size-buckets.js'

/** Source: `SizeBasedFileRewritePlanner`, whose defaults say which files have a wrong size. */
const [SMALL_SHARE, LARGE_SHARE] = [0.75, 1.8]
const LISTED_PARTITIONS = 200

type Counted = { -readonly [K in Exclude<keyof PartitionLayout, 'path' | 'sizes'>]: PartitionLayout[K] } & {
  readonly tuple: readonly Value[]
  readonly sizes: SizeBuckets
}

/** Sums up data files, altogether and by partition. */
export class PartitionTotals {
  readonly #metadata: TableMetadata
  readonly #schema: Schema
  readonly #targetBytes: number
  readonly #partitions = new Map<string, Counted>()
  readonly #sizes = new SizeBuckets()
  readonly #totals = { dataFiles: 0, dataBytes: 0, rows: 0, smallFiles: 0, smallBytes: 0, largeFiles: 0 }

  constructor(metadata: TableMetadata, schema: Schema, targetBytes: number) {
    this.#metadata = metadata
    this.#schema = schema
    this.#targetBytes = targetBytes
  }

  add(file: PlannedFile): void {
    const { fileSizeBytes, specId, partition, deletes } = file
    const rows = Math.max(0, file.recordCount)
    const isSmall = fileSizeBytes < SMALL_SHARE * this.#targetBytes
    this.#sizes.add(fileSizeBytes)
    this.#totals.dataFiles += 1
    this.#totals.dataBytes += fileSizeBytes
    this.#totals.rows += rows
    this.#totals.smallFiles += isSmall ? 1 : 0
    this.#totals.smallBytes += isSmall ? fileSizeBytes : 0
    this.#totals.largeFiles += fileSizeBytes > LARGE_SHARE * this.#targetBytes ? 1 : 0
    const counted = this.#partition(specId, partition)
    counted.files += 1
    counted.bytes += fileSizeBytes
    counted.rows += rows
    counted.smallFiles += isSmall ? 1 : 0
    counted.filesWithDeletes += deletes.length > 0 ? 1 : 0
    counted.positionDeletes += knownPositions(deletes)
    counted.sizes.add(fileSizeBytes)
  }

  totals(): LayoutTotals {
    return { ...this.#totals, partitions: this.#partitions.size }
  }

  sizes(): ReturnType<SizeBuckets['list']> {
    return this.#sizes.list()
  }

  /** Partitions in which at least `files` files are small: worth putting together. */
  crowded(files: number): { readonly partitions: number; readonly files: number } {
    const crowded = [...this.#partitions.values()].filter(({ smallFiles }) => smallFiles >= files)
    return { partitions: crowded.length, files: crowded.reduce((sum, { smallFiles }) => sum + smallFiles, 0) }
  }

  list(): PartitionsLayout {
    const all = [...this.#partitions.values()].sort((a, b) => b.bytes - a.bytes)
    const others = all.slice(LISTED_PARTITIONS)
    const sum = (of: (one: Counted) => number): number => others.reduce((total, one) => total + of(one), 0)
    const counts = { files: sum(({ files }) => files), bytes: sum(({ bytes }) => bytes), rows: sum(({ rows }) => rows) }
    return {
      largest: all.slice(0, LISTED_PARTITIONS).map((counted) => this.#layoutOf(counted)),
      rest: { partitions: others.length, ...counts },
      medianBytes: all[all.length >> 1]?.bytes ?? 0,
    }
  }

  #partition(specId: number, tuple: readonly Value[]): Counted {
    const key = `${specId}/${partitionKey(tuple)}`
    let counted = this.#partitions.get(key)
    if (counted === undefined) {
      const counts = { files: 0, bytes: 0, rows: 0, smallFiles: 0, filesWithDeletes: 0, positionDeletes: 0 }
      counted = { specId, tuple, sizes: new SizeBuckets(), ...counts }
      this.#partitions.set(key, counted)
    }
    return counted
  }

  #layoutOf({ tuple, sizes, ...counts }: Counted): PartitionLayout {
    const path = partitionPathPrinter(specById(this.#metadata, counts.specId), this.#schema)(tuple)
    return { path, ...counts, sizes: sizes.list() }
  }
}

/** Positions of deletes that are for one data file alone; of others it is not known how many are for which. */
function knownPositions(deletes: readonly DeleteFile[]): number {
  return deletes.reduce((sum, file) => sum + (referencedDataFile(file) === undefined ? 0 : file.recordCount), 0)
}
