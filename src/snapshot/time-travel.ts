/** Which snapshot was current at a point in time. */
import { FloeError } from '../util/errors.js'
import type { SnapshotLogEntry } from './snapshot.js'

/**
 * The id of the snapshot that was current at `timestampMs` (milliseconds since 1970 UTC), which is the entry of the log
 * with the greatest time not after it. Throws `NOT_FOUND` for a time before the first entry.
 * Source: `SnapshotUtil.snapshotIdAsOfTime`
 */
export function snapshotAsOf(log: readonly SnapshotLogEntry[], timestampMs: number): bigint {
  let best: SnapshotLogEntry | undefined
  for (const entry of log) {
    // The log is in commit order; with clocks that disagree, its times are not sorted. Of equal times the later commit counts.
    if (entry.timestampMs <= timestampMs && (best === undefined || entry.timestampMs >= best.timestampMs)) best = entry
  }
  if (best === undefined) {
    const first = log.reduce((least, entry) => Math.min(least, entry.timestampMs), Number.POSITIVE_INFINITY)
    const history = log.length === 0 ? 'the table has no history' : `its history starts at ${printTime(first)}`
    throw new FloeError('NOT_FOUND', `no snapshot was current at ${printTime(timestampMs)}: ${history}`)
  }
  return best.snapshotId
}

function printTime(timestampMs: number): string {
  const date = new Date(timestampMs)
  return Number.isNaN(date.getTime()) ? String(timestampMs) : date.toISOString()
}
