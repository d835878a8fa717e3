import type { ManifestEntries } from '../../manifest/manifest-entries.js'
import type { SpecFilters } from '../spec-filter.js'

/** What says that no row of an entry's file matches the filter: its partition or its metrics; `undefined` when some row may. */
export function excludedBy(entries: ManifestEntries, i: number, filters: SpecFilters): 'partition' | 'metrics' | undefined {
  const filter = filters.of(entries.specId, entries.manifest.manifestPath)
  if (filter.partition !== undefined && !filter.partition.mayMatch(entries.partition(i))) return 'partition'
  return filters.metrics !== undefined && !filters.metrics.mayMatch(entries.stats(i)) ? 'metrics' : undefined
}
