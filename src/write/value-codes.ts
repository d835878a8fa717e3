import { murmur3 } from '../partition/murmur3.js'
import type { Value } from '../schema/type.js'

/**
 * Dictionaries from partition values to small codes, 0, 1, 2 … in order of first sight, and back. Code 0 is always null.
 * They turn the grouping of rows by partition into work on small integers.
 */
export class IntCodes {
  readonly values: Value[] = [null]
  readonly #codes = new Map<number, number>()
  #last = Number.NaN
  #lastCode = 0

  codeOf(value: number): number {
    if (value === this.#last) return this.#lastCode
    let code = this.#codes.get(value)
    if (code === undefined) {
      code = this.values.push(value) - 1
      this.#codes.set(value, code)
    }
    this.#last = value
    this.#lastCode = code
    return code
  }
}

/** Codes of byte strings, compared in place: text is decoded once per distinct value. */
export class ByteCodes {
  readonly values: Value[] = [null]
  readonly #byHash = new Map<number, number[]>()
  readonly #keys: Uint8Array[] = [new Uint8Array(0)]
  readonly #toValue: (bytes: Uint8Array) => Value

  constructor(toValue: (bytes: Uint8Array) => Value) {
    this.#toValue = toValue
  }

  codeOf(bytes: Uint8Array, start: number, end: number): number {
    const hash = murmur3(bytes, start, end)
    const candidates = this.#byHash.get(hash)
    const found = candidates?.find((code) => equals(this.#keys[code]!, bytes, start, end))
    if (found !== undefined) return found
    const key = bytes.slice(start, end)
    const code = this.values.push(this.#toValue(key)) - 1
    this.#keys.push(key)
    if (candidates === undefined) this.#byHash.set(hash, [code])
    else candidates.push(code)
    return code
  }
}

/** Codes of values of any type by a canonical key of theirs. */
export class KeyedCodes {
  readonly values: Value[] = [null]
  readonly #codes = new Map<string, number>()
  readonly #keyOf: (value: Value) => string

  constructor(keyOf: (value: Value) => string) {
    this.#keyOf = keyOf
  }

  codeOf(value: Value): number {
    if (value === null) return 0
    const key = this.#keyOf(value)
    let code = this.#codes.get(key)
    if (code === undefined) {
      code = this.values.push(value) - 1
      this.#codes.set(key, code)
    }
    return code
  }
}

function equals(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false
  for (let i = 0; i < key.length; i++) if (key[i] !== bytes[start + i]) return false
  return true
}
