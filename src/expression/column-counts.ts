import type { FileStats } from './expression.js'

/** What a file's counts prove about one column. A count that is missing or negative, as old writers left it, proves nothing. */

/** Whether every value is known to be null. */
export function nullsOnly(stats: FileStats, fieldId: number): boolean {
  const values = stats.valueCount(fieldId)
  return values !== undefined && values > 0 && stats.nullCount(fieldId) === values
}

/** Whether every value is known to be NaN. */
export function nansOnly(stats: FileStats, fieldId: number): boolean {
  const values = stats.valueCount(fieldId)
  return values !== undefined && values > 0 && stats.nanCount(fieldId) === values
}

/** Whether every value is known to be null or NaN. */
export function nothingComparable(stats: FileStats, fieldId: number): boolean {
  const values = stats.valueCount(fieldId)
  if (values === undefined || values <= 0) return false
  const nulls = stats.nullCount(fieldId) ?? 0
  const nans = stats.nanCount(fieldId) ?? 0
  return nulls === values || nans === values || (nulls > 0 && nans > 0 && nulls + nans === values)
}
