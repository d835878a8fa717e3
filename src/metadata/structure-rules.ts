/** What a schema, spec or order must satisfy before it may enter a table's metadata. */
import type { PartitionField, PartitionSpec, SortField, SortOrder } from '../partition/partition-spec.js'
import { fieldTransform } from '../partition/transform.js'
import type { Schema } from '../schema/schema.js'
import type { Type } from '../schema/type.js'
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
  for (const id of schema.fieldIds()) {
    const { type, initialDefault } = schema.fieldById(id)!
    const column = schema.pathOf(id) ?? String(id)
    if (V3_TYPES.has(type.kind)) {
      throw new FloeError('INVALID', `type ${type.kind} needs format version 3, the table is v${formatVersion}: upgrade it first`, { column })
    }
    if (initialDefault !== undefined && initialDefault !== null) {
      throw new FloeError('INVALID', `an initial default needs format version 3, the table is v${formatVersion}: upgrade it first`, { column })
    }
  }
}

/** Throws `INVALID` unless every source column of the spec is in `schema`, primitive, in structs only, and fits the transform. */
export function checkSpec(spec: PartitionSpec, schema: Schema): void {
  for (const field of spec.fields) {
    // A v1 spec keeps a dropped column's field as void: its source may be gone.
    if (field.transform === 'void') continue
    for (const sourceId of field.sourceIds) {
      checkSource('partition', field, sourceId, schema)
      if (schema.ancestorsOf(sourceId).some((parent) => parent.type.kind !== 'struct')) {
        throw new FloeError('INVALID', `partition field ${field.name} cannot take its value from inside a list or map`, {
          column: schema.pathOf(sourceId)!,
        })
      }
    }
  }
}

/** Throws `INVALID` unless every source column of the order exists in `schema`, is primitive and fits the transform. */
export function checkSortOrder(order: SortOrder, schema: Schema): void {
  for (const field of order.fields) for (const sourceId of field.sourceIds) checkSource('sort', field, sourceId, schema)
}

function checkSource(role: 'partition' | 'sort', field: PartitionField | SortField, sourceId: number, schema: Schema): void {
  const source = schema.fieldById(sourceId)
  if (source === undefined) {
    const what = `the source column ${sourceId} of ${role} field ${field.transform}`
    throw new FloeError('INVALID', `${what} is not in the current schema: change the ${role} fields first`)
  }
  const { kind } = source.type
  const nested = kind === 'struct' || kind === 'list' || kind === 'map' || kind === 'variant'
  if (nested || !fieldTransform(field).accepts(source.type)) {
    throw new FloeError('INVALID', `cannot ${role} by ${field.transform} of a ${kind} column`, { column: schema.pathOf(sourceId)! })
  }
}
