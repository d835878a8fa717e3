/**
 * Data files as text: a checksum, the ids of the columns, and a line of JSON for each row. They stand for Parquet where only commits
 * matter, and cost next to nothing.
 */
import { crc32 } from '../util/crc32.js'
import { FloeError } from '../util/errors.js'

/** A row: values by the id of their column. Long values are bigint. */
export type TextRow = ReadonlyMap<number, TextValue>
export type TextValue = string | number | boolean | bigint | null

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The bytes of a file with these columns, in order. */
export function encodeTextFile(fieldIds: readonly number[], rows: Iterable<readonly TextValue[]>): Uint8Array {
  const lines = [JSON.stringify(fieldIds)]
  for (const row of rows) lines.push(JSON.stringify(row.map((value) => (typeof value === 'bigint' ? [String(value)] : value))))
  const body = lines.join('\n')
  return encoder.encode(`${crc32(encoder.encode(body))}\n${body}`)
}

/** The rows, in the order of the file. Throws `CORRUPT` for bytes that {@link encodeTextFile} did not make. */
export function decodeTextFile(bytes: Uint8Array, file: string): readonly TextRow[] {
  const text = decoder.decode(bytes)
  const end = text.indexOf('\n')
  const body = text.slice(end + 1)
  if (end === -1 || text.slice(0, end) !== String(crc32(encoder.encode(body)))) {
    throw new FloeError('CORRUPT', 'The checksum of a data file of a simulation is wrong', { file })
  }
  const [head, ...lines] = body.split('\n')
  const fieldIds = JSON.parse(head!) as readonly number[]
  return lines.map((line) => {
    const values = JSON.parse(line) as readonly (string | number | boolean | null | readonly [string])[]
    return new Map(fieldIds.map((id, i) => [id, valueOf(values[i]!)]))
  })
}

function valueOf(json: string | number | boolean | null | readonly [string]): TextValue {
  return Array.isArray(json) ? BigInt((json as readonly [string])[0]) : (json as TextValue)
}
