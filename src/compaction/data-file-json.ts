import type { DataFile } from '../manifest/data-file.js'
import { schemaById, specById } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import { partitionType } from '../partition/partition-type.js'
import { valueFromJson, valueToJson } from '../schema/single-value-json.js'
import type { StructType, Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { parseJson, printJson, type JsonValue } from '../util/json.js'

type Counts = readonly (readonly [fieldId: number, count: number])[]
type Bounds = readonly (readonly [fieldId: number, base64: string])[]

/** A data file that was written, as plain JSON data. */
export interface WrittenFile {
  readonly filePath: string
  readonly specId: number
  /** The text of a JSON array, see `FileScanTask.partition`. */
  readonly partition: string
  readonly recordCount: number
  readonly fileSizeBytes: number
  readonly sortOrderId: number | undefined
  readonly splitOffsets: readonly number[] | undefined
  readonly columnSizes: Counts
  readonly valueCounts: Counts
  readonly nullValueCounts: Counts
  readonly nanValueCounts: Counts
  readonly lowerBounds: Bounds
  readonly upperBounds: Bounds
}

/** `schemaId`: of the schema that the file was written with. */
export function writtenFile(file: DataFile, metadata: TableMetadata, schemaId: number): WrittenFile {
  const { filePath, specId, recordCount, fileSizeBytes, sortOrderId, splitOffsets } = file
  const type = tupleType(metadata, specId, schemaId)
  return {
    filePath,
    specId,
    partition: printJson(type.fields.map((field, index) => valueToJson(field.type, file.partition[index] ?? null))),
    recordCount,
    fileSizeBytes,
    sortOrderId,
    splitOffsets,
    columnSizes: [...(file.columnSizes ?? [])],
    valueCounts: [...(file.valueCounts ?? [])],
    nullValueCounts: [...(file.nullValueCounts ?? [])],
    nanValueCounts: [...(file.nanValueCounts ?? [])],
    lowerBounds: boundsJson(file.lowerBounds),
    upperBounds: boundsJson(file.upperBounds),
  }
}

/** @throws FloeError `INVALID` for what {@link writtenFile} did not make of a file of this table */
export function dataFileOf(file: WrittenFile, metadata: TableMetadata, schemaId: number): DataFile {
  const { filePath, specId, recordCount, fileSizeBytes, sortOrderId, splitOffsets } = file
  const isSound = typeof filePath === 'string' && isCount(specId) && isCount(recordCount) && isCount(fileSizeBytes)
  if (!isSound) throw new FloeError('INVALID', 'This is no result of rewriting a group: a written file lacks its path, size or count')
  return {
    content: 'data',
    filePath,
    fileFormat: 'parquet',
    specId,
    partition: partitionOfText(file.partition, tupleType(metadata, specId, schemaId), filePath),
    recordCount,
    fileSizeBytes,
    ...(sortOrderId === undefined ? {} : { sortOrderId }),
    ...(splitOffsets === undefined ? {} : { splitOffsets }),
    columnSizes: new Map(file.columnSizes),
    valueCounts: new Map(file.valueCounts),
    nullValueCounts: new Map(file.nullValueCounts),
    nanValueCounts: new Map(file.nanValueCounts),
    lowerBounds: boundsOf(file.lowerBounds),
    upperBounds: boundsOf(file.upperBounds),
  }
}

/** The values of a partition, in the order of the spec's fields. @throws FloeError `INVALID` */
export function partitionOfText(text: string, type: StructType, file: string): readonly Value[] {
  const tuple = parseJson(text)
  if (!Array.isArray(tuple)) throw new FloeError('INVALID', 'The partition of a file is no JSON array', { file })
  return type.fields.map((field, index) => valueFromJson(field.type, (tuple[index] as JsonValue | undefined) ?? null))
}

/** What partitions of a spec hold. */
export function tupleType(metadata: TableMetadata, specId: number, schemaId: number): StructType {
  return partitionType(specById(metadata, specId), schemaById(metadata, schemaId), metadata.schemas)
}

function boundsJson(bounds: ReadonlyMap<number, Uint8Array> | undefined): Bounds {
  return [...(bounds ?? [])].map(([id, bytes]) => [id, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')])
}

function boundsOf(bounds: Bounds): ReadonlyMap<number, Uint8Array> {
  return new Map(bounds.map(([id, text]) => [id, new Uint8Array(Buffer.from(text, 'base64'))]))
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
