/**
 * The sequence of rows in rewritten files: external sorting by a sort order or along a space-filling curve, within a memory budget.
 * It knows batches of rows and a folder for temporary files; it knows nothing of tables, data files or plans.
 */
import type { SortOrder } from '../../partition/partition-spec.js'

/**
 * How rows are ordered: by a sort order, or along a curve through the space of some columns. Plain data that names columns by field id.
 * The id of a sort order is 0 where the table has no such order: files in it must not claim one.
 */
export type RowOrder =
  | { readonly type: 'sort'; readonly order: SortOrder }
  | { readonly type: 'zorder' | 'hilbert'; readonly fieldIds: readonly number[] }

/** The columns that an order looks at, each once. */
export function orderedFieldIds(order: RowOrder): readonly number[] {
  return order.type === 'sort' ? [...new Set(order.order.fields.flatMap((field) => field.sourceIds))] : order.fieldIds
}
