import type { FileStats } from '../expression/expression.js'
import { compileStrictMetrics } from '../expression/strict-metrics.js'
import type { DataFile } from '../manifest/data-file.js'
import type { PlannedFile } from '../scan/scan-plan.js'

/**
 * Whether every row of a planned file matches the plan's filter: its partition proves it, or its metrics prove what the
 * partition leaves open. Source: `ManifestFilterManager`
 */
export function matchesWholly(file: PlannedFile): boolean {
  const { residual } = file
  if (residual.op === 'true') return true
  if (residual.op === 'false' || file.recordCount < 0) return false
  return compileStrictMetrics(residual)(statsOf(file.dataFile()))
}

function statsOf(file: DataFile): FileStats {
  return {
    recordCount: file.recordCount,
    valueCount: (fieldId) => file.valueCounts?.get(fieldId),
    nullCount: (fieldId) => file.nullValueCounts?.get(fieldId),
    nanCount: (fieldId) => file.nanValueCounts?.get(fieldId),
    lowerBound: (fieldId) => file.lowerBounds?.get(fieldId),
    upperBound: (fieldId) => file.upperBounds?.get(fieldId),
  }
}
