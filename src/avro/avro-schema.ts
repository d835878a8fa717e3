/**
 * Avro as bytes and values: schemas, container files, resolved decoding and encoding. This folder knows Avro and the
 * attributes that Iceberg adds to it (field ids); it knows no Iceberg types, manifests or tables.
 */
import type { JsonValue } from '../util/json-text.js'

/** Attributes that give a plain type a meaning; kept as found, interpreted by the decoder where lossless. */
export interface AvroLogical {
  readonly logicalType?: string | undefined
  readonly precision?: number | undefined
  readonly scale?: number | undefined
  /** An Iceberg convention on timestamps; absent is false. */
  readonly adjustToUtc?: boolean | undefined
}

export type AvroPrimitiveKind = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'

export interface AvroPrimitive extends AvroLogical {
  readonly kind: AvroPrimitiveKind
}

export interface AvroFixed extends AvroLogical {
  readonly kind: 'fixed'
  /** Full name. */
  readonly name: string
  readonly size: number
}

export interface AvroEnum {
  readonly kind: 'enum'
  readonly name: string
  readonly symbols: readonly string[]
}

export interface AvroField {
  /** As in the Avro schema, so possibly sanitised. */
  readonly name: string
  readonly schema: AvroSchema
  readonly fieldId?: number | undefined
  readonly doc?: string | undefined
  /** Absent: no default. */
  readonly defaultValue?: JsonValue | undefined
  /** The Iceberg name, where `name` is a sanitised form of it. */
  readonly icebergName?: string | undefined
}

export interface AvroRecord {
  readonly kind: 'record'
  readonly name: string
  readonly fields: readonly AvroField[]
  readonly logicalType?: string | undefined
}

export interface AvroArray {
  readonly kind: 'array'
  readonly items: AvroSchema
  readonly elementId?: number | undefined
  /** `map`: the items are key-value records. */
  readonly logicalType?: string | undefined
}

export interface AvroMap {
  readonly kind: 'map'
  readonly values: AvroSchema
  readonly keyId?: number | undefined
  readonly valueId?: number | undefined
}

export interface AvroUnion {
  readonly kind: 'union'
  readonly branches: readonly AvroSchema[]
}

/** A tree without cycles: recursive types are refused when a schema is parsed. */
export type AvroSchema = AvroPrimitive | AvroFixed | AvroEnum | AvroRecord | AvroArray | AvroMap | AvroUnion

/**
 * A decoded value, by the schema it was read with:
 * int, float, double → number · long → bigint, or number where the reader asked for it and it is exact · bytes, fixed → Uint8Array ·
 * decimal → bigint (unscaled) · uuid → canonical lower-case string · enum → symbol · array → array · map → Map · record → array of
 * the field values in the order of the reader's fields.
 */
export type AvroValue = null | boolean | number | bigint | string | Uint8Array | readonly AvroValue[] | ReadonlyMap<string, AvroValue>

/** The other branch of a union of null and one more, which is what Iceberg calls optional; undefined for anything else. */
export function optionalBranch(schema: AvroSchema): AvroSchema | undefined {
  if (schema.kind !== 'union' || schema.branches.length !== 2) return undefined
  const [first, second] = schema.branches as readonly [AvroSchema, AvroSchema]
  if (first.kind === 'null') return second
  return second.kind === 'null' ? first : undefined
}

/** The fewest bytes that a value of `schema` takes. */
export function minEncodedBytes(schema: AvroSchema): number {
  switch (schema.kind) {
    case 'null':
      return 0
    case 'float':
      return 4
    case 'double':
      return 8
    case 'fixed':
      return schema.size
    case 'record':
      return schema.fields.reduce((sum, field) => sum + minEncodedBytes(field.schema), 0)
    case 'union':
      return 1 + Math.min(...schema.branches.map(minEncodedBytes))
    default:
      return 1
  }
}
