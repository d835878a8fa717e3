/** What a change of a table has to offer so that it can be committed, and committed again on a newer version. */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import type { Runtime } from '../util/runtime.js'

export interface CommitContext {
  readonly runtime: Runtime
  readonly signal: AbortSignal | undefined
  /** 1 for the first attempt. Names of files made in an attempt carry it: no attempt writes over another's. */
  readonly attempt: number
  /** In a transaction: the snapshot of the table that stands behind one that the transaction itself makes. */
  readonly startOf?: ((snapshotId: bigint | undefined) => bigint | undefined) | undefined
}

/** What one attempt would change. */
export interface ProposedChange {
  /** Empty: nothing is left to do. */
  readonly updates: readonly MetadataUpdate[]
  /** A snapshot that the updates add. Its id is how a commit of unknown outcome is recognised. */
  readonly snapshot?: Snapshot | undefined
}

/**
 * One change of a table. `prepare` runs once; `validate` and `apply` run in every attempt, on the version that is
 * current then. Nothing here deletes files: an operation only names those that may be deleted.
 */
export interface CommitOperation {
  /** For messages: `append`, `schema update`. */
  readonly name: string
  /**
   * True when `validate` and `apply` find out by themselves whether the change still fits, so that being overtaken by another
   * commit is no reason to give up. Default false.
   */
  readonly canFollowAny?: boolean
  /** Writes what all attempts share. */
  prepare?(base: LoadedTable, context: CommitContext): Promise<void>
  /** The snapshot in which this very change was committed before, by a caller that tried again. */
  findCommitted?(current: TableMetadata): Snapshot | undefined
  /** Throws `CONFLICT` when what was committed since `base` does not go together with this change. */
  validate?(base: LoadedTable, current: LoadedTable, context: CommitContext): Promise<void>
  /** The change as it is to be made to `current`. */
  apply(current: LoadedTable, context: CommitContext): Promise<ProposedChange>
  /**
   * Files of this operation that the table does not need: all that it wrote when `committed` is undefined (no attempt
   * landed), else those of attempts before the one that landed.
   */
  unusedFiles?(committed: Snapshot | undefined): readonly string[]
}

/** An operation that only changes metadata. `makeUpdates` is called with the version that is current in each attempt. */
export function metadataOperation(name: string, makeUpdates: (current: TableMetadata) => readonly MetadataUpdate[]): CommitOperation {
  return { name, apply: (current) => Promise.resolve({ updates: makeUpdates(current.metadata) }) }
}
