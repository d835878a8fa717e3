/** Columns that every table has without storing them, and columns of delete and change files. Spec: Reserved Field IDs */
import type { NestedField, StructType, Type } from './type.js'

/** Tables must not use field ids above this one. */
export const MAX_USER_FIELD_ID = 2147483447

/** Location of the file that holds the row. */
export const FILE_PATH_FIELD = reserved(2147483646, '_file', 'string', 'Path of the file in which a row is stored')
/** Ordinal of the row in its file, from 0. */
export const ROW_POSITION_FIELD = reserved(2147483645, '_pos', 'long', 'Ordinal position of a row in the source data file')
/** Whether the row has been deleted. */
export const IS_DELETED_FIELD = reserved(2147483644, '_deleted', 'boolean', 'Whether the row has been deleted')
/** Id of the partition spec of the file that holds the row. */
export const SPEC_ID_FIELD = reserved(2147483643, '_spec_id', 'int', 'Spec ID used to track the file containing a row')
/** The id of `_partition`, whose type depends on the table: see {@link partitionField}. */
export const PARTITION_FIELD_ID = 2147483642

/** Position delete files: location of the data file. */
export const DELETE_FILE_PATH_FIELD = reserved(2147483546, 'file_path', 'string', 'Path of a file in which a deleted row is stored')
/** Position delete files: ordinal of the deleted row. */
export const DELETE_FILE_POS_FIELD = reserved(2147483545, 'pos', 'long', 'Ordinal position of a deleted row in the data file')
/** The id of `row` in position delete files, a struct of the table's columns. */
export const DELETE_FILE_ROW_FIELD_ID = 2147483544

/** Changelogs: INSERT, DELETE, UPDATE_BEFORE or UPDATE_AFTER. */
export const CHANGE_TYPE_FIELD = reserved(2147483543, '_change_type', 'string', 'Record type in changelog')
export const CHANGE_ORDINAL_FIELD = optional(reserved(2147483542, '_change_ordinal', 'int', 'Change ordinal in changelog'))
export const COMMIT_SNAPSHOT_ID_FIELD = optional(reserved(2147483541, '_commit_snapshot_id', 'long', 'Commit snapshot ID'))

/** Row lineage. Spec: Row Lineage */
export const ROW_ID_FIELD = optional(reserved(2147483540, '_row_id', 'long', 'Implicit row ID that is automatically assigned'))
export const LAST_UPDATED_SEQUENCE_NUMBER_FIELD = optional(
  reserved(2147483539, '_last_updated_sequence_number', 'long', 'Sequence number when the row was last updated'),
)

const METADATA_COLUMNS: ReadonlyMap<string, NestedField> = new Map(
  [FILE_PATH_FIELD, ROW_POSITION_FIELD, IS_DELETED_FIELD, SPEC_ID_FIELD, ROW_ID_FIELD, LAST_UPDATED_SEQUENCE_NUMBER_FIELD].map((field) => [
    field.name,
    field,
  ]),
)

/** `_partition`, with the union of the table's partition types. */
export function partitionField(partitionType: StructType): NestedField {
  return { id: PARTITION_FIELD_ID, name: '_partition', type: partitionType, required: false, doc: 'Partition to which a row belongs to' }
}

/** The metadata column of a name, but for `_partition`; undefined for any other name, also for `pos` and `file_path`. */
export function metadataColumn(name: string): NestedField | undefined {
  return METADATA_COLUMNS.get(name)
}

/** Names of the metadata columns that may be read with a table's rows. */
export function metadataColumnNames(): string[] {
  return [...METADATA_COLUMNS.keys(), '_partition']
}

/** Whether a field id belongs to the format and not to tables. */
export function isReservedFieldId(id: number): boolean {
  return id > MAX_USER_FIELD_ID
}

function reserved(id: number, name: string, kind: 'string' | 'long' | 'int' | 'boolean', doc: string): NestedField {
  const type: Type = { kind }
  return Object.freeze({ id, name, type: Object.freeze(type), required: true, doc })
}

function optional(field: NestedField): NestedField {
  return Object.freeze({ ...field, required: false })
}
