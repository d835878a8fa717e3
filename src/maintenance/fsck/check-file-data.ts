import type { DataFile } from '../../manifest/data-file.js'
import { compareValues } from '../../schema/compare-values.js'
import type { Schema } from '../../schema/schema.js'
import { decodeValue } from '../../schema/single-value.js'
import type { Value } from '../../schema/type.js'
import { isFloeError } from '../../util/errors.js'
import { partitionPathPrinter } from '../../partition/partition-path.js'
import { specById } from '../../metadata/metadata-lookup.js'
import type { FindingPlace } from './finding.js'
import type { FsckContext } from './fsck-context.js'
import { measureFile, type MeasuredFile } from './measure-file.js'

/** Reads all rows of a file, and holds them against what its entry says of them. @throws FloeError `CORRUPT`, `UNSUPPORTED` */
export async function checkFileData(context: FsckContext, file: DataFile, place: FindingPlace): Promise<void> {
  const measured = await measureFile(context.table, file, context.caller.signal)
  context.totals.filesRead++
  context.totals.rowsRead += measured.rows
  if (measured.rows !== file.recordCount) context.find('entry-record-count', `It has ${measured.rows} rows, and its entry says ${file.recordCount}`, place)
  checkCounts(context, file, measured, place)
  for (const side of ['lower', 'upper'] as const) checkBounds(context, file, measured, { side, place })
  if (measured.strayPartition !== undefined) {
    const print = partitionPathPrinter(specById(context.metadata, file.specId), measured.schema)
    context.find('data-partition', `It is listed under ${print(file.partition)}, and has rows of ${print(measured.strayPartition)}`, place)
  }
  if (measured.isSorted === false) context.find('data-order', `Its rows are not in sort order ${file.sortOrderId!}, as its entry says`, place)
}

function checkCounts(context: FsckContext, file: DataFile, measuredFile: MeasuredFile, place: FindingPlace): void {
  const { schema, metrics } = measuredFile
  const kinds = [
    ['values', file.valueCounts, metrics.valueCounts],
    ['nulls', file.nullValueCounts, metrics.nullCounts],
    ['NaNs', file.nanValueCounts, metrics.nanCounts],
  ] as const
  const wrong = new Map<number, string[]>()
  for (const [name, said, real] of kinds) {
    for (const [id, count] of said ?? []) {
      const measured = real.get(id)
      // Negative counts of early writers say nothing.
      if (measured === undefined || count < 0 || count === measured || (name !== 'NaNs' && leavesOutNullStructs(file, measuredFile, id))) continue
      wrong.set(id, [...(wrong.get(id) ?? []), `${measured} ${name} instead of ${count}`])
    }
  }
  for (const [id, problems] of wrong) context.find('data-counts', `It has ${problems.join(', ')}`, { ...place, column: schema.pathOf(id) ?? String(id) })
}

/**
 * Whether counts are those of the rows whose struct is not null, as the reference's writer counts leaves of structs. As long as it
 * counts some null, no filter goes wrong by that. Source: `ParquetValueWriters.OptionWriter`
 */
function leavesOutNullStructs(file: DataFile, { schema, metrics }: MeasuredFile, id: number): boolean {
  const [values, nulls] = [file.valueCounts?.get(id), file.nullValueCounts?.get(id)]
  if (values === undefined || nulls === undefined || nulls === 0 || schema.ancestorsOf(id).length === 0) return false
  const [realValues, realNulls] = [metrics.valueCounts.get(id)!, metrics.nullCounts.get(id)!]
  return values <= realValues && values - nulls === realValues - realNulls
}

function checkBounds(
  context: FsckContext,
  file: DataFile,
  { schema, metrics }: MeasuredFile,
  { side, place }: { readonly side: 'lower' | 'upper'; readonly place: FindingPlace },
): void {
  const said = side === 'lower' ? file.lowerBounds : file.upperBounds
  const real = side === 'lower' ? metrics.lower : metrics.upper
  for (const [id, bytes] of said ?? []) {
    const value = real.get(id)
    if (value === undefined) continue
    const problem = boundProblem(schema, id, bytes, { side, value })
    if (problem !== undefined) context.find('data-bounds', problem, { ...place, column: schema.pathOf(id) ?? String(id) })
  }
}

/** Why a bound leaves out a value of its column; undefined when it does not. */
export function boundProblem(
  schema: Schema,
  id: number,
  bytes: Uint8Array,
  { side, value }: { readonly side: 'lower' | 'upper'; readonly value: Value },
): string | undefined {
  const { type } = schema.fieldById(id)!
  let bound: Value
  try {
    bound = decodeValue(type, bytes)
  } catch (error) {
    if (isFloeError(error)) return `Its ${side} bound is no value of the column`
    throw error
  }
  // Spec: NaN is no bound; readers take none from it. A zero may stand for the other.
  if (typeof bound === 'number' && (Number.isNaN(bound) || (bound === 0 && value === 0))) return undefined
  const order = compareValues(type)(bound, value)
  if (side === 'lower' ? order <= 0 : order >= 0) return undefined
  return `Its ${side} bound leaves out a value of the column`
}
