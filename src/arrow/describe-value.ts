import { printTypeName } from '../schema/type-name.js'
import type { Type } from '../schema/type.js'

const shownCharacters = 40

/** The type and a short form of any value, for messages: `string "12a"`, `bigint 5n`, `Date 2024-01-01T00:00:00.000Z`. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'string') return `string ${JSON.stringify(clip(value))}`
  if (typeof value === 'bigint') return `bigint ${clip(String(value))}n`
  if (typeof value === 'number') return `number ${Object.is(value, -0) ? '-0' : value}`
  if (typeof value !== 'object') return `${typeof value} ${clip(String(value))}`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid Date' : `Date ${value.toISOString()}`
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`
  if (Array.isArray(value)) return `array of ${value.length}`
  if (value instanceof Map) return `Map of ${value.size}`
  const keys = Object.keys(value)
  return `object {${clip(keys.join(', '))}}`
}

function clip(text: string): string {
  return text.length <= shownCharacters ? text : `${text.slice(0, shownCharacters)}…`
}

/** A type with the forms in which its values are taken, where those are not obvious. */
export function expectation(type: Type): string {
  const name = printTypeName(type)
  switch (type.kind) {
    case 'long':
      return `${name} (a bigint, or a safe integer)`
    case 'int':
      return `${name} (an integer of 32 bits)`
    case 'decimal':
      return `${name} (a Decimal, text, number or bigint that it holds exactly)`
    case 'date':
      return `${name} (days, "YYYY-MM-DD", or a Date at midnight UTC)`
    case 'time':
      return `${name} (microseconds since midnight, or "HH:MM:SS.ffffff")`
    case 'timestamp':
    case 'timestamp_ns':
      return `${name} (a Date, bigint ${unit(type.kind)}, or ISO 8601 text without zone)`
    case 'timestamptz':
    case 'timestamptz_ns':
      return `${name} (a Date, bigint ${unit(type.kind)}, or ISO 8601 text with zone)`
    case 'string':
      return `${name} (well-formed text)`
    case 'uuid':
      return `${name} (text, or 16 bytes)`
    case 'binary':
    case 'fixed':
    case 'geometry':
    case 'geography':
      return `${name} (a Uint8Array${type.kind === 'fixed' ? ` of ${type.length}` : ''})`
    case 'unknown':
      return `${name} (null)`
    case 'map':
      return `${name} (a Map, an array of pairs, or an object)`
    default:
      return name
  }
}

function unit(kind: string): string {
  return kind.endsWith('_ns') ? 'nanoseconds' : 'microseconds'
}

/** The name that was probably meant: equal but for case, or at most a third of it mistyped. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const lower = clip(name).toLowerCase()
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(lower.length / 3)) + 1
  for (const candidate of names) {
    if (Math.abs(candidate.length - lower.length) >= bestDistance) continue
    const distance = editDistance(lower, candidate.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(substitution, previous[j]! + 1, current[j - 1]! + 1))
    }
    previous = current
  }
  return previous[b.length]!
}
