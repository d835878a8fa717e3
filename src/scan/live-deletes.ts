import type { FileStats } from '../expression/expression.js'
import type { SkipTest } from '../expression/skip-test.js'
import type { DataFile, ManifestEntry } from '../manifest/data-file.js'
import type { ManifestEntries } from '../manifest/manifest-entries.js'
import { DELETE_FILE_PATH_FIELD } from '../schema/reserved-fields.js'
import type { SpecFilters } from './spec-filter.js'

/**
 * Adds the deletes of a manifest that can matter to a scan: those in partitions that it reads, and, if only rows that its filter
 * selects will be read, equality deletes of which some key can belong to such a row. Of their metrics only those are kept that tell
 * which rows they name.
 * Spec: Scan Planning › «If metrics show that a delete file has no rows that match a scan predicate, it may be ignored»
 */
export function collectDeletes(entries: ManifestEntries, filters: SpecFilters, rowsAreFiltered: boolean, live: ManifestEntry[]): void {
  const { partition } = filters.of(entries.specId, entries.manifest.manifestPath)
  for (let i = 0; i < entries.count; i++) {
    if (!entries.isLive(i)) continue
    if (partition !== undefined && !partition.mayMatch(entries.partition(i))) continue
    const entry = entries.entry(i)
    const { dataFile } = entry
    const ids = dataFile.content === 'equality-deletes' ? (dataFile.equalityIds ?? []) : [DELETE_FILE_PATH_FIELD.id]
    if (dataFile.content === 'equality-deletes' && rowsAreFiltered && filters.metrics !== undefined && !mayDelete(entries.stats(i), ids, filters.metrics)) continue
    live.push({ ...entry, dataFile: withMetricsOf(dataFile, ids) })
  }
}

/**
 * Whether a row that the filter selects can have one of the keys. Only key columns tell: what else a delete file holds of the
 * rows, they may have held when it was written and not hold in all data files.
 */
function mayDelete(stats: FileStats, ids: readonly number[], metrics: SkipTest<FileStats>): boolean {
  const of = <T>(read: (id: number) => T | undefined) => (id: number): T | undefined => (ids.includes(id) ? read(id) : undefined)
  return metrics.mayMatch({
    recordCount: stats.recordCount,
    valueCount: of((id) => stats.valueCount(id)),
    nullCount: of((id) => stats.nullCount(id)),
    nanCount: of((id) => stats.nanCount(id)),
    lowerBound: of((id) => stats.lowerBound(id)),
    upperBound: of((id) => stats.upperBound(id)),
  })
}

function withMetricsOf(file: DataFile, ids: readonly number[]): DataFile {
  const of = <T>(map: ReadonlyMap<number, T> | undefined): ReadonlyMap<number, T> | undefined => {
    if (map === undefined) return undefined
    return new Map([...map].filter(([id]) => ids.includes(id)))
  }
  const { valueCounts, nullValueCounts, nanValueCounts, lowerBounds, upperBounds } = file
  return {
    ...file,
    columnSizes: undefined,
    valueCounts: of(valueCounts),
    nullValueCounts: of(nullValueCounts),
    nanValueCounts: of(nanValueCounts),
    lowerBounds: of(lowerBounds),
    upperBounds: of(upperBounds),
  }
}
