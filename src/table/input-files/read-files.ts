import type { RecordBatch } from 'apache-arrow'
import { sharedParquetEngine } from '../../parquet/shared-engine.js'
import { checkArgument, namesOf } from '../checked-arguments.js'
import { checkOpenOptions } from '../open-options.js'
import { absoluteLocation, inputStore } from './input-file.js'
import type { FileSchema, InputFile, ReadFilesOptions } from './input-file.js'
import { openInputFile } from './open-input-file.js'

const READ_FILES_NAMES = namesOf<ReadFilesOptions>()({
  format: true,
  s3: true,
  pathMapping: true,
  io: true,
  stdin: true,
  delimiter: true,
  signal: true,
})

/**
 * The rows of files, one file after another: record batches of Parquet and Arrow files, rows of JSON lines and CSV. Append
 * them with `parseText: true`, which takes the text of numbers, dates and so on. Memory is bounded whatever the size.
 *
 * Locations are paths, URIs, or `-` for standard input.
 */
export async function* readFiles(
  locations: string | readonly string[],
  options: ReadFilesOptions = {},
): AsyncGenerator<RecordBatch | object, void, undefined> {
  if (typeof locations !== 'string') checkArgument(locations, 'list', 'Locations, unless they are one text,')
  checkOpenOptions(options, 'readFiles', READ_FILES_NAMES)
  const engine = sharedParquetEngine()
  for (const given of typeof locations === 'string' ? [locations] : locations) {
    checkArgument(given, 'string', "A file's location")
    const location = absoluteLocation(given)
    yield* rowsOfFile(await openInputFile(location, { io: inputStore(location, options), engine, options }))
  }
}

async function* rowsOfFile(file: InputFile): AsyncGenerator<RecordBatch | object, void, undefined> {
  try {
    yield* file.rows()
  } finally {
    await file.close()
  }
}

/** The record batches of Parquet files, in the canonical Arrow types of each file's own schema. */
export function readParquetFiles(
  locations: string | readonly string[],
  options: Omit<ReadFilesOptions, 'format' | 'stdin' | 'delimiter'> = {},
): AsyncGenerator<RecordBatch, void, undefined> {
  return readFiles(locations, { ...options, format: 'parquet' }) as AsyncGenerator<RecordBatch, void, undefined>
}

/** The schema that a table needs for a file's rows. Text formats are sampled: see `FileSchema`. */
export async function schemaOfFile(location: string, options: ReadFilesOptions = {}): Promise<FileSchema> {
  checkArgument(location, 'string', "A file's location")
  checkOpenOptions(options, 'schemaOfFile', READ_FILES_NAMES)
  const engine = sharedParquetEngine()
  const place = absoluteLocation(location)
  const file = await openInputFile(place, { io: inputStore(place, options), engine, options })
  try {
    return await file.schema()
  } finally {
    await file.close()
  }
}
