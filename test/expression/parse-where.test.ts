import { describe, expect, it } from 'vitest'
import type { Expression } from '../../src/expression/expression.js'
import { parseWhere } from '../../src/expression/parse-where.js'
import * as p from '../../src/expression/predicates.js'
import { expressionText } from '../../src/expression/print.js'
import { Decimal } from '../../src/schema/decimal.js'

describe('reading filters', () => {
  it.each<[string, Expression]>([
    ['a = 1', p.eq('a', 1)],
    ['a == 1', p.eq('a', 1)],
    ['a<>1', p.notEq('a', 1)],
    ['a != -1', p.notEq('a', -1)],
    ['a < 1.5', p.lt('a', 1.5)],
    ['a <= +1e3', p.ltEq('a', 1000)],
    ['a > .5', p.gt('a', 0.5)],
    ['a >= 9007199254740993', p.gtEq('a', 9007199254740993n)],
    ['a = -9223372036854775808', p.eq('a', -9223372036854775808n)],
    ['a = 0.12345678901234567890', p.eq('a', new Decimal(12345678901234567890n, 20))],
    ['a = 14.20', p.eq('a', 14.2)],
    ["a = 'it''s'", p.eq('a', "it's")],
    ["a = ''", p.eq('a', '')],
    ['a = true', p.eq('a', true)],
    ['a = FALSE', p.eq('a', false)],
    ["a = X'00fF'", p.eq('a', Uint8Array.of(0, 255))],
    ["a > date '2024-01-31'", p.gt('a', new Date('2024-01-31T00:00:00Z'))],
    ["a > timestamp '2024-01-31 10:00:00'", p.gt('a', '2024-01-31 10:00:00')],
    ["a > timestamp '2024-01-31'", p.gt('a', new Date('2024-01-31T00:00:00Z'))],
    ["a > time '10:00'", p.gt('a', '10:00')],
    ['1 < a', p.gt('a', 1)],
    ['1 = a', p.eq('a', 1)],
    ["'x' >= a", p.ltEq('a', 'x')],
    ['a in (1, 2, null)', p.isIn('a', [1, 2, null])],
    ["a not in ('x')", p.not(p.isIn('a', ['x']))],
    ['a is null', p.isNull('a')],
    ['a IS NOT NULL', p.notNull('a')],
    ['a is nan', p.isNan('a')],
    ['a is not nan', p.notNan('a')],
    ['a is true', p.eq('a', true)],
    ['a is not true', p.or(p.notEq('a', true), p.isNull('a'))],
    ['a between 1 and 2 and b = 3', p.and(p.and(p.gtEq('a', 1), p.ltEq('a', 2)), p.eq('b', 3))],
    ['a not between 1 and 2', p.not(p.and(p.gtEq('a', 1), p.ltEq('a', 2)))],
    ["a like 'abc%'", p.startsWith('a', 'abc')],
    ["a not like 'abc%'", p.not(p.startsWith('a', 'abc'))],
    ["a like '%'", p.startsWith('a', '')],
    ["a like 'abc'", p.eq('a', 'abc')],
    ["a like '100\\%%'", p.startsWith('a', '100%')],
    ["a like 'a\\_b'", p.eq('a', 'a_b')],
    ['a', p.eq('a', true)],
    ['not a', p.not(p.eq('a', true))],
    ['true', p.alwaysTrue()],
    ['false or a = 1', p.eq('a', 1)],
    ['a = 1 or b = 2 and c = 3', p.or(p.eq('a', 1), p.and(p.eq('b', 2), p.eq('c', 3)))],
    ['(a = 1 or b = 2) and c = 3', p.and(p.or(p.eq('a', 1), p.eq('b', 2)), p.eq('c', 3))],
    ['not a = 1 and b = 2', p.and(p.not(p.eq('a', 1)), p.eq('b', 2))],
    ['not not a = 1', p.eq('a', 1)],
    ['((a = 1))', p.eq('a', 1)],
    ['a.b.c = 1', p.eq('a.b.c', 1)],
    ['a . b = 1', p.eq('a.b', 1)],
    ['"a.b" = 1', p.eq('a.b', 1)],
    ['`order by`."x""y" = 1', p.eq('order by.x"y', 1)],
    ['"null" = 1', p.eq('null', 1)],
    ['größe = 1', p.eq('größe', 1)],
    ['date = 1', p.eq('date', 1)],
    ["date > date '2024-01-31'", p.gt('date', new Date('2024-01-31T00:00:00Z'))],
    ['timestamp is null', p.isNull('timestamp')],
    ['bucket(id, 16) = 3', p.eq({ column: 'id', transform: 'bucket[16]' }, 3)],
    ["TRUNCATE(a.b, 4) in ('x', 'y')", p.isIn({ column: 'a.b', transform: 'truncate[4]' }, ['x', 'y'])],
    ['year(ts) >= 54', p.gtEq({ column: 'ts', transform: 'year' }, 54)],
    ['day(ts) is null', p.isNull({ column: 'ts', transform: 'day' })],
    ['__proto__ = 1', p.eq('__proto__', 1)],
  ])('%s', (where, expected) => {
    expect(expressionText(parseWhere(where))).toBe(expressionText(expected))
    expect(parseWhere(where)).toEqual(expected)
  })

  it.each([
    ['', 1, 'empty'],
    ['   ', 1, 'empty'],
    ['a =', 4, 'expected a value, found the end'],
    ['a = 1 b', 7, 'expected the end, and, or or, found "b"'],
    ['(a = 1', 7, 'expected ), found the end'],
    ['a = 1)', 6, 'found ")"'],
    ['= 1', 1, 'expected a column, found "="'],
    ["a = 'x", 5, "the quote ' is never closed"],
    ['a # 1', 3, 'unexpected "#"'],
    ['a = 😀', 5, 'unexpected "😀"'],
    ['a in ()', 7, 'expected a value, found ")"'],
    ['a in (1', 8, 'expected )'],
    ['a in 1', 6, 'expected (, found "1"'],
    ['a = null', 5, 'write is null'],
    ['null = a', 1, 'write is null'],
    ['a between 1 or 2', 13, 'expected and, found "or"'],
    ['a is 5', 6, 'expected null, nan, true or false'],
    ['a not 5', 7, 'expected in, between or like'],
    ['a like 5', 8, 'expected a pattern'],
    ['1 = 2', 1, 'a comparison needs a column'],
    ['5', 1, 'a comparison needs a column'],
    ['a = - b', 7, 'expected a number'],
    ['a and', 6, 'expected a column'],
    ["a = X'0g'", 5, 'hexadecimal'],
    ["a = date '2024-13-01'", 10, '2024-13-01'],
    ['bucket(a, 0) = 1', 1, 'must be in 1 to'],
    ['bucket(a, x) = 1', 11, 'a whole number'],
    ['a = 1e99999', 5, 'not a decimal number'],
  ])('%j fails at position %i: %s', (where, position, message) => {
    expect(() => parseWhere(where)).toThrow(
      expect.objectContaining({ code: 'INVALID', message: expect.stringMatching(new RegExp(`position ${position}:.*`, 's')) as string }),
    )
    expect(() => parseWhere(where)).toThrow(message)
  })

  it.each([
    ["a like '%abc'", 'only prefixes'],
    ["a like 'a_c'", 'only prefixes'],
    ["a like 'a%c%'", 'only prefixes'],
    ['a = b', 'comparing two columns'],
    ["lower(a) = 'x'", 'no function lower'],
  ])('%s is beyond what filters do (trap 19)', (where, message) => {
    expect(() => parseWhere(where)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining(message) }))
  })

  it('nesting has a limit, long chains and lists have none', () => {
    expect(() => parseWhere(`${'('.repeat(600)}a = 1${')'.repeat(600)}`)).toThrow(expect.objectContaining({ code: 'INVALID' }))
    expect(() => parseWhere(`${'not '.repeat(100_000)}a`)).toThrow(expect.objectContaining({ code: 'INVALID' }))
    expect(expressionText(parseWhere(`${'('.repeat(400)}a = 1${')'.repeat(400)}`))).toBe('a = 1')
    const chain = parseWhere(Array.from({ length: 50_000 }, (_, n) => `a = ${n}`).join(' or '))
    expect(chain.op).toBe('or')
    expect(parseWhere(`a in (${Array.from({ length: 50_000 }, (_, n) => n).join(', ')})`)).toMatchObject({ op: 'in' })
  })
})

describe('printing filters', () => {
  it('lists and texts too long for people are cut, unless all is wanted', () => {
    const list = p.isIn('a', Array.from({ length: 12 }, (_, n) => n))
    expect(expressionText(list)).toBe('a in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … 2 more)')
    expect(expressionText(list, { full: true })).toContain('9, 10, 11)')
    expect(expressionText(p.eq('a', 'x'.repeat(100)))).toBe(`a = '${'x'.repeat(60)}…'`)
  })

  it('names that would be read as something else are quoted', () => {
    for (const name of ['null', 'a b', 'x"y', '1a', 'not.a']) {
      expect(parseWhere(expressionText(p.eq(name, 1)))).toEqual(p.eq(name, 1))
    }
  })

  it('prefixes with wildcards are escaped', () => {
    expect(parseWhere(expressionText(p.startsWith('a', '50%_\\'), { full: true }))).toEqual(p.startsWith('a', '50%_\\'))
  })
})
