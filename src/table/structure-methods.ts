/** Changes of a table's columns, partitioning and properties, as the metadata updates that make them. */
import { currentSchema, defaultSpec } from '../metadata/metadata-lookup.js'
import type { MetadataUpdate } from '../metadata/metadata-update.js'
import { setSchemaUpdates, setSpecUpdates } from '../metadata/structure-updates.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { evolvePartitionSpec, PartitionSpecUpdate } from '../partition/spec-evolution.js'
import { propertyChanges } from '../schema/property-changes.js'
import { SchemaUpdate } from '../schema/schema-evolution.js'
import { textProperties } from './text-properties.js'

/** `update` is called with a builder on the table's current schema. */
export function schemaUpdates(metadata: TableMetadata, update: (schema: SchemaUpdate) => unknown): MetadataUpdate[] {
  const builder = new SchemaUpdate(currentSchema(metadata), {
    lastColumnId: metadata.lastColumnId,
    formatVersion: metadata.formatVersion,
    partitionSourceIds: new Set(defaultSpec(metadata).fields.filter((field) => field.transform !== 'void').flatMap((field) => field.sourceIds)),
  })
  update(builder)
  const changes = builder.changes()
  const properties = propertyChanges(metadata.properties, changes)
  const updates = [...setSchemaUpdates(metadata, changes.schema)]
  if (properties.updates.size > 0) updates.push({ action: 'set-properties', updates: properties.updates })
  if (properties.removals.length > 0) updates.push({ action: 'remove-properties', removals: properties.removals })
  return updates
}

/** `update` is called with a builder on the table's default spec. */
export function specUpdates(metadata: TableMetadata, update: (spec: PartitionSpecUpdate) => unknown): MetadataUpdate[] {
  const builder = new PartitionSpecUpdate()
  update(builder)
  const { formatVersion, defaultSpecId, lastPartitionId } = metadata
  const base = { formatVersion, schema: currentSchema(metadata), specs: metadata.partitionSpecs, defaultSpecId, lastPartitionId }
  return [...setSpecUpdates(metadata, evolvePartitionSpec(base, builder.changes))]
}

/** Properties to be set, and by `null` to be removed. */
export function propertyUpdates(properties: Readonly<Record<string, string | null>>): readonly MetadataUpdate[] {
  const entries = Object.entries(properties)
  const updates = textProperties(Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null)))
  const removals = entries.filter(([, value]) => value === null).map(([name]) => name)
  const changes: MetadataUpdate[] = []
  if (updates.size > 0) changes.push({ action: 'set-properties', updates })
  if (removals.length > 0) changes.push({ action: 'remove-properties', removals })
  return changes
}
