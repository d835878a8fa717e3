import { FloeError } from '../util/errors.js'

export type TokenKind = 'word' | 'quoted-name' | 'number' | 'string' | 'bytes' | 'symbol' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** Words and symbols as written, names, strings and bytes without their quotes. */
  readonly text: string
  /** Offset of its first character, from 0. */
  readonly at: number
}

const SPACE = /\s+/y
const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?/iy
const SYMBOL = /<=|>=|<>|!=|==|[=<>(),.+-]/y

/**
 * Splits the text of a filter into tokens, the last of kind `end`. Time is linear in the text.
 *
 * @throws FloeError `INVALID` with the position, for a character that no token starts with or a quote that is never closed
 */
export function tokenizeWhere(text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = skipSpace(text, 0)
  while (at < text.length) {
    const { token, end } = tokenAt(text, at)
    tokens.push(token)
    at = skipSpace(text, end)
  }
  tokens.push({ kind: 'end', text: '', at: text.length })
  return tokens
}

/** The error for a filter's text, with the position counted from 1. */
export function whereError(message: string, at: number): FloeError {
  return new FloeError('INVALID', `Cannot read the filter at position ${at + 1}: ${message}`)
}

interface Scanned {
  readonly token: Token
  readonly end: number
}

function tokenAt(text: string, at: number): Scanned {
  const first = text[at]!
  if (first === "'") return quotedToken('string', text, at, at)
  if (first === '"' || first === '`') return quotedToken('quoted-name', text, at, at)
  if ((first === 'x' || first === 'X') && text[at + 1] === "'") return quotedToken('bytes', text, at, at + 1)
  return scan('word', WORD, text, at) ?? scan('number', NUMBER, text, at) ?? scan('symbol', SYMBOL, text, at) ?? unexpected(text, at)
}

function scan(kind: TokenKind, pattern: RegExp, text: string, at: number): Scanned | undefined {
  pattern.lastIndex = at
  const match = pattern.exec(text)
  return match === null ? undefined : { token: { kind, text: match[0], at }, end: at + match[0].length }
}

/** Text between quotes; a doubled quote stands for one. */
function quotedToken(kind: TokenKind, text: string, at: number, open: number): Scanned {
  const quote = text[open]!
  let content = ''
  let start = open + 1
  for (;;) {
    const close = text.indexOf(quote, start)
    if (close < 0) throw whereError(`the quote ${quote} is never closed`, open)
    content += text.slice(start, close)
    if (text[close + 1] !== quote) return { token: { kind, text: content, at }, end: close + 1 }
    content += quote
    start = close + 2
  }
}

function skipSpace(text: string, at: number): number {
  SPACE.lastIndex = at
  return SPACE.exec(text) === null ? at : SPACE.lastIndex
}

function unexpected(text: string, at: number): never {
  throw whereError(`unexpected ${JSON.stringify(String.fromCodePoint(text.codePointAt(at)!))}`, at)
}
