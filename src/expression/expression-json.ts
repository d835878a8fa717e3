import { parseTransform } from '../partition/transform.js'
import { hexFromBytes } from '../schema/hex-text.js'
import { valueToJson } from '../schema/single-value-json.js'
import { FloeError } from '../util/errors.js'
import { JsonFloat, JsonObject } from '../util/json.js'
import type { JsonMembers, JsonValue } from '../util/json.js'
import { termType } from './bound-term.js'
import { checkDepth, connect } from './connect.js'
import type { BoundExpression, BoundPredicate, BoundTerm, Expression, LiteralInput, Predicate, PredicateOperation, Term } from './expression.js'

const UNARY: ReadonlySet<string> = new Set(['is-null', 'not-null', 'is-nan', 'not-nan'])
const LITERAL: ReadonlySet<string> = new Set(['lt', 'lt-eq', 'gt', 'gt-eq', 'eq', 'not-eq', 'starts-with', 'not-starts-with'])
const SET: ReadonlySet<string> = new Set(['in', 'not-in'])

/**
 * The JSON of an expression as the REST catalog specification and the reference write it. Literals of bound expressions are
 * in single-value JSON, from which binding restores them exactly; bind expressions with bytes or dates before printing them.
 *
 * @throws FloeError `INVALID` when it is nested more than 500 levels deep
 */
// Source: the REST specification's `Expression`, the reference's `ExpressionParser`
export function printExpression(expression: Expression | BoundExpression): JsonValue {
  return printTree(expression, 0)
}

function printTree(tree: Expression | BoundExpression, depth: number): JsonValue {
  checkDepth(depth)
  switch (tree.op) {
    case 'true':
      return true
    case 'false':
      return false
    case 'not':
      return { type: 'not', child: printTree(tree.child, depth + 1) }
    case 'and':
    case 'or':
      return { type: tree.op, left: printTree(tree.left, depth + 1), right: printTree(tree.right, depth + 1) }
    default:
      return printPredicate(tree)
  }
}

/**
 * Reads the JSON of an expression; its literals get their types when it is bound.
 *
 * @throws FloeError `CORRUPT` when it is no expression, `INVALID` when it is nested more than 500 levels deep
 */
export function parseExpression(json: JsonValue): Expression {
  return parseTree(json, 0)
}

function parseTree(json: JsonValue, depth: number): Expression {
  checkDepth(depth)
  if (typeof json === 'boolean') return { op: json ? 'true' : 'false' }
  const object = JsonObject.of(json, 'expression')
  // The reference reads the names in any letter case, and with underscores.
  const type = object.requireString('type').toLowerCase().replaceAll('_', '-')
  switch (type) {
    case 'true':
    case 'false':
      return { op: type }
    case 'literal':
      return { op: object.requireBoolean('value') ? 'true' : 'false' }
    case 'not':
      return { op: 'not', child: parseTree(requireMember(object, 'child'), depth + 1) }
    case 'and':
    case 'or':
      return connect(type, [parseTree(requireMember(object, 'left'), depth + 1), parseTree(requireMember(object, 'right'), depth + 1)])
    default:
      return parsePredicate(object, type)
  }
}

function parsePredicate(object: JsonObject, op: string): Expression {
  if (!UNARY.has(op) && !LITERAL.has(op) && !SET.has(op)) throw object.error('type', 'an expression type')
  const term = parseTerm(requireMember(object, 'term'))
  if (!LITERAL.has(op) && object.has('value')) throw object.invalid(`${op} has no value`)
  if (!SET.has(op) && object.has('values')) throw object.invalid(`${op} has no list of values`)
  if (UNARY.has(op)) return { op, term } as Expression
  if (SET.has(op)) return { op, term, literals: object.requireArray('values').map(parseLiteral) } as Expression
  const literal = parseLiteral(requireMember(object, 'value'))
  if (literal === null) throw object.invalid(`${op} compares with null, which selects nothing`)
  return { op: op as PredicateOperation, term, literal } as Expression
}

function parseTerm(json: JsonValue): Term {
  if (typeof json === 'string') return { column: json }
  const object = JsonObject.of(json, 'expression term')
  const type = object.requireString('type')
  if (type === 'reference') return { column: object.requireString('term') }
  if (type !== 'transform') throw object.error('type', 'reference or transform')
  const { column } = parseTerm(requireMember(object, 'term'))
  const transform = parseTransform(object.requireString('transform'))
  return transform.kind === 'identity' ? { column } : { column, transform: transform.text }
}

function parseLiteral(json: JsonValue): LiteralInput | null {
  if (json instanceof JsonFloat) return json.value
  if (json === null || typeof json !== 'object') return json
  const literal = JsonObject.of(json, 'expression literal')
  if (literal.requireString('type').toLowerCase() !== 'literal') throw literal.error('type', 'literal')
  const value = requireMember(literal, 'value')
  if (typeof value === 'object' && value !== null && !(value instanceof JsonFloat)) throw literal.error('value', 'a number, text or boolean')
  return parseLiteral(value)
}

function requireMember(object: JsonObject, name: string): JsonValue {
  const value = object.value(name)
  if (value === undefined) throw object.error(name, 'a value')
  return value
}

function printPredicate(predicate: Predicate | BoundPredicate): JsonMembers {
  const { op, term } = predicate
  const head = { type: op, term: printTerm(term) }
  const print = (literal: unknown): JsonValue =>
    'field' in term ? valueToJson(termType(term), literal as never) : printLiteral(literal as LiteralInput | null)
  if ('literals' in predicate) return { ...head, values: predicate.literals.map(print) }
  return 'literal' in predicate ? { ...head, value: print(predicate.literal) } : head
}

function printTerm(term: Term | BoundTerm): JsonValue {
  const column = 'field' in term ? term.path : term.column
  return term.transform === undefined ? column : { type: 'transform', transform: term.transform, term: column }
}

function printLiteral(literal: LiteralInput | null): JsonValue {
  switch (typeof literal) {
    case 'number':
      return Number.isInteger(literal) && !Object.is(literal, -0) ? literal : new JsonFloat(literal)
    case 'bigint':
    case 'string':
    case 'boolean':
      return literal
    default:
      if (literal === null) return null
      if (literal instanceof Uint8Array) return hexFromBytes(literal)
      if (literal instanceof Date) return literal.toISOString()
      if (typeof literal === 'object') return String(literal)
      throw new FloeError('INVALID', `A ${typeof literal} has no JSON form`)
  }
}
