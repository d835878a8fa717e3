/** Column ids of a schema that joins a table: new ones, but for columns that the table knows by the same name. */
import { Schema } from '../schema/schema.js'
import type { NestedField, StructType, Type } from '../schema/type.js'
import { FloeError } from '../util/errors.js'

/** A schema with its new ids, and how the old ones map to them. */
export interface FreshSchema {
  readonly schema: Schema
  readonly newIds: ReadonlyMap<number, number>
  /** The highest id assigned so far. */
  readonly lastColumnId: number
}

export interface FreshIdOptions {
  /** Ids at or below this are taken. Default 0. */
  readonly lastColumnId?: number
  /** Columns of the same full name keep this schema's ids. */
  readonly existing?: Schema | undefined
  readonly schemaId?: number
}

/**
 * Assigns ids in the reference's order: all fields of a struct, then the fields inside of each.
 * Throws `INVALID` when two columns have the same id or the identifier fields name one that is not there. Source: `AssignFreshIds`
 */
export function assignFreshIds(schema: Schema, options: FreshIdOptions = {}): FreshSchema {
  const existingIds = options.existing === undefined ? new Map<string, number>() : indexNames(options.existing)
  const newIds = new Map<number, number>()
  let lastColumnId = options.lastColumnId ?? 0
  const assign = (oldId: number, path: string): number => {
    if (newIds.has(oldId)) throw new FloeError('INVALID', `two columns have the id ${oldId}`, { column: path })
    const id = existingIds.get(path) ?? ++lastColumnId
    newIds.set(oldId, id)
    return id
  }
  const fields = freshFields(schema.asStruct(), '', assign)
  const identifierFieldIds = schema.identifierFieldIds.map((id) => {
    const newId = newIds.get(id)
    if (newId === undefined) throw new FloeError('INVALID', `identifier field ${id} is not a column of the schema`)
    return newId
  })
  const fresh = new Schema(fields, { schemaId: options.schemaId ?? 0, identifierFieldIds, unknownFields: schema.unknownFields })
  return { schema: fresh, newIds, lastColumnId }
}

type Assign = (oldId: number, path: string) => number

function freshFields(struct: StructType, prefix: string, assign: Assign): readonly NestedField[] {
  const ids = struct.fields.map((field) => assign(field.id, prefix + field.name))
  return struct.fields.map((field, i) => ({ ...field, id: ids[i]!, type: freshType(field.type, `${prefix}${field.name}.`, assign) }))
}

function freshType(type: Type, prefix: string, assign: Assign): Type {
  if (type.kind === 'struct') return { ...type, fields: freshFields(type, prefix, assign) }
  if (type.kind === 'list') {
    const elementId = assign(type.elementId, `${prefix}element`)
    return { ...type, elementId, element: freshType(type.element, `${prefix}element.`, assign) }
  }
  if (type.kind === 'map') {
    const keyId = assign(type.keyId, `${prefix}key`)
    const valueId = assign(type.valueId, `${prefix}value`)
    return { ...type, keyId, valueId, key: freshType(type.key, `${prefix}key.`, assign), value: freshType(type.value, `${prefix}value.`, assign) }
  }
  return type
}

function indexNames(schema: Schema): ReadonlyMap<string, number> {
  const names = new Map<string, number>()
  freshFields(schema.asStruct(), '', (id, path) => {
    names.set(path, id)
    return id
  })
  return names
}
