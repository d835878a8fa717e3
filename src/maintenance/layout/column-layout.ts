import { nothingComparable } from '../../expression/column-counts.js'
import type { BoundTerm } from '../../expression/expression.js'
import type { ClusteredFile } from '../../compaction/clustering/clustered-file.js'
import { clusteringOrder, columnOrder } from '../../compaction/clustering/clustering-order.js'
import type { ClusteringOrder } from '../../compaction/clustering/clustering-order.js'
import { measureSkipping } from '../../compaction/clustering/measure-skipping.js'
import type { SkippingTable } from '../../compaction/clustering/measure-skipping.js'
import { overlapDepth } from '../../compaction/clustering/overlap-depth.js'
import { quantileFilters } from '../../compaction/clustering/quantile-filters.js'
import { defaultSortOrder, defaultSpec } from '../../metadata/metadata-lookup.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import type { Schema } from '../../schema/schema.js'
import { printTypeName } from '../../schema/type-name.js'
import type { Type } from '../../schema/type.js'
import type { ClusteringLayout, ColumnLayout } from './layout-types.js'

/** Bounds that are held at once, by files and columns: a few hundred megabytes. */
const MAX_BOUNDS = 400_000
const MAX_COLUMNS = 32

/** The ids of the columns that have an order, the telling ones first. */
export function orderedColumns(metadata: TableMetadata, schema: Schema): number[] {
  const sorted = defaultSortOrder(metadata).fields.flatMap(({ sourceIds }) => sourceIds)
  const partitioned = defaultSpec(metadata).fields.flatMap(({ sourceIds }) => sourceIds)
  const ids = [...new Set([...sorted, ...partitioned, ...schema.identifierFieldIds, ...leafIds(schema.asStruct())])]
  return ids.filter((id) => columnOrder(schema, id) !== undefined)
}

/** How many columns of so many files are measured. */
export function measuredColumns(files: number): number {
  return Math.max(1, Math.min(MAX_COLUMNS, Math.floor(MAX_BOUNDS / Math.max(1, files))))
}

function leafIds(type: Type): number[] {
  return type.kind === 'struct' ? type.fields.flatMap((field) => [field.id, ...leafIds(field.type)]) : []
}

/** What the bounds of each column are worth. */
export function columnLayouts(files: readonly ClusteredFile[], fieldIds: readonly number[], table: SkippingTable): ColumnLayout[] {
  // Each filter looks at every file: fewer of them keep a large table within seconds.
  const filters = files.length > 20_000 ? 8 : 24
  return fieldIds.map((id) => {
    const order = columnOrder(table.schema, id)!
    const term = order.terms[0]!
    const skipping = measureSkipping(files, quantileFilters(files, order, { filters }), table)
    const isMeasured = skipping.filters.length > 0
    const { average, maximum } = overlapDepth(files, order)
    return {
      column: term.path,
      type: printTypeName(term.field.type),
      filesWithBounds: files.filter(({ stats }) => hasBounds(stats, term.field.id)).length,
      fileShare: isMeasured ? skipping.fileShare : Math.min(1, files.length),
      byteShare: isMeasured ? skipping.byteShare : Math.min(1, files.length),
      depth: average,
      maxDepth: maximum,
    }
  })
}

function hasBounds(stats: ClusteredFile['stats'], id: number): boolean {
  return (stats.lowerBound(id) !== undefined && stats.upperBound(id) !== undefined) || nothingComparable(stats, id)
}

/** Overlap by the table's sort order, and by each of its columns where there are several. */
export function clusteringLayouts(files: readonly ClusteredFile[], metadata: TableMetadata, schema: Schema): ClusteringLayout[] {
  const sorted = clusteringOrder({ type: 'sort', order: defaultSortOrder(metadata) }, schema)
  if (sorted === undefined) return []
  const columns = sorted.terms.length < 2 ? [] : sorted.terms.map((term): ClusteringOrder => ({ type: 'linear', terms: [term] }))
  return [sorted, ...columns].map((order, i) => ({
    kind: i === 0 ? 'sort-order' : 'column',
    order: order.terms.map(termText).join(', '),
    depth: overlapDepth(files, order),
  }))
}

function termText({ path, transform }: BoundTerm): string {
  return transform === undefined ? path : `${transform}(${path})`
}
