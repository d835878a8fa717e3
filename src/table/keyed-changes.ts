/** The door to changes of rows that are matched by key: what callers pass is checked here, and handed to dml/. */
import { applyChanges, type ApplyChangesOptions, type ApplyChangesOutcome } from '../dml/apply-changes.js'
import type { DmlContext } from '../dml/dml-context.js'
import type { MatchedClause, NotMatchedBySourceClause, NotMatchedClause, PairCondition, RowCondition } from '../dml/merge-clauses.js'
import { mergeRows, type MergeRowsOptions } from '../dml/merge-rows.js'
import type { RowChangeOptions, RowChangeOutcome } from '../dml/row-change.js'
import { upsertRows, type KeyedInputOptions, type UpsertOptions } from '../dml/upsert-rows.js'
import { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import { checkOneOf } from '../util/option-values.js'
import type { WriteInput } from '../write/input-items.js'
import { checkArgument, checkNames, checkOptional, namesOf, type Names } from './checked-arguments.js'
import { checkedOptions, filterOf, ROW_CHANGE, type FilterInput } from './row-changes.js'

export type { ApplyChangesOptions, ApplyChangesResult } from '../dml/apply-changes.js'
export type { ChangeOperation } from '../dml/change-events.js'
export type { PairAssignments } from '../dml/merge-clauses.js'
export type { MergeRowsOptions } from '../dml/merge-rows.js'
export type { KeyedInputOptions, UpsertOptions } from '../dml/upsert-rows.js'

const KEYED = { ...ROW_CHANGE, unknownColumns: true, parseText: true, spillDirectory: true } as const
const { idempotencyToken: _idempotencyToken, dryRun: _dryRun, ...APPLIED } = KEYED

const UPSERT_NAMES = namesOf<UpsertOptions>()({ ...KEYED, skipUnchanged: true })
const APPLY_CHANGES_NAMES = namesOf<ApplyChangesOptions>()({
  ...APPLIED,
  keys: true,
  operation: true,
  operations: true,
  order: true,
  deletes: true,
  missingColumns: true,
  source: true,
  sourcePosition: true,
  comparePositions: true,
  ifPositionUnknown: true,
})
const MARK_NAMES = namesOf<Exclude<ApplyChangesOptions['deletes'], string | undefined>>()({ markColumn: true })
const MERGE_NAMES = namesOf<MergeOptions>()({
  ...KEYED,
  on: true,
  sourceSchema: true,
  whenMatched: true,
  whenNotMatched: true,
  whenNotMatchedBySource: true,
})
const CLAUSE_NAMES = namesOf<MatchedClause | NotMatchedClause | NotMatchedBySourceClause>()({ when: true, then: true })

/** Inserts rows into a table, or replaces those that have their keys. */
export async function upsertInto(
  context: DmlContext,
  rows: WriteInput,
  keys: readonly string[] | undefined,
  options: UpsertOptions,
): Promise<RowChangeOutcome> {
  return upsertRows(context, rows, keys, checkedKeyedOptions(options, UPSERT_NAMES, 'upsert'))
}

/** Applies events of an operational database to a table. */
export async function applyChangesTo(context: DmlContext, events: WriteInput, options: ApplyChangesOptions): Promise<ApplyChangesOutcome> {
  const checked = checkedKeyedOptions(options, APPLY_CHANGES_NAMES, 'applyChanges')
  const { operation, operations, order, deletes, missingColumns, source, sourcePosition, comparePositions, ifPositionUnknown } = options
  checkArgument(operation, 'string', 'The column of the operation')
  if (typeof order !== 'string') checkArgument(order, 'list', 'The order columns, unless it is one name,')
  if (order.length === 0) throw new FloeError('INVALID', 'Name the columns that order the events, such as a log sequence number')
  for (const name of typeof order === 'string' ? [] : order) checkArgument(name, 'string', 'An order column')
  checkOptional(operations, 'object', 'The operations')
  for (const [code, meaning] of Object.entries(operations ?? {})) checkOneOf(meaning, ['upsert', 'delete', 'ignore'], `The operation ${code}`)
  if (deletes !== 'remove') checkOptional(deletes, 'object', "What deletes do, unless it is 'remove',")
  if (typeof deletes === 'object') {
    checkNames(deletes, MARK_NAMES, 'What deletes do')
    checkArgument(deletes.markColumn, 'string', 'The column that marks deletes')
  }
  checkOneOf(missingColumns, ['null', 'keep'], 'missingColumns')
  checkOneOf(ifPositionUnknown, ['fail', 'apply'], 'ifPositionUnknown')
  checkOptional(source, 'string', 'The source')
  if (!['string', 'number', 'bigint', 'undefined'].includes(typeof sourcePosition)) {
    throw new FloeError('INVALID', `A source position is a text, a number or a bigint, not a value of type ${typeof sourcePosition}`)
  }
  checkOptional(comparePositions, 'function', 'comparePositions')
  return applyChanges(context, events, checked)
}

/** A condition of {@link MergeOptions}: filters may be texts. */
export type RowConditionInput = RowCondition<FilterInput>
export type PairConditionInput = PairCondition<FilterInput>

/** What becomes of a row of the table that has a match. */
export type MergeMatched = MatchedClause<PairConditionInput>

/** What becomes of a row of the source that has no match. */
export type MergeNotMatched = NotMatchedClause<RowConditionInput>

/** What becomes of a row of the table that has no match. */
export type MergeNotMatchedBySource = NotMatchedBySourceClause<RowConditionInput>

/** What a merge does. Of the clauses of one kind the first whose condition holds counts; a row that none takes stays as it is. */
export interface MergeOptions extends MergeRowsOptions {
  readonly whenMatched?: 'update' | 'delete' | MergeMatched | readonly MergeMatched[] | undefined
  readonly whenNotMatched?: 'insert' | MergeNotMatched | readonly MergeNotMatched[] | undefined
  readonly whenNotMatchedBySource?: 'delete' | MergeNotMatchedBySource | readonly MergeNotMatchedBySource[] | undefined
}

/** Joins rows to a table by key and does what the clauses say. */
export async function mergeIntoTable(context: DmlContext, rows: WriteInput, options: MergeOptions): Promise<RowChangeOutcome> {
  const checked = checkedKeyedOptions(options, MERGE_NAMES, 'merge')
  const { sourceSchema } = options
  if (sourceSchema !== undefined && !(sourceSchema instanceof Schema)) throw new FloeError('INVALID', 'The schema of the source is made with schema(…)')
  const matched = clausesOf<MergeMatched>(options.whenMatched, ['update', 'delete', 'keep'], 'whenMatched')
  const notMatched = clausesOf<MergeNotMatched>(options.whenNotMatched, ['insert', 'ignore'], 'whenNotMatched')
  const bySource = clausesOf<MergeNotMatchedBySource>(options.whenNotMatchedBySource, ['delete', 'keep'], 'whenNotMatchedBySource')
  if (matched.length + notMatched.length + bySource.length === 0) {
    throw new FloeError('INVALID', 'A merge without clauses does nothing: say whenMatched, whenNotMatched or whenNotMatchedBySource')
  }
  const clauses = {
    whenMatched: matched.map(({ when, then }) => ({ then, when: pairCondition(when) })),
    whenNotMatched: notMatched.map(({ when, then }) => ({ then, when: rowCondition(when) })),
    whenNotMatchedBySource: bySource.map(({ when, then }) => ({ then, when: rowCondition(when) })),
  }
  return mergeRows(context, rows, clauses, checked)
}

function clausesOf<T extends { readonly then: unknown }>(input: unknown, words: readonly string[], name: string): readonly T[] {
  if (input === undefined) return []
  const clauses = typeof input === 'string' ? [{ then: input }] : Array.isArray(input) ? (input as unknown[]) : [input]
  for (const clause of clauses) {
    checkArgument(clause, 'object', `A clause of ${name}`)
    // A condition by another name would be none: the clause would take every row.
    checkNames(clause as object, CLAUSE_NAMES, `A clause of ${name}`)
    const { then } = clause as T
    if (typeof then === 'string' || then === undefined || then === null) checkOneOf(then ?? 'nothing', words, `then of a clause of ${name}`)
    else if (name !== 'whenNotMatched') checkArgument(then, 'object', `then of a clause of ${name}, unless it is a word,`)
    else checkArgument(then, 'function', `then of a clause of ${name}, unless it is a word,`)
  }
  return clauses as T[]
}

function rowCondition(when: RowConditionInput | undefined): RowCondition | undefined {
  return when === undefined || typeof when === 'function' ? when : filterOf(when, 'A merge')
}

function pairCondition(when: PairConditionInput | undefined): PairCondition | undefined {
  if (when === undefined || typeof when === 'function') return when
  checkArgument(when, 'object', 'A condition of whenMatched, unless it is a function,')
  const { target, source, ...others } = when
  if (Object.keys(others).length > 0) {
    throw new FloeError('INVALID', 'A condition of whenMatched is a function of both rows, or { target: a filter, source: a filter }')
  }
  return {
    target: target === undefined ? undefined : filterOf(target, 'A merge'),
    source: source === undefined ? undefined : filterOf(source, 'A merge'),
  }
}

function checkedKeyedOptions<T extends KeyedInputOptions & RowChangeOptions>(options: T, names: Names, verb: string): T {
  const checked = checkedOptions(options, names, verb)
  checkOptional(options.spillDirectory, 'string', 'The folder for temporary files')
  return checked
}
