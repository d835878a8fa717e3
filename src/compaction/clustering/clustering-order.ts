import { preservesOrder } from '../../expression/bound-term.js'
import type { BoundTerm } from '../../expression/expression.js'
import type { Schema } from '../../schema/schema.js'
import type { RowOrder } from '../order/row-order.js'

/**
 * By what files are told apart. `linear`: the terms of a sort order, the second within equal values of the first. The others:
 * the columns of a space-filling curve, each as good as the next.
 */
export interface ClusteringOrder {
  readonly type: 'linear' | 'zorder' | 'hilbert'
  readonly terms: readonly BoundTerm[]
}

/**
 * What the bounds of columns say about an order of rows. Of a sort order only the terms before the first whose transform loses the
 * order of its column, as `bucket` does: of the values of that one there are no bounds. `undefined` when no term is left.
 */
export function clusteringOrder(order: RowOrder, schema: Schema): ClusteringOrder | undefined {
  const terms: BoundTerm[] = []
  if (order.type === 'sort') {
    for (const { sourceIds, transform } of order.order.fields) {
      const term = sourceIds.length === 1 ? termOf(schema, sourceIds[0]!, transform) : undefined
      if (term === undefined) break
      terms.push(term)
    }
  } else {
    for (const id of order.fieldIds) {
      const term = termOf(schema, id, 'identity')
      if (term !== undefined) terms.push(term)
    }
  }
  // With one column a curve is a line.
  const type = order.type === 'sort' || terms.length === 1 ? 'linear' : order.type
  return terms.length === 0 ? undefined : { type, terms }
}

/** The order by one column; undefined for one whose values have no order. */
export function columnOrder(schema: Schema, fieldId: number): ClusteringOrder | undefined {
  const term = termOf(schema, fieldId, 'identity')
  return term === undefined ? undefined : { type: 'linear', terms: [term] }
}

const WITHOUT_ORDER: ReadonlySet<string> = new Set(['struct', 'list', 'map', 'variant', 'geometry', 'geography', 'unknown'])

function termOf(schema: Schema, fieldId: number, transform: string): BoundTerm | undefined {
  const field = schema.fieldById(fieldId)
  const isInside = schema.ancestorsOf(fieldId).some(({ type }) => type.kind !== 'struct')
  if (field === undefined || isInside || WITHOUT_ORDER.has(field.type.kind)) return undefined
  const path = schema.pathOf(fieldId) ?? field.name
  const term: BoundTerm = transform === 'identity' ? { field, path } : { field, path, transform }
  return preservesOrder(term) ? term : undefined
}
