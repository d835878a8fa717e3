import { Binary, Bool, DateDay, Decimal, Float16, Float32, Float64, Int, FixedSizeBinary, Time, Timestamp, TimeUnit, Utf8 } from 'apache-arrow'
import type { DataType } from 'apache-arrow'
import { physicalType } from './file-metadata.js'
import type { LogicalType, SchemaElement, TimeUnit as ParquetTimeUnit } from './file-metadata.js'
import { logicalOfConverted } from './leaf-annotation.js'
import { corrupt } from './thrift-compact.js'

/**
 * The Arrow type in which a primitive column of a file is decoded. Annotations that a type cannot have are ignored, as the
 * format demands; `INT96` is an instant in microseconds.
 */
export function leafArrowType(element: SchemaElement): DataType {
  const logical = element.logicalType ?? logicalOfConverted(element)
  switch (element.type) {
    case physicalType.boolean:
      return new Bool()
    case physicalType.int32:
      return int32Type(element, logical)
    case physicalType.int64:
      return int64Type(element, logical)
    case physicalType.int96:
      return new Timestamp(TimeUnit.MICROSECOND, null)
    case physicalType.float:
      return new Float32()
    case physicalType.double:
      return new Float64()
    case physicalType.byteArray:
      if (logical?.string ?? logical?.enum ?? logical?.json) return new Utf8()
      return logical?.decimal ? decimalType(element, logical.decimal) : new Binary()
    case physicalType.fixedLenByteArray:
      return fixedType(element, logical)
    default:
      throw corrupt(`has the column ${element.name} of the unknown physical type ${element.type}`)
  }
}

function int32Type(element: SchemaElement, logical: LogicalType | undefined): DataType {
  if (logical?.integer) return new Int(logical.integer.isSigned, intWidth(element, logical.integer.bitWidth, 32))
  if (logical?.date) return new DateDay()
  if (logical?.time?.unit.millis) return new Time(TimeUnit.MILLISECOND, 32)
  return logical?.decimal ? decimalType(element, logical.decimal) : new Int(true, 32)
}

function int64Type(element: SchemaElement, logical: LogicalType | undefined): DataType {
  if (logical?.integer) return new Int(logical.integer.isSigned, intWidth(element, logical.integer.bitWidth, 64))
  if (logical?.timestamp) return new Timestamp(timeUnit(logical.timestamp.unit), logical.timestamp.isAdjustedToUTC ? 'UTC' : null)
  if (logical?.time && !logical.time.unit.millis) return new Time(timeUnit(logical.time.unit), 64)
  return logical?.decimal ? decimalType(element, logical.decimal) : new Int(true, 64)
}

function fixedType(element: SchemaElement, logical: LogicalType | undefined): DataType {
  const length = element.typeLength ?? -1
  if (length <= 0 || length > 2 ** 24) throw corrupt(`has the column ${element.name} of ${length} fixed bytes`)
  if (logical?.decimal && length <= 16) return decimalType(element, logical.decimal)
  return logical?.float16 && length === 2 ? new Float16() : new FixedSizeBinary(length)
}

function decimalType(element: SchemaElement, { precision, scale }: { readonly precision: number; readonly scale: number }): DataType {
  const most = element.type === physicalType.int32 ? 9 : element.type === physicalType.int64 ? 18 : 38
  if (precision < 1 || precision > most || scale < 0 || scale > precision) {
    throw corrupt(`has the column ${element.name} with the impossible decimal(${precision}, ${scale})`)
  }
  return new Decimal(scale, precision, 128)
}

function intWidth(element: SchemaElement, width: number, physical: 32 | 64): 8 | 16 | 32 | 64 {
  if (physical === 64 ? width === 64 : width === 8 || width === 16 || width === 32) return width as 8 | 16 | 32 | 64
  throw corrupt(`has the column ${element.name} of ${width}-bit integers in ${physical} bits`)
}

function timeUnit(unit: ParquetTimeUnit): TimeUnit {
  return unit.nanos ? TimeUnit.NANOSECOND : unit.micros ? TimeUnit.MICROSECOND : TimeUnit.MILLISECOND
}
