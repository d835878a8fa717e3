import type { Transform } from '../partition/transform.js'
import type { Type, Value } from '../schema/type.js'
import { termType } from './bound-term.js'
import type { BoundExpression, BoundPredicate, BoundTerm, LiteralOperation } from './expression.js'
import { orderedDistinct } from './value-order.js'

type LiteralPredicate = Extract<BoundPredicate, { readonly literal: Value }>
type Apply = (value: Value) => Value

/** How sure a projection must be: `inclusive` loses no row, `strict` admits no other. */
export type ProjectionKind = 'inclusive' | 'strict'

/**
 * Turns a predicate on a column into one on a partition field derived from it; `undefined` when the transform allows none.
 * An inclusive projection holds for the partition of every row that the predicate selects. A strict one holds only for
 * partitions of which the predicate selects every row.
 * Source: the reference's `Transform.project`, `Transform.projectStrict` and `ProjectionUtil`
 */
export function projectPredicate(
  kind: ProjectionKind,
  predicate: BoundPredicate,
  transform: Transform,
  partition: BoundTerm,
): BoundExpression | undefined {
  if (transform.kind === 'unknown' || transform.kind === 'void') return undefined
  if (transform.kind === 'identity') return { ...predicate, term: { ...partition, transform: predicate.term.transform } }
  if (predicate.term.transform !== undefined) {
    return predicate.term.transform === transform.text ? { ...predicate, term: partition } : undefined
  }
  // Every value but null has a result, and no transform but identity takes the types that have NaN.
  if (!('literal' in predicate) && !('literals' in predicate)) return { op: predicate.op, term: partition }
  const sourceType = predicate.term.field.type
  const apply = transform.apply(sourceType)
  const buggy = hadTimeBug(transform, sourceType)
  if ('literals' in predicate) {
    if (predicate.op !== (kind === 'inclusive' ? 'in' : 'not-in')) return undefined
    const values = predicate.literals.map(apply)
    return setPredicate(predicate.op, partition, buggy ? withBuggyTimes(values) : values)
  }
  const projected = projectLiteral(kind, predicate, transform, apply)
  if (projected === undefined) return undefined
  return buggy ? correctTimeBug(kind, projected, partition) : { ...projected, term: partition }
}

interface ProjectedLiteral {
  readonly op: LiteralOperation
  readonly literal: Value
}

function projectLiteral(
  kind: ProjectionKind,
  predicate: LiteralPredicate,
  transform: Transform,
  apply: Apply,
): ProjectedLiteral | undefined {
  const { op, literal } = predicate
  if (op === 'starts-with' || op === 'not-starts-with') return projectPrefix(kind, op, literal as string, transform)
  // Equality is lost where values share a result; that they differ is proof only in the other direction.
  if (op === 'eq') return kind === 'inclusive' ? { op, literal: apply(literal) } : undefined
  if (op === 'not-eq') return kind === 'strict' ? { op, literal: apply(literal) } : undefined
  if (!transform.preservesOrder) return undefined
  return kind === 'inclusive' ? projectRange(op, literal, apply) : projectRangeStrictly(op, literal, apply)
}

/** Closes an open range before transforming it: values below 10 are at most 9, and so in a partition at most that of 9. */
function projectRange(op: 'lt' | 'lt-eq' | 'gt' | 'gt-eq', literal: Value, apply: Apply): ProjectedLiteral {
  switch (op) {
    case 'lt':
      return { op: 'lt-eq', literal: apply(shifted(literal, -1)) }
    case 'gt':
      return { op: 'gt-eq', literal: apply(shifted(literal, 1)) }
    default:
      return { op, literal: apply(literal) }
  }
}

/** Opens a closed range before transforming it: of the partition of the literal itself, some values may be outside. */
function projectRangeStrictly(op: 'lt' | 'lt-eq' | 'gt' | 'gt-eq', literal: Value, apply: Apply): ProjectedLiteral {
  switch (op) {
    case 'lt-eq':
      return { op: 'lt', literal: apply(shifted(literal, 1)) }
    case 'gt-eq':
      return { op: 'gt', literal: apply(shifted(literal, -1)) }
    default:
      return { op, literal: apply(literal) }
  }
}

/** The neighbour of an integer or unscaled decimal; text and bytes have none, and stay, which is only looser. */
function shifted(value: Value, by: 1 | -1): Value {
  if (typeof value === 'number') return value + by
  return typeof value === 'bigint' ? value + BigInt(by) : value
}

/** Prefixes meet `truncate[W]`, counted in code points as the transform counts. */
function projectPrefix(
  kind: ProjectionKind,
  op: 'starts-with' | 'not-starts-with',
  prefix: string,
  transform: Transform,
): ProjectedLiteral | undefined {
  if (transform.kind !== 'truncate') return undefined
  const width = transform.parameter!
  const length = codePoints(prefix, width + 1)
  if (length < width) return { op, literal: prefix }
  if (length === width) return { op: op === 'starts-with' ? 'eq' : 'not-eq', literal: prefix }
  const truncated = transform.apply({ kind: 'string' })(prefix)
  // Of a longer prefix the partition knows only the beginning: enough to say no to it, never to say yes.
  return op === (kind === 'inclusive' ? 'starts-with' : 'not-starts-with') ? { op, literal: truncated } : undefined
}

function codePoints(text: string, limit: number): number {
  let count = 0
  for (let at = 0; at < text.length && count < limit; count++) at += text.codePointAt(at)! > 0xffff ? 2 : 1
  return count
}

/**
 * Versions of the reference up to 0.10 rounded times before 1970 up instead of down: such tables have partitions one too
 * large. Dates were right by day.
 */
function hadTimeBug(transform: Transform, sourceType: Type): boolean {
  switch (transform.kind) {
    case 'year':
    case 'month':
    case 'hour':
      return true
    case 'day':
      return sourceType.kind !== 'date'
    default:
      return false
  }
}

/** Source: the reference's `ProjectionUtil.fixInclusiveTimeProjection` and `fixStrictTimeProjection` */
function correctTimeBug(kind: ProjectionKind, projected: ProjectedLiteral, term: BoundTerm): BoundExpression {
  const { op } = projected
  const literal = projected.literal as number
  if (op === 'eq' || op === 'not-eq') return setPredicate(op === 'eq' ? 'in' : 'not-in', term, withBuggyTimes([literal]))
  const below = op === 'lt' || op === 'lt-eq'
  if (kind === 'inclusive' && below && literal < 0) return { op, term, literal: literal + 1 }
  if (kind === 'strict' && !below && literal <= 0) return { op, term, literal: literal + 1 }
  return { op, term, literal }
}

function withBuggyTimes(values: readonly Value[]): readonly Value[] {
  return values.flatMap((value) => ((value as number) < 0 ? [value, (value as number) + 1] : [value]))
}

function setPredicate(op: 'in' | 'not-in', term: BoundTerm, values: readonly Value[]): BoundExpression {
  const literals = orderedDistinct(termType(term), values)
  if (literals.length === 1) return { op: op === 'in' ? 'eq' : 'not-eq', term, literal: literals[0]! }
  return { op, term, literals }
}
