import { Decimal } from '../../schema/decimal.js'
import type { DataFile } from '../../manifest/data-file.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { unifiedPartitionType } from '../../partition/partition-type.js'
import type { PartitionSpec } from '../../partition/partition-spec.js'
import type { Schema } from '../../schema/schema.js'
import { decodeValue } from '../../schema/single-value.js'
import type { StructType, Type, Value } from '../../schema/type.js'

/** A value as rows have it: decimals as `Decimal`. */
export type InspectedValue = boolean | number | bigint | string | Uint8Array | Decimal | null

/** Source: Java `FilesTable`, `DataFile.getType` */
export interface FileRow {
  /** 0 data, 1 position deletes, 2 equality deletes. */
  readonly content: 0 | 1 | 2
  readonly file_path: string
  readonly file_format: string
  readonly spec_id: number
  /** By partition field; fields that the file's spec does not have are null. */
  readonly partition: Readonly<Record<string, InspectedValue>>
  readonly record_count: number
  readonly file_size_in_bytes: number
  readonly column_sizes: ReadonlyMap<number, number> | null
  readonly value_counts: ReadonlyMap<number, number> | null
  readonly null_value_counts: ReadonlyMap<number, number> | null
  readonly nan_value_counts: ReadonlyMap<number, number> | null
  /** Single-value bytes. */
  readonly lower_bounds: ReadonlyMap<number, Uint8Array> | null
  readonly upper_bounds: ReadonlyMap<number, Uint8Array> | null
  readonly key_metadata: Uint8Array | null
  readonly split_offsets: readonly number[] | null
  readonly equality_ids: readonly number[] | null
  readonly sort_order_id: number | null
  readonly first_row_id: bigint | null
  readonly referenced_data_file: string | null
  readonly content_offset: number | null
  readonly content_size_in_bytes: number | null
  /** The metrics of each leaf column by its path, bounds decoded. */
  readonly readable_metrics: Readonly<Record<string, ReadableMetrics>>
}

export interface ReadableMetrics {
  readonly column_size: number | null
  readonly value_count: number | null
  readonly null_value_count: number | null
  readonly nan_value_count: number | null
  readonly lower_bound: InspectedValue
  readonly upper_bound: InspectedValue
}

const CONTENT = { data: 0, 'position-deletes': 1, 'equality-deletes': 2 } as const

/** Compiles the rows of one table's files. */
export function fileRowMaker(metadata: TableMetadata, schema: Schema): (file: DataFile) => FileRow {
  const partitionOf = partitionObjects(metadata, schema)
  const leaves = readableColumns(schema)
  return (file) => ({
    content: CONTENT[file.content],
    file_path: file.filePath,
    file_format: file.fileFormat.toUpperCase(),
    spec_id: file.specId,
    partition: partitionOf(file.specId, file.partition),
    record_count: file.recordCount,
    file_size_in_bytes: file.fileSizeBytes,
    column_sizes: file.columnSizes ?? null,
    value_counts: file.valueCounts ?? null,
    null_value_counts: file.nullValueCounts ?? null,
    nan_value_counts: file.nanValueCounts ?? null,
    lower_bounds: file.lowerBounds ?? null,
    upper_bounds: file.upperBounds ?? null,
    key_metadata: file.keyMetadata ?? null,
    split_offsets: file.splitOffsets ?? null,
    equality_ids: file.equalityIds ?? null,
    sort_order_id: file.sortOrderId ?? null,
    first_row_id: file.firstRowId ?? null,
    referenced_data_file: file.referencedDataFile ?? null,
    content_offset: file.contentOffset ?? null,
    content_size_in_bytes: file.contentSizeBytes ?? null,
    readable_metrics: ownProperties(leaves.map(({ path, id, type }) => [path, readableMetrics(file, id, type)])),
  })
}

/** Compiles tuples of any of the table's specs into objects with a member for every field of all specs. */
export function partitionObjects(
  metadata: TableMetadata,
  schema: Schema,
): (specId: number, tuple: readonly Value[]) => Readonly<Record<string, InspectedValue>> {
  const unified = unifiedPartitionType(metadata.partitionSpecs, schema, metadata.schemas)
  const layouts = new Map(metadata.partitionSpecs.map((spec) => [spec.specId, tupleIndexes(spec, unified)]))
  return (specId, tuple) => {
    const indexes = layouts.get(specId) ?? []
    return ownProperties(
      unified.fields.map((field, i) => {
        const index = indexes[i] ?? -1
        return [field.name, inspected(field.type, index < 0 ? null : (tuple[index] ?? null))]
      }),
    )
  }
}

/** For each field of all specs, where its value stands in a tuple of this one; −1: nowhere. */
function tupleIndexes(spec: PartitionSpec, unified: StructType): number[] {
  return unified.fields.map((field) => spec.fields.findIndex((own) => own.fieldId === field.id))
}

function readableColumns(schema: Schema): { readonly path: string; readonly id: number; readonly type: Type }[] {
  return [...schema.fieldIds()]
    .map((id) => ({ path: schema.pathOf(id)!, id, type: schema.fieldById(id)!.type }))
    .filter(({ type }) => !['struct', 'list', 'map', 'variant'].includes(type.kind))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

function readableMetrics(file: DataFile, id: number, type: Type): ReadableMetrics {
  const bound = (bytes: Uint8Array | undefined): InspectedValue => (bytes === undefined ? null : inspected(type, decodeValue(type, bytes)))
  return {
    column_size: file.columnSizes?.get(id) ?? null,
    value_count: file.valueCounts?.get(id) ?? null,
    null_value_count: file.nullValueCounts?.get(id) ?? null,
    nan_value_count: file.nanValueCounts?.get(id) ?? null,
    lower_bound: bound(file.lowerBounds?.get(id)),
    upper_bound: bound(file.upperBounds?.get(id)),
  }
}

function inspected(type: Type, value: Value): InspectedValue {
  if (type.kind === 'decimal' && typeof value === 'bigint') return new Decimal(value, type.scale)
  return value as InspectedValue
}

/** An object whose members are all its own, whatever their names. */
export function ownProperties<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries(entries)
}
