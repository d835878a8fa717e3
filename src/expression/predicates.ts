import { FloeError } from '../util/errors.js'
import { connect } from './connect.js'
import type { Expression, LiteralInput, LiteralOperation, SetOperation, Term, UnaryOperation } from './expression.js'

/** A column by name (dots for nesting), or a transform of one as `bucket('id', 16)` makes it. */
export type TermInput = string | Term

/** Selects every row. */
export function alwaysTrue(): Expression {
  return { op: 'true' }
}

/** Selects no row. */
export function alwaysFalse(): Expression {
  return { op: 'false' }
}

/** Rows that all of `expressions` select; every row when there are none. */
export function and(...expressions: readonly Expression[]): Expression {
  expressions.forEach(checkExpression)
  return connect('and', expressions)
}

/** Rows that any of `expressions` selects; no row when there are none. */
export function or(...expressions: readonly Expression[]): Expression {
  expressions.forEach(checkExpression)
  return connect('or', expressions)
}

/** Rows for which `expression` is false. Rows for which it is unknown, because a value is null, are not selected either. */
export function not(expression: Expression): Expression {
  checkExpression(expression)
  if (expression.op === 'true') return alwaysFalse()
  if (expression.op === 'false') return alwaysTrue()
  return expression.op === 'not' ? expression.child : { op: 'not', child: expression }
}

/** Rows where the column equals `literal`. */
export function eq(term: TermInput, literal: LiteralInput): Expression {
  return literalPredicate('eq', term, literal)
}

/** Rows where the column is neither null nor equal to `literal`. */
export function notEq(term: TermInput, literal: LiteralInput): Expression {
  return literalPredicate('not-eq', term, literal)
}

/** Rows where the column is less than `literal`. */
export function lt(term: TermInput, literal: LiteralInput): Expression {
  return literalPredicate('lt', term, literal)
}

/** Rows where the column is less than or equal to `literal`. */
export function ltEq(term: TermInput, literal: LiteralInput): Expression {
  return literalPredicate('lt-eq', term, literal)
}

/** Rows where the column is greater than `literal`. */
export function gt(term: TermInput, literal: LiteralInput): Expression {
  return literalPredicate('gt', term, literal)
}

/** Rows where the column is greater than or equal to `literal`. */
export function gtEq(term: TermInput, literal: LiteralInput): Expression {
  return literalPredicate('gt-eq', term, literal)
}

/** Rows where the string column starts with `prefix`. */
export function startsWith(term: TermInput, prefix: string): Expression {
  return literalPredicate('starts-with', term, prefix)
}

/** Rows where the string column is not null and does not start with `prefix`. */
export function notStartsWith(term: TermInput, prefix: string): Expression {
  return literalPredicate('not-starts-with', term, prefix)
}

/** Rows where the column equals one of `literals`. A null among them matches nothing. */
export function isIn(term: TermInput, literals: Iterable<LiteralInput | null>): Expression {
  return setPredicate('in', term, literals)
}

/** Rows where the column is not null and equals none of `literals`. A null among them leaves no row, as in SQL. */
export function notIn(term: TermInput, literals: Iterable<LiteralInput | null>): Expression {
  return setPredicate('not-in', term, literals)
}

/** Rows where the column is null. */
export function isNull(term: TermInput): Expression {
  return unaryPredicate('is-null', term)
}

/** Rows where the column is not null. */
export function notNull(term: TermInput): Expression {
  return unaryPredicate('not-null', term)
}

/** Rows where the floating-point column is NaN. */
export function isNan(term: TermInput): Expression {
  return unaryPredicate('is-nan', term)
}

/** Rows where the floating-point column is not NaN; null is not. */
export function notNan(term: TermInput): Expression {
  return unaryPredicate('not-nan', term)
}

function unaryPredicate(op: UnaryOperation, term: TermInput): Expression {
  return { op, term: termOf(term) }
}

function literalPredicate(op: LiteralOperation, input: TermInput, literal: LiteralInput): Expression {
  const term = termOf(input)
  checkLiteral(term, literal)
  if ((literal as unknown) === null) {
    throw new FloeError('INVALID', `Comparing ${term.column} with null selects nothing; use isNull or notNull`, { column: term.column })
  }
  return { op, term, literal }
}

function setPredicate(op: SetOperation, input: TermInput, literals: Iterable<LiteralInput | null>): Expression {
  const term = termOf(input)
  if (typeof (literals as Iterable<unknown> | null)?.[Symbol.iterator] !== 'function') {
    throw new FloeError('INVALID', `${term.column} is compared with the members of a list, not with a single value; use eq or notEq`, { column: term.column })
  }
  const list = [...literals]
  for (const literal of list) checkLiteral(term, literal)
  return { op, term, literals: list }
}

function checkLiteral(term: Term, literal: LiteralInput | null): void {
  if (literal === undefined) throw new FloeError('INVALID', `The value that ${term.column} is compared with is undefined`, { column: term.column })
  if (typeof literal === 'number' && Number.isNaN(literal)) {
    throw new FloeError('INVALID', `Comparing ${term.column} with NaN selects nothing; use isNan or notNan`, { column: term.column })
  }
}

function checkExpression(value: unknown): void {
  if (typeof (value as { readonly op?: unknown } | null | undefined)?.op === 'string') return
  throw new FloeError('INVALID', `An expression must be one that eq, and, parseWhere or another of these functions made, not ${nameOf(value)}`)
}

function nameOf(value: unknown): string {
  return value === null ? 'null' : `a value of type ${typeof value}`
}

function termOf(input: TermInput): Term {
  if (typeof input === 'string') return { column: input }
  if (typeof (input as Partial<Term> | null | undefined)?.column !== 'string') {
    throw new FloeError('INVALID', `A predicate is about a column by its name, or a transform of one, not about ${nameOf(input)}`)
  }
  return input.transform === undefined || input.transform === 'identity' ? { column: input.column } : { column: input.column, transform: input.transform }
}
