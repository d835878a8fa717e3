import type { DataFile } from '../manifest/data-file.js'
import { currentSchema, defaultSpec } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import { printSchema } from '../schema/schema-json.js'
import { Schema } from '../schema/schema.js'
import { isNested, type NestedField, type Type } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { printJson } from '../util/json.js'
import { type DeleteWriteContext, newDeleteLocations, readDeleteSettings } from './delete-file-context.js'
import { EncodedRatio } from './encoded-ratio.js'
import { FanoutWriter } from './fanout-writer.js'
import type { WriteInput } from './input-items.js'
import { inputBatches, type InputOptions } from './input-rows.js'
import { type FileWriterContext, PartitionFileWriter } from './partition-file-writer.js'
import { RowPartitioner } from './partition-rows.js'

/** Names the key: by columns, or by the field ids that stay when columns are renamed. */
export type EqualityKey =
  | { readonly columns: readonly string[]; readonly equalityIds?: undefined }
  | { readonly columns?: undefined; readonly equalityIds: readonly number[] }

export type EqualityDeleteRequest = EqualityKey & DeleteWriteContext & InputOptions & {
  /**
   * `partition`: each row deletes in the partition that it belongs to itself, so the columns that the table is partitioned by must
   * be given with it. `global`: in all partitions; needs an unpartitioned spec among the table's. Default `partition`.
   */
  readonly scope?: 'partition' | 'global' | undefined
  /** One of the table's sort orders, over columns that are written. Default: 0, unsorted. */
  readonly sortOrderId?: number | undefined
  /** Bytes of rows held in memory over all partitions. Default 64 MiB. */
  readonly memoryBudgetBytes?: number | undefined
}

const DEFAULT_MEMORY_BUDGET_BYTES = 64 * 2 ** 20
const MAX_OPEN_FILES = 256

/**
 * Writes keys of rows to delete, without looking the rows up: every older row of the same key is deleted, where null equals null.
 * Rows have the key columns, and those that the table is partitioned by. Nothing is committed.
 * Spec: Equality Delete Files. Source: Java `EqualityDeleteWriter`
 *
 * @throws FloeError `INVALID` for a key that cannot be one, for bad rows, and in a table of format version 1
 */
export async function writeEqualityDeletes(input: WriteInput, request: EqualityDeleteRequest): Promise<readonly DataFile[]> {
  const equalityIds = resolveKey(request)
  const context = writerContext(request, equalityIds)
  const fanout = new FanoutWriter(new RowPartitioner(context.spec, context.schema), {
    memoryBudgetBytes: request.memoryBudgetBytes ?? DEFAULT_MEMORY_BUDGET_BYTES,
    maxOpenFiles: MAX_OPEN_FILES,
    openWriter: (partition) => new PartitionFileWriter(context, partition),
  })
  try {
    for await (const batch of inputBatches(input, context.schema, request)) await fanout.write(batch)
    const files = await fanout.close()
    return files.map((file) => ({ ...file, content: 'equality-deletes', equalityIds }))
  } catch (error) {
    await fanout.abort()
    throw error
  }
}

function resolveKey(request: EqualityDeleteRequest): readonly number[] {
  const { metadata, columns } = request
  if (metadata.formatVersion < 2) {
    throw new FloeError('INVALID', 'Equality deletes need format version 2 or later, and the table has 1: rewrite the data files')
  }
  const schema = currentSchema(metadata)
  const ids = columns === undefined ? request.equalityIds : columns.map((column) => schema.requireField(column).id)
  if (ids.length === 0) throw new FloeError('INVALID', 'An equality delete needs at least one key column: name some')
  if (new Set(ids).size !== ids.length) throw new FloeError('INVALID', `The key of an equality delete names a column twice: ${ids.join(', ')}`)
  for (const id of ids) checkKeyField(schema, id)
  return ids
}

function checkKeyField(schema: Schema, id: number): void {
  const field = schema.fieldById(id)
  const column = schema.pathOf(id)
  if (field === undefined || column === undefined) throw new FloeError('INVALID', `The table has no column of id ${id}: equality deletes need columns of its schema`)
  const isInside = schema.ancestorsOf(id).some(({ type }) => type.kind !== 'struct')
  if (isInside || !isKeyType(field.type)) {
    throw new FloeError('INVALID', `A key column of an equality delete has a primitive type and lies outside of lists and maps; ${column} does not`, { column })
  }
}

function isKeyType(type: Type): boolean {
  return !isNested(type) && type.kind !== 'variant' && type.kind !== 'geometry' && type.kind !== 'geography' && type.kind !== 'unknown'
}

function writerContext(request: EqualityDeleteRequest, equalityIds: readonly number[]): FileWriterContext {
  const { metadata, io, engine, signal } = request
  const spec = request.scope === 'global' ? unpartitionedSpec(metadata) : defaultSpec(metadata)
  const schema = fileSchema(currentSchema(metadata), [...equalityIds, ...spec.fields.flatMap((field) => field.sourceIds)])
  const sortOrder = sortOrderOf(metadata, request.sortOrderId ?? 0, schema)
  const newLocation = newDeleteLocations(request, 'parquet')
  return {
    engine,
    io,
    schema,
    spec,
    sortOrder,
    sortsRows: true,
    settings: readDeleteSettings(metadata, schema, sortOrder),
    newLocation: (partition) => newLocation({ specId: spec.specId, partition }),
    keyValueMetadata: new Map([
      ['iceberg.schema', printJson(printSchema(schema))],
      ['delete-type', 'equality'],
      ['delete-field-ids', equalityIds.join(', ')],
    ]),
    encodedRatio: new EncodedRatio(),
    signal,
  }
}

// Spec: Equality Delete Files: those of an unpartitioned spec apply to every partition
function unpartitionedSpec(metadata: TableMetadata): PartitionSpec {
  const spec = metadata.partitionSpecs.find((candidate) => candidate.fields.length === 0)
  if (spec !== undefined) return spec
  throw new FloeError('INVALID', 'Deletes in all partitions need an unpartitioned spec, and the table never had one: delete by partition')
}

function sortOrderOf(metadata: TableMetadata, orderId: number, schema: Schema): SortOrder {
  if (orderId === 0) return { orderId: 0, fields: [] }
  const order = metadata.sortOrders.find((candidate) => candidate.orderId === orderId)
  if (order?.fields.every(({ sourceIds }) => sourceIds.every((id) => schema.fieldById(id) !== undefined)) === true) return order
  throw new FloeError('INVALID', `Equality deletes cannot be sorted by order ${orderId}: take one of the table's, over the columns that are written`)
}

/** Without defaults: a member that is left out of a key is null, never the default of new rows. */
function fileSchema(schema: Schema, ids: readonly number[]): Schema {
  return new Schema(schema.selectIds(ids).fields.map(withoutDefaults), { schemaId: schema.schemaId })
}

function withoutDefaults(field: NestedField): NestedField {
  const { id, name, type, required, doc } = field
  const plain = type.kind === 'struct' ? { ...type, fields: type.fields.map(withoutDefaults) } : type
  return { id, name, type: plain, required, ...(doc === undefined ? {} : { doc }) }
}
