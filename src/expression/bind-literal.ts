import { Decimal } from '../schema/decimal.js'
import { ABOVE_MAX, BELOW_MIN, toValue } from '../schema/literal.js'
import type { LiteralInput } from '../schema/literal.js'
import { floorDivide } from '../schema/temporal-text.js'
import type { Type, Value } from '../schema/type.js'
import { INT_MAX, INT_MIN, LONG_MAX, LONG_MIN } from '../schema/value-ranges.js'

/**
 * Where a literal lies among the values of a type: at one of them, just after one (as 1.5 among integers), or beyond them all.
 */
export type PlacedLiteral =
  | { readonly place: 'at'; readonly value: Value }
  | { readonly place: 'after'; readonly value: Value }
  | { readonly place: 'above' | 'below' }

/**
 * Places a literal among the values of a type, without rounding.
 *
 * @throws FloeError `INVALID` when the literal is of another kind than the type, naming `column`
 */
export function literalFor(type: Type, input: LiteralInput, column: string): PlacedLiteral {
  const between = placeBetween(type, input)
  if (between !== undefined) return between
  // The double nearest to a decimal text is what the text means for a floating-point column.
  const floating = type.kind === 'float' || type.kind === 'double'
  const value = toValue(type, floating && (input instanceof Decimal || isInfinityText(input)) ? Number(String(input)) : input, column)
  if (value === ABOVE_MAX) return { place: 'above' }
  return value === BELOW_MIN ? { place: 'below' } : { place: 'at', value: value as Value }
}

/** Single-value JSON writes infinite numbers as text. */
function isInfinityText(input: LiteralInput): boolean {
  return input === 'Infinity' || input === '-Infinity'
}

/** The place of a number with more fraction digits than an integer or decimal type has; `undefined` for every other literal. */
function placeBetween(type: Type, input: LiteralInput): PlacedLiteral | undefined {
  if (type.kind !== 'int' && type.kind !== 'long' && type.kind !== 'decimal') return undefined
  const decimal = input instanceof Decimal ? input : Number.isFinite(input) ? Decimal.parse(String(input)) : undefined
  const scale = type.kind === 'decimal' ? type.scale : 0
  if (decimal === undefined || decimal.rescaled(scale) !== undefined) return undefined
  const unscaled = floorDivide(decimal.unscaled, 10n ** BigInt(decimal.scale - scale))
  const [least, greatest] = unscaledRange(type)
  if (unscaled >= greatest) return { place: 'above' }
  if (unscaled < least) return { place: 'below' }
  return { place: 'after', value: type.kind === 'int' ? Number(unscaled) : unscaled }
}

function unscaledRange(type: Extract<Type, { readonly kind: 'int' | 'long' | 'decimal' }>): readonly [bigint, bigint] {
  if (type.kind === 'int') return [BigInt(INT_MIN), BigInt(INT_MAX)]
  if (type.kind === 'long') return [LONG_MIN, LONG_MAX]
  const bound = 10n ** BigInt(type.precision)
  return [1n - bound, bound - 1n]
}
