/**
 * Rows in memory: Arrow record batches in one canonical type per Iceberg type, and the conversions to and from them. It
 * knows schemas and values; it does not know where batches come from or go to. Nothing here is imported by the layers below,
 * so that `apache-arrow` is loaded only by what touches rows.
 */
import {
  Binary,
  Bool,
  DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeBinary,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  Map_,
  Null,
  Schema as ArrowSchema,
  Struct,
  TimeMicrosecond,
  TimestampMicrosecond,
  TimestampNanosecond,
  TimeUnit,
  Utf8,
} from 'apache-arrow'
import { MAX_TYPE_DEPTH } from '../schema/schema-index.js'
import { Schema } from '../schema/schema.js'
import type { NestedField, Type } from '../schema/type.js'
import { FloeError } from '../util/errors.js'

/** Key of the field metadata that carries the Iceberg field id; the one that Parquet libraries use. */
export const fieldIdKey = 'PARQUET:field_id'

/**
 * The canonical Arrow type of an Iceberg type. Every batch inside floe has exactly these types: no dictionaries, no large or
 * view layouts. Timestamps with zone carry `UTC`; a map's entries are called `key_value`, a list's child `element`; a variant
 * is its two binaries; geometry and geography are WKB.
 */
export function arrowType(type: Type): DataType {
  switch (type.kind) {
    case 'boolean':
      return new Bool()
    case 'int':
      return new Int32()
    case 'long':
      return new Int64()
    case 'float':
      return new Float32()
    case 'double':
      return new Float64()
    case 'decimal':
      return new Decimal(type.scale, type.precision, 128)
    case 'date':
      return new DateDay()
    case 'time':
      return new TimeMicrosecond()
    case 'timestamp':
      return new TimestampMicrosecond(null)
    case 'timestamptz':
      return new TimestampMicrosecond('UTC')
    case 'timestamp_ns':
      return new TimestampNanosecond(null)
    case 'timestamptz_ns':
      return new TimestampNanosecond('UTC')
    case 'string':
      return new Utf8()
    case 'uuid':
      return new FixedSizeBinary(16)
    case 'fixed':
      return new FixedSizeBinary(type.length)
    case 'binary':
    case 'geometry':
    case 'geography':
      return new Binary()
    case 'unknown':
      return new Null()
    case 'variant':
      return new Struct([new Field('metadata', new Binary(), false), new Field('value', new Binary(), false)])
    case 'struct':
      return new Struct(type.fields.map(arrowField))
    case 'list':
      return new List(fieldWithId('element', type.element, type.elementRequired, type.elementId))
    case 'map': {
      const key = fieldWithId('key', type.key, true, type.keyId)
      const value = fieldWithId('value', type.value, type.valueRequired, type.valueId)
      return mapType(key, value)
    }
  }
}

function mapType(key: Field, value: Field): DataType {
  const entries = new Field('key_value', new Struct([key, value]), false)
  const type = new Map_(entries as unknown as ConstructorParameters<typeof Map_>[0])
  // The constructor renames its argument to `entries`, which writers would put into files. Spec: Appendix A › Parquet
  ;(entries as { name: string }).name = 'key_value'
  return type
}

/** The canonical Arrow field of a column: its name, nullability and field id. */
export function arrowField(field: NestedField): Field {
  return fieldWithId(field.name, field.type, field.required, field.id)
}

/** The canonical Arrow schema of a table schema, or of some of its columns. */
export function arrowSchema(schema: Schema | readonly NestedField[]): ArrowSchema {
  return new ArrowSchema((schema instanceof Schema ? schema.fields : schema).map(arrowField))
}

function fieldWithId(name: string, type: Type, required: boolean, id: number): Field {
  // Spec: Semi-structured and unknown columns are always nullable in files
  const nullable = !required || type.kind === 'unknown'
  return new Field(name, arrowType(type), nullable, new Map([[fieldIdKey, String(id)]]))
}

/** The Iceberg field id that an Arrow field carries, if it is a well-formed one. */
export function fieldIdOf(field: Field): number | undefined {
  const text = field.metadata.get(fieldIdKey)
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) <= 0x7fff_ffff ? Number(text) : undefined
}

/**
 * The table schema that holds what an Arrow schema describes. Field ids are taken from the metadata when every field has one
 * of its own; else all are assigned afresh, a level before the next as the reference does.
 * @throws FloeError `UNSUPPORTED` naming the column whose Arrow type has no Iceberg type, `INVALID` when types nest too deep.
 */
export function schemaFromArrow(source: ArrowSchema, options: { readonly schemaId?: number } = {}): Schema {
  checkDepth(source.fields, 1)
  const ids = allFieldIds(source.fields)
  let lastId = 0
  const idOf = (field: Field): number => (ids ? fieldIdOf(field)! : ++lastId)
  return new Schema(fieldsFromArrow(source.fields, idOf, ''), options)
}

/** Before anything walks the types without a limit. */
function checkDepth(fields: readonly Field[], depth: number): void {
  if (fields.length > 0 && depth > MAX_TYPE_DEPTH) throw new FloeError('INVALID', `The Arrow schema nests deeper than ${MAX_TYPE_DEPTH} levels`)
  for (const field of fields) checkDepth(((field.type as DataType).children ?? []) as readonly Field[], depth + 1)
}

function fieldsFromArrow(fields: readonly Field[], idOf: (field: Field) => number, prefix: string): NestedField[] {
  const ids = fields.map(idOf)
  return fields.map((field, i) => {
    const type = typeFromArrow(field, idOf, prefix + field.name)
    return { id: ids[i]!, name: field.name, type, required: !field.nullable && type.kind !== 'unknown' }
  })
}

function typeFromArrow(field: Field, idOf: (field: Field) => number, path: string): Type {
  const type = field.type as DataType
  const extension = field.metadata.get('ARROW:extension:name')
  if (extension === 'arrow.parquet.variant' || extension === 'parquet.variant') return { kind: 'variant' }
  if (extension === 'arrow.uuid') return { kind: 'uuid' }
  if (DataType.isDictionary(type)) return primitiveFromArrow(type.dictionary as DataType, path)
  if (DataType.isStruct(type)) return { kind: 'struct', fields: fieldsFromArrow(type.children, idOf, `${path}.`) }
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type)) {
    const child = type.children[0] as Field
    const elementId = idOf(child)
    const element = typeFromArrow(child, idOf, `${path}.element`)
    return { kind: 'list', elementId, element, elementRequired: !child.nullable }
  }
  if (DataType.isMap(type)) {
    const [key, value] = (type.children[0] as Field<Struct>).type.children as [Field, Field]
    const [keyId, valueId] = [idOf(key), idOf(value)]
    const keyType = typeFromArrow(key, idOf, `${path}.key`)
    const valueType = typeFromArrow(value, idOf, `${path}.value`)
    return { kind: 'map', keyId, key: keyType, valueId, value: valueType, valueRequired: !value.nullable }
  }
  return primitiveFromArrow(type, path)
}

function primitiveFromArrow(type: DataType, path: string): Type {
  if (DataType.isNull(type)) return { kind: 'unknown' }
  if (DataType.isBool(type)) return { kind: 'boolean' }
  if (DataType.isInt(type)) {
    if (type.bitWidth < 32 || (type.bitWidth === 32 && type.isSigned)) return { kind: 'int' }
    if (type.bitWidth === 32 || type.isSigned) return { kind: 'long' }
  }
  if (DataType.isFloat(type)) return type.precision === 2 ? { kind: 'double' } : { kind: 'float' }
  if (DataType.isDecimal(type) && type.precision <= 38) return { kind: 'decimal', precision: type.precision, scale: type.scale }
  const temporal = temporalFromArrow(type)
  if (temporal !== undefined) return temporal
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type)) return { kind: 'string' }
  if (DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isBinaryView(type)) return { kind: 'binary' }
  if (DataType.isFixedSizeBinary(type)) return { kind: 'fixed', length: type.byteWidth }
  throw new FloeError('UNSUPPORTED', `Arrow type ${String(type)} has no Iceberg type; cast the column first`, { column: path })
}

function temporalFromArrow(type: DataType): Type | undefined {
  if (DataType.isDate(type)) return { kind: 'date' }
  if (DataType.isTime(type)) return { kind: 'time' }
  if (!DataType.isTimestamp(type)) return undefined
  const nanos = type.unit === TimeUnit.NANOSECOND
  const zoned = hasZone(type)
  return { kind: nanos ? (zoned ? 'timestamptz_ns' : 'timestamp_ns') : zoned ? 'timestamptz' : 'timestamp' }
}

/** Whether an Arrow timestamp is an instant (it names a zone) rather than a local date and time. */
export function hasZone(type: { readonly timezone?: string | null | undefined }): boolean {
  return type.timezone !== undefined && type.timezone !== null && type.timezone !== ''
}

/** Whether each field, at every level, has an id of its own. */
function allFieldIds(fields: readonly Field[]): boolean {
  const seen = new Set<number>()
  const visit = (field: Field): boolean => {
    const type = field.type as DataType
    const children = (type.children ?? []) as readonly Field[]
    if (DataType.isMap(type)) return visitOne(field) && (children[0]!.type as Struct).children.every(visit)
    return visitOne(field) && (isVariantField(field) || children.every(visit))
  }
  const visitOne = (field: Field): boolean => {
    const id = fieldIdOf(field)
    if (id === undefined || seen.has(id)) return false
    seen.add(id)
    return true
  }
  return fields.every(visit)
}

function isVariantField(field: Field): boolean {
  return field.metadata.get('ARROW:extension:name')?.endsWith('parquet.variant') === true
}

/** Whether two Arrow types have the same layout and parameters; names, nullability and metadata of children are ignored. */
export function sameLayout(a: DataType, b: DataType): boolean {
  if (a.typeId !== b.typeId || !sameParameters(a, b)) return false
  const left = (a.children ?? []) as readonly Field[]
  const right = (b.children ?? []) as readonly Field[]
  return left.length === right.length && left.every((child, i) => sameLayout(child.type as DataType, right[i]!.type as DataType))
}

function sameParameters(a: DataType, b: DataType): boolean {
  if (DataType.isInt(a) && DataType.isInt(b)) return a.bitWidth === b.bitWidth && a.isSigned === b.isSigned
  if (DataType.isFloat(a) && DataType.isFloat(b)) return a.precision === b.precision
  if (DataType.isDecimal(a) && DataType.isDecimal(b)) {
    return a.scale === b.scale && a.precision === b.precision && a.bitWidth === b.bitWidth
  }
  if (DataType.isDate(a) && DataType.isDate(b)) return a.unit === b.unit
  if (DataType.isTime(a) && DataType.isTime(b)) return a.unit === b.unit
  if (DataType.isTimestamp(a) && DataType.isTimestamp(b)) return a.unit === b.unit && hasZone(a) === hasZone(b)
  if (DataType.isFixedSizeBinary(a) && DataType.isFixedSizeBinary(b)) return a.byteWidth === b.byteWidth
  return !DataType.isDictionary(a) && !DataType.isUnion(a)
}
