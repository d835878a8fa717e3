import type { RecordBatch } from 'apache-arrow'
import { batchBytes } from '../arrow/batch-bytes.js'
import { FloeError, isFloeError } from '../util/errors.js'
import type { BloomRequest } from './bloom-builder.js'
import type { EncodedColumn, EncodeJob, EncodeResult, EngineResult } from './engine-job.js'
import type { EnginePool } from './engine-pool.js'
import { FileAssembly } from './file-assembly.js'
import { codecId, physicalType } from './file-metadata.js'
import { FileStream } from './file-stream.js'
import type { ParquetWriteOptions, ParquetWriter, ParquetWriteResult } from './parquet-engine.js'
import { columnParts } from './column-parts.js'
import type { ColumnPart } from './column-parts.js'
import { batchesOf, pageCut } from './page-cut.js'
import type { PageCut } from './page-cut.js'
import { withFile } from './read-footer.js'
import { StoredBatches } from './stored-batch.js'
import { DictionaryChoice } from './dictionary-choice.js'
import type { WriteBudget } from './write-budget.js'
import { writeSchema } from './write-schema.js'
import type { WrittenLeaf } from './write-schema.js'

/** Bytes that may wait to be taken by the store. */
const STREAM_LIMIT_BYTES = 2 ** 20

const DEFAULT_FILTER_BYTES = 2 ** 20

const codecs = { ...codecId, lz4: codecId.lz4Raw }

/**
 * Writes one file: batches are buffered up to a row group, encoded by the pool as column chunks, and put together with one footer
 * of our own. Rows are counted at both ends of the encoder.
 */
export class ParquetFileWriter implements ParquetWriter {
  private readonly options: ParquetWriteOptions
  private readonly pool: EnginePool
  private readonly budget: WriteBudget
  private readonly dictionaries: DictionaryChoice
  private readonly batches: StoredBatches
  private readonly assembly: FileAssembly
  /** Of each top-level column. */
  private readonly firstLeaves: readonly number[]
  private readonly stream = new FileStream(STREAM_LIMIT_BYTES)
  private upload: Promise<unknown> | undefined
  private buffered: RecordBatch[] = []
  private bufferedRows = 0
  private rowsWritten = 0
  /** Raw bytes that are being encoded. */
  private encodingBytes = 0
  private encodedRawBytes = 0
  /** The end of the chain of row groups that are on their way to the file. */
  private tail: Promise<void> = Promise.resolve()
  private failure: { readonly error: unknown } | undefined
  private isClosed = false
  bufferedBytes = 0

  constructor(options: ParquetWriteOptions, pool: EnginePool, budget: WriteBudget) {
    this.options = options
    this.pool = pool
    this.budget = budget
    this.dictionaries = options.dictionaries ?? new DictionaryChoice()
    this.batches = new StoredBatches(options.schema.fields)
    this.assembly = new FileAssembly(writeSchema(options.schema.fields), options)
    this.firstLeaves = firstLeaves(this.assembly.leaves)
    budget.add(this)
  }

  get estimatedBytes(): number {
    return Math.round(this.assembly.offset + (this.bufferedBytes + this.encodingBytes) * this.encodedRatio())
  }

  async write(batch: RecordBatch): Promise<void> {
    this.checkOpen()
    if (batch.numRows === 0) return
    const stored = this.batches.stored(batch)
    this.buffered.push(stored)
    this.bufferedRows += stored.numRows
    this.bufferedBytes += batchBytes(stored)
    const { rowGroupSizeBytes, rowGroupBufferBytes = this.budget.shareBytes } = this.options
    const isFull = this.bufferedBytes * this.encodedRatio() >= rowGroupSizeBytes || this.bufferedBytes >= rowGroupBufferBytes
    if (isFull) await this.flush()
    else await this.budget.enforce()
  }

  async flush(): Promise<void> {
    if (this.bufferedRows === 0) return
    const { buffered, bufferedRows: rows, bufferedBytes: bytes } = this
    this.buffered = []
    this.bufferedRows = 0
    this.bufferedBytes = 0
    this.encodingBytes += bytes
    const release = await this.budget.slot(bytes)
    const encoded = this.encode(this.encodeJobs(buffered), rows)
    encoded.catch(() => undefined)
    // The slot is held until the store has taken the bytes: a slow store must slow the writers down
    this.tail = this.tail
      .then(() => this.append(encoded, rows, bytes))
      .catch((error: unknown) => this.fail(error))
      .finally(release)
  }

  async finish(): Promise<ParquetWriteResult> {
    this.checkOpen()
    try {
      await this.flush()
      await this.tail
      this.throwFailure()
      await this.push(this.assembly.finish(this.rowsWritten))
      this.stream.end()
      await this.upload
    } catch (error) {
      await this.abort()
      throw withFile(this.options.location, error)
    }
    this.close()
    return this.assembly.result(this.options.location, this.rowsWritten)
  }

  async abort(): Promise<void> {
    if (this.isClosed) return
    this.close()
    this.buffered = []
    this.fail(new FloeError('ABORTED', 'the Parquet file was abandoned', { file: this.options.location }))
    await this.tail
    if (this.upload === undefined) return
    const outcome = await this.upload.then(() => undefined, (error: unknown) => ({ error }))
    // An object that was there before is not ours to remove
    if (outcome !== undefined && isFloeError(outcome.error, 'ALREADY_EXISTS')) return
    await this.options.io.delete([this.options.location])
  }

  /** The work of one row group. The batches are not needed any more when it returns. */
  private encodeJobs(batches: readonly RecordBatch[]): readonly SizedJob[] {
    if (this.assembly.leaves.length === 0) return []
    const pages = pageCut(batches, this.options.pageRowLimit, this.options.pageSizeBytes)
    const steps = batchesOf(batches, pages.stepRows)
    return columnParts(batches, this.pool.parallelism).map((part) => ({ job: this.encodeJob(steps, part, pages), bytes: part.bytes }))
  }

  private encodeJob(batches: readonly RecordBatch[], { first, end }: ColumnPart, pages: PageCut): EncodeJob {
    const { options, assembly, firstLeaves: starts } = this
    const leaves = assembly.leaves.slice(starts[first], starts[end] ?? assembly.leaves.length)
    const names = new Set(leaves.map((leaf) => leaf.path[0]!))
    return {
      kind: 'encode',
      ipc: this.batches.ipc(batches, first, end),
      codec: codecs[options.compression],
      compressionLevel: options.compressionLevel,
      pages,
      dictSizeBytes: options.dictSizeBytes,
      plainColumns: this.dictionaries.plainColumns().filter((name) => names.has(name)),
      bloomFilters: bloomRequests(leaves, options),
    }
  }

  private async encode(jobs: readonly SizedJob[], rows: number): Promise<readonly EncodedColumn[]> {
    const run = ({ job, bytes }: SizedJob): Promise<EngineResult> => this.pool.run(job, bytes, [job.ipc.buffer as ArrayBuffer])
    const results = (await allDone(jobs.map(run))) as EncodeResult[]
    for (const result of results) {
      if (result.rows !== rows) throw new FloeError('CORRUPT', `${rows} rows were encoded as ${result.rows}; nothing was committed`)
    }
    const columns = results.flatMap((result) => result.columns)
    this.dictionaries.learn(this.assembly.leaves, columns)
    return columns
  }

  private async append(encoded: Promise<readonly EncodedColumn[]>, rows: number, rawBytes: number): Promise<void> {
    const columns = await encoded
    this.throwFailure()
    for (const part of this.assembly.addRowGroup(columns, rows)) await this.push(part)
    this.rowsWritten += rows
    this.encodingBytes -= rawBytes
    this.encodedRawBytes += rawBytes
  }

  private async push(bytes: Uint8Array): Promise<void> {
    const { io, location, signal } = this.options
    if (this.upload === undefined) {
      this.upload = io.write(location, this.stream, { ifNoneMatch: '*', signal })
      this.upload.catch((error: unknown) => this.fail(error))
    }
    await this.stream.push(bytes)
  }

  /** Encoded bytes per buffered byte, as the file had it so far. */
  private encodedRatio(): number {
    return this.encodedRawBytes === 0 ? 0.5 : this.assembly.offset / this.encodedRawBytes
  }

  private fail(error: unknown): void {
    this.failure ??= { error }
    this.stream.fail(error)
  }

  private throwFailure(): void {
    this.options.signal?.throwIfAborted()
    if (this.failure) throw this.failure.error
  }

  private checkOpen(): void {
    if (this.failure) throw withFile(this.options.location, this.failure.error)
    if (this.isClosed) throw new FloeError('INVALID', 'the Parquet writer is closed', { file: this.options.location })
    this.options.signal?.throwIfAborted()
  }

  private close(): void {
    this.isClosed = true
    this.budget.remove(this)
  }
}

interface SizedJob {
  readonly job: EncodeJob
  readonly bytes: number
}

/** Ordinal of the first leaf of each top-level column. */
function firstLeaves(leaves: readonly WrittenLeaf[]): readonly number[] {
  return leaves.flatMap(({ path }, i) => (i === 0 || leaves[i - 1]!.path[0] !== path[0] ? [i] : []))
}

/** Waits for all, also when one fails. */
async function allDone<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(work)
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}

/** Unordered leaves are geometries and the parts of variants: nobody looks for one that is equal. */
function bloomRequests(leaves: readonly WrittenLeaf[], { bloomFilters, bloomFilterMaxBytes }: ParquetWriteOptions): BloomRequest[] {
  return leaves.flatMap(({ fieldId, type, typeLength, isOrdered }, leaf) => {
    const wanted = bloomFilters?.get(fieldId)
    if (wanted === undefined || !isOrdered || type === physicalType.boolean) return []
    return [{ leaf, type, typeLength, fpp: wanted.fpp, ndv: wanted.ndv, maxBytes: bloomFilterMaxBytes ?? DEFAULT_FILTER_BYTES }]
  })
}
