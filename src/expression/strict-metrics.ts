import { isFloating, termType } from './bound-term.js'
import { nansOnly, nullsOnly } from './column-counts.js'
import { operandsOf } from './connect.js'
import type { BoundExpression, BoundPredicate, FileStats } from './expression.js'
import { compileBoundTest } from './term-bounds.js'

/** Whether every row of a file is selected. */
export type MatchesAll = (stats: FileStats) => boolean

/**
 * Compiles the test whether a filter selects every row of a file, from its counts and bounds. What was not recorded proves
 * nothing. Members of structs and transforms of columns prove nothing either, as in the reference.
 * Source: the reference's `StrictMetricsEvaluator`, but that nulls match no negative predicate, and that a NaN count that was
 * not recorded is not taken for zero
 */
export function compileStrictMetrics(filter: BoundExpression): MatchesAll {
  const test = compileTree(filter)
  return (stats) => stats.recordCount === 0 || test(stats)
}

function compileTree(filter: BoundExpression): MatchesAll {
  switch (filter.op) {
    case 'true':
      return () => true
    case 'false':
      return () => false
    case 'and': {
      const parts = operandsOf(filter, 'and').map(compileTree)
      return (stats) => parts.every((part) => part(stats))
    }
    case 'or': {
      const parts = operandsOf(filter, 'or').map(compileTree)
      return (stats) => parts.some((part) => part(stats))
    }
    default:
      return filter.term.transform === undefined && filter.term.nested !== true ? compileLeaf(filter) : () => false
  }
}

function compileLeaf(predicate: BoundPredicate): MatchesAll {
  const { term } = predicate
  const { id } = term.field
  const floating = isFloating(termType(term))
  const mayBeNull = (stats: FileStats): boolean => term.neverNull !== true && stats.nullCount(id) !== 0
  const mayBeNan = (stats: FileStats): boolean => floating && stats.nanCount(id) !== 0
  switch (predicate.op) {
    case 'is-null':
      return (stats) => nullsOnly(stats, id)
    case 'not-null':
      return (stats) => !mayBeNull(stats)
    case 'is-nan':
      return (stats) => nansOnly(stats, id)
    case 'not-nan':
      return (stats) => !mayBeNan(stats) || nullsOnly(stats, id)
    case 'not-eq':
    case 'not-in': {
      const { impliedBy } = compileBoundTest(predicate)
      return (stats) => nansOnly(stats, id) || (!mayBeNull(stats) && impliedBy(stats.lowerBound(id), stats.upperBound(id)))
    }
    default: {
      const { impliedBy } = compileBoundTest(predicate)
      return (stats) => !mayBeNull(stats) && !mayBeNan(stats) && impliedBy(stats.lowerBound(id), stats.upperBound(id))
    }
  }
}
