/**
 * Manifests in the order of partitions and of a good size: so that planning opens few of them. This folder moves entries and
 * never changes one; which files a table has is not its business.
 */
import type { LoadedTable } from '../../catalog/catalog-backend.js'
import { commitTable } from '../../commit/commit-table.js'
import { readManifestFiles, tupleType } from '../../commit/manifest-input.js'
import { snapshotOperation, type SnapshotOptions } from '../../commit/snapshot-operation.js'
import type { DmlContext } from '../../dml/dml-context.js'
import type { ManifestFile } from '../../manifest/data-file.js'
import { readInteger, tableProperties } from '../../metadata/table-properties.js'
import { branchHead, MAIN_BRANCH, refByName } from '../../snapshot/snapshot-ref.js'
import { FloeError } from '../../util/errors.js'
import { checkBytes, checkCount } from '../../util/option-values.js'
import { checkClusterBy } from './clustering-order.js'
import { ManifestRewriteMaker, NothingToRewrite, skippedGroup } from './manifest-rewrite-maker.js'
import type { RewriteManifestsProgress, RewriteManifestsResult, RewrittenManifests } from './rewritten-manifests.js'
import { selectManifests, type ManifestGroup, type ManifestSelection } from './select-manifests.js'

const DEFAULT_MEMORY_BUDGET_BYTES = 256 * 2 ** 20

export interface RewriteManifestsOptions extends Partial<Omit<ManifestSelection, 'rewriteAll'>> {
  /** Also manifests that are of a good size and in order. Default false. */
  readonly rewriteAll?: boolean | undefined
  /** The branch whose manifests are rewritten. Default `main`. */
  readonly branch?: string | undefined
  /** Decide what would be rewritten, and write nothing. */
  readonly dryRun?: boolean | undefined
  /** For entries that are being sorted; beyond it they wait on disk. Default 256 MiB. */
  readonly memoryBudgetBytes?: number | undefined
  /** Where entries wait. Default: the system's folder for temporary files. */
  readonly spillDirectory?: string | undefined
  /** Kept in the snapshot's summary. */
  readonly summary?: Readonly<Record<string, string>> | undefined
  readonly onProgress?: ((progress: RewriteManifestsProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Rewrites the manifests of a branch that are small, overlap in their partitions or list many deleted files. What they list stays
 * as it was, with its sequence numbers, snapshots and row ids; manifests that others add meanwhile are kept.
 *
 * @throws FloeError `INVALID` for an unknown spec or partition field, `NOT_FOUND` for an unknown branch, `CONFLICT` when others
 * rewrote the manifests again and again
 */
export async function rewriteManifests(
  context: Omit<DmlContext, 'engine'>,
  options: RewriteManifestsOptions,
): Promise<{ readonly result: RewriteManifestsResult; readonly table: LoadedTable | undefined }> {
  const { backend, loaded, runtime } = context
  const { branch = MAIN_BRANCH, signal, summary } = options
  // A commit would create the branch.
  if (branch !== MAIN_BRANCH) refByName(loaded.metadata, branch)
  const selection = checkedSelection(loaded, options)
  const manifests = await readManifestFiles(loaded, branchHead(loaded.metadata, branch), { signal })
  const selected = selectManifests(loaded.metadata, manifests, selection)
  if (selected.groups.length === 0 || options.dryRun === true) return { result: plannedResult(manifests, selected), table: undefined }
  const { memoryBudgetBytes = DEFAULT_MEMORY_BUDGET_BYTES, spillDirectory, onProgress } = options
  const maker = new ManifestRewriteMaker(selection, { memoryBudgetBytes, spillDirectory, runtime, onProgress })
  const snapshotOptions: SnapshotOptions = { branch, ...(summary === undefined ? {} : { properties: new Map(Object.entries(summary)) }) }
  try {
    const committed = await commitTable(backend, loaded, snapshotOperation(maker, snapshotOptions, runtime), { runtime, signal })
    return { result: maker.result(committed.snapshot), table: committed.table }
  } catch (error) {
    // Another commit, perhaps the same maintenance elsewhere, was faster.
    if (error instanceof NothingToRewrite) return { result: plannedResult(error.manifests, { groups: [], skipped: [] }), table: undefined }
    throw error
  }
}

function checkedSelection({ metadata }: LoadedTable, options: RewriteManifestsOptions): ManifestSelection {
  const { clusterBy, specId, predicate, rewriteAll } = options
  const targetSizeBytes = options.targetSizeBytes ?? readInteger(metadata.properties, tableProperties.manifestTargetSizeBytes)
  checkCount(targetSizeBytes, 1, 'targetSizeBytes')
  checkBytes(options.memoryBudgetBytes, 1, 'memoryBudgetBytes')
  const specs = metadata.partitionSpecs.filter((spec) => specId === undefined || spec.specId === specId)
  if (specs.length === 0) {
    const known = metadata.partitionSpecs.map((spec) => spec.specId).join(', ')
    throw new FloeError('INVALID', `the table has no partition spec ${String(specId)}; there are ${known}`)
  }
  checkClusterBy(clusterBy, specs.map((spec) => tupleType(metadata, spec.specId)))
  return { clusterBy, specId, predicate, rewriteAll, targetSizeBytes }
}

function plannedResult(
  manifests: readonly ManifestFile[],
  { groups, skipped }: { readonly groups: readonly ManifestGroup[]; readonly skipped: readonly ManifestGroup[] },
): RewriteManifestsResult {
  const bytes = manifests.reduce((sum, manifest) => sum + manifest.manifestLengthBytes, 0)
  const rewritten = groups.reduce((sum, group) => sum + group.manifests.length, 0)
  const planned = (group: ManifestGroup): RewrittenManifests => ({
    ...skippedGroup(group),
    rewritten: group.manifests.length,
    added: group.plannedManifests,
  })
  return {
    snapshot: undefined,
    rewrittenManifests: rewritten,
    addedManifests: groups.reduce((sum, group) => sum + group.plannedManifests, 0),
    keptManifests: manifests.length - rewritten,
    entries: 0,
    bytesBefore: bytes,
    bytesAfter: bytes,
    groups: [...groups.map(planned), ...skipped.map(skippedGroup)],
  }
}
