import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { partitionKey } from '../../partition/partition-key.js'
import { Decimal } from '../../schema/decimal.js'
import type { Schema } from '../../schema/schema.js'
import type { Value } from '../../schema/type.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { findSnapshot } from '../../snapshot/snapshot-ref.js'
import { entriesOf, manifestsOf } from './entry-tables.js'
import { type InspectedValue, partitionObjects } from './file-row.js'
import type { ManifestEntry } from '../../manifest/data-file.js'

/** Source: Java `PartitionsTable` */
export interface PartitionRow {
  readonly partition: Readonly<Record<string, InspectedValue>>
  /** Of the file that changed last. */
  readonly spec_id: number
  readonly record_count: number
  readonly file_count: number
  readonly total_data_file_size_in_bytes: number
  readonly position_delete_record_count: number
  readonly position_delete_file_count: number
  readonly equality_delete_record_count: number
  readonly equality_delete_file_count: number
  /** When its files last changed, as far as the snapshot is still known. */
  readonly last_updated_at: Date | null
  readonly last_updated_snapshot_id: bigint | null
}

type Counted = { -readonly [K in keyof PartitionRow]: PartitionRow[K] }

/** The live files of a snapshot, summed up by partition. */
export async function partitionRows(table: LoadedTable, snapshot: Snapshot | undefined, schema: Schema): Promise<PartitionRow[]> {
  if (snapshot === undefined) return []
  const partitionOf = partitionObjects(table.metadata, schema)
  const rows = new Map<string, Counted>()
  for await (const entry of entriesOf(table, await manifestsOf(table, [snapshot]), schema)) {
    if (entry.status === 'deleted') continue
    const { specId, partition } = entry.dataFile
    const object = partitionOf(specId, partition)
    // Files of several specs may be in one partition: their tuples are told apart only by the fields of all specs.
    const key = partitionKey(Object.values(object).map(storedValue))
    let row = rows.get(key)
    if (row === undefined) {
      row = emptyRow(object, specId)
      rows.set(key, row)
    }
    count(row, entry, findSnapshot(table.metadata, entry.snapshotId)?.timestampMs)
  }
  return [...rows.values()]
}

function storedValue(value: InspectedValue): Value {
  return value instanceof Decimal ? value.unscaled : value
}

function emptyRow(partition: PartitionRow['partition'], specId: number): Counted {
  return {
    partition,
    spec_id: specId,
    record_count: 0,
    file_count: 0,
    total_data_file_size_in_bytes: 0,
    position_delete_record_count: 0,
    position_delete_file_count: 0,
    equality_delete_record_count: 0,
    equality_delete_file_count: 0,
    last_updated_at: null,
    last_updated_snapshot_id: null,
  }
}

function count(row: Counted, entry: ManifestEntry, timestampMs: number | undefined): void {
  const { content, recordCount, fileSizeBytes } = entry.dataFile
  if (content === 'data') {
    row.record_count += recordCount
    row.file_count += 1
    row.total_data_file_size_in_bytes += fileSizeBytes
  } else if (content === 'position-deletes') {
    row.position_delete_record_count += recordCount
    row.position_delete_file_count += 1
  } else {
    row.equality_delete_record_count += recordCount
    row.equality_delete_file_count += 1
  }
  if (timestampMs !== undefined && (row.last_updated_at === null || row.last_updated_at.getTime() < timestampMs)) {
    row.last_updated_at = new Date(timestampMs)
    row.last_updated_snapshot_id = entry.snapshotId
    row.spec_id = entry.dataFile.specId
  }
}
