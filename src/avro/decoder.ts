import { FloeError } from '../util/errors.js'
import type { AvroInput } from './avro-input.js'
import { minEncodedBytes, optionalBranch } from './avro-schema.js'
import type { AvroField, AvroLogical, AvroMap, AvroPrimitive, AvroRecord, AvroSchema, AvroUnion, AvroValue } from './avro-schema.js'
import { valueFromDefault, type Longs } from './default-value.js'
import { decodeUnscaled, decodeUuid } from './logical.js'
import { compileSkip, readBranch } from './skip.js'

/** Reads one value off an input. */
export type Decode = (input: AvroInput) => AvroValue

export interface DecoderOptions {
  /** How a `long` is read: always as a bigint (the default), or as a number wherever that is exact. */
  readonly longs?: Longs
}

/**
 * Compiles a decoder of what `writer` wrote, in the shape of `reader` (default: the writer's own). Record fields are matched
 * by field id where the writer has ids, else by name: unknown fields are skipped, missing optional ones are null, others
 * take the reader's default. Throws `CORRUPT` where the two schemas do not fit.
 */
export function compileDecoder(writer: AvroSchema, reader: AvroSchema = writer, options: DecoderOptions = {}): Decode {
  return new DecoderCompiler(options.longs ?? 'bigint').compile(writer, reader, 'the root')
}

class DecoderCompiler {
  constructor(private readonly longs: Longs) {}

  /** `at` names the place in the schema, for errors. */
  compile(writer: AvroSchema, reader: AvroSchema, at: string): Decode {
    if (writer.kind === 'union') return this.fromUnion(writer, reader, at)
    if (reader.kind === 'union') return this.intoUnion(writer, reader, at)
    switch (reader.kind) {
      case 'record':
        if (writer.kind === 'record') return this.record(writer, reader, at)
        break
      case 'array':
        if (writer.kind === 'array') return this.array(this.compile(writer.items, reader.items, `${at}[]`), minEncodedBytes(writer.items))
        if (writer.kind === 'map') return this.pairsOfMap(writer, reader.items, at)
        break
      case 'map':
        if (writer.kind === 'map') return this.map(this.compile(writer.values, reader.values, `${at}{}`))
        if (writer.kind === 'array') return this.mapOfPairs(writer.items, reader, at)
        break
      case 'enum':
        if (writer.kind === 'enum') return this.symbol(writer.symbols)
        break
      case 'fixed':
        if (writer.kind === 'fixed' && (writer.size === reader.size || reader.logicalType === 'decimal')) return this.fixed(writer.size, reader)
        if (writer.kind === 'bytes' && reader.logicalType === 'decimal') return (input) => decodeUnscaled(input.readBytes())
        break
      default: {
        const decode = this.primitive(writer, reader)
        if (decode !== undefined) return decode
      }
    }
    throw mismatch(writer, reader, at)
  }

  private primitive(writer: AvroSchema, reader: AvroPrimitive): Decode | undefined {
    switch (reader.kind) {
      case 'null':
        return writer.kind === 'null' ? () => null : undefined
      case 'boolean':
        return writer.kind === 'boolean' ? (input) => input.readBoolean() : undefined
      case 'int':
        return writer.kind === 'int' ? (input) => input.readInt() : undefined
      case 'long':
        return writer.kind === 'int' || writer.kind === 'long' ? this.long(writer, reader) : undefined
      case 'float':
        return writer.kind === 'float' ? (input) => input.readFloat() : undefined
      case 'double':
        if (writer.kind === 'float') return (input) => input.readFloat()
        return writer.kind === 'double' ? (input) => input.readDouble() : undefined
      case 'bytes':
        if (reader.logicalType === 'decimal' && writer.kind === 'fixed') return this.fixed(writer.size, reader)
        if (writer.kind !== 'bytes' && writer.kind !== 'string') return undefined
        return reader.logicalType === 'decimal' ? (input) => decodeUnscaled(input.readBytes()) : (input) => input.readBytes()
      case 'string':
        if (writer.kind === 'enum') return this.symbol(writer.symbols)
        return writer.kind === 'string' || writer.kind === 'bytes' ? (input) => input.readString() : undefined
    }
  }

  private long(writer: AvroPrimitive, reader: AvroPrimitive): Decode {
    const scale = unitScale(writer, reader)
    const isInt = writer.kind === 'int'
    if (this.longs === 'bigint') {
      if (scale !== 1n) return (input) => BigInt.asIntN(64, (isInt ? BigInt(input.readInt()) : input.readLong()) * scale)
      return isInt ? (input) => BigInt(input.readInt()) : (input) => input.readLong()
    }
    if (scale === 1n) return isInt ? (input) => input.readInt() : (input) => input.readSafeLong()
    return (input) => {
      const scaled = BigInt.asIntN(64, BigInt(input.readSafeLong()) * scale)
      return Number.isSafeInteger(Number(scaled)) ? Number(scaled) : scaled
    }
  }

  private fixed(size: number, reader: AvroLogical): Decode {
    if (reader.logicalType === 'decimal') return (input) => decodeUnscaled(input.readFixed(size))
    if (reader.logicalType === 'uuid' && size === 16) return (input) => decodeUuid(input.readFixed(16))
    return (input) => input.readFixed(size)
  }

  private symbol(symbols: readonly string[]): Decode {
    return (input) => {
      const index = input.readInt()
      const symbol = symbols[index]
      if (symbol === undefined) throw input.corrupt(`has symbol ${index} of an enum of ${symbols.length}`)
      return symbol
    }
  }

  private array(item: Decode, minItemBytes: number): Decode {
    return (input) => {
      const items: AvroValue[] = []
      for (let count = input.readBlockCount(minItemBytes); count > 0; count = input.readBlockCount(minItemBytes)) {
        for (let i = 0; i < count; i++) items.push(item(input))
      }
      return items
    }
  }

  private map(value: Decode): Decode {
    return (input) => {
      const entries = new Map<string, AvroValue>()
      for (let count = input.readBlockCount(1); count > 0; count = input.readBlockCount(1)) {
        for (let i = 0; i < count; i++) entries.set(input.readString(), value(input))
      }
      return entries
    }
  }

  /** Iceberg may store a map with string keys as an array of pairs. */
  private mapOfPairs(items: AvroSchema, reader: AvroMap, at: string): Decode {
    if (items.kind !== 'record' || items.fields.length !== 2 || items.fields[0]!.schema.kind !== 'string') throw mismatch(items, reader, at)
    const value = this.compile(items.fields[1]!.schema, reader.values, `${at}{}`)
    const minItemBytes = minEncodedBytes(items)
    return (input) => {
      const entries = new Map<string, AvroValue>()
      for (let count = input.readBlockCount(minItemBytes); count > 0; count = input.readBlockCount(minItemBytes)) {
        for (let i = 0; i < count; i++) entries.set(input.readString(), value(input))
      }
      return entries
    }
  }

  private pairsOfMap(writer: AvroMap, items: AvroSchema, at: string): Decode {
    if (items.kind !== 'record' || items.fields.length !== 2 || items.fields[0]!.schema.kind !== 'string') throw mismatch(writer, items, at)
    const map = this.map(this.compile(writer.values, items.fields[1]!.schema, `${at}{}`))
    return (input) => [...(map(input) as ReadonlyMap<string, AvroValue>)]
  }

  private fromUnion(writer: AvroUnion, reader: AvroSchema, at: string): Decode {
    const branches = writer.branches.map((branch): Decode => {
      if (branch.kind === 'null' && reader.kind !== 'null' && reader.kind !== 'union') {
        return (input) => {
          throw input.corrupt(`has a null in ${at}, which is required`)
        }
      }
      try {
        return this.compile(branch, reader, at)
      } catch (error) {
        // A branch that the reader has no place for is an error only in data that uses it.
        if (optionalBranch(writer) !== undefined) throw error
        return () => {
          throw error
        }
      }
    })
    const count = branches.length
    return (input) => branches[readBranch(input, count)]!(input)
  }

  private intoUnion(writer: AvroSchema, reader: AvroUnion, at: string): Decode {
    const same = reader.branches.find((branch) => branch.kind === writer.kind && nameOf(branch) === nameOf(writer))
    const candidates = same === undefined ? reader.branches : [same, ...reader.branches]
    for (const branch of candidates) {
      try {
        return this.compile(writer, branch, at)
      } catch {
        // The next branch may fit.
      }
    }
    throw mismatch(writer, reader, at)
  }

  private record(writer: AvroRecord, reader: AvroRecord, at: string): Decode {
    const targets = matchFields(writer, reader)
    const steps = writer.fields.map((field, index) => {
      const target = targets[index]!
      return target < 0 ? compileSkip(field.schema) : this.compile(field.schema, reader.fields[target]!.schema, `${at}.${field.name}`)
    })
    const template = reader.fields.map((field, index) => (targets.includes(index) ? null : missingValue(field, at, this.longs)))
    return (input) => {
      const values = template.slice()
      for (let i = 0; i < steps.length; i++) {
        const target = targets[i]!
        if (target < 0) steps[i]!(input)
        else values[target] = (steps[i] as Decode)(input)
      }
      return values
    }
  }
}

const MICROS_PER_DAY = 86_400_000_000n

/** What a written number is multiplied by to be in the reader's unit: dates and milliseconds become micro- or nanoseconds. */
function unitScale(writer: AvroPrimitive, reader: AvroPrimitive): bigint {
  const from = writer.logicalType
  const to = reader.logicalType
  if (from === 'date' && to === 'timestamp-micros') return MICROS_PER_DAY
  if (from === 'date' && to === 'timestamp-nanos') return MICROS_PER_DAY * 1000n
  const isMillis = from === 'timestamp-millis' || from === 'local-timestamp-millis' || from === 'time-millis'
  return isMillis && (to === 'timestamp-micros' || to === 'time-micros') ? 1000n : 1n
}

/** For each field of the writer the index of the reader's field that it fills, or -1. */
function matchFields(writer: AvroRecord, reader: AvroRecord): number[] {
  if (writer === reader) return writer.fields.map((_, index) => index)
  const byId = writer.fields.some((field) => field.fieldId !== undefined) && reader.fields.some((field) => field.fieldId !== undefined)
  const indexes = new Map<number | string | undefined, number>()
  for (const [index, field] of reader.fields.entries()) indexes.set(byId ? field.fieldId : field.name, index)
  indexes.delete(undefined)
  const targets = writer.fields.map((field) => indexes.get(byId ? field.fieldId : field.name) ?? -1)
  const used = targets.filter((target) => target >= 0)
  if (new Set(used).size !== used.length) throw new FloeError('CORRUPT', `Corrupt Avro schema: two fields of ${writer.name} have one field id`)
  return targets
}

function missingValue(field: AvroField, at: string, longs: Longs): AvroValue {
  if (field.defaultValue !== undefined) return valueFromDefault(field.schema, field.defaultValue, longs)
  if (field.schema.kind === 'null' || optionalBranch(field.schema) !== undefined) return null
  throw new FloeError('CORRUPT', `The Avro schema has no field ${field.name} (id ${field.fieldId ?? 'none'}) in ${at}, which is required`)
}

function mismatch(writer: AvroSchema, reader: AvroSchema, at: string): FloeError {
  return new FloeError('CORRUPT', `The Avro schema has ${describe(writer)} at ${at}, where ${describe(reader)} is expected`)
}

function nameOf(schema: AvroSchema): string | undefined {
  return 'name' in schema ? schema.name : undefined
}

function describe(schema: AvroSchema): string {
  const logical = 'logicalType' in schema && schema.logicalType !== undefined ? ` (${schema.logicalType})` : ''
  return schema.kind === 'union' ? `a union of ${schema.branches.map(describe).join(', ')}` : `${schema.kind}${logical}`
}
