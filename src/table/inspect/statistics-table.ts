import type { StatisticsFile, TableMetadata } from '../../metadata/table-metadata.js'
import { currentSchema } from '../../metadata/metadata-lookup.js'
import { ancestorsOf, indexSnapshots } from '../../snapshot/ancestry.js'

/** One registered sketch or other blob of a statistics file, or one file of partition statistics. */
export interface StatisticsRow {
  readonly snapshot_id: bigint
  readonly kind: 'table' | 'partitions'
  readonly statistics_path: string
  readonly file_size_in_bytes: number
  /** How many snapshots of `main` have come since; 0 for the current one, null for a snapshot that is not in its history. */
  readonly snapshots_behind: number | null
  /** As `apache-datasketches-theta-v1`; null for partition statistics. */
  readonly blob_type: string | null
  /** The columns that a blob is about. */
  readonly columns: readonly string[] | null
  /** About how many distinct values those have. */
  readonly ndv: bigint | null
  readonly properties: Readonly<Record<string, string>> | null
}

/** The statistics that are registered. They are removed with their snapshots; what is behind may be out of date. */
export function statisticsRows(metadata: TableMetadata): StatisticsRow[] {
  const line = [...ancestorsOf(metadata.currentSnapshotId, indexSnapshots(metadata.snapshots))]
  const behind = new Map(line.map((snapshot, distance) => [snapshot.snapshotId, distance]))
  const none = { blob_type: null, columns: null, ndv: null, properties: null }
  const partitions = metadata.partitionStatistics.map((file): StatisticsRow => ({ ...head(file, 'partitions', behind), ...none }))
  return [...metadata.statistics.flatMap((file) => blobRows(file, metadata, behind)), ...partitions]
}

function head(
  file: Pick<StatisticsFile, 'snapshotId' | 'statisticsPath' | 'fileSizeBytes'>,
  kind: StatisticsRow['kind'],
  behind: ReadonlyMap<bigint, number>,
): Pick<StatisticsRow, 'snapshot_id' | 'kind' | 'statistics_path' | 'file_size_in_bytes' | 'snapshots_behind'> {
  const { snapshotId, statisticsPath, fileSizeBytes } = file
  const place = { statistics_path: statisticsPath, file_size_in_bytes: fileSizeBytes }
  return { snapshot_id: snapshotId, kind, ...place, snapshots_behind: behind.get(snapshotId) ?? null }
}

function blobRows(file: StatisticsFile, metadata: TableMetadata, behind: ReadonlyMap<bigint, number>): StatisticsRow[] {
  const schemas = [currentSchema(metadata), ...metadata.schemas.toReversed()]
  const nameOf = (id: number): string => schemas.map((schema) => schema.pathOf(id)).find((path) => path !== undefined) ?? String(id)
  return file.blobMetadata.map((blob) => {
    const ndv = blob.properties.get('ndv')
    return {
      ...head(file, 'table', behind),
      blob_type: blob.type,
      columns: blob.fields.map(nameOf),
      ndv: ndv !== undefined && /^\d{1,19}$/.test(ndv) ? BigInt(ndv) : null,
      properties: Object.fromEntries(blob.properties),
    }
  })
}
