import { Decimal } from '../schema/decimal.js'
import { hexFromBytes } from '../schema/hex-text.js'
import { printJson } from '../util/json.js'
import type { JsonValue } from '../util/json.js'
import type { Output } from './output.js'

/**
 * A result as JSON. Every bigint, which ids, sequence numbers and values of long columns are, is a text of its digits, as in
 * the JSON lines of rows: as a number, most readers would round it. Counts and sizes are numbers. `Date` is in ISO 8601, bytes
 * are hexadecimal, maps are objects, floats that are no JSON are texts.
 */
export function jsonOf(value: unknown): JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'bigint':
      return String(value)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'object':
      return value === null ? null : objectJson(value)
    default:
      return null
  }
}

function objectJson(value: object): JsonValue {
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return hexFromBytes(value)
  if (value instanceof Decimal) return value.toString()
  if (Array.isArray(value)) return value.map(jsonOf)
  const entries: Iterable<readonly [unknown, unknown]> = value instanceof Map ? (value as Map<unknown, unknown>) : Object.entries(value)
  return new Map([...entries].map(([name, member]) => [String(name), jsonOf(member)]))
}

/** A JSON array with one row a line. */
export async function printJsonRows(rows: readonly object[], out: Output): Promise<void> {
  if (rows.length === 0) {
    await out.line('[]')
    return
  }
  for (let i = 0; i < rows.length; i++) {
    const [before, after] = [i === 0 ? '[' : ' ', i === rows.length - 1 ? ']' : ',']
    await out.line(`${before}${printJson(jsonOf(rows[i]))}${after}`)
  }
}
