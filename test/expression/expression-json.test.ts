import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expression/bind.js'
import type { Expression } from '../../src/expression/expression.js'
import { parseExpression, printExpression } from '../../src/expression/expression-json.js'
import { parseWhere } from '../../src/expression/parse-where.js'
import * as p from '../../src/expression/predicates.js'
import { Decimal } from '../../src/schema/decimal.js'
import { Schema } from '../../src/schema/schema.js'
import { parseJson, printJson } from '../../src/util/json.js'

const print = (expression: Expression): string => printJson(printExpression(expression))
const parse = (text: string): Expression => parseExpression(parseJson(text))

describe('expression JSON', () => {
  it.each<[Expression, string]>([
    [p.alwaysTrue(), 'true'],
    [p.alwaysFalse(), 'false'],
    [p.isNull('a'), '{"type":"is-null","term":"a"}'],
    [p.notNan('a'), '{"type":"not-nan","term":"a"}'],
    [p.eq('a', 1), '{"type":"eq","term":"a","value":1}'],
    [p.notEq('a', 9223372036854775807n), '{"type":"not-eq","term":"a","value":9223372036854775807}'],
    [p.lt('a', 1.5), '{"type":"lt","term":"a","value":1.5}'],
    [p.gtEq('a', true), '{"type":"gt-eq","term":"a","value":true}'],
    [p.startsWith('a', 'x"y'), '{"type":"starts-with","term":"a","value":"x\\"y"}'],
    [p.isIn('a', [1, 2, null]), '{"type":"in","term":"a","values":[1,2,null]}'],
    [p.notIn('a', ['x']), '{"type":"not-in","term":"a","values":["x"]}'],
    [p.eq({ column: 'id', transform: 'bucket[100]' }, 5), '{"type":"eq","term":{"type":"transform","transform":"bucket[100]","term":"id"},"value":5}'],
    [p.not(p.eq('a', 1)), '{"type":"not","child":{"type":"eq","term":"a","value":1}}'],
    [
      p.or(p.and(p.eq('a', 1), p.isNull('b')), p.gt('c', 'x')),
      '{"type":"or","left":{"type":"and","left":{"type":"eq","term":"a","value":1},"right":{"type":"is-null","term":"b"}},"right":{"type":"gt","term":"c","value":"x"}}',
    ],
  ])('is read and written: %#', (expression, text) => {
    expect(print(expression)).toBe(text)
    expect(parse(text)).toEqual(expression)
  })

  it('other spellings of the reference are read', () => {
    expect(parse('{"type":"literal","value":true}')).toEqual(p.alwaysTrue())
    expect(parse('{"type":"EQ","term":{"type":"reference","term":"a"},"value":{"type":"literal","value":5}}')).toEqual(p.eq('a', 5))
    expect(parse('{"type":"not_eq","term":{"type":"transform","transform":"identity","term":{"type":"reference","term":"a"}},"value":5}')).toEqual(p.notEq('a', 5))
  })

  it('literals that JSON has no form for are written as single values', () => {
    expect(print(p.eq('a', new Decimal(1420n, 2)))).toBe('{"type":"eq","term":"a","value":"14.20"}')
    expect(print(p.eq('a', Uint8Array.of(0, 255)))).toBe('{"type":"eq","term":"a","value":"00ff"}')
    expect(print(p.eq('a', new Date('2024-01-31T00:00:00Z')))).toBe('{"type":"eq","term":"a","value":"2024-01-31T00:00:00.000Z"}')
  })

  it('bound literals are single values of their type, infinite numbers included', () => {
    const schema = new Schema([
      { id: 1, name: 'ts', type: { kind: 'timestamptz' }, required: false },
      { id: 2, name: 'dec', type: { kind: 'decimal', precision: 9, scale: 2 }, required: false },
      { id: 3, name: 'd', type: { kind: 'date' }, required: false },
      { id: 4, name: 'x', type: { kind: 'double' }, required: false },
      { id: 5, name: 'l', type: { kind: 'long' }, required: false },
    ])
    const text = (where: string): string => printJson(printExpression(bind(parseWhere(where), schema)))
    expect(text("ts > timestamp '2017-11-16T22:31:08.000001Z'")).toBe('{"type":"gt","term":"ts","value":"2017-11-16T22:31:08.000001+00:00"}')
    expect(text('dec = 14.2')).toBe('{"type":"eq","term":"dec","value":"14.20"}')
    expect(text("day(ts) in (date '2017-11-16', date '2017-11-17')")).toBe(
      '{"type":"in","term":{"type":"transform","transform":"day","term":"ts"},"values":["2017-11-16","2017-11-17"]}',
    )
    expect(text('l = 9223372036854775807')).toBe('{"type":"eq","term":"l","value":9223372036854775807}')
    const infinite = bind(p.lt('x', Infinity), schema)
    expect(bind(parseExpression(printExpression(infinite)), schema)).toEqual(infinite)
  })

  it.each([
    ['5', /expected an object/],
    ['{}', /type/],
    ['{"type":"xor"}', /an expression type/],
    ['{"type":"eq","term":"a"}', /value/],
    ['{"type":"eq","term":"a","value":null}', /compares with null/],
    ['{"type":"eq","term":"a","value":[1]}', /expected an object/],
    ['{"type":"eq","term":"a","value":1,"values":[1]}', /has no list of values/],
    ['{"type":"is-null","term":"a","value":1}', /has no value/],
    ['{"type":"in","term":"a","value":1}', /has no value/],
    ['{"type":"in","term":"a"}', /values/],
    ['{"type":"eq","term":{"type":"function","term":"a"},"value":1}', /reference or transform/],
    ['{"type":"and","left":true}', /right/],
    ['{"type":"not"}', /child/],
  ])('%s is corrupt', (text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'CORRUPT', message: expect.stringMatching(message) as string }))
  })

  it('nesting beyond the limit is refused without overflowing the stack', () => {
    let json: unknown = true
    for (let n = 0; n < 100_000; n++) json = { type: 'not', child: json }
    expect(() => parseExpression(json as never)).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })
})
