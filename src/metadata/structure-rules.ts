/** What a schema, spec or order must satisfy before it may enter a table's metadata. */
import type { PartitionField, PartitionSpec, SortField, SortOrder } from '../partition/partition-spec.js'
import { fieldTransform } from '../partition/transform.js'
import type { Schema } from '../schema/schema.js'
import type { NestedField, Type } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import type { FormatVersion } from './table-metadata.js'

/** One below the first id that a partition field may have. Spec: Partition Evolution */
export const UNPARTITIONED_LAST_ID = 999

const V3_TYPES: ReadonlySet<Type['kind']> = new Set(['timestamp_ns', 'timestamptz_ns', 'variant', 'unknown', 'geometry', 'geography'])

/** The highest field id of the spec, 999 when it has no fields. */
export function lastAssignedFieldId(spec: PartitionSpec): number {
  return spec.fields.reduce((last, field) => Math.max(last, field.fieldId), UNPARTITIONED_LAST_ID)
}

/** Whether the field ids are 1000, 1001, … as v1 asks. */
export function hasSequentialIds(spec: PartitionSpec): boolean {
  return spec.fields.every((field, i) => field.fieldId === UNPARTITIONED_LAST_ID + 1 + i)
}

/** Throws `INVALID` for types and defaults that came later than `formatVersion`. Spec: Appendix E › Version 3 */
export function checkSchemaVersion(schema: Schema, formatVersion: FormatVersion): void {
  if (formatVersion >= 3) return
  for (const { field, path } of walkFields(schema.asStruct(), '')) {
    if (V3_TYPES.has(field.type.kind)) {
      throw new FloeError('INVALID', `type ${field.type.kind} needs format version 3, the table is v${formatVersion}: upgrade it first`, { column: path })
    }
    if (field.initialDefault !== undefined && field.initialDefault !== null) {
      throw new FloeError('INVALID', `an initial default needs format version 3, the table is v${formatVersion}: upgrade it first`, { column: path })
    }
  }
}

/** Throws `INVALID` unless every source column of the spec exists in `schema`, is primitive, lies in structs only and fits the transform. */
export function checkSpec(spec: PartitionSpec, schema: Schema): void {
  if (spec.fields.length === 0) return
  const columns = indexColumns(schema)
  for (const field of spec.fields) {
    // A v1 spec keeps a dropped column's field as void: its source may be gone.
    if (field.transform === 'void') continue
    for (const sourceId of field.sourceIds) {
      const source = columns.get(sourceId)
      if (source === undefined) throw missingSource('partition', field.name, sourceId)
      if (!source.inStructsOnly) {
        throw new FloeError('INVALID', `partition field ${field.name} cannot take its value from inside a list or map`, { column: source.path })
      }
      checkSource('partition', field, source)
    }
  }
}

/** Throws `INVALID` unless every source column of the order exists in `schema`, is primitive and fits the transform. */
export function checkSortOrder(order: SortOrder, schema: Schema): void {
  if (order.fields.length === 0) return
  const columns = indexColumns(schema)
  for (const field of order.fields) {
    for (const sourceId of field.sourceIds) {
      const source = columns.get(sourceId)
      if (source === undefined) throw missingSource('sort', field.transform, sourceId)
      checkSource('sort', field, source)
    }
  }
}

interface SourceColumn {
  readonly type: Type
  readonly path: string
  readonly inStructsOnly: boolean
}

function checkSource(role: string, field: PartitionField | SortField, source: SourceColumn): void {
  const { kind } = source.type
  if (kind === 'struct' || kind === 'list' || kind === 'map' || kind === 'variant') {
    throw new FloeError('INVALID', `cannot ${role} by a ${kind} column`, { column: source.path })
  }
  if (!fieldTransform(field).accepts(source.type)) {
    throw new FloeError('INVALID', `cannot ${role} by ${field.transform} of a ${kind} column`, { column: source.path })
  }
}

function missingSource(role: string, name: string, sourceId: number): FloeError {
  return new FloeError('INVALID', `the source column ${sourceId} of ${role} field ${name} is not in the current schema: change the ${role} fields first`)
}

function indexColumns(schema: Schema): ReadonlyMap<number, SourceColumn> {
  const columns = new Map<number, SourceColumn>()
  for (const { field, path, inStructsOnly } of walkFields(schema.asStruct(), '')) columns.set(field.id, { type: field.type, path, inStructsOnly })
  return columns
}

interface VisitedField {
  readonly field: NestedField
  readonly path: string
  readonly inStructsOnly: boolean
}

/** Every field at every level, list elements and map keys and values included, parents first. */
function* walkFields(type: Type, prefix: string, inStructsOnly = true): Generator<VisitedField> {
  for (const field of childFields(type)) {
    const path = prefix === '' ? field.name : `${prefix}.${field.name}`
    const structOnly = inStructsOnly && type.kind === 'struct'
    yield { field, path, inStructsOnly: structOnly }
    yield* walkFields(field.type, path, structOnly)
  }
}

function childFields(type: Type): readonly NestedField[] {
  if (type.kind === 'struct') return type.fields
  if (type.kind === 'list') return [{ id: type.elementId, name: 'element', type: type.element, required: type.elementRequired }]
  if (type.kind === 'map') {
    return [
      { id: type.keyId, name: 'key', type: type.key, required: true },
      { id: type.valueId, name: 'value', type: type.value, required: type.valueRequired },
    ]
  }
  return []
}
