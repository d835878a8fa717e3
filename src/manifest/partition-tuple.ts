import type { AvroInput } from '../avro/avro-input.js'
import { optionalBranch, type AvroRecord, type AvroSchema } from '../avro/avro-schema.js'
import { compileDecoder, type Decode } from '../avro/decoder.js'
import { compileSkip, readBranch, type Skip } from '../avro/skip.js'
import type { NestedField, StructType, Type, Value } from '../schema/type.js'
import { avroTypeOf } from './avro-type.js'

const MICROS_PER_DAY = 86_400_000_000n

/** Reads one tuple off an input that stands at its record. */
export type DecodeTuple = (input: AvroInput) => readonly Value[]

/**
 * Compiles the way from the partition record as `written` to a tuple of `type`, a spec's struct: matched by field id (by
 * position where a writer left all ids out), values promoted as the schema was, fields that the writer did not have null.
 * Throws `CORRUPT` where a written type cannot be read as the expected one. Spec: Manifests › Data File Fields
 */
export function compileTupleDecoder(written: AvroRecord | undefined, type: StructType): DecodeTuple {
  const fields = written?.fields ?? []
  const byPosition = fields.every((field) => field.fieldId === undefined)
  const targets = fields.map((field, index) =>
    byPosition ? (index < type.fields.length ? index : -1) : type.fields.findIndex((candidate) => candidate.id === field.fieldId),
  )
  const steps = fields.map((field, index): Decode | Skip => {
    const target = type.fields[targets[index]!]
    return target === undefined ? compileSkip(field.schema) : compileField(field.schema, target)
  })
  const size = type.fields.length
  return (input) => {
    const tuple = new Array<Value>(size).fill(null)
    for (let i = 0; i < steps.length; i++) {
      const target = targets[i]!
      if (target < 0) steps[i]!(input)
      else tuple[target] = (steps[i] as Decode)(input) as Value
    }
    return tuple
  }
}

function compileField(written: AvroSchema, field: NestedField): Decode {
  if (written.kind !== 'union') return compileValue(written, field)
  const inner = optionalBranch(written)
  if (inner === undefined) return compileDecoder(written, avroTypeOf(field.type, field.id))
  const decode = compileValue(inner, field)
  const nullBranch = written.branches[0]!.kind === 'null' ? 0 : 1
  return (input) => (readBranch(input, 2) === nullBranch ? null : decode(input))
}

function compileValue(written: AvroSchema, field: NestedField): Decode {
  const type = field.type
  if (written.kind === 'null') return () => null
  // The source column is gone from every schema: the value stays as it was written.
  if (type.kind === 'unknown') return compileDecoder(written)
  if (written.kind === 'int' && isTimestamp(type)) {
    // Spec: Schema Evolution: a date may become a timestamp.
    const unitsPerDay = type.kind === 'timestamp_ns' || type.kind === 'timestamptz_ns' ? MICROS_PER_DAY * 1000n : MICROS_PER_DAY
    return (input) => BigInt(input.readInt()) * unitsPerDay
  }
  if (type.kind === 'uuid' && written.kind === 'string') return (input) => input.readString().toLowerCase()
  if ((type.kind === 'binary' || type.kind === 'fixed') && (written.kind === 'fixed' || written.kind === 'bytes')) {
    return compileDecoder(written.kind === 'fixed' ? { ...written, logicalType: undefined } : { kind: 'bytes' })
  }
  return compileDecoder(written, avroTypeOf(type, field.id))
}

function isTimestamp(type: Type): boolean {
  return type.kind === 'timestamp' || type.kind === 'timestamptz' || type.kind === 'timestamp_ns' || type.kind === 'timestamptz_ns'
}
