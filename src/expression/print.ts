import type { PartitionField } from '../partition/partition-spec.js'
import { fieldTransform } from '../partition/transform.js'
import { Decimal } from '../schema/decimal.js'
import { hexFromBytes } from '../schema/hex-text.js'
import { printIsoDate, printIsoTime, printIsoTimestamp } from '../schema/temporal-text.js'
import type { Type, Value } from '../schema/type.js'
import { termType } from './bound-term.js'
import { checkDepth, operandsOf } from './connect.js'
import type { BoundExpression, BoundPredicate, BoundTerm, Expression, LiteralInput, Predicate, Term } from './expression.js'
import { readBound } from './value-order.js'

const SYMBOLS: Readonly<Record<string, string>> = { lt: '<', 'lt-eq': '<=', gt: '>', 'gt-eq': '>=', eq: '=', 'not-eq': '!=' }
/** Members of a list and characters of a text that are shown before it is cut, when printing for people. */
const SHOWN_LITERALS = 10
const SHOWN_CHARACTERS = 60

/**
 * The SQL-like text of an expression. `parseWhere` reads it back, but for lists and texts too long to show, which are cut
 * with an ellipsis unless `full`.
 */
export function expressionText(expression: Expression | BoundExpression, options: { readonly full?: boolean } = {}): string {
  return treeText(expression, options.full ?? false, 0)
}

/** How a value of a term is shown. */
export type ValuePrinter = (value: Value) => string

/** The text of one bound predicate, long literals cut; `print` shows the literals of a term that is not transformed. */
export function predicateText(predicate: BoundPredicate, print?: ValuePrinter): string {
  return leafText(predicate, false, print)
}

/** A value of a type as a literal: `'a'`, `date '2024-01-31'`, `X'00ff'`. */
export function valueText(type: Type, value: Value, full = false): string {
  if (value === null) return 'null'
  switch (type.kind) {
    case 'date':
      return `date '${printIsoDate(value as number)}'`
    case 'time':
      return `time '${printIsoTime(value as bigint)}'`
    case 'timestamp':
    case 'timestamptz':
      return `timestamp '${printIsoTimestamp(value as bigint, 'micros', type.kind === 'timestamptz')}'`
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return `timestamp '${printIsoTimestamp(value as bigint, 'nanos', type.kind === 'timestamptz_ns')}'`
    case 'decimal':
      return new Decimal(value as bigint, type.scale).toString()
    default:
      return scalarText(value as LiteralInput, full)
  }
}

/** A bound's bytes as a literal, for people; `none` when there is no bound or it cannot be read. */
export function boundText(type: Type, bytes: Uint8Array | undefined, print: ValuePrinter = (value) => valueText(type, value)): string {
  const value = bytes === undefined ? undefined : readBound(type, bytes)
  return value === undefined ? 'none' : print(value)
}

/** How the values of a partition field are shown: years, months and hours by their names, others as literals. */
export function partitionValuePrinter(field: PartitionField | undefined, type: Type): ValuePrinter {
  const transform = field === undefined ? undefined : fieldTransform(field)
  const named = transform?.kind === 'year' || transform?.kind === 'month' || transform?.kind === 'hour'
  return (value) => (named && value !== null ? transform.toHumanString(type, value) : valueText(type, value))
}

function treeText(tree: Expression | BoundExpression, full: boolean, depth: number): string {
  checkDepth(depth)
  const below = (operand: Expression | BoundExpression): string => treeText(operand, full, depth + 1)
  switch (tree.op) {
    case 'true':
    case 'false':
      return tree.op
    case 'not':
      return `not (${below(tree.child)})`
    case 'and':
      return operandsOf<Expression | BoundExpression>(tree, 'and')
        .map((operand) => (operand.op === 'or' ? `(${below(operand)})` : below(operand)))
        .join(' and ')
    case 'or':
      return operandsOf<Expression | BoundExpression>(tree, 'or').map(below).join(' or ')
    default:
      return leafText(tree, full)
  }
}

function leafText(predicate: Predicate | BoundPredicate, full: boolean, print?: ValuePrinter): string {
  const { term } = predicate
  const text = termText(term)
  const literalText = (literal: Value | LiteralInput): string => {
    if (print !== undefined && term.transform === undefined) return print(literal as Value)
    if ('field' in term) return valueText(termType(term), literal as Value, full)
    return literal === null ? 'null' : scalarText(literal as LiteralInput, full)
  }
  switch (predicate.op) {
    case 'is-null':
      return `${text} is null`
    case 'not-null':
      return `${text} is not null`
    case 'is-nan':
      return `${text} is nan`
    case 'not-nan':
      return `${text} is not nan`
    case 'in':
    case 'not-in': {
      const shown = full ? predicate.literals : predicate.literals.slice(0, SHOWN_LITERALS)
      const rest = predicate.literals.length - shown.length
      const list = shown.map((literal) => literalText(literal as Value))
      return `${text} ${predicate.op === 'in' ? 'in' : 'not in'} (${[...list, ...(rest > 0 ? [`… ${rest} more`] : [])].join(', ')})`
    }
    case 'starts-with':
    case 'not-starts-with': {
      const pattern = quoted(`${clip(String(predicate.literal).replace(/[\\%_]/g, '\\$&'), full)}%`)
      return `${text} ${predicate.op === 'starts-with' ? 'like' : 'not like'} ${pattern}`
    }
    default:
      return `${text} ${SYMBOLS[predicate.op]!} ${literalText(predicate.literal)}`
  }
}

function termText(term: Term | BoundTerm): string {
  const name = 'field' in term ? term.path : term.column
  const column = name.split('.').every((part) => /^[a-z_]\w*$/i.test(part) && !RESERVED.has(part.toLowerCase())) ? name : quotedName(name)
  if (term.transform === undefined) return column
  const match = /^(\w+)\[(\d+)\]$/.exec(term.transform)
  return match === null ? `${term.transform}(${column})` : `${match[1]!}(${column}, ${match[2]!})`
}

/** Words that are no column names unless quoted. */
export const RESERVED: ReadonlySet<string> = new Set([
  'and', 'or', 'not', 'in', 'is', 'null', 'nan', 'like', 'between', 'true', 'false',
])

function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function scalarText(value: LiteralInput, full: boolean): string {
  if (typeof value === 'string') return quoted(clip(value, full))
  if (value instanceof Uint8Array) return `X'${clip(hexFromBytes(value), full)}'`
  if (value instanceof Date) return `timestamp '${value.toISOString()}'`
  return Object.is(value, -0) ? '-0.0' : String(value)
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function clip(text: string, full: boolean): string {
  return full || text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`
}
