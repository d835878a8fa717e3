import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { metadataOperation, type CommitOperation } from '../../commit/commit-operation.js'
import { commitTable } from '../../commit/commit-table.js'
import type { DmlContext } from '../../dml/dml-context.js'
import type { MetadataUpdate } from '../../metadata/metadata-update.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { findSnapshot } from '../../snapshot/snapshot-ref.js'
import { FloeError, isFloeError } from '../../util/errors.js'

type StatisticsUpdate = Extract<MetadataUpdate, { readonly action: keyof typeof REMOVALS }>

/** A file of statistics that was written. */
interface NewStatistics {
  readonly snapshotId: bigint
  readonly statisticsPath: string
}

/**
 * Registers a new file of statistics, which is removed when that is proven to have failed.
 * @throws FloeError `CONFLICT` when the snapshot has expired meanwhile
 */
export async function registerStatistics(
  { backend, loaded, runtime }: Omit<DmlContext, 'engine'>,
  file: NewStatistics,
  { update, signal }: { readonly update: StatisticsUpdate; readonly signal?: AbortSignal | undefined },
): Promise<LoadedTable> {
  const operation: CommitOperation = {
    name: 'registration of statistics',
    canFollowAny: true,
    apply: (current) => Promise.resolve(current.metadata).then((metadata) => ({ updates: updatesOn(metadata, file, update) })),
  }
  try {
    const { table } = await commitTable(backend, loaded, operation, { runtime, signal })
    if (findSnapshot(table.metadata, file.snapshotId) !== undefined) return table
    // Catalogs that apply updates themselves do so without a look at the snapshot.
    const removal = (): readonly MetadataUpdate[] => [{ ...REMOVALS[update.action], snapshotId: file.snapshotId }]
    await commitTable(backend, table, metadataOperation('removal of statistics', removal), { runtime })
    throw expired(file)
  } catch (error) {
    if (!isFloeError(error, 'COMMIT_STATE_UNKNOWN')) await removeUnregistered({ backend, loaded }, file)
    throw error
  }
}

const REMOVALS = {
  'set-statistics': { action: 'remove-statistics' },
  'set-partition-statistics': { action: 'remove-partition-statistics' },
} as const

function updatesOn(metadata: TableMetadata, file: NewStatistics, update: StatisticsUpdate): readonly MetadataUpdate[] {
  if (findSnapshot(metadata, file.snapshotId) !== undefined) return [update]
  throw expired(file)
}

function expired({ snapshotId }: NewStatistics): FloeError {
  return new FloeError('CONFLICT', `snapshot ${snapshotId} has expired while its statistics were computed: compute those of the current one`, {
    retryable: true,
  })
}

/** What is left behind costs space only: failing to remove it fails nothing. */
async function removeUnregistered(
  { backend, loaded }: Pick<DmlContext, 'backend' | 'loaded'>,
  { statisticsPath }: NewStatistics,
): Promise<void> {
  try {
    const { metadata } = await backend.loadTable(loaded.identifier)
    const files = [...metadata.statistics, ...metadata.partitionStatistics]
    if (files.every((file) => file.statisticsPath !== statisticsPath)) await loaded.io.delete([statisticsPath])
  } catch {
    return
  }
}
