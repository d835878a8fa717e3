/** What callers write where a value is meant, turned into the value of a column's type: exactly, or not at all. */
import { FloeError } from '../util/errors.js'
import { Decimal } from './decimal.js'
import { bytesFromHex, canonicalUuid, uuidFromBytes } from './hex-text.js'
import { parseIsoDate, parseIsoTime, parseIsoTimestamp } from './temporal-text.js'
import { printTypeName } from './type-name.js'
import type { Type, Value } from './type.js'
import { INT_MAX, INT_MIN, LONG_MAX, LONG_MIN, MICROS_PER_DAY, NANOS_PER_DAY } from './value-ranges.js'

/** A value as a caller writes it. Objects other than bytes and dates are taken at their `toString()`, as decimals. */
export type LiteralInput = boolean | number | bigint | string | Uint8Array | Date | { toString(): string }

/** The literal is greater than every value of the type. */
export const ABOVE_MAX = Symbol('above-max')
/** The literal is less than every value of the type. */
export const BELOW_MIN = Symbol('below-min')

export type LiteralValue = Value | typeof ABOVE_MAX | typeof BELOW_MIN

/**
 * Converts a literal to a value of `type`.
 *
 * - int, long: numbers without fraction, bigint. A number over 2^53 is refused: it may have been rounded already.
 * - float, double: numbers; bigint that the type holds exactly. A number is a float when it is that float's value or its
 *   shortest decimal text, so that 0.1 means the float that prints as 0.1.
 * - decimal: numbers (by their decimal text), bigint, decimal text, anything whose `toString()` is that.
 * - date: `2017-11-16`, days as number or bigint, a Date at midnight UTC.
 * - time: `22:31:08.123456`, microseconds as number or bigint.
 * - timestamps: ISO text (with an offset for types with zone, without one for the others; a plain date is midnight for
 *   the others), a Date, or a number or bigint in the type's own unit.
 * - uuid: its text or 16 bytes. fixed and binary: bytes or hexadecimal text. string and boolean: themselves only.
 *
 * Numbers out of a type's range become {@link ABOVE_MAX} or {@link BELOW_MIN}, as in the reference.
 *
 * @param column for the error
 * @throws FloeError `INVALID` when the literal does not convert without rounding, naming column and type.
 */
export function toValue(type: Type, input: LiteralInput, column?: string): LiteralValue {
  const value = convert(type, input, column)
  if (value === undefined) throw doesNotConvert(type, input, column)
  return value
}

/** As {@link toValue}, but out of range is `INVALID` too. For defaults and other values that are stored. */
export function toStoredValue(type: Type, input: LiteralInput, column?: string): Value {
  const value = toValue(type, input, column)
  if (typeof value === 'symbol') throw doesNotConvert(type, input, column, 'it is out of range')
  return value
}

/** Undefined when the input does not convert. */
function convert(type: Type, input: LiteralInput, column: string | undefined): LiteralValue | undefined {
  if (typeof input === 'number' && Number.isNaN(input)) throw doesNotConvert(type, input, column, 'compare with isNan and notNan')
  switch (type.kind) {
    case 'boolean':
      return typeof input === 'boolean' ? input : undefined
    case 'int':
      return within(toInteger(input), BigInt(INT_MIN), BigInt(INT_MAX), Number)
    case 'long':
      return withinLong(toInteger(input))
    case 'float':
      return toFloat(input)
    case 'double':
      return toDouble(input)
    case 'decimal':
      return toDecimal(input, type.precision, type.scale)
    case 'date':
      return within(toDays(input, type, column), BigInt(INT_MIN), BigInt(INT_MAX), Number)
    case 'time':
      return toTime(input, type, column)
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return withinLong(toTimestamp(input, type, column))
    case 'string':
      return typeof input === 'string' ? input : undefined
    case 'uuid':
      return toUuid(input)
    case 'fixed': {
      const bytes = toBytes(input)
      return bytes?.length === type.length ? bytes : undefined
    }
    case 'binary':
      return toBytes(input)
    default:
      return undefined
  }
}

/** Infinite numbers stand for themselves: beyond every integer. */
type Integer = bigint | typeof ABOVE_MAX | typeof BELOW_MIN

function toInteger(input: LiteralInput): Integer | undefined {
  if (typeof input === 'bigint') return input
  if (input instanceof Decimal) return input.rescaled(0)?.unscaled
  if (typeof input !== 'number') return undefined
  if (Number.isSafeInteger(input)) return BigInt(input)
  if (input >= 2 ** 63) return ABOVE_MAX
  return input < -(2 ** 63) ? BELOW_MIN : undefined
}

function within(value: Integer | undefined, min: bigint, max: bigint, wrap: (value: bigint) => Value): LiteralValue | undefined {
  if (typeof value !== 'bigint') return value
  if (value > max) return ABOVE_MAX
  return value < min ? BELOW_MIN : wrap(value)
}

function withinLong(value: Integer | undefined): LiteralValue | undefined {
  return within(value, LONG_MIN, LONG_MAX, (exact) => exact)
}

const MAX_FLOAT = 3.4028234663852886e38

function toFloat(input: LiteralInput): LiteralValue | undefined {
  const value = toDouble(input)
  if (typeof value !== 'number' || !Number.isFinite(value)) return value
  if (value > MAX_FLOAT) return ABOVE_MAX
  if (value < -MAX_FLOAT) return BELOW_MIN
  const float = Math.fround(value)
  if (float === value) return value
  for (let digits = 1; digits <= 9; digits++) {
    const text = Number(float.toPrecision(digits))
    if (Math.fround(text) === float) return text === value ? float : undefined
  }
  return undefined
}

function toDouble(input: LiteralInput): LiteralValue | undefined {
  if (typeof input === 'number') return input
  if (typeof input !== 'bigint') return undefined
  const value = Number(input)
  return Number.isFinite(value) && BigInt(value) === input ? value : undefined
}

function toDecimal(input: LiteralInput, precision: number, scale: number): LiteralValue | undefined {
  if (input === Infinity) return ABOVE_MAX
  if (input === -Infinity) return BELOW_MIN
  if (typeof input === 'boolean' || input instanceof Uint8Array || input instanceof Date) return undefined
  const decimal = input instanceof Decimal ? input : decimalOfText(String(input))
  const rescaled = decimal?.rescaled(scale)
  const bound = 10n ** BigInt(precision)
  return within(rescaled?.unscaled, 1n - bound, bound - 1n, (exact) => exact)
}

function decimalOfText(text: string): Decimal | undefined {
  try {
    return Decimal.parse(text)
  } catch {
    return undefined
  }
}

const MILLIS_PER_DAY = 86_400_000

function toDays(input: LiteralInput, type: Type, column: string | undefined): Integer | undefined {
  if (typeof input === 'string') return BigInt(parsed(type, input, column, () => parseIsoDate(input)))
  if (!(input instanceof Date)) return toInteger(input)
  return input.getTime() % MILLIS_PER_DAY === 0 ? BigInt(input.getTime() / MILLIS_PER_DAY) : undefined
}

function toTime(input: LiteralInput, type: Type, column: string | undefined): Value | undefined {
  const value = typeof input === 'string' ? parsed(type, input, column, () => parseIsoTime(input)) : toInteger(input)
  return typeof value === 'bigint' && value >= 0n && value < MICROS_PER_DAY ? value : undefined
}

function toTimestamp(input: LiteralInput, type: Type, column: string | undefined): Integer | undefined {
  const unit = type.kind === 'timestamp_ns' || type.kind === 'timestamptz_ns' ? 'nanos' : 'micros'
  const zoned = type.kind === 'timestamptz' || type.kind === 'timestamptz_ns'
  if (input instanceof Date) {
    return Number.isNaN(input.getTime()) ? undefined : BigInt(input.getTime()) * (unit === 'micros' ? 1_000n : 1_000_000n)
  }
  if (typeof input !== 'string') return toInteger(input)
  return parsed(type, input, column, () => {
    if (!zoned && /^[+-]?\d+-\d\d-\d\d$/.test(input)) return BigInt(parseIsoDate(input)) * (unit === 'micros' ? MICROS_PER_DAY : NANOS_PER_DAY)
    return parseIsoTimestamp(input, unit, zoned ? 'required' : 'none')
  })
}

function parsed<T>(type: Type, input: string, column: string | undefined, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw doesNotConvert(type, input, column, (error as Error).message)
  }
}

function toUuid(input: LiteralInput): string | undefined {
  if (input instanceof Uint8Array) return input.length === 16 ? uuidFromBytes(input) : undefined
  return typeof input === 'string' ? canonicalUuid(input) : undefined
}

function toBytes(input: LiteralInput): Uint8Array | undefined {
  if (input instanceof Uint8Array) return Uint8Array.from(input)
  return typeof input === 'string' ? bytesFromHex(input) : undefined
}

const SHOWN_CHARACTERS = 60

function doesNotConvert(type: Type, input: LiteralInput, column: string | undefined, why?: string): FloeError {
  const reason = why === undefined ? hintFor(type, input) : `: ${why}`
  return new FloeError('INVALID', `The literal ${show(input)} is no exact value of type ${printTypeName(type)}${reason}`, { column })
}

function hintFor(type: Type, input: LiteralInput): string {
  if (typeof input === 'number' && Number.isInteger(input) && (type.kind === 'long' || type.kind.startsWith('timestamp'))) return ': write it as a bigint'
  if (type.kind === 'decimal') return `: at most ${type.scale} fraction digits`
  return ''
}

function show(input: LiteralInput): string {
  if (input === null || input === undefined) return 'null (use isNull or notNull)'
  if (input instanceof Uint8Array) return `of ${input.length} bytes`
  if (input instanceof Date) return Number.isNaN(input.getTime()) ? 'Invalid Date' : input.toISOString()
  const text = typeof input === 'string' ? JSON.stringify(input.slice(0, SHOWN_CHARACTERS)) : safeText(input)
  return `${typeof input} ${text.slice(0, SHOWN_CHARACTERS + 2)}`
}

function safeText(input: LiteralInput): string {
  return typeof input === 'object' ? Object.prototype.toString.call(input) : String(input)
}
