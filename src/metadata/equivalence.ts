/** When two schemas or sort orders are the same apart from their id, so that the one that exists is reused. */
import type { SortOrder } from '../partition/partition-spec.js'
import type { Schema } from '../schema/schema.js'
import type { NestedField, Type, Value } from '../schema/type.js'

/** Same columns and identifier fields. Source: `Schema.sameSchema` */
export function sameSchema(left: Schema, right: Schema): boolean {
  return sameFields(left.fields, right.fields) && sameMembers(left.identifierFieldIds, right.identifierFieldIds)
}

/** Same sort fields. Source: `SortOrder.sameOrder` */
export function sameOrder(left: SortOrder, right: SortOrder): boolean {
  return (
    left.fields.length === right.fields.length &&
    left.fields.every((field, i) => {
      const other = right.fields[i]!
      return (
        field.transform === other.transform &&
        field.direction === other.direction &&
        field.nullOrder === other.nullOrder &&
        sameList(field.sourceIds, other.sourceIds)
      )
    })
  )
}

function sameFields(left: readonly NestedField[], right: readonly NestedField[]): boolean {
  return left.length === right.length && left.every((field, i) => sameField(field, right[i]!))
}

function sameField(left: NestedField, right: NestedField): boolean {
  return (
    left.id === right.id &&
    left.name === right.name &&
    left.required === right.required &&
    left.doc === right.doc &&
    sameType(left.type, right.type) &&
    sameValue(left.initialDefault ?? null, right.initialDefault ?? null) &&
    sameValue(left.writeDefault ?? null, right.writeDefault ?? null)
  )
}

/** Whether two types are equal, nested ids, names, docs and defaults included. */
export function sameType(left: Type, right: Type): boolean {
  if (left.kind === 'struct') return right.kind === 'struct' && sameFields(left.fields, right.fields)
  if (left.kind === 'list') {
    return (
      right.kind === 'list' &&
      left.elementId === right.elementId &&
      left.elementRequired === right.elementRequired &&
      sameType(left.element, right.element)
    )
  }
  if (left.kind === 'map') {
    return (
      right.kind === 'map' &&
      left.keyId === right.keyId &&
      left.valueId === right.valueId &&
      left.valueRequired === right.valueRequired &&
      sameType(left.key, right.key) &&
      sameType(left.value, right.value)
    )
  }
  return samePrimitive(left, right)
}

function samePrimitive(left: Type, right: Type): boolean {
  const names = new Set([...Object.keys(left), ...Object.keys(right)])
  const member = (type: Type, name: string): unknown => (type as unknown as Readonly<Record<string, unknown>>)[name]
  return [...names].every((name) => member(left, name) === member(right, name))
}

function sameValue(left: Value, right: Value): boolean {
  if (left instanceof Uint8Array) return right instanceof Uint8Array && sameList([...left], [...right])
  if (left instanceof Map) {
    if (!(right instanceof Map) || left.size !== right.size) return false
    return [...(left as ReadonlyMap<number, Value>)].every(([id, value]) => {
      const other = (right as ReadonlyMap<number, Value>).get(id)
      return other !== undefined && sameValue(value, other)
    })
  }
  return Object.is(left, right)
}

function sameList<T>(left: readonly T[], right: readonly T[]): boolean {
  return left.length === right.length && left.every((item, i) => item === right[i])
}

function sameMembers(left: readonly number[], right: readonly number[]): boolean {
  const members = new Set(left)
  return members.size === new Set(right).size && right.every((id) => members.has(id))
}
