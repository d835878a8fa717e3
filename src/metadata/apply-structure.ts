/** Updates of schemas, partition specs and sort orders. Source: `TableMetadata.Builder` of the reference. */
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import { isEquivalentSpec } from '../partition/spec-validation.js'
import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import type { MetadataDraft } from './metadata-draft.js'
import { sameOrder } from './structure-updates.js'
import { checkSchemaVersion, checkSortOrder, checkSpec, hasSequentialIds, lastAssignedFieldId } from './structure-rules.js'

const LAST_ADDED = -1

/** Adds the schema under a new id, unless an equal one exists. Ids of columns are the caller's; `lastColumnId` never falls. */
export function addSchema(draft: MetadataDraft, schema: Schema, lastColumnId: number): void {
  if (lastColumnId < draft.lastColumnId) {
    throw new FloeError('INVALID', `last-column-id would fall from ${draft.lastColumnId} to ${lastColumnId}: column ids are never reused`)
  }
  checkSchemaVersion(schema, draft.formatVersion)
  const equal = [...draft.schemas.values()].find((other) => other.sameAs(schema))
  if (equal !== undefined && lastColumnId === draft.lastColumnId) {
    // An equal schema of an earlier commit is not «last added»: -1 then has no meaning.
    const isOurs = draft.lastAddedSchemaId !== undefined && draft.addedSchemaIds.has(equal.schemaId)
    draft.lastAddedSchemaId = isOurs ? equal.schemaId : undefined
    return
  }
  const schemaId = equal?.schemaId ?? nextId(draft.schemas.keys(), Math.max(0, draft.currentSchemaId))
  draft.lastColumnId = lastColumnId
  if (equal === undefined) draft.schemas.set(schemaId, schema.withId(schemaId))
  draft.addedSchemaIds.add(schemaId)
  draft.lastAddedSchemaId = schemaId
  draft.changed = true
}

export function setCurrentSchema(draft: MetadataDraft, schemaId: number): void {
  const id = schemaId === LAST_ADDED ? lastAdded(draft.lastAddedSchemaId, 'schema') : schemaId
  if (id === draft.currentSchemaId) return
  if (!draft.schemas.has(id)) throw new FloeError('INVALID', `cannot set the current schema to ${id}: the table has no such schema`)
  draft.currentSchemaId = id
  draft.changed = true
}

/** Removes schemas that exist. Throws `INVALID` for the current one. */
export function removeSchemas(draft: MetadataDraft, schemaIds: readonly number[]): void {
  if (schemaIds.includes(draft.currentSchemaId)) {
    throw new FloeError('INVALID', `cannot remove schema ${draft.currentSchemaId}: it is the current one`)
  }
  for (const id of schemaIds) draft.schemas.delete(id)
  draft.changed ||= schemaIds.length > 0
}

/** Adds the spec under a new id, unless a compatible one exists. Field ids are kept. */
export function addSpec(draft: MetadataDraft, spec: PartitionSpec): void {
  const equal = [...draft.partitionSpecs.values()].find((other) => isEquivalentSpec(other, spec))
  if (equal !== undefined) {
    const isOurs = draft.lastAddedSpecId !== undefined && draft.addedSpecIds.has(equal.specId)
    draft.lastAddedSpecId = isOurs ? equal.specId : undefined
    return
  }
  checkSpec(spec, comingSchema(draft))
  // Spec: Partition Evolution: v1 readers take the position of a field for its id.
  if (draft.formatVersion === 1 && !hasSequentialIds(spec)) {
    throw new FloeError('INVALID', 'a v1 table needs partition field ids 1000, 1001, … in order: keep dropped fields as void, or upgrade to v2')
  }
  const specId = nextId(draft.partitionSpecs.keys(), 0)
  draft.partitionSpecs.set(specId, { ...spec, specId })
  draft.lastPartitionId = Math.max(draft.lastPartitionId, lastAssignedFieldId(spec))
  draft.addedSpecIds.add(specId)
  draft.lastAddedSpecId = specId
  draft.changed = true
}

export function setDefaultSpec(draft: MetadataDraft, specId: number): void {
  const id = specId === LAST_ADDED ? lastAdded(draft.lastAddedSpecId, 'partition spec') : specId
  if (id === draft.defaultSpecId) return
  if (!draft.partitionSpecs.has(id)) throw new FloeError('INVALID', `cannot set the default spec to ${id}: the table has no such spec`)
  draft.defaultSpecId = id
  draft.changed = true
}

/** Removes specs. Throws `INVALID` for the default one. */
export function removeSpecs(draft: MetadataDraft, specIds: readonly number[]): void {
  if (specIds.includes(draft.defaultSpecId)) {
    throw new FloeError('INVALID', `cannot remove partition spec ${draft.defaultSpecId}: it is the default one`)
  }
  for (const id of specIds) draft.partitionSpecs.delete(id)
  draft.changed ||= specIds.length > 0
}

/** Adds the order under a new id, unless an equal one exists; an order without fields has id 0. */
export function addSortOrder(draft: MetadataDraft, order: SortOrder): void {
  // Spec: Sorting: order id 0 is reserved for the unsorted order.
  const equal = [...draft.sortOrders.values()].find((other) => sameOrder(other, order))
  if (equal !== undefined) {
    const isOurs = draft.lastAddedSortOrderId !== undefined && draft.addedSortOrderIds.has(equal.orderId)
    draft.lastAddedSortOrderId = isOurs ? equal.orderId : undefined
    return
  }
  checkSortOrder(order, comingSchema(draft))
  const orderId = order.fields.length === 0 ? 0 : nextId(draft.sortOrders.keys(), 1)
  draft.sortOrders.set(orderId, { ...order, orderId })
  draft.addedSortOrderIds.add(orderId)
  draft.lastAddedSortOrderId = orderId
  draft.changed = true
}

export function setDefaultSortOrder(draft: MetadataDraft, sortOrderId: number): void {
  const id = sortOrderId === LAST_ADDED ? lastAdded(draft.lastAddedSortOrderId, 'sort order') : sortOrderId
  if (id === draft.defaultSortOrderId) return
  if (!draft.sortOrders.has(id)) throw new FloeError('INVALID', `cannot set the default sort order to ${id}: the table has no such order`)
  draft.defaultSortOrderId = id
  draft.changed = true
}

/** Throws `INVALID` when the default spec or order does not fit the current schema. */
export function checkDefaults(draft: MetadataDraft): void {
  const schema = currentSchema(draft)
  const spec = draft.partitionSpecs.get(draft.defaultSpecId)
  const order = draft.sortOrders.get(draft.defaultSortOrderId)
  if (spec === undefined) throw new FloeError('INVALID', 'the table has no default partition spec: add-spec and set-default-spec are missing')
  if (order === undefined) throw new FloeError('INVALID', 'the table has no default sort order: add-sort-order and set-default-sort-order are missing')
  checkSpec(spec, schema)
  checkSortOrder(order, schema)
}

/** Of a new table, clients such as DuckDB name the schema's specs and orders before they make it the current one. */
function comingSchema(draft: MetadataDraft): Schema {
  const { schemas, currentSchemaId, lastAddedSchemaId } = draft
  const added = schemas.has(currentSchemaId) || lastAddedSchemaId === undefined ? undefined : schemas.get(lastAddedSchemaId)
  return added ?? currentSchema(draft)
}

function currentSchema(draft: MetadataDraft): Schema {
  const schema = draft.schemas.get(draft.currentSchemaId)
  if (schema === undefined) throw new FloeError('INVALID', 'the table has no current schema: add-schema and set-current-schema come first')
  return schema
}

function lastAdded(id: number | undefined, noun: string): number {
  if (id === undefined) throw new FloeError('INVALID', `-1 means the ${noun} added last, but these updates added none`)
  return id
}

function nextId(taken: Iterable<number>, first: number): number {
  let next = first
  for (const id of taken) if (id >= next) next = id + 1
  return next
}
