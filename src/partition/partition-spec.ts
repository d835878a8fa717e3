/**
 * Partition transforms, specs and sort orders. This folder knows how a tuple is derived from a row; it knows nothing of
 * predicates (expression/) or of files (manifest/).
 */

/** One field of a spec. Spec: Partitioning, and Appendix C for the JSON */
export interface PartitionField {
  readonly fieldId: number
  readonly name: string
  /** Source column ids: one, but for multi-argument transforms. */
  readonly sourceIds: readonly number[]
  /** The transform as the spec spells it: `identity`, `bucket[16]`, `truncate[10]`, `day`, `void`, or an unknown one. */
  readonly transform: string
}

export interface PartitionSpec {
  readonly specId: number
  readonly fields: readonly PartitionField[]
}

/** Spec: Sorting */
export interface SortField {
  readonly sourceIds: readonly number[]
  readonly transform: string
  readonly direction: 'asc' | 'desc'
  readonly nullOrder: 'nulls-first' | 'nulls-last'
}

/** Order id 0 is the unsorted order. */
export interface SortOrder {
  readonly orderId: number
  readonly fields: readonly SortField[]
}
