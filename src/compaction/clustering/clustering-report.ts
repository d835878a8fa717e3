import type { Expression } from '../../expression/expression.js'
import type { ClusteredFile } from './clustered-file.js'
import type { ClusteringOrder } from './clustering-order.js'
import { measureSkipping } from './measure-skipping.js'
import type { Skipping, SkippingTable } from './measure-skipping.js'
import { overlapDepth } from './overlap-depth.js'
import type { OverlapDepth } from './overlap-depth.js'
import { quantileFilters } from './quantile-filters.js'

/** What a compaction did for the table's clustering. */
export interface ClusteringReport {
  /** The columns it is told by, as paths. */
  readonly columns: readonly string[]
  readonly depthBefore: OverlapDepth
  readonly depthAfter: OverlapDepth
  readonly skippingBefore: Skipping
  readonly skippingAfter: Skipping
}

export interface ClusteringChange extends SkippingTable {
  readonly before: readonly ClusteredFile[]
  readonly after: readonly ClusteredFile[]
  readonly order: ClusteringOrder
  /** What skipping is measured with. Default: boxes of 1 % of the rows before, see {@link quantileFilters}. */
  readonly filters?: readonly Expression[] | undefined
}

/** Measures the files of a table, or of a part of it, before and after they were rewritten: the same filters on both. */
export function clusteringReport(change: ClusteringChange): ClusteringReport {
  const { before, after, order } = change
  const named = change.filters ?? []
  const filters = named.length > 0 ? named : quantileFilters(before, order)
  return {
    columns: order.terms.map(({ path }) => path),
    depthBefore: overlapDepth(before, order),
    depthAfter: overlapDepth(after, order),
    skippingBefore: measureSkipping(before, filters, change),
    skippingAfter: measureSkipping(after, filters, change),
  }
}
