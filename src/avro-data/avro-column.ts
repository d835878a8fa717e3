import type { AvroField, AvroRecord, AvroSchema } from '../avro/avro-schema.js'
import type { MappedField, NameMapping } from '../schema/name-mapping.js'
import { mappedField } from '../schema/name-mapping.js'

/** A column of a file at any level, with the field id that stands in the file or comes from a name mapping. */
export interface AvroColumn {
  /** `element`, `key` and `value` within lists and maps. */
  readonly name: string
  readonly fieldId: number | undefined
  /** As written. */
  readonly schema: AvroSchema
  /** What is written where a value is present: the other branch of a union with null, or the schema itself. */
  readonly value: AvroSchema
  /** Index of the branch that is null; −1 where the column is no union with null. */
  readonly nullBranch: number
  /** Fields of a record; the element of an array; key and value of a map in either of its forms. */
  readonly children: readonly AvroColumn[]
}

/** The columns of a file's record. `names` gives the ids of a file without any. */
// Spec: Column Projection, Appendix A › Avro
export function fileColumns(record: AvroRecord, names: NameMapping | undefined): readonly AvroColumn[] {
  return record.fields.map((field) => fieldColumn(field, names))
}

/** Whether a schema carries an id anywhere. Files have ids at every level or at none. Source: `AvroSchemaUtil.hasIds` */
export function hasFieldIds(schema: AvroSchema): boolean {
  switch (schema.kind) {
    case 'record':
      return schema.fields.some((field) => field.fieldId !== undefined || hasFieldIds(field.schema))
    case 'union':
      return schema.branches.some(hasFieldIds)
    case 'array':
      return schema.elementId !== undefined || hasFieldIds(schema.items)
    case 'map':
      return schema.keyId !== undefined || schema.valueId !== undefined || hasFieldIds(schema.values)
    default:
      return false
  }
}

/** The key and the value of an array that stands for a map, which Avro allows for text keys only. Spec: Appendix A › Avro, Maps */
export function entryFields(schema: AvroSchema): readonly [key: AvroField, value: AvroField] | undefined {
  if (schema.kind !== 'array' || schema.logicalType !== 'map') return undefined
  const items = schema.items
  return items.kind === 'record' && items.fields.length === 2 ? [items.fields[0]!, items.fields[1]!] : undefined
}

function fieldColumn(field: AvroField, names: NameMapping | undefined): AvroColumn {
  const name = field.icebergName ?? field.name
  const naming = names === undefined ? undefined : { mapped: mappedField(names, field.name) }
  return column({ name, schema: field.schema, fieldId: field.fieldId }, naming)
}

/** Present when ids come from names; `mapped` is what the mapping knows of the column. */
type Naming = { readonly mapped: MappedField | undefined } | undefined

function column(own: Pick<AvroColumn, 'name' | 'schema' | 'fieldId'>, naming: Naming): AvroColumn {
  const { schema } = own
  const nullBranch = schema.kind === 'union' && schema.branches.length === 2 ? schema.branches.findIndex((branch) => branch.kind === 'null') : -1
  const value = nullBranch < 0 || schema.kind !== 'union' ? schema : schema.branches[1 - nullBranch]!
  const fieldId = naming === undefined ? own.fieldId : naming.mapped?.fieldId
  return { ...own, fieldId, value, nullBranch, children: childColumns(value, naming) }
}

function childColumns(schema: AvroSchema, naming: Naming): readonly AvroColumn[] {
  const child = (name: string, childSchema: AvroSchema, fieldId: number | undefined): AvroColumn =>
    column({ name, schema: childSchema, fieldId }, naming && { mapped: naming.mapped?.fields.find((field) => field.names.includes(name)) })
  switch (schema.kind) {
    case 'record':
      return schema.fields.map((field) => fieldColumn(field, naming && (naming.mapped?.fields ?? [])))
    case 'map':
      return [child('key', { kind: 'string' }, schema.keyId), child('value', schema.values, schema.valueId)]
    case 'array': {
      const entry = entryFields(schema)
      if (entry === undefined) return [child('element', schema.items, schema.elementId)]
      return [child('key', entry[0].schema, entry[0].fieldId), child('value', entry[1].schema, entry[1].fieldId)]
    }
    default:
      return []
  }
}
