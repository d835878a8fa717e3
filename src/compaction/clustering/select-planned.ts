import type { TableMetadata } from '../../metadata/table-metadata.js'
import { currentSchema } from '../../metadata/metadata-lookup.js'
import type { PlannedFile } from '../../scan/scan-plan.js'
import { readMetricsConfig } from '../../write/metrics-config.js'
import type { RowOrder } from '../order/row-order.js'
import { clusteredFile } from './clustered-file.js'
import type { ClusteredFile } from './clustered-file.js'
import { clusteringOrder } from './clustering-order.js'
import type { ClusteringOrder } from './clustering-order.js'
import { selectOverlapping } from './select-overlapping.js'

export interface PlannedSelection {
  /** What the files are to be rewritten in. */
  readonly order: RowOrder
  readonly metadata: TableMetadata
  readonly targetFileSizeBytes: number
  readonly maxFileGroupSizeBytes: number
  /** Default 2: any overlap counts. */
  readonly minDepth?: number | undefined
}

interface PlannedClusteredFile extends ClusteredFile {
  readonly file: PlannedFile
}

/**
 * The files of a plan that are worth rewriting because they overlap in an order, in groups, the deepest first. The plan must have been
 * made with `includeColumnStats`. None when no bounds tell of the order, as of one that begins with `bucket`.
 */
export function selectPlanned(files: Iterable<PlannedFile>, selection: PlannedSelection): PlannedFile[][] {
  const schema = currentSchema(selection.metadata)
  const order = clusteringOrder(selection.order, schema)
  if (order === undefined) return []
  const { targetFileSizeBytes, maxFileGroupSizeBytes, minDepth, metadata } = selection
  const rewritesUnbounded = writesBounds(order, metadata)
  const groups = selectOverlapping(plannedFiles(files, order), { order, targetFileSizeBytes, maxFileGroupSizeBytes, minDepth, rewritesUnbounded })
  return groups.map((group) => group.files.map(({ file }) => file))
}

function* plannedFiles(files: Iterable<PlannedFile>, order: ClusteringOrder): Generator<PlannedClusteredFile> {
  const fieldIds = new Set(order.terms.map(({ field }) => field.id))
  for (const file of files) yield { ...clusteredFile(file.dataFile(), fieldIds), file }
}

/** Whether files that are written now get bounds of every column of the order. */
function writesBounds({ terms }: ClusteringOrder, metadata: TableMetadata): boolean {
  const config = readMetricsConfig(metadata.properties, currentSchema(metadata))
  return terms.every(({ field }) => {
    const { kind } = config.modeOf(field.id)
    return kind === 'truncate' || kind === 'full'
  })
}
