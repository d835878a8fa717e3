import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expression/bind.js'
import { MAX_EXPRESSION_DEPTH } from '../../src/expression/connect.js'
import type { BoundExpression, Expression } from '../../src/expression/expression.js'
import { parseWhere } from '../../src/expression/parse-where.js'
import * as p from '../../src/expression/predicates.js'
import { expressionText } from '../../src/expression/print.js'
import { compileRowFilter } from '../../src/expression/row-evaluator.js'
import { bucket, day, voidTransform } from '../../src/partition/spec-builder.js'
import { Decimal } from '../../src/schema/decimal.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField, Type } from '../../src/schema/type.js'

const field = (id: number, name: string, type: Type, required = false): NestedField => ({ id, name, type, required })
const schema = new Schema([
  field(1, 'i', { kind: 'int' }),
  field(2, 'req', { kind: 'int' }, true),
  field(3, 'l', { kind: 'long' }),
  field(4, 'f', { kind: 'float' }),
  field(5, 'd', { kind: 'double' }, true),
  field(6, 'dec', { kind: 'decimal', precision: 4, scale: 2 }),
  field(7, 's', { kind: 'string' }),
  field(8, 'ts', { kind: 'timestamptz' }),
  field(9, 'u', { kind: 'unknown' }),
  field(10, 'st', { kind: 'struct', fields: [field(11, 'req', { kind: 'int' }, true)] }),
  field(12, 'rst', { kind: 'struct', fields: [field(13, 'req', { kind: 'int' }, true)] }, true),
  field(14, 'a.b', { kind: 'int' }),
  field(15, 'v', { kind: 'variant' }),
  field(16, 'uuid', { kind: 'uuid' }),
  field(17, 'bin', { kind: 'binary' }),
])
const bound = (expression: Expression | string): BoundExpression => bind(typeof expression === 'string' ? parseWhere(expression) : expression, schema)
const text = (expression: Expression | string): string => expressionText(bound(expression))

describe('binding', () => {
  it('resolves names to fields with their full paths', () => {
    expect(bound(p.eq('st.req', 5))).toEqual({
      op: 'eq',
      term: { field: field(11, 'req', { kind: 'int' }, true), path: 'st.req', neverNull: undefined, nested: true },
      literal: 5,
    })
    expect(bound(p.eq('a.b', 1))).toMatchObject({ term: { path: 'a.b', field: { id: 14 } } })
    expect(bind(p.eq('ST.Req', 5), schema, { caseSensitive: false })).toMatchObject({ term: { path: 'st.req' } })
  })

  it('an unknown column is not found, and so is one in other letters', () => {
    expect(() => bound(p.eq('moon', 5))).toThrow(expect.objectContaining({ code: 'NOT_FOUND', column: 'moon' }))
    expect(() => bound(p.eq('I', 5))).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  })

  it('literals become exact values of the type', () => {
    expect(bound(p.eq('l', 5))).toMatchObject({ literal: 5n })
    expect(bound(p.eq('l', 9007199254740993n))).toMatchObject({ literal: 9007199254740993n })
    expect(bound(p.eq('dec', '1.50'))).toMatchObject({ literal: 150n })
    expect(bound(p.eq('dec', 1.5))).toMatchObject({ literal: 150n })
    expect(bound(p.eq('d', new Decimal(1n, 1)))).toMatchObject({ literal: 0.1 })
    expect(bound(p.eq('ts', '2017-11-16T14:31:08-08:00'))).toMatchObject({ literal: 1510871468000000n })
    expect(bound(p.eq('uuid', 'F79C3E09-677C-4BBD-A479-3F349CB785E7'))).toMatchObject({ literal: 'f79c3e09-677c-4bbd-a479-3f349cb785e7' })
    expect(bound(p.eq('bin', '00ff'))).toMatchObject({ literal: Uint8Array.of(0, 255) })
  })

  it.each<[Expression]>([
    [p.eq('i', 'five')], [p.eq('s', 5)], [p.eq('l', 2 ** 60)], [p.eq('ts', 'yesterday')], [p.eq('uuid', 'no')], [p.eq('v', 1)], [p.isIn('i', [1, 'x'])], [p.eq('st', 1)],
  ])('%j does not convert', (expression) => {
    expect(() => bound(expression)).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })

  it('a literal out of range decides the comparison, but not for nulls and NaN', () => {
    expect(text('i < 3000000000')).toBe('i is not null')
    expect(text('i <= 3000000000')).toBe('i is not null')
    expect(text('i <> 3000000000')).toBe('i is not null')
    expect(text('i > 3000000000')).toBe('false')
    expect(text('i >= 3000000000')).toBe('false')
    expect(text('i = 3000000000')).toBe('false')
    expect(text('i > -3000000000')).toBe('i is not null')
    expect(text('i >= -3000000000')).toBe('i is not null')
    expect(text('i < -3000000000')).toBe('false')
    expect(text('req < 3000000000')).toBe('true')
    expect(text('f < 1e300')).toBe('f is not null and f is not nan')
    expect(text('f <> 1e300')).toBe('f is not null')
    expect(text('i in (1, 3000000000)')).toBe('i = 1')
    expect(text('i in (3000000000, -3000000000)')).toBe('false')
    expect(text('i not in (3000000000)')).toBe('i is not null')
    expect(text('dec < 100')).toBe('dec is not null')
  })

  it('a fraction among integers lies between them', () => {
    expect(text('i < 5.5')).toBe('i <= 5')
    expect(text('i <= 5.5')).toBe('i <= 5')
    expect(text('i > 5.5')).toBe('i > 5')
    expect(text('i >= -5.5')).toBe('i > -6')
    expect(text('i = 5.5')).toBe('false')
    expect(text('i <> 5.5')).toBe('i is not null')
    expect(text('i in (5, 5.5)')).toBe('i = 5')
    expect(text('l > 9007199254740993.5')).toBe('l > 9007199254740993')
    expect(text('dec < 1.005')).toBe('dec <= 1.00')
    expect(text('dec > 99.995')).toBe('false')
    expect(text('dec < 99.995')).toBe('dec is not null')
    expect(text('i > 1e300')).toBe('false')
  })

  it('predicates that the schema decides become constants', () => {
    expect(text('req is null')).toBe('false')
    expect(text('req is not null')).toBe('true')
    expect(text('rst.req is null')).toBe('false')
    expect(text('st.req is null')).toBe('st.req is null')
    expect(text('u is null')).toBe('true')
    expect(text('u is not null')).toBe('false')
    expect(text(p.isNull(voidTransform('req')))).toBe('true')
    expect(text('i = 5 and req is null')).toBe('false')
    expect(text('i = 5 or req is not null')).toBe('true')
    expect(text('i = 5 and req is not null')).toBe('i = 5')
  })

  it('sets are distinct and ordered; of one value they are a comparison', () => {
    expect(text('i in (3, 1, 2, 3)')).toBe('i in (1, 2, 3)')
    expect(text('i in (3, 3)')).toBe('i = 3')
    expect(text('i not in (3, 3)')).toBe('i != 3')
    expect(text("s in ('\uFFFD', '😀', 'a')")).toBe("s in ('a', '\uFFFD', '😀')")
    expect(text(p.isIn('bin', [Uint8Array.of(2), Uint8Array.of(1), Uint8Array.of(2)]))).toBe("bin in (X'01', X'02')")
    expect(text(p.isIn('i', []))).toBe('false')
    expect(text(p.notIn('i', []))).toBe('true')
  })

  it('null among the members of a set matches nothing, and of its negation leaves nothing (trap 17)', () => {
    expect(text('i in (1, null)')).toBe('i = 1')
    expect(text('i in (null)')).toBe('false')
    expect(text('i not in (1, null)')).toBe('false')
    expect(text('not i in (1, null)')).toBe('false')
    expect(text('not (i not in (1, null))')).toBe('i = 1')
  })

  it('starts-with takes strings only, is nan floating-point columns only', () => {
    expect(() => bound("i like 'a%'")).toThrow(/takes string columns, not int/)
    expect(() => bound("bin like 'a%'")).toThrow(/takes string columns/)
    expect(() => bound('i is nan')).toThrow(/takes float and double columns, not int/)
    expect(() => bound(p.isNan(bucket('i', 4)))).toThrow(/takes float and double/)
  })

  it('transforms are terms with their own type', () => {
    expect(text(p.eq(day('ts'), '2017-11-16'))).toBe("day(ts) = date '2017-11-16'")
    expect(text(p.eq(bucket('i', 16), 3))).toBe('bucket(i, 16) = 3')
    expect(text(p.eq({ column: 'i', transform: 'identity' }, 3))).toBe('i = 3')
    expect(() => bound(p.eq(day('i'), 3))).toThrow(/day does not take values of type int/)
    expect(() => bound(p.eq({ column: 'i', transform: 'mystery' }, 3))).toThrow(/Unknown transform mystery/)
  })

  it('comparing with null, undefined or NaN is refused where the predicate is made', () => {
    expect(() => p.eq('i', null as never)).toThrow(/use isNull or notNull/)
    expect(() => p.eq('i', undefined as never)).toThrow(/is undefined/)
    expect(() => p.lt('d', NaN)).toThrow(/use isNan or notNan/)
    expect(() => p.isIn('d', [1, NaN])).toThrow(/use isNan or notNan/)
  })
})

describe('deep and long expressions', () => {
  it('a chain of any length and shape binds and evaluates', () => {
    let left: Expression = p.eq('i', 0)
    let right: Expression = p.eq('i', 0)
    for (let n = 1; n < 20_000; n++) {
      left = { op: 'or', left, right: p.eq('i', n) }
      right = { op: 'or', left: p.eq('i', n), right }
    }
    for (const chain of [left, right, p.or(...Array.from({ length: 20_000 }, (_, n) => p.eq('i', n)))]) {
      const selects = compileRowFilter(bound(chain))
      expect(selects(() => 19_999)).toBe(true)
      expect(selects(() => 20_000)).toBe(false)
    }
  })

  it('alternation deeper than the limit is refused, and negations of negations are not depth', () => {
    const alternate = (depth: number): Expression => {
      let tree = p.eq('i', 0)
      for (let n = 0; n < depth; n++) tree = { op: n % 2 === 0 ? 'and' : 'or', left: p.eq('i', n), right: tree }
      return tree
    }
    expect(() => bound(alternate(MAX_EXPRESSION_DEPTH + 1))).toThrow(expect.objectContaining({ code: 'INVALID', message: expect.stringContaining('500 levels') }))
    expect(compileRowFilter(bound(alternate(MAX_EXPRESSION_DEPTH)))(() => 0)).toBeTypeOf('boolean')
    let nots: Expression = p.eq('i', 0)
    for (let n = 0; n < 100_000; n++) nots = { op: 'not', child: nots }
    expect(text(nots)).toBe('i = 0')
  })
})

describe('combining predicates', () => {
  it('constants that decide nothing vanish, and those that decide remain', () => {
    expect(p.and()).toEqual({ op: 'true' })
    expect(p.or()).toEqual({ op: 'false' })
    expect(p.and(p.alwaysTrue(), p.eq('i', 1))).toEqual(p.eq('i', 1))
    expect(p.and(p.alwaysFalse(), p.eq('i', 1))).toEqual({ op: 'false' })
    expect(p.or(p.alwaysTrue(), p.eq('i', 1))).toEqual({ op: 'true' })
    expect(p.not(p.not(p.eq('i', 1)))).toEqual(p.eq('i', 1))
    expect(p.not(p.alwaysTrue())).toEqual({ op: 'false' })
  })
})
