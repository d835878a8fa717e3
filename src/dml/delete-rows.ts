import { PositionBitmap } from '../deletes/position-bitmap.js'
import type { Expression } from '../expression/expression.js'
import type { PlannedFile } from '../scan/scan-plan.js'
import { Schema } from '../schema/schema.js'
import type { DmlContext } from './dml-context.js'
import { readFileRows } from './file-rows.js'
import { matchesWholly } from './proven-files.js'
import { followingRewrites } from './replan.js'
import { planChange, runRowChange, type ProgressMeter, type RowChangeOptions, type RowChangeOutcome } from './row-change.js'
import type { RowChangeSet } from './row-change-set.js'

/**
 * Deletes the rows for which the filter is true. Files all of whose rows match by their partition or metrics are removed
 * without being read; of the others, only the filter's columns are read.
 *
 * @throws FloeError `CONFLICT` when another commit was in the way
 */
export function deleteRows(
  context: DmlContext,
  filter: Expression,
  options: RowChangeOptions,
): Promise<RowChangeOutcome> {
  return followingRewrites(context, options.signal, (current) =>
    runRowChange(current, options, { name: 'delete', properties: 'delete', filter }, (set, progress) =>
      removeMatching({ context: current, set, progress }, filter, options),
    ),
  )
}

/** A change of rows while it is gathered. */
export interface Gathering {
  readonly context: DmlContext
  readonly set: RowChangeSet
  readonly progress: ProgressMeter
}

/** Has every row of the branch that matches the filter removed. */
export async function removeMatching({ context, set, progress }: Gathering, filter: Expression, options: RowChangeOptions): Promise<void> {
  const plan = await planChange(context, filter, options)
  const others: PlannedFile[] = []
  for (const file of plan.files()) {
    if (matchesWholly(file)) set.deleteFile(file)
    else others.push(file)
  }
  for await (const { file, positions } of readFileRows(context, others, { projection: new Schema([]), signal: options.signal })) {
    const found = new PositionBitmap()
    positions.addTo(found)
    set.deleteRows(file, found)
    progress.add(positions.length)
  }
}
