/** Files of literal bounds, and the naive reading of what overlaps. */
import type { ClusteredFile } from '../../../src/compaction/clustering/clustered-file.js'
import type { ClusteringOrder } from '../../../src/compaction/clustering/clustering-order.js'
import type { Boxes } from '../../../src/compaction/clustering/boxes.js'
import { encodeValue } from '../../../src/schema/single-value.js'
import type { NestedField, Type, Value } from '../../../src/schema/type.js'
import { fileStats } from '../../support/file-stats.js'
import type { ColumnStats } from '../../support/file-stats.js'

/** Bounds of one column; `null`: all values are null; undefined: not known. */
export type Range = readonly [lower: Value, upper: Value] | null | undefined

export function column(id: number, type: Type = { kind: 'int' }): NestedField {
  return { id, name: `c${id}`, type, required: false }
}

export function orderOf(type: ClusteringOrder['type'], ...fields: readonly NestedField[]): ClusteringOrder {
  return { type, terms: fields.map((field) => ({ field, path: field.name })) }
}

interface FileChoice {
  readonly sizeBytes?: number
  readonly partitionKey?: string
  readonly rows?: number
}

export function fileOf(fields: readonly NestedField[], ranges: readonly Range[], choice: FileChoice = {}): ClusteredFile {
  const { sizeBytes = 100, partitionKey = 'p', rows = 10 } = choice
  const columns: Record<number, ColumnStats> = {}
  fields.forEach(({ id, type }, i) => {
    const range = ranges[i]
    if (range === undefined) return
    const bounds = range === null ? {} : { lower: encodeValue(type, range[0]), upper: encodeValue(type, range[1]) }
    columns[id] = { values: rows, nulls: range === null ? rows : 0, ...bounds }
  })
  return { specId: 0, partition: [], partitionKey, sizeBytes, recordCount: rows, stats: fileStats(rows, columns) }
}

/** Files of one int column. */
export function intervals(...ranges: readonly Range[]): ClusteredFile[] {
  return ranges.map((range) => fileOf([column(1)], [range]))
}

/** How many boxes hold a point, one by one. */
export function countAt({ dimensions, count, lower, upper }: Boxes, point: ArrayLike<number>): number {
  let held = 0
  for (let box = 0; box < count; box++) {
    let isIn = true
    for (let d = 0; d < dimensions; d++) {
      const at = box * dimensions + d
      if (point[d]! < lower[at]! || point[d]! > upper[at]!) isIn = false
    }
    held += isIn ? 1 : 0
  }
  return held
}
