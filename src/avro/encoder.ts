import { FloeError } from '../util/errors.js'
import type { AvroOutput } from './avro-output.js'
import type { AvroFixed, AvroPrimitive, AvroRecord, AvroSchema, AvroUnion, AvroValue } from './avro-schema.js'
import { encodeUnscaledFixed, encodeUnscaledMinimal, encodeUuid } from './logical.js'

/** Appends one value to an output. Throws `INVALID` when the value is not of the schema it was compiled for. */
export type Encode = (output: AvroOutput, value: AvroValue) => void

const LONG_MIN = -(2n ** 63n)
const LONG_MAX = 2n ** 63n - 1n

/**
 * Compiles an encoder of values in the form that {@link AvroValue} describes. A `long` takes a bigint or a safe integer; an
 * array of two-field records takes a Map as well. A union other than «optional» picks its first branch that fits the
 * value's JavaScript type. `at` names the place for errors.
 */
export function compileEncoder(schema: AvroSchema, at = 'the root'): Encode {
  switch (schema.kind) {
    case 'record':
      return encodeRecord(schema, at)
    case 'union':
      return encodeUnion(schema, at)
    case 'array':
      return encodeArray(schema.items, at)
    case 'map': {
      const item = compileEncoder(schema.values, `${at}{}`)
      return (output, value) => {
        if (!(value instanceof Map)) throw wrong(schema, value, at)
        if (value.size > 0) output.writeLong(value.size)
        for (const [key, mapped] of value as ReadonlyMap<string, AvroValue>) {
          output.writeString(key)
          item(output, mapped)
        }
        output.writeInt(0)
      }
    }
    case 'enum': {
      const indexes = new Map<AvroValue, number>(schema.symbols.map((symbol, index) => [symbol, index]))
      return (output, value) => {
        const index = indexes.get(value)
        if (index === undefined) throw wrong(schema, value, at)
        output.writeInt(index)
      }
    }
    default:
      return encodePlain(schema, at)
  }
}

function encodePlain(schema: AvroPrimitive | AvroFixed, at: string): Encode {
  switch (schema.kind) {
    case 'null':
      return (_, value) => {
        if (value !== null) throw wrong(schema, value, at)
      }
    case 'boolean':
      return (output, value) => {
        if (typeof value !== 'boolean') throw wrong(schema, value, at)
        output.writeBoolean(value)
      }
    case 'int':
      return (output, value) => {
        if (typeof value !== 'number' || (value | 0) !== value) throw wrong(schema, value, at)
        output.writeInt(value)
      }
    case 'long':
      return (output, value) => {
        if (!isLong(value)) throw wrong(schema, value, at)
        output.writeLong(value)
      }
    case 'float':
    case 'double': {
      const single = schema.kind === 'float'
      return (output, value) => {
        if (typeof value !== 'number') throw wrong(schema, value, at)
        if (single) output.writeFloat(value)
        else output.writeDouble(value)
      }
    }
    case 'string':
      return (output, value) => {
        if (typeof value !== 'string') throw wrong(schema, value, at)
        output.writeString(value)
      }
    case 'bytes':
      if (schema.logicalType === 'decimal') {
        return (output, value) => {
          if (typeof value !== 'bigint') throw wrong(schema, value, at)
          output.writeBytes(encodeUnscaledMinimal(value))
        }
      }
      return (output, value) => {
        if (!(value instanceof Uint8Array)) throw wrong(schema, value, at)
        output.writeBytes(value)
      }
    case 'fixed':
      return encodeFixed(schema, at)
  }
}

function encodeFixed(schema: AvroFixed, at: string): Encode {
  const size = schema.size
  if (schema.logicalType === 'decimal') {
    return (output, value) => {
      if (typeof value !== 'bigint') throw wrong(schema, value, at)
      output.writeFixed(encodeUnscaledFixed(value, size))
    }
  }
  if (schema.logicalType === 'uuid' && size === 16) {
    return (output, value) => {
      if (typeof value !== 'string') throw wrong(schema, value, at)
      output.writeFixed(encodeUuid(value))
    }
  }
  return (output, value) => {
    if (!(value instanceof Uint8Array) || value.length !== size) throw wrong(schema, value, at)
    output.writeFixed(value)
  }
}

function encodeRecord(schema: AvroRecord, at: string): Encode {
  const fields = schema.fields.map((field) => compileEncoder(field.schema, `${at}.${field.name}`))
  return (output, value) => {
    if (!Array.isArray(value) || value.length !== fields.length) throw wrong(schema, value, at)
    for (let i = 0; i < fields.length; i++) fields[i]!(output, value[i] as AvroValue)
  }
}

function encodeArray(items: AvroSchema, at: string): Encode {
  const item = compileEncoder(items, `${at}[]`)
  const pairs = items.kind === 'record' && items.fields.length === 2 ? encodePairs(items, at) : undefined
  return (output, value) => {
    if (pairs !== undefined && value instanceof Map) pairs(output, value)
    else if (Array.isArray(value)) {
      const values = value as readonly AvroValue[]
      if (values.length > 0) output.writeLong(values.length)
      for (const element of values) item(output, element)
      output.writeInt(0)
    } else throw new FloeError('INVALID', `Avro cannot write ${describe(value)} to ${at}, which is an array`)
  }
}

/** A Map as an array of records of its keys and values, without a record in between. */
function encodePairs(items: AvroRecord, at: string): Encode {
  const [key, mapped] = items.fields.map((field) => compileEncoder(field.schema, `${at}[].${field.name}`)) as [Encode, Encode]
  return (output, value) => {
    const map = value as ReadonlyMap<never, AvroValue>
    if (map.size > 0) output.writeLong(map.size)
    map.forEach((own, ownKey) => {
      key(output, ownKey)
      mapped(output, own)
    })
    output.writeInt(0)
  }
}

function encodeUnion(schema: AvroUnion, at: string): Encode {
  const branches = schema.branches.map((branch) => compileEncoder(branch, at))
  const fits = schema.branches.map(valueTest)
  return (output, value) => {
    const branch = fits.findIndex((test) => test(value))
    if (branch < 0) throw wrong(schema, value, at)
    output.writeInt(branch)
    branches[branch]!(output, value)
  }
}

function valueTest(schema: AvroSchema): (value: AvroValue) => boolean {
  switch (schema.kind) {
    case 'null':
      return (value) => value === null
    case 'boolean':
      return (value) => typeof value === 'boolean'
    case 'int':
      return (value) => typeof value === 'number' && (value | 0) === value
    case 'long':
      return isLong
    case 'float':
    case 'double':
      return (value) => typeof value === 'number'
    case 'string':
      return (value) => typeof value === 'string'
    case 'enum': {
      const symbols = new Set<AvroValue>(schema.symbols)
      return (value) => symbols.has(value)
    }
    case 'bytes':
      if (schema.logicalType === 'decimal') return (value) => typeof value === 'bigint'
      return (value) => value instanceof Uint8Array
    case 'fixed': {
      const size = schema.size
      if (schema.logicalType === 'decimal') return (value) => typeof value === 'bigint'
      if (schema.logicalType === 'uuid' && size === 16) return (value) => typeof value === 'string'
      return (value) => value instanceof Uint8Array && value.length === size
    }
    case 'array':
      return (value) => Array.isArray(value) || value instanceof Map
    case 'record':
      return (value) => Array.isArray(value) && value.length === schema.fields.length
    case 'map':
      return (value) => value instanceof Map
    case 'union':
      return () => false
  }
}

function isLong(value: AvroValue): value is number | bigint {
  return typeof value === 'bigint' ? value >= LONG_MIN && value <= LONG_MAX : Number.isSafeInteger(value)
}

function wrong(schema: AvroSchema, value: AvroValue, at: string): FloeError {
  return new FloeError('INVALID', `Avro cannot write ${describe(value)} to ${at}, which is ${schema.kind}`)
}

function describe(value: AvroValue): string {
  if (value === null) return 'null'
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (typeof value === 'object') return value instanceof Map ? `a map of ${value.size}` : `an array of ${(value as readonly AvroValue[]).length}`
  return `the ${typeof value} ${String(value).slice(0, 40)}`
}
