import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bucketFixed, bucketInts, bucketLongs, bucketNanos, bucketUtf8 } from '../../src/partition/bucket-columns.js'
import * as time from '../../src/partition/time-columns.js'
import { parseTransform } from '../../src/partition/transform.js'
import type { Type, Value } from '../../src/schema/type.js'

function nearMultiples(most: number, ...sizes: bigint[]): fc.Arbitrary<bigint> {
  return fc
    .tuple(fc.integer({ min: -most, max: most }), fc.constantFrom(-1n, 0n, 1n, 999n), fc.constantFrom(...sizes))
    .map(([units, delta, size]) => BigInt(units) * size + delta)
}

const longs = fc.array(
  fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -4_000_000_000_000_000n, max: 4_000_000_000_000_000n }),
    // Neighbours of unit boundaries, where rounding would show.
    nearMultiples(106_751_990, 86_400_000_000n, 3_600_000_000n, 1000n),
    nearMultiples(106_751, 86_400_000_000_000n),
  ),
)

const scalar = (text: string, type: Type, values: Iterable<Value>): Value[] => Array.from(values, parseTransform(text).apply(type))
/** A column that does not start at the beginning of its buffer. */
const column = (values: readonly bigint[]): BigInt64Array => BigInt64Array.from([7n, ...values]).subarray(1)

describe('column transforms', () => {
  it('time units over columns agree with the scalar transforms (trap 23)', () => {
    fc.assert(
      fc.property(longs, (values) => {
        for (const unit of ['day', 'month', 'year', 'hour'] as const) {
          expect(Array.from(time[`${unit}OfMicros`](column(values)))).toEqual(scalar(unit, { kind: 'timestamp' }, values))
          expect(Array.from(time[`${unit}OfNanos`](column(values)))).toEqual(scalar(unit, { kind: 'timestamp_ns' }, values))
        }
      }),
    )
  })

  it('months and years over columns of dates agree with the scalar transforms', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -800_000_000, max: 800_000_000 })), (days) => {
        expect(Array.from(time.monthOfDays(Int32Array.from(days)))).toEqual(scalar('month', { kind: 'date' }, days))
        expect(Array.from(time.yearOfDays(Int32Array.from(days)))).toEqual(scalar('year', { kind: 'date' }, days))
      }),
    )
  })

  it('calendar months agree with the platform calendar', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (days) => {
        const date = new Date(days * 86_400_000)
        expect(scalar('month', { kind: 'date' }, [days])).toEqual([(date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()])
        expect(parseTransform('day').toHumanString({ kind: 'date' }, days).endsWith(`-${String(date.getUTCDate()).padStart(2, '0')}`)).toBe(true)
      }),
    )
  })

  it('buckets over columns agree with the scalar transform (trap 24)', () => {
    fc.assert(
      fc.property(longs, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (values, buckets) => {
        const text = `bucket[${buckets}]`
        expect(Array.from(bucketLongs(column(values), buckets))).toEqual(scalar(text, { kind: 'long' }, values))
        expect(Array.from(bucketNanos(column(values), buckets))).toEqual(scalar(text, { kind: 'timestamp_ns' }, values))
        const ints = Int32Array.from(values, (value) => Number(BigInt.asIntN(32, value)))
        expect(Array.from(bucketInts(ints, buckets))).toEqual(scalar(text, { kind: 'int' }, ints))
      }),
    )
  })

  it('buckets over string and fixed columns agree with the scalar transform', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 80 })), (texts) => {
        const encoded = texts.map((text) => new TextEncoder().encode(text))
        const offsets = new Int32Array(texts.length + 1)
        encoded.forEach((item, row) => (offsets[row + 1] = offsets[row]! + item.length))
        const bytes = Uint8Array.from(encoded.flatMap((item) => [...item]))
        expect(Array.from(bucketUtf8(bytes, offsets, 16))).toEqual(scalar('bucket[16]', { kind: 'string' }, texts))
      }),
    )
    const uuid = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'
    const bytes = Uint8Array.from(uuid.replaceAll('-', '').match(/../g)!, (pair) => parseInt(pair, 16))
    expect(Array.from(bucketFixed(Uint8Array.from([...bytes, ...bytes]), 16, 1000))).toEqual(scalar('bucket[1000]', { kind: 'uuid' }, [uuid, uuid]))
  })

  it('transforms that preserve order do so on every pair of values', () => {
    const ordered = (text: string, type: Type, values: fc.Arbitrary<Value>): void =>
      fc.assert(
        fc.property(values, values, (a, b) => {
          const apply = parseTransform(text).apply(type)
          const [low, high] = a! <= b! ? [a, b] : [b, a]
          expect(apply(low)! <= apply(high)!).toBe(true)
        }),
      )
    for (const width of [1, 7, 1000, 2 ** 31 - 1]) {
      ordered(`truncate[${width}]`, { kind: 'int' }, fc.integer())
      ordered(`truncate[${width}]`, { kind: 'long' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
    }
    for (const unit of ['year', 'month', 'day', 'hour']) ordered(unit, { kind: 'timestamp' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
  })
})
