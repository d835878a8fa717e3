import type { ManifestSelection } from './scan-plan.js'

/**
 * The same selection without what planning alone needed: entries that were not selected, and the statistics of the others, unless
 * they are to be kept, compressed.
 */
export function compactSelection(selection: ManifestSelection, keepsStats: boolean): ManifestSelection {
  const { entries, selected, deletes } = selection
  const place = new Map(deletes === undefined ? [] : Array.from(selected, (entry, i) => [entry, i]))
  return {
    ...selection,
    keepsStats,
    entries: entries.compact(selected, { keepsStats }),
    selected: selected.map((_, i) => i),
    deletes: deletes && new Map([...deletes].map(([entry, found]) => [place.get(entry)!, found])),
  }
}
