import { buildSortOrder } from '../partition/spec-builder.js'
import type { PartitionTerm, SortTerm } from '../partition/spec-builder.js'
import type { SortField, SortOrder } from '../partition/partition-spec.js'
import { fieldTransform } from '../partition/transform.js'
import type { Schema } from '../schema/schema.js'
import type { NestedField } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { MAX_CURVE_COLUMNS } from './order/curve.js'
import type { RowOrder } from './order/row-order.js'

/**
 * How compaction lays rows out: plain data, that names columns by path. `binpack` keeps the order of rows, `sort` is the table's own
 * sort order; the others are made by {@link sortBy}, {@link zOrder} and {@link hilbert}.
 */
export type CompactionStrategy =
  | 'binpack'
  | 'sort'
  | { readonly type: 'sort'; readonly terms: readonly SortTerm[] }
  | { readonly type: 'zorder' | 'hilbert'; readonly columns: readonly string[] }

/** Rows sorted by terms, the first first: a name alone is ascending, nulls first. Equal rows keep their order. */
export function sortBy(...terms: readonly (string | SortTerm | PartitionTerm)[]): CompactionStrategy {
  return Object.freeze({ type: 'sort', terms: Object.freeze(terms.map(sortTerm)) })
}

/** Rows along the Z-order curve through the space of some columns, in which each column counts the same. */
export function zOrder(...columns: readonly string[]): CompactionStrategy {
  return Object.freeze({ type: 'zorder', columns: Object.freeze([...columns]) })
}

/** Rows along the Hilbert curve through the space of some columns: {@link zOrder} without its jumps, so that filters read fewer files. */
export function hilbert(...columns: readonly string[]): CompactionStrategy {
  return Object.freeze({ type: 'hilbert', columns: Object.freeze([...columns]) })
}

/** What a strategy is resolved against. */
export interface StrategyTable {
  readonly schema: Schema
  /** Of the table; `sort` is the default one. */
  readonly sortOrders: readonly SortOrder[]
  readonly defaultSortOrderId: number
  /** Whether column names must match in letter case. Default true. */
  readonly caseSensitive?: boolean | undefined
}

/**
 * The order of rows that a strategy stands for; undefined when rows keep theirs. A sort order has the id under which the table knows
 * it, else 0.
 * @throws FloeError `INVALID` naming the column when it has no order, lies within a list or map, or is named twice, and for `sort`
 * where the table has no sort order; `NOT_FOUND` for an unknown column; `UNSUPPORTED` for a sort order with an unknown transform
 */
export function resolveStrategy(strategy: CompactionStrategy, table: StrategyTable): RowOrder | undefined {
  if (strategy === 'binpack') return undefined
  if (strategy === 'sort') return tableOrder(table)
  if (typeof strategy !== 'object' || strategy === null) throw unknownStrategy(strategy)
  switch (strategy.type) {
    case 'sort':
      return sortOrder(strategy.terms, table)
    case 'zorder':
    case 'hilbert':
      return { type: strategy.type, fieldIds: curveFieldIds(strategy.columns, table) }
    default:
      throw unknownStrategy(strategy)
  }
}

function sortTerm(item: string | SortTerm | PartitionTerm): SortTerm {
  const term = typeof item === 'string' ? { column: item, transform: 'identity' } : item
  const { column, transform } = term
  const { direction, nullOrder } = 'direction' in term ? term : { direction: 'asc' as const, nullOrder: 'nulls-first' as const }
  return Object.freeze({ column, transform, direction, nullOrder })
}

function tableOrder({ schema, sortOrders, defaultSortOrderId }: StrategyTable): RowOrder {
  const order = sortOrders.find(({ orderId }) => orderId === defaultSortOrderId)
  if (order === undefined || order.fields.length === 0) {
    throw new FloeError('INVALID', 'The table has no sort order to sort by: set one, or name columns with sortBy, zOrder or hilbert')
  }
  for (const field of order.fields) {
    const source = field.sourceIds.length === 1 ? schema.fieldById(field.sourceIds[0]!) : undefined
    if (source === undefined || fieldTransform(field).kind === 'unknown') {
      const what = `${field.transform} of ${field.sourceIds.map((id) => schema.pathOf(id) ?? `field ${id}`).join(', ')}`
      throw new FloeError('UNSUPPORTED', `The table's sort order has ${what}, which cannot be computed: name columns with sortBy instead`)
    }
    checkOrdered(source, schema, 'sort')
  }
  return { type: 'sort', order }
}

function sortOrder(terms: readonly SortTerm[], { schema, sortOrders, caseSensitive }: StrategyTable): RowOrder {
  if (!Array.isArray(terms) || terms.length === 0) throw new FloeError('INVALID', 'sortBy needs at least one column')
  for (const { column } of terms) checkOrdered(schema.requireField(column, { caseSensitive }), schema, 'sort')
  const { fields } = buildSortOrder(terms, schema, { caseSensitive })
  const orderId = sortOrders.find((order) => sameFields(order.fields, fields))?.orderId ?? 0
  return { type: 'sort', order: { orderId, fields } }
}

function curveFieldIds(columns: readonly string[], { schema, caseSensitive }: StrategyTable): number[] {
  if (!Array.isArray(columns) || columns.length === 0 || columns.length > MAX_CURVE_COLUMNS) {
    throw new FloeError('INVALID', `A curve takes 1 to ${MAX_CURVE_COLUMNS} columns, not ${columns?.length}: the first few are the ones that count`)
  }
  const ids = new Set<number>()
  for (const column of columns) {
    const field = schema.requireField(column, { caseSensitive })
    checkOrdered(field, schema, 'cluster')
    if (ids.has(field.id)) throw new FloeError('INVALID', 'A curve takes each column once', { column })
    ids.add(field.id)
  }
  return [...ids]
}

const WITHOUT_ORDER: ReadonlySet<string> = new Set(['struct', 'list', 'map', 'variant', 'geometry', 'geography'])

function checkOrdered(field: NestedField, schema: Schema, verb: 'sort' | 'cluster'): void {
  const column = schema.pathOf(field.id) ?? field.name
  const around = schema.ancestorsOf(field.id).find(({ type }) => type.kind !== 'struct')
  if (around !== undefined) {
    throw new FloeError('INVALID', `Cannot ${verb} by a value within a ${around.type.kind}: a row has any number of them`, { column })
  }
  if (!WITHOUT_ORDER.has(field.type.kind)) return
  const advice = field.type.kind === 'struct' ? 'name a field of it' : 'name another column'
  throw new FloeError('INVALID', `Cannot ${verb} by a column of type ${field.type.kind}, which has no order: ${advice}`, { column })
}

function sameFields(a: readonly SortField[], b: readonly SortField[]): boolean {
  return a.length === b.length && a.every((field, i) => sameField(field, b[i]!))
}

function sameField(a: SortField, b: SortField): boolean {
  const isAlike = a.transform === b.transform && a.direction === b.direction && a.nullOrder === b.nullOrder
  return isAlike && a.sourceIds.join() === b.sourceIds.join()
}

function unknownStrategy(strategy: unknown): FloeError {
  return new FloeError('INVALID', `There is no strategy ${JSON.stringify(strategy)}: use 'binpack', 'sort', sortBy(…), zOrder(…) or hilbert(…)`)
}
