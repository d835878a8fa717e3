/** Parts of table metadata by what points to them. */
import type { PartitionSpec, SortOrder } from '../partition/partition-spec.js'
import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import type { TableMetadata } from './table-metadata.js'

/** The schema that new rows are written with. */
export function currentSchema(metadata: Pick<TableMetadata, 'schemas' | 'currentSchemaId'>): Schema {
  return schemaById(metadata, metadata.currentSchemaId)
}

/** The spec that new files are written with. */
export function defaultSpec(metadata: Pick<TableMetadata, 'partitionSpecs' | 'defaultSpecId'>): PartitionSpec {
  return specById(metadata, metadata.defaultSpecId)
}

/** The order that new rows are sorted by. */
export function defaultSortOrder(metadata: Pick<TableMetadata, 'sortOrders' | 'defaultSortOrderId'>): SortOrder {
  const order = metadata.sortOrders.find((candidate) => candidate.orderId === metadata.defaultSortOrderId)
  if (order === undefined) throw new FloeError('CORRUPT', `the table has no sort order ${metadata.defaultSortOrderId}, which is its default`)
  return order
}

/** Throws `CORRUPT`: a snapshot refers to a schema that the table does not have. */
export function schemaById(metadata: Pick<TableMetadata, 'schemas'>, schemaId: number): Schema {
  const schema = metadata.schemas.find((candidate) => candidate.schemaId === schemaId)
  if (schema === undefined) throw new FloeError('CORRUPT', `the table has no schema ${schemaId}, which a snapshot refers to`)
  return schema
}

/** Throws `CORRUPT`: a manifest was written with a spec that the table does not have. */
export function specById(metadata: Pick<TableMetadata, 'partitionSpecs'>, specId: number): PartitionSpec {
  const spec = metadata.partitionSpecs.find((candidate) => candidate.specId === specId)
  if (spec === undefined) throw new FloeError('CORRUPT', `the table has no partition spec ${specId}, which a manifest was written with`)
  return spec
}
