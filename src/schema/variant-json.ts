import { FloeError } from '../util/errors.js'
import { Decimal } from './decimal.js'
import { MAX_VARIANT_DEPTH } from './variant-format.js'

/** JSON with every number exact where a variant can hold it so: bigint, {@link Decimal}, or a double. */
export type VariantJson = null | boolean | string | number | bigint | Decimal | readonly VariantJson[] | ReadonlyMap<string, VariantJson>

/** Digits that a decimal of a variant holds. */
const MAX_DIGITS = 38

/**
 * Parses JSON text (RFC 8259) for a variant. Of members with one name the last counts. Time and memory are linear in the text.
 * @throws FloeError `INVALID` for text that is no JSON, or nests too deep
 */
export function parseVariantJson(text: string): VariantJson {
  const parser = new JsonParser(text)
  const value = parser.value(0)
  parser.end()
  return value
}

class JsonParser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): VariantJson {
    if (depth > MAX_VARIANT_DEPTH) throw new FloeError('INVALID', `A variant nests at most ${MAX_VARIANT_DEPTH} levels`)
    this.#skipSpace()
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth)
      case '[':
        return this.#array(depth)
      case '"':
        return this.#string()
      case 't':
        return this.#word('true', true)
      case 'f':
        return this.#word('false', false)
      case 'n':
        return this.#word('null', null)
      default:
        return this.#number()
    }
  }

  end(): void {
    this.#skipSpace()
    if (this.#at < this.#text.length) throw this.#invalid('the end')
  }

  #object(depth: number): VariantJson {
    const members = new Map<string, VariantJson>()
    this.#at++
    if (this.#take('}')) return members
    do {
      this.#skipSpace()
      if (this.#text[this.#at] !== '"') throw this.#invalid('a member name')
      const name = this.#string()
      if (!this.#take(':')) throw this.#invalid('a colon')
      members.set(name, this.value(depth + 1))
    } while (this.#take(','))
    if (!this.#take('}')) throw this.#invalid('a comma or the end of the object')
    return members
  }

  #array(depth: number): VariantJson {
    const elements: VariantJson[] = []
    this.#at++
    if (this.#take(']')) return elements
    do elements.push(this.value(depth + 1))
    while (this.#take(','))
    if (!this.#take(']')) throw this.#invalid('a comma or the end of the array')
    return elements
  }

  #string(): string {
    const start = this.#at
    let end = start + 1
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1
    const literal = this.#text.slice(start, end + 1)
    try {
      this.#at = end + 1
      return JSON.parse(literal) as string
    } catch (cause) {
      this.#at = start
      throw this.#invalid('a string', cause)
    }
  }

  #number(): VariantJson {
    numberText.lastIndex = this.#at
    const match = numberText.exec(this.#text)
    if (match === null) throw this.#invalid('a value')
    const [literal, whole = '', fraction = '', exponent] = match
    this.#at += literal.length
    const digits = whole.length + fraction.length
    if (exponent !== undefined || digits > MAX_DIGITS || literal === '-0') return Number(literal)
    return fraction === '' ? BigInt(literal) : Decimal.parse(literal)
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#invalid('a value')
    this.#at += word.length
    return value
  }

  #take(character: string): boolean {
    this.#skipSpace()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #skipSpace(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++
  }

  #invalid(expected: string, cause?: unknown): FloeError {
    const found = JSON.stringify(this.#text.slice(this.#at, this.#at + 20))
    return new FloeError('INVALID', `Not JSON: expected ${expected} at character ${this.#at}, found ${found}`, { cause })
  }
}

const numberText = /-?(0|[1-9]\d*)(?:\.(\d+))?([eE][+-]?\d+)?/y

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}
