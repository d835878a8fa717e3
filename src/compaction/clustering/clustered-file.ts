/**
 * How well a table's files are told apart by the bounds of some columns, and which of them to rewrite so that they are. Pure
 * functions over what manifests say: this folder opens no file and commits nothing.
 */
import type { FileStats } from '../../expression/expression.js'
import type { DataFile } from '../../manifest/data-file.js'
import { partitionKey } from '../../partition/partition-key.js'
import type { Value } from '../../schema/type.js'

/** What clustering asks of a data file. */
export interface ClusteredFile {
  readonly specId: number
  /** In the order of the spec's fields. */
  readonly partition: readonly Value[]
  /** The spec and the partition as one text: only files that share it are compared. */
  readonly partitionKey: string
  readonly sizeBytes: number
  /** Negative where an old writer did not know it. */
  readonly recordCount: number
  readonly stats: FileStats
}

/**
 * A data file as clustering sees it. `fieldIds`: the only columns of which counts and bounds are kept, copied, so that nothing of the
 * manifest stays in memory; by default those of `file` are used as they are.
 */
export function clusteredFile(file: DataFile, fieldIds?: ReadonlySet<number>): ClusteredFile {
  const { specId, partition, recordCount } = file
  return {
    specId,
    partition,
    partitionKey: `${specId}/${partitionKey(partition)}`,
    sizeBytes: file.fileSizeBytes,
    recordCount,
    stats: fileStats(fieldIds === undefined ? file : metricsOf(file, fieldIds)),
  }
}

type Metrics = Pick<DataFile, 'recordCount' | 'valueCounts' | 'nullValueCounts' | 'nanValueCounts' | 'lowerBounds' | 'upperBounds'>

function fileStats(metrics: Metrics): FileStats {
  return {
    recordCount: metrics.recordCount,
    valueCount: (fieldId) => metrics.valueCounts?.get(fieldId),
    nullCount: (fieldId) => metrics.nullValueCounts?.get(fieldId),
    nanCount: (fieldId) => metrics.nanValueCounts?.get(fieldId),
    lowerBound: (fieldId) => metrics.lowerBounds?.get(fieldId),
    upperBound: (fieldId) => metrics.upperBounds?.get(fieldId),
  }
}

function metricsOf(file: DataFile, fieldIds: ReadonlySet<number>): Metrics {
  const of = <T>(map: ReadonlyMap<number, T> | undefined, copy: (value: T) => T): ReadonlyMap<number, T> | undefined => {
    if (map === undefined) return undefined
    const kept = new Map<number, T>()
    for (const id of fieldIds) {
      const value = map.get(id)
      if (value !== undefined) kept.set(id, copy(value))
    }
    return kept
  }
  const { recordCount, valueCounts, nullValueCounts, nanValueCounts, lowerBounds, upperBounds } = file
  return {
    recordCount,
    valueCounts: of(valueCounts, same),
    nullValueCounts: of(nullValueCounts, same),
    nanValueCounts: of(nanValueCounts, same),
    lowerBounds: of(lowerBounds, (bytes) => bytes.slice()),
    upperBounds: of(upperBounds, (bytes) => bytes.slice()),
  }
}

function same<T>(value: T): T {
  return value
}
