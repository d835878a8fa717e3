import type { LoadedTable } from '../catalog/catalog-backend.js'
import type { Expression } from '../expression/expression.js'
import { schemaById } from '../metadata/metadata-lookup.js'
import { planScan } from '../scan/plan-scan.js'
import type { Snapshot } from '../snapshot/snapshot.js'
import { clusteredFile, type ClusteredFile } from './clustering/clustered-file.js'
import { clusteringOrder } from './clustering/clustering-order.js'
import { clusteringReport, type ClusteringReport } from './clustering/clustering-report.js'
import type { CompactionPlan } from './compaction-plan.js'

export interface ClusteringMeasurement {
  readonly before: Snapshot | undefined
  readonly after: Snapshot | undefined
  /** What skipping is measured with. Default: boxes of 1 % of the rows. */
  readonly filters?: readonly Expression[] | undefined
  readonly signal?: AbortSignal | undefined
}

/** What an ordering compaction did for skipping, by manifests alone. Undefined where bounds say nothing of its order. */
export async function measureClustering(
  plan: CompactionPlan,
  { io, metadata }: LoadedTable,
  { before, after, filters, signal }: ClusteringMeasurement,
): Promise<ClusteringReport | undefined> {
  const schema = schemaById(metadata, plan.schemaId)
  const order = plan.order === undefined ? undefined : clusteringOrder(plan.order, schema)
  if (order === undefined) return undefined
  const filesOf = async (snapshot: Snapshot | undefined): Promise<ClusteredFile[]> => {
    const scan = await planScan({ io, metadata, snapshot, schema, includeColumnStats: true, signal })
    // Filters may be on any column; without any, only those of the order matter.
    const kept = (filters ?? []).length > 0 ? undefined : new Set(order.terms.map(({ field }) => field.id))
    return [...scan.files()].map((file) => clusteredFile(file.dataFile(), kept))
  }
  return clusteringReport({ before: await filesOf(before), after: await filesOf(after), order, filters, metadata, schema })
}
