/** The door to changes of rows that are matched by key: what callers pass is checked here, and handed to dml/. */
import { applyChanges, type ApplyChangesOptions, type ApplyChangesOutcome } from '../dml/apply-changes.js'
import type { DmlContext } from '../dml/dml-context.js'
import type { RowChangeOptions, RowChangeOutcome } from '../dml/row-change.js'
import { upsertRows, type KeyedInputOptions, type UpsertOptions } from '../dml/upsert-rows.js'
import { FloeError } from '../util/errors.js'
import type { WriteInput } from '../write/input-items.js'
import { checkArgument, checkOptional } from './checked-arguments.js'
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

/** Applies events of an operational database to a table. */
export async function applyChangesTo(context: DmlContext, events: WriteInput, options: ApplyChangesOptions): Promise<ApplyChangesOutcome> {
  const { operation, operations, order, deletes, missingColumns, source, sourcePosition, comparePositions, ifPositionUnknown } = options
  checkArgument(operation, 'string', 'The column of the operation')
  if (typeof order !== 'string') checkArgument(order, 'list', 'The order columns, unless it is one name,')
  if (order.length === 0) throw new FloeError('INVALID', 'Name the columns that order the events, such as a log sequence number')
  for (const name of typeof order === 'string' ? [] : order) checkArgument(name, 'string', 'An order column')
  checkOptional(operations, 'object', 'The operations')
  for (const [code, meaning] of Object.entries(operations ?? {})) checkOneOf(meaning, ['upsert', 'delete', 'ignore'], `The operation ${code}`)
  if (deletes !== 'remove') checkOptional(deletes, 'object', "What deletes do, unless it is 'remove',")
  if (typeof deletes === 'object') checkArgument(deletes.markColumn, 'string', 'The column that marks deletes')
  checkOneOf(missingColumns, ['null', 'keep'], 'missingColumns')
  checkOneOf(ifPositionUnknown, ['fail', 'apply'], 'ifPositionUnknown')
  checkOptional(source, 'string', 'The source')
  if (!['string', 'number', 'bigint', 'undefined'].includes(typeof sourcePosition)) {
    throw new FloeError('INVALID', `A source position is a text, a number or a bigint, not a value of type ${typeof sourcePosition}`)
  }
  checkOptional(comparePositions, 'function', 'comparePositions')
  return applyChanges(context, events, checkedKeyedOptions(options))
}

function checkOneOf(value: unknown, choices: readonly string[], name: string): void {
  if (value === undefined || choices.includes(value as string)) return
  throw new FloeError('INVALID', `${name} is one of ${choices.join(', ')}, not ${JSON.stringify(value)}`)
}

function checkedKeyedOptions<T extends KeyedInputOptions & RowChangeOptions>(options: T): T {
  checkOptional(options.spillDirectory, 'string', 'The folder for temporary files')
  return checkedOptions(options)
}
