import type { BoundExpression } from './expression.js'

/** The ids of the columns that a filter reads. */
export function filterFieldIds(filter: BoundExpression): ReadonlySet<number> {
  const ids = new Set<number>()
  const pending: BoundExpression[] = [filter]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node.op === 'and' || node.op === 'or') pending.push(node.left, node.right)
    else if ('term' in node) ids.add(node.term.field.id)
  }
  return ids
}
