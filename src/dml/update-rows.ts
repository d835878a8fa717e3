import { PositionBitmap } from '../deletes/position-bitmap.js'
import type { Expression } from '../expression/expression.js'
import { currentSchema } from '../metadata/metadata-lookup.js'
import { compileAssignments, type RowAssignments } from './assignments.js'
import type { DmlContext } from './dml-context.js'
import { readFileRows } from './file-rows.js'
import { withLineageColumns } from './lineage-columns.js'
import { hasRowLineage } from './removed-rows.js'
import { followingRewrites } from './replan.js'
import { planChange, runRowChange, type RowChangeOptions, type RowChangeOutcome } from './row-change.js'

export interface UpdateRowsOptions extends RowChangeOptions {
  /** Also take the canonical text of every primitive as a value, as command lines hold it. Default false. */
  readonly parseText?: boolean | undefined
}

/**
 * Sets columns of the rows for which the filter is true. Rows whose partition changes move. On format version 3 rows keep
 * their `_row_id`, and their `_last_updated_sequence_number` becomes that of the commit.
 *
 * @throws FloeError `INVALID` for columns and values that do not fit, `CONFLICT` when another commit was in the way
 */
export function updateRows(
  context: DmlContext,
  filter: Expression,
  assignments: RowAssignments,
  options: UpdateRowsOptions,
): Promise<RowChangeOutcome> {
  const { metadata } = context.loaded
  const assign = compileAssignments(currentSchema(metadata), assignments, options)
  const lineage = hasRowLineage(metadata)
  const kind = { name: 'update', properties: 'update', filter } as const
  return followingRewrites(context, options.signal, (current) =>
    runRowChange(current, options, kind, async (set, progress) => {
      const plan = await planChange(current, filter, options)
      const request = { projection: currentSchema(metadata), lineage, signal: options.signal }
      for await (const found of readFileRows(current, [...plan.files()], request)) {
        const changed = assign(found.batch)
        const positions = new PositionBitmap()
        found.positions.addTo(positions)
        set.deleteRows(found.file, positions)
        // Spec: Row Lineage: a row that is changed keeps its id, and inherits the sequence number of the commit.
        await set.rewrite(lineage ? withLineageColumns(changed, set.rewriteSchema, { rowIds: found.lineage?.rowIds }) : changed)
        progress.add(positions.cardinality)
      }
    }),
  )
}
