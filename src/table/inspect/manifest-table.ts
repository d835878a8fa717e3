import type { LoadedTable } from '../../catalog/catalog-backend.js'
import type { ManifestFile } from '../../manifest/data-file.js'
import { currentSchema } from '../../metadata/metadata-lookup.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { sourceType } from '../../partition/partition-type.js'
import { fieldTransform } from '../../partition/transform.js'
import { loadManifestList } from '../../scan/load-manifests.js'
import { decodeValue } from '../../schema/single-value.js'
import type { Snapshot } from '../../snapshot/snapshot.js'

/** Source: Java `ManifestsTable` */
export interface ManifestRow {
  /** 0 data, 1 deletes. */
  readonly content: 0 | 1
  readonly path: string
  readonly length: number
  readonly partition_spec_id: number
  readonly added_snapshot_id: bigint
  readonly added_data_files_count: number
  readonly existing_data_files_count: number
  readonly deleted_data_files_count: number
  readonly added_delete_files_count: number
  readonly existing_delete_files_count: number
  readonly deleted_delete_files_count: number
  readonly partition_summaries: readonly PartitionSummaryRow[]
}

export interface PartitionSummaryRow {
  readonly contains_null: boolean
  readonly contains_nan: boolean | null
  /** As in partition paths. */
  readonly lower_bound: string | null
  readonly upper_bound: string | null
}

/** Source: Java `AllManifestsTable` */
export interface AllManifestsRow extends ManifestRow {
  readonly reference_snapshot_id: bigint
}

export async function manifestRows(table: LoadedTable, snapshot: Snapshot | undefined): Promise<ManifestRow[]> {
  if (snapshot === undefined) return []
  const manifests = await loadManifestList(table.io, snapshot)
  return manifests.map((manifest) => manifestRow(table.metadata, manifest))
}

export async function allManifestRows(table: LoadedTable): Promise<AllManifestsRow[]> {
  const rows: AllManifestsRow[] = []
  for (const snapshot of table.metadata.snapshots) {
    for (const row of await manifestRows(table, snapshot)) rows.push({ ...row, reference_snapshot_id: snapshot.snapshotId })
  }
  return rows
}

function manifestRow(metadata: TableMetadata, manifest: ManifestFile): ManifestRow {
  const isData = manifest.content === 'data'
  const [added, existing, deleted] = [manifest.addedFilesCount ?? 0, manifest.existingFilesCount ?? 0, manifest.deletedFilesCount ?? 0]
  return {
    content: isData ? 0 : 1,
    path: manifest.manifestPath,
    length: manifest.manifestLengthBytes,
    partition_spec_id: manifest.partitionSpecId,
    added_snapshot_id: manifest.addedSnapshotId,
    added_data_files_count: isData ? added : 0,
    existing_data_files_count: isData ? existing : 0,
    deleted_data_files_count: isData ? deleted : 0,
    added_delete_files_count: isData ? 0 : added,
    existing_delete_files_count: isData ? 0 : existing,
    deleted_delete_files_count: isData ? 0 : deleted,
    partition_summaries: summaryRows(metadata, manifest),
  }
}

function summaryRows(metadata: TableMetadata, manifest: ManifestFile): PartitionSummaryRow[] {
  const spec = metadata.partitionSpecs.find((candidate) => candidate.specId === manifest.partitionSpecId)
  const schema = currentSchema(metadata)
  return (manifest.partitions ?? []).map((summary, index) => {
    const field = spec?.fields[index]
    const print = (bytes: Uint8Array | undefined): string | null => {
      if (bytes === undefined || field === undefined) return null
      const transform = fieldTransform(field)
      const type = sourceType(field, schema, metadata.schemas)
      return transform.toHumanString(type, decodeValue(transform.resultType(type), bytes))
    }
    return {
      contains_null: summary.containsNull,
      contains_nan: summary.containsNan ?? null,
      lower_bound: print(summary.lowerBound),
      upper_bound: print(summary.upperBound),
    }
  })
}
