import type { RecordBatch } from 'apache-arrow'
import { throwIfAborted } from '../io/aborted.js'
import type { Expression } from '../expression/expression.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { nearestName } from '../arrow/describe-value.js'
import type { PlannedFile } from '../scan/scan-plan.js'
import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import type { DmlContext } from './dml-context.js'
import { readFileRows, type FileRows } from './file-rows.js'
import type { KeyIndex } from './key-index.js'
import { KeyPartitions } from './key-partitions.js'
import { KeyRange } from './key-range.js'
import { keyReader, type KeyReader } from './key-reader.js'
import { planChange } from './row-change.js'
import { SourceRows, type SourceGroup, type SourceRowsOptions } from './source-rows.js'

/**
 * Key columns by name, default: the identifier fields of the schema.
 * @throws FloeError `INVALID` when there are none, or a name is unknown or there twice
 */
export function keyIdsOf(schema: Schema, keys: readonly string[] | undefined): readonly number[] {
  if (keys !== undefined && (!Array.isArray(keys) || keys.some((key) => typeof key !== 'string'))) {
    throw new FloeError('INVALID', "Keys are a list of column names, such as ['id']")
  }
  if (keys === undefined || keys.length === 0) {
    if (schema.identifierFieldIds.length > 0) return schema.identifierFieldIds
    throw new FloeError('INVALID', 'Name the key columns: the schema of the table has no identifier fields')
  }
  const ids = keys.map((key) => {
    const field = schema.findField(key)
    if (field !== undefined) return field.id
    const nearest = nearestName(key, [...schema.fieldIds()].map((id) => schema.pathOf(id)!))
    const hint = nearest === undefined ? '' : `; did you mean ${JSON.stringify(nearest)}?`
    throw new FloeError('INVALID', `The table has no such key column${hint}`, { column: key })
  })
  const twice = ids.findIndex((id, i) => ids.indexOf(id) !== i)
  if (twice >= 0) throw new FloeError('INVALID', 'The key column is named twice', { column: keys[twice]! })
  return ids
}

export interface JoinSourceOptions extends SourceRowsOptions {
  readonly metadata: TableMetadata
  /** The schema of the source's batches. Key columns have the ids of the table's. */
  readonly schema: Schema
  readonly keyIds: readonly number[]
}

/** The rows that are joined to a table, and where rows with their keys can be. Read once, joined as often as it takes. */
export class JoinSource {
  readonly schema: Schema
  readonly keys: KeyReader
  readonly keyIds: readonly number[]
  readonly #rows: SourceRows
  readonly #range: KeyRange
  readonly #partitions: KeyPartitions
  readonly #signal: AbortSignal | undefined
  #added = 0
  #isComplete = false

  constructor(context: Pick<DmlContext, 'runtime'>, options: JoinSourceOptions) {
    const { schema, keyIds, metadata } = options
    this.schema = schema
    this.keyIds = keyIds
    this.keys = keyReader(schema, keyIds)
    this.#rows = new SourceRows(this.keys, context.runtime, options)
    this.#range = new KeyRange(this.keys, schema)
    this.#partitions = new KeyPartitions(metadata, schema, new Set(keyIds))
    this.#signal = options.signal
  }

  /** Rows so far. */
  get rows(): number {
    return this.#added
  }

  /** Takes all rows; what was taken before stays, so that a join that is made again does not read its input again. */
  async take(batches: AsyncIterable<RecordBatch>): Promise<void> {
    if (this.#isComplete) return
    for await (const batch of batches) {
      throwIfAborted(this.#signal)
      this.#range.add(batch)
      this.#partitions.add(batch)
      this.#added += batch.numRows
      await this.#rows.add(batch)
    }
    this.#isComplete = true
  }

  groups(): AsyncGenerator<SourceGroup, void, undefined> {
    return this.#rows.groups()
  }

  /** Selects all rows of the table that have a key of the source, and some others. */
  filter(): Expression {
    return this.#range.filter()
  }

  /** The files of the branch's head that can hold a key of the source. */
  async candidates(context: DmlContext, options: { readonly branch?: string | undefined }): Promise<readonly PlannedFile[]> {
    if (this.#added === 0) return []
    const plan = await planChange(context, this.filter(), { branch: options.branch, signal: this.#signal })
    return [...plan.files()].filter((file) => this.#partitions.mayHold(file) && this.#range.mayBeIn(file.dataFile()))
  }

  async close(): Promise<void> {
    await this.#rows.close()
  }
}

/** Rows of a table, each with the number of its key in an index. */
export interface NumberedRows extends FileRows {
  /** -1 for keys that are not in the index, and for rows without a key. */
  readonly numbers: Int32Array
  readonly hashes: Int32Array
  /** Rows without a key have a 1; `undefined` when every row has one. */
  readonly keyless: Uint8Array | undefined
}

export interface NumberRowsRequest {
  /** The columns to read; those of the keys are among them. */
  readonly projection: Schema
  readonly keyIds: readonly number[]
  readonly index: KeyIndex
  readonly lineage: boolean
  readonly signal?: AbortSignal | undefined
}

/** Reads files and looks up the key of every row. */
export async function* numberRows(
  context: DmlContext,
  files: readonly PlannedFile[],
  request: NumberRowsRequest,
): AsyncGenerator<NumberedRows, void, undefined> {
  const { projection, keyIds, index, lineage, signal } = request
  const keys = keyReader(projection, keyIds)
  for await (const found of readFileRows(context, files, { projection, lineage, signal })) {
    throwIfAborted(signal)
    const block = keys.read(found.batch)
    yield { ...found, numbers: index.find(block), hashes: block.hashes, keyless: block.nulls }
  }
}

/** The columns of a table that hold keys. */
export function keyProjection(metadata: TableMetadata, keyIds: readonly number[]): Schema {
  return currentSchema(metadata).projectIds(idsWithParents(currentSchema(metadata), keyIds))
}

function idsWithParents(schema: Schema, ids: readonly number[]): Set<number> {
  return new Set(ids.flatMap((id) => [id, ...schema.ancestorsOf(id).map((ancestor) => ancestor.id)]))
}
