import type { RecordBatch } from 'apache-arrow'
import { parseFileSchema } from '../../parquet/parquet-schema.js'
import { namingFile, readFooter } from '../../parquet/read-footer.js'
import { createNameMapping } from '../../schema/name-mapping.js'
import { FloeError } from '../../util/errors.js'
import type { InputContext, InputFile } from './input-file.js'
import { schemaOfParquet } from './parquet-file-schema.js'

/** Opens a Parquet file by its footer; rows are decoded as they are asked for, a few row groups' pages ahead. */
export async function openParquetFile(location: string, { io, engine, options }: InputContext): Promise<InputFile> {
  if (location === '-') throw new FloeError('INVALID', 'Parquet cannot be read from standard input: its footer comes last. Save it to a file first')
  const { signal } = options
  const status = await io.head(location)
  if (status === undefined) throw new FloeError('NOT_FOUND', 'There is no such file', { file: location })
  const fileSizeBytes = status.sizeBytes
  const footer = await readFooter({ io, location, fileSizeBytes, signal })
  const schema = namingFile(location, () => schemaOfParquet(parseFileSchema(footer.schema).fields))
  const nameMapping = createNameMapping(schema)
  return {
    location,
    format: 'parquet',
    rowCount: footer.numRows,
    schema: async () => ({ schema, basis: 'declared', sampledRows: 0 }),
    async *rows(): AsyncGenerator<RecordBatch, void, undefined> {
      const batches = engine.read({ io, location, fileSizeBytes, projection: schema, nameMapping, signal })
      for await (const { batch } of batches) if (batch.numRows > 0) yield batch
    },
    close: async () => undefined,
  }
}
