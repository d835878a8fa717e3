import type { BoundExpression } from '../expression/expression.js'
import type { FileIO } from '../io/file-io.js'
import type { ParquetEngine, PositionedBatch } from '../parquet/parquet-engine.js'
import type { NameMapping } from '../schema/name-mapping.js'
import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import type { AppliedDelete } from './delete-file.js'

/** How delete files are fetched and decoded. */
export interface DeleteFileSource {
  readonly io: FileIO
  readonly engine: ParquetEngine
  readonly signal?: AbortSignal | undefined
}

export interface ReadDeletesOptions {
  readonly projection: Schema
  /** For files without field ids. */
  readonly nameMapping?: NameMapping | undefined
  /** Skips row groups; rows are not filtered by it. */
  readonly filter?: BoundExpression | undefined
}

/**
 * The rows of a delete file.
 * Spec: Delete Formats › «files must use valid Iceberg formats, schemas, and column projection»
 *
 * @throws FloeError `UNSUPPORTED` for a file that is neither Parquet nor Avro
 */
export async function* readDeleteFile(
  file: Pick<AppliedDelete, 'filePath' | 'fileFormat' | 'fileSizeBytes'>,
  options: ReadDeletesOptions,
  source: DeleteFileSource,
): AsyncGenerator<PositionedBatch, void, undefined> {
  const { io, engine, signal } = source
  const { filePath: location, fileSizeBytes, fileFormat } = file
  const { projection, nameMapping, filter } = options
  switch (fileFormat) {
    case 'parquet':
      yield* engine.read({ io, location, fileSizeBytes, projection, nameMapping, filter, signal })
      return
    case 'avro': {
      const { readAvroDataFile } = await import('../avro-data/avro-data-file.js')
      yield* readAvroDataFile({ io, location, fileSizeBytes, projection, nameMapping, signal })
      return
    }
    default:
      throw new FloeError('UNSUPPORTED', `This version reads no ${fileFormat} files of deletes: read the table with another engine`, { file: location })
  }
}
