import type { RecordBatch } from 'apache-arrow'
import { bitAt, columnsOf, validityBitmap } from '../../arrow/arrow-data.js'
import type { Chunk } from '../../arrow/arrow-data.js'
import { columnByPath } from '../../arrow/column-by-path.js'
import { HASH_LANES, rowHasher, type HashRows } from '../../arrow/row-hash.js'
import { mergeFields } from '../../deletes/equality-key.js'
import { Schema } from '../../schema/schema.js'
import { FloeError } from '../../util/errors.js'
import type { RowIdentity } from './change-rows.js'

/** Which columns the rows of a changelog are read with, and what is made of them. */
export interface ChangeColumns {
  readonly identity: RowIdentity
  /** The columns that are produced. */
  readonly produced: Schema
  /** The columns of files that are read: those that are produced, then key columns that are not. Without metadata columns. */
  readonly read: Schema
  /** Field ids of the key columns; empty unless rows are identified by keys. */
  readonly keyIds: readonly number[]
}

export interface ChangeColumnsRequest {
  readonly schema: Schema
  /** The columns to produce. */
  readonly projection: Schema
  /** Columns that identify a row; none for an empty list. Default: the schema's identifier fields. */
  readonly keys?: readonly string[] | undefined
  readonly caseSensitive?: boolean | undefined
  /** Whether every row of the range has a row id. */
  readonly hasRowIds: boolean
}

/**
 * How rows are recognised, and which columns that takes.
 * @throws FloeError `NOT_FOUND` for a key column that there is not, `INVALID` for one within a list or map
 */
export function changeColumns(request: ChangeColumnsRequest): ChangeColumns {
  const { schema, projection, keys, caseSensitive = true, hasRowIds } = request
  const keyIds = keys === undefined ? schema.identifierFieldIds : keys.map((key) => schema.requireField(key, { caseSensitive }).id)
  for (const id of keyIds) {
    if (schema.ancestorsOf(id).every((ancestor) => ancestor.type.kind === 'struct')) continue
    throw new FloeError('INVALID', 'A key column must not lie within a list or map: it has no one value a row', { column: schema.pathOf(id)! })
  }
  const fields = mergeFields(projection.fields, schema.projectIds(keyIds).fields)
  const read = keyIds.length === 0 ? projection : new Schema(fields, { schemaId: schema.schemaId })
  const identity = keyIds.length > 0 ? 'keys' : keys === undefined && hasRowIds ? 'row-ids' : 'values'
  return { identity, produced: projection, read, keyIds }
}

/** What identifies the rows of a batch. Hashes take {@link HASH_LANES} words a row. */
export interface RowHashes {
  /** Of all values. */
  readonly values: Int32Array
  /** Of what identifies a row; the same array where that is all of its values. */
  readonly keys: Int32Array
  /** Whether a row has an identity of its own: all but rows without row ids, which only their values tell. */
  hasKey(row: number): boolean
}

/** Hashes rows by what identifies them. Batches have the columns of {@link ChangeColumns.read}, then `_row_id` where row ids identify. */
export class RowIdentifier {
  readonly identity: RowIdentity
  readonly #columns: ChangeColumns
  readonly #seed: number
  readonly #values: HashRows
  readonly #keys: HashRows
  readonly #keyColumns: readonly ((batch: RecordBatch) => Chunk)[]

  constructor(columns: ChangeColumns, seed: number) {
    const { identity, read, keyIds } = columns
    this.identity = identity
    this.#columns = columns
    this.#seed = seed
    this.#values = rowHasher(read.fields.map((field) => field.type), seed)
    this.#keys = rowHasher(identity === 'row-ids' ? [{ kind: 'long' }] : keyIds.map((id) => read.fieldById(id)!.type), seed)
    this.#keyColumns = keyIds.map((id) => columnByPath(read, id))
  }

  /** The same rows told by their values alone. */
  byValues(): RowIdentifier {
    return new RowIdentifier({ ...this.#columns, identity: 'values', keyIds: [] }, this.#seed)
  }

  hash(batch: RecordBatch): RowHashes {
    const chunks = columnsOf(batch)
    const width = this.#columns.read.fields.length
    const values = this.#values(chunks.slice(0, width), batch.numRows)
    if (this.identity === 'values') return { values, keys: values, hasKey: () => true }
    if (this.identity === 'keys') {
      const keys = this.#keys(this.#keyColumns.map((column) => column(batch)), batch.numRows)
      return { values, keys, hasKey: () => true }
    }
    const rowIds = chunks[width]!
    const validity = validityBitmap(rowIds)
    const hasKey = (row: number): boolean => validity === undefined || bitAt(validity, rowIds.offset + row)
    return { values, keys: this.#rowIdHashes(rowIds, values, hasKey), hasKey }
  }

  #rowIdHashes(rowIds: Chunk, values: Int32Array, hasKey: (row: number) => boolean): Int32Array {
    const hashes = this.#keys([rowIds], rowIds.length)
    if (validityBitmap(rowIds) === undefined) return hashes
    for (let row = 0; row < rowIds.length; row++) {
      if (!hasKey(row)) hashes.set(values.subarray(row * HASH_LANES, (row + 1) * HASH_LANES), row * HASH_LANES)
    }
    return hashes
  }
}
