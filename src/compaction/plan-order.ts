import { currentSchema } from '../metadata/metadata-lookup.js'
import type { TableMetadata } from '../metadata/table-metadata.js'
import type { PlanCompactionOptions } from './compaction-options.js'
import type { RowOrder } from './order/row-order.js'
import { resolveStrategy } from './strategy.js'

/** The order of rows in the outputs of a plan. */
export interface PlannedOrder {
  /** Undefined: rows keep theirs. */
  readonly order: RowOrder | undefined
  /** What the outputs may claim. Spec: Sorting: 0 is the unsorted order */
  readonly sortOrderId: number
}

/** @throws FloeError `INVALID` or `NOT_FOUND` for a strategy that the table cannot be rewritten with */
export function planOrder({ strategy = 'binpack', caseSensitive }: PlanCompactionOptions, metadata: TableMetadata): PlannedOrder {
  const { sortOrders, defaultSortOrderId } = metadata
  const order = resolveStrategy(strategy, { schema: currentSchema(metadata), sortOrders, defaultSortOrderId, caseSensitive })
  if (order === undefined) return { order, sortOrderId: 0 }
  return { order, sortOrderId: order.type === 'sort' ? order.order.orderId : 0 }
}
