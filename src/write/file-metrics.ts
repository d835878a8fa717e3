import type { DataFile } from '../manifest/data-file.js'
import { truncateLowerBound, truncateUpperBound } from '../parquet/bound-truncation.js'
import type { ColumnMetrics } from '../parquet/column-metrics.js'
import type { Schema } from '../schema/schema.js'
import { encodeValue } from '../schema/single-value.js'
import type { Type, Value } from '../schema/type.js'
import type { MetricsConfig, MetricsMode } from './metrics-config.js'

type FileMetrics = Pick<DataFile, 'valueCounts' | 'nullValueCounts' | 'nanValueCounts' | 'lowerBounds' | 'upperBounds'>

/** What of a file's metrics goes into its manifest entry, by the table's metrics modes. Source: Java `ParquetMetrics` */
export function fileMetrics(metrics: ColumnMetrics, schema: Schema, config: MetricsConfig): FileMetrics {
  const counted = (counts: ReadonlyMap<number, number>): ReadonlyMap<number, number> =>
    new Map([...counts].filter(([fieldId]) => config.modeOf(fieldId).kind !== 'none'))
  return {
    valueCounts: counted(metrics.valueCounts),
    nullValueCounts: counted(metrics.nullCounts),
    nanValueCounts: counted(metrics.nanCounts),
    lowerBounds: bounds(metrics.lower, schema, config, lowerBound),
    upperBounds: bounds(metrics.upper, schema, config, upperBound),
  }
}

type CutBound = (type: Type, value: Value, mode: MetricsMode) => Value | undefined

function bounds(
  values: ReadonlyMap<number, Value>,
  schema: Schema,
  config: MetricsConfig,
  cut: CutBound,
): ReadonlyMap<number, Uint8Array> {
  const encoded = new Map<number, Uint8Array>()
  for (const [fieldId, value] of values) {
    const type = schema.fieldById(fieldId)!.type
    const bound = cut(type, value, config.modeOf(fieldId))
    if (bound !== undefined) encoded.set(fieldId, encodeValue(type, bound))
  }
  return encoded
}

function lowerBound(type: Type, value: Value, mode: MetricsMode): Value | undefined {
  if (mode.kind === 'full') return value
  return mode.kind === 'truncate' ? truncateLowerBound(type, value, mode.length) : undefined
}

function upperBound(type: Type, value: Value, mode: MetricsMode): Value | undefined {
  if (mode.kind === 'full') return value
  return mode.kind === 'truncate' ? truncateUpperBound(type, value, mode.length) : undefined
}
