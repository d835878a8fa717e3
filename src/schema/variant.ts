import { FloeError } from '../util/errors.js'
import { compareUtf8 } from '../util/utf8.js'
import { Decimal } from './decimal.js'
import { encodeArray, encodeNames, encodeObject, encodePrimitive } from './variant-bytes.js'
import { MAX_VARIANT_DEPTH, foldVariant } from './variant-format.js'
import type { VariantFold, VariantKind, VariantPrimitive } from './variant-format.js'
import { parseVariantJson } from './variant-json.js'
import type { VariantJson } from './variant-json.js'

/** A primitive of a kind that JavaScript has no type for, as `new VariantScalar('date', 19000)`. */
export class VariantScalar {
  /** `value`: days for a date, a bigint in the kind's unit for times and timestamps, text for a uuid, a number for a float or double. */
  constructor(
    readonly kind: VariantKind,
    readonly value: VariantPrimitive,
  ) {}
}

/**
 * What {@link Variant.toValue} gives: integers of up to 32 bits, floats and doubles → number · 64-bit integers → bigint ·
 * decimal → {@link Decimal} · binary → Uint8Array · dates, times, timestamps and uuids → {@link VariantScalar} · objects without
 * prototype. Which width or kind a number had is lost.
 */
export type VariantValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Decimal
  | Uint8Array
  | VariantScalar
  | readonly VariantValue[]
  | { readonly [name: string]: VariantValue }

/** A semi-structured value in its two binaries, which lose nothing. */
export class Variant {
  constructor(
    /** The dictionary of member names. */
    readonly metadata: Uint8Array,
    readonly value: Uint8Array,
  ) {}

  /**
   * Encodes a JavaScript value: besides what {@link toValue} gives, `Date` becomes a timestamp with zone, a `Map` with text keys an
   * object; integral numbers become integers, others doubles; members that are undefined are left out.
   * @throws FloeError `INVALID` for what no variant can hold: functions, symbols, integers of over 38 digits, cycles.
   */
  static of(value: unknown): Variant {
    return value instanceof Variant ? value : encode(value, treeOfValue)
  }

  /**
   * Encodes JSON text without rounding: integers of up to 64 bits as such, longer ones and fractions without exponent as
   * decimals of up to 38 digits, what is left as doubles. @throws FloeError `INVALID` for text that is no JSON.
   */
  static parseJson(text: string): Variant {
    return encode(parseVariantJson(text), treeOfJson)
  }

  /** @throws FloeError `CORRUPT` for bytes that are no variant, `UNSUPPORTED` for another version or an unknown primitive. */
  toValue(): VariantValue {
    return foldVariant(this.metadata, this.value, toJavaScript)
  }
}

const toJavaScript: VariantFold<VariantValue> = {
  primitive(kind, value) {
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return kind === 'uuid' ? new VariantScalar(kind, value) : value
    return plainKinds.has(kind) ? value : new VariantScalar(kind, value)
  },
  array: (values) => values,
  object(names, values) {
    const members = Object.create(null) as Record<string, VariantValue>
    names.forEach((name, i) => { members[name] = values[i]! })
    return members
  },
}

const plainKinds: ReadonlySet<VariantKind> = new Set(['int', 'long', 'double', 'float', 'decimal', 'binary'])

/** What a value is before it has bytes: one primitive, the elements of an array, or the members of an object. */
type Shape =
  | { readonly primitive: readonly [VariantKind, VariantPrimitive] }
  | { readonly elements: readonly unknown[] }
  | { readonly members: readonly (readonly [string, unknown])[] }

function encode(value: unknown, shapeOf: (value: unknown) => Shape): Variant {
  const names = new Set<string>()
  collectNames(value, shapeOf, { names, depth: 0 })
  const sorted = [...names].sort(compareUtf8)
  const ids = new Map(sorted.map((name, id) => [name, id]))
  return new Variant(encodeNames(sorted), encodeShape(value, shapeOf, ids))
}

function collectNames(value: unknown, shapeOf: (value: unknown) => Shape, { names, depth }: { names: Set<string>; depth: number }): void {
  if (depth > MAX_VARIANT_DEPTH) throw new FloeError('INVALID', `A variant nests at most ${MAX_VARIANT_DEPTH} levels; is there a cycle?`)
  const shape = shapeOf(value)
  if ('primitive' in shape) return
  const inner = { names, depth: depth + 1 }
  if ('elements' in shape) for (const element of shape.elements) collectNames(element, shapeOf, inner)
  else {
    for (const [name, member] of shape.members) {
      names.add(name)
      collectNames(member, shapeOf, inner)
    }
  }
}

function encodeShape(value: unknown, shapeOf: (value: unknown) => Shape, ids: ReadonlyMap<string, number>): Uint8Array {
  const shape = shapeOf(value)
  if ('primitive' in shape) return encodePrimitive(...shape.primitive)
  if ('elements' in shape) return encodeArray(shape.elements.map((element) => encodeShape(element, shapeOf, ids)))
  const members = shape.members.map(([name, member]) => ({ id: ids.get(name)!, bytes: encodeShape(member, shapeOf, ids) }))
  // Ids are in the order of the names
  return encodeObject(members.sort((a, b) => a.id - b.id))
}

function treeOfJson(value: unknown): Shape {
  const json = value as VariantJson
  if (json === null) return { primitive: ['null', null] }
  if (typeof json === 'string') return { primitive: ['string', json] }
  if (typeof json === 'boolean') return { primitive: ['boolean', json] }
  if (typeof json === 'number') return { primitive: ['double', json] }
  if (typeof json === 'bigint') return integerShape(json)
  if (json instanceof Decimal) return { primitive: ['decimal', json] }
  return Array.isArray(json) ? { elements: json } : { members: [...(json as ReadonlyMap<string, VariantJson>)] }
}

function treeOfValue(value: unknown): Shape {
  switch (typeof value) {
    case 'boolean':
      return { primitive: ['boolean', value] }
    case 'string':
      return { primitive: ['string', value] }
    case 'bigint':
      return integerShape(value)
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? integerShape(BigInt(value)) : { primitive: ['double', value] }
    case 'object':
      return objectShape(value)
    case 'undefined':
      return { primitive: ['null', null] }
    default:
      throw new FloeError('INVALID', `A variant cannot hold a ${typeof value}`)
  }
}

function integerShape(value: bigint): Shape {
  return BigInt.asIntN(64, value) === value ? { primitive: ['long', value] } : { primitive: ['decimal', new Decimal(value, 0)] }
}

function objectShape(value: object | null): Shape {
  if (value === null) return { primitive: ['null', null] }
  if (Array.isArray(value)) return { elements: value as unknown[] }
  if (value instanceof Decimal) return { primitive: ['decimal', value] }
  if (value instanceof Uint8Array) return { primitive: ['binary', value] }
  if (value instanceof VariantScalar) return { primitive: checkedScalar(value) }
  if (value instanceof Date) return dateShape(value)
  if (value instanceof Variant) return treeOfValue(value.toValue())
  const entries = value instanceof Map ? value : Object.entries(value)
  return {
    members: [...(entries as Iterable<readonly [unknown, unknown]>)].flatMap(([name, member]) => {
      if (typeof name !== 'string') throw new FloeError('INVALID', 'The members of a variant have names; a Map has a key that is no text')
      return member === undefined ? [] : [[name, member] as const]
    }),
  }
}

function dateShape(date: Date): Shape {
  if (Number.isNaN(date.getTime())) throw new FloeError('INVALID', 'A variant cannot hold an invalid Date')
  return { primitive: ['timestamptz', BigInt(date.getTime()) * 1000n] }
}

/** Values whose type the kind determines; the others are as they come. */
const scalarTypes: Readonly<Record<VariantKind, string>> = {
  null: 'object',
  boolean: 'boolean',
  int: 'number',
  long: 'bigint',
  double: 'number',
  float: 'number',
  decimal: 'object',
  date: 'number',
  timestamptz: 'bigint',
  timestamp: 'bigint',
  time: 'bigint',
  timestamptz_ns: 'bigint',
  timestamp_ns: 'bigint',
  binary: 'object',
  string: 'string',
  uuid: 'string',
}

function checkedScalar({ kind, value }: VariantScalar): readonly [VariantKind, VariantPrimitive] {
  const isWhole = (kind !== 'int' && kind !== 'date') || Number.isInteger(value)
  const isUuid = kind !== 'uuid' || /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value as string)
  const isLong = typeof value !== 'bigint' || BigInt.asIntN(64, value) === value
  if (typeof value !== scalarTypes[kind] || !isWhole || !isUuid || !isLong) {
    throw new FloeError('INVALID', `A variant of kind ${kind} cannot hold ${String(value)}`)
  }
  return [kind, value]
}
