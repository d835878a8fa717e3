import type { ManifestFile } from './data-file.js'
import { STATUS_ADDED, STATUS_DELETED, type ManifestEntries } from './manifest-entries.js'
import { PartitionSummary } from './partition-summary.js'
import type { StructType } from '../schema/type.js'

/**
 * The list record of a manifest with its counts and partition summaries taken from its entries: what v1 lets a writer leave
 * out, and later versions require. Summaries that are there are kept.
 */
export function withEntryCounts(manifest: ManifestFile, entries: ManifestEntries, partitionType: StructType): ManifestFile {
  const files = [0, 0, 0]
  const rows = [0n, 0n, 0n]
  const summary = new PartitionSummary(partitionType)
  for (let i = 0; i < entries.count; i++) {
    const status = entries.status[i]!
    files[status]!++
    rows[status]! += BigInt(Math.max(0, entries.recordCount[i]!))
    if (manifest.partitions === undefined) summary.add(entries.partition(i))
  }
  return {
    ...manifest,
    addedFilesCount: files[STATUS_ADDED],
    existingFilesCount: files[0],
    deletedFilesCount: files[STATUS_DELETED],
    addedRowsCount: rows[STATUS_ADDED],
    existingRowsCount: rows[0],
    deletedRowsCount: rows[STATUS_DELETED],
    partitions: manifest.partitions ?? summary.summaries(),
  }
}
