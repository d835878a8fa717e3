import type { ComparePositions } from '../snapshot/source-position.js'
import type { ChangeOperation } from './change-events.js'
import type { RowChangeOptions } from './row-change.js'
import type { KeyedInputOptions } from './upsert-rows.js'

/** How change events are read and applied. */
export interface ApplyChangesOptions extends Omit<RowChangeOptions, 'idempotencyToken' | 'dryRun'>, KeyedInputOptions {
  /** The columns that identify a row. Default: the identifier fields of the table's schema. */
  readonly keys?: readonly string[] | undefined
  /** The column that says what an event did: the table need not have it. */
  readonly operation: string
  /** What codes of the operation mean, beside the common ones: words, first letters, Debezium's and Flink's. */
  readonly operations?: Readonly<Record<string, ChangeOperation>> | undefined
  /**
   * The columns that order the events of a key, such as a log sequence number; the most significant first. Where the table has them,
   * an event that comes before the stored row's does not win: late events, also of earlier calls, are left out. Texts are compared by
   * code point.
   */
  readonly order: string | readonly string[]
  /**
   * What a delete does. `remove`, the default: the row goes, and with it the memory of its order, so that a late event from before
   * the delete would bring it back in a later call. A column: the row stays as a tombstone, with `true` in this boolean column of
   * the table and the event's order, and later events are compared with it; readers filter on the column.
   */
  readonly deletes?: 'remove' | { readonly markColumn: string } | undefined
  /**
   * What becomes of columns that an event does not have. `null`, the default: null, or their write default, as in every write;
   * `keep`: what the row had before.
   */
  readonly missingColumns?: 'null' | 'keep' | undefined
  /** Names the source that {@link sourcePosition} is of. Default `default`. */
  readonly source?: string | undefined
  /**
   * Where in the source these events end. It is stored with the commit; a call whose position does not come after the stored one
   * changes nothing and says so. So a consumer that repeats what it is not sure of applies everything exactly once.
   */
  readonly sourcePosition?: string | number | bigint | undefined
  /** The order of positions that are neither whole numbers nor log sequence numbers (`16/B374D848`). */
  readonly comparePositions?: ComparePositions | undefined
  /** What to do when the table's history no longer tells whether the source was applied before. Default `fail`. */
  readonly ifPositionUnknown?: 'fail' | 'apply' | undefined
}
