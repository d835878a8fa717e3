import type { Schema } from '../schema/schema.js'
import type { PlannedFile } from '../scan/scan-plan.js'
import { FloeError } from '../util/errors.js'
import { clusteredFile, type ClusteredFile } from './clustering/clustered-file.js'
import { clusteringOrder } from './clustering/clustering-order.js'
import { selectOverlapping } from './clustering/select-overlapping.js'
import type { CompactionThresholds } from './compaction-options.js'
import type { RowOrder } from './order/row-order.js'

export interface ClusteringSelection {
  readonly order: RowOrder | undefined
  readonly thresholds: Pick<CompactionThresholds, 'targetFileSizeBytes' | 'maxFileGroupSizeBytes'>
  readonly schema: Schema
}

/**
 * Groups of files of one partition that lie over one another by the bounds of the columns that the rows are to be ordered by. The files
 * were planned with their bounds.
 *
 * @throws FloeError `INVALID` where rows are to keep their order, or by terms that bounds say nothing of
 */
export function selectByClustering(files: readonly PlannedFile[], selection: ClusteringSelection): readonly (readonly PlannedFile[])[] {
  const { order, schema, thresholds } = selection
  if (order === undefined) throw new FloeError('INVALID', "selection 'clustering' needs a strategy that orders rows: sort, sortBy, zOrder or hilbert")
  const clustering = clusteringOrder(order, schema)
  if (clustering === undefined) throw new FloeError('INVALID', "selection 'clustering' needs a first column that has bounds in the order of the strategy")
  const ids = new Set(clustering.terms.map(({ field }) => field.id))
  const planned = new Map<ClusteredFile, PlannedFile>(files.map((file) => [clusteredFile(file.dataFile(), ids), file]))
  const { targetFileSizeBytes, maxFileGroupSizeBytes } = thresholds
  const groups = selectOverlapping(planned.keys(), { order: clustering, targetFileSizeBytes, maxFileGroupSizeBytes })
  return groups.map((group) => group.files.map((file) => planned.get(file)!))
}
