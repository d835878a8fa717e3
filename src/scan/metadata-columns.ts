import type { RecordBatch } from 'apache-arrow'
import { bitAt, columnsOf, fixedChunk, fixedValues, makeBatch, validityBitmap } from '../arrow/arrow-data.js'
import type { Chunk } from '../arrow/arrow-data.js'
import { type arrowSchema, arrowType } from '../arrow/arrow-schema.js'
import { constantChunk } from '../arrow/constant-chunk.js'
import { sliceChunk } from '../arrow/take.js'
import {
  FILE_PATH_FIELD,
  IS_DELETED_FIELD,
  LAST_UPDATED_SEQUENCE_NUMBER_FIELD,
  PARTITION_FIELD_ID,
  ROW_ID_FIELD,
  ROW_POSITION_FIELD,
  SPEC_ID_FIELD,
} from '../schema/reserved-fields.js'
import type { NestedField, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { storedLineage } from './metadata-fields.js'

/** What metadata columns say of a file. */
export interface MetadataSource {
  readonly filePath: string
  readonly specId: number
  /** In the order of the spec's fields, whose ids are `partitionFieldIds`. */
  readonly partition: readonly Value[]
  readonly partitionFieldIds: readonly number[]
  /** Data sequence number. */
  readonly sequenceNumber: bigint
  readonly firstRowId: bigint | undefined
}

/** Some rows of a file. */
export interface SourceRows {
  readonly count: number
  /** Position of row 0 of the batch that the rows are of. */
  readonly firstPosition: number
  /** Which rows of that batch they are; undefined for the first `count`. */
  readonly selected: Uint32Array | undefined
  /** 1 where a row is deleted; undefined where none is. */
  readonly deleted: Uint8Array | undefined
  /** The columns of {@link storedLineage}, of these rows. */
  readonly stored: readonly Chunk[]
}

/** Makes the metadata columns of one file's rows. */
export class MetadataColumns {
  readonly #fields: readonly NestedField[]
  readonly #stored: readonly NestedField[]
  readonly #source: MetadataSource
  readonly #constants = new Map<number, Chunk>()

  constructor(fields: readonly NestedField[], source: MetadataSource) {
    this.#fields = fields
    this.#stored = storedLineage(fields)
    this.#source = source
  }

  /** `batch` with the metadata columns after its own; `schema`: that of the result. */
  append(batch: RecordBatch, schema: ReturnType<typeof arrowSchema>, rows: SourceRows): RecordBatch {
    return makeBatch(schema, batch.numRows, [...columnsOf(batch), ...this.#fields.map((field) => this.#column(field, rows))])
  }

  #column(field: NestedField, rows: SourceRows): Chunk {
    const { filePath, specId, partition, partitionFieldIds } = this.#source
    switch (field.id) {
      case ROW_POSITION_FIELD.id:
        return longChunk(field, positions(rows, 0n))
      case IS_DELETED_FIELD.id:
        return booleanChunk(field, rows)
      case ROW_ID_FIELD.id:
        return this.#rowIds(field, rows)
      case LAST_UPDATED_SEQUENCE_NUMBER_FIELD.id:
        return this.#lastUpdated(field, rows)
      case FILE_PATH_FIELD.id:
        return this.#constant(field, filePath, rows.count)
      case SPEC_ID_FIELD.id:
        return this.#constant(field, specId, rows.count)
      case PARTITION_FIELD_ID:
        return this.#constant(field, new Map(partitionFieldIds.map((id, index) => [id, partition[index] ?? null])), rows.count)
      default:
        throw new FloeError('INVALID', 'This is no metadata column', { column: field.name })
    }
  }

  /** Spec: Row lineage assignment › «When null, a row's `_row_id` field is assigned to the `first_row_id` … plus the row position» */
  #rowIds(field: NestedField, rows: SourceRows): Chunk {
    const { firstRowId } = this.#source
    const stored = this.#storedColumn(field, rows)
    return firstRowId === undefined ? stored : longChunk(field, preferStored(stored, positions(rows, firstRowId)))
  }

  /**
   * Spec: Row lineage assignment › «if `_last_updated_sequence_number` is null it is assigned the `sequence_number` of the data file's
   * manifest entry»; where a file has no row ids, as in snapshots from before the upgrade, nothing is inherited, as in the reference
   */
  #lastUpdated(field: NestedField, rows: SourceRows): Chunk {
    const { firstRowId, sequenceNumber } = this.#source
    const stored = this.#storedColumn(field, rows)
    if (firstRowId === undefined) return stored
    if (stored.nullCount === stored.length) return this.#constant(field, sequenceNumber, rows.count)
    return longChunk(field, preferStored(stored, new BigInt64Array(rows.count).fill(sequenceNumber)))
  }

  #storedColumn(field: NestedField, rows: SourceRows): Chunk {
    return rows.stored[this.#stored.indexOf(field)]!
  }

  /** Batches of a file mostly have one size, and can share their constant columns. */
  #constant(field: NestedField, value: Value, count: number): Chunk {
    let chunk = this.#constants.get(field.id)
    if (chunk === undefined || chunk.length < count) {
      chunk = constantChunk(field.type, value, count)
      this.#constants.set(field.id, chunk)
    }
    return sliceChunk(chunk, 0, count)
  }
}

function longChunk(field: NestedField, values: BigInt64Array): Chunk {
  return fixedChunk(arrowType(field.type), values.length, values)
}

function booleanChunk(field: NestedField, { count, deleted }: SourceRows): Chunk {
  const bits = new Uint8Array((count + 7) >> 3)
  if (deleted !== undefined) for (let row = 0; row < count; row++) bits[row >> 3]! |= deleted[row]! << (row & 7)
  return fixedChunk(arrowType(field.type), count, bits)
}

const TWO_TO_32 = 2 ** 32

/** The positions of rows, each plus `base`. */
function positions({ count, firstPosition, selected }: SourceRows, base: bigint): BigInt64Array {
  const values = new BigInt64Array(count)
  const first = base + BigInt(firstPosition)
  if (first >= 0n && first + 0xffff_ffffn <= BigInt(Number.MAX_SAFE_INTEGER)) {
    fillWords(new Int32Array(values.buffer), Number(first), selected)
  } else for (let row = 0; row < count; row++) values[row] = first + BigInt(selected === undefined ? row : selected[row]!)
  return values
}

/** As words: no bigint a row. `words`: low and high in turn. */
function fillWords(words: Int32Array, start: number, selected: Uint32Array | undefined): void {
  const count = words.length / 2
  const [low, high] = [start % TWO_TO_32, Math.floor(start / TWO_TO_32)]
  const last = count === 0 ? 0 : (selected?.[count - 1] ?? count - 1)
  if (low + last >= TWO_TO_32) {
    for (let row = 0; row < count; row++) {
      const position = start + (selected === undefined ? row : selected[row]!)
      words[row * 2] = position | 0
      words[row * 2 + 1] = position / TWO_TO_32
    }
  } else if (selected === undefined) {
    for (let row = 0, word = low | 0; row < count; row++, word = (word + 1) | 0) {
      words[row * 2] = word
      words[row * 2 + 1] = high
    }
  } else {
    for (let row = 0; row < count; row++) {
      words[row * 2] = (low + selected[row]!) | 0
      words[row * 2 + 1] = high
    }
  }
}

/** What a file stores wins over what its rows inherit. */
function preferStored(stored: Chunk, inherited: BigInt64Array): BigInt64Array {
  if (stored.nullCount === stored.length) return inherited
  const values = fixedValues<BigInt64Array>(stored)
  const validity = validityBitmap(stored)
  for (let row = 0; row < inherited.length; row++) {
    if (validity === undefined || bitAt(validity, stored.offset + row)) inherited[row] = values[row]!
  }
  return inherited
}
