/** Dates, times and timestamps as ISO 8601 text: exact to the unit of their type, in the proleptic Gregorian calendar. */
import { FloeError } from '../util/errors.js'

export type TimestampUnit = 'micros' | 'nanos'

/** Whether a timestamp's text must not have, may have any, or must have a zero offset. */
export type OffsetRule = 'none' | 'required' | 'utc'

const MAX_TEXT_LENGTH = 100
const FRACTION_DIGITS = { micros: 6, nanos: 9 } as const
const PER_SECOND = { micros: 1_000_000n, nanos: 1_000_000_000n } as const
const SECONDS_PER_DAY = 86_400n

const DATE = /^([+-]\d{4,10}|\d{4})-(\d\d)-(\d\d)$/
const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?$/
const OFFSET = /(?:[zZ]|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)$/

/** Days from 1970-01-01 of `2017-11-16`, or of `+12017-11-16` and `-0001-01-01`. Throws `INVALID` for anything else. */
export function parseIsoDate(text: string): number {
  const days = dateOf(text)
  if (days === undefined) throw notA('date such as 2017-11-16', text)
  return days
}

/** Microseconds from midnight of `22:31:08.123456`; seconds and fraction may be left out. Throws `INVALID` for anything else. */
export function parseIsoTime(text: string): bigint {
  const time = timeOf(text, 'micros')
  if (time === undefined) throw notA('time such as 22:31:08.123456, exact in microseconds', text)
  return time
}

/**
 * Microseconds or nanoseconds from 1970-01-01T00:00:00 of `2017-11-16T22:31:08.123456+01:00`. A fraction may have any width:
 * digits that the unit cannot hold must be zeros. The date and time are separated by `T` or a space.
 * Throws `INVALID` for anything else. The result may exceed 64 bits.
 */
export function parseIsoTimestamp(text: string, unit: TimestampUnit, rule: OffsetRule): bigint {
  const example = rule === 'none' ? 'timestamp without offset such as 2017-11-16T22:31:08' : 'timestamp with offset such as 2017-11-16T22:31:08+00:00'
  const split = text.length > MAX_TEXT_LENGTH ? -1 : text.search(/[tT ]/)
  if (split < 0) throw notA(example, text)
  const clock = text.slice(split + 1)
  const offset = OFFSET.exec(clock)?.[0]
  if ((offset !== undefined) !== (rule !== 'none')) throw notA(example, text)
  const days = dateOf(text.slice(0, split))
  const time = timeOf(offset === undefined ? clock : clock.slice(0, -offset.length), unit)
  const shift = offset === undefined ? 0 : offsetSeconds(offset)
  if (days === undefined || time === undefined || shift === undefined) throw notA(`${example}, exact in ${unit}econds`, text)
  if (rule === 'utc' && shift !== 0) throw new FloeError('INVALID', `The offset of ${quote(text)} must be +00:00`)
  return (BigInt(days) * SECONDS_PER_DAY - BigInt(shift)) * PER_SECOND[unit] + time
}

/** `2017-11-16`; years beyond four digits carry a sign. */
export function printIsoDate(days: number): string {
  const { year, month, day } = civilFromDays(days)
  const digits = String(Math.abs(year)).padStart(4, '0')
  const sign = year < 0 ? '-' : year > 9999 ? '+' : ''
  return `${sign}${digits}-${pad(month)}-${pad(day)}`
}

/** `22:31:08.123456`, without trailing zeros of the fraction. */
export function printIsoTime(micros: bigint): string {
  return printClock(micros, 'micros')
}

/** `2017-11-16T22:31:08.123456`, with `+00:00` when `zoned`; without trailing zeros of the fraction. */
export function printIsoTimestamp(value: bigint, unit: TimestampUnit, zoned: boolean): string {
  const perDay = PER_SECOND[unit] * SECONDS_PER_DAY
  const days = floorDivide(value, perDay)
  return `${printIsoDate(Number(days))}T${printClock(value - days * perDay, unit)}${zoned ? '+00:00' : ''}`
}

/** Divides by a positive number and rounds towards negative infinity, unlike bigint's `/`. */
export function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  return dividend % divisor < 0n ? quotient - 1n : quotient
}

function dateOf(text: string): number | undefined {
  const match = DATE.exec(text)
  if (match === null) return undefined
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined
  return daysFromCivil(year, month, day)
}

function timeOf(text: string, unit: TimestampUnit): bigint | undefined {
  const match = text.length > MAX_TEXT_LENGTH ? null : TIME.exec(text)
  if (match === null) return undefined
  const [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3] ?? '0')]
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const width = FRACTION_DIGITS[unit]
  const fraction = (match[4] ?? '').padEnd(width, '0')
  if (/[1-9]/.test(fraction.slice(width))) return undefined
  return BigInt(hour * 3600 + minute * 60 + second) * PER_SECOND[unit] + BigInt(fraction.slice(0, width))
}

function offsetSeconds(offset: string): number | undefined {
  if (offset === 'Z' || offset === 'z') return 0
  const digits = offset.slice(1).replaceAll(':', '').padEnd(6, '0')
  const [hours, minutes, seconds] = [Number(digits.slice(0, 2)), Number(digits.slice(2, 4)), Number(digits.slice(4))]
  if (hours > 18 || minutes > 59 || seconds > 59) return undefined
  const total = hours * 3600 + minutes * 60 + seconds
  return offset.startsWith('-') && total !== 0 ? -total : total
}

function printClock(sinceMidnight: bigint, unit: TimestampUnit): string {
  const seconds = Number(sinceMidnight / PER_SECOND[unit])
  const fraction = withoutTrailingZeros(String(sinceMidnight % PER_SECOND[unit]).padStart(FRACTION_DIGITS[unit], '0'))
  const clock = `${pad(Math.floor(seconds / 3600))}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`
  return fraction === '' ? clock : `${clock}.${fraction}`
}

function withoutTrailingZeros(digits: string): string {
  let end = digits.length
  while (end > 0 && digits[end - 1] === '0') end--
  return digits.slice(0, end)
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

const DAYS_PER_ERA = 146_097
/** From 0000-03-01, where eras of 400 years are counted from, to 1970-01-01. */
const ERA_TO_EPOCH_DAYS = 719_468

// Source: H. Hinnant, «chrono-compatible low-level date algorithms». Years run from March, so that the leap day is the last one.
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * DAYS_PER_ERA + dayOfEra - ERA_TO_EPOCH_DAYS
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + ERA_TO_EPOCH_DAYS
  const era = Math.floor(shifted / DAYS_PER_ERA)
  const dayOfEra = shifted - era * DAYS_PER_ERA
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return { year, month, day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1 }
}

function pad(number: number): string {
  return String(number).padStart(2, '0')
}

function quote(text: string): string {
  return JSON.stringify(text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text)
}

function notA(what: string, text: string): FloeError {
  return new FloeError('INVALID', `${quote(text)} is not a ${what}`)
}
