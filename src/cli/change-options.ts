import type { RowChangeOptions, RowChangeResult } from '../dml/row-change.js'
import type { WriteMode } from '../dml/row-change-set.js'
import type { Expression } from '../expression/expression.js'
import { alwaysTrue } from '../expression/predicates.js'
import type { Table } from '../table/table.js'
import { printJson } from '../util/json.js'
import type { CommandOptions } from './command-options.js'
import { countOf } from './display-text.js'
import type { Environment } from './environment.js'
import { jsonOf } from './json-rows.js'
import { Progress } from './progress.js'
import { UsageError } from './usage-error.js'
import { whereOption } from './where-option.js'

/** Options of every verb that changes rows. */
export const CHANGE_OPTIONS = {
  branch: { type: 'string' },
  mode: { type: 'string' },
  isolation: { type: 'string' },
  'dry-run': { type: 'boolean' },
  'idempotency-token': { type: 'string' },
} as const

/** Options of verbs that change the rows that a filter selects. */
export const FILTER_OPTIONS = { where: { type: 'string' }, all: { type: 'boolean' } } as const

/** The rows to change: those of `--where`, or with `--all` every one. @throws UsageError without either, or with both */
export function filterOption(options: CommandOptions, purpose: string): Expression {
  const where = whereOption(options)
  if ((where === undefined) !== options.flag('all')) throw new UsageError(`Say which rows to ${purpose}: --where FILTER, or --all`)
  return where ?? alwaysTrue()
}

const MODES: readonly WriteMode[] = ['merge-on-read', 'copy-on-write']
const ISOLATIONS = ['serializable', 'snapshot'] as const

/** The options of a change of rows, as the command line gives them. @throws UsageError for values that they do not have */
export function changeOptions(options: CommandOptions): RowChangeOptions {
  return {
    branch: options.text('branch'),
    mode: options.oneOf('mode', MODES),
    isolation: options.oneOf('isolation', ISOLATIONS),
    dryRun: options.flag('dry-run'),
    idempotencyToken: options.text('idempotency-token'),
  }
}

/** Runs a change with a progress line, and prints what it came to. `done`: its verb in the past, `Deleted`. */
export async function runChange(
  table: Table,
  options: CommandOptions,
  environment: Environment,
  change: { readonly done: string; readonly run: (options: RowChangeOptions) => Promise<RowChangeResult> },
): Promise<void> {
  const { stderr, stdout, signal } = environment
  const progress = new Progress(stderr, undefined)
  const asked = { ...changeOptions(options), signal, onProgress: ({ rows }: { readonly rows: number }) => progress.update(rows) }
  const result = await change.run(asked).finally(() => progress.finish())
  const isDryRun = options.flag('dry-run')
  if (options.flag('json')) await stdout.line(printJson(jsonOf(resultJson(table, result, isDryRun))))
  else await stdout.line(resultText(table, result, { done: change.done, isDryRun }))
}

function resultJson(table: Table, result: RowChangeResult, isDryRun: boolean): object {
  return {
    table: table.name,
    snapshot_id: result.snapshot?.snapshotId ?? null,
    dry_run: isDryRun,
    repeated: result.isRepeat,
    deleted_rows: result.deletedRows,
    updated_rows: result.updatedRows,
    inserted_rows: result.insertedRows,
    added_data_files: result.addedDataFiles,
    removed_data_files: result.removedDataFiles,
    added_delete_files: result.addedDeleteFiles,
    removed_delete_files: result.removedDeleteFiles,
    metadata_location: table.metadataLocation,
  }
}

interface Told {
  readonly done: string
  readonly isDryRun: boolean
}

function resultText(table: Table, result: RowChangeResult, { done, isDryRun }: Told): string {
  const { snapshot, isRepeat } = result
  if (isRepeat) return `Nothing to do: the token belongs to snapshot ${snapshot!.snapshotId} of ${table.name}`
  const counts = [
    result.deletedRows > 0 ? `${countOf(result.deletedRows, 'row')} deleted` : undefined,
    result.updatedRows > 0 ? `${countOf(result.updatedRows, 'row')} updated` : undefined,
    result.insertedRows > 0 ? `${countOf(result.insertedRows, 'row')} inserted` : undefined,
  ].filter((part) => part !== undefined)
  const rows = counts.length === 0 ? 'no rows' : counts.join(', ')
  if (isDryRun) return `Dry run, nothing was changed in ${table.name}: ${rows}`
  if (snapshot === undefined) return `Nothing to do in ${table.name}: ${rows}`
  return `${done} ${table.name}: ${rows}: snapshot ${snapshot.snapshotId}`
}
