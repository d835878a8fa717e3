import type { TableMetadata } from '../../metadata/table-metadata.js'
import { printTypeName } from '../../schema/type-name.js'
import type { SchemaRow } from './snapshot-tables.js'

/** Every field of every schema, nested ones by their paths. */
export function schemaRows(metadata: TableMetadata): SchemaRow[] {
  return metadata.schemas.flatMap((schema) =>
    [...schema.fieldIds()].map((id) => {
      const field = schema.fieldById(id)!
      return {
        schema_id: schema.schemaId,
        is_current: schema.schemaId === metadata.currentSchemaId,
        field_id: id,
        path: schema.pathOf(id)!,
        type: printTypeName(field.type),
        required: field.required,
        is_identifier: schema.identifierFieldIds.includes(id),
        doc: field.doc ?? null,
      }
    }),
  )
}
