import { Decimal } from '../schema/decimal.js'
import { bytesFromHex, canonicalUuid, uuidToBytes } from '../schema/hex-text.js'
import type { Type } from '../schema/type.js'
import { rescaleDecimal } from './decimal-words.js'
import { parseIsoDate, parseIsoTime, parseIsoTimestamp } from './iso-time.js'

/**
 * A caller's value as the integer that its column stores: a number where that is safe, else a bigint; undefined when it is no value of
 * the type. Ranges are checked by who stores it.
 */
export type CoerceInteger = (value: unknown) => number | bigint | undefined

/** What is accepted besides the types' own values. `text`: the canonical text of any primitive, as CSV and JSON lines hold it. */
export interface CoercionOptions {
  readonly text: boolean
}

/** The coercion of a type that is stored as a 64-bit integer or less; undefined for other types. */
export function integerCoercion(type: Type, options: CoercionOptions): CoerceInteger | undefined {
  switch (type.kind) {
    case 'int':
    case 'long':
      return options.text ? orDigits(coerceInteger) : coerceInteger
    case 'date':
      return options.text ? orDigits(coerceDate) : coerceDate
    case 'time':
      return options.text ? orDigits(coerceTime) : coerceTime
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns': {
      const coerce = timestampCoercion(type.kind.endsWith('_ns') ? 9 : 6, type.kind.startsWith('timestamptz'))
      return options.text ? orDigits(coerce) : coerce
    }
    default:
      return undefined
  }
}

const longestInteger = 20

function orDigits(coerce: CoerceInteger): CoerceInteger {
  return (value) => {
    if (typeof value !== 'string' || value.length > longestInteger || !/^-?\d+$/.test(value)) return coerce(value)
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : BigInt(value)
  }
}

function coerceInteger(value: unknown): number | bigint | undefined {
  return typeof value === 'bigint' || Number.isSafeInteger(value) ? (value as number | bigint) : undefined
}

/** A `Date` must be midnight UTC: local midnight is another day for half the world, and a time of day would be lost. */
function coerceDate(value: unknown): number | bigint | undefined {
  if (typeof value === 'string') return parseIsoDate(value)
  if (!(value instanceof Date)) return coerceInteger(value)
  const days = value.getTime() / 86_400_000
  return Number.isInteger(days) ? days : undefined
}

function coerceTime(value: unknown): number | bigint | undefined {
  return typeof value === 'string' ? parseIsoTime(value) : coerceInteger(value)
}

/** Numbers are refused: they may mean seconds, milliseconds or the column's unit. */
function timestampCoercion(digits: 6 | 9, zoned: boolean): CoerceInteger {
  const perMilli = digits === 6 ? 1_000 : 1_000_000
  return (value) => {
    if (typeof value === 'bigint') return value
    if (typeof value === 'string') return parseIsoTimestamp(value, digits, zoned)
    if (!(value instanceof Date)) return undefined
    const millis = value.getTime()
    if (Number.isNaN(millis)) return undefined
    const units = millis * perMilli
    return Number.isSafeInteger(units) ? units : BigInt(millis) * BigInt(perMilli)
  }
}

/** Texts with more digits or a larger exponent than any decimal has are refused before they are expanded. */
const longestDecimal = 100
const decimalText = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/

/** The unscaled value under `scale` of a Decimal, bigint, number (by its shortest text) or text; undefined when inexact or no number. */
export function coerceDecimal(value: unknown, scale: number): bigint | undefined {
  if (value instanceof Decimal) return rescaleDecimal(value.unscaled, value.scale, scale)
  if (typeof value === 'bigint') return rescaleDecimal(value, 0, scale)
  if (typeof value === 'number') return Number.isFinite(value) ? parseDecimal(String(value), scale) : undefined
  return typeof value === 'string' ? parseDecimal(value, scale) : undefined
}

function parseDecimal(text: string, scale: number): bigint | undefined {
  const match = text.length > longestDecimal ? null : decimalText.exec(text)
  if (match === null) return undefined
  const [, sign, integer = '', fraction = '', exponent = '0'] = match
  if (integer === '' && fraction === '') return undefined
  const unscaled = rescaleDecimal(BigInt(integer + fraction), fraction.length - Number(exponent), scale)
  return sign === '-' && unscaled !== undefined ? -unscaled : unscaled
}

const numberText = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/

/** A number as it is, or in text mode what the text denotes. */
export function coerceFloat(value: unknown, options: CoercionOptions): number | undefined {
  if (typeof value === 'number') return value
  if (!options.text || typeof value !== 'string') return undefined
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value)
  return numberText.test(value) ? Number(value) : undefined
}

/** A boolean as it is, or in text mode `true` and `false`. */
export function coerceBoolean(value: unknown, options: CoercionOptions): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (!options.text) return undefined
  return value === 'true' ? true : value === 'false' ? false : undefined
}

/** Bytes as they are, or in text mode hexadecimal digits. */
export function coerceBytes(value: unknown, options: CoercionOptions): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value
  return options.text && typeof value === 'string' ? bytesFromHex(value) : undefined
}

/** Sixteen bytes, or a UUID in its canonical form, of any case. */
export function coerceUuid(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value.length === 16 ? value : undefined
  const canonical = typeof value === 'string' ? canonicalUuid(value) : undefined
  return canonical === undefined ? undefined : uuidToBytes(canonical)
}
