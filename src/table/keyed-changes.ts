/** The door to changes of rows that are matched by key: what callers pass is checked here, and handed to dml/. */
import type { DmlContext } from '../dml/dml-context.js'
import type { RowChangeOutcome } from '../dml/row-change.js'
import { upsertRows, type KeyedInputOptions, type UpsertOptions } from '../dml/upsert-rows.js'
import type { WriteInput } from '../write/input-items.js'
import { checkOptional } from './checked-arguments.js'
import { checkedOptions } from './row-changes.js'

/** Inserts rows into a table, or replaces those that have their keys. */
export async function upsertInto(
  context: DmlContext,
  rows: WriteInput,
  keys: readonly string[] | undefined,
  options: UpsertOptions,
): Promise<RowChangeOutcome> {
  return upsertRows(context, rows, keys, checkedKeyedOptions(options))
}

function checkedKeyedOptions<T extends KeyedInputOptions & UpsertOptions>(options: T): T {
  checkOptional(options.spillDirectory, 'string', 'The folder for temporary files')
  return checkedOptions(options)
}
