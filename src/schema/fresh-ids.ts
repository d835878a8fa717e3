import { checkTypeDepth } from './schema-index.js'
import type { NestedField, StructType, Type } from './type.js'

/**
 * The same type with new ids for all that it holds, in the reference's order: all fields of a struct first, then what
 * is below each; the element of a list, or key and value of a map, before what is below them. Source: `AssignFreshIds`
 *
 * @throws FloeError `INVALID` for a type that nests too deep.
 */
export function assignFreshIds(type: Type, nextId: () => number): Type {
  checkTypeDepth(type)
  return freshType(type, nextId)
}

/** As {@link assignFreshIds}, for the fields of a struct. */
export function assignFreshFieldIds(fields: readonly NestedField[], nextId: () => number): readonly NestedField[] {
  return (assignFreshIds({ kind: 'struct', fields }, nextId) as StructType).fields
}

function freshType(type: Type, nextId: () => number): Type {
  switch (type.kind) {
    case 'struct': {
      const ids = type.fields.map(() => nextId())
      return { ...type, fields: type.fields.map((field, index) => ({ ...field, id: ids[index]!, type: freshType(field.type, nextId) })) }
    }
    case 'list': {
      const elementId = nextId()
      return { ...type, elementId, element: freshType(type.element, nextId) }
    }
    case 'map': {
      const keyId = nextId()
      const valueId = nextId()
      const key = freshType(type.key, nextId)
      return { ...type, keyId, key, valueId, value: freshType(type.value, nextId) }
    }
    default:
      return type
  }
}
