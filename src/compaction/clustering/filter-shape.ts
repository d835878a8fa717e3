import type { BoundExpression, BoundTerm, Expression, Term } from '../../expression/expression.js'

/** A text that filters share which differ in their literals alone. Lists of any length are alike. */
export function filterShape(filter: Expression | BoundExpression): string {
  const parts: string[] = []
  const pending: (Expression | BoundExpression | string)[] = [filter]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (typeof node === 'string') parts.push(node)
    else if (node.op === 'and' || node.op === 'or') {
      parts.push(`${node.op}(`)
      pending.push(')', node.right, ',', node.left)
    } else if (node.op === 'not') {
      parts.push('not(')
      pending.push(')', node.child)
    } else parts.push('term' in node ? `${node.op} ${termShape(node.term)}` : node.op)
  }
  return parts.join('')
}

function termShape(term: Term | BoundTerm): string {
  const column = 'field' in term ? term.path : term.column
  return JSON.stringify([column, term.transform ?? ''])
}
