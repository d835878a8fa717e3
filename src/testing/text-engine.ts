import type { RecordBatch } from 'apache-arrow'
import { BatchBuilder } from '../arrow/batch-builder.js'
import { rowReader } from '../arrow/row-values.js'
import { throwIfAborted } from '../io/aborted.js'
import type { ParquetEngine, ParquetReadOptions, ParquetWriteOptions, ParquetWriter, ParquetWriteResult, PositionedBatch } from '../parquet/parquet-engine.js'
import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import { decodeTextFile, encodeTextFile, type TextRow, type TextValue } from './text-file.js'

/** Where a Parquet file's only row group would begin. */
const FIRST_ROW_GROUP = 4
/** A guess: what a writer has encoded cannot be told before it ends. */
const ROW_BYTES = 32

/**
 * Reads and writes {@link encodeTextFile} in the place of Parquet: columns of strings, numbers and booleans. It makes one request for
 * each file, all else is done at once, so that runs are deterministic.
 */
export class TextEngine implements ParquetEngine {
  async *read(options: ParquetReadOptions): AsyncGenerator<PositionedBatch, void, undefined> {
    const { io, location, projection, constants, split, signal } = options
    const rows = decodeTextFile(await io.read(location, { signal }), location)
    const isIn = split === undefined || (split.offset <= FIRST_ROW_GROUP && FIRST_ROW_GROUP < split.offset + split.length)
    options.onRowGroup?.({ rowGroup: 0, rows: rows.length, bytes: options.fileSizeBytes, read: isIn, reason: 'text' })
    if (!isIn) return
    const batchRows = options.batchRows ?? Math.max(1, rows.length)
    for (let firstPosition = 0; firstPosition < rows.length; firstPosition += batchRows) {
      throwIfAborted(signal)
      const builder = new BatchBuilder(projection)
      builder.append(rows.slice(firstPosition, firstPosition + batchRows).map((row) => project(row, projection, constants)))
      yield { batch: builder.finish(), firstPosition }
    }
  }

  createWriter(options: ParquetWriteOptions): ParquetWriter {
    return new TextWriter(options)
  }
}

function project(row: TextRow, projection: Schema, constants: ParquetReadOptions['constants']): Record<string, unknown> {
  return Object.fromEntries(projection.fields.map(({ id, name }) => [name, row.get(id) ?? constants?.get(id) ?? null]))
}

class TextWriter implements ParquetWriter {
  readonly #options: ParquetWriteOptions
  readonly #rows: (readonly TextValue[])[] = []
  readonly #read: ReturnType<typeof rowReader>

  constructor(options: ParquetWriteOptions) {
    this.#options = options
    this.#read = rowReader(options.schema)
  }

  get estimatedBytes(): number {
    return this.#rows.length * ROW_BYTES
  }

  get bufferedBytes(): number {
    return this.#rows.length * ROW_BYTES
  }

  write(batch: RecordBatch): Promise<void> {
    const { fields } = this.#options.schema
    for (const row of this.#read(batch)) this.#rows.push(fields.map(({ name }) => row[name] as TextValue))
    return Promise.resolve()
  }

  flush(): Promise<void> {
    return Promise.resolve()
  }

  async finish(): Promise<ParquetWriteResult> {
    const { io, location, schema, signal } = this.#options
    const bytes = encodeTextFile(schema.fields.map(({ id }) => id), this.#rows)
    try {
      const { sizeBytes } = await io.write(location, bytes, { ifNoneMatch: '*', signal })
      if (sizeBytes !== bytes.length) throw new FloeError('UNAVAILABLE', `the store kept ${sizeBytes} of ${bytes.length} bytes: try again`, { file: location })
    } catch (error) {
      await this.abort()
      throw error
    }
    const columnSizes = new Map(schema.fields.map(({ id }) => [id, bytes.length]))
    return { location, recordCount: this.#rows.length, fileSizeBytes: bytes.length, splitOffsets: [FIRST_ROW_GROUP], columnSizes }
  }

  async abort(): Promise<void> {
    // What cannot be removed is an orphan.
    await this.#options.io.delete([this.#options.location]).catch(() => undefined)
  }
}
