import { parseTransform } from '../partition/transform.js'
import type { Type, Value } from '../schema/type.js'
import type { BoundTerm } from './expression.js'

/** The type of a term's values: the column's, or the transform's result. */
export function termType(term: BoundTerm): Type {
  return term.transform === undefined ? term.field.type : parseTransform(term.transform).resultType(term.field.type)
}

/** The function from the column's value to the term's, compiled once. */
export function termFunction(term: BoundTerm): (value: Value) => Value {
  return term.transform === undefined ? (value) => value : parseTransform(term.transform).apply(term.field.type)
}

/** Whether the term follows the order of its column. */
export function preservesOrder(term: BoundTerm): boolean {
  return term.transform === undefined || parseTransform(term.transform).preservesOrder
}

/** Whether values of the type can be NaN. */
export function isFloating(type: Type): boolean {
  return type.kind === 'float' || type.kind === 'double'
}
