import type { AvroRecord } from '../avro/avro-schema.js'
import type { NestedField, StructType, Type } from '../schema/type.js'
import { avroRecordOf, requiredList, requiredMap } from './avro-type.js'

/** Versions whose manifests and lists can be written. */
export type ManifestFormatVersion = 1 | 2 | 3

const INT: Type = { kind: 'int' }
const LONG: Type = { kind: 'long' }
const STRING: Type = { kind: 'string' }
const BINARY: Type = { kind: 'binary' }
const BOOLEAN: Type = { kind: 'boolean' }

/** Commits make the same few schemas over and over: one object for each, so that writers compile it once. */
const entrySchemas = new Map<string, AvroRecord>()
const listSchemas = new Map<ManifestFormatVersion, AvroRecord>()
const MAX_ENTRY_SCHEMAS = 64

/** The Avro record of the entries of a manifest, in the reference's order. Spec: Manifests › Manifest Entry Fields */
export function manifestEntrySchema(formatVersion: ManifestFormatVersion, partitionType: StructType): AvroRecord {
  const key = JSON.stringify([formatVersion, partitionType.fields], (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
  const known = entrySchemas.get(key)
  if (known !== undefined) return known
  const made = makeEntrySchema(formatVersion, partitionType)
  if (entrySchemas.size >= MAX_ENTRY_SCHEMAS) entrySchemas.delete(entrySchemas.keys().next().value!)
  entrySchemas.set(key, made)
  return made
}

function makeEntrySchema(formatVersion: ManifestFormatVersion, partitionType: StructType): AvroRecord {
  const sequenceNumbers = [optional(3, 'sequence_number', LONG), optional(4, 'file_sequence_number', LONG)]
  const fields = [
    required(0, 'status', INT),
    optional(1, 'snapshot_id', LONG),
    ...(formatVersion === 1 ? [] : sequenceNumbers),
    required(2, 'data_file', { kind: 'struct', fields: dataFileFields(formatVersion, partitionType) }),
  ]
  return avroRecordOf({ kind: 'struct', fields }, 'manifest_entry')
}

// Spec: Manifests › Data File Fields
function dataFileFields(formatVersion: ManifestFormatVersion, partitionType: StructType): NestedField[] {
  const tupleDoc = formatVersion === 1 ? undefined : 'Partition data tuple, schema based on the partition spec'
  const content = required(134, 'content', INT, 'Contents of the file: 0=data, 1=position deletes, 2=equality deletes')
  const equalityIds = optional(135, 'equality_ids', requiredList(136, INT), 'Equality comparison field IDs')
  const referenced = 'Fully qualified location (URI with FS scheme) of a data file that all deletes reference'
  return [
    ...(formatVersion === 1 ? [] : [content]),
    required(100, 'file_path', STRING, 'Location URI with FS scheme'),
    required(101, 'file_format', STRING, 'File format name: avro, orc, or parquet'),
    required(102, 'partition', partitionType, tupleDoc),
    required(103, 'record_count', LONG, 'Number of records in the file'),
    required(104, 'file_size_in_bytes', LONG, 'Total file size in bytes'),
    ...(formatVersion === 1 ? [required(105, 'block_size_in_bytes', LONG)] : []),
    optional(108, 'column_sizes', requiredMap(117, 118, LONG), 'Map of column id to total size on disk'),
    optional(109, 'value_counts', requiredMap(119, 120, LONG), 'Map of column id to total count, including null and NaN'),
    optional(110, 'null_value_counts', requiredMap(121, 122, LONG), 'Map of column id to null value count'),
    optional(137, 'nan_value_counts', requiredMap(138, 139, LONG), 'Map of column id to number of NaN values in the column'),
    optional(125, 'lower_bounds', requiredMap(126, 127, BINARY), 'Map of column id to lower bound'),
    optional(128, 'upper_bounds', requiredMap(129, 130, BINARY), 'Map of column id to upper bound'),
    optional(131, 'key_metadata', BINARY, 'Encryption key metadata blob'),
    optional(132, 'split_offsets', requiredList(133, LONG), 'Splittable offsets'),
    ...(formatVersion === 1 ? [] : [equalityIds]),
    optional(140, 'sort_order_id', INT, 'Sort order ID'),
    ...(formatVersion === 3 ? [optional(142, 'first_row_id', LONG, 'The first row ID assigned to the first row in the data file')] : []),
    ...(formatVersion === 1 ? [] : [optional(143, 'referenced_data_file', STRING, referenced)]),
    ...(formatVersion === 3 ? vectorFields() : []),
  ]
}

function vectorFields(): NestedField[] {
  return [
    optional(144, 'content_offset', LONG, 'The offset in the file where the content starts'),
    optional(145, 'content_size_in_bytes', LONG, 'The length of referenced content stored in the file'),
  ]
}

const FIELD_SUMMARY: Type = {
  kind: 'struct',
  fields: [
    required(509, 'contains_null', BOOLEAN, 'True if any file has a null partition value'),
    optional(518, 'contains_nan', BOOLEAN, 'True if any file has a nan partition value'),
    optional(510, 'lower_bound', BINARY, 'Partition lower bound for all files'),
    optional(511, 'upper_bound', BINARY, 'Partition upper bound for all files'),
  ],
}

/** The Avro record of the entries of a manifest list, in the reference's order. Spec: Manifest Lists */
export function manifestListSchema(formatVersion: ManifestFormatVersion): AvroRecord {
  const known = listSchemas.get(formatVersion)
  if (known !== undefined) return known
  const made = makeListSchema(formatVersion)
  listSchemas.set(formatVersion, made)
  return made
}

function makeListSchema(formatVersion: ManifestFormatVersion): AvroRecord {
  const fields = formatVersion === 1 ? listFieldsV1() : listFields()
  if (formatVersion === 3) fields.push(optional(520, 'first_row_id', LONG, 'Starting row ID to assign to new rows in ADDED data files'))
  return avroRecordOf({ kind: 'struct', fields }, 'manifest_file')
}

/**
 * The record to read any list with: fields of every version, in the order of v3. What a version or an old writer does not have
 * is null; old column names do not matter, since fields are matched by id.
 */
export function manifestListReadSchema(): AvroRecord {
  const always = new Set([500, 501, 502, 503])
  const fields = [...listFields(), optional(520, 'first_row_id', LONG)].map((field) => ({ ...field, required: always.has(field.id) }))
  return avroRecordOf({ kind: 'struct', fields }, 'manifest_file')
}

function listFieldsV1(): NestedField[] {
  return [...listHead(), snapshotId(), ...fileCounts(false), summaries(), ...rowCounts(false), keyMetadata()]
}

function listFields(): NestedField[] {
  return [
    ...listHead(),
    required(517, 'content', INT, 'Contents of the manifest: 0=data, 1=deletes'),
    required(515, 'sequence_number', LONG, 'Sequence number when the manifest was added'),
    required(516, 'min_sequence_number', LONG, 'Lowest sequence number in the manifest'),
    snapshotId(),
    ...fileCounts(true),
    ...rowCounts(true),
    summaries(),
    keyMetadata(),
  ]
}

function listHead(): NestedField[] {
  return [
    required(500, 'manifest_path', STRING, 'Location URI with FS scheme'),
    required(501, 'manifest_length', LONG, 'Total file size in bytes'),
    required(502, 'partition_spec_id', INT, 'Spec ID used to write'),
  ]
}

function snapshotId(): NestedField {
  return required(503, 'added_snapshot_id', LONG, 'Snapshot ID that added the manifest')
}

function fileCounts(isRequired: boolean): NestedField[] {
  return [
    { id: 504, name: 'added_files_count', type: INT, required: isRequired, doc: 'Added entry count' },
    { id: 505, name: 'existing_files_count', type: INT, required: isRequired, doc: 'Existing entry count' },
    { id: 506, name: 'deleted_files_count', type: INT, required: isRequired, doc: 'Deleted entry count' },
  ]
}

function rowCounts(isRequired: boolean): NestedField[] {
  return [
    { id: 512, name: 'added_rows_count', type: LONG, required: isRequired, doc: 'Added rows count' },
    { id: 513, name: 'existing_rows_count', type: LONG, required: isRequired, doc: 'Existing rows count' },
    { id: 514, name: 'deleted_rows_count', type: LONG, required: isRequired, doc: 'Deleted rows count' },
  ]
}

function summaries(): NestedField {
  const list: Type = { kind: 'list', elementId: 508, element: FIELD_SUMMARY, elementRequired: true }
  return optional(507, 'partitions', list, 'Summary for each partition')
}

function keyMetadata(): NestedField {
  return optional(519, 'key_metadata', BINARY, 'Encryption key metadata blob')
}

function required(id: number, name: string, type: Type, doc?: string): NestedField {
  return { id, name, type, required: true, doc }
}

function optional(id: number, name: string, type: Type, doc?: string): NestedField {
  return { id, name, type, required: false, doc }
}
