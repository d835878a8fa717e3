import { LocalFileIO } from '../io/local-file-io.js'
import { ParquetWasmEngine } from '../parquet/parquet-wasm-engine.js'
import type { PrintableRows } from './row-printer.js'

/** As new tables are written by default. */
const SETTINGS = {
  compression: 'zstd',
  rowGroupSizeBytes: 128 * 2 ** 20,
  pageSizeBytes: 2 ** 20,
  pageRowLimit: 20_000,
  dictSizeBytes: 2 * 2 ** 20,
} as const

/** Writes rows into one Parquet file, which must not exist. */
export async function writeParquet(rows: PrintableRows, path: string): Promise<void> {
  const engine = new ParquetWasmEngine()
  const writer = engine.createWriter({ io: new LocalFileIO(), location: path, schema: rows.schema, ...SETTINGS })
  try {
    for await (const batch of rows) await writer.write(batch)
    await writer.finish()
  } catch (error) {
    await writer.abort()
    throw error
  } finally {
    await engine.close()
  }
}
