/** The first metadata of a table, and the updates that replace one. Source: `TableMetadata.newTableMetadata`, `buildReplacement` */
import type { PartitionField, PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import { checkPartitionSpec } from '../partition/spec-validation.js'
import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import { applyUpdates } from './apply-updates.js'
import { freshSchema } from './fresh-schema.js'
import type { MetadataUpdate } from './metadata-update.js'
import { setSchemaUpdates, setSortOrderUpdates, setSpecUpdates } from './structure-updates.js'
import { UNPARTITIONED_LAST_ID } from './structure-rules.js'
import type { FormatVersion, TableMetadata } from './table-metadata.js'
import { RESERVED_PROPERTIES, validateCommitProperties } from './table-properties.js'

/** What a new table is made of. Ids in `schema`, `spec` and `sortOrder` only need to agree with each other. */
export interface NewTable {
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly sortOrder: SortOrder
  readonly formatVersion: FormatVersion
  readonly location: string
  readonly properties: ReadonlyMap<string, string>
}

export interface NewTableOptions {
  readonly uuid: string
  /** Milliseconds since 1970 UTC. */
  readonly now: number
}

/**
 * Metadata of a table without snapshots: column ids from 1, partition field ids from 1000, reserved properties left out.
 * Throws `INVALID` for a schema, spec, order or property that does not fit.
 */
export function newTableMetadata(table: NewTable, options: NewTableOptions): TableMetadata {
  return applyUpdates(undefined, newTableUpdates(table, options.uuid), { now: options.now })
}

/** The updates that make a new table, as a REST catalog takes them. */
export function newTableUpdates(table: NewTable, uuid: string): readonly MetadataUpdate[] {
  const { schema, newIds, lastColumnId } = freshSchema(table.schema)
  const properties = persistedProperties(table.properties)
  const spec = freshSpec(table.spec, newIds)
  validateCommitProperties(properties)
  checkPartitionSpec(spec, schema)
  return [
    { action: 'assign-uuid', uuid },
    { action: 'upgrade-format-version', formatVersion: table.formatVersion },
    { action: 'add-schema', schema, lastColumnId },
    { action: 'set-current-schema', schemaId: -1 },
    { action: 'add-spec', spec },
    { action: 'set-default-spec', specId: -1 },
    { action: 'add-sort-order', sortOrder: rebaseSortOrder(table.sortOrder, newIds) },
    { action: 'set-default-sort-order', sortOrderId: -1 },
    { action: 'set-location', location: table.location },
    { action: 'set-properties', updates: properties },
  ]
}

/** The updates that make a table of what a catalog has staged for it: ids as they are. Source: `RESTSessionCatalog.createChanges` */
export function stagedTableUpdates(staged: TableMetadata): readonly MetadataUpdate[] {
  const schema = staged.schemas.find((candidate) => candidate.schemaId === staged.currentSchemaId)!
  const spec = staged.partitionSpecs.find((candidate) => candidate.specId === staged.defaultSpecId)!
  const sortOrder = staged.sortOrders.find((candidate) => candidate.orderId === staged.defaultSortOrderId)!
  return [
    ...(staged.tableUuid === undefined ? [] : [{ action: 'assign-uuid', uuid: staged.tableUuid } as const]),
    { action: 'upgrade-format-version', formatVersion: staged.formatVersion },
    { action: 'add-schema', schema, lastColumnId: staged.lastColumnId },
    { action: 'set-current-schema', schemaId: -1 },
    { action: 'add-spec', spec },
    { action: 'set-default-spec', specId: -1 },
    { action: 'add-sort-order', sortOrder },
    { action: 'set-default-sort-order', sortOrderId: -1 },
    { action: 'set-location', location: staged.location },
    { action: 'set-properties', updates: staged.properties },
  ]
}

/**
 * The updates that replace a table's schema, spec, order, location and contents, and keep its history: columns of the same
 * name keep their ids, and so do equal partition fields. Nothing is removed but the branch `main`.
 */
export function replaceTableUpdates(base: TableMetadata, table: NewTable): readonly MetadataUpdate[] {
  const existing = base.schemas.find((schema) => schema.schemaId === base.currentSchemaId)
  const { schema, newIds } = freshSchema(table.schema, { existing, lastColumnId: base.lastColumnId })
  const formatVersion = Math.max(table.formatVersion, base.formatVersion) as FormatVersion
  const rebased = rebaseFields(table.spec.fields, newIds)
  const fields = base.formatVersion > 1 ? reusePartitionIds(rebased, base) : carryFieldsForward(rebased, base)
  return [
    { action: 'upgrade-format-version', formatVersion },
    { action: 'remove-snapshot-ref', name: 'main' },
    ...setSchemaUpdates(base, schema),
    ...setSpecUpdates(base, { specId: 0, fields }),
    ...setSortOrderUpdates(base, rebaseSortOrder(table.sortOrder, newIds)),
    { action: 'set-location', location: table.location },
    { action: 'set-properties', updates: persistedProperties(table.properties) },
  ]
}

/** zstd is the default of new tables only: older ones stay with what they were written with. */
function persistedProperties(properties: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const persisted = new Map([['write.parquet.compression-codec', 'zstd']])
  for (const [name, value] of properties) if (!RESERVED_PROPERTIES.has(name)) persisted.set(name, value)
  return persisted
}

function freshSpec(spec: PartitionSpec, newIds: ReadonlyMap<number, number>): PartitionSpec {
  return { specId: 0, fields: rebaseFields(spec.fields, newIds).map((field, i) => ({ ...field, fieldId: UNPARTITIONED_LAST_ID + 1 + i })) }
}

function rebaseFields(fields: readonly PartitionField[], newIds: ReadonlyMap<number, number>): readonly PartitionField[] {
  return fields.map((field) => ({ ...field, sourceIds: rebaseIds(field.sourceIds, newIds, `partition field ${field.name}`) }))
}

function rebaseSortOrder(order: SortOrder, newIds: ReadonlyMap<number, number>): SortOrder {
  const fields = order.fields.map((field) => ({ ...field, sourceIds: rebaseIds(field.sourceIds, newIds, `sort field ${field.transform}`) }))
  return { orderId: fields.length === 0 ? 0 : 1, fields }
}

function rebaseIds(ids: readonly number[], newIds: ReadonlyMap<number, number>, user: string): readonly number[] {
  return ids.map((id) => {
    const newId = newIds.get(id)
    if (newId === undefined) throw new FloeError('INVALID', `the source column ${id} of ${user} is not in the schema`)
    return newId
  })
}

// Spec: Partition Evolution: equal fields of different specs have the same id.
function reusePartitionIds(fields: readonly PartitionField[], base: TableMetadata): readonly PartitionField[] {
  const known = new Map<string, number>()
  for (const field of base.partitionSpecs.flatMap((spec) => spec.fields)) {
    known.set(fieldKey(field), Math.max(known.get(fieldKey(field)) ?? 0, field.fieldId))
  }
  let last = base.lastPartitionId
  return fields.map((field) => ({ ...field, fieldId: known.get(fieldKey(field)) ?? ++last }))
}

// Spec: Partition Evolution: a v1 spec keeps every field that ever was in it, as void once it is dropped.
function carryFieldsForward(fields: readonly PartitionField[], base: TableMetadata): readonly PartitionField[] {
  const spec = base.partitionSpecs.find((candidate) => candidate.specId === base.defaultSpecId)
  const remaining = new Map(fields.map((field) => [fieldKey(field), field]))
  const names = new Set(fields.map((field) => field.name))
  const carried = (spec?.fields ?? []).map((field): PartitionField => {
    const kept = remaining.get(fieldKey(field))
    if (kept !== undefined && remaining.delete(fieldKey(field))) return { ...kept, fieldId: field.fieldId }
    return { ...field, name: names.has(field.name) ? `${field.name}_${field.fieldId}` : field.name, transform: 'void' }
  })
  let last = base.lastPartitionId
  return [...carried, ...[...remaining.values()].map((field) => ({ ...field, fieldId: ++last }))]
}

function fieldKey(field: PartitionField): string {
  return `${field.sourceIds.join(',')}:${field.transform}`
}
