import type { BoundPredicate } from '../expression/expression.js'
import type { Value } from '../schema/type.js'
import { bitAt, fixedValues, validityBitmap, wordsOf } from './arrow-data.js'
import type { Chunk } from './arrow-data.js'
import type { Narrowing, RowMask } from './row-mask.js'

/** The narrowing for predicates on numbers, in loops over their arrays; undefined where there is no such loop. */
export function numberNarrowing(predicate: BoundPredicate): Narrowing | undefined {
  switch (predicate.term.field.type.kind) {
    case 'int':
    case 'date':
      return intNarrowing(predicate)
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return longNarrowing(predicate)
    case 'float':
    case 'double':
      return floatNarrowing(predicate)
    case 'decimal':
      return decimalNarrowing(predicate)
    default:
      return undefined
  }
}

/** Every comparison of integers is a closed interval, or the outside of one. */
interface Interval {
  readonly low: bigint
  readonly high: bigint
  readonly outside: boolean
}

function intervalOf(predicate: BoundPredicate, min: bigint, max: bigint): Interval | undefined {
  if (!('literal' in predicate) || predicate.op === 'starts-with' || predicate.op === 'not-starts-with') return undefined
  const literal = BigInt(predicate.literal as bigint | number)
  switch (predicate.op) {
    case 'lt':
      return { low: min, high: literal - 1n, outside: false }
    case 'lt-eq':
      return { low: min, high: literal, outside: false }
    case 'gt':
      return { low: literal + 1n, high: max, outside: false }
    case 'gt-eq':
      return { low: literal, high: max, outside: false }
    default:
      return { low: literal, high: literal, outside: predicate.op === 'not-eq' }
  }
}

/** An interval that no value of the type lies in: `< min`, `> max`. */
function isEmpty(interval: Interval, min: bigint, max: bigint): boolean {
  return interval.high < min || interval.low > max
}

function intNarrowing(predicate: BoundPredicate): Narrowing | undefined {
  if ('literals' in predicate) return memberNarrowing(predicate, (chunk) => fixedValues<Int32Array>(chunk))
  const [min, max] = [-(2n ** 31n), 2n ** 31n - 1n]
  const interval = intervalOf(predicate, min, max)
  if (interval === undefined) return undefined
  if (isEmpty(interval, min, max)) return clear
  const { low, high, outside } = { low: Number(interval.low), high: Number(interval.high), outside: interval.outside ? 1 : 0 }
  return (chunk, mask) => {
    const values = fixedValues<Int32Array>(chunk)
    for (let row = 0; row < mask.length; row++) {
      const value = values[row]!
      mask[row]! &= (value >= low && value <= high ? 1 : 0) ^ outside
    }
  }
}

type SetPredicate = BoundPredicate & { readonly literals: readonly Value[] }

const clear: Narrowing = (_chunk, mask) => mask.fill(0)

function memberNarrowing(predicate: SetPredicate, valuesOf: (chunk: Chunk) => ArrayLike<number>): Narrowing {
  const members = new Set(predicate.literals as readonly number[])
  const wanted = predicate.op === 'in'
  return (chunk, mask) => {
    const values = valuesOf(chunk)
    for (let row = 0; row < mask.length; row++) if (mask[row] === 1 && members.has(values[row]!) !== wanted) mask[row] = 0
  }
}

function longNarrowing(predicate: BoundPredicate): Narrowing | undefined {
  if ('literals' in predicate) return longMemberNarrowing(predicate)
  const [min, max] = [-(2n ** 63n), 2n ** 63n - 1n]
  const interval = intervalOf(predicate, min, max)
  if (interval === undefined) return undefined
  if (isEmpty(interval, min, max)) return clear
  const [lowHigh, lowLow] = splitLong(interval.low)
  const [highHigh, highLow] = splitLong(interval.high)
  const outside = interval.outside ? 1 : 0
  return (chunk, mask) => {
    // A signed high and an unsigned low word: reading them as bigints would allocate each
    const words = wordsOf(fixedValues(chunk))
    for (let row = 0; row < mask.length; row++) {
      const high = words[row * 2 + 1]!
      const low = words[row * 2]! >>> 0
      const inside = (high > lowHigh || (high === lowHigh && low >= lowLow)) && (high < highHigh || (high === highHigh && low <= highLow))
      mask[row]! &= (inside ? 1 : 0) ^ outside
    }
  }
}

function splitLong(value: bigint): readonly [number, number] {
  return [Number(value >> 32n), Number(BigInt.asUintN(32, value))]
}

function longMemberNarrowing(predicate: SetPredicate): Narrowing | undefined {
  const literals = (predicate.literals as readonly bigint[]).map(Number)
  if (!literals.every(Number.isSafeInteger)) return undefined
  const members = new Set(literals)
  const wanted = predicate.op === 'in'
  return (chunk, mask) => {
    const words = wordsOf(fixedValues(chunk))
    for (let row = 0; row < mask.length; row++) {
      // Rounded where it is not safe, but then still beyond every safe member
      const value = words[row * 2 + 1]! * 4_294_967_296 + (words[row * 2]! >>> 0)
      if (mask[row] === 1 && members.has(value) !== wanted) mask[row] = 0
    }
  }
}

type FloatArray = Float32Array | Float64Array

function floatNarrowing(predicate: BoundPredicate): Narrowing | undefined {
  if ('literals' in predicate) return memberNarrowing(predicate, (chunk) => fixedValues<FloatArray>(chunk))
  if (predicate.op === 'not-nan') return deselectNan
  const literal = 'literal' in predicate ? (predicate.literal as number) : NaN
  const test = floatTest(predicate.op, literal)
  if (test === undefined) return undefined
  return (chunk, mask) => test(fixedValues<FloatArray>(chunk), mask)
}

/** A null may have any value below it. */
const deselectNan: Narrowing = (chunk, mask) => {
  const values = fixedValues<FloatArray>(chunk)
  const validity = validityBitmap(chunk)
  for (let row = 0; row < mask.length; row++) {
    if (Number.isNaN(values[row]) && (validity === undefined || bitAt(validity, chunk.offset + row))) mask[row] = 0
  }
}

function floatTest(op: string, literal: number): ((values: FloatArray, mask: RowMask) => void) | undefined {
  switch (op) {
    case 'lt':
      return (values, mask) => {
        for (let row = 0; row < mask.length; row++) mask[row]! &= values[row]! < literal ? 1 : 0
      }
    case 'lt-eq':
      return (values, mask) => {
        for (let row = 0; row < mask.length; row++) mask[row]! &= values[row]! <= literal ? 1 : 0
      }
    case 'gt':
      return (values, mask) => {
        for (let row = 0; row < mask.length; row++) mask[row]! &= values[row]! > literal ? 1 : 0
      }
    case 'gt-eq':
      return (values, mask) => {
        for (let row = 0; row < mask.length; row++) mask[row]! &= values[row]! >= literal ? 1 : 0
      }
    case 'eq':
      return (values, mask) => {
        for (let row = 0; row < mask.length; row++) mask[row]! &= values[row] === literal ? 1 : 0
      }
    case 'not-eq':
      return (values, mask) => {
        for (let row = 0; row < mask.length; row++) mask[row]! &= values[row] === literal ? 0 : 1
      }
    case 'is-nan':
      return (values, mask) => {
        for (let row = 0; row < mask.length; row++) mask[row]! &= Number.isNaN(values[row]) ? 1 : 0
      }
    default:
      return undefined
  }
}

function decimalNarrowing(predicate: BoundPredicate): Narrowing | undefined {
  const [min, max] = [-(2n ** 127n), 2n ** 127n - 1n]
  const interval = intervalOf(predicate, min, max)
  if (interval === undefined) return undefined
  if (isEmpty(interval, min, max)) return clear
  const [low, high] = [splitDecimal(interval.low), splitDecimal(interval.high)]
  const outside = interval.outside ? 1 : 0
  return (chunk, mask) => {
    const words = fixedValues<Uint32Array>(chunk)
    for (let row = 0; row < mask.length; row++) {
      const inside = compareDecimal(words, row * 4, low) >= 0 && compareDecimal(words, row * 4, high) <= 0
      mask[row]! &= (inside ? 1 : 0) ^ outside
    }
  }
}

function splitDecimal(value: bigint): readonly number[] {
  const words = [0, 1, 2].map((word) => Number(BigInt.asUintN(32, value >> BigInt(32 * word))))
  return [...words, Number(BigInt.asIntN(32, value >> 96n))]
}

/** Compares 128-bit integers of little-endian words, of which the last is signed. */
function compareDecimal(words: Uint32Array, at: number, literal: readonly number[]): number {
  const top = (words[at + 3]! | 0) - literal[3]!
  if (top !== 0) return top
  for (let word = 2; word >= 0; word--) {
    const difference = words[at + word]! - literal[word]!
    if (difference !== 0) return difference
  }
  return 0
}
