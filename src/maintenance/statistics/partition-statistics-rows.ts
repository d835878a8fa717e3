import type { DmlContext } from '../../dml/dml-context.js'
import { branchHead, MAIN_BRANCH, snapshotById } from '../../snapshot/snapshot-ref.js'
import { Decimal } from '../../schema/decimal.js'
import type { Type, Value } from '../../schema/type.js'
import { statisticsPartitionType } from './partition-counts.js'
import { readPartitionStatistics } from './partition-statistics-file.js'

export interface ReadPartitionStatisticsOptions {
  /** Default: the head of the branch. */
  readonly snapshotId?: bigint | undefined
  readonly branch?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** One partition of one spec, columns named as in the file. Spec: Partition Statistics File */
export interface PartitionStatisticsRow {
  readonly partition: Readonly<Record<string, Value | Decimal>>
  readonly spec_id: number
  readonly data_record_count: bigint
  readonly data_file_count: number
  readonly total_data_file_size_in_bytes: bigint
  readonly position_delete_record_count: bigint
  readonly position_delete_file_count: number
  readonly dv_count: number
  readonly equality_delete_record_count: bigint
  readonly equality_delete_file_count: number
  readonly total_record_count: bigint | null
  readonly last_updated_at: Date | null
  readonly last_updated_snapshot_id: bigint | null
}

/** The partition statistics that are registered for a snapshot. @throws FloeError `NOT_FOUND`, `CORRUPT` when the file is not as it was */
export async function partitionStatisticsRows(
  { loaded, engine }: Pick<DmlContext, 'loaded' | 'engine'>,
  { snapshotId, branch = MAIN_BRANCH, signal }: ReadPartitionStatisticsOptions,
): Promise<readonly PartitionStatisticsRow[] | undefined> {
  const { metadata } = loaded
  const snapshot = snapshotId === undefined ? branchHead(metadata, branch) : snapshotById(metadata, snapshotId)
  const file = metadata.partitionStatistics.find((candidate) => candidate.snapshotId === snapshot?.snapshotId)
  if (file === undefined) return undefined
  const { fields } = statisticsPartitionType(metadata)
  const counted = await readPartitionStatistics(file, { loaded, engine }, signal)
  return counted.map((counts) => ({
    partition: Object.fromEntries(fields.map((field, place) => [field.name, shown(field.type, counts.partition[place]!)])),
    spec_id: counts.specId,
    data_record_count: counts.dataRecordCount,
    data_file_count: counts.dataFileCount,
    total_data_file_size_in_bytes: counts.totalDataFileSizeBytes,
    position_delete_record_count: counts.positionDeleteRecordCount,
    position_delete_file_count: counts.positionDeleteFileCount,
    dv_count: counts.dvCount,
    equality_delete_record_count: counts.equalityDeleteRecordCount,
    equality_delete_file_count: counts.equalityDeleteFileCount,
    total_record_count: counts.totalRecordCount ?? null,
    last_updated_at: counts.lastUpdatedAt === undefined ? null : new Date(counts.lastUpdatedAt),
    last_updated_snapshot_id: counts.lastUpdatedSnapshotId ?? null,
  }))
}

function shown(type: Type, value: Value): Value | Decimal {
  return type.kind === 'decimal' && typeof value === 'bigint' ? new Decimal(value, type.scale) : value
}
