import { typesEqual } from './type-equality.js'
import type { Type, Value } from './type.js'
import { isLong, MICROS_PER_DAY, NANOS_PER_DAY } from './value-ranges.js'

/** Format version that brought `date` to timestamp and `unknown` to any type. */
const WIDE_PROMOTIONS_SINCE = 3

/** Whether a column of type `from` may become `to` without rewriting files. A type promotes to itself. */
// Spec: Schema Evolution, the table of valid type promotions
export function isPromotionAllowed(from: Type, to: Type, formatVersion: number): boolean {
  if (typesEqual(from, to)) return true
  switch (from.kind) {
    case 'int':
      return to.kind === 'long'
    case 'float':
      return to.kind === 'double'
    case 'decimal':
      return to.kind === 'decimal' && to.scale === from.scale && to.precision >= from.precision
    case 'date':
      return formatVersion >= WIDE_PROMOTIONS_SINCE && (to.kind === 'timestamp' || to.kind === 'timestamp_ns')
    case 'unknown':
      return formatVersion >= WIDE_PROMOTIONS_SINCE
    default:
      return false
  }
}

/** Whether partition values and hashes of a column change with its promotion. */
// Spec: Schema Evolution, «Type promotion is not allowed for a field that is referenced by source-id …»
export function changesPartitionValues(from: Type, to: Type): boolean {
  return from.kind === 'date' && to.kind !== 'date'
}

/** A value of type `from` as one of the type it was promoted to; undefined when it is out of that type's range. */
export function promoteValue(from: Type, to: Type, value: Value): Value | undefined {
  if (value === null || from.kind === to.kind) return value
  if (from.kind === 'int' && to.kind === 'long') return BigInt(value as number)
  if (from.kind !== 'date') return value
  const instant = BigInt(value as number) * (to.kind === 'timestamp' ? MICROS_PER_DAY : NANOS_PER_DAY)
  return isLong(instant) ? instant : undefined
}
