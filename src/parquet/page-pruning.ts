import { compileInclusiveMetrics } from '../expression/inclusive-metrics.js'
import type { BoundExpression, FileStats } from '../expression/expression.js'
import type { RowGroup } from './file-metadata.js'
import type { ChunkIndex, PageIndexes } from './page-index.js'
import type { RowRange } from './page-grid.js'
import { statisticsBound } from './row-group-stats.js'
import type { FilterColumns } from './row-group-stats.js'

/** Tells by the bounds of pages which rows of a row group a filter may match. */
export class PagePruning {
  readonly #test: ReturnType<typeof compileInclusiveMetrics>
  readonly #columns: FilterColumns
  readonly #indexes: PageIndexes

  constructor(filter: BoundExpression, columns: FilterColumns, indexes: PageIndexes) {
    this.#test = compileInclusiveMetrics(filter)
    this.#columns = columns
    this.#indexes = indexes
  }

  /**
   * Ascending ranges of rows, counted from the row group's first, outside of which no row matches; undefined where the indexes
   * say nothing.
   */
  async matchingRows(rowGroup: RowGroup): Promise<readonly RowRange[] | undefined> {
    const ordinals = [...this.#columns.leaves.values()].map(({ leaf }) => leaf.columnIndex)
    const indexed = [...(await this.#indexes.read(rowGroup, ordinals, true))].filter(([, index]) => index.bounds !== undefined)
    if (indexed.length === 0) return undefined
    const indexes = new Map(indexed)
    const cuts = [...new Set(indexed.flatMap(([, { layout }]) => layout.starts))].sort((a, b) => a - b)
    const pages = new Map(indexed.map(([column]) => [column, 0]))
    const ranges: { start: number; rows: number }[] = []
    for (let i = 0; i + 1 < cuts.length; i++) {
      const range = { start: cuts[i]!, rows: cuts[i + 1]! - cuts[i]! }
      for (const [column, { layout }] of indexed) {
        if (layout.starts[pages.get(column)! + 1]! <= range.start) pages.set(column, pages.get(column)! + 1)
      }
      if (!this.#test.mayMatch(this.#statsOf(indexes, pages, range.rows))) continue
      const last = ranges.at(-1)
      if (last !== undefined && last.start + last.rows === range.start) last.rows += range.rows
      else ranges.push(range)
    }
    return ranges
  }

  /** What is known of rows that lie in one page of each column, as if they were a row group. */
  #statsOf(indexes: ReadonlyMap<number, ChunkIndex>, pages: ReadonlyMap<number, number>, rows: number): FileStats {
    const boundOf = (fieldId: number, side: 'min' | 'max'): Uint8Array | undefined => {
      const column = this.#columns.leaves.get(fieldId)
      const bounds = column && indexes.get(column.leaf.columnIndex)?.bounds
      if (column === undefined || bounds === undefined) return undefined
      const page = pages.get(column.leaf.columnIndex)!
      if (bounds.nullPages[page]!) return undefined
      return statisticsBound({ minValue: bounds.minValues[page]!, maxValue: bounds.maxValues[page]! }, column, this.#columns, side)
    }
    const nullCount = (fieldId: number): number | undefined => {
      const column = this.#columns.leaves.get(fieldId)?.leaf.columnIndex
      const bounds = column === undefined ? undefined : indexes.get(column)?.bounds
      if (column === undefined || bounds === undefined) return undefined
      if (bounds.nullPages[pages.get(column)!]!) return rows
      // Some nulls of a page need not be among these of its rows
      return bounds.nullCounts?.[pages.get(column)!] === 0 ? 0 : undefined
    }
    return {
      recordCount: rows,
      valueCount: (fieldId) => (this.#columns.leaves.has(fieldId) ? rows : undefined),
      nullCount,
      nanCount: () => undefined,
      lowerBound: (fieldId) => boundOf(fieldId, 'min'),
      upperBound: (fieldId) => boundOf(fieldId, 'max'),
    }
  }
}
