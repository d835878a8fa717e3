import { isFloeError } from '../util/errors.js'
import { NAME_MAPPING_PROPERTY, parseNameMapping, printNameMapping, updateNameMapping } from './name-mapping.js'
import type { SchemaChanges } from './schema-evolution.js'

/** Prefixes of table properties that end in the path of a column. */
const COLUMN_PROPERTY_PREFIXES: readonly string[] = [
  'write.metadata.metrics.column.',
  'write.parquet.bloom-filter-enabled.column.',
  'write.parquet.bloom-filter-fpp.column.',
  'write.parquet.stats-enabled.column.',
]

/** Table properties to set and to remove. */
export interface PropertyChanges {
  readonly updates: ReadonlyMap<string, string>
  readonly removals: readonly string[]
}

/**
 * The table properties that a schema change brings along: properties of renamed columns follow their column, those of deleted
 * ones go, and the name mapping learns new names and fields. A name mapping that cannot be read stays as it is, as in the
 * reference: it must not stand in the way of the change. Source: `SchemaUpdate.applyChangesToMetadata`
 */
export function propertyChanges(properties: ReadonlyMap<string, string>, changes: SchemaChanges): PropertyChanges {
  const updates = new Map<string, string>()
  const removals: string[] = []
  const deleted = new Set(changes.deletedPaths)
  for (const [name, value] of properties) {
    const prefix = COLUMN_PROPERTY_PREFIXES.find((candidate) => name.startsWith(candidate))
    if (prefix === undefined) continue
    const path = name.slice(prefix.length)
    const renamed = changes.renamedPaths.get(path)
    if (renamed !== undefined) updates.set(prefix + renamed, value)
    if (renamed !== undefined || deleted.has(path)) removals.push(name)
  }
  const mapping = updatedMapping(properties.get(NAME_MAPPING_PROPERTY), changes)
  if (mapping !== undefined) updates.set(NAME_MAPPING_PROPERTY, mapping)
  // Two columns may swap their names.
  return { updates, removals: removals.filter((name) => !updates.has(name)) }
}

function updatedMapping(text: string | undefined, changes: SchemaChanges): string | undefined {
  if (text === undefined) return undefined
  try {
    const mapping = parseNameMapping(text)
    const updated = updateNameMapping(mapping, changes)
    return printNameMapping(updated) === printNameMapping(mapping) ? undefined : printNameMapping(updated)
  } catch (error) {
    if (isFloeError(error, 'CORRUPT')) return undefined
    throw error
  }
}
