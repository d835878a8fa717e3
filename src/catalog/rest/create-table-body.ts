import { printPartitionSpec } from '../../partition/partition-spec-json.js'
import { printSortOrder } from '../../partition/sort-order-json.js'
import { printSchema } from '../../schema/schema-json.js'
import type { JsonMembers } from '../../util/json.js'
import type { TableCreation } from '../catalog-backend.js'

/** The body of a request that creates a table. The format version travels as a property. Source: `CreateTableRequest` */
export function createTableBody(name: string, creation: TableCreation, options: { readonly stage?: boolean } = {}): JsonMembers {
  const { schema, spec, sortOrder, formatVersion, location, properties } = creation
  return {
    name,
    ...(location === undefined ? {} : { location }),
    schema: printSchema(schema),
    'partition-spec': printPartitionSpec(spec),
    'write-order': printSortOrder(sortOrder),
    'stage-create': options.stage === true,
    properties: new Map([...properties, ['format-version', String(formatVersion)]]),
  }
}
