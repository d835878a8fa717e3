import { parseTransform } from '../partition/transform.js'
import type { Schema } from '../schema/schema.js'
import { printTypeName } from '../schema/type-name.js'
import type { Value } from '../schema/type.js'
import { FloeError } from '../util/errors.js'
import { literalFor } from './bind-literal.js'
import { isFloating, termType } from './bound-term.js'
import { connect, operandsOf } from './connect.js'
import type { BoundExpression, BoundTerm, Expression, LiteralInput, LiteralOperation, Predicate, Term } from './expression.js'
import { rewriteNot } from './rewrite-not.js'
import { orderedDistinct } from './value-order.js'

export interface BindOptions {
  /** Whether column names must match in letter case. Default true. */
  readonly caseSensitive?: boolean | undefined
}

const TRUE: BoundExpression = { op: 'true' }
const FALSE: BoundExpression = { op: 'false' }

/**
 * Resolves names to fields of `schema` and literals to values of their types, exactly. Negations are rewritten; predicates
 * that the schema alone decides become constants; a literal out of the type's range decides its comparison.
 * Source: the reference's `Binder` and `UnboundPredicate.bind`, but that nulls stay unselected where a comparison is decided
 *
 * @throws FloeError `NOT_FOUND` for an unknown column; `INVALID` for a literal that is no value of the type, an operation that
 * the type does not have, or a column inside a list or map
 */
export function bind(expression: Expression, schema: Schema, options: BindOptions = {}): BoundExpression {
  return bindTree(rewriteNot(expression), schema, options.caseSensitive ?? true)
}

function bindTree(tree: Expression, schema: Schema, caseSensitive: boolean): BoundExpression {
  switch (tree.op) {
    case 'true':
    case 'false':
      return tree
    case 'not':
      throw new FloeError('INVALID', 'Negations are rewritten before binding')
    case 'and':
    case 'or':
      return bindChain(tree, tree.op, schema, caseSensitive)
    default:
      return bindPredicate(tree, bindTerm(tree.term, schema, caseSensitive))
  }
}

/** What binding decides may join an inner chain to an outer one: the result is one chain again. */
function bindChain(tree: Expression, op: 'and' | 'or', schema: Schema, caseSensitive: boolean): BoundExpression {
  const operands = operandsOf(tree, op).map((operand) => bindTree(operand, schema, caseSensitive))
  return connect(op, operands.flatMap((operand) => operandsOf(operand, op)))
}

function bindTerm(term: Term, schema: Schema, caseSensitive: boolean): BoundTerm {
  const field = schema.requireField(term.column, { caseSensitive })
  const path = schema.pathOf(field.id) ?? field.name
  const ancestors = schema.ancestorsOf(field.id)
  if (ancestors.some((ancestor) => ancestor.type.kind !== 'struct')) {
    throw new FloeError('INVALID', 'A filter cannot look into a list or map; it takes columns and members of structs', { column: path })
  }
  const neverNull = (field.required && ancestors.every((ancestor) => ancestor.required)) || undefined
  const nested = ancestors.length > 0 || undefined
  if (term.transform === undefined) return { field, path, neverNull, nested }
  const transform = parseTransform(term.transform)
  if (transform.kind === 'unknown') throw new FloeError('INVALID', `Unknown transform ${term.transform} in a filter`, { column: path })
  if (!transform.accepts(field.type)) {
    throw new FloeError('INVALID', `${transform.text} does not take values of type ${printTypeName(field.type)}`, { column: path })
  }
  if (transform.kind === 'identity') return { field, path, neverNull, nested }
  return { field, path, neverNull: transform.kind === 'void' ? undefined : neverNull, nested, transform: transform.text }
}

function bindPredicate(predicate: Predicate, term: BoundTerm): BoundExpression {
  switch (predicate.op) {
    case 'is-null':
      if (isAlwaysNull(term)) return TRUE
      return term.neverNull === true ? FALSE : { op: 'is-null', term }
    case 'not-null':
      return notNull(term)
    case 'is-nan':
    case 'not-nan':
      if (!isFloating(termType(term))) throw unsuitable(predicate.op, 'takes float and double columns', term)
      return { op: predicate.op, term }
    case 'in':
    case 'not-in':
      return bindSet(predicate.op, predicate.literals, term)
    default:
      return bindComparison(predicate.op, predicate.literal, term)
  }
}

function bindComparison(op: LiteralOperation, input: LiteralInput, term: BoundTerm): BoundExpression {
  const prefix = op === 'starts-with' || op === 'not-starts-with'
  const type = termType(term)
  if (prefix && type.kind !== 'string') throw unsuitable(op, 'takes string columns', term)
  const literal = literalFor(type, input, term.path)
  if (literal.place === 'at') return { op, term, literal: literal.value }
  if (op === 'eq') return FALSE
  if (op === 'not-eq') return notNull(term)
  const less = op === 'lt' || op === 'lt-eq'
  if (literal.place === 'after') return { op: less ? 'lt-eq' : 'gt', term, literal: literal.value }
  return less === (literal.place === 'above') ? comparable(term) : FALSE
}

function bindSet(op: 'in' | 'not-in', inputs: readonly (LiteralInput | null)[], term: BoundTerm): BoundExpression {
  // `x not in (…, null)` is false or unknown for every x.
  if (op === 'not-in' && inputs.includes(null)) return FALSE
  const type = termType(term)
  const values: Value[] = []
  for (const input of inputs) {
    const literal = input === null ? undefined : literalFor(type, input, term.path)
    if (literal?.place === 'at') values.push(literal.value)
  }
  const distinct = orderedDistinct(type, values)
  if (distinct.length === 1) return { op: op === 'in' ? 'eq' : 'not-eq', term, literal: distinct[0]! }
  if (distinct.length > 1) return { op, term, literals: distinct }
  // Of no values at all not even null is one.
  if (op === 'in') return FALSE
  return inputs.length === 0 ? TRUE : notNull(term)
}

/** What remains of a comparison that every number decides alike: the value must be there, and be a number. */
function comparable(term: BoundTerm): BoundExpression {
  const present = notNull(term)
  return isFloating(termType(term)) ? connect('and', [present, { op: 'not-nan', term }]) : present
}

function notNull(term: BoundTerm): BoundExpression {
  if (isAlwaysNull(term)) return FALSE
  return term.neverNull === true ? TRUE : { op: 'not-null', term }
}

function isAlwaysNull(term: BoundTerm): boolean {
  return term.field.type.kind === 'unknown' || term.transform === 'void'
}

function unsuitable(op: string, takes: string, term: BoundTerm): FloeError {
  return new FloeError('INVALID', `${op} ${takes}, not ${printTypeName(termType(term))}`, { column: term.path })
}
