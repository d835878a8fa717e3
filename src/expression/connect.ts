import { FloeError } from '../util/errors.js'
import type { BoundExpression, Expression } from './expression.js'

/** Levels of alternating `and`, `or` and `not` that an expression may have. Chains of one operation count as one level. */
export const MAX_EXPRESSION_DEPTH = 500

type Connective = 'and' | 'or'
type Tree = Expression | BoundExpression

/**
 * The conjunction or disjunction of `items`, without constants that decide nothing, as a balanced tree: a chain of any length
 * can be walked recursively. No items give `true` for `and` and `false` for `or`.
 */
export function connect<T extends Tree>(op: Connective, items: readonly T[]): T {
  const decisive = op === 'and' ? 'false' : 'true'
  const neutral = op === 'and' ? 'true' : 'false'
  const constant = items.find((item) => item.op === decisive)
  if (constant !== undefined) return constant
  const kept = items.filter((item) => item.op !== neutral)
  return kept.length === 0 ? ({ op: neutral } as T) : balanced(op, kept, 0, kept.length)
}

/** The operands of a chain of one operation, in order, however it is nested. */
export function operandsOf<T extends Tree>(tree: T, op: Connective): T[] {
  const operands: T[] = []
  const pending: T[] = [tree]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.op === op) pending.push(next.right as T, next.left as T)
    else operands.push(next)
  }
  return operands
}

/** Refuses an expression of more levels than any walk can take. */
export function checkDepth(depth: number): void {
  if (depth > MAX_EXPRESSION_DEPTH) throw new FloeError('INVALID', `The filter is nested more than ${MAX_EXPRESSION_DEPTH} levels deep; simplify it`)
}

function balanced<T extends Tree>(op: Connective, items: readonly T[], start: number, end: number): T {
  if (end - start === 1) return items[start]!
  const middle = (start + end) >> 1
  return { op, left: balanced(op, items, start, middle), right: balanced(op, items, middle, end) } as unknown as T
}
