import { FloeError } from '../util/errors.js'
import { printTypeName } from './type-name.js'
import type { ListType, MapType, NestedField, Type } from './type.js'

/** Stands for the table where the id of a struct is meant. */
export const TABLE_ROOT_ID = -1

export type Move =
  | { readonly id: number; readonly to: 'first' }
  | { readonly id: number; readonly to: 'before' | 'after'; readonly reference: number }

/** What is to change, by field id. */
export interface PendingChanges {
  readonly deletes: ReadonlySet<number>
  /** Changed fields and added ones. */
  readonly updates: ReadonlyMap<number, NestedField>
  /** Ids of added fields by the id of their struct, in order. */
  readonly adds: ReadonlyMap<number, readonly number[]>
  /** By the id of the struct, in order. */
  readonly moves: ReadonlyMap<number, readonly Move[]>
}

/**
 * The fields of a table with changes applied: per struct first deletes and updates, then adds at the end, then moves. What
 * does not change is shared. Source: `SchemaUpdate.ApplyChanges`
 *
 * @throws FloeError `INVALID` when map keys, or the element or value of a list or map as such, would change.
 */
export function applySchemaChanges(fields: readonly NestedField[], changes: PendingChanges): readonly NestedField[] {
  return applyToStruct(fields, TABLE_ROOT_ID, changes)
}

function applyToStruct(fields: readonly NestedField[], structId: number, changes: PendingChanges): readonly NestedField[] {
  const kept = fields.flatMap((field) => {
    if (changes.deletes.has(field.id)) return []
    const update = changes.updates.get(field.id)
    const type = applyToField(field, update, changes)
    return update === undefined && type === field.type ? [field] : [{ ...(update ?? field), type }]
  })
  const added = (changes.adds.get(structId) ?? []).map((id) => changes.updates.get(id)!)
  const moved = applyMoves([...kept, ...added], changes.moves.get(structId) ?? [])
  return moved.length === fields.length && moved.every((field, index) => field === fields[index]) ? fields : moved
}

/** The type of a field: the promoted one, or the one it had with changes below applied. */
function applyToField(field: NestedField, update: NestedField | undefined, changes: PendingChanges): Type {
  return update !== undefined && update.type !== field.type ? update.type : applyToType(field.type, field.id, changes)
}

function applyToType(type: Type, ownerId: number, changes: PendingChanges): Type {
  switch (type.kind) {
    case 'struct': {
      const fields = applyToStruct(type.fields, ownerId, changes)
      if (fields.length === 0 && type.fields.length > 0) {
        throw new FloeError('INVALID', `Cannot delete all fields of ${printTypeName(type)}; delete the struct itself`)
      }
      return fields === type.fields ? type : { ...type, fields }
    }
    case 'list':
      return applyToList(type, changes)
    case 'map':
      return applyToMap(type, changes)
    default:
      return type
  }
}

function applyToList(type: ListType, changes: PendingChanges): Type {
  if (changes.deletes.has(type.elementId)) throw new FloeError('INVALID', `Cannot delete the element of ${printTypeName(type)}`)
  const field: NestedField = { id: type.elementId, name: 'element', type: type.element, required: type.elementRequired }
  const update = changes.updates.get(type.elementId)
  const element = applyToField(field, update, changes)
  const elementRequired = update?.required ?? type.elementRequired
  return element === type.element && elementRequired === type.elementRequired ? type : { ...type, element, elementRequired }
}

function applyToMap(type: MapType, changes: PendingChanges): Type {
  if (changes.deletes.has(type.valueId)) throw new FloeError('INVALID', `Cannot delete the value of ${printTypeName(type)}`)
  const changesKey = changes.deletes.has(type.keyId) || changes.updates.has(type.keyId) || changes.adds.has(type.keyId)
  if (changesKey || applyToType(type.key, type.keyId, changes) !== type.key) {
    throw new FloeError('INVALID', `Cannot change the keys of ${printTypeName(type)}`)
  }
  const update = changes.updates.get(type.valueId)
  const field: NestedField = { id: type.valueId, name: 'value', type: type.value, required: type.valueRequired }
  const value = applyToField(field, update, changes)
  const valueRequired = update?.required ?? type.valueRequired
  return value === type.value && valueRequired === type.valueRequired ? type : { ...type, value, valueRequired }
}

function applyMoves(fields: NestedField[], moves: readonly Move[]): NestedField[] {
  for (const move of moves) {
    const from = fields.findIndex((field) => field.id === move.id)
    if (from < 0) throw new FloeError('INVALID', `Cannot move field ${move.id}: it is deleted`)
    const [field] = fields.splice(from, 1)
    fields.splice(targetOf(fields, move), 0, field!)
  }
  return fields
}

function targetOf(fields: readonly NestedField[], move: Move): number {
  if (move.to === 'first') return 0
  const reference = fields.findIndex((field) => field.id === move.reference)
  if (reference < 0) throw new FloeError('INVALID', `Cannot move field ${move.id}: the field it is to stand next to is deleted`)
  return move.to === 'before' ? reference : reference + 1
}
