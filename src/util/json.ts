/**
 * Reading JSON documents: {@link JsonObject} turns members into typed values, or into an error that names the member's
 * path. Parsing and printing the text itself is in `json-text.ts`.
 */
import { FloeError } from './errors.js'
import { JsonFloat, parseJson } from './json-text.js'
import type { JsonMembers, JsonValue, ParseJsonOptions } from './json-text.js'

export { JsonFloat, parseJson, printJson } from './json-text.js'
export type { JsonMembers, JsonValue, ParseJsonOptions, PrintJsonOptions } from './json-text.js'

const LONG_MIN = -(2n ** 63n)
const LONG_MAX = 2n ** 63n - 1n
const INT_MAX = 2 ** 31 - 1

/** Where a value stands in its document; a linked list, so that it costs nothing until an error needs the text. */
interface JsonPath {
  readonly parent: JsonPath | undefined
  readonly step: string | number
  readonly source: string | undefined
}

/**
 * Typed access to the members of one JSON object. `require…` refuses what is absent, null or of another type;
 * `optional…` answers undefined for absent and null. Every failure is a `CORRUPT` error that names the JSON path.
 */
export class JsonObject {
  private constructor(
    /** The object itself. Use `Object.hasOwn` with it. */
    readonly members: JsonMembers,
    private readonly at: JsonPath,
  ) {}

  /** Wraps `value`, which must be an object. `path` and `source` (a file name) are for errors. */
  static of(value: JsonValue | undefined, path = '$', source?: string): JsonObject {
    return wrap(value, { parent: undefined, step: path, source })
  }

  /** Parses a document whose root must be an object. */
  static parse(text: string, options: ParseJsonOptions = {}): JsonObject {
    return JsonObject.of(parseJson(text, options), '$', options.source)
  }

  /** @internal */
  static at(members: JsonMembers, at: JsonPath): JsonObject {
    return new JsonObject(members, at)
  }

  get path(): string {
    return printPath(this.at)
  }

  /** Whether there is such a member, null or not. */
  has(name: string): boolean {
    return Object.hasOwn(this.members, name)
  }

  /** The member as it is; undefined when absent. */
  value(name: string): JsonValue | undefined {
    return Object.hasOwn(this.members, name) ? this.members[name] : undefined
  }

  /** The file that the object came from, where that is known. */
  get source(): string | undefined {
    return sourceOf(this.at)
  }

  names(): string[] {
    return Object.keys(this.members)
  }

  /** Members other than `known`, in order, to be kept for a rewrite. */
  unknownFields(known: ReadonlySet<string>): Map<string, JsonValue> {
    const unknown = new Map<string, JsonValue>()
    for (const name of Object.keys(this.members)) if (!known.has(name)) unknown.set(name, this.members[name]!)
    return unknown
  }

  /** The error for member `name`: `CORRUPT`, with the path and what was found there. */
  error(name: string, expected: string): FloeError {
    return wrongValue(this.child(name), expected, this.value(name))
  }

  /** The error for this object as a whole. */
  invalid(problem: string): FloeError {
    return new FloeError('CORRUPT', `${printPath(this.at)}: ${problem}`, { file: sourceOf(this.at) })
  }

  requireString(name: string): string {
    return this.require(name, asString, 'a string')
  }

  optionalString(name: string): string | undefined {
    return this.optional(name, asString, 'a string')
  }

  requireBoolean(name: string): boolean {
    return this.require(name, asBoolean, 'true or false')
  }

  optionalBoolean(name: string): boolean | undefined {
    return this.optional(name, asBoolean, 'true or false')
  }

  /** A 32-bit signed integer. */
  requireInt(name: string): number {
    return this.require(name, asInt, 'a 32-bit integer')
  }

  optionalInt(name: string): number | undefined {
    return this.optional(name, asInt, 'a 32-bit integer')
  }

  /** A 64-bit signed integer, exact. */
  requireLong(name: string): bigint {
    return this.require(name, asLong, 'a 64-bit integer')
  }

  optionalLong(name: string): bigint | undefined {
    return this.optional(name, asLong, 'a 64-bit integer')
  }

  /** A 64-bit integer that must fit a number exactly: timestamps in milliseconds, sizes. */
  requireSafeInteger(name: string): number {
    return this.require(name, asSafeInteger, 'an integer within ±(2^53 - 1)')
  }

  optionalSafeInteger(name: string): number | undefined {
    return this.optional(name, asSafeInteger, 'an integer within ±(2^53 - 1)')
  }

  requireObject(name: string): JsonObject {
    return wrap(this.value(name), this.child(name))
  }

  optionalObject(name: string): JsonObject | undefined {
    return this.isAbsent(name) ? undefined : this.requireObject(name)
  }

  requireArray(name: string): readonly JsonValue[] {
    return this.require(name, asArray, 'an array')
  }

  optionalArray(name: string): readonly JsonValue[] | undefined {
    return this.optional(name, asArray, 'an array')
  }

  requireObjects(name: string): JsonObject[] {
    const at = this.child(name)
    return this.requireArray(name).map((item, index) => wrap(item, { parent: at, step: index, source: undefined }))
  }

  optionalObjects(name: string): JsonObject[] | undefined {
    return this.isAbsent(name) ? undefined : this.requireObjects(name)
  }

  requireStrings(name: string): string[] {
    return this.requireItems(name, asString, 'a string')
  }

  optionalStrings(name: string): string[] | undefined {
    return this.isAbsent(name) ? undefined : this.requireStrings(name)
  }

  requireInts(name: string): number[] {
    return this.requireItems(name, asInt, 'a 32-bit integer')
  }

  optionalInts(name: string): number[] | undefined {
    return this.isAbsent(name) ? undefined : this.requireInts(name)
  }

  requireLongs(name: string): bigint[] {
    return this.requireItems(name, asLong, 'a 64-bit integer')
  }

  /** An object all of whose members are strings, such as table properties. */
  requireStringMap(name: string): Map<string, string> {
    const object = this.requireObject(name)
    return new Map(object.names().map((member) => [member, object.requireString(member)]))
  }

  optionalStringMap(name: string): Map<string, string> | undefined {
    return this.isAbsent(name) ? undefined : this.requireStringMap(name)
  }

  private isAbsent(name: string): boolean {
    return this.value(name) === undefined || this.value(name) === null
  }

  private child(name: string): JsonPath {
    return { parent: this.at, step: name, source: undefined }
  }

  private require<T>(name: string, read: (value: JsonValue | undefined) => T | undefined, expected: string): T {
    const value = read(this.value(name))
    if (value === undefined) throw this.error(name, expected)
    return value
  }

  private optional<T>(name: string, read: (value: JsonValue) => T | undefined, expected: string): T | undefined {
    return this.isAbsent(name) ? undefined : this.require(name, (value) => read(value!), expected)
  }

  private requireItems<T>(name: string, read: (value: JsonValue) => T | undefined, expected: string): T[] {
    return this.requireArray(name).map((item, index) => {
      const value = read(item)
      if (value === undefined) throw wrongValue({ parent: this.child(name), step: index, source: undefined }, expected, item)
      return value
    })
  }
}

function wrap(value: JsonValue | undefined, at: JsonPath): JsonObject {
  if (!isMembers(value)) throw wrongValue(at, 'an object', value)
  return JsonObject.at(value, at)
}

/** Whether the value is an object as `parseJson` makes them. */
export function isMembers(value: JsonValue | undefined): value is JsonMembers {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonFloat) && !(value instanceof Map)
}

function asString(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function asBoolean(value: JsonValue | undefined): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

function asInt(value: JsonValue | undefined): number | undefined {
  return Number.isInteger(value) && (value as number) <= INT_MAX && (value as number) >= -INT_MAX - 1 ? (value as number) : undefined
}

function asSafeInteger(value: JsonValue | undefined): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined
}

function asLong(value: JsonValue | undefined): bigint | undefined {
  if (Number.isSafeInteger(value)) return BigInt(value as number)
  return typeof value === 'bigint' && value >= LONG_MIN && value <= LONG_MAX ? value : undefined
}

function asArray(value: JsonValue | undefined): readonly JsonValue[] | undefined {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : undefined
}

function wrongValue(at: JsonPath, expected: string, value: JsonValue | undefined): FloeError {
  return new FloeError('CORRUPT', `${printPath(at)}: expected ${expected}, found ${describe(value)}`, { file: sourceOf(at) })
}

const SHOWN_CHARACTERS = 60

function describe(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return `the string ${JSON.stringify(clip(value))}`
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (isMembers(value)) return 'an object'
  return clip(String(value))
}

function clip(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`
}

function sourceOf(at: JsonPath): string | undefined {
  let path: JsonPath | undefined = at
  while (path.parent !== undefined) path = path.parent
  return path.source
}

function printPath(at: JsonPath): string {
  if (at.parent === undefined) return String(at.step)
  const parent = printPath(at.parent)
  if (typeof at.step === 'number') return `${parent}[${at.step}]`
  return /^[\w-]+$/.test(at.step) ? `${parent}.${at.step}` : `${parent}[${JSON.stringify(clip(at.step))}]`
}
