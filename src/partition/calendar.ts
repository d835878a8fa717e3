/**
 * The proleptic Gregorian calendar as integer arithmetic on days, and the texts that the reference implementation gives to
 * dates and times in partition paths. Every division floors, so that instants before 1970 fall into the unit that holds them.
 */

const DAYS_PER_ERA = 146_097
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_SHIFT_DAYS = 719_468

/** Months since 1970-01 of the day `days` since 1970-01-01. Source: Howard Hinnant, chrono-compatible low-level date algorithms */
export function monthOfDay(days: number): number {
  const shifted = days + EPOCH_SHIFT_DAYS
  const era = Math.floor(shifted / DAYS_PER_ERA)
  const dayOfEra = shifted - era * DAYS_PER_ERA
  const yearOfEra = yearOfEraDay(dayOfEra)
  const dayOfYear = dayOfEra - firstDayOfYear(yearOfEra)
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  return (era * 400 + yearOfEra - 1970) * 12 + marchMonth + 2
}

/** Years since 1970 of the day `days` since 1970-01-01. */
export function yearOfDay(days: number): number {
  return Math.floor(monthOfDay(days) / 12)
}

/** Day of the month, from 1, of the day `days` since 1970-01-01. */
export function dayOfMonth(days: number): number {
  const shifted = days + EPOCH_SHIFT_DAYS
  const dayOfEra = shifted - Math.floor(shifted / DAYS_PER_ERA) * DAYS_PER_ERA
  const dayOfYear = dayOfEra - firstDayOfYear(yearOfEraDay(dayOfEra))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  return dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
}

function yearOfEraDay(dayOfEra: number): number {
  const leapFree = dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)
  return Math.floor(leapFree / 365)
}

function firstDayOfYear(yearOfEra: number): number {
  return 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
}

/** `1970` for 0. Years beyond 9999 have no sign; `-1971` is `-001`, as Java's `%04d` prints them. */
export function humanYear(years: number): string {
  return padSigned(1970 + years, 4)
}

/** `1970-01` for 0. */
export function humanMonth(months: number): string {
  const years = Math.floor(months / 12)
  return `${humanYear(years)}-${pad(months - years * 12 + 1, 2)}`
}

/** `1970-01-01` for 0. */
export function humanDay(days: number): string {
  return `${humanMonth(monthOfDay(days))}-${pad(dayOfMonth(days), 2)}`
}

/** `1970-01-01-00` for 0. */
export function humanHour(hours: number): string {
  const days = Math.floor(hours / 24)
  return `${humanDay(days)}-${pad(hours - days * 24, 2)}`
}

/** Java's `LocalTime.toString`: no seconds when they are zero, fractions of 3, 6 or 9 digits. */
export function humanTime(micros: bigint): string {
  const seconds = Number(micros / 1_000_000n)
  const fraction = Number(micros % 1_000_000n)
  const minutes = `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}`
  if (seconds % 60 === 0 && fraction === 0) return minutes
  const whole = `${minutes}:${pad(seconds % 60, 2)}`
  if (fraction === 0) return whole
  return fraction % 1000 === 0 ? `${whole}.${pad(fraction / 1000, 3)}` : `${whole}.${pad(fraction, 6)}`
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0')
}

/** Zero-padded to `width` characters, a minus sign included. */
function padSigned(value: number, width: number): string {
  return value < 0 ? `-${pad(-value, width - 1)}` : pad(value, width)
}
