/** Prefixes of table properties that end in the path of a column. */
export const COLUMN_PROPERTY_PREFIXES: readonly string[] = [
  'write.metadata.metrics.column.',
  'write.parquet.bloom-filter-enabled.column.',
  'write.parquet.bloom-filter-fpp.column.',
  'write.parquet.stats-enabled.column.',
]

/** What {@link renameColumnProperties} needs to know of a schema change; `SchemaChanges` has it. */
export interface PathChanges {
  readonly deletedPaths: readonly string[]
  readonly renamedPaths: ReadonlyMap<string, string>
}

/**
 * Table properties after a schema change: those of renamed columns follow their column, those of deleted ones go. Order is kept.
 * Source: `PropertyUtil.applySchemaChanges`
 */
export function renameColumnProperties(properties: ReadonlyMap<string, string>, changes: PathChanges): Map<string, string> {
  const deleted = new Set(changes.deletedPaths)
  const result = new Map<string, string>()
  for (const [name, value] of properties) {
    const prefix = COLUMN_PROPERTY_PREFIXES.find((candidate) => name.startsWith(candidate))
    const path = prefix === undefined ? undefined : name.slice(prefix.length)
    if (path === undefined) result.set(name, value)
    else if (!deleted.has(path)) result.set(prefix! + (changes.renamedPaths.get(path) ?? path), value)
  }
  return result
}
