import { parseIsoDate, parseIsoTimestamp } from '../../arrow/iso-time.js'
import type { NestedField, Type } from '../../schema/type.js'
import { isMembers } from '../../util/json.js'
import type { JsonValue } from '../../util/json.js'

type ScalarKind = 'boolean' | 'long' | 'double' | 'date' | 'timestamp' | 'timestamptz' | 'string'

/** What the values of a column have in common. `none`: only nulls. */
export type GuessedType =
  | { readonly kind: 'none' }
  | { readonly kind: ScalarKind }
  | { readonly kind: 'list'; readonly element: GuessedType }
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, GuessedType> }

/** How two guesses of one column become one. */
export interface GuessRules {
  /** Whether every value was text, so that a string column takes them all. */
  readonly isText: boolean
  /** Throws: no type takes both. */
  refuse(path: string, earlier: string, later: string): never
}

export const NO_GUESS: GuessedType = { kind: 'none' }
const SCALARS = {
  boolean: { kind: 'boolean' },
  long: { kind: 'long' },
  double: { kind: 'double' },
  date: { kind: 'date' },
  timestamp: { kind: 'timestamp' },
  timestamptz: { kind: 'timestamptz' },
  string: { kind: 'string' },
} as const satisfies Readonly<Record<ScalarKind, GuessedType>>
/** In JSON these are all strings. */
const TEXT_KINDS: ReadonlySet<string> = new Set(['date', 'timestamp', 'timestamptz', 'string'])

/** The type of a JSON value. ISO 8601 text counts as date or timestamp. */
export function guessJson(value: JsonValue, path: string, rules: GuessRules): GuessedType {
  switch (typeof value) {
    case 'boolean':
      return SCALARS.boolean
    case 'bigint':
      return SCALARS.long
    case 'number':
      return Number.isInteger(value) ? SCALARS.long : SCALARS.double
    case 'string':
      return guessTemporal(value) ?? SCALARS.string
    default:
      return guessNested(value, path, rules)
  }
}

function guessNested(value: JsonValue, path: string, rules: GuessRules): GuessedType {
  if (Array.isArray(value)) {
    const inner = `${path}.element`
    const elements = (value as readonly JsonValue[]).map((element) => guessJson(element, inner, rules))
    return { kind: 'list', element: elements.reduce((a, b) => joinGuesses(a, b, inner, rules), NO_GUESS) }
  }
  if (!isMembers(value)) return NO_GUESS
  const fields = Object.entries(value).map(([name, member]) => [name, guessJson(member ?? null, `${path}.${name}`, rules)] as const)
  return { kind: 'struct', fields: new Map(fields) }
}

const INTEGER = /^-?(?:0|[1-9]\d{0,18})$/
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const LONG_LIMIT = 2n ** 63n

/** The type of a value that came as text. Digits with a leading zero or too many for a long are no number: `00501`. */
export function guessText(text: string | null): GuessedType {
  if (text === null) return NO_GUESS
  if (text === 'true' || text === 'false') return SCALARS.boolean
  if (INTEGER.test(text)) return isLong(BigInt(text)) ? SCALARS.long : SCALARS.string
  if (/^-?\d+$/.test(text)) return SCALARS.string
  if (NUMBER.test(text) || text === 'NaN' || text === 'Infinity' || text === '-Infinity') return SCALARS.double
  return guessTemporal(text) ?? SCALARS.string
}

function isLong(value: bigint): boolean {
  return value >= -LONG_LIMIT && value < LONG_LIMIT
}

function guessTemporal(text: string): GuessedType | undefined {
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return undefined
  if (parseIsoDate(text) !== undefined) return SCALARS.date
  if (parseIsoTimestamp(text, 6, false) !== undefined) return SCALARS.timestamp
  return parseIsoTimestamp(text, 6, true) === undefined ? undefined : SCALARS.timestamptz
}

/** The narrowest type that takes what both took. */
export function joinGuesses(a: GuessedType, b: GuessedType, path: string, rules: GuessRules): GuessedType {
  if (a.kind === 'none') return b
  if (b.kind === 'none' || a === b) return a
  if (a.kind === 'list' && b.kind === 'list') return { kind: 'list', element: joinGuesses(a.element, b.element, `${path}.element`, rules) }
  if (a.kind === 'struct' && b.kind === 'struct') {
    const fields = new Map(a.fields)
    for (const [name, guess] of b.fields) fields.set(name, joinGuesses(fields.get(name) ?? NO_GUESS, guess, `${path}.${name}`, rules))
    return { kind: 'struct', fields }
  }
  if (a.kind === b.kind) return a
  if (isNumber(a) && isNumber(b)) return SCALARS.double
  if (rules.isText || (TEXT_KINDS.has(a.kind) && TEXT_KINDS.has(b.kind))) return SCALARS.string
  return rules.refuse(path, a.kind, b.kind)
}

function isNumber(guess: GuessedType): boolean {
  return guess.kind === 'long' || guess.kind === 'double'
}

/** Optional fields without ids; what was null throughout is a string. */
export function fieldsOfGuesses(columns: ReadonlyMap<string, GuessedType>): NestedField[] {
  return [...columns].map(([name, guess]) => ({ id: 0, name, type: typeOfGuess(guess), required: false }))
}

function typeOfGuess(guess: GuessedType): Type {
  switch (guess.kind) {
    case 'none':
      return { kind: 'string' }
    case 'list':
      return { kind: 'list', elementId: 0, element: typeOfGuess(guess.element), elementRequired: false }
    case 'struct':
      return { kind: 'struct', fields: fieldsOfGuesses(guess.fields) }
    default:
      return { kind: guess.kind }
  }
}
