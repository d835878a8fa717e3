import { sanitizeAvroName } from '../avro/avro-name.js'
import type { AvroField, AvroRecord, AvroSchema } from '../avro/avro-schema.js'
import type { ListType, MapType, NestedField, StructType, Type } from '../schema/type.js'

/**
 * The Avro record that the reference writes for a struct: names sanitised, ids as attributes, optional values as a union with
 * null. `name` is the record's. Source: TypeToSchema of the Java reference. Spec: Appendix A › Avro
 */
export function avroRecordOf(struct: StructType, name: string): AvroRecord {
  return { kind: 'record', name, fields: struct.fields.map(avroField) }
}

/** The Avro schema of one type; `id` is the id of the field that has it, from which records take their names. */
export function avroTypeOf(type: Type, id: number): AvroSchema {
  switch (type.kind) {
    case 'struct':
      return avroRecordOf(type, `r${id}`)
    case 'list':
      return { kind: 'array', items: optionalOf(avroTypeOf(type.element, type.elementId), type.elementRequired), elementId: type.elementId }
    case 'map':
      return avroMapOf(type)
    case 'variant':
      return {
        kind: 'record',
        name: `r${id}`,
        fields: [
          { name: 'metadata', schema: { kind: 'bytes' } },
          { name: 'value', schema: { kind: 'bytes' } },
        ],
        logicalType: 'variant',
      }
    case 'unknown':
      return { kind: 'null' }
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'string':
      return { kind: type.kind }
    case 'date':
      return { kind: 'int', logicalType: 'date' }
    case 'time':
      return { kind: 'long', logicalType: 'time-micros' }
    case 'timestamp':
    case 'timestamptz':
      return { kind: 'long', logicalType: 'timestamp-micros', adjustToUtc: type.kind === 'timestamptz' }
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return { kind: 'long', logicalType: 'timestamp-nanos', adjustToUtc: type.kind === 'timestamptz_ns' }
    case 'uuid':
      return { kind: 'fixed', name: 'uuid_fixed', size: 16, logicalType: 'uuid' }
    case 'fixed':
      return { kind: 'fixed', name: `fixed_${type.length}`, size: type.length }
    case 'decimal': {
      const { precision, scale } = type
      return { kind: 'fixed', name: `decimal_${precision}_${scale}`, size: decimalBytes(precision), logicalType: 'decimal', precision, scale }
    }
    case 'binary':
    case 'geometry':
    case 'geography':
      return { kind: 'bytes' }
  }
}

/** The fewest bytes that hold every unscaled value of `precision` digits. */
export function decimalBytes(precision: number): number {
  let bytes = 1
  while (2n ** BigInt(8 * bytes - 1) < 10n ** BigInt(precision)) bytes++
  return bytes
}

function avroField(field: NestedField): AvroField {
  const name = sanitizeAvroName(field.name)
  const schema = optionalOf(avroTypeOf(field.type, field.id), field.required)
  return {
    name,
    schema,
    ...(field.doc === undefined ? {} : { doc: field.doc }),
    ...(field.required ? {} : { defaultValue: null }),
    ...(name === field.name ? {} : { icebergName: field.name }),
    fieldId: field.id,
  }
}

function avroMapOf(type: MapType): AvroSchema {
  const values = optionalOf(avroTypeOf(type.value, type.valueId), type.valueRequired)
  if (type.key.kind === 'string') return { kind: 'map', values, keyId: type.keyId, valueId: type.valueId }
  const valueDefault = type.valueRequired ? {} : { defaultValue: null }
  return {
    kind: 'array',
    items: {
      kind: 'record',
      name: `k${type.keyId}_v${type.valueId}`,
      fields: [
        { name: 'key', schema: avroTypeOf(type.key, type.keyId), fieldId: type.keyId },
        { name: 'value', schema: values, ...valueDefault, fieldId: type.valueId },
      ],
    },
    logicalType: 'map',
  }
}

function optionalOf(schema: AvroSchema, required: boolean): AvroSchema {
  return required || schema.kind === 'null' ? schema : { kind: 'union', branches: [{ kind: 'null' }, schema] }
}

/** A list of a primitive that is never null. */
export function requiredList(elementId: number, element: Type): ListType {
  return { kind: 'list', elementId, element, elementRequired: true }
}

/** A map whose values are never null. */
export function requiredMap(keyId: number, valueId: number, value: Type): MapType {
  return { kind: 'map', keyId, key: { kind: 'int' }, valueId, value, valueRequired: true }
}
