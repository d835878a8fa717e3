import { isMembers, JsonFloat, type JsonMembers, type JsonValue } from '../util/json.js'
import type { BoundExpression, Expression } from './expression.js'
import { printExpression } from './expression-json.js'

/**
 * The JSON of an expression with its literals replaced by what they are: `(3-digit-int)`. For reports, which must not tell what was
 * looked for. Source: `ExpressionUtil.sanitize`
 */
export function sanitizeExpression(expression: Expression | BoundExpression): JsonValue {
  return sanitize(printExpression(expression))
}

function sanitize(json: JsonValue): JsonValue {
  if (!isMembers(json)) return json
  const members: Record<string, JsonValue> = {}
  for (const [name, value] of Object.entries(json as JsonMembers) as [string, JsonValue][]) {
    if (name === 'value') members[name] = describe(value)
    else if (name === 'values') members[name] = [...new Set((value as readonly JsonValue[]).map(describe))]
    else members[name] = name === 'left' || name === 'right' || name === 'child' ? sanitize(value) : value
  }
  return members
}

function describe(literal: JsonValue): string {
  if (typeof literal === 'bigint' || typeof literal === 'number') return `(${digitsOf(literal)}-digit-int)`
  if (literal instanceof JsonFloat) return `(${digitsOf(Math.trunc(literal.value))}-digit-float)`
  return typeof literal === 'boolean' ? '(boolean)' : '(text)'
}

function digitsOf(value: number | bigint): number {
  return String(value).replace(/^-/, '').length
}
