import type { DeleteLoader } from '../deletes/delete-loader.js'
import { mapParallel } from '../io/bounded-parallel.js'
import type { PlannedFile } from '../scan/scan-plan.js'
import { Schema } from '../schema/schema.js'
import { deleteLoader, type DmlContext } from './dml-context.js'
import { readFileRows } from './file-rows.js'

/** Files whose deletes are fetched side by side. */
export const DELETES_AT_ONCE = 4

/**
 * How many rows of whole files are not deleted. Files without deletes are counted from their entries, those with deletes
 * of positions from these; only equality deletes take a look at the rows.
 */
export async function countLiveRows(
  context: DmlContext,
  files: readonly PlannedFile[],
  options: { readonly signal?: AbortSignal | undefined },
): Promise<number> {
  const unknown = files.filter((file) => file.recordCount < 0 || file.deletes.some((deletes) => deletes.content === 'equality-deletes'))
  const scanned = new Set(unknown)
  const known = files.filter((file) => !scanned.has(file))
  let rows = 0
  for (const file of known) if (file.deletes.length === 0) rows += file.recordCount
  const withPositions = known.filter((file) => file.deletes.length > 0)
  if (withPositions.length > 0) {
    const loader: DeleteLoader = deleteLoader(context, options.signal)
    const counts = await mapParallel(withPositions, DELETES_AT_ONCE, async (file) => {
      const positions = await loader.loadPositions(file, file.deletes)
      return file.recordCount - positions.cardinality
    })
    for (const count of counts) rows += count
  }
  const request = { projection: new Schema([]), unfiltered: true, signal: options.signal }
  for await (const { positions } of readFileRows(context, unknown, request)) rows += positions.length
  return rows
}
