import type { RecordBatch } from 'apache-arrow'
import { batchBytes } from '../arrow/batch-bytes.js'
import { sortBatches } from '../arrow/sort-batches.js'
import { sliceBatch } from '../arrow/take.js'
import type { FileIO } from '../io/file-io.js'
import { MemoryFileIO } from '../io/memory-file-io.js'
import { newFiles } from '../io/new-files.js'
import type { DataFile } from '../manifest/data-file.js'
import { ColumnMetricsCollector } from '../parquet/column-metrics.js'
import type { ParquetEngine, ParquetWriter } from '../parquet/parquet-engine.js'
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import type { Schema } from '../schema/schema.js'
import type { Value } from '../schema/type.js'
import type { EncodedRatio } from './encoded-ratio.js'
import { fileMetrics } from './file-metrics.js'
import type { WriteSettings } from './write-settings.js'

/** What all files of one operation have in common. */
export interface FileWriterContext {
  readonly engine: ParquetEngine
  readonly io: FileIO
  readonly schema: Schema
  readonly spec: PartitionSpec
  /** What the files claim to be sorted by. */
  readonly sortOrder: SortOrder
  /** Whether rows are sorted here; otherwise they come in the order that they are to have. */
  readonly sortsRows: boolean
  readonly fileSizes?: FileSizes | undefined
  readonly settings: WriteSettings
  /** A location that no file has yet. */
  readonly newLocation: (partition: readonly Value[]) => string
  readonly keyValueMetadata: ReadonlyMap<string, string>
  readonly encodedRatio: EncodedRatio
  readonly signal?: AbortSignal | undefined
}

/** Decides when files end. */
export interface FileSizes {
  /** Whether the file being written, of so many bytes and rows, should end. `bytes` is undefined as long as nothing was encoded. */
  isFull(bytes: number | undefined, rows: number): boolean
  /** A file of so many rows has ended. */
  finished(rows: number): void
}

interface OpenFile {
  readonly writer: ParquetWriter
  readonly metrics: ColumnMetricsCollector
  /** Bytes that the rows written to it took in memory. */
  memoryBytes: number
  rows: number
}

/** A file that was given less may not have encoded anything yet: its writer does not know its size better than the ratio does. */
const UNENCODED_BYTES = 32 * 2 ** 20
/** Files and row groups are looked at this many times, at least, while they fill: so much they may miss their target by. */
const PIECES_PER_TARGET = 16
const SMALLEST_PIECE_BYTES = 2 ** 10

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
    if (!this.#context.sortsRows || this.#context.sortOrder.fields.length === 0) {
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
    const { schema, spec, sortOrder, settings, encodedRatio } = this.#context
    encodedRatio.learn(open.memoryBytes, result.fileSizeBytes)
    this.#context.fileSizes?.finished(open.rows)
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
    const { targetFileSizeBytes, parquet } = this.#context.settings
    for (const piece of pieces(batch, Math.min(targetFileSizeBytes, parquet.rowGroupSizeBytes))) {
      const open = (this.#open ??= this.#openFile())
      open.metrics.add(piece)
      await open.writer.write(piece)
      open.memoryBytes += batchBytes(piece)
      open.rows += piece.numRows
      if (!this.#isFull(open)) continue
      if (this.#context.fileSizes === undefined && this.#isUnknown(open)) await this.#measure(batch)
      if (this.#isFull(open)) await this.endFile()
    }
  }

  #isFull(open: OpenFile): boolean {
    const { writer, memoryBytes, rows } = open
    const { encodedRatio, settings, fileSizes } = this.#context
    const ratio = memoryBytes < UNENCODED_BYTES ? encodedRatio.value : undefined
    const encodedBytes = ratio === undefined ? writer.estimatedBytes : memoryBytes * ratio
    if (fileSizes === undefined) return encodedBytes >= settings.targetFileSizeBytes
    return fileSizes.isFull(this.#isUnknown(open) ? undefined : encodedBytes, rows)
  }

  #isUnknown({ memoryBytes }: OpenFile): boolean {
    return this.#context.encodedRatio.value === undefined && memoryBytes < UNENCODED_BYTES
  }

  /** Encodes some rows for nothing but their size: the first file would otherwise end on a guess. */
  async #measure(batch: RecordBatch): Promise<void> {
    const { engine, schema, settings, signal, encodedRatio } = this.#context
    const writer = engine.createWriter({ ...settings.parquet, io: new MemoryFileIO(), location: 'memory:///sample.parquet', schema, signal })
    await writer.write(batch)
    const { fileSizeBytes } = await writer.finish()
    encodedRatio.learn(batchBytes(batch), fileSizeBytes)
  }

  #openFile(): OpenFile {
    const { engine, io, schema, settings, newLocation, keyValueMetadata, signal } = this.#context
    const location = newLocation(this.#partition)
    const writer = engine.createWriter({ ...settings.parquet, io: newFiles(io), location, schema, keyValueMetadata, signal })
    return { writer, metrics: new ColumnMetricsCollector(schema), memoryBytes: 0, rows: 0 }
  }
}

/** Cuts a batch that is large beside the target. */
function pieces(batch: RecordBatch, targetBytes: number): RecordBatch[] {
  const count = Math.ceil(batchBytes(batch) / Math.max(targetBytes / PIECES_PER_TARGET, SMALLEST_PIECE_BYTES))
  const rows = Math.ceil(batch.numRows / Math.max(count, 1))
  const starts = Array.from({ length: Math.ceil(batch.numRows / Math.max(rows, 1)) }, (_, i) => i * rows)
  return starts.length === 1 ? [batch] : starts.map((start) => sliceBatch(batch, start, Math.min(rows, batch.numRows - start)))
}
