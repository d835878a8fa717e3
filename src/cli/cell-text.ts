import type { RowValue } from '../arrow/row-values.js'
import { variantText } from '../arrow/variant-text.js'
import { hexFromBytes } from '../schema/hex-text.js'
import { printIsoDate, printIsoTime, printIsoTimestamp } from '../schema/temporal-text.js'
import type { NestedField, Type } from '../schema/type.js'

/** A value of a row as people read it: ISO 8601 dates and times, hexadecimal bytes, `[a, b]`, `{name: a}`. Never escaped. */
export function cellText(type: Type, value: RowValue): string {
  if (value === null) return 'null'
  switch (type.kind) {
    case 'list':
      return `[${(value as readonly RowValue[]).map((item) => cellText(type.element, item)).join(', ')}]`
    case 'map': {
      const entries = [...(value as ReadonlyMap<RowValue, RowValue>)]
      return `{${entries.map(([key, item]) => `${cellText(type.key, key)}: ${cellText(type.value, item)}`).join(', ')}}`
    }
    case 'struct': {
      const members = value as Readonly<Record<string, RowValue>>
      return `{${type.fields.map((field) => memberText(field, members[field.name] ?? null)).join(', ')}}`
    }
    case 'variant': {
      const { metadata, value: bytes } = value as { readonly metadata: Uint8Array; readonly value: Uint8Array }
      return variantText(metadata, bytes)
    }
    default:
      return scalarText(type, value)
  }
}

function memberText(field: NestedField, value: RowValue): string {
  return `${field.name}: ${cellText(field.type, value)}`
}

/** The text of a primitive value; appending it again gives the same value. */
export function scalarText(type: Type, value: Exclude<RowValue, null>): string {
  switch (type.kind) {
    case 'date':
      return printIsoDate(value as number)
    case 'time':
      return printIsoTime(value as bigint)
    case 'timestamp':
    case 'timestamptz':
      return printIsoTimestamp(value as bigint, 'micros', type.kind === 'timestamptz')
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return printIsoTimestamp(value as bigint, 'nanos', type.kind === 'timestamptz_ns')
    case 'float':
    case 'double':
      return Object.is(value, -0) ? '-0' : String(value as number)
    default:
      return value instanceof Uint8Array ? hexFromBytes(value) : String(value as string | number | bigint | boolean)
  }
}

const RIGHT: ReadonlySet<string> = new Set(['int', 'long', 'float', 'double', 'decimal'])

/** Numbers stand right, everything else left. */
export function alignmentOf(type: Type): 'left' | 'right' {
  return RIGHT.has(type.kind) ? 'right' : 'left'
}
