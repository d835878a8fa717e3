import type { NestedField, Type } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { convertedType, physicalType, repetition } from './file-metadata.js'
import type { LogicalType, SchemaElement } from './file-metadata.js'

/** A leaf column as it is written, in the order of the column chunks. */
export interface WrittenLeaf {
  readonly fieldId: number
  /** Physical type that the encoder must have produced. */
  readonly type: number
  readonly typeLength: number | undefined
  readonly path: readonly string[]
  /** Whether the bytes of its values have an order; those of geometries do not. */
  readonly isOrdered: boolean
}

export interface WriteSchema {
  readonly elements: readonly SchemaElement[]
  readonly leaves: readonly WrittenLeaf[]
}

type Annotations = Omit<SchemaElement, 'name' | 'repetitionType' | 'fieldId'>

/**
 * The Parquet schema of a table's columns: field ids at every level, and names and annotations as the reference writes them.
 * Columns of type unknown are not stored.
 */
// Spec: Appendix A › Parquet
export function writeSchema(fields: readonly NestedField[]): WriteSchema {
  const leaves: WrittenLeaf[] = []
  const stored = fields.filter((field) => field.type.kind !== 'unknown')
  const elements = stored.flatMap((field) => fieldElements(field, [], leaves))
  return { elements: [{ name: 'table', numChildren: stored.length }, ...elements], leaves }
}

function fieldElements(field: Pick<NestedField, 'id' | 'name' | 'type' | 'required'>, parent: readonly string[], leaves: WrittenLeaf[]): SchemaElement[] {
  const { type, name } = field
  const path = [...parent, name]
  const self = { repetitionType: field.required ? repetition.required : repetition.optional, name, fieldId: field.id }
  switch (type.kind) {
    case 'struct': {
      const children = type.fields.filter((child) => child.type.kind !== 'unknown')
      if (children.length === 0) throw unsupported(path, 'Parquet cannot store a struct without a field of a known type')
      return [{ ...self, numChildren: children.length }, ...children.flatMap((child) => fieldElements(child, path, leaves))]
    }
    case 'list': {
      refuseUnknown(type.element, path)
      const element = { id: type.elementId, name: 'element', type: type.element, required: type.elementRequired }
      const group = { ...self, numChildren: 1, convertedType: convertedType.list, logicalType: { list: {} } }
      return [group, { repetitionType: repetition.repeated, name: 'list', numChildren: 1 }, ...fieldElements(element, [...path, 'list'], leaves)]
    }
    case 'map': {
      refuseUnknown(type.key, path)
      refuseUnknown(type.value, path)
      const entries = [...path, 'key_value']
      const key = { id: type.keyId, name: 'key', type: type.key, required: true }
      const value = { id: type.valueId, name: 'value', type: type.value, required: type.valueRequired }
      const group = { ...self, numChildren: 1, convertedType: convertedType.map, logicalType: { map: {} } }
      const repeated = { repetitionType: repetition.repeated, name: 'key_value', numChildren: 2 }
      return [group, repeated, ...fieldElements(key, entries, leaves), ...fieldElements(value, entries, leaves)]
    }
    case 'variant':
      return variantElements(self, path, leaves)
    default: {
      const annotations = leafAnnotations(type, path)
      leaves.push({
        fieldId: field.id,
        type: annotations.type!,
        typeLength: annotations.typeLength,
        path,
        isOrdered: type.kind !== 'geometry' && type.kind !== 'geography',
      })
      return [{ ...self, ...annotations }]
    }
  }
}

/** The two binaries of an unshredded variant have no field ids of their own. */
function variantElements(self: SchemaElement, path: readonly string[], leaves: WrittenLeaf[]): SchemaElement[] {
  const binary = (name: string): SchemaElement => {
    leaves.push({ fieldId: self.fieldId!, type: physicalType.byteArray, typeLength: undefined, path: [...path, name], isOrdered: false })
    return { type: physicalType.byteArray, repetitionType: repetition.required, name }
  }
  return [{ ...self, numChildren: 2, logicalType: { variant: { specificationVersion: 1 } } }, binary('metadata'), binary('value')]
}

function leafAnnotations(type: Type, path: readonly string[]): Annotations {
  switch (type.kind) {
    case 'boolean':
      return { type: physicalType.boolean }
    case 'int':
      return { type: physicalType.int32 }
    case 'long':
      return { type: physicalType.int64 }
    case 'float':
      return { type: physicalType.float }
    case 'double':
      return { type: physicalType.double }
    case 'decimal':
      return decimalAnnotations(type.precision, type.scale)
    case 'date':
      return { type: physicalType.int32, convertedType: convertedType.date, logicalType: { date: {} } }
    case 'time':
      return { ...int64({ time: { isAdjustedToUTC: false, unit: { micros: {} } } }), convertedType: convertedType.timeMicros }
    case 'timestamp':
    case 'timestamptz': {
      const timestamp = { isAdjustedToUTC: type.kind === 'timestamptz', unit: { micros: {} } }
      return { ...int64({ timestamp }), convertedType: convertedType.timestampMicros }
    }
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return int64({ timestamp: { isAdjustedToUTC: type.kind === 'timestamptz_ns', unit: { nanos: {} } } })
    case 'string':
      return { type: physicalType.byteArray, convertedType: convertedType.utf8, logicalType: { string: {} } }
    case 'uuid':
      return { type: physicalType.fixedLenByteArray, typeLength: 16, logicalType: { uuid: {} } }
    case 'fixed':
      return { type: physicalType.fixedLenByteArray, typeLength: type.length }
    case 'binary':
      return { type: physicalType.byteArray }
    case 'geometry':
      return { type: physicalType.byteArray, logicalType: { geometry: type.crs === undefined ? {} : { crs: type.crs } } }
    case 'geography':
      return { type: physicalType.byteArray, logicalType: { geography: geography(type) } }
    default:
      throw unsupported(path, `a column of type ${type.kind} cannot be written to Parquet`)
  }
}

function int64(logicalType: LogicalType): Annotations {
  return { type: physicalType.int64, logicalType }
}

function decimalAnnotations(precision: number, scale: number): Annotations {
  const annotations = { convertedType: convertedType.decimal, scale, precision, logicalType: { decimal: { scale, precision } } }
  if (precision <= 9) return { type: physicalType.int32, ...annotations }
  if (precision <= 18) return { type: physicalType.int64, ...annotations }
  return { type: physicalType.fixedLenByteArray, typeLength: decimalBytes(precision), ...annotations }
}

/** The fewest bytes that hold every unscaled value of a precision. */
export function decimalBytes(precision: number): number {
  let bytes = 1
  while (2n ** BigInt(8 * bytes - 1) < 10n ** BigInt(precision)) bytes++
  return bytes
}

/** In the order of the enum of parquet.thrift. */
const edgeAlgorithms: readonly string[] = ['spherical', 'vincenty', 'thomas', 'andoyer', 'karney']

function geography(type: { readonly crs: string | undefined; readonly algorithm: string | undefined }): NonNullable<LogicalType['geography']> {
  const algorithm = type.algorithm === undefined ? -1 : edgeAlgorithms.indexOf(type.algorithm)
  return { ...(type.crs !== undefined && { crs: type.crs }), ...(algorithm >= 0 && { algorithm }) }
}

function refuseUnknown(type: Type, path: readonly string[]): void {
  if (type.kind === 'unknown') throw unsupported(path, 'Parquet cannot store a list or map of the type unknown')
}

function unsupported(path: readonly string[], message: string): FloeError {
  return new FloeError('UNSUPPORTED', message, { column: path.join('.') })
}
