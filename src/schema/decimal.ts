import { FloeError } from '../util/errors.js'

/** Digits and exponents beyond this are refused: no decimal type comes near, and a hostile `1e999999999` must cost nothing. */
const MAX_DIGITS = 1000

/** An exact decimal number: `unscaled` × 10^−`scale`. Immutable. */
export class Decimal {
  constructor(
    readonly unscaled: bigint,
    readonly scale: number,
  ) {
    if (!Number.isInteger(scale) || Math.abs(scale) > MAX_DIGITS) throw new FloeError('INVALID', `${scale} is not the scale of a decimal`)
  }

  /**
   * Reads `-12.50`, `.5`, `7e-3`. The scale is the number of fraction digits less the exponent, as in Java's BigDecimal, so
   * `1E+3` has the scale −3. Throws `INVALID` for anything else.
   */
  static parse(text: string): Decimal {
    const match = text.length <= 2 * MAX_DIGITS ? /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/.exec(text) : null
    const [, sign = '', whole = '', fraction = '', exponent = '0'] = match ?? []
    const digits = whole + fraction
    const scale = fraction.length - Number(exponent)
    if (digits === '' || digits.length > MAX_DIGITS || Math.abs(scale) > MAX_DIGITS) {
      throw new FloeError('INVALID', `${JSON.stringify(text.slice(0, 60))} is not a decimal number`)
    }
    const unscaled = BigInt(digits)
    return new Decimal(sign === '-' ? -unscaled : unscaled, scale)
  }

  /** With exactly `scale` fraction digits: `-0.01`, `14.20`. A negative scale prints as an exponent: `2E+20`. */
  toString(): string {
    const digits = String(this.unscaled < 0n ? -this.unscaled : this.unscaled)
    const sign = this.unscaled < 0n ? '-' : ''
    if (this.scale < 0) return `${sign}${digits}E+${-this.scale}`
    if (this.scale === 0) return sign + digits
    const padded = digits.padStart(this.scale + 1, '0')
    return `${sign}${padded.slice(0, -this.scale)}.${padded.slice(-this.scale)}`
  }

  /** Its {@link toString}, for JSON.stringify. */
  toJSON(): string {
    return this.toString()
  }

  /** Number of digits of the unscaled value; 1 for zero. */
  get precision(): number {
    return String(this.unscaled < 0n ? -this.unscaled : this.unscaled).length
  }

  /** Negative, zero or positive, by value: 1.0 equals 1.00. */
  compare(other: Decimal): number {
    const scale = Math.max(this.scale, other.scale)
    const a = this.unscaled * 10n ** BigInt(scale - this.scale)
    const b = other.unscaled * 10n ** BigInt(scale - other.scale)
    return a < b ? -1 : a > b ? 1 : 0
  }

  /** The same value and the same scale. */
  equals(other: Decimal): boolean {
    return this.unscaled === other.unscaled && this.scale === other.scale
  }

  /** The same value with another scale; undefined when that would need rounding. */
  rescaled(scale: number): Decimal | undefined {
    if (scale >= this.scale) return new Decimal(this.unscaled * 10n ** BigInt(scale - this.scale), scale)
    const divisor = 10n ** BigInt(this.scale - scale)
    return this.unscaled % divisor === 0n ? new Decimal(this.unscaled / divisor, scale) : undefined
  }

  /** The same value with another scale. Throws `INVALID` when that would need rounding. */
  rescale(scale: number): Decimal {
    const result = this.rescaled(scale)
    if (result === undefined) throw new FloeError('INVALID', `${this.toString()} has more than ${scale} fraction digits`)
    return result
  }
}
