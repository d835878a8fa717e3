/**
 * Iceberg's data types as immutable values. This folder knows types, schemas, their evolution and their single values;
 * it knows nothing of partitions, files or engines.
 */

// Spec: Schemas and Data Types
export type PrimitiveType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'int' }
  | { readonly kind: 'long' }
  | { readonly kind: 'float' }
  | { readonly kind: 'double' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'date' }
  | { readonly kind: 'time' }
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'timestamptz' }
  | { readonly kind: 'timestamp_ns' }
  | { readonly kind: 'timestamptz_ns' }
  | { readonly kind: 'string' }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'fixed'; readonly length: number }
  | { readonly kind: 'binary' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'geometry'; readonly crs: string | undefined }
  | { readonly kind: 'geography'; readonly crs: string | undefined; readonly algorithm: string | undefined }

/** Semi-structured; neither primitive nor nested. */
export interface VariantType {
  readonly kind: 'variant'
}

export interface StructType {
  readonly kind: 'struct'
  readonly fields: readonly NestedField[]
}

export interface ListType {
  readonly kind: 'list'
  readonly elementId: number
  readonly element: Type
  readonly elementRequired: boolean
}

export interface MapType {
  readonly kind: 'map'
  readonly keyId: number
  readonly key: Type
  readonly valueId: number
  readonly value: Type
  readonly valueRequired: boolean
}

export type NestedType = StructType | ListType | MapType

export type Type = PrimitiveType | VariantType | NestedType

/** A field of a struct, or a column of a table. */
export interface NestedField {
  readonly id: number
  readonly name: string
  readonly type: Type
  readonly required: boolean
  readonly doc?: string | undefined
  /** Absent and `null` are the same: no default. A struct's default is an empty object. Spec: Default values */
  readonly initialDefault?: Value | undefined
  readonly writeDefault?: Value | undefined
  /** Members of the field's JSON that this version does not know, kept for the rewrite. */
  readonly unknownFields?: ReadonlyMap<string, unknown> | undefined
}

/**
 * One value inside floe, chosen by its type:
 * boolean → boolean · int, date → number (days) · long, time, timestamp* → bigint (in the type's own unit) · float, double → number ·
 * decimal → bigint (unscaled) · string → string · uuid → canonical lower-case string · fixed, binary, geometry, geography → Uint8Array ·
 * struct → Map from field id to value (only as a default) · unknown → null.
 * `null` is the null of every type. Rows as users see them are another form: see `arrow/row-values.ts`.
 */
export type Value = boolean | number | bigint | string | Uint8Array | null | ReadonlyMap<number, Value>

export function isNested(type: Type): type is NestedType {
  return type.kind === 'struct' || type.kind === 'list' || type.kind === 'map'
}

/** Variants are neither primitive nor nested. */
export function isPrimitive(type: Type): type is PrimitiveType {
  return !isNested(type) && type.kind !== 'variant'
}

/** The fields right below a type: a struct's fields; `element` of a list; `key` and `value` of a map; none of any other type. */
export function childFields(type: Type): readonly NestedField[] {
  switch (type.kind) {
    case 'struct':
      return type.fields
    case 'list':
      return [{ id: type.elementId, name: 'element', type: type.element, required: type.elementRequired }]
    case 'map':
      return [
        { id: type.keyId, name: 'key', type: type.key, required: true },
        { id: type.valueId, name: 'value', type: type.value, required: type.valueRequired },
      ]
    default:
      return []
  }
}
