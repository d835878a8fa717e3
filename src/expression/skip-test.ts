import { operandsOf } from './connect.js'
import type { BoundExpression, BoundPredicate } from './expression.js'

/** Decides from some statistics whether rows may match, and says why when none can. */
export interface SkipTest<Stats> {
  /** False only when no row can match. */
  mayMatch(stats: Stats): boolean
  /** Why no row can match: the predicate and what the statistics say of it. `undefined` when rows may match. */
  explain(stats: Stats): string | undefined
}

/**
 * Compiles an expression whose predicates are decided one by one: a conjunction is skipped with any of its parts, a
 * disjunction with all of them.
 */
export function compileSkipTest<Stats>(
  filter: BoundExpression,
  compileLeaf: (predicate: BoundPredicate) => SkipTest<Stats>,
): SkipTest<Stats> {
  switch (filter.op) {
    case 'true':
      return { mayMatch: () => true, explain: () => undefined }
    case 'false':
      return { mayMatch: () => false, explain: () => 'the filter selects nothing' }
    case 'and': {
      const parts = operandsOf(filter, 'and').map((operand) => compileSkipTest(operand, compileLeaf))
      return {
        mayMatch: (stats) => parts.every((part) => part.mayMatch(stats)),
        explain: (stats) => parts.find((part) => !part.mayMatch(stats))?.explain(stats),
      }
    }
    case 'or': {
      const parts = operandsOf(filter, 'or').map((operand) => compileSkipTest(operand, compileLeaf))
      return {
        mayMatch: (stats) => parts.some((part) => part.mayMatch(stats)),
        explain: (stats) =>
          parts.some((part) => part.mayMatch(stats)) ? undefined : parts.map((part) => part.explain(stats)).join('; '),
      }
    }
    default:
      return compileLeaf(filter)
  }
}
