import { checkDepth, connect, operandsOf } from './connect.js'
import type { Expression, PredicateOperation } from './expression.js'

const NEGATED: Readonly<Record<PredicateOperation, PredicateOperation>> = {
  'is-null': 'not-null',
  'not-null': 'is-null',
  'is-nan': 'not-nan',
  'not-nan': 'is-nan',
  lt: 'gt-eq',
  'lt-eq': 'gt',
  gt: 'lt-eq',
  'gt-eq': 'lt',
  eq: 'not-eq',
  'not-eq': 'eq',
  'starts-with': 'not-starts-with',
  'not-starts-with': 'starts-with',
  in: 'not-in',
  'not-in': 'in',
}

/**
 * The same expression without `not`: negations move down to the predicates, each of which has an opposite. In the logic of
 * true, false and unknown both have the same value for every row. Chains come out balanced.
 *
 * @throws FloeError `INVALID` when it is nested more than 500 levels deep
 */
export function rewriteNot(expression: Expression): Expression {
  return push(expression, false, 0)
}

function push(expression: Expression, negate: boolean, depth: number): Expression {
  checkDepth(depth)
  let tree = expression
  let negated = negate
  while (tree.op === 'not') {
    tree = tree.child
    negated = !negated
  }
  switch (tree.op) {
    case 'true':
    case 'false':
      return negated ? { op: tree.op === 'true' ? 'false' : 'true' } : tree
    case 'and':
    case 'or': {
      const op = (tree.op === 'and') === negated ? 'or' : 'and'
      return connect(op, operandsOf(tree, tree.op).map((operand) => push(operand, negated, depth + 1)))
    }
    default:
      return negated ? ({ ...tree, op: NEGATED[tree.op] } as Expression) : tree
  }
}
