import type { RecordBatch } from 'apache-arrow'

/**
 * How rows are recognised as the same row before and after a change: by columns that identify them, by their row ids, or, where neither is
 * known, by all of their values, so that a changed row is a row less and a row more.
 */
export type RowIdentity = 'keys' | 'row-ids' | 'values'

/** Rows of one side of a change, with the columns of {@link ChangeColumns.read}. */
export interface SideRows {
  readonly batch: RecordBatch
  /** Whether the whole file came or went: rows that were copied from one file to another are found among those alone. */
  readonly isWholeFile: boolean
}

/** One side of a change; every call of `rows` reads the same rows in the same order. */
export interface ChangeSide {
  readonly files: number
  /** At most so many rows. */
  readonly maxRows: number
  rows(): AsyncIterable<SideRows>
}

/** Rows that one snapshot changed. `UPDATE`: before and after in turn. */
export interface ChangedRows {
  readonly kind: 'INSERT' | 'DELETE' | 'UPDATE'
  readonly batch: RecordBatch
}
