import { DEFAULT_CRS, DEFAULT_EDGE_ALGORITHM } from './type-name.js'
import type { NestedField, Type, Value } from './type.js'

/**
 * Whether two types are the same: field ids, names, docs and defaults included. A CRS that is left out equals the
 * default one; CRS names compare without case.
 */
export function typesEqual(a: Type, b: Type): boolean {
  if (a === b) return true
  if (a.kind !== b.kind) return false
  switch (a.kind) {
    case 'decimal': {
      const other = b as typeof a
      return a.precision === other.precision && a.scale === other.scale
    }
    case 'fixed':
      return a.length === (b as typeof a).length
    case 'geometry':
      return crsOf(a) === crsOf(b as typeof a)
    case 'geography': {
      const other = b as typeof a
      return crsOf(a) === crsOf(other) && (a.algorithm ?? DEFAULT_EDGE_ALGORITHM) === (other.algorithm ?? DEFAULT_EDGE_ALGORITHM)
    }
    case 'struct':
      return fieldListsEqual(a.fields, (b as typeof a).fields)
    case 'list': {
      const other = b as typeof a
      return a.elementId === other.elementId && a.elementRequired === other.elementRequired && typesEqual(a.element, other.element)
    }
    case 'map': {
      const other = b as typeof a
      if (a.keyId !== other.keyId || a.valueId !== other.valueId || a.valueRequired !== other.valueRequired) return false
      return typesEqual(a.key, other.key) && typesEqual(a.value, other.value)
    }
    default:
      return true
  }
}

/** Whether two lists have the same fields in the same order. */
export function fieldListsEqual(a: readonly NestedField[], b: readonly NestedField[]): boolean {
  return a.length === b.length && a.every((field, index) => fieldsEqual(field, b[index]!))
}

export function fieldsEqual(a: NestedField, b: NestedField): boolean {
  if (a === b) return true
  if (a.id !== b.id || a.name !== b.name || a.required !== b.required || a.doc !== b.doc) return false
  return valuesEqual(a.initialDefault, b.initialDefault) && valuesEqual(a.writeDefault, b.writeDefault) && typesEqual(a.type, b.type)
}

/** Whether two values of one type are the same; `undefined` is null, NaN equals NaN, −0 differs from 0. */
export function valuesEqual(a: Value | undefined, b: Value | undefined): boolean {
  const x = a ?? null
  const y = b ?? null
  if (Object.is(x, y)) return true
  if (x instanceof Uint8Array) return y instanceof Uint8Array && x.length === y.length && x.every((byte, index) => byte === y[index])
  if (x instanceof Map && y instanceof Map) return mapsEqual(x as ReadonlyMap<number, Value>, y as ReadonlyMap<number, Value>)
  return false
}

function mapsEqual(a: ReadonlyMap<number, Value>, b: ReadonlyMap<number, Value>): boolean {
  return a.size === b.size && [...a].every(([id, value]) => b.has(id) && valuesEqual(value, b.get(id)))
}

function crsOf(type: { readonly crs: string | undefined }): string {
  return (type.crs ?? DEFAULT_CRS).toLowerCase()
}
