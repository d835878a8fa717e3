/**
 * How a table's files lie: sizes, overlap, deletes, growth and what maintenance would help, from metadata and manifests alone, as
 * data and as a page. This folder opens no data file and changes nothing.
 */
import type { OverlapDepth } from '../../compaction/clustering/overlap-depth.js'
import type { FormatVersion } from '../../metadata/table-metadata.js'

export interface LayoutOptions {
  /** A branch or tag. Default `main`. */
  readonly ref?: string | undefined
  readonly snapshotId?: bigint | undefined
  readonly signal?: AbortSignal | undefined
}

/** Everything {@link tableLayout} measures of one snapshot of a table: plain JSON data. Ids are decimal texts, 64-bit. */
export interface TableLayout {
  readonly table: string
  readonly location: string
  readonly metadataLocation: string
  readonly formatVersion: FormatVersion
  /** The branch or tag that was measured; null for a snapshot that was named by its id. */
  readonly ref: string | null
  /** Null for a table without snapshots: then all is empty. */
  readonly snapshotId: string | null
  readonly snapshotTimeMs: number | null
  /** When it was measured: what ages are told by. */
  readonly measuredAtMs: number
  readonly targetFileSizeBytes: number
  readonly totals: LayoutTotals
  readonly fileSizes: readonly SizeBucket[]
  readonly clustering: readonly ClusteringLayout[]
  readonly columns: ColumnsLayout
  readonly deletes: DeleteLayout
  readonly growth: GrowthLayout
  readonly partitions: PartitionsLayout
  readonly manifests: ManifestsLayout
  readonly history: HistoryLayout
  readonly advice: readonly LayoutAdvice[]
}

export interface LayoutTotals {
  readonly dataFiles: number
  readonly dataBytes: number
  /** Rows in data files, before deletes. */
  readonly rows: number
  readonly partitions: number
  /** Data files under 75 % of the target. */
  readonly smallFiles: number
  readonly smallBytes: number
  /** Data files over 180 % of the target. */
  readonly largeFiles: number
}

/** Data files of sizes from one power of two up to, but without, the next. */
export interface SizeBucket {
  readonly fromBytes: number
  readonly toBytes: number
  readonly files: number
  readonly bytes: number
}

/** How well files are told apart by an order of the table. */
export interface ClusteringLayout {
  /** `sort-order`: the table's; `column`: one column of it. */
  readonly kind: 'sort-order' | 'column'
  /** The terms, as `day(ts), id`. */
  readonly order: string
  readonly depth: OverlapDepth
}

export interface ColumnsLayout {
  /** Columns that have an order, in the table or in structs. */
  readonly total: number
  /** Those that were measured: sort, partition and identifier columns first, then in the order of the schema. */
  readonly measured: readonly ColumnLayout[]
}

export interface ColumnLayout {
  readonly column: string
  readonly type: string
  /** Files of which bounds of the column are known, or that hold nothing but null and NaN. */
  readonly filesWithBounds: number
  /** Of the files and their bytes, what a filter for a range of 1 % of the rows reads, on average. 1: nothing is skipped. */
  readonly fileShare: number
  readonly byteShare: number
  /** Overlap depth by the column alone. */
  readonly depth: number
  readonly maxDepth: number
}

export interface DeleteLayout {
  readonly positionDeleteFiles: number
  readonly deletionVectors: number
  readonly equalityDeleteFiles: number
  readonly bytes: number
  /** Positions in the deletes that apply; a row may be named twice. */
  readonly positionDeletes: number
  readonly equalityDeletes: number
  readonly filesWithDeletes: number
  /** Delete files and vectors that apply to no data file. */
  readonly danglingFiles: number
  /** Data files by how many delete files each has to apply: 0, 1, 2, 3–4, 5–8 … */
  readonly filesByDeletes: readonly CountBucket[]
}

/** `files` with `from` to `to` of what is counted, both included. */
export interface CountBucket {
  readonly from: number
  readonly to: number
  readonly files: number
}

export interface GrowthLayout {
  /** Snapshots in the history of what was measured. */
  readonly snapshots: number
  /** Oldest first; at most 400, the first and the last among them. Null: not in the summary. */
  readonly points: readonly GrowthPoint[]
}

export interface GrowthPoint {
  readonly snapshotId: string
  readonly timeMs: number
  readonly operation: string | null
  readonly files: number | null
  readonly rows: number | null
  readonly bytes: number | null
  readonly deleteFiles: number | null
}

export interface PartitionsLayout {
  /** The largest, by bytes; at most 200. */
  readonly largest: readonly PartitionLayout[]
  /** All others together. */
  readonly rest: { readonly partitions: number; readonly files: number; readonly bytes: number; readonly rows: number }
  readonly medianBytes: number
}

export interface PartitionLayout {
  /** As in paths: `ts_day=2024-01-31`; empty for an unpartitioned spec. */
  readonly path: string
  readonly specId: number
  readonly files: number
  readonly bytes: number
  readonly rows: number
  readonly smallFiles: number
  readonly filesWithDeletes: number
  /** Positions in deletes of its files; a file for several data files counts in each. */
  readonly positionDeletes: number
  readonly sizes: readonly SizeBucket[]
}

export interface ManifestsLayout {
  readonly dataManifests: number
  readonly deleteManifests: number
  readonly bytes: number
  readonly targetBytes: number
  readonly smallManifests: number
  /** Data manifests that planning reads for one partition, on average; null where there are no partitions to tell by. */
  readonly spread: number | null
  readonly sizes: readonly SizeBucket[]
}

export interface HistoryLayout {
  readonly snapshots: number
  readonly oldestMs: number | null
  /** Snapshots that the table's own retention policy lets go now; null where it has `gc.enabled=false`. */
  readonly expirable: number | null
  readonly maxSnapshotAgeMs: number
  readonly minSnapshotsToKeep: number
  /** Earlier metadata files that the log names. */
  readonly metadataFiles: number
  readonly refs: readonly RefLayout[]
  /** When snapshots were committed, ascending; at most 400, the first and the last among them. */
  readonly timesMs: readonly number[]
}

export interface RefLayout {
  readonly name: string
  readonly type: 'branch' | 'tag'
  readonly snapshotId: string
  readonly timeMs: number | null
  readonly minSnapshotsToKeep: number | null
  readonly maxSnapshotAgeMs: number | null
  readonly maxRefAgeMs: number | null
}

/** One thing that maintenance would make better. */
export interface LayoutAdvice {
  readonly weight: 'act' | 'consider' | 'fine'
  readonly title: string
  readonly why: string
  /** What to run, the table left out; null when there is nothing to. */
  readonly command: string | null
}
