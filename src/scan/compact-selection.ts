import type { ManifestSelection } from './scan-plan.js'

/**
 * The same selection without what planning alone needed: entries that were not selected, and the statistics of the others, which are
 * read again from the compressed bytes where somebody asks for them.
 */
export function compactSelection(selection: ManifestSelection): ManifestSelection {
  const { entries, selected, deletes } = selection
  const place = new Map(deletes === undefined ? [] : Array.from(selected, (entry, i) => [entry, i]))
  return {
    ...selection,
    entries: entries.compact(selected),
    selected: selected.map((_, i) => i),
    deletes: deletes && new Map([...deletes].map(([entry, found]) => [place.get(entry)!, found])),
  }
}
