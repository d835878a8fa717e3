import { isFloating, termType } from './bound-term.js'
import { nansOnly, nothingComparable, nullsOnly } from './column-counts.js'
import type { BoundExpression, BoundPredicate, FileStats } from './expression.js'
import { boundText, predicateText } from './print.js'
import { compileSkipTest } from './skip-test.js'
import type { SkipTest } from './skip-test.js'
import { compileBoundTest } from './term-bounds.js'
import type { BoundProof } from './term-bounds.js'

type Proof = BoundProof | 'nulls' | 'nans' | 'nulls and NaNs' | 'no nulls' | 'no NaNs'

/**
 * Compiles the test whether a file may have rows that a filter selects, from its counts and bounds. What was not recorded
 * proves nothing, so a column that the file lacks never excludes it, whatever its initial default.
 * Source: the reference's `InclusiveMetricsEvaluator`; Spec: Scan Planning
 */
export function compileInclusiveMetrics(filter: BoundExpression): SkipTest<FileStats> {
  const test = compileSkipTest(filter, compileLeaf)
  return {
    mayMatch: (stats) => stats.recordCount !== 0 && test.mayMatch(stats),
    explain: (stats) => (stats.recordCount === 0 ? 'the file has no rows' : test.explain(stats)),
  }
}

function compileLeaf(predicate: BoundPredicate): SkipTest<FileStats> {
  const proof = compileProof(predicate)
  return {
    mayMatch: (stats) => proof(stats) === undefined,
    explain: (stats) => {
      const found = proof(stats)
      return found === undefined ? undefined : `${predicateText(predicate)}: ${proofText(found, predicate, stats)}`
    },
  }
}

/** Why no row of a file matches; `undefined` when rows may. */
function compileProof(predicate: BoundPredicate): (stats: FileStats) => Proof | undefined {
  const { id } = predicate.term.field
  switch (predicate.op) {
    case 'is-null':
      return (stats) => (stats.nullCount(id) === 0 ? 'no nulls' : undefined)
    case 'not-null':
      return (stats) => (nullsOnly(stats, id) ? 'nulls' : undefined)
    case 'is-nan':
      return (stats) => (nullsOnly(stats, id) ? 'nulls' : stats.nanCount(id) === 0 ? 'no NaNs' : undefined)
    case 'not-nan':
      return (stats) => (nansOnly(stats, id) ? 'nans' : undefined)
    case 'not-eq':
    case 'not-in':
    case 'not-starts-with':
      return compileNegativeProof(predicate)
    default: {
      const { excludedBy } = compileBoundTest(predicate)
      return (stats) => {
        if (nothingComparable(stats, id)) return nullsOnly(stats, id) ? 'nulls' : nansOnly(stats, id) ? 'nans' : 'nulls and NaNs'
        return excludedBy(stats.lowerBound(id), stats.upperBound(id))
      }
    }
  }
}

/**
 * A negative predicate excludes a file only when all its values are one that is rejected. Nulls are no such value, though they
 * are not selected either: the reference selects them, and a file is better read than lost.
 */
function compileNegativeProof(predicate: BoundPredicate): (stats: FileStats) => Proof | undefined {
  const { id } = predicate.term.field
  const { excludedBy } = compileBoundTest(predicate)
  const floating = isFloating(termType(predicate.term))
  const neverNull = predicate.term.neverNull === true
  return (stats) => {
    if ((!neverNull && stats.nullCount(id) !== 0) || (floating && stats.nanCount(id) !== 0)) return undefined
    return excludedBy(stats.lowerBound(id), stats.upperBound(id))
  }
}

function proofText(proof: Proof, predicate: BoundPredicate, stats: FileStats): string {
  const { id, type } = predicate.term.field
  const lower = boundText(type, stats.lowerBound(id))
  const upper = boundText(type, stats.upperBound(id))
  switch (proof) {
    case 'lower':
      return `lower bound ${lower}`
    case 'upper':
      return `upper bound ${upper}`
    case 'both':
      return `bounds ${lower} to ${upper}`
    case 'single':
      return `every value is ${lower}`
    case 'nulls':
      return 'every value is null'
    case 'nans':
      return 'every value is NaN'
    case 'nulls and NaNs':
      return 'every value is null or NaN'
    case 'no nulls':
      return 'no value is null'
    case 'no NaNs':
      return 'no value is NaN'
  }
}
