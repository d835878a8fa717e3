import { FloeError } from '../util/errors.js'
import { isMembers, parseJson, printJson, type JsonMembers, type JsonValue } from '../util/json.js'
import type { AvroArray, AvroField, AvroLogical, AvroMap, AvroPrimitiveKind, AvroRecord, AvroSchema } from './avro-schema.js'

const PRIMITIVES: ReadonlySet<string> = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const MAX_DEPTH = 100
/** Named types can be referred to many times, so a short text can stand for a very large tree. */
const MAX_NODES = 1_000_000
/** Values that take no bytes cost the writer nothing, so a record may hold only so many of them. */
const MAX_EMPTY_LEAVES = 1_000
const MAX_FIXED_BYTES = 2 ** 30

/**
 * Parses the JSON form of an Avro schema. Throws `CORRUPT` when it is not one, and `UNSUPPORTED` for recursive types, which
 * no Iceberg file has. `source` is the file, for errors.
 */
export function parseAvroSchema(text: string, source?: string): AvroSchema {
  return new SchemaParser(source).parse(parseJson(text, { source, maxDepth: 5 * MAX_DEPTH }), undefined, 0).schema
}

/** The JSON text of `schema`: members in the order in which the reference implementation prints them. */
export function printAvroSchema(schema: AvroSchema): string {
  return printJson(toJson(schema, new Set()))
}

/** A schema and what its tree adds up to with every reference expanded. */
interface Sized {
  readonly schema: AvroSchema
  readonly nodes: number
  readonly emptyLeaves: number
}

class SchemaParser {
  /** By full name; undefined while the type is being defined. */
  private readonly named = new Map<string, Sized | undefined>()

  constructor(private readonly source: string | undefined) {}

  parse(json: JsonValue | undefined, namespace: string | undefined, depth: number): Sized {
    if (depth > MAX_DEPTH) throw this.corrupt(`nests deeper than ${MAX_DEPTH} levels`)
    if (typeof json === 'string') return this.byName(json, namespace)
    if (Array.isArray(json)) return this.parseUnion(json as readonly JsonValue[], namespace, depth)
    if (!isMembers(json)) throw this.corrupt('has a type that is neither a name, a list nor an object')
    const type = member(json, 'type')
    if (typeof type !== 'string') return this.parse(type, namespace, depth + 1)
    switch (type) {
      case 'record':
      case 'error':
        return this.parseRecord(json, namespace, depth)
      case 'array': {
        const items = this.parse(member(json, 'items'), namespace, depth + 1)
        const schema: AvroArray = { kind: 'array', items: items.schema, ...optional('elementId', this.id(json, 'element-id')), ...logicalName(json) }
        return { schema, nodes: items.nodes + 1, emptyLeaves: 0 }
      }
      case 'map': {
        const values = this.parse(member(json, 'values'), namespace, depth + 1)
        const ids = { ...optional('keyId', this.id(json, 'key-id')), ...optional('valueId', this.id(json, 'value-id')) }
        const schema: AvroMap = { kind: 'map', values: values.schema, ...ids }
        return { schema, nodes: values.nodes + 1, emptyLeaves: 0 }
      }
      case 'enum':
        return this.define(json, namespace, (name) => leaf({ kind: 'enum', name, symbols: this.symbols(json) }))
      case 'fixed':
        return this.define(json, namespace, (name) => this.parseFixed(json, name))
      default:
        if (!PRIMITIVES.has(type)) return this.byName(type, namespace)
        return leaf({ kind: type as AvroPrimitiveKind, ...logical(json) })
    }
  }

  private byName(name: string, namespace: string | undefined): Sized {
    if (PRIMITIVES.has(name)) return leaf({ kind: name as AvroPrimitiveKind })
    const full = fullName(name, namespace)
    // A name without a namespace may also stand for a type of the null namespace.
    const found = this.named.has(full) ? full : name
    if (!this.named.has(found)) throw this.corrupt(`refers to the unknown type ${JSON.stringify(name)}`)
    const known = this.named.get(found)
    if (known !== undefined) return known
    throw new FloeError('UNSUPPORTED', `The Avro schema defines ${name} by itself; recursive types have no Iceberg equivalent`, { file: this.source })
  }

  private parseUnion(branches: readonly JsonValue[], namespace: string | undefined, depth: number): Sized {
    if (branches.length === 0) throw this.corrupt('has a union of nothing')
    const parsed = branches.map((branch) => this.parse(branch, namespace, depth + 1))
    if (parsed.some((branch) => branch.schema.kind === 'union')) throw this.corrupt('has a union directly in a union')
    return this.checked({ kind: 'union', branches: parsed.map((branch) => branch.schema) }, parsed, 0)
  }

  private parseRecord(json: JsonMembers, namespace: string | undefined, depth: number): Sized {
    return this.define(json, namespace, (name, inner) => {
      const fields = member(json, 'fields')
      if (!Array.isArray(fields)) throw this.corrupt(`has a record ${name} without fields`)
      const parts: Sized[] = []
      const parsed = (fields as readonly JsonValue[]).map((field) => this.parseField(field, inner, depth, parts))
      if (new Set(parsed.map((field) => field.name)).size !== parsed.length) throw this.corrupt(`has a record ${name} with two fields of one name`)
      const record: AvroRecord = { kind: 'record', name, fields: parsed, ...logicalName(json) }
      return this.checked(record, parts, parts.length === 0 ? 1 : parts.reduce((sum, part) => sum + part.emptyLeaves, 0))
    })
  }

  private parseField(json: JsonValue, namespace: string | undefined, depth: number, parts: Sized[]): AvroField {
    if (!isMembers(json)) throw this.corrupt('has a field that is not an object')
    const name = member(json, 'name')
    if (typeof name !== 'string' || name === '') throw this.corrupt('has a field without a name')
    const type = this.parse(member(json, 'type'), namespace, depth + 1)
    parts.push(type)
    const doc = member(json, 'doc')
    const icebergName = member(json, 'iceberg-field-name')
    return {
      name,
      schema: type.schema,
      ...optional('fieldId', this.id(json, 'field-id')),
      ...optional('doc', typeof doc === 'string' ? doc : undefined),
      ...optional('defaultValue', member(json, 'default')),
      ...optional('icebergName', typeof icebergName === 'string' ? icebergName : undefined),
    }
  }

  private parseFixed(json: JsonMembers, name: string): Sized {
    const size = member(json, 'size')
    if (!Number.isInteger(size) || (size as number) < 0 || (size as number) > MAX_FIXED_BYTES) throw this.corrupt(`has a fixed ${name} of no valid size`)
    return leaf({ kind: 'fixed', name, size: size as number, ...logical(json) })
  }

  private symbols(json: JsonMembers): string[] {
    const symbols = member(json, 'symbols')
    if (!Array.isArray(symbols) || !symbols.every((symbol) => typeof symbol === 'string')) throw this.corrupt('has an enum without symbols')
    return symbols as string[]
  }

  private define(json: JsonMembers, namespace: string | undefined, build: (name: string, namespace: string | undefined) => Sized): Sized {
    const name = member(json, 'name')
    if (typeof name !== 'string' || name === '') throw this.corrupt('has a named type without a name')
    const own = member(json, 'namespace')
    const full = fullName(name, typeof own === 'string' ? own : namespace)
    // Some writers define a type again instead of referring to it; the last definition counts.
    this.named.set(full, undefined)
    const dot = full.lastIndexOf('.')
    const built = build(full, dot < 0 ? undefined : full.slice(0, dot))
    this.named.set(full, built)
    return built
  }

  private checked(schema: AvroSchema, parts: readonly Sized[], emptyLeaves: number): Sized {
    const nodes = parts.reduce((sum, part) => sum + part.nodes, 1)
    if (nodes > MAX_NODES || emptyLeaves > MAX_EMPTY_LEAVES) throw this.corrupt('stands for more values than any table has columns')
    return { schema, nodes, emptyLeaves }
  }

  /** Numbers as strings are accepted, as in the reference. */
  private id(json: JsonMembers, name: string): number | undefined {
    const value = member(json, name)
    if (value === undefined) return undefined
    const id = typeof value === 'string' ? Number(value) : value
    if (!Number.isInteger(id) || Math.abs(id as number) >= 2 ** 31) throw this.corrupt(`has a ${name} that is not an integer`)
    return id as number
  }

  private corrupt(problem: string): FloeError {
    return new FloeError('CORRUPT', `Corrupt Avro schema: it ${problem}`, { file: this.source })
  }
}

function toJson(schema: AvroSchema, defined: Set<string>): JsonValue {
  switch (schema.kind) {
    case 'union':
      return schema.branches.map((branch) => toJson(branch, defined))
    case 'array': {
      const ids = { ...optional('element-id', schema.elementId), ...optional('logicalType', schema.logicalType) }
      return { type: 'array', items: toJson(schema.items, defined), ...ids }
    }
    case 'map':
      return { type: 'map', values: toJson(schema.values, defined), ...optional('key-id', schema.keyId), ...optional('value-id', schema.valueId) }
    case 'record':
      if (defined.has(schema.name)) return schema.name
      defined.add(schema.name)
      return {
        type: 'record',
        name: schema.name,
        fields: schema.fields.map((field) => fieldToJson(field, defined)),
        ...optional('logicalType', schema.logicalType),
      }
    case 'enum':
      if (defined.has(schema.name)) return schema.name
      defined.add(schema.name)
      return { type: 'enum', name: schema.name, symbols: schema.symbols }
    case 'fixed':
      if (defined.has(schema.name)) return schema.name
      defined.add(schema.name)
      return { type: 'fixed', name: schema.name, size: schema.size, ...logicalToJson(schema) }
    default:
      return schema.logicalType === undefined ? schema.kind : { type: schema.kind, ...logicalToJson(schema) }
  }
}

function fieldToJson(field: AvroField, defined: Set<string>): JsonMembers {
  return {
    name: field.name,
    type: toJson(field.schema, defined),
    ...optional('doc', field.doc),
    ...optional('default', field.defaultValue),
    ...optional('iceberg-field-name', field.icebergName),
    ...optional('field-id', field.fieldId),
  }
}

function logicalToJson(schema: AvroLogical): JsonMembers {
  return {
    ...optional('logicalType', schema.logicalType),
    ...optional('precision', schema.precision),
    ...optional('scale', schema.scale),
    ...optional('adjust-to-utc', schema.adjustToUtc),
  }
}

function logical(json: JsonMembers): AvroLogical {
  const precision = member(json, 'precision')
  const scale = member(json, 'scale')
  const adjust = member(json, 'adjust-to-utc')
  return {
    ...logicalName(json),
    ...optional('precision', typeof precision === 'number' ? precision : undefined),
    ...optional('scale', typeof scale === 'number' ? scale : undefined),
    ...optional('adjustToUtc', typeof adjust === 'string' ? adjust.toLowerCase() === 'true' : typeof adjust === 'boolean' ? adjust : undefined),
  }
}

function logicalName(json: JsonMembers): { readonly logicalType?: string } {
  const name = member(json, 'logicalType')
  return typeof name === 'string' ? { logicalType: name } : {}
}

function leaf(schema: AvroSchema): Sized {
  const empty = schema.kind === 'null' || (schema.kind === 'fixed' && schema.size === 0)
  return { schema, nodes: 1, emptyLeaves: empty ? 1 : 0 }
}

function member(json: JsonMembers, name: string): JsonValue | undefined {
  return Object.hasOwn(json, name) ? json[name] : undefined
}

function fullName(name: string, namespace: string | undefined): string {
  return name.includes('.') || namespace === undefined || namespace === '' ? name : `${namespace}.${name}`
}

function optional<Name extends string, T>(name: Name, value: T | undefined): Partial<Record<Name, T>> {
  return (value === undefined ? {} : { [name]: value }) as Partial<Record<Name, T>>
}
