import { checkTypeDepth } from './schema-index.js'
import type { NestedField, StructType, Type } from './type.js'

/** The new id of a field, by its old one and its full path. */
export type NextId = (oldId: number, path: string) => number

/**
 * The same type with new ids for all that it holds, in the reference's order: all fields of a struct first, then what
 * is below each; the element of a list, or key and value of a map, before what is below them. Source: `AssignFreshIds`
 *
 * @throws FloeError `INVALID` for a type that nests too deep.
 */
export function assignFreshIds(type: Type, nextId: NextId): Type {
  checkTypeDepth(type)
  return freshType(type, '', nextId)
}

/** As {@link assignFreshIds}, for the fields of a struct. */
export function assignFreshFieldIds(fields: readonly NestedField[], nextId: NextId): readonly NestedField[] {
  return (assignFreshIds({ kind: 'struct', fields }, nextId) as StructType).fields
}

function freshType(type: Type, prefix: string, nextId: NextId): Type {
  switch (type.kind) {
    case 'struct': {
      const ids = type.fields.map((field) => nextId(field.id, prefix + field.name))
      const below = (field: NestedField): Type => freshType(field.type, `${prefix}${field.name}.`, nextId)
      return { ...type, fields: type.fields.map((field, index) => ({ ...field, id: ids[index]!, type: below(field) })) }
    }
    case 'list': {
      const elementId = nextId(type.elementId, `${prefix}element`)
      return { ...type, elementId, element: freshType(type.element, `${prefix}element.`, nextId) }
    }
    case 'map': {
      const keyId = nextId(type.keyId, `${prefix}key`)
      const valueId = nextId(type.valueId, `${prefix}value`)
      const key = freshType(type.key, `${prefix}key.`, nextId)
      return { ...type, keyId, key, valueId, value: freshType(type.value, `${prefix}value.`, nextId) }
    }
    default:
      return type
  }
}
