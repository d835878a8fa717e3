import {
  Binary,
  Bool,
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
  Struct,
  TimeMicrosecond,
  TimeMillisecond,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  Utf8,
} from 'apache-arrow'
import type { DataType } from 'apache-arrow'
import type { Chunk } from '../arrow/arrow-data.js'
import { fieldIdKey } from '../arrow/arrow-schema.js'
import { minEncodedBytes } from '../avro/avro-schema.js'
import type { AvroFixed, AvroLogical, AvroPrimitive } from '../avro/avro-schema.js'
import { compileSkip } from '../avro/skip.js'
import { childFields } from '../schema/type.js'
import type { NestedField, Type } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import type { AvroColumn } from './avro-column.js'
import { BytesDecoder, DecimalDecoder, FixedBytesDecoder, SymbolDecoder, TextDecoder } from './bytes-decoder.js'
import { BooleanDecoder, DecodeStep, DoubleDecoder, FloatDecoder, IntDecoder, LongDecoder, NullDecoder } from './column-decoder.js'
import type { ColumnDecoder, ColumnSite } from './column-decoder.js'
import { ItemsDecoder, RecordDecoder } from './nested-decoder.js'

/** How the fields of a record are decoded. */
export interface CompiledFields {
  /** One step a field of the record, wanted or not, in the order of the file. */
  readonly steps: readonly DecodeStep[]
  /** Arrow fields of those that are wanted, with their ids, in the types that the file has. */
  readonly fields: readonly Field[]
  /** Bytes that a row takes in fixed-width columns. */
  readonly rowBytes: number
}

interface CompiledColumn {
  readonly arrow: DataType
  readonly decoder: ColumnDecoder
}

/**
 * Compiles the decoding of a record's fields that `wanted` names by id, at every level of nesting; the others are passed over.
 * Values keep the file's own types: promotions are made by whoever projects the batches.
 * @throws FloeError `CORRUPT` when two fields have one id, `UNSUPPORTED` naming a wanted column that is a union of other types
 */
// Spec: Column Projection
export function compileFields(columns: readonly AvroColumn[], wanted: readonly NestedField[], site: ColumnSite): CompiledFields {
  const types = new Map(wanted.map((field) => [field.id, field.type]))
  const seen = new Set<number>()
  const fields: Field[] = []
  let rowBytes = 0
  const steps = columns.map((column) => {
    const id = column.fieldId
    if (id !== undefined && seen.has(id)) throw new FloeError('CORRUPT', `two Avro fields have the field id ${id}`, { column: site.path + column.name, file: site.file })
    if (id !== undefined) seen.add(id)
    const type = id === undefined ? undefined : types.get(id)
    if (type === undefined || type.kind === 'unknown') return skipStep(column)
    const { arrow, decoder } = compileColumn(column, type, { path: site.path + column.name, file: site.file })
    fields.push(arrowField(column, arrow))
    rowBytes += decoder.rowBytes
    return new DecodeStep(decoder, noSkip, column.nullBranch)
  })
  return { steps, fields, rowBytes }
}

/** The columns decoded since the last time. */
export function takeBatch(compiled: CompiledFields, rows: number): Chunk[] {
  const columns = compiled.steps.flatMap((step) => step.decoder?.take() ?? [])
  if (columns.some((column) => column.length !== rows)) throw new FloeError('CORRUPT', 'the Avro columns do not align')
  return columns
}

const noSkip = (): void => {}

function skipStep(column: AvroColumn): DecodeStep {
  return new DecodeStep(undefined, compileSkip(column.schema), -1)
}

function arrowField(column: AvroColumn, type: DataType): Field {
  const metadata = new Map(column.fieldId === undefined ? [] : [[fieldIdKey, String(column.fieldId)]])
  return new Field(column.name, type, column.nullBranch >= 0 || column.value.kind === 'null', metadata)
}

/** Where `type` does not fit what the file has, all of it is decoded, and refused with both types by whoever projects it. */
function compileColumn(column: AvroColumn, type: Type, site: ColumnSite): CompiledColumn {
  const schema = column.value
  switch (schema.kind) {
    case 'union':
      throw new FloeError('UNSUPPORTED', 'the Avro column is a union of other than null and one type, which has no Iceberg type', {
        column: site.path,
        file: site.file,
      })
    case 'record': {
      const inner = { ...site, path: `${site.path}.` }
      const { steps, fields } = type.kind === 'struct' ? compileFields(column.children, type.fields, inner) : compileAll(column.children, inner)
      const arrow = new Struct([...fields])
      return { arrow, decoder: new RecordDecoder(arrow, steps) }
    }
    case 'array':
    case 'map':
      return compileItems(column, type, site)
    case 'enum': {
      const arrow = new Utf8()
      return { arrow, decoder: new SymbolDecoder(arrow, site, schema.symbols) }
    }
    default:
      return compileLeaf(schema, site)
  }
}

function compileAll(columns: readonly AvroColumn[], site: ColumnSite): Pick<CompiledFields, 'steps' | 'fields'> {
  const compiled = columns.map((column) => ({ column, ...compileColumn(column, anyType, { ...site, path: site.path + column.name }) }))
  return {
    steps: compiled.map(({ column, decoder }) => new DecodeStep(decoder, noSkip, column.nullBranch)),
    fields: compiled.map(({ column, arrow }) => arrowField(column, arrow)),
  }
}

const anyType: Type = { kind: 'variant' }

function compileItems(column: AvroColumn, type: Type, site: ColumnSite): CompiledColumn {
  const schema = column.value
  const wanted = childFields(type)
  const isMap = column.children.length === 2
  const fits = (type.kind === 'map' && isMap) || (type.kind === 'list' && !isMap)
  const parts = column.children.map((child, i) => {
    const { arrow, decoder } = compileColumn(child, fits ? wanted[i]!.type : anyType, { ...site, path: `${site.path}.${child.name}` })
    return { field: arrowField(child, arrow), step: new DecodeStep(decoder, noSkip, child.nullBranch) }
  })
  const fields = parts.map((part) => part.field)
  const arrow = isMap ? mapType(fields) : new List(fields[0]!)
  const minItemBytes = schema.kind === 'array' ? minEncodedBytes(schema.items) : 1 + minEncodedBytes(column.children[1]!.schema)
  return { arrow, decoder: new ItemsDecoder(arrow, parts.map((part) => part.step), minItemBytes) }
}

function mapType(entry: Field[]): DataType {
  const entries = new Field('key_value', new Struct(entry), false)
  return new Map_(entries as unknown as ConstructorParameters<typeof Map_>[0])
}

function compileLeaf(schema: AvroPrimitive | AvroFixed, site: ColumnSite): CompiledColumn {
  const decimal = decimalType(schema)
  if (decimal !== undefined && (schema.kind === 'bytes' || schema.kind === 'fixed')) {
    return { arrow: decimal, decoder: new DecimalDecoder(decimal, site, schema.kind === 'fixed' ? schema.size : undefined) }
  }
  const arrow = leafType(schema)
  switch (schema.kind) {
    case 'null':
      return { arrow, decoder: new NullDecoder(arrow) }
    case 'boolean':
      return { arrow, decoder: new BooleanDecoder(arrow, site) }
    case 'int':
      return { arrow, decoder: new IntDecoder(arrow, site) }
    case 'long':
      return { arrow, decoder: new LongDecoder(arrow, site) }
    case 'float':
      return { arrow, decoder: new FloatDecoder(arrow, site) }
    case 'double':
      return { arrow, decoder: new DoubleDecoder(arrow, site) }
    case 'bytes':
      return { arrow, decoder: new BytesDecoder(arrow, site) }
    case 'string':
      return { arrow, decoder: new TextDecoder(arrow, site) }
    case 'fixed':
      return { arrow, decoder: new FixedBytesDecoder(arrow, site, schema.size) }
  }
}

/** Undefined for other types, and for decimals that declare no valid precision: their annotation is to be ignored. */
function decimalType({ logicalType, precision, scale = 0 }: AvroLogical): DataType | undefined {
  if (logicalType !== 'decimal' || !Number.isInteger(precision) || !Number.isInteger(scale)) return undefined
  return precision! < 1 || precision! > 38 || scale < 0 || scale > precision! ? undefined : new Decimal(scale, precision!, 128)
}

function leafType(schema: AvroPrimitive | AvroFixed): DataType {
  switch (schema.kind) {
    case 'null':
      return new Null()
    case 'boolean':
      return new Bool()
    case 'int':
      return schema.logicalType === 'date' ? new DateDay() : schema.logicalType === 'time-millis' ? new TimeMillisecond() : new Int32()
    case 'long':
      return longType(schema)
    case 'float':
      return new Float32()
    case 'double':
      return new Float64()
    case 'bytes':
      return new Binary()
    case 'string':
      return new Utf8()
    case 'fixed':
      return new FixedSizeBinary(schema.size)
  }
}

/** `adjust-to-utc` is the table's affair: files of other writers may lack it, and the column's type decides. */
function longType({ logicalType }: AvroLogical): DataType {
  switch (logicalType) {
    case 'time-micros':
      return new TimeMicrosecond()
    case 'timestamp-millis':
    case 'local-timestamp-millis':
      return new TimestampMillisecond(null)
    case 'timestamp-micros':
    case 'local-timestamp-micros':
      return new TimestampMicrosecond(null)
    case 'timestamp-nanos':
    case 'local-timestamp-nanos':
      return new TimestampNanosecond(null)
    default:
      return new Int64()
  }
}
