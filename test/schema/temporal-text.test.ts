import { describe, expect, it } from 'vitest'
import {
  floorDivide, parseIsoDate, parseIsoTime, parseIsoTimestamp, printIsoDate, printIsoTime, printIsoTimestamp,
} from '../../src/schema/temporal-text.js'
import { codeThrownBy } from '../support/thrown.js'

describe('dates as text', () => {
  it.each([
    ['1970-01-01', 0], ['1969-12-31', -1], ['2017-11-16', 17486], ['2000-02-29', 11016], ['1600-02-29', -135081], ['0001-01-01', -719162], ['0000-12-31', -719163],
    ['-0001-01-01', -719893], ['9999-12-31', 2932896], ['+10000-01-01', 2932897], ['+5881580-07-11', 2147483647], ['-5877641-06-23', -2147483648],
  ])('%s is day %s', (text, days) => {
    expect(parseIsoDate(text)).toBe(days)
    expect(printIsoDate(days)).toBe(text)
  })

  it('agrees with JavaScript on every day of five centuries', () => {
    for (let days = -100_000; days <= 100_000; days += 1) {
      const text = printIsoDate(days)
      if (text !== new Date(days * 86_400_000).toISOString().slice(0, 10) || parseIsoDate(text) !== days) throw new Error(`${days}: ${text}`)
    }
  })

  it.each(['', '2017-1-01', '2017-13-01', '2017-00-10', '2017-11-31', '1900-02-29', '2017-02-29', '10000-01-01', '2017-11-16T00:00', ' 2017-11-16', '2017/11/16'])('refuses %j', (text) => {
    expect(codeThrownBy(() => parseIsoDate(text))).toBe('INVALID')
  })
})

describe('times as text', () => {
  it.each([['00:00:00', 0n], ['22:31:08.123456', 81_068_123_456n], ['23:59:59.999999', 86_399_999_999n], ['10:00:00.5', 36_000_500_000n]])('%s is %s µs', (text, micros) => {
    expect(parseIsoTime(text)).toBe(micros)
    expect(printIsoTime(micros)).toBe(text)
  })

  it('pads fractions on the right, and takes further digits only when they are zeros (trap 14)', () => {
    expect(parseIsoTime('10:00')).toBe(36_000_000_000n)
    expect(parseIsoTime('00:00:00.1')).toBe(100_000n)
    expect(parseIsoTime('00:00:00.000001000')).toBe(1n)
    expect(codeThrownBy(() => parseIsoTime('00:00:00.0000001'))).toBe('INVALID')
  })

  it.each(['', '24:00:00', '10:60:00', '10:00:60', '1:00:00', '10', '10:00:00.', '10:00:00Z', `10:00:00.${'0'.repeat(1_000_000)}`])('refuses %#', (text) => {
    expect(codeThrownBy(() => parseIsoTime(text))).toBe('INVALID')
  })
})

describe('timestamps as text', () => {
  it('pads a fraction of any width to the unit (trap 14)', () => {
    for (let width = 1; width <= 9; width++) {
      const digits = '123456789'.slice(0, width)
      expect(parseIsoTimestamp(`1970-01-01T00:00:00.${digits}`, 'nanos', 'none')).toBe(BigInt(digits.padEnd(9, '0')))
      if (width <= 6) expect(parseIsoTimestamp(`1970-01-01T00:00:00.${digits}`, 'micros', 'none')).toBe(BigInt(digits.padEnd(6, '0')))
      else expect(codeThrownBy(() => parseIsoTimestamp(`1970-01-01T00:00:00.${digits}`, 'micros', 'none'))).toBe('INVALID')
    }
  })

  it.each([
    ['1970-01-01T01:00:00+01:00', 0n], ['1969-12-31T23:30:00-00:30', 0n], ['1970-01-01 00:00:00Z', 0n], ['1970-01-01t00:00:01z', 1_000_000n],
    ['1970-01-01T00:00:00+0000', 0n], ['1970-01-01T05:30+05:30', 0n], ['1970-01-01T00:00:00-01', 3_600_000_000n], ['1970-01-01T00:00:01+00:00:01', 0n],
  ])('%s counts from the offset', (text, micros) => {
    expect(parseIsoTimestamp(text, 'micros', 'required')).toBe(micros)
  })

  it('is strict about offsets', () => {
    expect(codeThrownBy(() => parseIsoTimestamp('1970-01-01T00:00:00Z', 'micros', 'none'))).toBe('INVALID')
    expect(codeThrownBy(() => parseIsoTimestamp('1970-01-01T00:00:00', 'micros', 'required'))).toBe('INVALID')
    expect(codeThrownBy(() => parseIsoTimestamp('1970-01-01T00:00:00+01:00', 'micros', 'utc'))).toBe('INVALID')
    expect(parseIsoTimestamp('1970-01-01T00:00:00-00:00', 'micros', 'utc')).toBe(0n)
  })

  it.each(['', 'T', '1970-01-01', '1970-01-01T', '1970-01-01T25:00', 'x1970-01-01T00:00', '1970-01-01T00:00:00+19:00', ' '.repeat(1_000_000)])('refuses %#', (text) => {
    expect(codeThrownBy(() => parseIsoTimestamp(text, 'micros', text.endsWith('+19:00') ? 'required' : 'none'))).toBe('INVALID')
  })

  it('prints instants before 1970 by rounding down', () => {
    expect(printIsoTimestamp(-1n, 'nanos', true)).toBe('1969-12-31T23:59:59.999999999+00:00')
    expect(printIsoTimestamp(-86_400_000_000n, 'micros', false)).toBe('1969-12-31T00:00:00')
    expect(floorDivide(-1n, 2n)).toBe(-1n)
    expect(floorDivide(-2n, 2n)).toBe(-1n)
    expect(floorDivide(3n, 2n)).toBe(1n)
  })
})
