import { ParquetWasmEngine } from './parquet-wasm-engine.js'

let shared: ParquetWasmEngine | undefined

/**
 * The engine of this process: worker threads and their memories are many megabytes each, so catalogs, tables and input files that
 * ask for nothing special have one set together. Its threads start with the first file and never keep the process alive.
 */
export function sharedParquetEngine(): ParquetWasmEngine {
  shared ??= new ParquetWasmEngine()
  return shared
}
