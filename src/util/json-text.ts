/**
 * JSON without loss: integers that a double cannot hold become bigint and print as they were. The scan before parsing
 * also bounds size and nesting, so that whatever walks the result may recurse.
 */
import { FloeError } from './errors.js'

/**
 * A parsed document. Integers outside ±(2^53 − 1) are bigint, all other numbers are number. Objects keep the order of
 * their members, but that names which look like array indexes come first, ascending (as in every JavaScript object); a
 * member named `__proto__` is an own property, so look members up with `Object.hasOwn` or through `JsonObject`.
 */
export type JsonValue =
  null | boolean | number | bigint | string | JsonFloat | readonly JsonValue[] | JsonMembers | ReadonlyMap<string, JsonValue>

/** The members of an object. Members that are `undefined` are not printed. */
export interface JsonMembers {
  readonly [name: string]: JsonValue | undefined
}

/** A number that prints with a fraction or an exponent (`1.0`, `-0.0`, `1e+300`), for readers that tell integers from floats. */
export class JsonFloat {
  constructor(readonly value: number) {}

  toJSON(): number {
    return this.value
  }
}

export interface ParseJsonOptions {
  /** The file or message that is parsed, for errors. */
  readonly source?: string | undefined
  /** In UTF-16 units. Default 2^28. */
  readonly maxLength?: number | undefined
  /** Levels of objects and arrays. Default 500. */
  readonly maxDepth?: number | undefined
}

const DEFAULT_MAX_LENGTH = 2 ** 28
const DEFAULT_MAX_DEPTH = 500
/** Longest integer that is read; the limit of the reference's JSON library. */
const MAX_INTEGER_DIGITS = 1000
/** Integers of fewer digits are exact as doubles. */
const UNSAFE_DIGITS = 16

/**
 * Parses one JSON document (RFC 8259) without rounding integers. Time and memory are linear in the text.
 *
 * @throws FloeError `CORRUPT` when the text is not JSON, too long, too deep, or holds an integer of over 1000 digits.
 */
export function parseJson(text: string, options: ParseJsonOptions = {}): JsonValue {
  const { source, maxLength = DEFAULT_MAX_LENGTH, maxDepth = DEFAULT_MAX_DEPTH } = options
  if (text.length > maxLength) {
    throw corrupt(`JSON of ${text.length} characters is over the limit of ${maxLength}`, source)
  }
  const scan = new JsonScan(text, maxDepth, source)
  scan.run()
  try {
    const rewritten = scan.rewritten()
    return rewritten === undefined ? (JSON.parse(text) as JsonValue) : restoreIntegers(JSON.parse(rewritten) as JsonValue)
  } catch (error) {
    if (error instanceof FloeError) throw error
    throw corrupt(`Not JSON: ${syntaxErrorOf(text)}`, source, error)
  }
}

/** U+007F, which JSON allows unescaped in strings: opens every string that the scan rewrote. */
const MARK = '\u007f'
const MARK_CODE = 0x7f
const INTEGER_TAG = `${MARK}n`
const STRING_TAG = `${MARK}s`

const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d
const COLON = 0x3a

/**
 * One pass over the text outside of strings: checks nesting, and rewrites integers that would be rounded to strings
 * that open with {@link INTEGER_TAG}. A string of the document that could be mistaken for one (it opens with the mark
 * or with an escape) gets {@link STRING_TAG} in front, so that no input can forge an integer.
 */
class JsonScan {
  /** Rewritten text up to `copied`; undefined until the first large integer. */
  private clean: string | undefined
  private copied = 0
  /** Where strings open that need {@link STRING_TAG} once there is a large integer. */
  private ambiguous: number[] = []

  constructor(
    private readonly text: string,
    private readonly maxDepth: number,
    private readonly source: string | undefined,
  ) {}

  run(): void {
    const { text, maxDepth } = this
    const length = text.length
    let depth = 0
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) {
        const end = endOfString(text, at)
        if (end < 0) return
        const first = text.charCodeAt(at + 1)
        if (first === BACKSLASH || first === MARK_CODE) this.noteAmbiguous(at, end)
        at = end
      } else if (code >= 0x30 && code <= 0x39) {
        at = this.passDigits(at)
      } else if (code === 0x5b || code === 0x7b) {
        if (++depth > maxDepth) throw corrupt(`JSON is nested deeper than ${maxDepth} levels`, this.source)
      } else if (code === 0x5d || code === 0x7d) {
        depth--
      }
    }
  }

  /** The text with its large integers tagged; undefined when there are none. */
  rewritten(): string | undefined {
    return this.clean === undefined ? undefined : this.clean + this.text.slice(this.copied)
  }

  private noteAmbiguous(start: number, end: number): void {
    if (nextToken(this.text, end + 1) === COLON) return
    if (this.clean === undefined) this.ambiguous.push(start)
    else this.tagString(start)
  }

  private tagString(start: number): void {
    this.clean += this.text.slice(this.copied, start + 1) + STRING_TAG
    this.copied = start + 1
  }

  /** Takes a run of digits and answers the index of its last one. */
  private passDigits(start: number): number {
    const { text } = this
    let end = start + 1
    for (let code = text.charCodeAt(end); code >= 0x30 && code <= 0x39; code = text.charCodeAt(end)) end++
    if (end - start >= UNSAFE_DIGITS) this.noteInteger(start, end)
    return end - 1
  }

  private noteInteger(digits: number, end: number): void {
    const { text } = this
    const start = text.charCodeAt(digits - 1) === MINUS ? digits - 1 : digits
    // Only what is an integer as a whole, at a place where JSON allows a value and would take a string as well.
    if (text[digits] === '0' || isNumberPart(text.charCodeAt(start - 1)) || isNumberPart(text.charCodeAt(end))) return
    if (nextToken(text, end) === COLON) return
    if (end - digits > MAX_INTEGER_DIGITS) throw corrupt(`Integer of ${end - digits} digits is over the limit of ${MAX_INTEGER_DIGITS}`, this.source)
    if (end - digits === UNSAFE_DIGITS && Number.isSafeInteger(Number(text.slice(start, end)))) return
    if (this.clean === undefined) {
      this.clean = ''
      for (const string of this.ambiguous) this.tagString(string)
    }
    this.clean += `${text.slice(this.copied, start)}"${INTEGER_TAG}${text.slice(start, end)}"`
    this.copied = end
  }
}

/** Index of the quote that closes the string opened at `start`, or −1. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end > 0 && text.charCodeAt(end - 1) === BACKSLASH) {
    let backslashes = 1
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) break
    end = text.indexOf('"', end + 1)
  }
  return end
}

/** The first code at or after `at` that is no white space. */
function nextToken(text: string, at: number): number {
  let code = text.charCodeAt(at)
  while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++at)
  return code
}

/** One of `.eE+-0123456789`. */
function isNumberPart(code: number): boolean {
  return code === 0x2e || code === 0x65 || code === 0x45 || code === 0x2b || code === MINUS || (code >= 0x30 && code <= 0x39)
}

/** Turns tagged strings back, in place: the value was made for us by JSON.parse. Depth is bounded by the scan. */
function restoreIntegers(value: JsonValue): JsonValue {
  if (typeof value === 'string') return restoreString(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const items = value as JsonValue[]
    for (let index = 0; index < items.length; index++) {
      const item = items[index]!
      if (typeof item === 'object') restoreIntegers(item)
      else if (typeof item === 'string') items[index] = restoreString(item)
    }
    return value
  }
  const members = value as Record<string, JsonValue>
  // All are own members, so that setting one named __proto__ is no call of the setter.
  for (const name of Object.keys(members)) {
    const member = members[name]!
    if (typeof member === 'object') restoreIntegers(member)
    else if (typeof member === 'string' && member.charCodeAt(0) === MARK_CODE) members[name] = restoreString(member)
  }
  return value
}

function restoreString(text: string): string | bigint {
  if (text.charCodeAt(0) !== MARK_CODE) return text
  return text.startsWith(INTEGER_TAG) ? BigInt(text.slice(INTEGER_TAG.length)) : text.slice(STRING_TAG.length)
}

function syntaxErrorOf(text: string): string {
  try {
    JSON.parse(text)
    return 'a number or string is malformed'
  } catch (error) {
    return (error as Error).message
  }
}

function corrupt(message: string, source: string | undefined, cause?: unknown): FloeError {
  return new FloeError('CORRUPT', message, { file: source, cause })
}

export interface PrintJsonOptions {
  /** Spaces per level; 0, the default, prints one line without spaces. */
  readonly indent?: number | undefined
}

/**
 * Prints a value as JSON text: bigint as plain digits, `JsonFloat` with a fraction or exponent, Map as an object (in its
 * order, but for names that look like array indexes). Members that are `undefined` are left out.
 *
 * @throws FloeError `INVALID` for a number that is not finite, for what is not a {@link JsonValue}, and for nesting over 1000.
 */
export function printJson(value: JsonValue, options: PrintJsonOptions = {}): string {
  return untag(JSON.stringify(tag(value, 0), null, options.indent ?? 0))
}

const MAX_PRINT_DEPTH = 1000

/**
 * The value as JSON.stringify can take it: numbers that it could not print become strings that open with
 * {@link INTEGER_TAG}, strings that open with the mark get {@link STRING_TAG}. What needs no change is not copied.
 */
function tag(value: JsonValue, depth: number): JsonValue {
  switch (typeof value) {
    case 'string':
      return tagString(value)
    case 'number':
      return tagNumber(value)
    case 'bigint':
      return `${INTEGER_TAG}${value}`
    case 'boolean':
      return value
    case 'object':
      if (value === null) return null
      if (depth >= MAX_PRINT_DEPTH) throw new FloeError('INVALID', `JSON is nested deeper than ${MAX_PRINT_DEPTH} levels`)
      if (Array.isArray(value)) return tagItems(value as readonly JsonValue[], depth)
      if (value instanceof JsonFloat) return tagFloat(value.value)
      if (value instanceof Map) return tagMembers(Object.fromEntries(value as ReadonlyMap<string, JsonValue>), depth)
      return tagMembers(value as JsonMembers, depth)
    default:
      throw new FloeError('INVALID', `Cannot print a ${typeof value} as JSON`)
  }
}

function tagString(text: string): string {
  return text.charCodeAt(0) === MARK_CODE ? STRING_TAG + text : text
}

function tagNumber(value: number): JsonValue {
  if (!Number.isFinite(value)) throw new FloeError('INVALID', `JSON has no number for ${value}`)
  if (Object.is(value, -0)) return `${INTEGER_TAG}-0.0`
  // The shortest text of a large double ends in made-up zeros, which a reader of integers would take at their word.
  return isDigits(value) && !Number.isSafeInteger(value) ? `${INTEGER_TAG}${BigInt(value)}` : value
}

function tagFloat(value: number): JsonValue {
  return isDigits(value) ? `${INTEGER_TAG}${Object.is(value, -0) ? '-0' : value}.0` : tagNumber(value)
}

/** Whether JavaScript prints the number as digits alone. */
function isDigits(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < 1e21
}

function tagItems(items: readonly JsonValue[], depth: number): JsonValue {
  let copy: JsonValue[] | undefined
  for (let index = 0; index < items.length; index++) {
    const item = items[index]!
    const tagged = tag(item, depth + 1)
    if (tagged !== item) (copy ??= items.slice())[index] = tagged
  }
  return copy ?? items
}

function tagMembers(members: JsonMembers, depth: number): JsonValue {
  let copy: Record<string, JsonValue> | undefined
  const names = Object.keys(members)
  for (const name of names) {
    const member = members[name]
    if (member === undefined) continue
    const tagged = tag(member, depth + 1)
    // An own member even when it is named __proto__, so that this is no call of the setter.
    if (tagged !== member) (copy ??= { ...members } as Record<string, JsonValue>)[name] = tagged
  }
  const result = copy ?? members
  if (!names.some((name) => name.charCodeAt(0) === MARK_CODE)) return result
  return Object.fromEntries(names.map((name) => [tagString(name), result[name]]))
}

/** Cuts the tags out of printed text. A quote that opens a string is never preceded by a backslash; one inside always is. */
function untag(text: string): string {
  const opening = `"${MARK}`
  let at = text.indexOf(opening)
  if (at < 0) return text
  let clean = ''
  let copied = 0
  for (; at >= 0; at = text.indexOf(opening, at + 2)) {
    if (text.charCodeAt(at - 1) === BACKSLASH) continue
    if (text.startsWith(STRING_TAG, at + 1)) {
      clean += text.slice(copied, at + 1)
      copied = at + 1 + STRING_TAG.length
    } else {
      const digits = at + 1 + INTEGER_TAG.length
      const end = text.indexOf('"', digits)
      clean += text.slice(copied, at) + text.slice(digits, end)
      copied = end + 1
    }
  }
  return clean + text.slice(copied)
}
