import { convertedType } from './file-metadata.js'
import type { LogicalType, SchemaElement, TimeUnit } from './file-metadata.js'

/** What files of older writers say instead of a logical type. */
export function logicalOfConverted(element: SchemaElement): LogicalType | undefined {
  const utc = (unit: TimeUnit) => ({ isAdjustedToUTC: true, unit })
  switch (element.convertedType) {
    case convertedType.utf8:
      return { string: {} }
    case convertedType.enum:
      return { enum: {} }
    case convertedType.json:
      return { json: {} }
    case convertedType.decimal:
      return { decimal: { precision: element.precision ?? 0, scale: element.scale ?? 0 } }
    case convertedType.date:
      return { date: {} }
    case convertedType.timeMillis:
      return { time: utc({ millis: {} }) }
    case convertedType.timeMicros:
      return { time: utc({ micros: {} }) }
    case convertedType.timestampMillis:
      return { timestamp: utc({ millis: {} }) }
    case convertedType.timestampMicros:
      return { timestamp: utc({ micros: {} }) }
    default:
      return integerOfConverted(element.convertedType)
  }
}

function integerOfConverted(converted: number | undefined): LogicalType | undefined {
  if (converted === undefined || converted < convertedType.uint8 || converted > convertedType.int64) return undefined
  const isSigned = converted >= convertedType.int8
  return { integer: { isSigned, bitWidth: 8 << (converted - (isSigned ? convertedType.int8 : convertedType.uint8)) } }
}
