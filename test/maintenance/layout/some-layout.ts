/** A layout with something in every part of it. */
import type { TableLayout } from '../../../src/maintenance/layout/layout-types.js'

const DAY = 86_400_000
const START = Date.UTC(2024, 0, 1)
const sizes = [
  { fromBytes: 2 ** 20, toBytes: 2 ** 21, files: 40, bytes: 60_000_000 },
  { fromBytes: 2 ** 21, toBytes: 2 ** 22, files: 0, bytes: 0 },
  { fromBytes: 2 ** 22, toBytes: 2 ** 23, files: 7, bytes: 40_000_000 },
]

export function someLayout(): TableLayout {
  const histogram = [1, 2, 3].map((fromDepth) => ({ fromDepth, files: 10 }))
  const depth = { files: 47, average: 3.2, maximum: 9, constantFiles: 1, unboundedFiles: 2, histogram }
  const counts = { files: 24, bytes: 50_000_000, rows: 1_000_000, smallFiles: 20, filesWithDeletes: 3, positionDeletes: 99 }
  const partition = { specId: 0, ...counts, sizes }
  const totals = { dataFiles: 47, dataBytes: 100_000_000, rows: 2_000_000, partitions: 2, smallFiles: 47, smallBytes: 100_000_000 }
  return {
    table: 'shop.events',
    location: 's3://lake/shop/events',
    metadataLocation: 's3://lake/shop/events/metadata/v9.metadata.json',
    formatVersion: 3,
    ref: 'main',
    snapshotId: '9007199254740993',
    snapshotTimeMs: START + 9 * DAY,
    measuredAtMs: START + 12 * DAY,
    targetFileSizeBytes: 2 ** 29,
    totals: { ...totals, largeFiles: 0 },
    fileSizes: sizes,
    clustering: [{ kind: 'sort-order', order: 'day(ts), id', depth }],
    columns: {
      total: 3,
      measured: [
        { column: 'ts', type: 'timestamptz', filesWithBounds: 47, fileShare: 0.05, byteShare: 0.04, depth: 2.5, maxDepth: 4 },
        { column: 'id', type: 'long', filesWithBounds: 47, fileShare: 0.97, byteShare: 0.99, depth: 40, maxDepth: 47 },
      ],
    },
    deletes: {
      ...{ positionDeleteFiles: 1, deletionVectors: 3, equalityDeleteFiles: 2, bytes: 12_345, positionDeletes: 198, equalityDeletes: 7 },
      ...{ filesWithDeletes: 5, danglingFiles: 1, filesByDeletes: [42, 3, 2].map((files, of) => ({ from: of, to: of, files })) },
    },
    growth: {
      snapshots: 4,
      points: [0, 1, 4, 9].map((day, i) => ({
        snapshotId: String(i),
        timeMs: START + day * DAY,
        operation: 'append',
        ...{ files: 10 * i, rows: 500_000 * i, bytes: 25_000_000 * i, deleteFiles: i },
      })),
    },
    partitions: {
      largest: [{ path: 'day=2024-01-01', ...partition }, { path: 'day=2024-01-02', ...partition }],
      rest: { partitions: 3, files: 9, bytes: 900, rows: 90 },
      medianBytes: 50_000_000,
    },
    manifests: { dataManifests: 3, deleteManifests: 1, bytes: 40_000, targetBytes: 2 ** 23, smallManifests: 3, spread: 2.4, sizes },
    history: {
      ...{ snapshots: 5, oldestMs: START, expirable: 2, maxSnapshotAgeMs: 5 * DAY, minSnapshotsToKeep: 1, metadataFiles: 8 },
      timesMs: [0, 1, 4, 9, 9.5].map((day) => START + day * DAY),
      refs: [
        { name: 'main', type: 'branch', snapshotId: '3', timeMs: START + 9 * DAY, minSnapshotsToKeep: 2, maxSnapshotAgeMs: DAY, maxRefAgeMs: DAY },
        { name: 'audit', type: 'tag', snapshotId: '1', timeMs: START + DAY, minSnapshotsToKeep: 2, maxSnapshotAgeMs: DAY, maxRefAgeMs: DAY },
      ],
    },
    advice: [{ weight: 'consider', title: 'Files overlap in the sort order', why: 'Why', command: 'compact --strategy sort' }],
  }
}
