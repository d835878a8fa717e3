/** Values as JSON: defaults of columns, and partition values in plans. */
import { FloeError } from '../util/errors.js'
import { isMembers, JsonFloat } from '../util/json.js'
import type { JsonValue } from '../util/json.js'
import { Decimal } from './decimal.js'
import { bytesFromHex, canonicalUuid, hexFromBytes } from './hex-text.js'
import { parseIsoDate, parseIsoTime, parseIsoTimestamp, printIsoDate, printIsoTime, printIsoTimestamp } from './temporal-text.js'
import { printTypeName } from './type-name.js'
import { isNested } from './type.js'
import type { MapType, StructType, Type, Value } from './type.js'
import { isInt, isLong, LONG_KINDS } from './value-ranges.js'

/** The entries of a map value, in order. */
export interface MapEntries {
  readonly keys: readonly NestedValue[]
  readonly values: readonly NestedValue[]
}

/** A value that may hold lists and maps: list → array · map → {@link MapEntries} · struct → Map from field id. */
export type NestedValue = Value | readonly NestedValue[] | MapEntries | ReadonlyMap<number, NestedValue>

/**
 * The JSON of a value, to be printed by `printJson`. Null is `null`; floats that JSON has no number for are `"NaN"`,
 * `"Infinity"` and `"-Infinity"`.
 *
 * @throws FloeError `INVALID` when the value is not one of the type's; `UNSUPPORTED` for types without a JSON form.
 */
// Spec: Appendix D › JSON single-value serialization
export function valueToJson(type: Type, value: NestedValue): JsonValue {
  if (value === null) return null
  const json = printPrimitive(type, value) ?? printNested(type, value)
  if (json === undefined) throw notOfType(type, value)
  return json
}

/**
 * The value of its JSON, of any type but list and map (see {@link nestedValueFromJson}).
 *
 * @throws FloeError `CORRUPT` when the JSON is not a value of the type, or not exactly one; `UNSUPPORTED` for types
 * without a JSON form.
 */
export function valueFromJson(type: Type, json: JsonValue): Value {
  if (json === null) return null
  switch (type.kind) {
    case 'boolean':
      return typeof json === 'boolean' ? json : unreadable(type, json)
    case 'int':
      return isInt(json) ? json : unreadable(type, json)
    case 'long':
      return longFromJson(type, json)
    case 'float':
    case 'double':
      return floatFromJson(type, json)
    case 'struct':
      return structFromJson(type, json) as Value
    case 'list':
    case 'map':
    case 'unknown':
    case 'variant':
    case 'geometry':
    case 'geography':
      throw unsupported(type)
    default:
      return textFromJson(type, json)
  }
}

/** As {@link valueFromJson}, for lists and maps too. */
export function nestedValueFromJson(type: Type, json: JsonValue): NestedValue {
  if (json === null) return null
  if (type.kind === 'struct') return structFromJson(type, json)
  if (type.kind === 'list') {
    return Array.isArray(json) ? (json as JsonValue[]).map((item) => nestedValueFromJson(type.element, item)) : unreadable(type, json)
  }
  return type.kind === 'map' ? mapFromJson(type, json) : valueFromJson(type, json)
}

/** Undefined for nested types, and when the value is not one of the type's. */
function printPrimitive(type: Type, value: NestedValue): JsonValue | undefined {
  if (LONG_KINDS.has(type.kind)) return isLong(value) ? printLong(type, value) : undefined
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'int':
      return isInt(value) ? value : undefined
    case 'float':
    case 'double':
      return typeof value === 'number' ? printFloat(type.kind, value) : undefined
    case 'decimal':
      return typeof value === 'bigint' ? new Decimal(value, type.scale).toString() : undefined
    case 'date':
      return isInt(value) ? printIsoDate(value) : undefined
    case 'string':
      return typeof value === 'string' ? value : undefined
    case 'uuid':
      return typeof value === 'string' ? canonicalUuid(value) : undefined
    case 'fixed':
    case 'binary':
      return value instanceof Uint8Array ? printBytes(type, value) : undefined
    default:
      if (!isNested(type)) throw unsupported(type)
      return undefined
  }
}

function printBytes(type: Type, value: Uint8Array): string | undefined {
  return type.kind === 'fixed' && value.length !== type.length ? undefined : hexFromBytes(value)
}

function printLong(type: Type, value: bigint): JsonValue {
  switch (type.kind) {
    case 'time':
      return printIsoTime(value)
    case 'timestamp':
    case 'timestamptz':
      return printIsoTimestamp(value, 'micros', type.kind === 'timestamptz')
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return printIsoTimestamp(value, 'nanos', type.kind === 'timestamptz_ns')
    default:
      return Number.isSafeInteger(Number(value)) ? Number(value) : value
  }
}

function printFloat(kind: 'float' | 'double', value: number): JsonValue {
  if (!Number.isFinite(value)) return String(value)
  return new JsonFloat(kind === 'float' ? shortestFloat(value) : value)
}

function printNested(type: Type, value: NestedValue): JsonValue | undefined {
  switch (type.kind) {
    case 'struct':
      return value instanceof Map ? structToJson(type, value as ReadonlyMap<number, NestedValue>) : undefined
    case 'list':
      return Array.isArray(value) ? (value as NestedValue[]).map((item) => valueToJson(type.element, item)) : undefined
    case 'map':
      return isEntries(value) ? mapToJson(type, value) : undefined
    default:
      return undefined
  }
}

/** The types whose JSON is a string. */
function textFromJson(type: Type, json: JsonValue): Value {
  if (typeof json !== 'string') return unreadable(type, json)
  switch (type.kind) {
    case 'string':
      return json
    case 'decimal':
      return exactly(type, json, () => decimalFromText(json, type.precision, type.scale))
    case 'date':
      return exactly(type, json, () => parseIsoDate(json))
    case 'time':
      return exactly(type, json, () => parseIsoTime(json))
    case 'timestamp':
    case 'timestamp_ns':
      return exactly(type, json, () => parseIsoTimestamp(json, type.kind === 'timestamp' ? 'micros' : 'nanos', 'none'))
    case 'timestamptz':
    case 'timestamptz_ns':
      return exactly(type, json, () => parseIsoTimestamp(json, type.kind === 'timestamptz' ? 'micros' : 'nanos', 'utc'))
    case 'uuid':
      return canonicalUuid(json) ?? unreadable(type, json)
    case 'fixed': {
      const bytes = bytesFromHex(json)
      return bytes?.length === type.length ? bytes : unreadable(type, json)
    }
    case 'binary':
      return bytesFromHex(json) ?? unreadable(type, json)
    default:
      throw unsupported(type)
  }
}

function exactly(type: Type, json: string, parse: () => number | bigint): Value {
  let value: number | bigint
  try {
    value = parse()
  } catch (cause) {
    throw new FloeError('CORRUPT', `Not a JSON value of type ${printTypeName(type)}: ${(cause as Error).message}`, { cause })
  }
  if (typeof value === 'number' ? isInt(value) : type.kind === 'decimal' || isLong(value)) return value
  return unreadable(type, json)
}

function decimalFromText(text: string, precision: number, scale: number): bigint {
  const decimal = Decimal.parse(text)
  if (decimal.scale !== scale) throw new FloeError('INVALID', `${text} does not have the scale ${scale}`)
  if (decimal.precision > precision) throw new FloeError('INVALID', `${text} has more than ${precision} digits`)
  return decimal.unscaled
}

function longFromJson(type: Type, json: JsonValue): bigint {
  if (Number.isSafeInteger(json)) return BigInt(json as number)
  return typeof json === 'bigint' && isLong(json) ? json : unreadable(type, json)
}

const NAMED_FLOATS: ReadonlyMap<JsonValue, number> = new Map<JsonValue, number>([['NaN', NaN], ['Infinity', Infinity], ['-Infinity', -Infinity]])

function floatFromJson(type: Type, json: JsonValue): number {
  const named = NAMED_FLOATS.get(json)
  if (named !== undefined) return named
  const value = json instanceof JsonFloat ? json.value : typeof json === 'bigint' ? Number(json) : json
  if (typeof value !== 'number') return unreadable(type, json)
  return type.kind === 'float' ? Math.fround(value) : value
}

/** A float prints as the shortest decimal that reads back as it, not with the digits that a double would need. */
function shortestFloat(value: number): number {
  if (value === 0) return value
  for (let digits = 6; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits))
    if (Math.fround(rounded) === value) return rounded
  }
  return Number(value.toPrecision(9))
}

function structToJson(type: StructType, value: ReadonlyMap<number, NestedValue>): JsonValue {
  const members: [string, JsonValue][] = []
  for (const field of type.fields) {
    const member = value.get(field.id)
    if (member !== undefined) members.push([String(field.id), valueToJson(field.type, member)])
  }
  return Object.fromEntries(members)
}

function structFromJson(type: StructType, json: JsonValue): ReadonlyMap<number, NestedValue> {
  if (!isMembers(json)) return unreadable(type, json)
  const value = new Map<number, NestedValue>()
  for (const field of type.fields) {
    const name = String(field.id)
    if (Object.hasOwn(json, name)) value.set(field.id, nestedValueFromJson(field.type, json[name]!))
  }
  return value
}

function mapToJson(type: MapType, value: MapEntries): JsonValue {
  return {
    keys: value.keys.map((key) => valueToJson(type.key, key)),
    values: value.values.map((item) => valueToJson(type.value, item)),
  }
}

function mapFromJson(type: MapType, json: JsonValue): MapEntries {
  if (!isMembers(json) || !Array.isArray(json['keys']) || !Array.isArray(json['values'])) return unreadable(type, json)
  const keys = (json['keys'] as JsonValue[]).map((key) => nestedValueFromJson(type.key, key))
  const values = (json['values'] as JsonValue[]).map((value) => nestedValueFromJson(type.value, value))
  return keys.length === values.length && !keys.includes(null) ? { keys, values } : unreadable(type, json)
}

function isEntries(value: NestedValue): value is MapEntries {
  return typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys)
}

function notOfType(type: Type, value: NestedValue): FloeError {
  return new FloeError('INVALID', `A ${typeof value} is not a value of type ${printTypeName(type)}: ${String(value).slice(0, 60)}`)
}

function unreadable(type: Type, json: JsonValue): never {
  const shown = typeof json === 'string' ? JSON.stringify(json.slice(0, 60)) : typeof json === 'object' ? 'an object or array' : String(json).slice(0, 60)
  throw new FloeError('CORRUPT', `${shown} is not the JSON of a value of type ${printTypeName(type)}`)
}

function unsupported(type: Type): FloeError {
  return new FloeError('UNSUPPORTED', `Values of type ${printTypeName(type)} have no JSON form here`)
}
