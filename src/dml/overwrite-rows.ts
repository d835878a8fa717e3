import type { RecordBatch } from 'apache-arrow'
import { compileBatchFilter } from '../arrow/filter-batch.js'
import { rowReader } from '../arrow/row-values.js'
import { bind } from '../expression/bind.js'
import type { Expression } from '../expression/expression.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import type { Schema } from '../schema/schema.js'
import { FloeError } from '../util/errors.js'
import type { WriteInput } from '../write/input-items.js'
import { inputBatches, type InputOptions } from '../write/input-rows.js'
import { removeMatching } from './delete-rows.js'
import type { DmlContext } from './dml-context.js'
import { followingRewrites } from './replan.js'
import { runRowChange, type RowChangeOptions, type RowChangeOutcome } from './row-change.js'

export interface OverwriteRowsOptions extends RowChangeOptions, Pick<InputOptions, 'unknownColumns' | 'parseText'> {
  /**
   * Refuse new rows that the filter does not select: repeating the overwrite would not replace them. Default false.
   * Source: `OverwriteFiles.validateAddedFilesMatchOverwriteFilter`
   */
  readonly requireMatch?: boolean | undefined
}

/**
 * Replaces the rows for which the filter is true by `rows`, in one commit.
 *
 * @throws FloeError `INVALID` for rows that do not fit, `CONFLICT` when another commit was in the way
 */
export function overwriteRows(
  context: DmlContext,
  rows: WriteInput,
  filter: Expression,
  options: OverwriteRowsOptions,
): Promise<RowChangeOutcome> {
  const schema = currentSchema(context.loaded.metadata)
  const check = options.requireMatch === true ? matchCheck(schema, filter) : undefined
  const kind = { name: 'overwrite', properties: 'delete', filter, replacesFilter: true } as const
  const overwrite = (current: DmlContext): Promise<RowChangeOutcome> =>
    runRowChange(current, options, kind, async (set, progress) => {
      await removeMatching({ context: current, set, progress }, filter, options)
      for await (const batch of inputBatches(rows, schema, options)) {
        check?.(batch)
        await set.insert(batch)
        progress.add(batch.numRows)
      }
    })
  // Other inputs can be read once.
  return Array.isArray(rows) ? followingRewrites(context, options.signal, overwrite) : overwrite(context)
}

function matchCheck(schema: Schema, filter: Expression): (batch: RecordBatch) => void {
  const select = compileBatchFilter(bind(filter, schema, { caseSensitive: true }), schema)
  let rowsBefore = 0
  return (batch) => {
    const row = select(batch).indexOf(0)
    if (row >= 0) {
      const [found] = rowReader(schema)(batch, row, row + 1)
      throw new FloeError('INVALID', `row ${rowsBefore + row}: the filter of the overwrite does not select it: ${describeRow(found!)}`)
    }
    rowsBefore += batch.numRows
  }
}

const SHOWN_CHARACTERS = 120

function describeRow(row: object): string {
  const text = Object.entries(row)
    .map(([name, value]) => `${name}: ${typeof value === 'object' && value !== null ? '…' : String(value)}`)
    .join(', ')
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
}
