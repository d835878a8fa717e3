/** What a commit of row-level changes is given: files that come and go, and what to do about others' commits. */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { Expression } from '../expression/expression.js'
import type { DataFile } from '../manifest/data-file.js'
import type { SnapshotOperation } from '../snapshot/snapshot.js'
import type { LiveFile } from './manifest-filter.js'
import type { SnapshotOptions } from './snapshot-operation.js'

/** Files by value; a vector is identified by its path, offset and size. */
export interface FileChanges {
  readonly addedDataFiles: readonly DataFile[]
  readonly removedDataFiles: readonly DataFile[]
  readonly addedDeleteFiles: readonly DataFile[]
  /** Vectors and position delete files of removed data files need not be named: they go with them. */
  readonly removedDeleteFiles: readonly DataFile[]
}

/** What must not have happened since the change was planned. Source: `RowDelta`, `OverwriteFiles`, `ReplacePartitions` */
export interface ConflictValidation {
  /** The snapshot that the change was planned on; undefined for an empty branch: all that is there now is concurrent then. */
  readonly startingSnapshotId: bigint | undefined
  /** `serializable` also refuses rows that others added and the conflict filter may select. */
  readonly isolation: 'serializable' | 'snapshot'
  /** The rows that the change depends on, by names of the schema that it was planned with. */
  readonly conflictFilter: Expression
  /** Whether names of the filter must match in letter case. Default true. */
  readonly caseSensitive?: boolean | undefined
  /**
   * True for a plain delete of rows: rows that others deleted meanwhile do not matter then, be it by delete files, or by
   * removing whole data files. False for an update or merge, whose new rows must not outlive the deletes of others. Default false.
   */
  readonly allowConcurrentDeletes?: boolean | undefined
  /**
   * True when data files that this change removes must not have lost rows to others meanwhile: an update may have moved them, and they
   * would live on where it put them. Default false; of data files that are written anew it always holds.
   */
  readonly removesKnownRows?: boolean | undefined
  /**
   * Locations of data files that added delete files delete rows of, besides those that the delete files name: a position delete file
   * for several data files does not say which. They must still be there. Source: `RowDelta.validateDataFilesExist`
   */
  readonly referencedDataFiles?: Iterable<string> | undefined
  /** True when the change replaces all rows of the conflict filter: whatever others deleted in it conflicts. Default false. */
  readonly replacesFilter?: boolean | undefined
}

/** A data file that this change and others both deleted rows of. */
export interface VectorConflict {
  /** Location of the data file. */
  readonly dataFile: string
  /** The vector of this change. */
  readonly ours: DataFile
  /** What others committed meanwhile: their vector, or position delete files, which may also be for other data files. */
  readonly theirs: readonly LiveFile[]
}

/** What a hook of a commit works with. */
export interface HookContext {
  /** The version that the next attempt builds on. */
  readonly table: LoadedTable
  readonly signal: AbortSignal | undefined
}

/**
 * Writes one vector for each conflict, in their order, of the rows that either side deleted. Throws `CONFLICT` where both
 * may not be done, as when an update finds its row deleted. The commit owns what it returns, and removes what is not used.
 */
export type VectorMerger = (conflicts: readonly VectorConflict[], context: HookContext) => Promise<readonly DataFile[]>

/** A data file that this change replaces, with what others deleted of it meanwhile. */
export interface NewDeletes {
  readonly replaced: DataFile
  /** Delete files that apply to it and were not there when the change was planned. */
  readonly deletes: readonly LiveFile[]
}

/**
 * Writes delete files that repeat new deletes of replaced data files on the files that replace them. It is called again with
 * all of them when there are more, and then replaces what it returned before. The commit owns what it returns.
 */
export type DeleteCarrier = (newDeletes: readonly NewDeletes[], context: HookContext) => Promise<readonly DataFile[]>

export interface ChangeFilesOptions extends SnapshotOptions {
  /** What the caller did, for messages: `delete`, `update`. */
  readonly name: string
  /** The operation of the snapshot. Default: what the reference would say of such files. */
  readonly operation?: SnapshotOperation | undefined
  readonly validation?: ConflictValidation | undefined
  /** Makes one vector of ours and theirs; without it, deletes of others in the same data file are a conflict. */
  readonly mergeVectors?: VectorMerger | undefined
  /** Keeps new deletes of replaced data files in force; without it, they are a conflict. */
  readonly carryDeletes?: DeleteCarrier | undefined
  /** Delete the added files when nothing was committed, which is proven then. Default false. */
  readonly ownsFiles?: boolean | undefined
  /** Every file in the partitions of the added data files goes; the whole table, when they are of an unpartitioned spec. Default false. */
  readonly replacePartitions?: boolean | undefined
  /** What to do about a file to be removed that is no longer there. Default `conflict`. */
  readonly missingFiles?: 'conflict' | 'ignore' | undefined
  /** Data sequence number of added data files: that of the snapshot that a rewrite read, so that later deletes still apply. */
  readonly dataSequenceNumber?: bigint | undefined
  /** Data sequence number of added delete files, for rewrites of delete files: of all, or of each. */
  readonly deleteSequenceNumber?: bigint | ((file: DataFile) => bigint) | undefined
  /** Paths of replaced files whose rows had no ids yet when they were read; when they have some now, that is a conflict. Default: none. */
  readonly withoutRowIds?: ReadonlySet<string> | undefined
  /** Rows of the replaced files that were deleted already and are not written again; only of `replace`. Default 0. */
  readonly droppedRowCount?: number | undefined
  /** `merge` merges small manifests as `commit.manifest-merge.*` say; `fast` does not. Default `merge`. */
  readonly mode?: 'merge' | 'fast' | undefined
}
