import { FloeError } from '../util/errors.js'
import { JsonFloat, isMembers, type JsonValue } from '../util/json.js'
import { decodeUnscaled, decodeUuid } from './logical.js'
import type { AvroLogical, AvroPrimitiveKind, AvroSchema, AvroValue } from './avro-schema.js'

/** How a `long` is given: always as a bigint, or as a number wherever that is exact. */
export type Longs = 'bigint' | 'safe-number'

/**
 * The value that a field's `default` stands for. The default of a union is one of its branches. Throws `CORRUPT` when the
 * default is not of the field's type.
 *
 * Source: Avro specification › Complex Types › Records, table «field default values»
 */
export function valueFromDefault(schema: AvroSchema, json: JsonValue, longs: Longs = 'bigint'): AvroValue {
  const value = read(schema, json, longs)
  if (value === undefined) throw new FloeError('CORRUPT', `Corrupt Avro schema: it has a default that is not of type ${schema.kind}`)
  return value
}

function read(schema: AvroSchema, json: JsonValue, longs: Longs): AvroValue | undefined {
  switch (schema.kind) {
    case 'union':
      return firstThatFits(schema.branches, json, longs)
    case 'array':
      return Array.isArray(json) ? (json as readonly JsonValue[]).map((item) => valueFromDefault(schema.items, item, longs)) : undefined
    case 'map':
      if (!isMembers(json)) return undefined
      return new Map(Object.keys(json).map((key) => [key, valueFromDefault(schema.values, json[key]!, longs)]))
    case 'record':
      if (!isMembers(json)) return undefined
      return schema.fields.map((field) => {
        const own = Object.hasOwn(json, field.name) ? json[field.name] : undefined
        return valueFromDefault(field.schema, own ?? field.defaultValue ?? null, longs)
      })
    case 'bytes':
    case 'fixed':
      return typeof json === 'string' ? readBytes(schema, json) : undefined
    case 'enum':
      return typeof json === 'string' && schema.symbols.includes(json) ? json : undefined
    default:
      return readPrimitive(schema.kind, json, longs)
  }
}

function readPrimitive(kind: AvroPrimitiveKind, json: JsonValue, longs: Longs): AvroValue | undefined {
  switch (kind) {
    case 'null':
      return json === null ? null : undefined
    case 'boolean':
      return typeof json === 'boolean' ? json : undefined
    case 'int':
      return typeof json === 'number' && (json | 0) === json ? json : undefined
    case 'long':
      if (typeof json === 'bigint') return BigInt.asIntN(64, json) === json ? json : undefined
      if (!Number.isSafeInteger(json)) return undefined
      return longs === 'bigint' ? BigInt(json as number) : (json as number)
    case 'float':
    case 'double':
      if (json instanceof JsonFloat) return json.value
      return typeof json === 'number' ? json : undefined
    default:
      return typeof json === 'string' ? json : undefined
  }
}

/** Earlier versions of the specification allow a default of the first branch only. */
function firstThatFits(branches: readonly AvroSchema[], json: JsonValue, longs: Longs): AvroValue | undefined {
  for (const branch of branches) {
    const value = read(branch, json, longs)
    if (value !== undefined) return value
  }
  return undefined
}

/** One byte a character, U+0000 to U+00FF. */
function readBytes(schema: AvroLogical, text: string): AvroValue {
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0))
  if (schema.logicalType === 'decimal') return decodeUnscaled(bytes)
  return schema.logicalType === 'uuid' && bytes.length === 16 ? decodeUuid(bytes) : bytes
}
