import { nothingComparable } from '../../expression/column-counts.js'
import { termFunction, termType } from '../../expression/bound-term.js'
import type { BoundTerm, FileStats } from '../../expression/expression.js'
import { boundForm, readBound } from '../../expression/value-order.js'
import type { BoundForm } from '../../expression/value-order.js'
import type { Type, Value } from '../../schema/type.js'
import { decodeUtf8 } from '../../util/utf8.js'

/** The bounds of one term over some files, in their exact order, and as numbers in that order. */
export interface Axis {
  /** By file: where its bounds are in {@link values}; -1 when they are not known. */
  readonly lower: Int32Array
  readonly upper: Int32Array
  /** Every bound once, ascending, in the form of `boundForm`; null, for files whose values are all null or NaN, is the first. */
  readonly values: readonly Value[]
  /** By value: a number, strictly ascending, apart as the values are where their type has distances. */
  readonly positions: Float64Array
}

/** The bounds of `term` over `files`. What the bounds do not tell, such as inverted or damaged ones, is not known. */
export function readAxis(files: readonly { readonly stats: FileStats }[], term: BoundTerm): Axis {
  const read = boundReader(term)
  const bounds: (Value | undefined)[] = []
  for (const { stats } of files) {
    const range = read(stats)
    bounds.push(range?.lower, range?.upper)
  }
  const { compare } = boundForm(termType(term))
  const known = Uint32Array.from(bounds.keys()).filter((index) => bounds[index] !== undefined)
  known.sort((a, b) => compareNullsFirst(bounds[a]!, bounds[b]!, compare))
  const values: Value[] = []
  const places = new Int32Array(bounds.length).fill(-1)
  for (const index of known) {
    const value = bounds[index]!
    if (values.length === 0 || compareNullsFirst(values.at(-1)!, value, compare) !== 0) values.push(value)
    places[index] = values.length - 1
  }
  return { ...rangesOf(places), values, positions: spread(approximate(values)) }
}

function rangesOf(places: Int32Array): Pick<Axis, 'lower' | 'upper'> {
  const lower = new Int32Array(places.length / 2).fill(-1)
  const upper = new Int32Array(places.length / 2).fill(-1)
  for (let file = 0; file < lower.length; file++) {
    const [low, high] = [places[2 * file]!, places[2 * file + 1]!]
    if (low < 0 || high < low) continue
    lower[file] = low
    upper[file] = high
  }
  return { lower, upper }
}

interface Range {
  readonly lower: Value
  readonly upper: Value
}

function boundReader(term: BoundTerm): (stats: FileStats) => Range | undefined {
  const { id, type } = term.field
  const form = termForm(term)
  const isCut = cutTest(type)
  return (stats) => {
    if (nothingComparable(stats, id)) return { lower: null, upper: null }
    const [low, high] = [stats.lowerBound(id), stats.upperBound(id)]
    if (low === undefined || high === undefined) return undefined
    const [lower, upper] = [form(low), form(high)]
    if (lower === undefined || upper === undefined) return undefined
    return { lower, upper: term.transform === undefined && isCut(low, high) ? lower : upper }
  }
}

function termForm(term: BoundTerm): BoundForm['ofBound'] {
  const form = boundForm(termType(term))
  if (term.transform === undefined) return form.ofBound
  const apply = termFunction(term)
  return (bytes) => {
    const bound = readBound(term.field.type, bytes)
    const value = bound === undefined ? undefined : apply(bound)
    return value === undefined || value === null ? undefined : form.ofValue(value)
  }
}

/** The length at which bounds of text and bytes are cut unless a table says otherwise. */
const CUT_LENGTH = 16

/**
 * Whether two bounds are those of values that begin alike and were cut: the upper is the lower with its last character or byte raised.
 * Rewriting such files would give them the same bounds again, so they count as files of one value.
 */
function cutTest(type: Type): (lower: Uint8Array, upper: Uint8Array) => boolean {
  if (type.kind !== 'string' && type.kind !== 'binary') return () => false
  const isText = type.kind === 'string'
  return (lower, upper) => {
    if (lower.length < CUT_LENGTH || upper.length < CUT_LENGTH) return false
    const [a, b] = isText ? [codePoints(lower), codePoints(upper)] : [lower, upper]
    const last = a.length - 1
    if (a.length < CUT_LENGTH || a.length !== b.length) return false
    for (let i = 0; i < last; i++) if (a[i] !== b[i]) return false
    const step = b[last]! - a[last]!
    return step === 1 || (a[last] === 0xd7ff && b[last] === 0xe000)
  }
}

function codePoints(bytes: Uint8Array): ArrayLike<number> {
  try {
    return Array.from(decodeUtf8(bytes), (character) => character.codePointAt(0)!)
  } catch {
    return []
  }
}

function compareNullsFirst(a: Value, b: Value, compare: BoundForm['compare']): number {
  return a === null || b === null ? Number(a !== null) - Number(b !== null) : compare(a, b)
}

/** A number for each of some ascending values, ascending though not strictly: numbers as they are, bytes by the first that differ. */
function approximate(values: readonly Value[]): Float64Array {
  const isNullFirst = values[0] === null
  const first = isNullFirst ? 1 : 0
  const prefix = values[first] instanceof Uint8Array ? sharedPrefix(values[first], values.at(-1) as Uint8Array) : 0
  const numbers = Float64Array.from(values, (value) => (value === null ? 0 : approximateOne(value, prefix)))
  if (isNullFirst && numbers.length > 1) numbers[0] = numbers[1]! - Math.max(1, Math.abs(numbers[1]!))
  return numbers
}

const LARGEST = 1e300
const COMPARED_BYTES = 6

function approximateOne(value: Value, prefix: number): number {
  if (value instanceof Uint8Array) {
    let number = 0
    for (let i = prefix; i < prefix + COMPARED_BYTES; i++) number = number * 256 + (value[i] ?? 0)
    return number
  }
  return Math.min(LARGEST, Math.max(-LARGEST, Number(value)))
}

/** Of ascending values, what the first and the last have in common all have. */
function sharedPrefix(first: Uint8Array, last: Uint8Array): number {
  let length = 0
  while (length < first.length && length < last.length && first[length] === last[length]) length++
  return length
}

/** The share of the way to the next number that numbers which are the same are spread over. */
const SPREAD_SHARE = 0.01

/** Ascending numbers made strictly so, at least four units in the last place apart. */
export function spread(numbers: Float64Array): Float64Array {
  const spreadOut = new Float64Array(numbers.length)
  let last = -Infinity
  for (let start = 0; start < numbers.length; ) {
    const from = numbers[start]!
    let end = start + 1
    while (end < numbers.length && numbers[end]! <= from) end++
    const gap = end < numbers.length ? numbers[end]! - from : Math.max(1, Math.abs(from) * 1e-6)
    const step = (gap * SPREAD_SHARE) / (end - start)
    for (let i = start; i < end; i++) {
      const least = last === -Infinity ? from : last + 4 * unitIn(last)
      last = Math.max(least, from + step * (i - start))
      spreadOut[i] = last
    }
    start = end
  }
  return spreadOut
}

/** One to two units in the last place of a number. */
export function unitIn(number: number): number {
  return Math.max(Number.MIN_VALUE, Math.abs(number) * Number.EPSILON)
}
