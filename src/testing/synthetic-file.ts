import type { FileIO } from '../io/file-io.js'
import { joinLocation } from '../io/location.js'
import type { DataFile } from '../manifest/data-file.js'
import { schema, t } from '../schema/schema-builder.js'
import type { Schema } from '../schema/schema.js'
import { isFloeError } from '../util/errors.js'
import { compareUtf8, encodeUtf8 } from '../util/utf8.js'
import type { Runtime } from '../util/runtime.js'
import { decodeTextFile, encodeTextFile, type TextRow } from './text-file.js'

/** The columns of the table of a run. */
export const SIMULATION_SCHEMA: Schema = schema({ id: t.string, v: t.string })
const [ID, V] = [...SIMULATION_SCHEMA.fieldIds()] as [number, number]
/** Names to try when the store does not say whether it wrote. */
const MAX_NAMES = 3

/** A row as the checker compares it: its id, and what it was set to, if anything. */
export function rowText(id: string, v: string | null | undefined): string {
  return v === null || v === undefined ? id : `${id}=${v}`
}

/** The id of a row that {@link rowText} made. */
export function keyOf(row: string): string {
  const end = row.indexOf('=')
  return end === -1 ? row : row.slice(0, end)
}

/** The bytes of a data file of rows that {@link rowText} made. */
export function encodeRows(rows: readonly string[]): Uint8Array {
  return encodeTextFile([ID, V], rows.map((row) => [keyOf(row), keyOf(row) === row ? null : row.slice(keyOf(row).length + 1)]))
}

/** Throws `CORRUPT` for bytes that are no data file of a run. */
export function decodeRows(bytes: Uint8Array, file: string): readonly string[] {
  return decodeTextFile(bytes, file).map(textOf)
}

/** Whether it is a row of the table, not one of a delete file. */
export function isTableRow(row: TextRow): boolean {
  return row.has(V)
}

export function textOf(row: TextRow): string {
  return rowText(row.get(ID) as string, row.get(V) as string | null)
}

/** Writes a data file of the rows under a new name. Throws what the store throws. */
export async function writeRows(
  io: FileIO,
  { folder, rows, runtime }: { readonly folder: string; readonly rows: readonly string[]; readonly runtime: Runtime },
): Promise<DataFile> {
  const bytes = encodeRows(rows)
  for (let name = 1; ; name++) {
    const filePath = joinLocation(folder, 'data', `${runtime.uuid()}.parquet`)
    try {
      await io.write(filePath, bytes, { ifNoneMatch: '*' })
      return describeFile(filePath, rows, bytes.length)
    } catch (error) {
      if (name === MAX_NAMES || !isFloeError(error, 'ALREADY_EXISTS', 'COMMIT_STATE_UNKNOWN')) throw error
    }
  }
}

function describeFile(filePath: string, rows: readonly string[], fileSizeBytes: number): DataFile {
  const ids = rows.map(keyOf).sort(compareUtf8)
  return {
    content: 'data',
    filePath,
    fileFormat: 'parquet',
    specId: 0,
    partition: [],
    recordCount: rows.length,
    fileSizeBytes,
    valueCounts: new Map([[ID, rows.length]]),
    nullValueCounts: new Map([[ID, 0]]),
    lowerBounds: new Map([[ID, encodeUtf8(ids[0]!)]]),
    upperBounds: new Map([[ID, encodeUtf8(ids.at(-1)!)]]),
  }
}
