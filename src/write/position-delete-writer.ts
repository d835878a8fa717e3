import type { RecordBatch } from 'apache-arrow'
import { fixedChunk, makeBatch, variableChunk } from '../arrow/arrow-data.js'
import { arrowSchema, arrowType } from '../arrow/arrow-schema.js'
import { newFiles } from '../io/new-files.js'
import type { DataFile } from '../manifest/data-file.js'
import { readText, tableProperties } from '../metadata/table-properties.js'
import type { ParquetWriter, ParquetWriteResult } from '../parquet/parquet-engine.js'
import { partitionKey } from '../partition/partition-key.js'
import { DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD } from '../schema/reserved-fields.js'
import { printSchema } from '../schema/schema-json.js'
import { Schema } from '../schema/schema.js'
import { encodeValue } from '../schema/single-value.js'
import type { Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { printJson } from '../util/json.js'
import { compareUtf8, encodeUtf8 } from '../util/utf8.js'
import { type DeleteWriteContext, newDeleteLocations, readDeleteSettings } from './delete-file-context.js'
import { checkTargets, type PositionDeleteTarget } from './deletion-vector-writer.js'

export interface PositionDeleteOptions {
  /** Rows of how many data files a delete file holds. Default: the table's `write.delete.granularity`. */
  readonly granularity?: 'file' | 'partition' | undefined
}

const SCHEMA = new Schema([DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD])
const ARROW_SCHEMA = arrowSchema(SCHEMA)
const KEY_VALUE_METADATA = new Map([['iceberg.schema', printJson(printSchema(SCHEMA))], ['delete-type', 'position']])
const UNSORTED = { orderId: 0, fields: [] }
const BATCH_ROWS = 65_536

/**
 * Writes position delete files, sorted by path and position: one for each data file, or one for each partition.
 * Targets without positions are left out.
 * Spec: Position Delete Files. Source: Java `SortingPositionOnlyDeleteWriter`
 *
 * @throws FloeError `INVALID` when a data file is named twice, or in a table of another format version than 2
 */
export async function writePositionDeletes(
  targets: readonly PositionDeleteTarget[],
  context: DeleteWriteContext,
  options: PositionDeleteOptions = {},
): Promise<readonly DataFile[]> {
  const { metadata, io } = context
  checkVersion(metadata.formatVersion)
  checkTargets(targets)
  const granularity = options.granularity ?? readText(metadata.properties, tableProperties.deleteGranularity)
  const marked = targets.filter(({ positions }) => !positions.isEmpty)
  const groups = granularity === 'file' ? marked.map((target) => [target]) : byPartition(marked)
  const newLocation = newDeleteLocations(context, 'parquet')
  const settings = readDeleteSettings(metadata, SCHEMA, UNSORTED)
  const written: DataFile[] = []
  try {
    for (const group of groups) {
      const { engine, signal } = context
      const location = newLocation(group[0]!.dataFile)
      const writer = engine.createWriter({
        ...settings.parquet, io: newFiles(io), location, schema: SCHEMA, keyValueMetadata: KEY_VALUE_METADATA, signal,
      })
      written.push(deleteFile(group, await writeAll(writer, group)))
    }
    return written
  } catch (error) {
    await io.delete(written.map((file) => file.filePath)).catch(() => undefined)
    throw error
  }
}

function checkVersion(formatVersion: number): void {
  // Spec: Position Delete Files: not to be added to v3 tables, unknown to v1
  if (formatVersion === 2) return
  const instead = formatVersion === 1 ? 'rewrite the data files' : 'write deletion vectors'
  throw new FloeError('INVALID', `Position delete files need format version 2, and the table has ${formatVersion}: ${instead}`)
}

function byPartition(targets: readonly PositionDeleteTarget[]): PositionDeleteTarget[][] {
  const groups = new Map<string, PositionDeleteTarget[]>()
  for (const target of targets) {
    const key = `${target.dataFile.specId} ${partitionKey(target.dataFile.partition)}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [target])
    else group.push(target)
  }
  // Spec: Position Delete Files: rows are sorted by file_path, then pos
  return [...groups.values()].map((group) => group.sort((a, b) => compareUtf8(a.dataFile.filePath, b.dataFile.filePath)))
}

async function writeAll(writer: ParquetWriter, targets: readonly PositionDeleteTarget[]): Promise<ParquetWriteResult> {
  try {
    const builder = new DeleteBatchBuilder()
    for (const { path, block } of blocksOf(targets)) {
      for (let from = 0; from < block.length;) {
        from += builder.add(path, block.subarray(from))
        if (builder.isFull) await writer.write(builder.finish())
      }
    }
    if (!builder.isEmpty) await writer.write(builder.finish())
    return await writer.finish()
  } catch (error) {
    await writer.abort()
    throw error
  }
}

function* blocksOf(targets: readonly PositionDeleteTarget[]): Generator<{ readonly path: Uint8Array; readonly block: Float64Array }> {
  for (const { dataFile, positions } of targets) {
    const path = encodeUtf8(dataFile.filePath)
    for (const block of positions.blocks()) yield { path, block }
  }
}

/** Bounds tell which data file it is when it is one; counts tell nothing. Source: Java `PositionDeleteWriter.metrics` */
function deleteFile(targets: readonly PositionDeleteTarget[], result: ParquetWriteResult): DataFile {
  const [{ dataFile, positions }] = targets as readonly [PositionDeleteTarget]
  return {
    content: 'position-deletes',
    filePath: result.location,
    fileFormat: 'parquet',
    specId: dataFile.specId,
    partition: dataFile.partition,
    recordCount: result.recordCount,
    fileSizeBytes: result.fileSizeBytes,
    columnSizes: result.columnSizes,
    splitOffsets: result.splitOffsets,
    ...(targets.length > 1 ? {} : {
      lowerBounds: bounds(dataFile.filePath, positions.first!),
      upperBounds: bounds(dataFile.filePath, positions.last!),
      referencedDataFile: dataFile.filePath,
    }),
  }
}

function bounds(path: string, position: number): ReadonlyMap<number, Uint8Array> {
  const encoded = ({ id, type }: typeof DELETE_FILE_PATH_FIELD, value: Value): [number, Uint8Array] => [id, encodeValue(type, value)]
  return new Map([encoded(DELETE_FILE_POS_FIELD, BigInt(position)), encoded(DELETE_FILE_PATH_FIELD, path)])
}

/** Gathers rows of a delete file into batches. */
class DeleteBatchBuilder {
  #rows = 0
  readonly #positions = new Uint32Array(2 * BATCH_ROWS)
  readonly #offsets = new Int32Array(BATCH_ROWS + 1)
  #paths = new Uint8Array(2 ** 16)

  get isEmpty(): boolean {
    return this.#rows === 0
  }

  get isFull(): boolean {
    return this.#rows === BATCH_ROWS
  }

  /** Takes as many positions as there is room for, and tells how many. */
  add(path: Uint8Array, positions: Float64Array): number {
    const count = Math.min(positions.length, BATCH_ROWS - this.#rows)
    let end = this.#offsets[this.#rows]!
    this.#reserve(end + count * path.length)
    for (let i = 0; i < count; i++) {
      const position = positions[i]!
      this.#positions[2 * this.#rows] = position >>> 0
      this.#positions[2 * this.#rows + 1] = Math.floor(position / 2 ** 32)
      this.#paths.set(path, end)
      end += path.length
      this.#offsets[++this.#rows] = end
    }
    return count
  }

  finish(): RecordBatch {
    const rows = this.#rows
    this.#rows = 0
    const paths = this.#paths.slice(0, this.#offsets[rows]!)
    const longs = new BigInt64Array(this.#positions.slice(0, 2 * rows).buffer)
    return makeBatch(ARROW_SCHEMA, rows, [
      variableChunk(arrowType(DELETE_FILE_PATH_FIELD.type), this.#offsets.slice(0, rows + 1), paths),
      fixedChunk(arrowType(DELETE_FILE_POS_FIELD.type), rows, longs),
    ])
  }

  #reserve(length: number): void {
    if (length <= this.#paths.length) return
    const grown = new Uint8Array(Math.max(length, 2 * this.#paths.length))
    grown.set(this.#paths)
    this.#paths = grown
  }
}
