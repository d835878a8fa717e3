import type { Type } from './type.js'

/** Limits of the integers behind Iceberg's types. */
export const INT_MIN = -(2 ** 31)
export const INT_MAX = 2 ** 31 - 1
export const LONG_MIN = -(2n ** 63n)
export const LONG_MAX = 2n ** 63n - 1n
export const MICROS_PER_DAY = 86_400_000_000n
export const NANOS_PER_DAY = 86_400_000_000_000n

/** Types whose values are 64-bit integers. */
export const LONG_KINDS: ReadonlySet<Type['kind']> = new Set(['long', 'time', 'timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns'])

export function isInt(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= INT_MIN && (value as number) <= INT_MAX
}

export function isLong(value: unknown): value is bigint {
  return typeof value === 'bigint' && value >= LONG_MIN && value <= LONG_MAX
}
