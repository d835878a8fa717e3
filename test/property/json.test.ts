import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFloeError } from '../../src/util/errors.js'
import { parseJson, printJson } from '../../src/util/json.js'
import type { JsonValue } from '../../src/util/json.js'

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('\u007f', '\u007fn1', '\u007fs', '"\u007fn12"', '\\"\u007fn', '__proto__', 'constructor', '\\', '7893146874214087234', ''),
)
const value = fc.letrec<{ node: JsonValue }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(fc.constant(null), fc.boolean(), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
    fc.oneof(fc.bigInt().filter(isUnsafe), text),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(text, tie('node'), { maxKeys: 4 }).map((members) => Object.fromEntries(Object.entries(members))),
  ),
})).node

function isUnsafe(integer: bigint): boolean {
  return integer > 9007199254740991n || integer < -9007199254740991n
}

describe('JSON text', () => {
  it('round-trips every value, bigints, marks and hostile names included', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (original, indent) => {
        const printed = printJson(original, { indent })
        const parsed = parseJson(printed)
        expect(parsed).toEqual(withoutLargeDoubles(original))
        expect(printJson(parsed, { indent })).toBe(printed)
      }),
    )
  })

  it('accepts exactly what JSON.parse accepts', () => {
    const token = fc.oneof(
      fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', ' ', '-', '.', 'e', '+', '0', '12345678901234567890'),
      fc.constantFrom('null', 'tr', 'true', '"a"', '"\u007fn1"', '\u007f', '\\u007f'),
      fc.string({ maxLength: 3 }),
    )
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
        const source = tokens.join('')
        let native: unknown
        try {
          native = JSON.parse(source)
        } catch {
          native = undefined
        }
        let ours: JsonValue | undefined
        try {
          ours = parseJson(source)
        } catch (error) {
          expect(isFloeError(error, 'CORRUPT')).toBe(true)
        }
        expect(rounded(ours)).toEqual(native)
      }),
      { numRuns: 2000 },
    )
  })
})

/** Integral doubles over 2^53 print as plain digits up to 1e21, so they come back as bigint; that is the same number. */
function withoutLargeDoubles(node: JsonValue): JsonValue {
  if (typeof node === 'number') return Number.isInteger(node) && Math.abs(node) < 1e21 && !Number.isSafeInteger(node) ? BigInt(node) : node
  if (typeof node !== 'object' || node === null) return node
  if (Array.isArray(node)) return (node as JsonValue[]).map(withoutLargeDoubles)
  return Object.fromEntries(Object.entries(node as Record<string, JsonValue>).map(([name, child]) => [name, withoutLargeDoubles(child)]))
}

function rounded(node: JsonValue | undefined): unknown {
  if (typeof node === 'bigint') return Number(node)
  if (typeof node !== 'object' || node === null) return node
  if (Array.isArray(node)) return (node as JsonValue[]).map(rounded)
  return Object.fromEntries(Object.entries(node as Record<string, JsonValue>).map(([name, child]) => [name, rounded(child)]))
}
