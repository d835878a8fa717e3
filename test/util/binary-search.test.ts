import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstWhere, lowerBound } from '../../src/util/binary-search.js'

describe('a binary search', () => {
  it('finds the first index for which the test holds, whatever the range', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(50), fc.nat(120), (from, length, edge) => {
        const to = from + length
        const indexes = Array.from({ length }, (_, i) => from + i)
        expect(firstWhere(from, to, (index) => index >= edge)).toBe(indexes.find((index) => index >= edge) ?? to)
      }),
    )
  })

  it('is exact beyond 32 bits', () => {
    expect(firstWhere(0, Number.MAX_SAFE_INTEGER, (index) => index >= 2 ** 52 + 1)).toBe(2 ** 52 + 1)
  })

  it('finds the first of equal values, of numbers and of bigints', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 })), fc.integer({ min: -1, max: 10 }), (values, value) => {
        const sorted = [...values].sort((a, b) => a - b)
        const expected = sorted.filter((each) => each < value).length
        expect(lowerBound(sorted, value)).toBe(expected)
        expect(lowerBound(sorted.map(BigInt), BigInt(value))).toBe(expected)
      }),
    )
  })
})
