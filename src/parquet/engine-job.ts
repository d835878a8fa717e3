import type { FloeErrorCode } from '../util/errors.js'
import type { BloomRequest } from './bloom-builder.js'
import type { PageCut } from './page-cut.js'
import type { ColumnMetaData, OffsetIndex, SchemaElement } from './file-metadata.js'

/**
 * Work for the byte engine as plain data that can move to a worker thread and back, buffers by transfer.
 */
export type EngineJob = DecodeJob | EncodeJob
export type EngineResult = DecodeResult | EncodeResult

/** Decodes a range of rows of one row group, column by column. */
export interface DecodeJob {
  readonly kind: 'decode'
  readonly fields: readonly DecodeField[]
  readonly batchRows: number
}

/** One top-level column. */
export interface DecodeField {
  /** Pre-order schema elements of the column, in the one layout that {@link syntheticElements} makes. */
  readonly schema: readonly SchemaElement[]
  readonly layout: ArrayLayout
  readonly leaves: readonly DecodeLeaf[]
  /** Rows in the pages of the leaves. */
  readonly pageRows: number
  /** Rows to leave out at the start. */
  readonly skipRows: number
  /** Rows wanted after them. */
  readonly rows: number
}

export interface DecodeLeaf {
  readonly type: number
  readonly codec: number
  readonly path: readonly string[]
  /** Whole pages, the dictionary page first. */
  readonly pages: Uint8Array
  readonly numValues: number
}

/** How the buffers of an Arrow array are laid out. */
export type ArrayLayout =
  | { readonly kind: 'bits' }
  | { readonly kind: 'fixed'; readonly byteWidth: number }
  /** Twelve bytes each, turned into microseconds of eight bytes. */
  | { readonly kind: 'int96' }
  | { readonly kind: 'variable' }
  | { readonly kind: 'struct'; readonly children: readonly ArrayLayout[] }
  | { readonly kind: 'list'; readonly child: ArrayLayout }

/** The buffers of an Arrow array whose first value is at bit and element zero. */
export interface ArrayParts {
  readonly length: number
  readonly nullCount: number
  readonly validity: Uint8Array | undefined
  readonly offsets: Int32Array | undefined
  readonly values: Uint8Array | undefined
  readonly children: readonly ArrayParts[]
}

export interface DecodeResult {
  readonly kind: 'decode'
  /** By field of the job, its batches of `batchRows` rows. */
  readonly fields: readonly (readonly ArrayParts[])[]
}

/** Encodes batches as one row group. */
export interface EncodeJob {
  readonly kind: 'encode'
  /** The batches as an Arrow IPC stream. */
  readonly ipc: Uint8Array
  readonly codec: number
  readonly compressionLevel: number | undefined
  readonly pages: PageCut
  readonly dictSizeBytes: number
  /** Top-level columns that get no dictionary. */
  readonly plainColumns: readonly string[]
  readonly bloomFilters: readonly BloomRequest[]
}

export interface EncodeResult {
  readonly kind: 'encode'
  readonly rows: number
  readonly columns: readonly EncodedColumn[]
}

/** A column chunk whose offsets count from the start of its own bytes. */
export interface EncodedColumn {
  readonly bytes: Uint8Array
  /** Whether its values repeat enough for a dictionary; undefined where none was tried, or there are too few values to tell. */
  readonly dictionaryPaid: boolean | undefined
  readonly metaData: ColumnMetaData
  readonly columnIndex: Uint8Array | undefined
  /** Page offsets count from the start of `bytes`. */
  readonly pageLocations: OffsetIndex['pageLocations'] | undefined
  /** With its header. */
  readonly bloomFilter: Uint8Array | undefined
}

/**
 * What a worker answers to a job: the error classes of another thread do not survive the way. `isLast`: the thread ends, because
 * its engine has stopped on hostile data.
 */
export type WorkerAnswer =
  | { readonly result: EngineResult }
  | { readonly error: { readonly code: FloeErrorCode | undefined; readonly message: string }; readonly isLast: boolean }
