import type { Value } from '../schema/type.js'
import { firstWhere } from '../util/binary-search.js'
import { preservesOrder, termFunction, termType } from './bound-term.js'
import type { BoundPredicate, BoundTerm } from './expression.js'
import { boundForm, readBound } from './value-order.js'
import type { BoundForm } from './value-order.js'

/** What the bounds of a term's values prove about one predicate. Bounds may be looser than the values. */
export interface BoundTest {
  /** Which bound proves that no value matches; `undefined` when values between the bounds may. */
  excludedBy(lower: Uint8Array | undefined, upper: Uint8Array | undefined): BoundProof | undefined
  /** Whether every value between the bounds matches. */
  impliedBy(lower: Uint8Array | undefined, upper: Uint8Array | undefined): boolean
}

export type BoundProof = 'lower' | 'upper' | 'both' | 'single'

/**
 * Compiles the test of bounds for a predicate with literals. `single` means that both bounds are equal to a value that the
 * predicate rejects: proof only where there is no NaN. Nulls and NaN are the caller's business.
 */
export function compileBoundTest(predicate: BoundPredicate): BoundTest {
  const form = formOf(predicate.term)
  switch (predicate.op) {
    case 'in':
    case 'not-in':
      return setTest(form, predicate.op, predicate.literals.map(form.ofValue))
    case 'starts-with':
    case 'not-starts-with':
      return prefixTest(form, predicate.op, form.ofValue(predicate.literal) as Uint8Array)
    case 'is-null':
    case 'not-null':
    case 'is-nan':
    case 'not-nan':
      return { excludedBy: () => undefined, impliedBy: () => false }
    default:
      return comparisonTest(form, predicate.op, form.ofValue(predicate.literal))
  }
}

/** The form of a term's bounds: those of its column, transformed where the transform keeps order. */
function formOf(term: BoundTerm): BoundForm {
  if (term.transform === undefined) return boundForm(term.field.type)
  const form = boundForm(termType(term))
  if (!preservesOrder(term)) return { ...form, ofBound: () => undefined }
  const apply = termFunction(term)
  return {
    ...form,
    ofBound: (bytes) => {
      const bound = readBound(term.field.type, bytes)
      return bound === undefined ? undefined : form.ofValue(apply(bound))
    },
  }
}

type Comparison = 'lt' | 'lt-eq' | 'gt' | 'gt-eq' | 'eq' | 'not-eq'

function comparisonTest(form: BoundForm, op: Comparison, literal: Value): BoundTest {
  /** Order of a bound against the literal; NaN, for which every comparison is false, when there is no bound. */
  const against = (bytes: Uint8Array | undefined): number => {
    const bound = bytes === undefined ? undefined : form.ofBound(bytes)
    return bound === undefined ? NaN : form.compare(bound, literal)
  }
  switch (op) {
    case 'lt':
      return { excludedBy: (lower) => (against(lower) >= 0 ? 'lower' : undefined), impliedBy: (_, upper) => against(upper) < 0 }
    case 'lt-eq':
      return { excludedBy: (lower) => (against(lower) > 0 ? 'lower' : undefined), impliedBy: (_, upper) => against(upper) <= 0 }
    case 'gt':
      return { excludedBy: (_, upper) => (against(upper) <= 0 ? 'upper' : undefined), impliedBy: (lower) => against(lower) > 0 }
    case 'gt-eq':
      return { excludedBy: (_, upper) => (against(upper) < 0 ? 'upper' : undefined), impliedBy: (lower) => against(lower) >= 0 }
    case 'eq':
      return {
        excludedBy: (lower, upper) => (against(lower) > 0 ? 'lower' : against(upper) < 0 ? 'upper' : undefined),
        impliedBy: (lower, upper) => against(lower) === 0 && against(upper) === 0,
      }
    case 'not-eq':
      return {
        excludedBy: (lower, upper) => (against(lower) === 0 && against(upper) === 0 ? 'single' : undefined),
        impliedBy: (lower, upper) => against(lower) > 0 || against(upper) < 0,
      }
  }
}

/** `literals` are in ascending order. */
function setTest(form: BoundForm, op: 'in' | 'not-in', literals: readonly Value[]): BoundTest {
  const valueOf = (bytes: Uint8Array | undefined): Value | undefined => (bytes === undefined ? undefined : form.ofBound(bytes))
  const noneWithin = (lower: Value | undefined, upper: Value | undefined): boolean => {
    const first = lower === undefined ? 0 : firstNotBelow(form, literals, lower)
    return first === literals.length || (upper !== undefined && form.compare(literals[first]!, upper) > 0)
  }
  const onlyMember = (lower: Value | undefined, upper: Value | undefined): boolean => {
    if (lower === undefined || upper === undefined || form.compare(lower, upper) !== 0) return false
    const first = firstNotBelow(form, literals, lower)
    return first < literals.length && form.compare(literals[first]!, lower) === 0
  }
  const excludes = (lower: Uint8Array | undefined, upper: Uint8Array | undefined): boolean => noneWithin(valueOf(lower), valueOf(upper))
  const single = (lower: Uint8Array | undefined, upper: Uint8Array | undefined): boolean => onlyMember(valueOf(lower), valueOf(upper))
  return op === 'in'
    ? { excludedBy: (lower, upper) => (excludes(lower, upper) ? 'both' : undefined), impliedBy: single }
    : { excludedBy: (lower, upper) => (single(lower, upper) ? 'single' : undefined), impliedBy: excludes }
}

function firstNotBelow(form: BoundForm, literals: readonly Value[], value: Value): number {
  return firstWhere(0, literals.length, (index) => form.compare(literals[index]!, value) >= 0)
}

function prefixTest(form: BoundForm, op: 'starts-with' | 'not-starts-with', prefix: Uint8Array): BoundTest {
  /** Order of a bound's first bytes against the prefix; NaN when there is no bound. */
  const against = (bytes: Uint8Array | undefined): number => {
    const bound = bytes === undefined ? undefined : form.ofBound(bytes)
    return bound === undefined ? NaN : form.compare((bound as Uint8Array).subarray(0, prefix.length), prefix)
  }
  const excluded = (lower: Uint8Array | undefined, upper: Uint8Array | undefined): BoundProof | undefined => {
    if (against(lower) > 0) return 'lower'
    // An upper bound that is only the prefix's beginning is below every string with the prefix, and compares so.
    return against(upper) < 0 ? 'upper' : undefined
  }
  const implied = (lower: Uint8Array | undefined, upper: Uint8Array | undefined): boolean => against(lower) === 0 && against(upper) === 0
  return op === 'starts-with'
    ? { excludedBy: excluded, impliedBy: implied }
    : {
        excludedBy: (lower, upper) => (implied(lower, upper) ? 'both' : undefined),
        impliedBy: (lower, upper) => excluded(lower, upper) !== undefined,
      }
}
