import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exactKey, looseKey, TextSet } from '../../../src/maintenance/location-key.js'

describe('exact keys', () => {
  it.each([
    ['s3://b/k', 's3a://b/k'],
    ['s3://b/k', 'S3N://b/k'],
    ['/a/b', 'file:///a/b'],
    ['file:/a/b', 'file://localhost/a/b'],
    ['/a//b', '/a/b'],
  ])('are one for %s and %s', (a, b) => {
    expect(exactKey(a)).toBe(exactKey(b))
  })

  it.each([
    ['s3://b/a//k', 's3://b/a/k'],
    ['s3://b/a%20k', 's3://b/a k'],
    ['s3://b/K', 's3://b/k'],
    ['s3://b/k', 's3://c/k'],
    ['s3://b/k', 'gs://b/k'],
    ['s3://b/\u00e9', 's3://b/e\u0301'],
  ])('are two for %s and %s, which a store tells apart', (a, b) => {
    expect(exactKey(a)).not.toBe(exactKey(b))
  })

  it('take aliases that are named', () => {
    const aliases = { schemes: new Map([['cos', 's3']]), authorities: new Map([['access-point', 'b']]) }
    expect(exactKey('cos://access-point/k', aliases)).toBe(exactKey('s3a://b/k', aliases))
  })
})

describe('loose keys', () => {
  it.each([
    ['s3://b/kind=a b/f', 's3://b/kind=a%20b/f'],
    ['s3://b/kind=a b/f', 's3://b/kind=a+b/f'],
    ['s3://b/a%2Fb', 's3://b/a%252Fb'],
    ['s3://b/\u00e9', 's3://b/e\u0301'],
    ['s3://b/%C3%A9', 's3://b/e\u0301'],
    ['s3://b/a//k', 's3://c/A/K'],
    ['s3://b/%ff', 's3://b/%FF'],
    ['gs://b/k', 'file:///k'],
  ])('are one for %s and %s', (a, b) => {
    expect(looseKey(a)).toBe(looseKey(b))
  })

  it.each([
    ['s3://b/a/k', 's3://b/a-k'],
    ['s3://b/a/k', 's3://b/k'],
    ['s3://b/a/k1', 's3://b/a/k2'],
  ])('are two for %s and %s', (a, b) => {
    expect(looseKey(a)).not.toBe(looseKey(b))
  })

  it('are equal where exact keys are', () => {
    fc.assert(
      fc.property(fc.constantFrom('s3', 's3a', 's3n', 'S3'), fc.string({ unit: 'grapheme' }), (scheme, path) => {
        expect(looseKey(`${scheme}://bucket/${path}`)).toBe(looseKey(`s3://bucket/${path}`))
      }),
    )
  })
})

describe('a set of texts', () => {
  it('has what was added and, of a hundred thousand others, nothing', () => {
    const set = new TextSet()
    for (let i = 0; i < 20_000; i++) set.add(`s3://bucket/data/${i}.parquet`)
    for (let i = 0; i < 20_000; i += 7) set.add(`s3://bucket/data/${i}.parquet`)
    expect(set.size).toBe(20_000)
    for (let i = 0; i < 20_000; i++) if (!set.has(`s3://bucket/data/${i}.parquet`)) throw new Error(`lost ${i}`)
    for (let i = 20_000; i < 120_000; i++) if (set.has(`s3://bucket/data/${i}.parquet`)) throw new Error(`invented ${i}`)
  })

  it('takes texts of any length', () => {
    const set = new TextSet()
    for (const text of ['', 'x'.repeat(10_000), '€'.repeat(5000)]) {
      expect(set.has(text)).toBe(false)
      set.add(text)
      expect(set.has(text)).toBe(true)
    }
  })
})
