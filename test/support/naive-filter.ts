/** What filters mean, told a second time and as plainly as possible: the oracle of the evaluators. */
import type { Expression, LiteralInput, Predicate } from '../../src/expression/expression.js'
import { parseTransform } from '../../src/partition/transform.js'
import { Decimal } from '../../src/schema/decimal.js'
import type { Schema } from '../../src/schema/schema.js'
import type { Value } from '../../src/schema/type.js'

/** By field id. */
export type Row = ReadonlyMap<number, Value>
/** `undefined` is unknown. */
export type Truth = boolean | undefined

/** The value of an unbound filter for a row, in three-valued logic. */
export function truthOf(filter: Expression, schema: Schema, row: Row): Truth {
  switch (filter.op) {
    case 'true':
      return true
    case 'false':
      return false
    case 'not': {
      const child = truthOf(filter.child, schema, row)
      return child === undefined ? undefined : !child
    }
    case 'and': {
      const sides = [truthOf(filter.left, schema, row), truthOf(filter.right, schema, row)]
      if (sides.includes(false)) return false
      return sides.includes(undefined) ? undefined : true
    }
    case 'or': {
      const sides = [truthOf(filter.left, schema, row), truthOf(filter.right, schema, row)]
      if (sides.includes(true)) return true
      return sides.includes(undefined) ? undefined : false
    }
    default:
      return predicateTruth(filter, schema, row)
  }
}

function predicateTruth(predicate: Predicate, schema: Schema, row: Row): Truth {
  const field = schema.requireField(predicate.term.column)
  const source = row.get(field.id) ?? null
  const value = predicate.term.transform === undefined ? source : parseTransform(predicate.term.transform).apply(field.type)(source)
  switch (predicate.op) {
    case 'is-null':
      return value === null
    case 'not-null':
      return value !== null
    case 'is-nan':
      return Number.isNaN(value)
    case 'not-nan':
      return !Number.isNaN(value)
    case 'in':
    case 'not-in': {
      const members = predicate.literals.map((literal) => (literal === null ? undefined : comparison('eq', value, literal)))
      const found = members.includes(true) || (members.includes(undefined) ? undefined : false)
      return predicate.op === 'in' || found === undefined ? found : !found
    }
    default:
      return comparison(predicate.op, value, predicate.literal)
  }
}

function comparison(op: string, value: Value, input: LiteralInput): Truth {
  if (value === null) return undefined
  const literal = (input instanceof Decimal ? input.unscaled : input) as Value
  const starts = typeof value === 'string' && value.startsWith(String(literal))
  if (op === 'starts-with') return starts
  if (op === 'not-starts-with') return !starts
  if (Number.isNaN(value)) return op === 'eq' ? false : op === 'not-eq' ? true : undefined
  const order = sign(value, literal!)
  return { lt: order < 0, 'lt-eq': order <= 0, gt: order > 0, 'gt-eq': order >= 0, eq: order === 0, 'not-eq': order !== 0 }[op]
}

function sign(a: Value, b: Value): number {
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string))
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array)
  return a! < b! ? -1 : a! > b! ? 1 : 0
}
