import type { RecordBatch } from 'apache-arrow'
import { columnsOf, intersectValidity, validityOf } from '../arrow/arrow-data.js'
import type { Chunk, Validity } from '../arrow/arrow-data.js'
import type { Schema } from '../schema/schema.js'
import type { NestedField, Value } from '../schema/type.js'
import { boundsTracker } from './bounds-tracker.js'
import type { BoundsTracker } from './bounds-tracker.js'

/** Metrics of the rows of a file by leaf field id. Bounds are whole; columns without a comparable value have none. */
export interface ColumnMetrics {
  /** Nulls included. */
  readonly valueCounts: ReadonlyMap<number, number>
  readonly nullCounts: ReadonlyMap<number, number>
  /** Float and double columns only. */
  readonly nanCounts: ReadonlyMap<number, number>
  readonly lower: ReadonlyMap<number, Value>
  readonly upper: ReadonlyMap<number, Value>
}

/**
 * Gathers the metrics of a file from the batches that are written to it, exactly. Leaves inside of lists and maps have none, as in
 * the reference; nor have variants; geometries have counts only. Source: the reference's `ParquetMetrics`
 */
// Spec: Manifests › Data File Fields, value_counts to upper_bounds
export class ColumnMetricsCollector {
  private readonly columns: readonly (ColumnNode | undefined)[]

  constructor(schema: Schema) {
    this.columns = schema.fields.map(columnNode)
  }

  /** Counts the rows of a batch in canonical types. */
  add(batch: RecordBatch): void {
    columnsOf(batch).forEach((chunk, i) => addChunk(this.columns[i], chunk, undefined, batch.numRows))
  }

  finish(): ColumnMetrics {
    const metrics = { valueCounts: new Map(), nullCounts: new Map(), nanCounts: new Map(), lower: new Map(), upper: new Map() }
    for (const column of this.columns) if (column !== undefined) collect(column, metrics)
    return metrics
  }
}

type ColumnNode = LeafMetrics | { readonly fields: readonly (ColumnNode | undefined)[] }

interface LeafMetrics {
  readonly id: number
  readonly isFloating: boolean
  readonly tracker: BoundsTracker | undefined
  valueCount: number
  nullCount: number
}

interface CollectedMetrics {
  readonly valueCounts: Map<number, number>
  readonly nullCounts: Map<number, number>
  readonly nanCounts: Map<number, number>
  readonly lower: Map<number, Value>
  readonly upper: Map<number, Value>
}

function columnNode(field: NestedField): ColumnNode | undefined {
  const { type, id } = field
  if (type.kind === 'struct') return { fields: type.fields.map(columnNode) }
  if (type.kind === 'list' || type.kind === 'map' || type.kind === 'variant' || type.kind === 'unknown') return undefined
  return { id, isFloating: type.kind === 'float' || type.kind === 'double', tracker: boundsTracker(type), valueCount: 0, nullCount: 0 }
}

/** `parent`: which of the enclosing structs are present. */
function addChunk(column: ColumnNode | undefined, chunk: Chunk, parent: Validity | undefined, length: number): void {
  if (column === undefined) return
  const validity = intersectValidity(parent, validityOf(chunk), length)
  if ('fields' in column) {
    column.fields.forEach((child, i) => addChunk(child, chunk.children[i]!, validity, length))
    return
  }
  column.valueCount += length
  column.nullCount += validity?.nullCount ?? 0
  if (column.tracker === undefined || validity?.nullCount === length) return
  forEachRun(validity, length, (from, to) => column.tracker!.add(chunk, from, to))
}

/** Calls `visit` with each longest range of rows that are present. */
function forEachRun(validity: Validity | undefined, length: number, visit: (from: number, to: number) => void): void {
  if (validity === undefined) return visit(0, length)
  const { bitmap } = validity
  let from = -1
  for (let i = 0; i < length; i++) {
    const isPresent = ((bitmap[i >> 3]! >> (i & 7)) & 1) === 1
    if (isPresent && from < 0) from = i
    else if (!isPresent && from >= 0) {
      visit(from, i)
      from = -1
    }
  }
  if (from >= 0) visit(from, length)
}

function collect(column: ColumnNode, metrics: CollectedMetrics): void {
  if ('fields' in column) {
    for (const field of column.fields) if (field !== undefined) collect(field, metrics)
    return
  }
  metrics.valueCounts.set(column.id, column.valueCount)
  metrics.nullCounts.set(column.id, column.nullCount)
  if (column.isFloating) metrics.nanCounts.set(column.id, column.tracker!.nanCount)
  const bounds = column.tracker?.bounds()
  if (bounds === undefined) return
  metrics.lower.set(column.id, bounds.lower)
  metrics.upper.set(column.id, bounds.upper)
}
