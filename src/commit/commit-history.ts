/** What was committed to a branch since a snapshot. Source: `MergingSnapshotProducer.validationHistory` */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { ManifestFile } from '../manifest/data-file.js'
import { ancestorsBetween, indexSnapshots } from '../snapshot/ancestry.js'
import { branchHead } from '../snapshot/snapshot-ref.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { FloeError } from '../util/errors.js'
import { readManifestFiles } from './manifest-input.js'
import { tableName } from './table-name.js'

/**
 * The snapshots after `start` up to the head of the branch, oldest first; an undefined start stands for the empty branch.
 *
 * Throws `CONFLICT` when `start` is not in the history of the branch: it has expired, or the branch was rolled back.
 */
export function snapshotsSince(start: bigint | undefined, branch: string, table: LoadedTable): readonly Snapshot[] {
  const head = branchHead(table.metadata, branch)?.snapshotId
  if (head === start) return []
  const between = ancestorsBetween(head, start, indexSnapshots(table.metadata.snapshots))
  const isWhole = between !== undefined && (between.length === 0 ? start === undefined : between.at(-1)!.parentSnapshotId === start)
  if (isWhole) return between.toReversed()
  const since = start === undefined ? 'the branch was empty' : `snapshot ${start}`
  throw new FloeError(
    'CONFLICT',
    `it is not known what was committed to ${branch} since ${since}: the history in between has expired or was rolled back; ` +
      'load the table and plan the change again on its current snapshot',
    { table: tableName(table), retryable: false },
  )
}

/** The manifests that a snapshot wrote itself. */
export async function manifestsOf(
  snapshot: Snapshot,
  table: LoadedTable,
  signal: AbortSignal | undefined,
): Promise<readonly ManifestFile[]> {
  const manifests = await readManifestFiles(table, snapshot, { signal })
  return manifests.filter((manifest) => manifest.addedSnapshotId === snapshot.snapshotId)
}
