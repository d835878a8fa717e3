import type { Schema } from '../schema/schema.js'
import type { NestedField, StructType, Type } from '../schema/type.js'
import type { PartitionField, PartitionSpec } from './partition-spec.js'
import { fieldTransform } from './transform.js'

/**
 * The struct of a spec's partition tuples: optional fields in the order of the spec, with the partition field ids.
 * The type of a source column that `schema` lacks is looked up in `olderSchemas`, last first; a column that none has counts
 * as `unknown`, which is enough for transforms with a fixed result type. Spec: Manifests › Data File Fields
 */
export function partitionType(spec: PartitionSpec, schema: Schema, olderSchemas: readonly Schema[] = []): StructType {
  return { kind: 'struct', fields: spec.fields.map((field) => tupleField(field, schema, olderSchemas)) }
}

/**
 * The struct of the tuples of all `specs` together, as in the `_partition` column: the fields by id, each named and typed as in
 * the newest spec that has it not voided. Source: the reference's `Partitioning.partitionType`
 */
export function unifiedPartitionType(specs: readonly PartitionSpec[], schema: Schema, olderSchemas: readonly Schema[] = []): StructType {
  const chosen = new Map<number, PartitionField>()
  for (const spec of specs.toSorted((a, b) => b.specId - a.specId)) {
    for (const field of spec.fields) {
      const other = chosen.get(field.fieldId)
      if (other === undefined || (other.transform === 'void' && field.transform !== 'void')) {
        chosen.set(field.fieldId, other === undefined ? field : { ...field, name: other.name })
      }
    }
  }
  const fields = [...chosen.values()].sort((a, b) => a.fieldId - b.fieldId)
  return { kind: 'struct', fields: fields.map((field) => tupleField(field, schema, olderSchemas)) }
}

/** The type of a field's source column, or `unknown` when every schema has lost it. */
export function sourceType(field: { readonly sourceIds: readonly number[] }, schema: Schema, olderSchemas: readonly Schema[] = []): Type {
  const sourceId = field.sourceIds[0]
  if (sourceId === undefined) return { kind: 'unknown' }
  const found = schema.fieldById(sourceId) ?? olderSchemas.findLast((older) => older.fieldById(sourceId) !== undefined)?.fieldById(sourceId)
  return found?.type ?? { kind: 'unknown' }
}

function tupleField(field: PartitionField, schema: Schema, olderSchemas: readonly Schema[]): NestedField {
  const type = fieldTransform(field).resultType(sourceType(field, schema, olderSchemas))
  return { id: field.fieldId, name: field.name, type, required: false }
}
