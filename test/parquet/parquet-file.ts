import type { RecordBatch } from 'apache-arrow'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import type { Row } from '../../src/arrow/row-values.js'
import { rowsOf } from '../../src/arrow/row-values.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import type { ParquetReadOptions, ParquetWriteOptions, ParquetWriteResult } from '../../src/parquet/parquet-engine.js'
import { ParquetWasmEngine } from '../../src/parquet/parquet-wasm-engine.js'
import type { Schema } from '../../src/schema/schema.js'

export const engine = new ParquetWasmEngine({ workers: 0 })

export const writeDefaults = { compression: 'zstd', rowGroupSizeBytes: 2 ** 27, pageSizeBytes: 2 ** 20, pageRowLimit: 20_000, dictSizeBytes: 2 ** 21 } as const

/** Batches of rows in canonical types. */
export function batchOf(schema: Schema, rows: readonly Row[]): RecordBatch {
  const builder = new BatchBuilder(schema)
  builder.append(rows)
  return builder.finish()
}

/** A file in memory with its write result; `rowGroups`: each batch is a row group. */
export async function writeFile(
  schema: Schema,
  batches: readonly RecordBatch[],
  options: Partial<ParquetWriteOptions> & { readonly rowGroups?: boolean } = {},
): Promise<{ readonly io: MemoryFileIO; readonly location: string; readonly fileSizeBytes: number; readonly result: ParquetWriteResult }> {
  const io = new MemoryFileIO()
  const location = 'memory:/file.parquet'
  const writer = engine.createWriter({ io, location, schema, ...writeDefaults, ...options })
  for (const batch of batches) {
    await writer.write(batch)
    if (options.rowGroups === true) await writer.flush()
  }
  const result = await writer.finish()
  return { io, location, fileSizeBytes: result.fileSizeBytes, result }
}

export async function readBatches(options: ParquetReadOptions): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = []
  for await (const { batch } of engine.read(options)) batches.push(batch)
  return batches
}

export async function readRows(options: ParquetReadOptions): Promise<Row[]> {
  return [...rowsOf(await readBatches(options), options.projection)]
}
