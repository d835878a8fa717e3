import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { readManifestFiles } from '../../commit/manifest-input.js'
import type { DmlContext } from '../../dml/dml-context.js'
import type { PartitionStatisticsFile, TableMetadata } from '../../metadata/table-metadata.js'
import { ancestorsOf, indexSnapshots } from '../../snapshot/ancestry.js'
import { branchHead, MAIN_BRANCH, snapshotById } from '../../snapshot/snapshot-ref.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { FloeError } from '../../util/errors.js'
import { PartitionCounter, setTotalRecordCounts, statisticsPartitionType, type PartitionCounts } from './partition-counts.js'
import { readPartitionStatistics, writePartitionStatistics } from './partition-statistics-file.js'
import { registerStatistics } from './register-statistics.js'

export interface ComputePartitionStatisticsOptions {
  /** Default: the head of the branch. */
  readonly snapshotId?: bigint | undefined
  readonly branch?: string | undefined
  /** Count every file, also where statistics of an earlier snapshot and what changed since tell as much. Default false. */
  readonly full?: boolean | undefined
  /**
   * Fill in `total_record_count` where manifests tell it. Default false, as in the reference, which would carry it on unchanged when
   * it computes later statistics from these.
   */
  readonly totalRecordCount?: boolean | undefined
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ComputePartitionStatisticsResult {
  /** `undefined` when there is no snapshot or no file to count, and for a dry run. */
  readonly statisticsFile: PartitionStatisticsFile | undefined
  readonly snapshotId: bigint | undefined
  readonly partitions: number
  /** Manifests that were read, or would be. */
  readonly manifestsRead: number
  /** The snapshot whose statistics only changes since were added to. */
  readonly basedOn: bigint | undefined
}

/**
 * Counts the files and rows of each partition of a snapshot, from manifests alone, and registers the counts as its partition
 * statistics. Source: `PartitionStatsHandler`
 *
 * @throws FloeError `INVALID` for a table without partition fields
 */
export async function computePartitionStatistics(
  context: DmlContext,
  options: ComputePartitionStatisticsOptions,
): Promise<{ readonly result: ComputePartitionStatisticsResult; readonly table: LoadedTable | undefined }> {
  const { metadata } = context.loaded
  const { snapshotId, branch = MAIN_BRANCH, signal, dryRun = false } = options
  if (statisticsPartitionType(metadata).fields.length === 0) {
    throw new FloeError('INVALID', 'the table is not partitioned: it has no partition statistics')
  }
  const snapshot = snapshotId === undefined ? branchHead(metadata, branch) : snapshotById(metadata, snapshotId)
  const nothing = { statisticsFile: undefined, snapshotId: snapshot?.snapshotId, partitions: 0, manifestsRead: 0, basedOn: undefined }
  if (snapshot === undefined) return { result: nothing, table: undefined }
  const base = options.full === true ? undefined : latestPartitionStatistics(metadata, snapshot)
  const counted = (await countSince(context, snapshot, base, signal)) ?? (await countAll(context, snapshot, signal))
  const { counts, manifestsRead, basedOn } = counted
  const result = { ...nothing, partitions: counts.length, manifestsRead, basedOn }
  if (basedOn === snapshot.snapshotId) return { result: { ...result, statisticsFile: base!.file }, table: undefined }
  if (dryRun || counts.length === 0) return { result, table: undefined }
  if (options.totalRecordCount === true) setTotalRecordCounts(counts, metadata)
  const file = await writePartitionStatistics(snapshot.snapshotId, counts, { ...context, signal })
  const update = { action: 'set-partition-statistics', partitionStatistics: file } as const
  const table = await registerStatistics(context, file, { update, signal })
  return { result: { ...result, statisticsFile: file }, table }
}

/** Partition statistics, and the snapshots that came after, oldest first. */
interface PartitionStatisticsBase {
  readonly file: PartitionStatisticsFile
  readonly since: readonly Snapshot[]
}

/** The statistics of a snapshot or of its closest ancestor that has some. */
export function latestPartitionStatistics(metadata: TableMetadata, head: Snapshot): PartitionStatisticsBase | undefined {
  const since: Snapshot[] = []
  for (const snapshot of ancestorsOf(head.snapshotId, indexSnapshots(metadata.snapshots))) {
    const file = metadata.partitionStatistics.find((candidate) => candidate.snapshotId === snapshot.snapshotId)
    if (file !== undefined) return { file, since: since.toReversed() }
    since.push(snapshot)
  }
  return undefined
}

interface Counted {
  readonly counts: PartitionCounts[]
  readonly manifestsRead: number
  readonly basedOn: bigint | undefined
}

async function countAll({ loaded }: DmlContext, snapshot: Snapshot, signal: AbortSignal | undefined): Promise<Counted> {
  const manifests = await readManifestFiles(loaded, snapshot, { signal })
  const counter = new PartitionCounter(loaded)
  await counter.addAll(manifests, signal)
  return { counts: counter.counts(), manifestsRead: manifests.length, basedOn: undefined }
}

/** From earlier statistics and what snapshots since did; `undefined` when those statistics cannot be built on. */
async function countSince(
  context: DmlContext,
  snapshot: Snapshot,
  base: PartitionStatisticsBase | undefined,
  signal: AbortSignal | undefined,
): Promise<Counted | undefined> {
  if (base === undefined) return undefined
  const { loaded } = context
  try {
    const counter = new PartitionCounter(loaded)
    const before = await readPartitionStatistics(base.file, context, signal)
    for (const counts of before) counter.start({ ...counts, totalRecordCount: undefined })
    let manifestsRead = 0
    for (const { snapshotId, ...since } of base.since) {
      const manifests = await readManifestFiles(loaded, { snapshotId, ...since }, { signal })
      // Spec: Manifests: entries of deleted files are not carried over, so that every snapshot's own manifests are looked at.
      const own = manifests.filter((manifest) => manifest.addedSnapshotId === snapshotId)
      await counter.addChanges(own, snapshotId, signal)
      manifestsRead += own.length
    }
    const counts = counter.counts()
    // Statistics that miss something would show as less than nothing.
    const isSound = counts.every((partition) => Object.values(partition).every(isNoDebt))
    return isSound ? { counts, manifestsRead, basedOn: base.since.length === 0 ? snapshot.snapshotId : base.file.snapshotId } : undefined
  } catch (error) {
    // Statistics that are lost or damaged are computed anew; a manifest that is, fails there again.
    if (error instanceof FloeError && error.code !== 'ABORTED') return undefined
    throw error
  }
}

function isNoDebt(value: unknown): boolean {
  return (typeof value !== 'bigint' && typeof value !== 'number') || value >= 0
}
