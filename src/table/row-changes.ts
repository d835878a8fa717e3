/** The door to changes of rows: what callers pass is checked here, and handed to dml/. */
import {
  convertEqualityDeletes,
  type ConvertEqualityDeletesOptions,
  type ConvertEqualityDeletesResult,
} from '../dml/convert-equality-deletes.js'
import { deleteRows } from '../dml/delete-rows.js'
import type { RowAssignments } from '../dml/assignments.js'
import type { DmlContext } from '../dml/dml-context.js'
import { overwritePartitions, type OverwritePartitionsOptions } from '../dml/overwrite-partitions.js'
import { overwriteRows, type OverwriteRowsOptions } from '../dml/overwrite-rows.js'
import type { RowChangeOptions, RowChangeOutcome } from '../dml/row-change.js'
import { commitRowDelta, type RowDelta, type RowDeltaOptions } from '../dml/row-delta.js'
import { updateRows, type UpdateRowsOptions } from '../dml/update-rows.js'
import type { KeyedInputOptions } from '../dml/upsert-rows.js'
import type { Expression } from '../expression/expression.js'
import { parseWhere } from '../expression/parse-where.js'
import { FloeError } from '../util/errors.js'
import { checkBytes, checkCount, checkOneOf } from '../util/option-values.js'
import type { WriteInput } from '../write/input-items.js'
import { checkArgument, checkNamedOptions, checkNames, checkOptional, namesOf, type Names } from './checked-arguments.js'
import { checkFilter } from './table-scan.js'
import { textProperties } from './text-properties.js'

/** A filter as callers write it: an expression, or a text as `parseWhere` reads it. */
export type FilterInput = Expression | string

/** The members of the options of every change of rows. */
export const ROW_CHANGE = {
  branch: true,
  idempotencyToken: true,
  summary: true,
  mode: true,
  isolation: true,
  dryRun: true,
  memoryBudgetBytes: true,
  maxOpenFiles: true,
  onProgress: true,
  signal: true,
} as const
const { mode: _mode, isolation: _isolation, ...STREAMED } = ROW_CHANGE
const OVERWRITE = { ...ROW_CHANGE, unknownColumns: true, parseText: true } as const

const DELETE_NAMES = namesOf<RowChangeOptions>()(ROW_CHANGE)
const UPDATE_NAMES = namesOf<UpdateRowsOptions>()({ ...ROW_CHANGE, parseText: true })
const OVERWRITE_NAMES = namesOf<OverwriteRowsOptions>()({ ...OVERWRITE, requireMatch: true })
const PARTITIONS_NAMES = namesOf<OverwritePartitionsOptions>()(OVERWRITE)
const ROW_DELTA_NAMES = namesOf<RowDeltaOptions>()({
  ...STREAMED,
  isolation: true,
  unknownColumns: true,
  parseText: true,
  startingSnapshotId: true,
  conflictFilter: true,
})
const DELTA_NAMES = namesOf<RowDelta>()({
  addRows: true,
  addDataFiles: true,
  deletePositions: true,
  deleteKeys: true,
  removeDataFiles: true,
  addDeleteFiles: true,
  removeDeleteFiles: true,
})
const KEYS_NAMES = namesOf<NonNullable<RowDelta['deleteKeys']>>()({ keys: true, columns: true })
const CONVERT_NAMES = namesOf<ConvertEqualityDeletesOptions>()({
  branch: true,
  idempotencyToken: true,
  summary: true,
  dryRun: true,
  onProgress: true,
  signal: true,
})

/** Deletes the rows of a table that a filter selects. */
export async function deleteFrom(context: DmlContext, filter: FilterInput, options: RowChangeOptions): Promise<RowChangeOutcome> {
  return deleteRows(context, filterOf(filter, 'A delete'), checkedOptions(options, DELETE_NAMES, 'delete'))
}

/** Sets columns of the rows of a table that a filter selects. */
export async function updateIn(
  context: DmlContext,
  filter: FilterInput,
  assignments: RowAssignments,
  options: UpdateRowsOptions,
): Promise<RowChangeOutcome> {
  checkArgument(assignments, 'object', 'What an update sets')
  return updateRows(context, filterOf(filter, 'An update'), assignments, checkedOptions(options, UPDATE_NAMES, 'update'))
}

/** Replaces the rows of a table that a filter selects. */
export async function overwriteIn(
  context: DmlContext,
  rows: WriteInput,
  filter: FilterInput,
  options: OverwriteRowsOptions,
): Promise<RowChangeOutcome> {
  return overwriteRows(context, rows, filterOf(filter, 'An overwrite'), checkedOptions(options, OVERWRITE_NAMES, 'overwrite'))
}

/** Replaces the partitions of a table that rows belong to. */
export async function overwritePartitionsIn(
  context: DmlContext,
  rows: WriteInput,
  options: OverwritePartitionsOptions,
): Promise<RowChangeOutcome> {
  return overwritePartitions(context, rows, checkedOptions(options, PARTITIONS_NAMES, 'overwritePartitions'))
}

/** Commits changes of a table by files, positions and keys. */
export async function commitDelta(context: DmlContext, delta: RowDelta, options: RowDeltaOptions): Promise<RowChangeOutcome> {
  checkArgument(delta, 'object', 'A row delta')
  checkNames(delta, DELTA_NAMES, 'A row delta')
  checkOptional(delta.addDataFiles, 'list', 'addDataFiles')
  checkOptional(delta.addDeleteFiles, 'list', 'addDeleteFiles')
  checkOptional(delta.removeDeleteFiles, 'list', 'removeDeleteFiles')
  if (delta.deletePositions !== undefined && !(delta.deletePositions instanceof Map)) {
    throw new FloeError('INVALID', 'deletePositions must be a Map from the location of a data file to positions of its rows')
  }
  checkOptional(delta.deleteKeys, 'object', 'deleteKeys')
  if (delta.deleteKeys !== undefined) {
    checkNames(delta.deleteKeys, KEYS_NAMES, 'deleteKeys')
    checkArgument(delta.deleteKeys.columns, 'list', 'The columns of a key')
  }
  const checked = checkedOptions(options, ROW_DELTA_NAMES, 'rowDelta (deleteByKeys too)')
  if (options.conflictFilter !== undefined) checkFilter(options.conflictFilter)
  checkOptional(options.startingSnapshotId, 'bigint', 'The id of the starting snapshot')
  return commitRowDelta(context, delta, checked)
}

/** Converts the equality deletes of a table. */
export async function convertDeletes(
  context: DmlContext,
  options: ConvertEqualityDeletesOptions,
): Promise<{ readonly result: ConvertEqualityDeletesResult; readonly table: DmlContext['loaded'] | undefined }> {
  return convertEqualityDeletes(context, checkedOptions(options, CONVERT_NAMES, 'convertEqualityDeletes'))
}

/** @throws FloeError `INVALID` for what is no filter; leaving one out never means all rows */
export function filterOf(filter: FilterInput, action: string): Expression {
  if (typeof filter === 'string') return parseWhere(filter)
  checkArgument(filter, 'object', `The filter of ${action.toLowerCase()}, unless it is a text,`)
  checkFilter(filter)
  return filter
}

/** @throws FloeError `INVALID` naming the option that is wrong, or that `verb` does not have */
export function checkedOptions<T extends RowChangeOptions & Pick<KeyedInputOptions, 'unknownColumns'>>(options: T, names: Names, verb: string): T {
  checkNamedOptions(options, names, verb)
  const { branch, idempotencyToken, summary, mode, isolation, unknownColumns, onProgress } = options
  checkOptional(branch, 'string', 'The branch')
  checkOptional(idempotencyToken, 'string', 'The idempotency token')
  checkOptional(summary, 'object', 'The summary')
  checkOptional(onProgress, 'function', 'onProgress')
  textProperties(summary ?? {})
  checkOneOf(unknownColumns, ['refuse', 'ignore'], 'unknownColumns')
  checkBytes(options.memoryBudgetBytes, 1, 'memoryBudgetBytes')
  checkCount(options.maxOpenFiles, 1, 'maxOpenFiles')
  checkOneOf(mode, ['merge-on-read', 'copy-on-write'], 'mode')
  checkOneOf(isolation, ['serializable', 'snapshot'], 'isolation')
  return options
}
