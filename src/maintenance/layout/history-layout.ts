import type { TableMetadata } from '../../metadata/table-metadata.js'
import { readBoolean, readInteger, tableProperties } from '../../metadata/table-properties.js'
import { ancestorsOf, indexSnapshots } from '../../snapshot/ancestry.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { planExpiry } from '../expire/plan-expiry.js'
import type { GrowthLayout, GrowthPoint, HistoryLayout } from './layout-types.js'

const GROWTH_POINTS = 400

/** What the summaries say of the history of a snapshot. */
export function growthLayout(metadata: TableMetadata, snapshot: Snapshot | undefined): GrowthLayout {
  if (snapshot === undefined) return { snapshots: 0, points: [] }
  const line = [...ancestorsOf(snapshot.snapshotId, indexSnapshots(metadata.snapshots))].reverse()
  return { snapshots: line.length, points: thinned(line).map(growthPoint) }
}

/** Items evenly left out until few enough are left; never the first or the last. */
function thinned<T>(items: readonly T[]): readonly T[] {
  const step = (items.length - 1) / (GROWTH_POINTS - 1)
  return items.length <= GROWTH_POINTS ? items : Array.from({ length: GROWTH_POINTS }, (_, i) => items[Math.round(i * step)]!)
}

function growthPoint({ snapshotId, timestampMs, operation, summary }: Snapshot): GrowthPoint {
  const count = (name: string): number | null => {
    const text = summary.get(name)
    return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : null
  }
  return {
    snapshotId: String(snapshotId),
    timeMs: timestampMs,
    operation: operation ?? null,
    files: count('total-data-files'),
    rows: count('total-records'),
    bytes: count('total-files-size'),
    deleteFiles: count('total-delete-files'),
  }
}

/** What of its past a table keeps, and what it could let go as of `nowMs`. */
export function historyLayout(metadata: TableMetadata, nowMs: number): HistoryLayout {
  const { snapshots, properties, refs, metadataLog } = metadata
  const byId = indexSnapshots(snapshots)
  const mayExpire = readBoolean(properties, tableProperties.gcEnabled)
  return {
    snapshots: snapshots.length,
    oldestMs: snapshots.reduce<number | null>((oldest, { timestampMs }) => Math.min(oldest ?? Infinity, timestampMs), null),
    expirable: mayExpire ? planExpiry(metadata, {}, nowMs).removedSnapshots.length : null,
    maxSnapshotAgeMs: readInteger(properties, tableProperties.maxSnapshotAgeMs),
    minSnapshotsToKeep: readInteger(properties, tableProperties.minSnapshotsToKeep),
    metadataFiles: metadataLog.length,
    timesMs: thinned(snapshots.map(({ timestampMs }) => timestampMs).sort((a, b) => a - b)),
    refs: [...refs].map(([name, ref]) => ({
      name,
      type: ref.type,
      snapshotId: String(ref.snapshotId),
      timeMs: byId.get(ref.snapshotId)?.timestampMs ?? null,
      minSnapshotsToKeep: ref.minSnapshotsToKeep ?? null,
      maxSnapshotAgeMs: ref.maxSnapshotAgeMs ?? null,
      maxRefAgeMs: ref.maxRefAgeMs ?? null,
    })),
  }
}
