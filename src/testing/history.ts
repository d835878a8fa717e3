/** What a run did to a table, as its actors saw it, and what the store saw: all that the checker is given. */
import type { FaultKind } from './fault.js'
import type { StoreEvent } from './recording-store.js'

/** A change of all rows that have one of some ids, whatever else they hold. */
export interface KeyedChange {
  readonly keys: readonly string[]
  /** What such rows are set to; `undefined`: they are deleted, or inserted as they are. */
  readonly set: string | undefined
  /** Whether ids that there are not are inserted. */
  readonly inserts: boolean
}

/** One snapshot, or one change of metadata, that an operation makes. */
export interface Part {
  /** The value of {@link MARK_PROPERTY} in the snapshot's summary, or the name of the table property that it sets. */
  readonly mark: string
  /** `nothing`: it was acknowledged that there was nothing to do. */
  readonly kind: 'snapshot' | 'property' | 'nothing'
  /** The branch; `undefined`: staged, in no branch. */
  readonly branch?: string | undefined
  /** Rows that it adds. */
  readonly adds: readonly string[]
  /** Rows that it removes. */
  readonly removes: readonly string[]
  /** What it does to whatever rows its parent has, in the place of {@link adds} and {@link removes}. */
  readonly keyed?: KeyedChange
  /** Whether rows that are there before and after keep their row id. */
  readonly keepsRowIds?: boolean
  /** Whether it changes no row, so that it does not matter how often it comes about. */
  readonly isUpkeep?: boolean
  /** Where there was nothing to do: a metadata file. */
  readonly seenIn?: string | undefined
  /** Whether it is fine that others removed some of the rows first. */
  readonly toleratesGone?: boolean
  /** Whether nothing but what it adds is left. */
  readonly replacesAll?: boolean
  /** Whether its data files are its caller's, who keeps them when nothing comes of it. */
  readonly keepsFiles?: boolean
  /** The mark of a staged snapshot that it publishes. */
  readonly publishes?: string
}

/** Summary property by which snapshots name the part that they are. */
export const MARK_PROPERTY = 'simulation.part'

/**
 * `ok`: acknowledged; `failed`: reported as not committed; `unknown`: reported as undecided; `open`: never reported, as its actor died.
 */
export type OperationOutcome = 'open' | 'ok' | 'failed' | 'unknown'

/** What an expiry has to keep. */
export interface ExpiryRecord {
  readonly olderThanMs: number
  readonly retainLast: number
}

export interface OperationRecord {
  readonly id: string
  readonly actor: string
  readonly kind: string
  readonly invokedAt: number
  endedAt: number | undefined
  outcome: OperationOutcome
  error?: { readonly code: string; readonly message: string }
  /** What an expiry was allowed to remove. */
  expiry?: ExpiryRecord
  /** All or none of them happen. */
  parts: readonly Part[]
  /** Faults that struck its actor meanwhile. */
  readonly faults: FaultKind[]
}

/** What one reader saw. */
export interface ReadRecord {
  readonly id: string
  readonly actor: string
  readonly invokedAt: number
  endedAt: number | undefined
  error?: { readonly code: string; readonly message: string }
  /** The metadata file that it read from. */
  metadataLocation?: string
  snapshotId?: bigint | undefined
  rows?: readonly string[]
  readonly faults: FaultKind[]
}

/** Everything that happened. Moments are numbers of steps. */
export interface History {
  readonly metadataFolder: string
  readonly operations: readonly OperationRecord[]
  readonly reads: readonly ReadRecord[]
  readonly store: readonly StoreEvent[]
  /** The objects in the end. */
  readonly objects: ReadonlyMap<string, Uint8Array>
  /** Files that each operation wrote, by its id: what may be left over from one that died. */
  readonly written: ReadonlyMap<string, string>
  /** Faults that struck anywhere. */
  readonly faults: readonly FaultKind[]
  /** Whether commits are tried again as often as the library wants to. */
  readonly isPatient: boolean
  /** Whether orphans were removed at the very end. */
  readonly isCleared: boolean
  /** Whether the run came to its end. */
  readonly finished: boolean
}
