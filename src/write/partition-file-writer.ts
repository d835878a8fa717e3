import type { RecordBatch } from 'apache-arrow'
import { sortBatches } from '../arrow/sort-batches.js'
import type { FileIO } from '../io/file-io.js'
import type { DataFile } from '../manifest/data-file.js'
import { ColumnMetricsCollector } from '../parquet/column-metrics.js'
import type { ParquetEngine, ParquetWriter } from '../parquet/parquet-engine.js'
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import type { Schema } from '../schema/schema.js'
import type { Value } from '../schema/type.js'
import { batchBytes } from '../arrow/batch-bytes.js'
import { fileMetrics } from './file-metrics.js'
import type { WriteSettings } from './write-settings.js'

/** What all files of one operation have in common. */
export interface FileWriterContext {
  readonly engine: ParquetEngine
  readonly io: FileIO
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly sortOrder: SortOrder
  readonly settings: WriteSettings
  /** A location that no file has yet. */
  readonly newLocation: (partition: readonly Value[]) => string
  readonly keyValueMetadata: ReadonlyMap<string, string>
  readonly signal?: AbortSignal | undefined
}

interface OpenFile {
  readonly writer: ParquetWriter
  readonly metrics: ColumnMetricsCollector
}

/**
 * Writes the rows of one partition into files of about the target size. With a sort order, rows are held back, sorted and
 * written as runs, and a file never holds two runs: so that each file that claims the order has it throughout.
 */
export class PartitionFileWriter {
  readonly #context: FileWriterContext
  readonly #partition: readonly Value[]
  readonly #files: DataFile[] = []
  #open: OpenFile | undefined
  #unsorted: RecordBatch[] = []
  #unsortedBytes = 0

  constructor(context: FileWriterContext, partition: readonly Value[]) {
    this.#context = context
    this.#partition = partition
  }

  /** Bytes of rows in memory that {@link flush} would write out. */
  get bufferedBytes(): number {
    return this.#unsortedBytes + (this.#open?.writer.bufferedBytes ?? 0)
  }

  get hasOpenFile(): boolean {
    return this.#open !== undefined
  }

  async write(batch: RecordBatch): Promise<void> {
    if (this.#context.sortOrder.fields.length === 0) {
      await this.#append(batch)
      return
    }
    this.#unsorted.push(batch)
    this.#unsortedBytes += batchBytes(batch)
  }

  /** Writes out what is in memory. */
  async flush(): Promise<void> {
    if (this.#unsorted.length > 0) {
      await this.#writeSortedRun()
      await this.endFile()
      return
    }
    await this.#open?.writer.flush()
  }

  /** Ends the current file; the next row starts another. */
  async endFile(): Promise<void> {
    const open = this.#open
    if (open === undefined) return
    this.#open = undefined
    const result = await open.writer.finish()
    const { schema, spec, sortOrder, settings } = this.#context
    this.#files.push({
      content: 'data',
      filePath: result.location,
      fileFormat: 'parquet',
      specId: spec.specId,
      partition: this.#partition,
      recordCount: result.recordCount,
      fileSizeBytes: result.fileSizeBytes,
      columnSizes: result.columnSizes,
      ...fileMetrics(open.metrics.finish(), schema, settings.metrics),
      splitOffsets: result.splitOffsets,
      sortOrderId: sortOrder.orderId,
    })
  }

  async close(): Promise<readonly DataFile[]> {
    await this.flush()
    await this.endFile()
    return this.#files
  }

  /** Stops, and removes every file that this writer made. */
  async abort(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    this.#unsorted = []
    await Promise.allSettled([open?.writer.abort(), this.#context.io.delete(this.#files.map((file) => file.filePath))])
  }

  async #writeSortedRun(): Promise<void> {
    const { schema, sortOrder } = this.#context
    const batches = this.#unsorted
    this.#unsorted = []
    this.#unsortedBytes = 0
    for (const batch of sortBatches(batches, schema, sortOrder)) await this.#append(batch)
  }

  async #append(batch: RecordBatch): Promise<void> {
    if (batch.numRows === 0) return
    const { writer, metrics } = (this.#open ??= this.#openFile())
    metrics.add(batch)
    await writer.write(batch)
    if (writer.estimatedBytes >= this.#context.settings.targetFileSizeBytes) await this.endFile()
  }

  #openFile(): OpenFile {
    const { engine, io, schema, settings, newLocation, keyValueMetadata, signal } = this.#context
    const location = newLocation(this.#partition)
    const writer = engine.createWriter({ ...settings.parquet, io, location, schema, keyValueMetadata, signal })
    return { writer, metrics: new ColumnMetricsCollector(schema) }
  }
}
