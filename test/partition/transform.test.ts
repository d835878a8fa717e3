import { describe, expect, it } from 'vitest'
import { parseTransform } from '../../src/partition/transform.js'
import { hashFunction } from '../../src/partition/bucket-transform.js'
import type { PrimitiveType, Type, Value } from '../../src/schema/type.js'

const kinds = ['boolean', 'int', 'long', 'float', 'double', 'date', 'time', 'timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns', 'string', 'uuid', 'binary'] as const
const everyType: readonly Type[] = [
  ...kinds.map((kind): Type => ({ kind })),
  { kind: 'decimal', precision: 9, scale: 2 },
  { kind: 'fixed', length: 4 },
  { kind: 'unknown' },
  { kind: 'variant' },
  { kind: 'geometry', crs: undefined },
  { kind: 'geography', crs: undefined, algorithm: undefined },
]

const t = (kind: (typeof kinds)[number]): PrimitiveType => ({ kind })
const micros = (iso: string): bigint => BigInt(Date.parse(`${iso}Z`)) * 1000n

describe('hashes of Appendix B', () => {
  const bytes = Uint8Array.of(0, 1, 2, 3)
  const moment = micros('2017-11-16T22:31:08')
  const table: readonly (readonly [string, Type, Value, number])[] = [
    ['int', t('int'), 34, 2017239379],
    ['long', t('long'), 34n, 2017239379],
    ['decimal', { kind: 'decimal', precision: 9, scale: 2 }, 1420n, -500754589],
    ['date', t('date'), 17486, -653330422],
    ['time', t('time'), 81_068_000_000n, -662762989],
    ['timestamp', t('timestamp'), moment, -2047944441],
    ['timestamp with a microsecond', t('timestamp'), moment + 1n, -1207196810],
    ['timestamptz', t('timestamptz'), moment, -2047944441],
    ['timestamp_ns', t('timestamp_ns'), moment * 1000n, -2047944441],
    ['timestamp_ns with 1001 nanoseconds', t('timestamp_ns'), moment * 1000n + 1001n, -1207196810],
    ['timestamptz_ns with 1001 nanoseconds', t('timestamptz_ns'), moment * 1000n + 1001n, -1207196810],
    ['string', t('string'), 'iceberg', 1210000089],
    ['uuid', t('uuid'), 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 1488055340],
    ['fixed', { kind: 'fixed', length: 4 }, bytes, -188683207],
    ['binary', t('binary'), bytes, -188683207],
  ]
  it.each(table)('a value of type %s hashes as specified', (_, type, value, hash) => {
    expect(hashFunction(type)(value)).toBe(hash)
  })

  it('a date hashes as the int and the long of its days', () => {
    expect(hashFunction(t('date'))(-1)).toBe(hashFunction(t('long'))(-1n))
    expect(hashFunction(t('int'))(-1)).toBe(hashFunction(t('long'))(-1n))
  })

  it('strings of any length and alphabet hash as their UTF-8 bytes', () => {
    const ofBytes = hashFunction(t('binary'))
    for (const text of ['', 'a', 'abc', 'naïve', '😀', 'x'.repeat(64), `${'x'.repeat(63)}é`, 'x'.repeat(65), '€'.repeat(400)]) {
      expect(hashFunction(t('string'))(text), text).toBe(ofBytes(new TextEncoder().encode(text)))
    }
  })

  it('decimals hash by their fewest two’s complement bytes, sign bit included (trap 9)', () => {
    const ofBytes = hashFunction(t('binary'))
    const hash = hashFunction({ kind: 'decimal', precision: 38, scale: 0 })
    const table: readonly (readonly [bigint, readonly number[]])[] = [
      [0n, [0]],
      [127n, [0x7f]],
      [128n, [0, 0x80]],
      [-128n, [0x80]],
      [-129n, [0xff, 0x7f]],
      [32768n, [0, 0x80, 0]],
      [-1n, [0xff]],
      [2n ** 63n, [0, 0x80, 0, 0, 0, 0, 0, 0, 0]],
      [-(2n ** 63n), [0x80, 0, 0, 0, 0, 0, 0, 0]],
      [-(2n ** 64n), [0xff, 0, 0, 0, 0, 0, 0, 0, 0]],
    ]
    for (const [value, bytes] of table) expect(hash(value), String(value)).toBe(ofBytes(Uint8Array.from(bytes)))
  })
})

describe('bucket', () => {
  it('nanoseconds before 1970 fall into the bucket of the microsecond below (trap 24)', () => {
    const ns = parseTransform('bucket[1000000]').apply(t('timestamp_ns'))
    const us = parseTransform('bucket[1000000]').apply(t('timestamp'))
    expect(ns(-1001n)).toBe(us(-2n))
    expect(ns(-1n)).toBe(us(-1n))
    expect(ns(-1000n)).toBe(us(-1n))
    expect(ns(1999n)).toBe(us(1n))
  })

  it('a negative hash still gives a bucket in range', () => {
    const apply = parseTransform('bucket[100]').apply({ kind: 'decimal', precision: 9, scale: 2 })
    expect(apply(1420n)).toBe((-500754589 & 0x7fffffff) % 100)
  })

  it('floating point, boolean and unknown columns cannot be bucketed', () => {
    const transform = parseTransform('bucket[4]')
    const refused = everyType.filter((type) => !transform.accepts(type)).map((type) => type.kind)
    expect(refused).toEqual(['boolean', 'float', 'double', 'unknown', 'variant', 'geometry', 'geography'])
    for (const kind of ['float', 'double', 'boolean'] as const) expect(() => transform.apply(t(kind))).toThrow(/Cannot bucket/)
  })
})

describe('truncate', () => {
  const truncated = (text: string, type: Type, value: Value): Value => parseTransform(text).apply(type)(value)

  it('integers go down to a multiple of the width, below zero too (trap 25)', () => {
    const table = [[0, 0], [1, 0], [5, 0], [9, 0], [10, 10], [11, 10], [-1, -10], [-5, -10], [-10, -10], [-11, -20]] as const
    for (const [value, expected] of table) {
      expect(truncated('truncate[10]', t('int'), value)).toBe(expected)
      expect(truncated('truncate[10]', t('long'), BigInt(value))).toBe(BigInt(expected))
    }
  })

  it('the smallest integers stay in range and in order', () => {
    expect(truncated('truncate[10]', t('int'), -(2 ** 31))).toBe(-(2 ** 31))
    expect(truncated('truncate[10]', t('long'), -(2n ** 63n))).toBe(-(2n ** 63n))
    expect(truncated('truncate[2147483647]', t('int'), 5)).toBe(0)
  })

  it('decimals are truncated in units of their own scale (trap 25)', () => {
    const type: Type = { kind: 'decimal', precision: 9, scale: 2 }
    for (const [value, expected] of [[1234n, 1230n], [1230n, 1230n], [1229n, 1220n], [5n, 0n], [-5n, -10n]] as const) {
      expect(truncated('truncate[10]', type, value)).toBe(expected)
    }
    expect(truncated('truncate[50]', type, 1065n)).toBe(1050n)
  })

  it('strings are cut at code points, never inside a surrogate pair (trap 25)', () => {
    expect(truncated('truncate[5]', t('string'), 'abcdefg')).toBe('abcde')
    expect(truncated('truncate[5]', t('string'), 'abc')).toBe('abc')
    expect(truncated('truncate[5]', t('string'), 'abcde')).toBe('abcde')
    expect(truncated('truncate[2]', t('string'), '😀a😀b')).toBe('😀a')
    expect(truncated('truncate[2]', t('string'), '😀😀')).toBe('😀😀')
    expect(truncated('truncate[3]', t('string'), 'イロハニ')).toBe('イロハ')
    expect(truncated('truncate[1]', t('string'), '')).toBe('')
  })

  it('bytes are cut at the width', () => {
    expect(truncated('truncate[3]', t('binary'), Uint8Array.of(1, 2, 3, 4, 5))).toEqual(Uint8Array.of(1, 2, 3))
    expect(truncated('truncate[3]', t('binary'), Uint8Array.of(1))).toEqual(Uint8Array.of(1))
  })

  it('only int, long, decimal, string and binary can be truncated', () => {
    expect(everyType.filter((type) => parseTransform('truncate[4]').accepts(type)).map((type) => type.kind)).toEqual(['int', 'long', 'string', 'binary', 'decimal'])
    expect(() => parseTransform('truncate[4]').apply(t('uuid'))).toThrow(/Cannot truncate/)
  })
})

describe('year, month, day and hour', () => {
  const units = ['year', 'month', 'day', 'hour'] as const
  const ofMicros = (unit: string, value: bigint): Value => parseTransform(unit).apply(t('timestamp'))(value)

  it.each([
    ['2017-12-01T10:12:55.038', 47, 575, 17501, 420034],
    ['1970-01-01T00:00:00', 0, 0, 0, 0],
    ['1969-12-31T23:59:59', -1, -1, -1, -1],
    ['1970-01-01T01:00:00', 0, 0, 0, 1],
    ['1969-01-01T00:00:00', -1, -12, -365, -8760],
    ['1968-12-31T23:00:00', -2, -13, -366, -8761],
    ['2000-02-29T00:00:00', 30, 361, 11016, 264384],
    ['1900-03-01T00:00:00', -70, -838, -25508, -612192],
  ])('%s gives years %i, months %i, days %i and hours %i', (iso, ...expected) => {
    expect(units.map((unit) => ofMicros(unit, micros(iso)))).toEqual(expected)
    expect(units.map((unit) => parseTransform(unit).apply(t('timestamptz_ns'))(micros(iso) * 1000n))).toEqual(expected)
    const days = expected[2]!
    expect(['year', 'month', 'day'].map((unit) => parseTransform(unit).apply(t('date'))(days))).toEqual(expected.slice(0, 3))
  })

  it('an instant just before 1970 is in unit −1 for microseconds and nanoseconds (trap 23)', () => {
    for (const unit of units) {
      expect(ofMicros(unit, -1n)).toBe(-1)
      expect(parseTransform(unit).apply(t('timestamp_ns'))(-1n)).toBe(-1)
    }
    expect(ofMicros('hour', -3_600_000_001n)).toBe(-2)
    expect(parseTransform('hour').apply(t('timestamp_ns'))(-3_600_000_000_001n)).toBe(-2)
    expect(ofMicros('day', -86_400_000_000n)).toBe(-1)
    expect(ofMicros('day', -86_400_000_001n)).toBe(-2)
  })

  it('the extremes of 64 bits are exact', () => {
    expect(ofMicros('day', 2n ** 63n - 1n)).toBe(106751991)
    expect(ofMicros('day', -(2n ** 63n))).toBe(-106751992)
    expect(ofMicros('day', 2n ** 53n)).toBe(Number((2n ** 53n) / 86_400_000_000n))
  })

  it('day gives a date, the others an int (trap 26)', () => {
    expect(units.map((unit) => parseTransform(unit).resultType(t('timestamp')).kind)).toEqual(['int', 'int', 'date', 'int'])
    expect(parseTransform('day').resultType({ kind: 'unknown' }).kind).toBe('date')
  })

  it('hour does not take dates, and none takes times or strings', () => {
    expect(parseTransform('hour').accepts(t('date'))).toBe(false)
    expect(() => parseTransform('hour').apply(t('date'))).toThrow(/Cannot take the hour/)
    for (const unit of units) for (const kind of ['time', 'string', 'long'] as const) expect(parseTransform(unit).accepts(t(kind))).toBe(false)
  })
})

describe('identity, void and unknown transforms', () => {
  it('identity takes every primitive but geometry and geography, and refuses nested and variant columns', () => {
    const refused = everyType.filter((type) => !parseTransform('identity').accepts(type)).map((type) => type.kind)
    expect(refused).toEqual(['variant', 'geometry', 'geography'])
    expect(parseTransform('identity').accepts({ kind: 'struct', fields: [] })).toBe(false)
  })

  it('void gives null whatever the value, with the source type as result', () => {
    expect(parseTransform('void').apply(t('string'))('a')).toBeNull()
    expect(parseTransform('void').resultType(t('string')).kind).toBe('string')
  })

  it('an unknown transform keeps its text and is never evaluated', () => {
    const transform = parseTransform('Geohash[7](x)')
    expect(transform.kind).toBe('unknown')
    expect(transform.text).toBe('Geohash[7](x)')
    expect(transform.resultType(t('binary')).kind).toBe('string')
    expect(() => transform.apply(t('binary'))).toThrow(/unknown transform/)
    expect(transform.toHumanString(t('string'), null)).toBe('null')
  })

  it('known names are read in any letter case and printed as the spec spells them', () => {
    expect(parseTransform('BUCKET[016]').text).toBe('bucket[16]')
    expect(parseTransform('Day').text).toBe('day')
  })

  it.each(['bucket[0]', 'truncate[0]', 'bucket[2147483648]', `truncate[${'9'.repeat(60)}]`])('%s is refused', (text) => {
    expect(() => parseTransform(text)).toThrow(/must be in 1 to/)
  })

  it('null stays null through every transform of every type it takes', () => {
    for (const text of ['identity', 'bucket[4]', 'truncate[4]', 'year', 'month', 'day', 'hour', 'void']) {
      const transform = parseTransform(text)
      for (const type of everyType) if (transform.accepts(type)) expect(transform.apply(type)(null)).toBeNull()
    }
  })

  it('a finer time unit satisfies the order of a coarser one, a longer prefix that of a shorter', () => {
    const satisfies = (a: string, b: string): boolean => parseTransform(a).satisfiesOrderOf(parseTransform(b))
    expect(satisfies('hour', 'day')).toBe(true)
    expect(satisfies('day', 'hour')).toBe(false)
    expect(satisfies('identity', 'truncate[4]')).toBe(true)
    expect(satisfies('identity', 'bucket[4]')).toBe(false)
    expect(satisfies('truncate[8]', 'truncate[4]')).toBe(true)
    expect(satisfies('truncate[4]', 'truncate[8]')).toBe(false)
    expect(satisfies('bucket[4]', 'bucket[4]')).toBe(true)
    expect(satisfies('bucket[8]', 'bucket[4]')).toBe(false)
    expect(satisfies('day', 'identity')).toBe(false)
  })
})
