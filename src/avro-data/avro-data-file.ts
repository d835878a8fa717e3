/**
 * Avro data and delete files as streams of Arrow record batches. It knows container files, field ids and the column projection
 * rules; which files to read, and what deletes say of their rows, is not its business.
 */
import type { RecordBatch } from 'apache-arrow'
import { Schema as ArrowSchema } from 'apache-arrow'
import { makeBatch } from '../arrow/arrow-data.js'
import { batchProjector } from '../arrow/project-batch.js'
import type { BatchProjector } from '../arrow/project-batch.js'
import { AvroInput } from '../avro/avro-input.js'
import { parseAvroSchema } from '../avro/avro-schema-json.js'
import { minEncodedBytes } from '../avro/avro-schema.js'
import type { FileIO } from '../io/file-io.js'
import type { PositionedBatch } from '../parquet/parquet-engine.js'
import type { NameMapping } from '../schema/name-mapping.js'
import { createNameMapping } from '../schema/name-mapping.js'
import type { Schema } from '../schema/schema.js'
import type { Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { fileColumns, hasFieldIds } from './avro-column.js'
import { BlockStream } from './block-stream.js'
import type { StoredBlock } from './block-stream.js'
import { compileFields, takeBatch } from './compile-columns.js'
import type { CompiledFields } from './compile-columns.js'
import { decodeStep } from './column-decoder.js'

/** As for Parquet files, but for what only those have. */
export interface AvroReadOptions {
  readonly io: FileIO
  readonly location: string
  readonly fileSizeBytes: number
  /** The columns to produce, by field id; missing ones are filled as the column projection rules say. */
  readonly projection: Schema
  /** For files without field ids. Default: the projection's own names, as the reference does. */
  readonly nameMapping?: NameMapping | undefined
  /** Values of columns that come from identity partitions, by field id. Spec: Column Projection, first rule */
  readonly constants?: ReadonlyMap<number, Value> | undefined
  /** Only blocks whose preceding sync marker starts in this byte range, so that of ranges that touch one reads a block. Absent: all. */
  readonly split?: { readonly offset: number; readonly length: number } | undefined
  /** At most this many rows a batch. Default 65,536; fewer where rows are large. */
  readonly batchRows?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const DEFAULT_BATCH_ROWS = 65_536
/** Encoded bytes after which a batch ends, whatever its rows. */
const BATCH_BYTES = 16 * 2 ** 20
/** What the fixed-width columns of a batch may take. */
const BATCH_FIXED_BYTES = 64 * 2 ** 20
/** Rows and list elements without a single byte that one file may claim; more is an attack on time, not data. */
const EMPTY_ITEM_BUDGET = 2 ** 24

/**
 * Reads a file block by block, decoding straight into columns; blocks are fetched and inflated ahead. Batches come in file order.
 * @throws FloeError `CORRUPT` naming the file when its bytes break the format, or a required column is missing without default;
 * `UNSUPPORTED` for encryption, unknown codecs, and unions that are no optional type in a column that is wanted.
 */
export async function* readAvroDataFile(options: AvroReadOptions): AsyncGenerator<PositionedBatch, void, undefined> {
  try {
    const blocks = await BlockStream.open(options)
    const reader = new RowReader(options, blocks.header.schemaText)
    for await (const block of blocks.blocks(options.split)) yield* reader.read(block)
    yield* reader.finish()
  } catch (error) {
    throw withFile(options.location, error)
  }
}

/** Turns blocks into batches, which may span blocks. */
class RowReader {
  readonly #location: string
  readonly #columns: CompiledFields
  readonly #source: ArrowSchema
  readonly #projector: BatchProjector
  readonly #minRowBytes: number
  readonly #batchRows: number
  #emptyItems = EMPTY_ITEM_BUDGET
  #rows = 0
  #encodedBytes = 0
  #firstPosition = 0

  constructor({ location, projection, nameMapping, constants, batchRows }: AvroReadOptions, schemaText: string) {
    const schema = parseAvroSchema(schemaText, location)
    if (schema.kind !== 'record') throw new FloeError('CORRUPT', `The Avro schema is a ${schema.kind}, where that of a data file is a record`, { file: location })
    const names = hasFieldIds(schema) ? undefined : (nameMapping ?? createNameMapping(projection))
    const wanted = projection.fields.filter((field) => constants?.has(field.id) !== true)
    this.#columns = compileFields(fileColumns(schema, names), wanted, { file: location, path: '' })
    this.#source = new ArrowSchema([...this.#columns.fields])
    this.#projector = batchProjector({ projection, source: this.#source, constants, file: location })
    this.#location = location
    this.#minRowBytes = minEncodedBytes(schema)
    const most = Math.floor(BATCH_FIXED_BYTES / Math.max(1, this.#columns.rowBytes))
    this.#batchRows = Math.max(1, Math.min(batchRows ?? DEFAULT_BATCH_ROWS, most))
  }

  *read({ content, count, firstPosition }: StoredBlock): Generator<PositionedBatch, void, undefined> {
    const input = new AvroInput(content, this.#location, this.#emptyItems)
    input.checkCount(count, this.#minRowBytes)
    for (let done = 0; done < count; ) {
      if (this.#rows === 0) this.#firstPosition = firstPosition + done
      const rows = this.#decode(input, Math.min(count - done, this.#batchRows - this.#rows))
      done += rows
      this.#rows += rows
      if (this.#rows === this.#batchRows || this.#encodedBytes >= BATCH_BYTES) yield this.#take()
    }
    if (input.remaining !== 0) throw input.corrupt(`has ${input.remaining} bytes after the last row of a block`)
    this.#emptyItems = input.emptyItems
  }

  /** The rows that no full batch took. */
  *finish(): Generator<PositionedBatch, void, undefined> {
    if (this.#rows > 0) yield this.#take()
  }

  /** Decodes up to `rows` rows, fewer when they are large; returns how many. */
  #decode(input: AvroInput, rows: number): number {
    const steps = this.#columns.steps
    const start = input.position
    const limit = start + BATCH_BYTES - this.#encodedBytes
    let done = 0
    while (done < rows && input.position < limit) {
      for (let i = 0; i < steps.length; i++) decodeStep(steps[i]!, input)
      done++
    }
    this.#encodedBytes += input.position - start
    return done
  }

  #take(): PositionedBatch {
    const columns = takeBatch(this.#columns, this.#rows)
    const batch: RecordBatch = this.#projector.project(makeBatch(this.#source, this.#rows, columns))
    this.#rows = 0
    this.#encodedBytes = 0
    return { batch, firstPosition: this.#firstPosition }
  }
}

function withFile(location: string, error: unknown): unknown {
  if (!(error instanceof FloeError) || error.file !== undefined || error.code === 'ABORTED') return error
  const column = error.column === undefined ? {} : { column: error.column }
  return new FloeError(error.code, error.message, { file: location, cause: error.cause, retryable: error.retryable, ...column })
}
