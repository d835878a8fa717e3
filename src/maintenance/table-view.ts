/** Whether what a catalog answers is newer than, the same as, or older than what it answered before. */
import type { LoadedTable } from '../catalog/catalog-backend.js'
import { versionOf } from '../catalog/version-file.js'
import { FloeError } from '../util/errors.js'

export function isSameVersion(a: LoadedTable, b: LoadedTable): boolean {
  return a.metadataLocation === b.metadataLocation && a.metadata.lastUpdatedMs === b.metadata.lastUpdatedMs
}

/** @throws FloeError `CONFLICT` when `now` is another table than `before`, or an older version of it */
export function checkNotOlder(now: LoadedTable, before: LoadedTable): void {
  if (now.metadata.tableUuid !== before.metadata.tableUuid) {
    throw new FloeError('CONFLICT', 'The table was replaced by another of its name: load it again', { retryable: false })
  }
  const [version, earlier] = [versionOf(now.metadataLocation), versionOf(before.metadataLocation)]
  const isOlder =
    now.metadata.lastUpdatedMs < before.metadata.lastUpdatedMs ||
    now.metadata.lastSequenceNumber < before.metadata.lastSequenceNumber ||
    (version !== undefined && earlier !== undefined && version < earlier)
  if (!isOlder) return
  throw new FloeError('CONFLICT', 'The catalog answered with an older version of the table than before: its view is stale, and nothing is deleted on it', {
    file: now.metadataLocation,
  })
}
