/** Counts and bounds of rows, as a writer would record them: maybe truncated, maybe not at all. */
import type { FieldSummary, FileStats } from '../../src/expression/expression.js'
import { compareValues } from '../../src/schema/compare-values.js'
import { encodeValue } from '../../src/schema/single-value.js'
import type { NestedField, Type, Value } from '../../src/schema/type.js'
import type { Row } from './naive-filter.js'

/** What one column's metrics leave out. */
export interface StatsChoice {
  readonly counts: boolean
  readonly nanCount: boolean
  readonly bounds: boolean
  /** Characters or bytes that bounds keep. */
  readonly width: number
}

/** A file's metrics from literal maps. Bounds are given as bytes, or as values to encode. */
export function fileStats(recordCount: number, columns: Readonly<Record<number, ColumnStats>>): FileStats {
  return {
    recordCount,
    valueCount: (id) => columns[id]?.values,
    nullCount: (id) => columns[id]?.nulls,
    nanCount: (id) => columns[id]?.nans,
    lowerBound: (id) => columns[id]?.lower,
    upperBound: (id) => columns[id]?.upper,
  }
}

export interface ColumnStats {
  readonly values?: number | undefined
  readonly nulls?: number | undefined
  readonly nans?: number | undefined
  readonly lower?: Uint8Array | undefined
  readonly upper?: Uint8Array | undefined
}

/** The metrics of `rows`, honest but for what `choices` leave out. */
export function statsOfRows(rows: readonly Row[], fields: readonly NestedField[], choices: readonly StatsChoice[]): FileStats {
  const columns: Record<number, ColumnStats> = {}
  fields.forEach((field, index) => {
    const choice = choices[index % choices.length]!
    const values = rows.map((row) => row.get(field.id) ?? null)
    const summary = summaryOf(field.type, values, choice.width)
    columns[field.id] = {
      values: choice.counts ? values.length : undefined,
      nulls: choice.counts ? values.filter((value) => value === null).length : undefined,
      nans: choice.nanCount ? values.filter((value) => Number.isNaN(value)).length : undefined,
      lower: choice.bounds ? summary.lowerBound : undefined,
      upper: choice.bounds ? summary.upperBound : undefined,
    }
  })
  return fileStats(rows.length, columns)
}

/** The summary of a partition field's values; bounds keep `width` characters or bytes. */
export function summaryOf(type: Type, values: readonly Value[], width: number): FieldSummary {
  const comparable = values.filter((value) => value !== null && !Number.isNaN(value)).sort(compareValues(type))
  return {
    containsNull: values.includes(null),
    containsNan: values.some((value) => Number.isNaN(value)),
    lowerBound: comparable.length === 0 ? undefined : encodeValue(type, cutDown(type, comparable[0]!, width)),
    upperBound: comparable.length === 0 ? undefined : upperBound(type, comparable.at(-1)!, width),
  }
}

function cutDown(type: Type, value: Value, width: number): Value {
  return type.kind === 'string' ? [...(value as string)].slice(0, width).join('') : value
}

/** A cut upper bound goes up to the next text; there is none above U+10FFFF. */
function upperBound(type: Type, value: Value, width: number): Uint8Array | undefined {
  if (type.kind !== 'string' || [...(value as string)].length <= width) return encodeValue(type, value)
  const points = [...(value as string)].slice(0, width)
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const next = last.codePointAt(0)! + 1
    if (next <= 0x10ffff) return encodeValue(type, points.join('') + String.fromCodePoint(next === 0xd800 ? 0xe000 : next))
  }
  return undefined
}
