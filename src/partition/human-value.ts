import { printIsoTimestamp } from '../schema/temporal-text.js'
import type { Type, Value } from '../schema/type.js'
import { humanDay, humanTime } from './calendar.js'

/**
 * The text of a value in a partition path, before escaping. Source: the reference's `Transform.toHumanString`, and the
 * `toString` of the Java class that holds the type.
 */
export function humanValue(type: Type, value: Value): string {
  if (value === null) return 'null'
  switch (type.kind) {
    case 'date':
      return humanDay(Number(value as number))
    case 'time':
      return humanTime(value as bigint)
    case 'timestamp':
      return printIsoTimestamp(value as bigint, 'micros', false)
    case 'timestamptz':
      return printIsoTimestamp(value as bigint, 'micros', true)
    case 'timestamp_ns':
      return printIsoTimestamp(value as bigint, 'nanos', false)
    case 'timestamptz_ns':
      return printIsoTimestamp(value as bigint, 'nanos', true)
    case 'decimal':
      return humanDecimal(value as bigint, type.scale)
    case 'float':
      return humanFloating(value as number, shortestFloat)
    case 'double':
      return humanFloating(value as number, (magnitude) => magnitude.toExponential())
    default:
      return value instanceof Uint8Array ? base64(value) : String(value)
  }
}

/** Java's `BigDecimal.toString`: scientific below 10⁻⁶, plain otherwise. */
function humanDecimal(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : ''
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString()
  if (scale === 0) return sign + digits
  const exponent = digits.length - 1 - scale
  if (exponent >= -6) {
    const padded = digits.padStart(scale + 1, '0')
    return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`
  }
  const mantissa = digits.length === 1 ? digits : `${digits[0]!}.${digits.slice(1)}`
  return `${sign}${mantissa}E${exponent}`
}

/** The fewest significant digits that read back as the same 32-bit float. */
function shortestFloat(value: number): string {
  for (let digits = 0; digits < 9; digits++) {
    const text = value.toExponential(digits)
    if (Math.fround(Number(text)) === value) return text
  }
  return value.toExponential()
}

/** Java's `Double.toString`: plain with at least one decimal in [10⁻³, 10⁷), else `d.dddE±n`. */
function humanFloating(value: number, shortest: (magnitude: number) => string): string {
  if (Number.isNaN(value)) return 'NaN'
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  if (value === 0) return `${sign}0.0`
  if (!Number.isFinite(value)) return `${sign}Infinity`
  const [mantissa, exponentText] = shortest(Math.abs(value)).split('e') as [string, string]
  const digits = mantissa.replace('.', '')
  const exponent = Number(exponentText)
  if (exponent < -3 || exponent >= 7) return `${sign}${digits[0]!}.${digits.slice(1).padEnd(1, '0')}E${exponent}`
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const padded = digits.padEnd(exponent + 2, '0')
  return `${sign}${padded.slice(0, exponent + 1)}.${padded.slice(exponent + 1)}`
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function base64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at
    const group = (bytes[at]! << 16) | ((left > 1 ? bytes[at + 1]! : 0) << 8) | (left > 2 ? bytes[at + 2]! : 0)
    text += BASE64[group >> 18]! + BASE64[(group >> 12) & 63]!
    text += (left > 1 ? BASE64[(group >> 6) & 63]! : '=') + (left > 2 ? BASE64[group & 63]! : '=')
  }
  return text
}
