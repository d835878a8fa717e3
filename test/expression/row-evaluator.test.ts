import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expression/bind.js'
import { parseWhere } from '../../src/expression/parse-where.js'
import { compileRowFilter } from '../../src/expression/row-evaluator.js'
import { Schema } from '../../src/schema/schema.js'
import type { Value } from '../../src/schema/type.js'

const schema = new Schema([
  { id: 1, name: 'x', type: { kind: 'double' }, required: false },
  { id: 2, name: 's', type: { kind: 'string' }, required: false },
  { id: 3, name: 'ts', type: { kind: 'timestamp' }, required: false },
  { id: 4, name: 'b', type: { kind: 'binary' }, required: false },
  { id: 5, name: 'dec', type: { kind: 'decimal', precision: 9, scale: 2 }, required: false },
])
const selects = (where: string, row: Readonly<Record<number, Value>>): boolean =>
  compileRowFilter(bind(parseWhere(where), schema))((id) => row[id] ?? null)

describe('rows', () => {
  it('null is selected by is null alone, whatever the comparison and its negation (trap 17)', () => {
    const operators = ['= 1', '<> 1', '< 1', '<= 1', '> 1', '>= 1', 'in (1, 2)', 'not in (1, 2)', 'between 0 and 2', 'not between 0 and 2']
    for (const operator of operators) {
      expect(selects(`x ${operator}`, { 1: null }), operator).toBe(false)
      expect(selects(`not (x ${operator})`, { 1: null }), operator).toBe(false)
    }
    expect(selects('x is null', { 1: null })).toBe(true)
    expect(selects("s not like 'a%'", { 2: null })).toBe(false)
    expect(selects('x = 1 or x is null', { 1: null })).toBe(true)
    expect(selects('x is not nan', { 1: null })).toBe(true)
  })

  it('NaN is unequal to everything and in no order', () => {
    expect(selects('x <> 1', { 1: NaN })).toBe(true)
    expect(selects('x not in (1, 2)', { 1: NaN })).toBe(true)
    for (const operator of ['= 1', '< 1', '<= 1', '> 1', '>= 1', 'in (1, 2)']) expect(selects(`x ${operator}`, { 1: NaN }), operator).toBe(false)
    expect(selects('x is nan', { 1: NaN })).toBe(true)
  })

  it('zeros of both signs are equal (trap 6)', () => {
    expect(selects('x = 0', { 1: -0 })).toBe(true)
    expect(selects('x < 0', { 1: -0 })).toBe(false)
    expect(selects('x in (0, 9)', { 1: -0 })).toBe(true)
    expect(selects('x >= -0.0', { 1: 0 })).toBe(true)
  })

  it('strings compare by code point, bytes unsigned (trap 4)', () => {
    expect(selects("s > '\uFFFD'", { 2: '😀' })).toBe(true)
    expect(selects("b > X'7f'", { 4: Uint8Array.of(0x80) })).toBe(true)
    expect(selects("b in (X'80', X'')", { 4: Uint8Array.of() })).toBe(true)
  })

  it('falsy values are values (trap 5)', () => {
    expect(selects("s = ''", { 2: '' })).toBe(true)
    expect(selects("s like '%'", { 2: '' })).toBe(true)
    expect(selects('x is not null', { 1: 0 })).toBe(true)
    expect(selects('dec = 0', { 5: 0n })).toBe(true)
  })

  it('transforms apply to the row’s value', () => {
    expect(selects("day(ts) = date '1969-12-31'", { 3: -1n })).toBe(true)
    expect(selects("truncate(s, 2) = 'ab'", { 2: 'abc' })).toBe(true)
    expect(selects('truncate(dec, 10) = -0.10', { 5: -5n })).toBe(true)
    expect(selects('year(ts) is null', { 3: null })).toBe(true)
  })
})
