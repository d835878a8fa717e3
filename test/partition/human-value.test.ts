import { describe, expect, it } from 'vitest'
import { humanHour, humanMonth, humanYear } from '../../src/partition/calendar.js'
import { humanValue } from '../../src/partition/human-value.js'
import { parseTransform } from '../../src/partition/transform.js'
import type { Type, Value } from '../../src/schema/type.js'

const d = (scale: number): Type => ({ kind: 'decimal', precision: 38, scale })

describe('texts of partition values', () => {
  it.each<[Type, Value, string]>([
    [{ kind: 'boolean' }, false, 'false'],
    [{ kind: 'int' }, 0, '0'],
    [{ kind: 'long' }, -9223372036854775808n, '-9223372036854775808'],
    [{ kind: 'string' }, '', ''],
    [{ kind: 'string' }, 'a/b=c d', 'a/b=c d'],
    [{ kind: 'uuid' }, 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    [{ kind: 'date' }, -1, '1969-12-31'],
    [{ kind: 'date' }, 2932897, '10000-01-01'],
    [{ kind: 'time' }, 0n, '00:00'],
    [{ kind: 'time' }, 36_775_038_194n, '10:12:55.038194'],
    [{ kind: 'time' }, 36_775_038_000n, '10:12:55.038'],
    [{ kind: 'time' }, 36_775_000_000n, '10:12:55'],
    [{ kind: 'timestamp' }, 1512123175038194n, '2017-12-01T10:12:55.038194'],
    [{ kind: 'timestamp' }, 1512123175038000n, '2017-12-01T10:12:55.038'],
    [{ kind: 'timestamp' }, 1512123175030000n, '2017-12-01T10:12:55.03'],
    [{ kind: 'timestamp' }, -1n, '1969-12-31T23:59:59.999999'],
    [{ kind: 'timestamptz' }, 1512123120000000n, '2017-12-01T10:12:00+00:00'],
    [{ kind: 'timestamp_ns' }, 1512123175038194001n, '2017-12-01T10:12:55.038194001'],
    [{ kind: 'timestamptz_ns' }, -1n, '1969-12-31T23:59:59.999999999+00:00'],
    [d(2), -1420n, '-14.20'],
    [d(2), 5n, '0.05'],
    [d(0), 12n, '12'],
    [d(6), 1n, '0.000001'],
    [d(7), 1n, '1E-7'],
    [d(8), -12n, '-1.2E-7'],
    [{ kind: 'binary' }, Uint8Array.of(1, 2, 3), 'AQID'],
    [{ kind: 'binary' }, Uint8Array.of(0xff), '/w=='],
    [{ kind: 'fixed', length: 2 }, Uint8Array.of(0xfb, 0xef), '++8='],
    [{ kind: 'binary' }, new Uint8Array(), ''],
    [{ kind: 'float' }, 1, '1.0'],
    [{ kind: 'float' }, Math.fround(0.1), '0.1'],
    [{ kind: 'float' }, Math.fround(1e10), '1.0E10'],
    [{ kind: 'double' }, -0, '-0.0'],
    [{ kind: 'double' }, 0.001, '0.001'],
    [{ kind: 'double' }, 0.00015, '1.5E-4'],
    [{ kind: 'double' }, -1234567.5, '-1234567.5'],
    [{ kind: 'double' }, 12345678, '1.2345678E7'],
    [{ kind: 'double' }, NaN, 'NaN'],
    [{ kind: 'double' }, -Infinity, '-Infinity'],
    [{ kind: 'string' }, null, 'null'],
  ])('a value of type %o prints as Java prints it: %s', (type, value, text) => {
    expect(humanValue(type, value)).toBe(text)
  })

  it('years, months and hours before 1970 and before year 0 keep their place', () => {
    expect([humanYear(47), humanYear(-1), humanYear(-1971)]).toEqual(['2017', '1969', '-001'])
    expect([humanMonth(575), humanMonth(-1), humanMonth(0)]).toEqual(['2017-12', '1969-12', '1970-01'])
    expect([humanHour(420034), humanHour(-1)]).toEqual(['2017-12-01-10', '1969-12-31-23'])
  })

  it('a transform prints its own result, not the source', () => {
    expect(parseTransform('day').toHumanString({ kind: 'timestamp' }, 17501)).toBe('2017-12-01')
    expect(parseTransform('bucket[4]').toHumanString({ kind: 'date' }, 3)).toBe('3')
    expect(parseTransform('month').toHumanString({ kind: 'date' }, null)).toBe('null')
    expect(parseTransform('void').toHumanString({ kind: 'int' }, null)).toBe('null')
  })
})
