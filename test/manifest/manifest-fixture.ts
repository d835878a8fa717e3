/** Small manifests to build tests from: one table, one file, and what may differ. */
import { ContainerWriter } from '../../src/avro/container-writer.js'
import type { AvroValue } from '../../src/avro/avro-schema.js'
import { parseAvroSchema, printAvroSchema } from '../../src/avro/avro-schema-json.js'
import type { DataFile, ManifestFile } from '../../src/manifest/data-file.js'
import { manifestEntrySchema, type ManifestFormatVersion } from '../../src/manifest/manifest-schema.js'
import { ManifestWriter, type ManifestWriterOptions } from '../../src/manifest/manifest-writer.js'
import { decodeManifest, type DecodeManifestOptions } from '../../src/manifest/manifest-reader.js'
import type { ManifestEntries } from '../../src/manifest/manifest-entries.js'
import { partitionType } from '../../src/partition/partition-type.js'
import type { PartitionSpec } from '../../src/partition/partition-spec.js'
import { Schema } from '../../src/schema/schema.js'

export const schema = new Schema(
  [
    { id: 1, name: 'id', type: { kind: 'long' }, required: true },
    { id: 2, name: 'name', type: { kind: 'string' }, required: false },
    { id: 3, name: 'day', type: { kind: 'date' }, required: false },
  ],
  { schemaId: 4 },
)
export const spec: PartitionSpec = { specId: 2, fields: [{ fieldId: 1000, name: 'name', sourceIds: [2], transform: 'identity' }] }
export const unpartitioned: PartitionSpec = { specId: 0, fields: [] }
export const tupleType = partitionType(spec, schema)

export const SNAPSHOT_ID = 9_007_199_254_740_993n

export function dataFile(changes: Partial<DataFile> = {}): DataFile {
  return {
    content: 'data', filePath: 's3://b/data/a.parquet', fileFormat: 'parquet', specId: 2, partition: ['x'],
    recordCount: 10, fileSizeBytes: 1000, ...changes,
  }
}

export function writerOf(changes: Partial<ManifestWriterOptions> = {}): ManifestWriter {
  return new ManifestWriter({ formatVersion: 2, content: 'data', spec, schema, snapshotId: SNAPSHOT_ID, ...changes })
}

export function manifestFile(changes: Partial<ManifestFile> = {}): ManifestFile {
  return {
    manifestPath: 's3://b/metadata/m0.avro', manifestLengthBytes: 5000, partitionSpecId: 2, content: 'data',
    sequenceNumber: 7n, minSequenceNumber: 7n, addedSnapshotId: SNAPSHOT_ID,
    addedFilesCount: 1, existingFilesCount: 0, deletedFilesCount: 0, addedRowsCount: 10n, existingRowsCount: 0n, deletedRowsCount: 0n,
    partitions: undefined, keyMetadata: undefined, firstRowId: undefined, ...changes,
  }
}

export function decode(
  bytes: Uint8Array,
  changes: Partial<ManifestFile> = {},
  options: Partial<DecodeManifestOptions> = {},
): ManifestEntries {
  return decodeManifest(manifestFile(changes), bytes, { partitionType: tupleType, ...options })
}

/** A manifest whose Avro schema was changed as JSON text, and whose records are given raw. */
export function rawManifest(
  records: readonly AvroValue[],
  change: (schema: RawRecord) => void = () => {},
  formatVersion: ManifestFormatVersion = 2,
): Uint8Array {
  const json = JSON.parse(printAvroSchema(manifestEntrySchema(formatVersion, tupleType))) as RawRecord
  change(json)
  const writer = new ContainerWriter(parseAvroSchema(JSON.stringify(json)), { codec: 'null' })
  for (const record of records) writer.add(record)
  return writer.finish()
}

export interface RawField {
  name: string
  type: unknown
  default?: unknown
  'field-id'?: number
}

export interface RawRecord {
  fields: RawField[]
}

/** The fields of `data_file` in a schema that {@link rawManifest} hands out. */
export function fileFields(schemaJson: RawRecord): RawField[] {
  return (schemaJson.fields.find((field) => field.name === 'data_file')!.type as RawRecord).fields
}
