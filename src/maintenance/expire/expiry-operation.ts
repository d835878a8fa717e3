import type { LoadedTable } from '../../catalog/catalog-backend.js'
import type { CommitContext, CommitOperation, ProposedChange } from '../../commit/commit-operation.js'
import { mapOrdered } from '../../io/ordered-prefetch.js'
import type { MetadataUpdate } from '../../metadata/metadata-update.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import { loadManifestList } from '../../scan/load-manifests.js'
import type { Snapshot } from '../../snapshot/snapshot.js'
import { statisticsFiles, type ReachableFile } from '../reachability.js'
import type { RemovedSnapshots } from './expired-files.js'
import { planExpiry, type ExpiryPlan, type ExpiryRules } from './plan-expiry.js'

export interface ExpiryOperationOptions extends ExpiryRules {
  /** Whether schemas and partition specs that nothing uses any more go too. Default false. */
  readonly cleanExpiredMetadata?: boolean | undefined
}

/** What an attempt was made of. */
export interface ExpiryProposal {
  readonly base: LoadedTable
  readonly plan: ExpiryPlan
  readonly updates: readonly MetadataUpdate[]
  readonly removedSpecs: readonly number[]
  readonly removedSchemas: readonly number[]
}

const LISTS_AHEAD = 7

/** Removing snapshots and references from a table's metadata; planned anew on each version that it is tried on. */
export class ExpiryOperation implements CommitOperation {
  readonly name = 'expiry of snapshots'
  readonly canFollowAny = true
  /** Of all attempts, in order: any of them may be the one that landed. */
  readonly proposals: ExpiryProposal[] = []

  constructor(
    private readonly options: ExpiryOperationOptions,
    private readonly nowMs: number,
  ) {}

  async apply(current: LoadedTable, { signal }: Pick<CommitContext, 'signal'>): Promise<ProposedChange> {
    const plan = planExpiry(current.metadata, this.options, this.nowMs)
    const unused = this.options.cleanExpiredMetadata === true ? await findUnused(current, plan, signal) : { specs: [], schemas: [] }
    const updates: MetadataUpdate[] = plan.removedRefs.map((name) => ({ action: 'remove-snapshot-ref', name }))
    if (plan.removedSnapshots.length > 0) updates.push({ action: 'remove-snapshots', snapshotIds: plan.removedSnapshots })
    if (unused.specs.length > 0) updates.push({ action: 'remove-partition-specs', specIds: unused.specs })
    if (unused.schemas.length > 0) updates.push({ action: 'remove-schemas', schemaIds: unused.schemas })
    this.proposals.push({ base: current, plan, updates, removedSpecs: unused.specs, removedSchemas: unused.schemas })
    return { updates }
  }
}

/** What is gone of all that was proposed to be removed. */
export interface LandedExpiry extends RemovedSnapshots {
  readonly removedRefs: readonly string[]
  readonly removedSpecs: readonly number[]
  readonly removedSchemas: readonly number[]
}

/** What the proposals came to, as `after` has it. */
export function landedExpiry(proposals: readonly ExpiryProposal[], after: TableMetadata): LandedExpiry {
  const remaining = new Set(after.snapshots.map(({ snapshotId }) => snapshotId))
  const snapshots = new Map<bigint, Snapshot>()
  const statistics = new Map<string, ReachableFile>()
  for (const { base, plan } of proposals) {
    const removed = new Set(plan.removedSnapshots.filter((id) => !remaining.has(id)))
    for (const snapshot of base.metadata.snapshots) if (removed.has(snapshot.snapshotId)) snapshots.set(snapshot.snapshotId, snapshot)
    for (const file of statisticsFiles(base.metadata)) if (!statistics.has(file.location)) statistics.set(file.location, file)
  }
  const gone = <T>(proposed: (proposal: ExpiryProposal) => readonly T[], there: ReadonlySet<T>): readonly T[] => [
    ...new Set(proposals.flatMap(proposed).filter((item) => !there.has(item))),
  ]
  return {
    snapshots: [...snapshots.values()],
    statistics: [...statistics.values()],
    removedRefs: gone(({ plan }) => plan.removedRefs, new Set(after.refs.keys())),
    removedSpecs: gone(({ removedSpecs }) => removedSpecs, new Set(after.partitionSpecs.map(({ specId }) => specId))),
    removedSchemas: gone(({ removedSchemas }) => removedSchemas, new Set(after.schemas.map(({ schemaId }) => schemaId))),
  }
}

/** Specs and schemas that neither a retained snapshot uses nor the table as it is. Source: `RemoveSnapshots.internalApply` */
async function findUnused(
  { metadata, io }: LoadedTable,
  plan: ExpiryPlan,
  signal: AbortSignal | undefined,
): Promise<{ readonly specs: readonly number[]; readonly schemas: readonly number[] }> {
  const retained = new Set(plan.retainedSnapshots)
  const snapshots = metadata.snapshots.filter(({ snapshotId }) => retained.has(snapshotId))
  const schemas = new Set<number | undefined>([metadata.currentSchemaId, ...snapshots.map(({ schemaId }) => schemaId)])
  const specs = new Set([metadata.defaultSpecId])
  const load = (snapshot: Snapshot): ReturnType<typeof loadManifestList> => loadManifestList(io, snapshot, { signal })
  if (metadata.partitionSpecs.length > 1) {
    for await (const manifests of mapOrdered(snapshots, LISTS_AHEAD, load)) {
      for (const { partitionSpecId } of manifests) specs.add(partitionSpecId)
      if (specs.size === metadata.partitionSpecs.length) break
    }
  }
  return {
    specs: metadata.partitionSpecs.map(({ specId }) => specId).filter((id) => !specs.has(id)),
    schemas: metadata.schemas.map(({ schemaId }) => schemaId).filter((id) => !schemas.has(id)),
  }
}
