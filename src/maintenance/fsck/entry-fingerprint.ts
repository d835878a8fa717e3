import type { DataFile } from '../../manifest/data-file.js'
import { partitionKey } from '../../partition/partition-key.js'
import { hexFromBytes } from '../../schema/hex-text.js'

/**
 * A text that two entries of one file share exactly when they say the same of it. Sizes of columns are left out: nobody relies on
 * them.
 */
export function entryFingerprint(file: DataFile): string {
  return [
    file.specId,
    partitionKey(file.partition),
    file.recordCount,
    file.fileSizeBytes,
    file.sortOrderId ?? '',
    file.splitOffsets?.join() ?? '',
    mapText(file.valueCounts, String),
    mapText(file.nullValueCounts, String),
    mapText(file.nanValueCounts, String),
    mapText(file.lowerBounds, hexFromBytes),
    mapText(file.upperBounds, hexFromBytes),
  ].join(' ')
}

/** No map and an empty one say the same: nothing. */
function mapText<T>(map: ReadonlyMap<number, T> | undefined, print: (value: T) => string): string {
  return [...(map ?? [])].sort(([a], [b]) => a - b).map(([id, value]) => `${id}:${print(value)}`).join()
}
