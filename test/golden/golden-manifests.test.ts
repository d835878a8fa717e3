/** Manifests of the golden tables, without reading a data file: live files, partitions, counts and bounds as the engines see them. */
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { ManifestEntry } from '../../src/manifest/data-file.js'
import type { ManifestEntries } from '../../src/manifest/manifest-entries.js'
import { decodeManifestList } from '../../src/manifest/manifest-list.js'
import { decodeManifest, inlineManifestFile } from '../../src/manifest/manifest-reader.js'
import { parseTableMetadata } from '../../src/metadata/table-metadata-json.js'
import { partitionType } from '../../src/partition/partition-type.js'
import type { StructType, Type, Value } from '../../src/schema/type.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { goldenTables, readGolden } from './golden-tables.js'
import type { GoldenEntry, GoldenFile, GoldenTable } from './golden-tables.js'

interface DecodedEntry {
  readonly entry: ManifestEntry
  readonly tuple: StructType
}

/** Entries of a snapshot's manifests, the deleted ones included. */
function entriesOf(golden: GoldenTable, snapshotId: string): DecodedEntry[] {
  const bytes = readGolden(golden.metadata)
  const metadata = parseTableMetadata(bytes[0] === 0x1f ? gunzipSync(bytes) : bytes)
  const schema = metadata.schemas.find((candidate) => candidate.schemaId === metadata.currentSchemaId)!
  const snapshot = metadata.snapshots.find((candidate) => String(candidate.snapshotId) === snapshotId)!
  return manifestsOf(snapshot).flatMap((manifest) => {
    const spec = metadata.partitionSpecs.find((candidate) => candidate.specId === manifest.partitionSpecId)!
    const tuple = partitionType(spec, schema, metadata.schemas)
    const entries: ManifestEntries = decodeManifest(manifest, readGolden(manifest.manifestPath), { partitionType: tuple })
    return Array.from({ length: entries.count }, (_, index) => ({ entry: entries.entry(index), tuple }))
  })
}

function manifestsOf(snapshot: Snapshot): ReturnType<typeof decodeManifestList> {
  if (snapshot.manifestList !== undefined) return decodeManifestList(readGolden(snapshot.manifestList), snapshot.manifestList)
  return (snapshot.manifests ?? []).map((location) => inlineManifestFile(location, readGolden(location), snapshot.snapshotId))
}

const contents = ['data', 'position-deletes', 'equality-deletes'] as const
const statuses = ['existing', 'added', 'deleted'] as const
const byText = (a: object, b: object): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)

function liveFile({ entry: { dataFile, sequenceNumber, fileSequenceNumber } }: DecodedEntry): object {
  return {
    path: dataFile.filePath,
    content: dataFile.content,
    format: dataFile.fileFormat,
    specId: dataFile.specId,
    records: dataFile.recordCount,
    sequenceNumber: Number(sequenceNumber),
    fileSequenceNumber: fileSequenceNumber === undefined ? null : Number(fileSequenceNumber),
    firstRowId: dataFile.firstRowId === undefined ? null : String(dataFile.firstRowId),
    sortOrderId: dataFile.sortOrderId ?? null,
    offset: dataFile.contentOffset ?? null,
    size: dataFile.contentSizeBytes ?? null,
    refersTo: dataFile.referencedDataFile ?? null,
  }
}

function recordedFile(file: GoldenFile): object {
  return {
    path: file.file_path,
    content: contents[file.content],
    format: file.file_format.toLowerCase(),
    specId: file.spec_id,
    records: file.record_count,
    sequenceNumber: file.sequence_number,
    fileSequenceNumber: file.file_sequence_number ?? null,
    firstRowId: file.first_row_id ?? null,
    sortOrderId: file.sort_order_id ?? null,
    offset: file.content_offset ?? null,
    size: file.content_size_in_bytes ?? null,
    refersTo: file.referenced_data_file ?? null,
  }
}

const pairs = <T>(map: ReadonlyMap<number, T> | undefined, print: (value: T) => string): (readonly [number, string])[] =>
  [...(map ?? [])].map(([id, value]) => [id, print(value)] as const).sort(([a], [b]) => a - b)
const recordedPairs = (list: GoldenEntry['data_file']['value_counts']): (readonly [number, string])[] => [...(list ?? [])].sort(([a], [b]) => a - b)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function decodedDetails({ entry, tuple }: DecodedEntry): object {
  const { dataFile } = entry
  const partition = tuple.fields.flatMap((field, index) => {
    const value = dataFile.partition[index]!
    return value === null ? [] : [[field.name, canonical(field.type, value)] as const]
  })
  return {
    path: dataFile.filePath,
    status: entry.status,
    snapshotId: String(entry.snapshotId),
    partition: Object.fromEntries(partition),
    fileSize: String(dataFile.fileSizeBytes),
    valueCounts: pairs(dataFile.valueCounts, String),
    nullCounts: pairs(dataFile.nullValueCounts, String),
    nanCounts: pairs(dataFile.nanValueCounts, String),
    lower: pairs(dataFile.lowerBounds, hex),
    upper: pairs(dataFile.upperBounds, hex),
    splitOffsets: (dataFile.splitOffsets ?? []).map(String),
    equalityIds: dataFile.equalityIds ?? [],
  }
}

function recordedDetails(entry: GoldenEntry): object {
  const file = entry.data_file
  return {
    path: file.file_path,
    status: statuses[entry.status],
    snapshotId: entry.snapshot_id,
    // Spark lists the fields of all specs, null where the file's own spec has no such field.
    partition: Object.fromEntries(Object.entries(file.partition ?? {}).filter(([, value]) => value !== null)),
    fileSize: file.file_size_in_bytes,
    valueCounts: recordedPairs(file.value_counts),
    nullCounts: recordedPairs(file.null_value_counts),
    nanCounts: recordedPairs(file.nan_value_counts),
    lower: recordedPairs(file.lower_bounds),
    upper: recordedPairs(file.upper_bounds),
    splitOffsets: file.split_offsets ?? [],
    equalityIds: file.equality_ids ?? [],
  }
}

/** The canonical JSON of a partition value: see README.md. */
function canonical(type: Type, value: Value): unknown {
  switch (type.kind) {
    case 'boolean':
    case 'int':
    case 'date':
    case 'string':
    case 'uuid':
      return value
    case 'float':
    case 'double':
      return Object.is(value, -0) ? '-0' : String(value as number)
    case 'decimal': {
      const digits = String((value as bigint) < 0n ? -(value as bigint) : value as bigint).padStart(type.scale + 1, '0')
      const point = digits.length - type.scale
      return `${(value as bigint) < 0n ? '-' : ''}${digits.slice(0, point)}${type.scale > 0 ? `.${digits.slice(point)}` : ''}`
    }
    case 'binary':
    case 'fixed':
      return hex(value as Uint8Array)
    default:
      return String(value as bigint)
  }
}

describe.each(goldenTables.filter((golden) => golden.snapshots.length > 0))('$table', (golden) => {
  it.each(Object.keys(golden['live-files']))('snapshot %s has the live files that the engine sees', (snapshotId) => {
    const live = entriesOf(golden, snapshotId).filter(({ entry }) => entry.status !== 'deleted').map(liveFile)
    expect(live.sort(byText)).toEqual(golden['live-files'][snapshotId]!.map(recordedFile).sort(byText))
  })
})

describe.each(goldenTables.filter((golden) => golden.entries.length > 0))('$table', (golden) => {
  it('entries of the current state have the partitions, counts and bounds that Spark lists', () => {
    const entries = entriesOf(golden, golden['current-snapshot-id']!)
    expect(entries.map(decodedDetails).sort(byText)).toEqual(golden.entries.map(recordedDetails).sort(byText))
  })
})
