import type { PartitionSpec } from '../partition/partition-spec.js'
import { isFloating, termType } from './bound-term.js'
import type { BoundExpression, BoundPredicate, FieldSummary } from './expression.js'
import { boundText, partitionValuePrinter, predicateText } from './print.js'
import { compileSkipTest } from './skip-test.js'
import type { SkipTest } from './skip-test.js'
import { compileBoundTest } from './term-bounds.js'
import type { BoundProof } from './term-bounds.js'

/** A manifest's summaries in the order of its spec's fields; `undefined` when it has none. */
export type FieldSummaries = readonly FieldSummary[] | undefined

type Proof = BoundProof | 'empty' | 'no nulls' | 'no NaNs' | 'NaNs'

/**
 * Compiles the test whether a manifest may list files of partitions that a filter selects.
 *
 * @param filter on partition values, as `projectInclusive` makes it for the manifest's spec
 * @param spec the spec that the manifest was written with
 */
// Source: the reference's `ManifestEvaluator`; Spec: Scan Planning
export function compileManifestEvaluator(filter: BoundExpression, spec: PartitionSpec): SkipTest<FieldSummaries> {
  return compileSkipTest(filter, (predicate) => {
    const index = spec.fields.findIndex((field) => field.fieldId === predicate.term.field.id)
    const print = partitionValuePrinter(spec.fields[index], predicate.term.field.type)
    const proof = compileProof(predicate)
    const find = (summaries: FieldSummaries): Proof | undefined => {
      const summary = summaries?.[index]
      return summary === undefined ? undefined : proof(summary)
    }
    return {
      mayMatch: (summaries) => find(summaries) === undefined,
      explain: (summaries) => {
        const found = find(summaries)
        if (found === undefined) return undefined
        const { lowerBound, upperBound } = summaries![index]!
        const [lower, upper] = [lowerBound, upperBound].map((bytes) => boundText(predicate.term.field.type, bytes, print))
        return `${predicateText(predicate, print)}: ${proofText(found, lower!, upper!)}`
      },
    }
  })
}

/** Why no partition value matches; `undefined` when some may. */
function compileProof(predicate: BoundPredicate): (summary: FieldSummary) => Proof | undefined {
  const floating = isFloating(termType(predicate.term))
  switch (predicate.op) {
    case 'is-null':
      return (summary) => (summary.containsNull ? undefined : 'no nulls')
    case 'not-null':
      // Bounds leave NaN out, so their absence alone does not make a floating-point field null.
      return (summary) => (isEmpty(summary) && (!floating || summary.containsNan === false) ? 'empty' : undefined)
    case 'is-nan':
      return (summary) => (summary.containsNan === false ? 'no NaNs' : undefined)
    case 'not-nan':
      return (summary) => (summary.containsNan === true && !summary.containsNull && summary.lowerBound === undefined ? 'NaNs' : undefined)
    case 'not-eq':
    case 'not-in':
    case 'not-starts-with': {
      const { excludedBy } = compileBoundTest(predicate)
      return (summary) => {
        if (summary.containsNull || (floating && summary.containsNan !== false)) return undefined
        return excludedBy(summary.lowerBound, summary.upperBound)
      }
    }
    default: {
      const { excludedBy } = compileBoundTest(predicate)
      return (summary) => {
        if (isEmpty(summary) || (floating && summary.containsNan === true && summary.lowerBound === undefined)) return 'empty'
        return excludedBy(summary.lowerBound, summary.upperBound)
      }
    }
  }
}

/** Spec: Manifest Lists › field_summary: no bounds beside nulls means that all values are null or NaN. */
function isEmpty(summary: FieldSummary): boolean {
  return summary.containsNull && summary.lowerBound === undefined && summary.upperBound === undefined
}

function proofText(proof: Proof, lower: string, upper: string): string {
  switch (proof) {
    case 'lower':
      return `lower bound ${lower}`
    case 'upper':
      return `upper bound ${upper}`
    case 'both':
      return `bounds ${lower} to ${upper}`
    case 'single':
      return `every value is ${lower}`
    case 'empty':
      return 'every value is null or NaN'
    case 'no nulls':
      return 'no value is null'
    case 'no NaNs':
      return 'no value is NaN'
    case 'NaNs':
      return 'every value is NaN'
  }
}
