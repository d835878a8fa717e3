import type { RecordBatch } from 'apache-arrow'
import { columnsOf, fixedValues, offsetsOf } from '../arrow/arrow-data.js'
import type { Chunk } from '../arrow/arrow-data.js'
import { textReader } from '../arrow/text-reader.js'
import { bind } from '../expression/bind.js'
import { eq } from '../expression/predicates.js'
import { DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD } from '../schema/reserved-fields.js'
import type { NameMapping } from '../schema/name-mapping.js'
import { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import type { PositionDelete } from './delete-file.js'
import { PositionBitmap } from './position-bitmap.js'
import { readDeleteFile } from './read-delete-file.js'
import type { DeleteFileSource } from './read-delete-file.js'
import { runEnd } from './text-runs.js'

const DELETE_SCHEMA = new Schema([DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD])
const POSITIONS_ONLY = new Schema([DELETE_FILE_POS_FIELD])
const NAME_MAPPING: NameMapping = DELETE_SCHEMA.fields.map(({ id, name }) => ({ fieldId: id, names: [name], fields: [] }))
const TWO_TO_32 = 2 ** 32
/** Adding a range looks at all that a container holds; adding a position after the last one does not. */
const LONG_RUN = 256
/** High words from here on are negative, or beyond the integers that are exact. */
const MAX_HIGH_WORD = 2 ** 21

/**
 * All that a position delete file deletes, by the location of the data file. Rows need not be sorted, though the spec demands it:
 * not every writer obeys.
 * Spec: Position Delete Files
 *
 * @throws FloeError `CORRUPT` for a null, and for a position that no file can have
 */
export async function readPositionDeletes(file: PositionDelete, source: DeleteFileSource): Promise<ReadonlyMap<string, PositionBitmap>> {
  const byPath = new Map<string, PositionBitmap>()
  const bitmapOf = (path: string): PositionBitmap => {
    const found = byPath.get(path) ?? new PositionBitmap()
    byPath.set(path, found)
    return found
  }
  if (file.referencedDataFile !== undefined) {
    const bitmap = bitmapOf(file.referencedDataFile)
    for await (const { batch } of readDeleteFile(file, { projection: POSITIONS_ONLY, nameMapping: NAME_MAPPING }, source)) {
      addPositions(bitmap, present(columnsOf(batch)[0]!, file), 0, batch.numRows, file)
    }
    return byPath
  }
  for await (const { batch } of readDeleteFile(file, { projection: DELETE_SCHEMA, nameMapping: NAME_MAPPING }, source)) {
    addBatch(batch, file, bitmapOf)
  }
  return byPath
}

/** What a position delete file deletes of one data file; row groups that do not name it are skipped. */
export async function readPositionDeletesOf(file: PositionDelete, dataFilePath: string, source: DeleteFileSource): Promise<PositionBitmap> {
  const bitmap = new PositionBitmap()
  const filter = bind(eq(DELETE_FILE_PATH_FIELD.name, dataFilePath), DELETE_SCHEMA)
  for await (const { batch } of readDeleteFile(file, { projection: DELETE_SCHEMA, nameMapping: NAME_MAPPING, filter }, source)) {
    addBatch(batch, file, (path) => (path === dataFilePath ? bitmap : undefined))
  }
  return bitmap
}

/** About what a bitmap takes in memory: two bytes a position where they are few, a bit each where they are many. */
export function positionBytes(bitmap: PositionBitmap): number {
  return 256 + bitmap.cardinality * 2
}

function addBatch(batch: RecordBatch, file: PositionDelete, bitmapOf: (path: string) => PositionBitmap | undefined): void {
  const [paths, positions] = columnsOf(batch).map((column) => present(column, file)) as [Chunk, Chunk]
  const pathAt = textReader(paths)
  const bytes = fixedValues<Uint8Array>(paths)
  const offsets = offsetsOf(paths)
  for (let from = 0; from < batch.numRows; ) {
    const to = runEnd(bytes, offsets, from, batch.numRows)
    const bitmap = bitmapOf(pathAt(from))
    if (bitmap !== undefined) addPositions(bitmap, positions, from, to, file)
    from = to
  }
}

function present(column: Chunk, file: PositionDelete): Chunk {
  if (column.nullCount === 0) return column
  throw new FloeError('CORRUPT', 'The position delete file holds a null path or position: rewrite the deletes of the table', { file: file.filePath })
}

// eslint-disable-next-line max-params -- a hot loop over part of a batch
function addPositions(bitmap: PositionBitmap, positions: Chunk, from: number, to: number, file: PositionDelete): void {
  const values = fixedValues<BigInt64Array>(positions)
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  const at = (row: number): number => {
    const high = words[row * 2 + 1]!
    if (high < 0 || high >= MAX_HIGH_WORD) {
      throw new FloeError('CORRUPT', `The position delete file holds the position ${values[row]}: rewrite the deletes of the table`, { file: file.filePath })
    }
    return high * TWO_TO_32 + (words[row * 2]! >>> 0)
  }
  for (let row = from; row < to; ) {
    const first = at(row)
    let next = row + 1
    while (next < to && at(next) === first + next - row) next++
    if (next - row >= LONG_RUN) bitmap.addRange(first, first + next - row)
    else for (let position = first; position < first + next - row; position++) bitmap.add(position)
    row = next
  }
}
