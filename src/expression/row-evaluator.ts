import type { Value } from '../schema/type.js'
import { termFunction, termType } from './bound-term.js'
import { operandsOf } from './connect.js'
import type { BoundExpression, BoundPredicate } from './expression.js'
import { membership, predicateOrder } from './value-order.js'

/** The value of a field in one row, by field id; null inside a null struct. */
export type ValueOf = (fieldId: number) => Value

/** Whether a row is selected. */
export type RowFilter<Row> = (row: Row) => boolean

/** Compiles a filter on rows that are read by field id. See {@link BoundExpression} for nulls and NaN. */
export function compileRowFilter(filter: BoundExpression): RowFilter<ValueOf> {
  return compileFilter(filter, (fieldId) => (valueOf) => valueOf(fieldId))
}

/** Compiles a filter on rows of any form; `reader` is called once for each predicate, its result once for each row. */
export function compileFilter<Row>(filter: BoundExpression, reader: (fieldId: number) => (row: Row) => Value): RowFilter<Row> {
  switch (filter.op) {
    case 'true':
      return () => true
    case 'false':
      return () => false
    case 'and': {
      const all = operandsOf(filter, 'and').map((operand) => compileFilter(operand, reader))
      return (row) => all.every((test) => test(row))
    }
    case 'or': {
      const any = operandsOf(filter, 'or').map((operand) => compileFilter(operand, reader))
      return (row) => any.some((test) => test(row))
    }
    default: {
      const test = compilePredicate(filter)
      const read = reader(filter.term.field.id)
      if (filter.term.transform === undefined) return (row) => test(read(row))
      const apply = termFunction(filter.term)
      return (row) => test(apply(read(row)))
    }
  }
}

/** The test of one predicate on values of its term. */
export function compilePredicate(predicate: BoundPredicate): (value: Value) => boolean {
  switch (predicate.op) {
    case 'is-null':
      return (value) => value === null
    case 'not-null':
      return (value) => value !== null
    case 'is-nan':
      return (value) => Number.isNaN(value)
    case 'not-nan':
      return (value) => !Number.isNaN(value)
    case 'in':
    case 'not-in': {
      const isMember = membership(predicate.literals)
      return predicate.op === 'in' ? (value) => value !== null && isMember(value) : (value) => value !== null && !isMember(value)
    }
    case 'starts-with':
    case 'not-starts-with': {
      const prefix = predicate.literal as string
      return predicate.op === 'starts-with'
        ? (value) => value !== null && (value as string).startsWith(prefix)
        : (value) => value !== null && !(value as string).startsWith(prefix)
    }
    default:
      return compileComparison(predicate)
  }
}

function compileComparison(predicate: Extract<BoundPredicate, { readonly literal: Value }>): (value: Value) => boolean {
  const { literal } = predicate
  const order = predicateOrder(termType(predicate.term))
  switch (predicate.op) {
    case 'lt':
      return (value) => value !== null && order(value, literal) < 0
    case 'lt-eq':
      return (value) => value !== null && order(value, literal) <= 0
    case 'gt':
      return (value) => value !== null && order(value, literal) > 0
    case 'gt-eq':
      return (value) => value !== null && order(value, literal) >= 0
    case 'eq':
      return (value) => value !== null && order(value, literal) === 0
    default:
      return (value) => value !== null && order(value, literal) !== 0
  }
}
