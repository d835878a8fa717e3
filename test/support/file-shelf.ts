/** Data and delete files in memory, and the tasks that read them: what planning would give, without a table's commits. */
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { rowReader } from '../../src/arrow/row-values.js'
import type { Row } from '../../src/arrow/row-values.js'
import type { DeleteTask } from '../../src/deletes/delete-file.js'
import { MemoryFileIO } from '../../src/io/memory-file-io.js'
import type { TableMetadata } from '../../src/metadata/table-metadata.js'
import { ParquetWasmEngine } from '../../src/parquet/parquet-wasm-engine.js'
import type { ParquetWriteOptions } from '../../src/parquet/parquet-engine.js'
import type { FileScanTask } from '../../src/scan/file-scan-task.js'
import type { ReadRequest } from '../../src/scan/file-reader.js'
import { readTasks } from '../../src/scan/read-files.js'
import { DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD } from '../../src/schema/reserved-fields.js'
import { Schema } from '../../src/schema/schema.js'
import { InterceptedFileIO } from './intercepted-file-io.js'

type Values = Readonly<Record<string, unknown>>

type ShelvedFile = Pick<FileScanTask, 'filePath' | 'fileSizeBytes' | 'recordCount'>
type TaskChange = Partial<FileScanTask>
type DeleteChange = Partial<DeleteTask>
/** Location of a data file, and the position of a row in it. */
type Entry = readonly [string, number | bigint]

interface ShelfOptions extends Partial<ParquetWriteOptions> {
  /** Rows of a row group. Default: all are one. */
  readonly groupRows?: number
}

export class FileShelf {
  readonly io = new InterceptedFileIO(new MemoryFileIO())
  readonly engine = new ParquetWasmEngine({ workers: 0 })
  #files = 0

  async write(schema: Schema, rows: readonly Values[], options: ShelfOptions = {}): Promise<ShelvedFile> {
    const { groupRows = rows.length, ...changes } = options
    const filePath = `memory:///t/data/${++this.#files}.parquet`
    const sizes = { rowGroupSizeBytes: 2 ** 20, pageSizeBytes: 2 ** 20, pageRowLimit: 1000, dictSizeBytes: 2 ** 20 }
    const writer = this.engine.createWriter({ io: this.io, location: filePath, schema, compression: 'zstd', ...sizes, ...changes })
    const names = schema.fields.map((field) => field.name)
    for (let from = 0; from < rows.length; from += groupRows) {
      const builder = new BatchBuilder(schema)
      builder.append(rows.slice(from, from + groupRows).map((row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null]))))
      await writer.write(builder.finish())
      await writer.flush()
    }
    const { fileSizeBytes } = await writer.finish()
    return { filePath, fileSizeBytes, recordCount: rows.length }
  }

  /** A task that reads all of a new data file. */
  async data(schema: Schema, rows: readonly Values[], change: TaskChange = {}, options: ShelfOptions = {}): Promise<FileScanTask> {
    const file = await this.write(schema, rows, options)
    const whole = { start: 0, length: file.fileSizeBytes, schemaId: schema.schemaId, residual: 'true', deletes: [] }
    return { ...file, fileFormat: 'parquet', specId: 0, partition: '[]', sequenceNumber: '1', firstRowId: undefined, ...whole, ...change }
  }

  /** An equality delete file with the columns of `schema`. */
  async equality(schema: Schema, equalityIds: readonly number[], rows: readonly Values[], change: DeleteChange = {}): Promise<DeleteTask> {
    const file = await this.write(schema, rows)
    return { content: 'equality-deletes', fileFormat: 'parquet', specId: 0, sequenceNumber: '2', equalityIds, ...file, ...change }
  }

  /** A position delete file of pairs of location and position. */
  async positions(entries: readonly Entry[], change: DeleteChange = {}, options: ShelfOptions = {}): Promise<DeleteTask> {
    const schema = new Schema([DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD])
    const file = await this.write(schema, entries.map(([path, pos]) => ({ file_path: path, pos: BigInt(pos) })), options)
    return { content: 'position-deletes', fileFormat: 'parquet', specId: 0, sequenceNumber: '2', ...file, ...change }
  }

  /** The rows of tasks, read with the table's current schema. */
  async read(metadata: TableMetadata, tasks: readonly FileScanTask[], options: Partial<ReadRequest> = {}): Promise<Row[]> {
    const schema = options.schema ?? metadata.schemas.find((candidate) => candidate.schemaId === metadata.currentSchemaId)!
    const request: ReadRequest = { io: this.io, engine: this.engine, metadata, schema, projection: schema, ...options }
    const rows: Row[] = []
    for await (const batch of readTasks(tasks, request)) {
      const { schemaFromArrow } = await import('../../src/arrow/arrow-schema.js')
      rows.push(...rowReader(schemaFromArrow(batch.schema))(batch))
    }
    return rows
  }
}
