import type { RecordBatch } from 'apache-arrow'
import { checkBytes, checkCount } from '../util/option-values.js'
import type { EnginePool } from './engine-pool.js'
import type { ParquetEngine, ParquetReadOptions, ParquetWriteOptions, ParquetWriter, ParquetWriteResult, PositionedBatch } from './parquet-engine.js'
import type { WriteBudget } from './write-budget.js'

export interface ParquetWasmEngineOptions {
  /** Worker threads at most; 0: everything runs on the calling thread. Default: FLOE_PARQUET_WORKERS, else the cores, at most 8. */
  readonly workers?: number | undefined
  /** The worker's entry file, for bundles that move it. */
  readonly workerUrl?: URL | undefined
  /** Rows that all open writers may hold together before the largest ends its row group. Default 64 MiB. */
  readonly writeBufferBytes?: number | undefined
}

const DEFAULT_WRITE_BUFFER_BYTES = 64 * 2 ** 20

/**
 * Parquet by parquet-wasm, with footers, pages and compression handled here. Nothing heavy is loaded before the first file is
 * read or written.
 */
export class ParquetWasmEngine implements ParquetEngine {
  private readonly options: ParquetWasmEngineOptions
  private loaded: Promise<{ readonly pool: EnginePool; readonly budget: WriteBudget }> | undefined

  /** @throws FloeError `INVALID` naming the option that is wrong */
  constructor(options: ParquetWasmEngineOptions = {}) {
    checkCount(options.workers, 0, 'parquet.workers')
    checkBytes(options.writeBufferBytes, 1, 'parquet.writeBufferBytes')
    this.options = options
  }

  async *read(options: ParquetReadOptions): AsyncGenerator<PositionedBatch> {
    const [{ pool }, { readParquetFile }] = await Promise.all([this.load(), import('./parquet-reader.js')])
    yield* readParquetFile(options, pool)
  }

  createWriter(options: ParquetWriteOptions): ParquetWriter {
    return new LazyWriter(async () => {
      const [{ pool, budget }, { ParquetFileWriter }] = await Promise.all([this.load(), import('./parquet-writer.js')])
      return new ParquetFileWriter(options, pool, budget)
    })
  }

  /** Stops the worker threads; they start again when needed. */
  async close(): Promise<void> {
    const loaded = this.loaded
    this.loaded = undefined
    await (await loaded)?.pool.close()
  }

  private load(): NonNullable<ParquetWasmEngine['loaded']> {
    this.loaded ??= this.start()
    return this.loaded
  }

  private async start(): Promise<Awaited<NonNullable<ParquetWasmEngine['loaded']>>> {
    const [{ EnginePool }, { WriteBudget }] = await Promise.all([import('./engine-pool.js'), import('./write-budget.js')])
    const pool = new EnginePool(this.options)
    return { pool, budget: new WriteBudget(this.options.writeBufferBytes ?? DEFAULT_WRITE_BUFFER_BYTES, pool.parallelism + 1) }
  }
}

/** A writer that loads what it needs with the first call. */
class LazyWriter implements ParquetWriter {
  private readonly load: () => Promise<ParquetWriter>
  private loading: Promise<ParquetWriter> | undefined
  private writer: ParquetWriter | undefined

  constructor(load: () => Promise<ParquetWriter>) {
    this.load = load
  }

  get estimatedBytes(): number {
    return this.writer?.estimatedBytes ?? 0
  }

  get bufferedBytes(): number {
    return this.writer?.bufferedBytes ?? 0
  }

  async write(batch: RecordBatch): Promise<void> {
    await (this.writer ?? (await this.open())).write(batch)
  }

  async flush(): Promise<void> {
    await this.writer?.flush()
  }

  async finish(): Promise<ParquetWriteResult> {
    return (await this.open()).finish()
  }

  async abort(): Promise<void> {
    if (this.loading !== undefined) await (await this.loading).abort()
  }

  private async open(): Promise<ParquetWriter> {
    this.loading ??= this.load()
    this.writer = await this.loading
    return this.writer
  }
}
