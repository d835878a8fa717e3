import { FloeError } from '../util/errors.js'
import { compareBytes, compareUtf8 } from '../util/utf8.js'
import { printTypeName } from './type-name.js'
import type { Type, Value } from './type.js'

/** Negative, zero or positive. */
export type ValueComparator = (a: Value, b: Value) => number

/**
 * The order of a type's values, which bounds, sort orders and predicates share: strings by code point, bytes and UUIDs
 * unsigned, −0.0 before 0.0, NaN after everything and equal to itself. Null comes first.
 *
 * @throws FloeError `UNSUPPORTED` for types that have no order: variant, geometry, geography and nested types.
 */
export function compareValues(type: Type): ValueComparator {
  switch (type.kind) {
    case 'boolean':
      return nullsFirst((a, b) => Number(a) - Number(b))
    case 'int':
    case 'date':
      return nullsFirst((a, b) => (a as number) - (b as number))
    case 'float':
    case 'double':
      return nullsFirst((a, b) => compareFloats(a as number, b as number))
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
    case 'decimal':
      return nullsFirst(compareNatural)
    case 'uuid':
      // Lower-case hexadecimal digits stand in the order of the bytes that they spell.
      return nullsFirst(compareNatural)
    case 'string':
      return nullsFirst((a, b) => compareUtf8(a as string, b as string))
    case 'fixed':
    case 'binary':
      return nullsFirst((a, b) => compareBytes(a as Uint8Array, b as Uint8Array))
    case 'unknown':
      return nullsFirst(() => 0)
    default:
      throw new FloeError('UNSUPPORTED', `Values of type ${printTypeName(type)} have no order`)
  }
}

/** Orders doubles totally: −0.0 before 0.0, NaN last. */
export function compareFloats(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  if (a === b) return a === 0 ? Number(Object.is(b, -0)) - Number(Object.is(a, -0)) : 0
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
}

function compareNatural(a: Value, b: Value): number {
  return a! < b! ? -1 : a! > b! ? 1 : 0
}

function nullsFirst(compare: ValueComparator): ValueComparator {
  return (a, b) => {
    if (a === null || b === null) return Number(a !== null) - Number(b !== null)
    return compare(a, b)
  }
}
