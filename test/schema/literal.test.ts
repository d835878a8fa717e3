import { describe, expect, it } from 'vitest'
import { Decimal } from '../../src/schema/decimal.js'
import { ABOVE_MAX, BELOW_MIN, toStoredValue, toValue } from '../../src/schema/literal.js'
import type { LiteralInput, LiteralValue } from '../../src/schema/literal.js'
import type { Type } from '../../src/schema/type.js'
import { codeThrownBy, thrownBy } from '../support/thrown.js'

const int: Type = { kind: 'int' }
const long: Type = { kind: 'long' }
const float: Type = { kind: 'float' }
const double: Type = { kind: 'double' }
const date: Type = { kind: 'date' }
const decimal: Type = { kind: 'decimal', precision: 5, scale: 2 }

type Case = readonly [string, Type, LiteralInput, LiteralValue]

const conversions: readonly Case[] = [
  ['false stays false', { kind: 'boolean' }, false, false],
  ['0 is an int', int, 0, 0],
  ['a number without fraction is an int', int, 7.0, 7],
  ['a bigint is an int', int, -7n, -7],
  ['a decimal without fraction is an int', int, Decimal.parse('7.00'), 7],
  ['the greatest int', int, 2147483647, 2147483647],
  ['beyond the greatest int', int, 2147483648, ABOVE_MAX],
  ['beyond the least int', int, -2147483649n, BELOW_MIN],
  ['infinity is beyond every int', int, Infinity, ABOVE_MAX],
  ['a number is a long', long, 42, 42n],
  ['a bigint is a long', long, 2n ** 63n - 1n, 2n ** 63n - 1n],
  ['beyond the greatest long', long, 2n ** 63n, ABOVE_MAX],
  ['beyond the least long', long, -(2n ** 63n) - 1n, BELOW_MIN],
  ['a number beyond the greatest long', long, 1e19, ABOVE_MAX],
  ['a number beyond the least long', long, -1e19, BELOW_MIN],
  ['a float', float, 0.5, 0.5],
  ['0.1 is the float that prints so', float, 0.1, Math.fround(0.1)],
  ['the shortest text of a float may have nine digits', float, 0.10000001, Math.fround(0.10000001)],
  ['the value of that float is the same float', float, Math.fround(0.1), Math.fround(0.1)],
  ['3.4e38 is a float', float, 3.4e38, Math.fround(3.4e38)],
  ['negative zero stays negative', float, -0, -0],
  ['infinity is a float', float, -Infinity, -Infinity],
  ['beyond the greatest float', float, 3.5e38, ABOVE_MAX],
  ['beyond the least float', float, -1e39, BELOW_MIN],
  ['a bigint that a float holds', float, 16777216n, 16777216],
  ['a double', double, 0.1, 0.1],
  ['a bigint that a double holds', double, 2n ** 60n, 2 ** 60],
  ['a number by its decimal text', decimal, 0.1, 10n],
  ['a number without fraction', decimal, 12, 1200n],
  ['a bigint is a whole number, not an unscaled one', decimal, 12n, 1200n],
  ['decimal text', decimal, '-1.5', -150n],
  ['decimal text with zeros to spare', decimal, '1.5000', 150n],
  ['decimal text with exponent', decimal, '15e-1', 150n],
  ['a Decimal', decimal, new Decimal(15n, 1), 150n],
  ['what prints as a decimal', decimal, { toString: () => '1.25' }, 125n],
  ['the greatest decimal', decimal, '999.99', 99999n],
  ['beyond the greatest decimal', decimal, 1000, ABOVE_MAX],
  ['beyond the least decimal', decimal, '-1000.00', BELOW_MIN],
  ['a date', date, '2017-11-16', 17486],
  ['days', date, -1, -1],
  ['days as a bigint', date, 10n, 10],
  ['a Date at midnight', date, new Date('1969-12-31T00:00:00Z'), -1],
  ['a date beyond the greatest', date, '+9999999-01-01', ABOVE_MAX],
  ['a time', { kind: 'time' }, '00:00:00.5', 500_000n],
  ['microseconds', { kind: 'time' }, 0, 0n],
  ['a timestamp', { kind: 'timestamp' }, '1970-01-01T00:00:00.000001', 1n],
  ['a timestamp of a space and no seconds', { kind: 'timestamp' }, '1970-01-02 00:00', 86_400_000_000n],
  ['a plain date is midnight', { kind: 'timestamp' }, '1970-01-02', 86_400_000_000n],
  ['a Date', { kind: 'timestamp' }, new Date(-1), -1000n],
  ['microseconds', { kind: 'timestamp' }, 5, 5n],
  ['a timestamp with zone', { kind: 'timestamptz' }, '1970-01-01T01:00:00+01:00', 0n],
  ['a Date with zone', { kind: 'timestamptz' }, new Date(1), 1000n],
  ['nanoseconds of any width (trap 14)', { kind: 'timestamp_ns' }, '1970-01-01T00:00:00.12', 120_000_000n],
  ['nanoseconds to the last (trap 14)', { kind: 'timestamptz_ns' }, '1970-01-01T00:00:00.123456789Z', 123_456_789n],
  ['a number in nanoseconds', { kind: 'timestamp_ns' }, 5n, 5n],
  ['a Date in nanoseconds', { kind: 'timestamp_ns' }, new Date(1), 1_000_000n],
  ['a timestamp beyond nanoseconds', { kind: 'timestamp_ns' }, '3000-01-01T00:00:00', ABOVE_MAX],
  ['a timestamp before nanoseconds', { kind: 'timestamp_ns' }, '1000-01-01T00:00:00', BELOW_MIN],
  ['a string', { kind: 'string' }, '', ''],
  ['a uuid in any case', { kind: 'uuid' }, 'F79C3E09-677C-4BBD-A479-3F349CB785E7', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
  ['a uuid as bytes', { kind: 'uuid' }, new Uint8Array(16), '00000000-0000-0000-0000-000000000000'],
  ['bytes', { kind: 'binary' }, new Uint8Array([1]), new Uint8Array([1])],
  ['no bytes', { kind: 'binary' }, '', new Uint8Array(0)],
  ['hexadecimal text', { kind: 'fixed', length: 2 }, '00fF', new Uint8Array([0, 255])],
]

const refusals: readonly (readonly [string, Type, unknown])[] = [
  ['zero is not false', { kind: 'boolean' }, 0],
  ['a fraction is no int', int, 1.5],
  ['text is no int', int, '1'],
  ['true is no int', int, true],
  ['a number over 2^53 may have been rounded', long, 2 ** 53],
  ['NaN', double, NaN],
  ['an integer that a float would round', float, 16777217],
  ['more digits than a float has', float, 0.123456789012],
  ['a bigint that a double would round', double, 2n ** 53n + 1n],
  ['a decimal of more fraction digits', decimal, '1.005'],
  ['a number of more fraction digits', decimal, 1.005],
  ['text that is no decimal', decimal, 'abc'],
  ['a boolean is no decimal', decimal, true],
  ['a hostile exponent', decimal, '1e999999999'],
  ['a day that is none', date, '2017-02-30'],
  ['a timestamp is no date', date, '2017-11-16T00:00:00'],
  ['a Date after midnight', date, new Date(1)],
  ['half a day', date, 0.5],
  ['a time of day that is none', { kind: 'time' }, 86_400_000_000n],
  ['a negative time', { kind: 'time' }, -1],
  ['a time of more than microseconds', { kind: 'time' }, '00:00:00.1234567'],
  ['more than microseconds', { kind: 'timestamp' }, '1970-01-01T00:00:00.1234567'],
  ['an offset where there is no zone', { kind: 'timestamp' }, '1970-01-01T00:00:00Z'],
  ['no offset where there is a zone', { kind: 'timestamptz' }, '1970-01-01T00:00:00'],
  ['a plain date where there is a zone', { kind: 'timestamptz' }, '1970-01-01'],
  ['an invalid Date', { kind: 'timestamptz' }, new Date(NaN)],
  ['an invalid Date for a date', date, new Date(NaN)],
  ['a number is no string', { kind: 'string' }, 1],
  ['text that is no uuid', { kind: 'uuid' }, 'f79c3e09677c4bbda4793f349cb785e7'],
  ['bytes of another length', { kind: 'fixed', length: 2 }, new Uint8Array(3)],
  ['odd hexadecimal text', { kind: 'binary' }, 'abc'],
  ['null', int, null],
  ['nothing', decimal, undefined],
  ['a nested type', { kind: 'struct', fields: [] }, 1],
  ['a variant', { kind: 'variant' }, 1],
]

describe('literals', () => {
  it.each(conversions)('%s', (_, type, input, value) => {
    expect(toValue(type, input)).toEqual(value)
  })

  it.each(refusals)('refuses instead of rounding: %s', (_, type, input) => {
    expect(codeThrownBy(() => toValue(type, input as LiteralInput, 'c'))).toBe('INVALID')
  })

  it('names column, literal and type', () => {
    expect(thrownBy(() => toValue(decimal, '1.005', 'price'))).toMatchObject({
      column: 'price', message: 'The literal string "1.005" is no exact value of type decimal(5, 2): at most 2 fraction digits (column price)',
    })
    expect(thrownBy(() => toValue(long, 2 ** 53, 'id')).message).toContain('write it as a bigint')
    expect(thrownBy(() => toValue({ kind: 'string' }, { toString: () => { throw new Error('never called') } })).message).toContain('[object Object]')
    expect(thrownBy(() => toValue(int, 'x'.repeat(1_000_000))).message.length).toBeLessThan(200)
  })

  it('copies bytes', () => {
    const bytes = new Uint8Array([1])
    const value = toValue({ kind: 'binary' }, bytes)
    bytes[0] = 2
    expect(value).toEqual(new Uint8Array([1]))
  })

  it('does not store what is out of range', () => {
    expect(codeThrownBy(() => toStoredValue(int, 2147483648))).toBe('INVALID')
    expect(toStoredValue(int, 0)).toBe(0)
  })
})
