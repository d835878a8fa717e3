import { hexFromBytes, uuidToBytes } from '../schema/hex-text.js'
import { decodeValue } from '../schema/single-value.js'
import type { Type, Value } from '../schema/type.js'
import { isFloeError } from '../util/errors.js'
import { compareBytes, compareUtf8, encodeUtf8 } from '../util/utf8.js'

/** Negative, zero or positive; NaN when either value is NaN, so that no comparison but «unequal» holds. */
export type PredicateOrder = (a: Value, b: Value) => number

/**
 * The order that predicates use on non-null values of a type: strings by code point, bytes unsigned, `-0.0` equal to `0.0`.
 * Sorting uses another, total one: `schema/compare-values.ts`.
 */
export function predicateOrder(type: Type): PredicateOrder {
  switch (type.kind) {
    case 'string':
      return (a, b) => compareUtf8(a as string, b as string)
    case 'fixed':
    case 'binary':
    case 'geometry':
    case 'geography':
      return (a, b) => compareBytes(a as Uint8Array, b as Uint8Array)
    default:
      return compareScalars
  }
}

/** Whether a non-null value is one of `literals`; compiled once. */
export function membership(literals: readonly Value[]): (value: Value) => boolean {
  const keys = new Set(literals.map(memberKey))
  const first = literals[0]
  if (first instanceof Uint8Array) return (value) => keys.has(memberKey(value))
  // Partition values from before a promotion may still be numbers.
  if (typeof first === 'bigint') return (value) => keys.has(typeof value === 'number' ? BigInt(value) : value)
  return (value) => keys.has(value)
}

/** Distinct literals in predicate order. */
export function orderedDistinct(type: Type, literals: readonly Value[]): readonly Value[] {
  const order = predicateOrder(type)
  return literals.toSorted(order).filter((literal, index, sorted) => index === 0 || order(sorted[index - 1]!, literal) !== 0)
}

/**
 * Bounds in a form that compares without decoding text: strings and UUIDs stay bytes, whose order is theirs.
 */
export interface BoundForm {
  /** The form of a value. */
  ofValue(value: Value): Value
  /** The form of a bound's bytes; `undefined` when it says nothing: NaN, or bytes that are not of the type. */
  ofBound(bytes: Uint8Array): Value | undefined
  readonly compare: PredicateOrder
}

/** The comparable form of bounds of a type. Bounds from before a promotion are told by their length. */
export function boundForm(type: Type): BoundForm {
  switch (type.kind) {
    case 'string':
      return { ofValue: (value) => encodeUtf8(value as string), ofBound: (bytes) => bytes, compare: compareAsBytes }
    case 'fixed':
    case 'binary':
      return { ofValue: (value) => value, ofBound: (bytes) => bytes, compare: compareAsBytes }
    case 'uuid':
      return {
        ofValue: (value) => uuidToBytes(value as string),
        ofBound: (bytes) => (bytes.length === 16 ? bytes : undefined),
        compare: compareAsBytes,
      }
    default:
      return { ofValue: (value) => value, ofBound: (bytes) => readBound(type, bytes), compare: compareScalars }
  }
}

/** The value of a bound; `undefined` when it says nothing. A damaged bound must not hide a readable file. */
export function readBound(type: Type, bytes: Uint8Array): Value | undefined {
  try {
    const value = decodeValue(type, bytes)
    return value === null || Number.isNaN(value) ? undefined : value
  } catch (error) {
    if (isFloeError(error, 'CORRUPT', 'UNSUPPORTED')) return undefined
    throw error
  }
}

function compareAsBytes(a: Value, b: Value): number {
  return compareBytes(a as Uint8Array, b as Uint8Array)
}

/** Booleans, numbers, bigints (these two also mixed, as before and after a promotion) and canonical UUIDs. */
function compareScalars(a: Value, b: Value): number {
  if (a! < b!) return -1
  if (a! > b!) return 1
  // eslint-disable-next-line eqeqeq -- loose on purpose: 5 and 5n are one value
  return a == b ? 0 : NaN
}

function memberKey(value: Value): Value {
  return value instanceof Uint8Array ? hexFromBytes(value) : value
}
