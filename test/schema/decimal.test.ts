import { describe, expect, it } from 'vitest'
import { Decimal } from '../../src/schema/decimal.js'
import { codeThrownBy } from '../support/thrown.js'

describe('a decimal', () => {
  it.each([
    [0n, 2, '0.00'], [1n, 2, '0.01'], [-1n, 2, '-0.01'], [1420n, 2, '14.20'], [-100n, 2, '-1.00'], [7n, 0, '7'], [10n ** 37n, 38, `0.${'1'.padEnd(38, '0')}`], [2n, -20, '2E+20'],
  ])('%s with scale %s prints as %s and reads back', (unscaled, scale, text) => {
    expect(new Decimal(unscaled, scale).toString()).toBe(text)
    expect(Decimal.parse(text).equals(new Decimal(unscaled, scale))).toBe(true)
    expect(JSON.stringify(new Decimal(unscaled, scale))).toBe(`"${text}"`)
  })

  it.each([['.5', 5n, 1], ['5.', 5n, 0], ['+1.50', 150n, 2], ['7e-3', 7n, 3], ['1.5E+3', 15n, -2], ['-0', 0n, 0], ['00012', 12n, 0]])('reads %s', (text, unscaled, scale) => {
    expect(Decimal.parse(text)).toEqual(new Decimal(unscaled, scale))
  })

  it.each(['', '.', '-', '1e', 'e5', '1.2.3', ' 1', '1 ', '0x10', 'NaN', 'Infinity', '1e999999', '1e9999999', '1'.repeat(1_000_000), '1_000'])('refuses %s', (text) => {
    expect(codeThrownBy(() => Decimal.parse(text))).toBe('INVALID')
  })

  it('compares by value', () => {
    expect(Decimal.parse('1.0').compare(Decimal.parse('1.00'))).toBe(0)
    expect(Decimal.parse('1.0').equals(Decimal.parse('1.00'))).toBe(false)
    expect(Decimal.parse('-2').compare(Decimal.parse('-1.99'))).toBe(-1)
    expect(Decimal.parse('2E+20').compare(Decimal.parse('1'))).toBe(1)
  })

  it('changes scale exactly or not at all', () => {
    expect(Decimal.parse('1.50').rescale(1).toString()).toBe('1.5')
    expect(Decimal.parse('1.5').rescale(4).toString()).toBe('1.5000')
    expect(Decimal.parse('2E+3').rescale(0).toString()).toBe('2000')
    expect(Decimal.parse('1.55').rescaled(1)).toBeUndefined()
    expect(codeThrownBy(() => Decimal.parse('1.55').rescale(1))).toBe('INVALID')
    expect(Decimal.parse('-99.5').precision).toBe(3)
    expect(new Decimal(0n, 5).precision).toBe(1)
  })
})
