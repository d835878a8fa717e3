import { bind } from '../../expression/bind.js'
import type { BoundExpression, Expression } from '../../expression/expression.js'
import { parseExpression, printExpression } from '../../expression/expression-json.js'
import type { TableMetadata } from '../../metadata/table-metadata.js'
import type { Schema } from '../../schema/schema.js'
import { FloeError, isFloeError } from '../../util/errors.js'
import { JsonObject, parseJson, printJson } from '../../util/json.js'
import type { JsonValue } from '../../util/json.js'
import { filterShape } from './filter-shape.js'

export interface FilterLogOptions {
  /** Shapes of filters that are kept of one table. Default 64. */
  readonly maxShapes?: number | undefined
  /** Filters that are kept of one shape, the latest. Default 8. */
  readonly maxFiltersPerShape?: number | undefined
  /** Default 1,000. */
  readonly maxTables?: number | undefined
}

/** What tells tables apart, whatever their names: the UUID, or without one the location. */
export type TableKey = Pick<TableMetadata, 'tableUuid' | 'location'>

/** A table whose filters are asked for, as `Table` is. */
export interface LoggedTable {
  readonly metadata: TableKey
  readonly schema: Schema
}

interface Shape {
  uses: number
  /** The latest last. */
  readonly filters: (Expression | BoundExpression)[]
}

type Shapes = Map<string, Shape>

/**
 * The filters that scans had, as what a compaction is to be measured by: give one to `openCatalog`, and what it has recorded to
 * `compact`. Filters that differ in their literals alone are of one shape; of each the latest few are kept. What was not used for
 * longest gives way, so that its size is bounded. It costs a scan the time to walk its filter once.
 */
export class FilterLog {
  readonly #tables = new Map<string, Shapes>()
  readonly #maxShapes: number
  readonly #maxFilters: number
  readonly #maxTables: number

  constructor(options: FilterLogOptions = {}) {
    this.#maxShapes = options.maxShapes ?? 64
    this.#maxFilters = options.maxFiltersPerShape ?? 8
    this.#maxTables = options.maxTables ?? 1000
  }

  /** Notes that `filter` was used on a table. Filters that select all are no news. */
  record(metadata: TableKey, filter: Expression | BoundExpression): void {
    if (filter.op !== 'true' && filter.op !== 'false') this.#add(keyOf(metadata), filter)
  }

  #add(table: string, filter: Expression | BoundExpression): void {
    const shapes = latest(this.#tables, table, () => new Map(), this.#maxTables)
    const shape = latest(shapes, filterShape(filter), () => ({ uses: 0, filters: [] }), this.#maxShapes)
    shape.uses += 1
    shape.filters.push(filter)
    if (shape.filters.length > this.#maxFilters) shape.filters.shift()
  }

  /**
   * The filters recorded of a table, for `compact`: those of the shape that was used most first, of each the latest first. Such as name
   * columns that the table has no more are left out.
   */
  filters({ metadata, schema }: LoggedTable): Expression[] {
    const shapes = [...(this.#tables.get(keyOf(metadata))?.values() ?? [])].sort((a, b) => b.uses - a.uses)
    const filters = shapes.flatMap((shape) => shape.filters.toReversed().map((filter) => parseExpression(printExpression(filter))))
    return filters.filter((filter) => fits(filter, schema))
  }

  /** The log as the text of a JSON object, which {@link parse} reads. */
  print(): string {
    const tables = [...this.#tables].map(([table, shapes]) => [table, [...shapes.values()].map(shapeJson)] as const)
    return printJson({ version: 1, tables: new Map<string, JsonValue>(tables) })
  }

  /** @throws FloeError `CORRUPT` for a text that is no log */
  static parse(text: string, options: FilterLogOptions = {}): FilterLog {
    const json = JsonObject.of(parseJson(text), 'filter log')
    if (json.requireSafeInteger('version') !== 1) throw new FloeError('CORRUPT', 'The filter log is of a version that is not known')
    const log = new FilterLog(options)
    for (const [table, shapes] of tableEntries(json)) {
      for (const entry of shapes) {
        const shape = JsonObject.of(entry, 'filter log entry')
        const filters = shape.requireArray('filters').map((filter) => parseExpression(filter))
        for (const filter of filters) log.#add(table, filter)
        const last = filters.at(-1)
        if (last !== undefined) log.#countUses(table, last, shape.requireSafeInteger('uses'))
      }
    }
    return log
  }

  #countUses(table: string, filter: Expression, uses: number): void {
    const shape = this.#tables.get(table)?.get(filterShape(filter))
    if (shape !== undefined) shape.uses = Math.max(shape.uses, uses)
  }
}

function keyOf({ tableUuid, location }: TableKey): string {
  return tableUuid ?? location
}

function fits(filter: Expression, schema: Schema): boolean {
  try {
    bind(filter, schema)
    return true
  } catch (error) {
    if (isFloeError(error, 'NOT_FOUND', 'INVALID')) return false
    throw error
  }
}

function tableEntries(json: JsonObject): [string, readonly JsonValue[]][] {
  const tables = json.requireObject('tables')
  return tables.names().map((table) => [table, tables.requireArray(table)])
}

function shapeJson({ uses, filters }: Shape): JsonValue {
  return { uses, filters: filters.map((filter) => printExpression(filter)) }
}

/** The entry of a map that is kept in the order of use; made when it is missing, in the place of the one longest unused. */
function latest<V>(map: Map<string, V>, key: string, make: () => V, most: number): V {
  const value = map.get(key) ?? make()
  map.delete(key)
  map.set(key, value)
  if (map.size > most) map.delete(map.keys().next().value!)
  return value
}
