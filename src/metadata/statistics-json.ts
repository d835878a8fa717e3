/** Statistics files as JSON. Source: `StatisticsFileParser`, `PartitionStatisticsFileParser` */
import { unknownOrNone } from '../snapshot/snapshot-json.js'
import type { JsonMembers, JsonObject } from '../util/json.js'
import type { BlobMetadata, PartitionStatisticsFile, StatisticsFile } from './table-metadata.js'

const STATISTICS_MEMBERS: ReadonlySet<string> = new Set([
  'snapshot-id',
  'statistics-path',
  'file-size-in-bytes',
  'file-footer-size-in-bytes',
  'key-metadata',
  'blob-metadata',
])
const PARTITION_STATISTICS_MEMBERS: ReadonlySet<string> = new Set(['snapshot-id', 'statistics-path', 'file-size-in-bytes'])

/** Throws `CORRUPT`, naming the member. */
export function parseStatisticsFile(json: JsonObject): StatisticsFile {
  return {
    snapshotId: json.requireLong('snapshot-id'),
    statisticsPath: json.requireString('statistics-path'),
    fileSizeBytes: json.requireSafeInteger('file-size-in-bytes'),
    fileFooterSizeBytes: json.requireSafeInteger('file-footer-size-in-bytes'),
    keyMetadata: json.optionalString('key-metadata'),
    blobMetadata: json.requireObjects('blob-metadata').map(parseBlobMetadata),
    unknownFields: unknownOrNone(json, STATISTICS_MEMBERS),
  }
}

export function printStatisticsFile(file: StatisticsFile): JsonMembers {
  return {
    'snapshot-id': file.snapshotId,
    'statistics-path': file.statisticsPath,
    'file-size-in-bytes': file.fileSizeBytes,
    'file-footer-size-in-bytes': file.fileFooterSizeBytes,
    'key-metadata': file.keyMetadata,
    'blob-metadata': file.blobMetadata.map(printBlobMetadata),
    ...(Object.fromEntries(file.unknownFields ?? []) as JsonMembers),
  }
}

function parseBlobMetadata(json: JsonObject): BlobMetadata {
  return {
    type: json.requireString('type'),
    snapshotId: json.requireLong('snapshot-id'),
    sequenceNumber: json.requireLong('sequence-number'),
    fields: json.requireInts('fields'),
    properties: json.optionalStringMap('properties') ?? new Map<string, string>(),
  }
}

function printBlobMetadata(blob: BlobMetadata): JsonMembers {
  return {
    type: blob.type,
    'snapshot-id': blob.snapshotId,
    'sequence-number': blob.sequenceNumber,
    fields: blob.fields,
    properties: blob.properties.size > 0 ? blob.properties : undefined,
  }
}

/** Throws `CORRUPT`, naming the member. */
export function parsePartitionStatisticsFile(json: JsonObject): PartitionStatisticsFile {
  return {
    snapshotId: json.requireLong('snapshot-id'),
    statisticsPath: json.requireString('statistics-path'),
    fileSizeBytes: json.requireSafeInteger('file-size-in-bytes'),
    unknownFields: unknownOrNone(json, PARTITION_STATISTICS_MEMBERS),
  }
}

export function printPartitionStatisticsFile(file: PartitionStatisticsFile): JsonMembers {
  return {
    'snapshot-id': file.snapshotId,
    'statistics-path': file.statisticsPath,
    'file-size-in-bytes': file.fileSizeBytes,
    ...(Object.fromEntries(file.unknownFields ?? []) as JsonMembers),
  }
}
