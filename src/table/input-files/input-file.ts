/**
 * Files of rows that are not a table's: Parquet, Arrow IPC, JSON lines and CSV, from the disk, an object store or standard
 * input. This folder knows their bytes and what schema they imply; it does not know the table that they are appended to.
 */
import { resolve } from 'node:path'
import type { RecordBatch } from 'apache-arrow'
import type { FileIO } from '../../io/file-io.js'
import { openFileIO } from '../../io/open-file-io.js'
import type { S3FileIOOptions } from '../../io/s3-options.js'
import type { ParquetEngine } from '../../parquet/parquet-engine.js'
import type { Schema } from '../../schema/schema.js'
import { FloeError } from '../../util/errors.js'

export const INPUT_FORMATS = ['parquet', 'arrow', 'jsonl', 'csv'] as const

export type InputFormat = (typeof INPUT_FORMATS)[number]

export interface ReadFilesOptions {
  /** Default: by the end of each file's name. Needed for `-`, standard input, which cannot be Parquet. */
  readonly format?: InputFormat | undefined
  readonly s3?: S3FileIOOptions | undefined
  /** Serves a prefix from elsewhere: `{ 's3://bucket/': '/data/bucket/' }`. */
  readonly pathMapping?: Readonly<Record<string, string>> | undefined
  /** Instead of the store that a location's scheme names. */
  readonly io?: FileIO | undefined
  /** What `-` reads. Default: the process's standard input. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined
  /** Between the fields of CSV. Default `,`. */
  readonly delimiter?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** A schema, and how sure it is. */
export interface FileSchema {
  readonly schema: Schema
  /** `declared` by the file, or `sampled` from its first rows: later rows may not fit. */
  readonly basis: 'declared' | 'sampled'
  /** Rows looked at, when sampled. */
  readonly sampledRows: number
}

/** One opened file. */
export interface InputFile {
  /** For messages. */
  readonly location: string
  readonly format: InputFormat
  /** How many rows, where the file says so without being read. */
  readonly rowCount: number | undefined
  /** Field ids are the file's own where it has them, else assigned from 1. May be asked before {@link rows}, any number of times. */
  schema(): Promise<FileSchema>
  /** Everything in the file, once. Rows of text formats hold text where the format has no such type. */
  rows(): AsyncIterable<RecordBatch | object>
  /** Releases the file; for whoever does not read all rows. */
  close(): Promise<void>
}

/** What opening a file takes, for the formats of this folder. */
export interface InputContext {
  readonly io: FileIO
  readonly engine: ParquetEngine
  readonly options: ReadFilesOptions
}

const EXTENSIONS: ReadonlyMap<string, InputFormat> = new Map([
  ['parquet', 'parquet'],
  ['parq', 'parquet'],
  ['arrow', 'arrow'],
  ['arrows', 'arrow'],
  ['feather', 'arrow'],
  ['ipc', 'arrow'],
  ['jsonl', 'jsonl'],
  ['ndjson', 'jsonl'],
  ['csv', 'csv'],
])

/** @throws FloeError `INVALID` when the name does not tell */
export function inputFormatOf(location: string): InputFormat {
  const extension = /\.([a-z]+)$/i.exec(location)?.[1]?.toLowerCase()
  const format = extension === undefined ? undefined : EXTENSIONS.get(extension)
  if (format !== undefined) return format
  const where = location === '-' ? 'Standard input' : JSON.stringify(location)
  throw new FloeError('INVALID', `${where} does not tell its format: name the format, one of parquet, arrow, jsonl and csv`)
}

/** A path of this machine made absolute; URIs and `-` as they are. */
export function absoluteLocation(location: string): string {
  return location === '-' || /^[a-z][a-z0-9+.-]+:/i.test(location) ? location : resolve(location)
}

/** The store that a location is read from. */
export function inputStore(location: string, options: ReadFilesOptions): FileIO {
  const mappings = Object.entries(options.pathMapping ?? {}).map(([from, to]) => ({ from, to }))
  return options.io ?? openFileIO(location === '-' ? '/' : location, { s3: options.s3, mappings })
}
