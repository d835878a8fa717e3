import { LocalFileIO } from '../io/local-file-io.js'
import { ParquetWasmEngine } from '../parquet/parquet-wasm-engine.js'
import type { TableScan } from '../table/table-scan.js'

/** As new tables are written by default. */
const SETTINGS = {
  compression: 'zstd',
  rowGroupSizeBytes: 128 * 2 ** 20,
  pageSizeBytes: 2 ** 20,
  pageRowLimit: 20_000,
  dictSizeBytes: 2 * 2 ** 20,
} as const

/** Writes the rows of a scan into one Parquet file, which must not exist. */
export async function writeParquet(scan: TableScan, path: string): Promise<void> {
  const engine = new ParquetWasmEngine()
  const writer = engine.createWriter({ io: new LocalFileIO(), location: path, schema: scan.schema, ...SETTINGS })
  try {
    for await (const batch of scan) await writer.write(batch)
    await writer.finish()
  } catch (error) {
    await writer.abort()
    throw error
  } finally {
    await engine.close()
  }
}
