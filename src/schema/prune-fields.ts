import { FloeError } from '../util/errors.js'
import { printTypeName } from './type-name.js'
import { isNested } from './type.js'
import type { ListType, MapType, NestedField, StructType, Type } from './type.js'

/**
 * `whole`: a chosen field comes with all that it holds. `named-only`: a chosen struct is empty but for its fields that
 * are chosen too, and lists and maps cannot be chosen.
 */
export type PruneMode = 'whole' | 'named-only'

/**
 * The fields whose ids are chosen, in order, with whatever encloses them. Maps always keep their keys. What does not change
 * is shared, not copied. Source: `PruneColumns`
 */
export function pruneFields(fields: readonly NestedField[], chosen: ReadonlySet<number>, mode: PruneMode): readonly NestedField[] {
  const kept: NestedField[] = []
  for (const field of fields) {
    const type = pruneField(field.id, field.type, chosen, mode)
    if (type !== undefined) kept.push(type === field.type ? field : { ...field, type })
  }
  return kept.length === fields.length && kept.every((field, index) => field === fields[index]) ? fields : kept
}

/** The type that remains of a field; undefined when neither it nor anything below it is chosen. */
function pruneField(id: number, type: Type, chosen: ReadonlySet<number>, mode: PruneMode): Type | undefined {
  if (!chosen.has(id)) return isNested(type) ? pruneBelow(type, chosen, mode) : undefined
  if (mode === 'whole' || !isNested(type)) return type
  if (type.kind === 'struct') return withFields(type, pruneFields(type.fields, chosen, mode))
  throw new FloeError('INVALID', `Field ${id} of type ${printTypeName(type)} cannot be projected by its own id; name what it holds`)
}

function pruneBelow(type: StructType | ListType | MapType, chosen: ReadonlySet<number>, mode: PruneMode): Type | undefined {
  if (type.kind === 'struct') {
    const fields = pruneFields(type.fields, chosen, mode)
    return fields.length === 0 ? undefined : withFields(type, fields)
  }
  if (type.kind === 'list') {
    const element = pruneField(type.elementId, type.element, chosen, mode)
    return element === undefined || element === type.element ? (element && type) : { ...type, element }
  }
  const value = pruneField(type.valueId, type.value, chosen, mode)
  if (value !== undefined) return value === type.value ? type : { ...type, value }
  return chosen.has(type.keyId) || pruneField(type.keyId, type.key, chosen, 'whole') !== undefined ? type : undefined
}

function withFields(type: StructType, fields: readonly NestedField[]): StructType {
  return fields === type.fields ? type : { ...type, fields }
}
