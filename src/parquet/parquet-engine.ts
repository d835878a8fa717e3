/**
 * Parquet files as streams of Arrow record batches, and their footers. It knows files, field ids and statistics; which
 * files to read (scan/) and what to write (write/) is not its business.
 */
import type { RecordBatch } from 'apache-arrow'
import type { BoundExpression } from '../expression/expression.js'
import type { FileIO } from '../io/file-io.js'
import type { FileSink } from '../io/new-files.js'
import type { NameMapping } from '../schema/name-mapping.js'
import type { Schema } from '../schema/schema.js'
import type { Value } from '../schema/type.js'
import type { DictionaryChoice } from './dictionary-choice.js'

/** Rows of one file, in file order. The batch's columns are exactly those of the projection, in its order and types. */
export interface PositionedBatch {
  readonly batch: RecordBatch
  /** Ordinal of the batch's first row in the file, counting every row of the file, skipped ones included. */
  readonly firstPosition: number
}

/** Some rows of a file by their ordinals; a `PositionBitmap` is one. */
export interface RowSelection {
  countInRange(from: number, toExclusive: number): number
}

export interface ParquetReadOptions {
  readonly io: FileIO
  readonly location: string
  readonly fileSizeBytes: number
  /** The columns to produce, by field id; missing ones are filled as the column projection rules say. */
  readonly projection: Schema
  /** For files without field ids. */
  readonly nameMapping?: NameMapping | undefined
  /** Values of columns that come from identity partitions, by field id. Spec: Column Projection, first rule */
  readonly constants?: ReadonlyMap<number, Value> | undefined
  /** Used to skip row groups (and pages, where that pays). Rows are not filtered by it. Bound to the table schema. */
  readonly filter?: BoundExpression | undefined
  /** Only row groups, and stretches within them that are decoded at once, in which some of these rows are. Other rows may come along. */
  readonly wanted?: RowSelection | undefined
  /** Only row groups that start in this byte range. Absent: all. */
  readonly split?: { readonly offset: number; readonly length: number } | undefined
  /** At most this many rows a batch. Default 65,536. */
  readonly batchRows?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Called once per row group with why it is read or skipped, and its compressed bytes. */
  readonly onRowGroup?: ((decision: RowGroupDecision) => void) | undefined
}

export interface RowGroupDecision {
  readonly rowGroup: number
  readonly rows: number
  readonly bytes: number
  readonly read: boolean
  readonly reason: string
}

export interface ParquetWriteOptions {
  readonly io: FileSink
  readonly location: string
  readonly schema: Schema
  readonly compression: 'zstd' | 'snappy' | 'gzip' | 'lz4' | 'brotli' | 'uncompressed'
  readonly compressionLevel?: number | undefined
  /** Encoded bytes a row group aims at. Spec property `write.parquet.row-group-size-bytes`, default 128 MiB. */
  readonly rowGroupSizeBytes: number
  /**
   * Raw bytes of rows that may wait for their row group. A group ends early when it holds so many, or when the engine's
   * write buffer is full. Default: half of that buffer shared among the files that are open, 16 MiB at least.
   */
  readonly rowGroupBufferBytes?: number | undefined
  readonly pageSizeBytes: number
  readonly pageRowLimit: number
  readonly dictSizeBytes: number
  /** What files of one schema that are written together learn of each other. Default: of each file alone. */
  readonly dictionaries?: DictionaryChoice | undefined
  /**
   * Leaf columns with a bloom filter, by field id. Booleans and the parts of variants get none. A filter is as large as the
   * distinct values of its row group take at the rate of false positives, or as `ndv` of them.
   */
  readonly bloomFilters?: ReadonlyMap<number, { readonly fpp: number; readonly ndv?: number | undefined }> | undefined
  /** No filter is larger. Default 1 MiB. */
  readonly bloomFilterMaxBytes?: number | undefined
  readonly keyValueMetadata?: ReadonlyMap<string, string> | undefined
  readonly signal?: AbortSignal | undefined
}

/** What the file says of itself once it is closed; metrics modes are applied by write/. */
export interface ParquetWriteResult {
  readonly location: string
  readonly recordCount: number
  readonly fileSizeBytes: number
  /** Offset of each row group, ascending. */
  readonly splitOffsets: readonly number[]
  /** Compressed bytes by leaf field id. */
  readonly columnSizes: ReadonlyMap<number, number>
}

/** Writes one file. Batches must have exactly the schema's columns in canonical Arrow types (see `arrow/arrow-schema.ts`). */
export interface ParquetWriter {
  write(batch: RecordBatch): Promise<void>
  /** Ends the row group: encodes the rows held in memory and hands them to the store. */
  flush(): Promise<void>
  /** Encoded bytes so far, with an estimate for the rows that are still buffered. */
  readonly estimatedBytes: number
  /** Memory held for rows not yet encoded. */
  readonly bufferedBytes: number
  finish(): Promise<ParquetWriteResult>
  /** Stops, and removes what was written of the file. */
  abort(): Promise<void>
}

export interface ParquetEngine {
  read(options: ParquetReadOptions): AsyncIterable<PositionedBatch>
  createWriter(options: ParquetWriteOptions): ParquetWriter
}
