/**
 * The updates that make a schema, spec or order the table's current one. What the table has already is only pointed to:
 * «the one added last» (-1) does not stand for something that was there before.
 */
import type { PartitionSpec, SortField, SortOrder } from '../partition/partition-spec.js'
import { isEquivalentSpec } from '../partition/spec-validation.js'
import type { Schema } from '../schema/schema.js'
import type { MetadataUpdate } from './metadata-update.js'
import type { TableMetadata } from './table-metadata.js'

const LAST_ADDED = -1

/** Makes `schema` current. Its ids are the caller's: new ones lie above `last-column-id`. */
export function setSchemaUpdates(base: TableMetadata, schema: Schema): readonly MetadataUpdate[] {
  const equal = base.schemas.find((other) => other.sameAs(schema))
  if (equal !== undefined) return [{ action: 'set-current-schema', schemaId: equal.schemaId }]
  return [
    { action: 'add-schema', schema, lastColumnId: Math.max(base.lastColumnId, schema.highestFieldId()) },
    { action: 'set-current-schema', schemaId: LAST_ADDED },
  ]
}

/** Makes `spec` the default for new files. */
export function setSpecUpdates(base: TableMetadata, spec: PartitionSpec): readonly MetadataUpdate[] {
  const equal = base.partitionSpecs.find((other) => isEquivalentSpec(other, spec))
  if (equal !== undefined) return [{ action: 'set-default-spec', specId: equal.specId }]
  return [
    { action: 'add-spec', spec },
    { action: 'set-default-spec', specId: LAST_ADDED },
  ]
}

/** Makes `sortOrder` the default for new files. */
export function setSortOrderUpdates(base: TableMetadata, sortOrder: SortOrder): readonly MetadataUpdate[] {
  const equal = base.sortOrders.find((other) => sameOrder(other, sortOrder))
  if (equal !== undefined) return [{ action: 'set-default-sort-order', sortOrderId: equal.orderId }]
  return [
    { action: 'add-sort-order', sortOrder },
    { action: 'set-default-sort-order', sortOrderId: LAST_ADDED },
  ]
}

/** Same sort fields, whatever the ids of the orders. */
export function sameOrder(left: SortOrder, right: SortOrder): boolean {
  return (
    left.fields.length === right.fields.length &&
    left.fields.every((field, i) => {
      const other = right.fields[i]!
      return field.direction === other.direction && field.nullOrder === other.nullOrder && sameTerm(field, other)
    })
  )
}

function sameTerm(left: SortField, right: SortField): boolean {
  return left.transform === right.transform && left.sourceIds.join() === right.sourceIds.join()
}
