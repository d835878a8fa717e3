import type { FixedValues } from './arrow-data.js'

/** A copy of typed values with room for more. */
export function grown<T extends FixedValues>(values: T, length: number): T {
  const larger = new (values.constructor as new (length: number) => T)(length)
  ;(larger as Uint8Array).set(values as Uint8Array)
  return larger
}

/** The first `length` values; copied when much of the buffer would be kept alive for nothing. */
export function trimmed<T extends FixedValues>(values: T, length: number): T {
  return (values.length - length > values.length / 4 ? values.slice(0, length) : values.subarray(0, length)) as T
}
