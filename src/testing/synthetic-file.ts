import type { FileIO } from '../io/file-io.js'
import { joinLocation } from '../io/location.js'
import type { DataFile } from '../manifest/data-file.js'
import { FloeError, isFloeError } from '../util/errors.js'
import { crc32 } from '../util/crc32.js'
import type { Runtime } from '../util/runtime.js'

/** Names to try when the store does not say whether it wrote. */
const MAX_NAMES = 3

/** The bytes of a data file of rows that are names: a checksum, and one line a row. Stands for Parquet where only commits matter. */
export function encodeRows(rows: readonly string[]): Uint8Array {
  const body = rows.join('\n')
  return new TextEncoder().encode(`${crc32(new TextEncoder().encode(body))}\n${body}`)
}

/** Throws `CORRUPT` for bytes that {@link encodeRows} did not make. */
export function decodeRows(bytes: Uint8Array, file: string): readonly string[] {
  const text = new TextDecoder().decode(bytes)
  const end = text.indexOf('\n')
  const body = text.slice(end + 1)
  if (end === -1 || text.slice(0, end) !== String(crc32(new TextEncoder().encode(body)))) {
    throw new FloeError('CORRUPT', 'The checksum of a data file of a simulation is wrong', { file })
  }
  return body.split('\n')
}

/** Writes a data file of the rows under a new name. Throws what the store throws. */
export async function writeRows(
  io: FileIO,
  { folder, rows, runtime }: { readonly folder: string; readonly rows: readonly string[]; readonly runtime: Runtime },
): Promise<DataFile> {
  const bytes = encodeRows(rows)
  for (let name = 1; ; name++) {
    const filePath = joinLocation(folder, 'data', `${runtime.uuid()}.rows`)
    try {
      await io.write(filePath, bytes, { ifNoneMatch: '*' })
      return { content: 'data', filePath, fileFormat: 'parquet', specId: 0, partition: [], recordCount: rows.length, fileSizeBytes: bytes.length }
    } catch (error) {
      if (name === MAX_NAMES || !isFloeError(error, 'ALREADY_EXISTS', 'COMMIT_STATE_UNKNOWN')) throw error
    }
  }
}
