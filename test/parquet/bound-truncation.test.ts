import { describe, expect, it } from 'vitest'
import { truncateLowerBound, truncateUpperBound } from '../../src/parquet/bound-truncation.js'

const string = { kind: 'string' } as const
const binary = { kind: 'binary' } as const

describe('a truncated string bound', () => {
  it('keeps what is short enough', () => {
    expect(truncateLowerBound(string, 'abc', 3)).toBe('abc')
    expect(truncateUpperBound(string, 'abc', 3)).toBe('abc')
    expect(truncateUpperBound(string, '', 1)).toBe('')
    expect(truncateUpperBound(string, '😀😀', 2)).toBe('😀😀')
  })

  it('is cut between code points, not inside of a surrogate pair (trap 2)', () => {
    expect(truncateLowerBound(string, '😀😀😀', 2)).toBe('😀😀')
    expect(truncateLowerBound(string, 'a😀b', 2)).toBe('a😀')
  })

  it('is rounded up in its last code point when it is an upper bound (trap 1)', () => {
    expect(truncateUpperBound(string, 'abcdef', 3)).toBe('abd')
    expect(truncateUpperBound(string, 'a😀zz', 2)).toBe('a😁')
    expect(truncateUpperBound(string, '\uffffx', 1)).toBe('\u{10000}')
  })

  it('steps over the surrogates (trap 1)', () => {
    expect(truncateUpperBound(string, 'a\ud7ffx', 2)).toBe('a\ue000')
  })

  it('drops what cannot be raised, and is absent when nothing can (trap 1)', () => {
    expect(truncateUpperBound(string, 'a\u{10ffff}\u{10ffff}x', 3)).toBe('b')
    expect(truncateUpperBound(string, '\u{10ffff}\u{10ffff}', 1)).toBeUndefined()
  })
})

describe('a truncated binary bound', () => {
  it('is cut at a byte below and rounded up above (trap 12)', () => {
    expect(truncateLowerBound(binary, Uint8Array.of(1, 2, 3), 2)).toEqual(Uint8Array.of(1, 2))
    expect(truncateUpperBound(binary, Uint8Array.of(1, 2, 3), 2)).toEqual(Uint8Array.of(1, 3))
    expect(truncateUpperBound(binary, Uint8Array.of(1, 255, 255, 0), 3)).toEqual(Uint8Array.of(2))
    expect(truncateUpperBound(binary, Uint8Array.of(255, 255, 0), 2)).toBeUndefined()
    expect(truncateUpperBound(binary, Uint8Array.of(255, 255), 2)).toEqual(Uint8Array.of(255, 255))
  })

  it('leaves other types alone', () => {
    expect(truncateUpperBound({ kind: 'fixed', length: 3 }, Uint8Array.of(1, 2, 3), 1)).toEqual(Uint8Array.of(1, 2, 3))
    expect(truncateLowerBound({ kind: 'long' }, 5n, 1)).toBe(5n)
  })
})
