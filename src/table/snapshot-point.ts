import type { SnapshotPoint } from '../scan/changes/snapshot-range.js'
import { FloeError } from '../util/errors.js'

/** A state of a table: the id of a snapshot, the name of a branch or tag, or a time, for the state that was current at it. */
export type StateOf = bigint | string | Date

/** @throws FloeError `INVALID` for a value of another kind */
export function snapshotPoint(state: StateOf, name: string): SnapshotPoint {
  if (typeof state === 'bigint') return { snapshotId: state }
  if (typeof state === 'string') return { ref: state }
  if (state instanceof Date && !Number.isNaN(state.getTime())) return { timestampMs: state.getTime() }
  throw new FloeError('INVALID', `${name} is the id of a snapshot as a bigint, the name of a branch or tag, or a valid Date, not a value of type ${typeof state}`)
}
