import { mergeFields } from '../../deletes/equality-key.js'
import { currentSchema } from '../../metadata/metadata-lookup.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { Schema } from '../../schema/schema.js'
import type { NestedField } from '../../schema/type.js'
import { FloeError } from '../../util/errors.js'

/** The current columns of a table, then all that it ever had: files keep metrics, and partitions, of columns that were dropped. */
export function wholeSchema(metadata: Pick<TableMetadata, 'schemas' | 'currentSchemaId'>): Schema {
  const current = currentSchema(metadata)
  const older = metadata.schemas.filter((schema) => schema !== current).toReversed()
  const fields = older.reduce((merged, schema) => mergeFields(merged, schema.fields.map(optional)), current.fields)
  const hasAll = older.every((schema) => [...schema.fieldIds()].every((id) => current.fieldById(id) !== undefined))
  if (hasAll) return current
  const names = new Set(current.fields.map((field) => field.name))
  const named = fields.map((field, i) => (i < current.fields.length || !names.has(field.name) ? field : { ...field, name: `${field.name}#${field.id}` }))
  try {
    return new Schema(uniquelyNamed(named), { schemaId: current.schemaId })
  } catch (error) {
    // A name within a struct that another column has taken since.
    if (error instanceof FloeError) return current
    throw error
  }
}

function optional(field: NestedField): NestedField {
  return field.required ? { ...field, required: false } : field
}

function uniquelyNamed(fields: readonly NestedField[]): readonly NestedField[] {
  const seen = new Set<string>()
  return fields.map((field) => {
    if (!seen.has(field.name)) {
      seen.add(field.name)
      return field
    }
    return { ...field, name: `${field.name}#${field.id}` }
  })
}
