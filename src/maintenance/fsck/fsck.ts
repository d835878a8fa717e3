/**
 * Whether a table is what its metadata says: every file that it reaches, every count and bound, every rule of the format that a
 * reader relies on. Nothing here changes a table; `repair/` does.
 */
import { printTableIdentifier } from '../../catalog/table-identifier.js'
import { completed } from '../../commit/commit-table.js'
import { findSnapshot } from '../../snapshot/snapshot-ref.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { checkMetadata } from './check-metadata.js'
import { checkMetadataFiles } from './check-metadata-files.js'
import { checkSnapshot } from './check-snapshot.js'
import { FsckContext, type FsckTable } from './fsck-context.js'
import { checkFsckOptions, type FsckOptions, type SnapshotScope } from './fsck-options.js'
import { FindingLog, type FsckReport } from './fsck-report.js'

/**
 * Checks a table, and answers all that is wrong with it. Manifests stream; memory grows by some sixty bytes for each live file of
 * one snapshot.
 *
 * @throws FloeError `INVALID` for options, `ABORTED`, and whatever keeps the store from being read
 */
export async function fsck(table: FsckTable, options: FsckOptions = {}): Promise<FsckReport> {
  const checked = checkFsckOptions(options)
  const loaded = await completed(table.loaded)
  const log = new FindingLog(checked.maxFindings)
  const context = new FsckContext({ ...table, loaded }, checked, log.add, options)
  context.advance()
  checkMetadata(loaded.metadata, log.add)
  await checkMetadataFiles(context)
  for (const snapshot of snapshotsIn(loaded.metadata, checked.snapshots)) {
    context.advance()
    await checkSnapshot(context, snapshot)
  }
  context.advance()
  return Object.freeze({
    table: printTableIdentifier(loaded.identifier),
    metadataLocation: loaded.metadataLocation,
    formatVersion: loaded.metadata.formatVersion,
    checked: { ...context.totals },
    ...log.finish(),
  })
}

/** The newest first: that is the one that hurts. */
function snapshotsIn(metadata: TableMetadata, scope: SnapshotScope): readonly Snapshot[] {
  const current = findSnapshot(metadata, metadata.currentSnapshotId)
  const heads = [...metadata.refs.values()].map((ref) => findSnapshot(metadata, ref.snapshotId))
  const others = scope === 'current' ? [] : scope === 'refs' ? heads : metadata.snapshots.toReversed()
  return [...new Set([current, ...others])].filter((snapshot) => snapshot !== undefined)
}
