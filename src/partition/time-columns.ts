/**
 * `year`, `month`, `day` and `hour` over whole columns, without a bigint per row. Slots of null rows hold garbage: mask them
 * with the column's validity.
 */
import { INT_MAX, INT_MIN } from '../schema/value-ranges.js'
import { monthOfDay, yearOfDay } from './calendar.js'
import { HIGH_WORD, LOW_WORD } from './murmur3.js'

/** `hour` of a column of microseconds. */
export const hourOfMicros = (values: BigInt64Array): Int32Array => divideColumn(values, 10, 3_515_625)
/** `day` of a column of microseconds. */
export const dayOfMicros = (values: BigInt64Array): Int32Array => divideColumn(values, 13, 10_546_875)
/** `month` of a column of microseconds. */
export const monthOfMicros = (values: BigInt64Array): Int32Array => monthOfDays(dayOfMicros(values))
/** `year` of a column of microseconds. */
export const yearOfMicros = (values: BigInt64Array): Int32Array => yearOfDays(dayOfMicros(values))
/** `hour` of a column of nanoseconds. */
export const hourOfNanos = (values: BigInt64Array): Int32Array => divideColumn(values, 13, 439_453_125)
/** `day` of a column of nanoseconds. */
export const dayOfNanos = (values: BigInt64Array): Int32Array => divideColumn(values, 16, 1_318_359_375)
/** `month` of a column of nanoseconds. */
export const monthOfNanos = (values: BigInt64Array): Int32Array => monthOfDays(dayOfNanos(values))
/** `year` of a column of nanoseconds. */
export const yearOfNanos = (values: BigInt64Array): Int32Array => yearOfDays(dayOfNanos(values))
/** `month` of a column of dates. */
export const monthOfDays = (days: Int32Array): Int32Array => mapDays(days, monthOfDay)
/** `year` of a column of dates. */
export const yearOfDays = (days: Int32Array): Int32Array => mapDays(days, yearOfDay)

/**
 * Floor division by `2^shift · odd`. Dropping the low bits first leaves at most 54, which a double holds, and a true quotient
 * just below an integer differs from it by `1 / odd`, more than half a unit in the last place for each divisor above. Hours
 * beyond 32 bits, some 240 000 years away, become the last one: order is kept.
 */
function divideColumn(values: BigInt64Array, shift: number, odd: number): Int32Array {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  const highUnit = 2 ** (32 - shift)
  const result = new Int32Array(values.length)
  for (let row = 0; row < result.length; row++) {
    const units = Math.floor((words[2 * row + HIGH_WORD]! * highUnit + (words[2 * row + LOW_WORD]! >>> shift)) / odd)
    result[row] = units > INT_MAX ? INT_MAX : units < INT_MIN ? INT_MIN : units
  }
  return result
}

/** Neighbouring rows mostly share their day. */
function mapDays(days: Int32Array, ofDay: (day: number) => number): Int32Array {
  const result = new Int32Array(days.length)
  let lastDay = 0
  let last = 0
  for (let row = 0; row < days.length; row++) {
    const day = days[row]!
    if (day !== lastDay) {
      lastDay = day
      last = ofDay(day)
    }
    result[row] = last
  }
  return result
}
