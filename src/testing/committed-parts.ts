import type { Snapshot } from '../snapshot/snapshot.js'
import { MAIN_BRANCH } from '../snapshot/snapshot-ref.js'
import { MARK_PROPERTY, type Part } from './history.js'
import type { TableHistory, VersionState } from './table-history.js'

const SOURCE_SNAPSHOT_PROPERTY = 'source-snapshot-id'

/** The snapshots, expired ones among them, in which a part of an operation happened. */
export function snapshotsOfPart(part: Part, table: TableHistory): readonly Snapshot[] {
  if (part.kind !== 'snapshot') return []
  const { snapshots } = table
  if (part.publishes === undefined) {
    const scope = part.branch === undefined ? snapshots : table.chain(part.branch)
    return scope.filter(({ summary }) => summary.get(MARK_PROPERTY) === part.mark)
  }
  const staged = snapshots.find(({ summary }) => summary.get(MARK_PROPERTY) === part.publishes)
  if (staged === undefined) return []
  return table.chain(part.branch ?? MAIN_BRANCH).filter(
    ({ snapshotId, summary }) => snapshotId === staged.snapshotId || summary.get(SOURCE_SNAPSHOT_PROPERTY) === String(staged.snapshotId),
  )
}

/** How often a part is in the table. */
export function timesOfPart(part: Part, table: TableHistory): number {
  if (part.kind === 'property') return table.last.metadata.properties.has(part.mark) ? 1 : 0
  return snapshotsOfPart(part, table).length
}

/** The version with which a part came into the table. */
export function versionOfPart(part: Part, table: TableHistory): VersionState | undefined {
  if (part.kind === 'property') return table.versions.find(({ metadata }) => metadata.properties.has(part.mark))
  const [found] = snapshotsOfPart(part, table)
  if (found === undefined) return undefined
  if (part.publishes === undefined) {
    return table.versions.find(({ metadata }) => metadata.snapshots.some(({ snapshotId }) => snapshotId === found.snapshotId))
  }
  const branch = part.branch ?? MAIN_BRANCH
  return table.versions.find((version) => table.chain(branch, version).includes(found))
}
