import type { DataFile } from '../manifest/data-file.js'
import type { WriteInput } from './input-items.js'
import { type InputOptions, inputBatches } from './input-rows.js'
import { RowWriter, type RowWriterRequest } from './row-writer.js'

export interface WriteRowsRequest extends InputOptions, RowWriterRequest {
  /** Called after every batch with the rows written so far. */
  readonly onProgress?: ((progress: WriteProgress) => void) | undefined
}

export interface WriteProgress {
  readonly rows: number
}

export interface WrittenFiles {
  readonly files: readonly DataFile[]
  readonly recordCount: number
}

/**
 * Writes rows into data files of the table's current schema, spec and sort order. Nothing is committed: the files are
 * the caller's to commit or delete. When it fails, what was written is removed.
 */
export async function writeRows(input: WriteInput, request: WriteRowsRequest): Promise<WrittenFiles> {
  const writer = new RowWriter(request)
  try {
    for await (const batch of inputBatches(input, writer.schema, request)) {
      await writer.write(batch)
      request.onProgress?.({ rows: writer.rows })
    }
    return { files: await writer.close(), recordCount: writer.rows }
  } catch (error) {
    await writer.abort()
    throw error
  }
}
