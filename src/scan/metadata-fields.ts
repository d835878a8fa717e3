import type { TableMetadata } from '../metadata/table-metadata.js'
import { unifiedPartitionType } from '../partition/partition-type.js'
import { LAST_UPDATED_SEQUENCE_NUMBER_FIELD, metadataColumn, metadataColumnNames, partitionField, ROW_ID_FIELD } from '../schema/reserved-fields.js'
import type { Schema } from '../schema/schema.js'
import type { NestedField } from '../schema/type.js'
import { FloeError } from '../util/errors.js'

/**
 * The metadata columns of these names, in this order, as fields of a scan's result.
 *
 * @throws FloeError `INVALID` for a name that is none, that is asked for twice, or that a column of `projection` has too: the
 * reference refuses those as well
 */
export function metadataFields(
  names: readonly string[],
  metadata: TableMetadata,
  schema: Schema,
  projection: Schema,
): readonly NestedField[] {
  return names.map((name, index) => {
    const field = name === '_partition' ? partitionField(unifiedPartitionType(metadata.partitionSpecs, schema, metadata.schemas)) : metadataColumn(name)
    if (field === undefined) {
      throw new FloeError('INVALID', `There is no metadata column ${JSON.stringify(name)}; there are ${metadataColumnNames().join(', ')}`, { column: name })
    }
    if (names.indexOf(name) !== index) throw new FloeError('INVALID', 'The metadata column is asked for twice: name it once', { column: name })
    if (projection.fields.some((column) => column.name === name)) {
      throw new FloeError('INVALID', 'The table has a column of this name, which hides the metadata column: rename it, or do not select it', { column: name })
    }
    return field
  })
}

/** Columns of data files that metadata columns are made of, where they are asked for. Spec: Row Lineage */
export function storedLineage(fields: readonly NestedField[]): readonly NestedField[] {
  return fields.filter(({ id }) => id === ROW_ID_FIELD.id || id === LAST_UPDATED_SEQUENCE_NUMBER_FIELD.id)
}
