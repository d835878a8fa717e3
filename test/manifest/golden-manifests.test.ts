import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { DataFile, ManifestFile } from '../../src/manifest/data-file.js'
import type { ManifestEntries } from '../../src/manifest/manifest-entries.js'
import { decodeManifestList } from '../../src/manifest/manifest-list.js'
import { decodeManifest, inlineManifestFile } from '../../src/manifest/manifest-reader.js'
import { parseTableMetadata } from '../../src/metadata/table-metadata-json.js'
import type { TableMetadata } from '../../src/metadata/table-metadata.js'
import { partitionType, unifiedPartitionType } from '../../src/partition/partition-type.js'
import type { Type, Value } from '../../src/schema/type.js'
import type { Snapshot } from '../../src/snapshot/snapshot.js'
import { goldenPath, goldenTables, readGolden, type GoldenEntry, type GoldenFile } from '../golden/golden-tables.js'

describe.each(goldenTables.map((table) => [table.table, table] as const))('golden table %s', (_name, table) => {
  const metadata = parseTableMetadata(readGolden(table.metadata), { location: table.metadata })

  it('lists the live files that the reference engines list, snapshot by snapshot', () => {
    for (const snapshot of metadata.snapshots) {
      const expected = table['live-files'][String(snapshot.snapshotId)]
      if (expected === undefined) continue
      const found = manifestsOf(snapshot).flatMap((manifest) => liveFiles(decode(metadata, manifest)))
      expect(sorted(found)).toEqual(sorted(expected.map(normalised)))
    }
  })

  it('decodes the entries of the current snapshot as Spark does', () => {
    const snapshot = metadata.snapshots.find((candidate) => String(candidate.snapshotId) === table['current-snapshot-id'])
    if (snapshot === undefined || table.entries.length === 0) return
    const entries = manifestsOf(snapshot).flatMap((manifest) => allEntries(metadata, decode(metadata, manifest)))
    expect(sorted(entries)).toEqual(sorted(table.entries.map((entry) => comparable(entry))))
  })

  it('keeps what entries say when they are compact', () => {
    for (const manifest of metadata.snapshots.flatMap((snapshot) => (hasList(snapshot) ? manifestsOf(snapshot) : []))) {
      const all = Array.from({ length: decode(metadata, manifest).count }, (_, i) => i)
      for (const rows of [all, all.filter((i) => i % 2 === 1)]) {
        const entries = decode(metadata, manifest)
        const before = rows.map((i) => entries.entry(i))
        const compact = decode(metadata, manifest).compact(Uint32Array.from(rows))
        expect(rows.map((_, i) => compact.entry(i))).toEqual(before)
      }
    }
  })

  it('finds in every list the counts that its manifests have', () => {
    for (const snapshot of metadata.snapshots) {
      if (!hasList(snapshot)) continue
      for (const manifest of manifestsOf(snapshot)) checkCounts(manifest, decode(metadata, manifest))
    }
  })
})

function hasList({ manifestList }: Snapshot): boolean {
  return manifestList === undefined || existsSync(goldenPath(manifestList))
}

function manifestsOf(snapshot: Snapshot): ManifestFile[] {
  if (snapshot.manifestList !== undefined) return decodeManifestList(readGolden(snapshot.manifestList), snapshot.manifestList)
  return (snapshot.manifests ?? []).map((location) => inlineManifestFile(location, readGolden(location), snapshot.snapshotId))
}

function decode(metadata: TableMetadata, manifest: ManifestFile): ManifestEntries {
  const spec = metadata.partitionSpecs.find((candidate) => candidate.specId === manifest.partitionSpecId)!
  const schema = metadata.schemas.find((candidate) => candidate.schemaId === metadata.currentSchemaId)!
  return decodeManifest(manifest, readGolden(manifest.manifestPath), { partitionType: partitionType(spec, schema, metadata.schemas) })
}

function liveFiles(entries: ManifestEntries): object[] {
  const files: object[] = []
  for (let i = 0; i < entries.count; i++) {
    if (!entries.isLive(i)) continue
    const { dataFile, sequenceNumber, fileSequenceNumber } = entries.entry(i, { stats: false })
    files.push({
      content: entries.content[i],
      file_path: dataFile.filePath,
      file_format: dataFile.fileFormat,
      spec_id: dataFile.specId,
      record_count: dataFile.recordCount,
      sequence_number: Number(sequenceNumber),
      file_sequence_number: Number(fileSequenceNumber),
      first_row_id: dataFile.firstRowId?.toString(),
      content_offset: dataFile.contentOffset,
      content_size_in_bytes: dataFile.contentSizeBytes,
      referenced_data_file: dataFile.referencedDataFile,
      equality_ids: dataFile.equalityIds,
    })
  }
  return files
}

function normalised(file: GoldenFile): object {
  const { sort_order_id: _, ...rest } = file
  return { ...rest, file_format: file.file_format.toLowerCase(), first_row_id: file.first_row_id?.toString() }
}

function allEntries(metadata: TableMetadata, entries: ManifestEntries): object[] {
  return Array.from({ length: entries.count }, (_, i) => {
    const { dataFile } = entries.entry(i)
    const stats = entries.stats(i)
    for (const [id, count] of dataFile.valueCounts ?? []) expect(stats.valueCount(id)).toBe(count)
    for (const [id, count] of dataFile.nullValueCounts ?? []) expect(stats.nullCount(id)).toBe(count)
    for (const [id, count] of dataFile.nanValueCounts ?? []) expect(stats.nanCount(id)).toBe(count)
    for (const [id, bound] of dataFile.lowerBounds ?? []) expect(stats.lowerBound(id)).toEqual(bound)
    for (const [id, bound] of dataFile.upperBounds ?? []) expect(stats.upperBound(id)).toEqual(bound)
    return {
      status: entries.status[i],
      snapshot_id: String(entries.snapshotId[i]),
      sequence_number: String(entries.sequenceNumber[i]),
      file_sequence_number: String(entries.fileSequenceNumber(i)),
      content: entries.content[i],
      file_path: dataFile.filePath,
      file_format: dataFile.fileFormat,
      spec_id: dataFile.specId,
      partition: partitionJson(metadata, dataFile),
      record_count: String(dataFile.recordCount),
      file_size_in_bytes: String(dataFile.fileSizeBytes),
      value_counts: pairs(dataFile.valueCounts, String),
      null_value_counts: pairs(dataFile.nullValueCounts, String),
      nan_value_counts: pairs(dataFile.nanValueCounts, String),
      lower_bounds: pairs(dataFile.lowerBounds, (bytes) => Buffer.from(bytes).toString('hex')),
      upper_bounds: pairs(dataFile.upperBounds, (bytes) => Buffer.from(bytes).toString('hex')),
      split_offsets: dataFile.splitOffsets?.map(String),
      equality_ids: dataFile.equalityIds,
    }
  })
}

function comparable(entry: GoldenEntry): object {
  const { status, snapshot_id, sequence_number, file_sequence_number, data_file: file } = entry
  const { content, file_path, spec_id, record_count, file_size_in_bytes, split_offsets, equality_ids } = file
  const byId = <T>(list: readonly (readonly [number, T])[] | undefined): unknown => list?.toSorted((a, b) => a[0] - b[0])
  return {
    status, snapshot_id, sequence_number, file_sequence_number,
    content, file_path, file_format: file.file_format.toLowerCase(), spec_id, record_count, file_size_in_bytes,
    partition: file.partition,
    value_counts: byId(file.value_counts),
    null_value_counts: byId(file.null_value_counts),
    nan_value_counts: byId(file.nan_value_counts),
    lower_bounds: byId(file.lower_bounds),
    upper_bounds: byId(file.upper_bounds),
    split_offsets, equality_ids,
  }
}

/** The tuple as Spark shows it: under the fields of all specs together, in canonical JSON form. */
function partitionJson(metadata: TableMetadata, file: DataFile): object | undefined {
  const schema = metadata.schemas.find((candidate) => candidate.schemaId === metadata.currentSchemaId)!
  const own = metadata.partitionSpecs.find((candidate) => candidate.specId === file.specId)!
  const fields = unifiedPartitionType(metadata.partitionSpecs, schema, metadata.schemas).fields
  if (fields.length === 0) return undefined
  const json = fields.map(({ id, name, type }) => {
    const index = own.fields.findIndex((field) => field.fieldId === id)
    return [name, index < 0 ? null : valueJson(type, file.partition[index]!)]
  })
  return Object.fromEntries(json) as object
}

function valueJson(type: Type, value: Value): unknown {
  if (typeof value === 'bigint') return type.kind === 'decimal' ? decimalText(value, type.scale) : String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (type.kind === 'float' || type.kind === 'double') return value === null ? null : Object.is(value, -0) ? '-0' : String(value as number)
  return value
}

function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const point = digits.length - scale
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${scale === 0 ? '' : `.${digits.slice(point)}`}`
}

function checkCounts(manifest: ManifestFile, entries: ManifestEntries): void {
  if (manifest.addedFilesCount === undefined) return
  const files = [0, 0, 0]
  for (const status of entries.status) files[status]!++
  expect(files).toEqual([manifest.existingFilesCount, manifest.addedFilesCount, manifest.deletedFilesCount])
}

function pairs<V>(map: ReadonlyMap<number, V> | undefined, print: (value: V) => string): unknown {
  return map === undefined ? undefined : [...map].sort((a, b) => a[0] - b[0]).map(([id, value]) => [id, print(value)])
}

function sorted(list: readonly object[]): object[] {
  return list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}
