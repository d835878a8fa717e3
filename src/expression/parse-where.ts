import { parseTransform } from '../partition/transform.js'
import { Decimal } from '../schema/decimal.js'
import { bytesFromHex } from '../schema/hex-text.js'
import { parseIsoDate } from '../schema/temporal-text.js'
import { FloeError } from '../util/errors.js'
import { checkDepth, connect } from './connect.js'
import type { Expression, LiteralInput, Term } from './expression.js'
import * as predicates from './predicates.js'
import { RESERVED } from './print.js'
import { tokenizeWhere, whereError } from './where-tokens.js'
import type { Token } from './where-tokens.js'

/**
 * Reads an SQL-like condition: `and`, `or`, `not`, parentheses; `=`, `<>`, `!=`, `<`, `<=`, `>`, `>=`; `[not] in (…)`,
 * `[not] between … and …`, `[not] like 'prefix%'`, `is [not] null | nan | true | false`. Names are words joined by dots, quoted with `"` or
 * `` ` `` where needed, or `bucket(name, 16)`, `truncate(name, 4)`, `year | month | day | hour(name)`. Literals are numbers (kept
 * exact), `'text'` with doubled quotes, `true`, `false`, `date '2024-01-31'`, `time '…'`, `timestamp '…'`, `X'00ff'`.
 * Words are read in any letter case. Time is linear in the text.
 *
 * @throws FloeError `INVALID` with the position, for text that is no such condition; `UNSUPPORTED` for SQL beyond it
 */
export function parseWhere(text: string): Expression {
  if (typeof text !== 'string') throw new FloeError('INVALID', `A filter must be a text, not a value of type ${typeof text}`)
  return new WhereParser(text).parse()
}

type Comparison = (term: Term, literal: LiteralInput) => Expression

const COMPARISONS: ReadonlyMap<string, Comparison> = new Map<string, Comparison>([
  ['=', predicates.eq],
  ['==', predicates.eq],
  ['<>', predicates.notEq],
  ['!=', predicates.notEq],
  ['<', predicates.lt],
  ['<=', predicates.ltEq],
  ['>', predicates.gt],
  ['>=', predicates.gtEq],
])

/** The comparison with its sides exchanged. */
const MIRRORED: ReadonlyMap<string, string> = new Map([['<', '>'], ['<=', '>='], ['>', '<'], ['>=', '<=']])

class WhereParser {
  readonly #tokens: readonly Token[]
  #next = 0

  constructor(text: string) {
    this.#tokens = tokenizeWhere(text)
  }

  parse(): Expression {
    if (this.#peek().kind === 'end') throw whereError('it is empty', 0)
    const expression = this.#disjunction(0)
    if (this.#peek().kind !== 'end') throw this.#unexpected('the end, and, or or')
    return expression
  }

  #disjunction(depth: number): Expression {
    const operands = [this.#conjunction(depth)]
    while (this.#takeWord('or')) operands.push(this.#conjunction(depth))
    return connect('or', operands)
  }

  #conjunction(depth: number): Expression {
    const operands = [this.#negation(depth)]
    while (this.#takeWord('and')) operands.push(this.#negation(depth))
    return connect('and', operands)
  }

  #negation(depth: number): Expression {
    checkDepth(depth)
    if (this.#takeWord('not')) return predicates.not(this.#negation(depth + 1))
    if (!this.#takeSymbol('(')) return this.#predicate()
    const inner = this.#disjunction(depth + 1)
    this.#expectSymbol(')')
    return inner
  }

  #predicate(): Expression {
    if (!this.#atLiteral()) return this.#condition(this.#term())
    const start = this.#peek()
    const literal = this.#literal()
    const symbol = this.#peek()
    const compare = symbol.kind === 'symbol' ? COMPARISONS.get(MIRRORED.get(symbol.text) ?? symbol.text) : undefined
    if (compare === undefined) {
      if (typeof literal === 'boolean') return literal ? predicates.alwaysTrue() : predicates.alwaysFalse()
      throw whereError('a comparison needs a column', start.at)
    }
    this.#next++
    if (this.#atLiteral()) throw whereError('a comparison needs a column', start.at)
    return this.#guard(start, () => compare(this.#term(), this.#nonNull(literal, start)))
  }

  /** What follows a term; nothing stands for `= true`. */
  #condition(term: Term): Expression {
    const token = this.#peek()
    const compare = token.kind === 'symbol' ? COMPARISONS.get(token.text) : undefined
    if (compare !== undefined) {
      this.#next++
      const start = this.#peek()
      return this.#guard(start, () => compare(term, this.#nonNull(this.#literal(), start)))
    }
    if (this.#takeWord('is')) return this.#isCondition(term)
    const negated = this.#takeWord('not')
    const condition = this.#setCondition(term)
    if (condition !== undefined) return negated ? predicates.not(condition) : condition
    if (negated) throw this.#unexpected('in, between or like')
    return predicates.eq(term, true)
  }

  #isCondition(term: Term): Expression {
    const negated = this.#takeWord('not')
    if (this.#takeWord('null')) return negated ? predicates.notNull(term) : predicates.isNull(term)
    if (this.#takeWord('nan')) return negated ? predicates.notNan(term) : predicates.isNan(term)
    for (const truth of [true, false]) {
      if (!this.#takeWord(String(truth))) continue
      return negated ? predicates.or(predicates.notEq(term, truth), predicates.isNull(term)) : predicates.eq(term, truth)
    }
    throw this.#unexpected('null, nan, true or false')
  }

  #setCondition(term: Term): Expression | undefined {
    const start = this.#peek()
    if (this.#takeWord('in')) {
      this.#expectSymbol('(')
      const literals = [this.#literal()]
      while (this.#takeSymbol(',')) literals.push(this.#literal())
      this.#expectSymbol(')')
      return this.#guard(start, () => predicates.isIn(term, literals))
    }
    if (this.#takeWord('between')) {
      const low = this.#nonNull(this.#literal(), start)
      if (!this.#takeWord('and')) throw this.#unexpected('and')
      const high = this.#nonNull(this.#literal(), start)
      return predicates.and(predicates.gtEq(term, low), predicates.ltEq(term, high))
    }
    if (!this.#takeWord('like')) return undefined
    const pattern = this.#peek()
    if (pattern.kind !== 'string') throw this.#unexpected("a pattern such as 'abc%'")
    this.#next++
    return likeCondition(term, pattern)
  }

  #term(): Term {
    const token = this.#peek()
    const opening = this.#tokens[this.#next + 1]
    if (token.kind === 'word' && opening?.kind === 'symbol' && opening.text === '(' && !RESERVED.has(token.text.toLowerCase())) {
      return this.#transformTerm(token)
    }
    return { column: this.#columnName() }
  }

  #transformTerm(name: Token): Term {
    this.#next += 2
    const column = this.#columnName()
    let text = name.text.toLowerCase()
    if (this.#takeSymbol(',')) {
      const parameter = this.#peek()
      if (parameter.kind !== 'number' || !/^\d+$/.test(parameter.text)) throw this.#unexpected('a whole number')
      this.#next++
      text += `[${parameter.text}]`
    }
    this.#expectSymbol(')')
    const transform = this.#guard(name, () => parseTransform(text))
    if (transform.kind === 'unknown') {
      throw new FloeError('UNSUPPORTED', `${whereError(`there is no function ${name.text} here`, name.at).message}; bucket, truncate, year, month, day and hour are`)
    }
    return { column, transform: transform.text }
  }

  #columnName(): string {
    const parts: string[] = []
    do {
      const token = this.#peek()
      const isName = token.kind === 'quoted-name' || (token.kind === 'word' && !RESERVED.has(token.text.toLowerCase()))
      if (!isName) throw this.#unexpected('a column')
      parts.push(token.text)
      this.#next++
    } while (this.#takeSymbol('.'))
    return parts.join('.')
  }

  /** Whether a literal starts here; `date`, `time` and `timestamp` may also name columns. */
  #atLiteral(): boolean {
    const { kind, text } = this.#peek()
    if (kind === 'number' || kind === 'string' || kind === 'bytes') return true
    if (kind === 'symbol') return text === '-' || text === '+'
    const word = kind === 'word' ? text.toLowerCase() : ''
    if (word === 'true' || word === 'false' || word === 'null') return true
    return (word === 'date' || word === 'time' || word === 'timestamp') && this.#tokens[this.#next + 1]?.kind === 'string'
  }

  #literal(): LiteralInput | null {
    if (!this.#atLiteral()) {
      const { kind } = this.#peek()
      if (kind !== 'word' && kind !== 'quoted-name') throw this.#unexpected('a value')
      throw new FloeError('UNSUPPORTED', `${whereError('comparing two columns is not supported', this.#peek().at).message}; quote text with '`)
    }
    const token = this.#tokens[this.#next++]!
    switch (token.kind) {
      case 'number':
        return numberLiteral(token, '')
      case 'string':
        return token.text
      case 'bytes':
        return this.#guard(token, () => bytesLiteral(token))
      case 'symbol': {
        const number = this.#peek()
        if (number.kind !== 'number') throw this.#unexpected('a number')
        this.#next++
        return numberLiteral(number, token.text)
      }
      default: {
        const word = token.text.toLowerCase()
        if (word === 'null') return null
        if (word === 'true' || word === 'false') return word === 'true'
        const text = this.#tokens[this.#next++]!
        return word === 'time' ? text.text : this.#guard(text, () => temporalLiteral(word, text.text))
      }
    }
  }

  #nonNull(literal: LiteralInput | null, start: Token): LiteralInput {
    if (literal === null) throw whereError('comparing with null selects nothing; write is null or is not null', start.at)
    return literal
  }

  /** Gives errors of literals and transforms the position of their token. */
  #guard<T>(token: Token, build: () => T): T {
    try {
      return build()
    } catch (error) {
      if (error instanceof FloeError && !error.message.startsWith('Cannot read the filter')) throw whereError(error.message, token.at)
      throw error
    }
  }

  #peek(): Token {
    return this.#tokens[this.#next]!
  }

  #takeWord(word: string): boolean {
    const token = this.#peek()
    if (token.kind !== 'word' || token.text.toLowerCase() !== word) return false
    this.#next++
    return true
  }

  #takeSymbol(symbol: string): boolean {
    const token = this.#peek()
    if (token.kind !== 'symbol' || token.text !== symbol) return false
    this.#next++
    return true
  }

  #expectSymbol(symbol: string): void {
    if (!this.#takeSymbol(symbol)) throw this.#unexpected(symbol)
  }

  #unexpected(expected: string): FloeError {
    const token = this.#peek()
    const found = token.kind === 'end' ? 'the end' : JSON.stringify(token.text.slice(0, 40))
    return whereError(`expected ${expected}, found ${found}`, token.at)
  }
}

/** Exact: an integer beyond 2⁵³ becomes a bigint, and a fraction that a double would round a decimal. */
function numberLiteral(token: Token, sign: string): LiteralInput {
  const text = (sign === '-' ? '-' : '') + token.text
  if (/^-?\d+$/.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text)
  let exact: Decimal
  try {
    exact = Decimal.parse(text)
  } catch (error) {
    throw whereError((error as Error).message, token.at)
  }
  const number = Number(text)
  return Number.isFinite(number) && Decimal.parse(String(number)).compare(exact) === 0 ? number : exact
}

function bytesLiteral(token: Token): Uint8Array {
  const bytes = bytesFromHex(token.text)
  if (bytes === undefined) throw whereError('expected hexadecimal digits, two a byte', token.at)
  return bytes
}

/** A day is an instant too, midnight UTC, so that it compares with dates and all timestamps; other texts wait for their column. */
function temporalLiteral(word: string, text: string): LiteralInput {
  if (word === 'timestamp' && !/^[+-]?\d+-\d\d-\d\d$/.test(text)) return text
  const instant = new Date(parseIsoDate(text) * 86_400_000)
  return Number.isNaN(instant.getTime()) ? text : instant
}

function likeCondition(term: Term, pattern: Token): Expression {
  let prefix = ''
  for (let at = 0; at < pattern.text.length; at++) {
    const character = pattern.text[at]!
    if (character === '%' && at === pattern.text.length - 1) return predicates.startsWith(term, prefix)
    if (character === '%' || character === '_') {
      throw new FloeError('UNSUPPORTED', whereError("like takes only prefixes such as 'abc%'; escape % and _ with \\", pattern.at).message)
    }
    if (character === '\\') at++
    prefix += pattern.text[at] ?? ''
  }
  return predicates.eq(term, prefix)
}
