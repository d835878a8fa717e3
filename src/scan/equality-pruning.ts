import { isFloating } from '../expression/bound-term.js'
import type { FileStats } from '../expression/expression.js'
import { boundForm } from '../expression/value-order.js'
import type { BoundForm } from '../expression/value-order.js'
import type { DataFile } from '../manifest/data-file.js'
import type { Schema } from '../schema/schema.js'
import { isNested } from '../schema/type.js'
import type { Value } from '../schema/type.js'

/** Whether an equality delete file can delete rows of a data file, by the metrics of both. */
export type DeletePruning = (data: FileStats) => boolean

interface KeyMetrics {
  readonly id: number
  /** Neither the column nor a struct around it is optional. */
  readonly neverNull: boolean
  readonly floating: boolean
  readonly form: BoundForm
  /** Of the delete file; undefined where it is not known. */
  readonly nulls: number | undefined
  readonly values: number | undefined
  readonly nans: number | undefined
  readonly lower: Value | undefined
  readonly upper: Value | undefined
}

/**
 * Compiles the comparison of a delete file's metrics with those of data files: nulls meet only nulls, and other values must lie within
 * both files' bounds. NaN, which bounds leave out, is looked at by its count; what is not known excludes nothing.
 * Source: the reference's `DeleteFileIndex.canContainEqDeletesForFile`
 *
 * @param schemas the schema of the scan, then older ones where dropped key columns are looked up
 */
export function compileDeletePruning(file: DataFile, schemas: readonly Schema[]): DeletePruning {
  const keys = (file.equalityIds ?? []).flatMap((id) => keyMetrics(file, id, schemas))
  return (data) => keys.every((key) => mayMeet(key, data))
}

function keyMetrics(file: DataFile, id: number, schemas: readonly Schema[]): readonly KeyMetrics[] {
  const schema = schemas.find((candidate) => candidate.fieldById(id) !== undefined)
  const field = schema?.fieldById(id)
  if (schema === undefined || field === undefined || isNested(field.type) || field.type.kind === 'variant') return []
  const form = boundForm(field.type)
  const [lower, upper] = [file.lowerBounds?.get(id), file.upperBounds?.get(id)]
  return [
    {
      id,
      neverNull: field.required && schema.ancestorsOf(id).every((ancestor) => ancestor.required),
      floating: isFloating(field.type),
      form,
      nulls: file.nullValueCounts?.get(id),
      values: file.valueCounts?.get(id),
      nans: file.nanValueCounts?.get(id),
      lower: lower === undefined ? undefined : form.ofBound(lower),
      upper: upper === undefined ? undefined : form.ofBound(upper),
    },
  ]
}

function mayMeet(key: KeyMetrics, data: FileStats): boolean {
  const { id, neverNull } = key
  const dataNulls = neverNull ? 0 : data.nullCount(id)
  const deletedNulls = neverNull ? 0 : key.nulls
  if (dataNulls !== 0 && deletedNulls !== 0) return true
  if (!neverNull && isAll(dataNulls, data.valueCount(id)) && deletedNulls === 0) return false
  if (!neverNull && isAll(deletedNulls, key.values) && dataNulls === 0) return false
  if (key.floating && data.nanCount(id) !== 0 && key.nans !== 0) return true
  return rangesMeet(key, data)
}

function isAll(nulls: number | undefined, values: number | undefined): boolean {
  return nulls !== undefined && nulls === values
}

function rangesMeet({ id, form, lower, upper }: KeyMetrics, data: FileStats): boolean {
  const valueOf = (bound: Uint8Array | undefined): Value | undefined => (bound === undefined ? undefined : form.ofBound(bound))
  const [lowest, highest] = [valueOf(data.lowerBound(id)), valueOf(data.upperBound(id))]
  if (lowest !== undefined && upper !== undefined && form.compare(lowest, upper) > 0) return false
  return !(highest !== undefined && lower !== undefined && form.compare(lower, highest) > 0)
}
