import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expression/bind.js'
import type { BoundExpression } from '../../src/expression/expression.js'
import { parseWhere } from '../../src/expression/parse-where.js'
import { expressionText } from '../../src/expression/print.js'
import { compilePartitionFilter, projectInclusive, projectStrict } from '../../src/expression/projection.js'
import type { PartitionSpec } from '../../src/partition/partition-spec.js'
import { parseTransform } from '../../src/partition/transform.js'
import { Schema } from '../../src/schema/schema.js'
import type { Type } from '../../src/schema/type.js'

const schemaOf = (type: Type): Schema => new Schema([{ id: 1, name: 'c', type, required: false }, { id: 2, name: 'other', type, required: false }])
const specOf = (...transforms: readonly string[]): PartitionSpec => ({
  specId: 0,
  fields: transforms.map((transform, index) => ({ fieldId: 1000 + index, name: `p${index}`, sourceIds: [1], transform })),
})

/** The operation and the literals as partition paths show them. */
function summary(projected: BoundExpression, type: Type, transform: string): string {
  const human = (value: unknown): string => parseTransform(transform).toHumanString(type, value as never)
  if ('literals' in projected) return `${projected.op} ${projected.literals.map(human).join(' ')}`
  return 'literal' in projected ? `${projected.op} ${human(projected.literal)}` : projected.op
}

function project(type: Type, transform: string, where: string): readonly [inclusive: string, strict: string] {
  const schema = schemaOf(type)
  const bound = bind(parseWhere(where), schema)
  return [
    summary(projectInclusive(bound, specOf(transform), schema), type, transform),
    summary(projectStrict(bound, specOf(transform), schema), type, transform),
  ]
}

const OPERATORS = ['<', '<=', '>', '>=', '=', '<>'] as const
function table(type: Type, transform: string, literal: string): readonly [inclusive: readonly string[], strict: readonly string[]] {
  const pairs = OPERATORS.map((operator) => project(type, transform, `c ${operator} ${literal}`))
  return [pairs.map(([inclusive]) => inclusive), pairs.map(([, strict]) => strict)]
}

describe('projection through time units', () => {
  const date: Type = { kind: 'date' }
  const timestamp: Type = { kind: 'timestamp' }

  it.each<[Type, string, string, string, string]>([
    [date, 'month', "date '1970-01-01'", 'lt-eq 1970-01|lt-eq 1970-01|gt-eq 1970-01|gt-eq 1970-01|eq 1970-01|true', 'lt 1970-01|lt 1970-01|gt 1970-02|gt 1970-01|false|not-eq 1970-01'],
    [date, 'month', "date '2017-01-01'", 'lt-eq 2016-12|lt-eq 2017-01|gt-eq 2017-01|gt-eq 2017-01|eq 2017-01|true', 'lt 2017-01|lt 2017-01|gt 2017-01|gt 2016-12|false|not-eq 2017-01'],
    [date, 'month', "date '1969-01-01'", 'lt-eq 1969-01|lt-eq 1969-02|gt-eq 1969-01|gt-eq 1969-01|in 1969-01 1969-02|true', 'lt 1969-01|lt 1969-01|gt 1969-02|gt 1969-01|false|not-in 1969-01 1969-02'],
    [date, 'month', "date '2017-12-31'", 'lt-eq 2017-12|lt-eq 2017-12|gt-eq 2018-01|gt-eq 2017-12|eq 2017-12|true', 'lt 2017-12|lt 2018-01|gt 2017-12|gt 2017-12|false|not-eq 2017-12'],
    [date, 'month', "date '1969-12-31'", 'lt-eq 1970-01|lt-eq 1970-01|gt-eq 1970-01|gt-eq 1969-12|in 1969-12 1970-01|true', 'lt 1969-12|lt 1970-01|gt 1970-01|gt 1970-01|false|not-in 1969-12 1970-01'],
    [date, 'day', "date '2017-01-01'", 'lt-eq 2016-12-31|lt-eq 2017-01-01|gt-eq 2017-01-02|gt-eq 2017-01-01|eq 2017-01-01|true', 'lt 2017-01-01|lt 2017-01-02|gt 2017-01-01|gt 2016-12-31|false|not-eq 2017-01-01'],
    [date, 'day', "date '1969-12-30'", 'lt-eq 1969-12-29|lt-eq 1969-12-30|gt-eq 1969-12-31|gt-eq 1969-12-30|eq 1969-12-30|true', 'lt 1969-12-30|lt 1969-12-31|gt 1969-12-30|gt 1969-12-29|false|not-eq 1969-12-30'],
    [date, 'year', "date '2017-01-01'", 'lt-eq 2016|lt-eq 2017|gt-eq 2017|gt-eq 2017|eq 2017|true', 'lt 2017|lt 2017|gt 2017|gt 2016|false|not-eq 2017'],
    [timestamp, 'day', "timestamp '1970-01-01T00:00:00'", 'lt-eq 1970-01-01|lt-eq 1970-01-01|gt-eq 1970-01-01|gt-eq 1970-01-01|eq 1970-01-01|true', 'lt 1970-01-01|lt 1970-01-01|gt 1970-01-02|gt 1970-01-01|false|not-eq 1970-01-01'],
    [timestamp, 'day', "timestamp '1969-01-01T00:00:00'", 'lt-eq 1969-01-01|lt-eq 1969-01-02|gt-eq 1969-01-01|gt-eq 1969-01-01|in 1969-01-01 1969-01-02|true', 'lt 1969-01-01|lt 1969-01-01|gt 1969-01-02|gt 1969-01-01|false|not-in 1969-01-01 1969-01-02'],
    [timestamp, 'day', "timestamp '2017-12-01T23:59:59.999999'", 'lt-eq 2017-12-01|lt-eq 2017-12-01|gt-eq 2017-12-02|gt-eq 2017-12-01|eq 2017-12-01|true', 'lt 2017-12-01|lt 2017-12-02|gt 2017-12-01|gt 2017-12-01|false|not-eq 2017-12-01'],
    [timestamp, 'hour', "timestamp '2017-12-01T10:00:00'", 'lt-eq 2017-12-01-09|lt-eq 2017-12-01-10|gt-eq 2017-12-01-10|gt-eq 2017-12-01-10|eq 2017-12-01-10|true', 'lt 2017-12-01-10|lt 2017-12-01-10|gt 2017-12-01-10|gt 2017-12-01-09|false|not-eq 2017-12-01-10'],
    [timestamp, 'month', "timestamp '1969-12-31T23:59:59.999999'", 'lt-eq 1970-01|lt-eq 1970-01|gt-eq 1970-01|gt-eq 1969-12|in 1969-12 1970-01|true', 'lt 1969-12|lt 1970-01|gt 1970-01|gt 1970-01|false|not-in 1969-12 1970-01'],
    [{ kind: 'timestamp_ns' }, 'day', "timestamp '1969-12-31T23:59:59.999999999'", 'lt-eq 1970-01-01|lt-eq 1970-01-01|gt-eq 1970-01-01|gt-eq 1969-12-31|in 1969-12-31 1970-01-01|true', 'lt 1969-12-31|lt 1970-01-01|gt 1970-01-01|gt 1970-01-01|false|not-in 1969-12-31 1970-01-01'],
  ])('%o by %s against %s', (type, transform, literal, inclusive, strict) => {
    expect(table(type, transform, literal)).toEqual([inclusive.split('|'), strict.split('|')])
  })

  it('sets are transformed one by one, with the neighbours that old writers gave negative times', () => {
    expect(project(date, 'month', "c in (date '1969-01-01', date '1969-12-31')")).toEqual(['in 1969-01 1969-02 1969-12 1970-01', 'false'])
    expect(project(date, 'month', "c not in (date '1969-11-01', date '1969-12-31')")).toEqual(['true', 'not-in 1969-11 1969-12 1970-01'])
    expect(project(timestamp, 'month', "c in (timestamp '2017-12-01', timestamp '2017-12-02')")).toEqual(['eq 2017-12', 'false'])
    expect(project(date, 'day', "c in (date '1969-12-28', date '1969-12-30')")).toEqual(['in 1969-12-28 1969-12-30', 'false'])
  })
})

describe('projection through truncate', () => {
  const string: Type = { kind: 'string' }

  it.each<[Type, string, string, string, string]>([
    [{ kind: 'int' }, 'truncate[10]', '100', 'lt-eq 90|lt-eq 100|gt-eq 100|gt-eq 100|eq 100|true', 'lt 100|lt 100|gt 100|gt 90|false|not-eq 100'],
    [{ kind: 'int' }, 'truncate[10]', '99', 'lt-eq 90|lt-eq 90|gt-eq 100|gt-eq 90|eq 90|true', 'lt 90|lt 100|gt 90|gt 90|false|not-eq 90'],
    [{ kind: 'long' }, 'truncate[10]', '99', 'lt-eq 90|lt-eq 90|gt-eq 100|gt-eq 90|eq 90|true', 'lt 90|lt 100|gt 90|gt 90|false|not-eq 90'],
    [{ kind: 'int' }, 'truncate[10]', '-5', 'lt-eq -10|lt-eq -10|gt-eq -10|gt-eq -10|eq -10|true', 'lt -10|lt -10|gt -10|gt -10|false|not-eq -10'],
    [{ kind: 'decimal', precision: 9, scale: 2 }, 'truncate[10]', '100.00', 'lt-eq 99.90|lt-eq 100.00|gt-eq 100.00|gt-eq 100.00|eq 100.00|true', 'lt 100.00|lt 100.00|gt 100.00|gt 99.90|false|not-eq 100.00'],
    [{ kind: 'decimal', precision: 9, scale: 2 }, 'truncate[10]', '99.99', 'lt-eq 99.90|lt-eq 99.90|gt-eq 100.00|gt-eq 99.90|eq 99.90|true', 'lt 99.90|lt 100.00|gt 99.90|gt 99.90|false|not-eq 99.90'],
    [{ kind: 'string' }, 'truncate[5]', "'abcdefg'", 'lt-eq abcde|lt-eq abcde|gt-eq abcde|gt-eq abcde|eq abcde|true', 'lt abcde|lt abcde|gt abcde|gt abcde|false|not-eq abcde'],
    [{ kind: 'binary' }, 'truncate[2]', "X'010203'", 'lt-eq AQI=|lt-eq AQI=|gt-eq AQI=|gt-eq AQI=|eq AQI=|true', 'lt AQI=|lt AQI=|gt AQI=|gt AQI=|false|not-eq AQI='],
  ])('%o by %s against %s', (type, transform, literal, inclusive, strict) => {
    expect(table(type, transform, literal)).toEqual([inclusive.split('|'), strict.split('|')])
  })

  it.each([
    ["like 'ab%'", 'starts-with ab', 'starts-with ab'],
    ["like 'abab%'", 'eq abab', 'eq abab'],
    ["like 'ababab%'", 'starts-with abab', 'false'],
    ["not like 'ab%'", 'not-starts-with ab', 'not-starts-with ab'],
    ["not like 'abab%'", 'not-eq abab', 'not-eq abab'],
    ["not like 'ababab%'", 'true', 'not-starts-with abab'],
    ["like '😀b%'", 'starts-with 😀b', 'starts-with 😀b'],
    ["like '😀b😀d%'", 'eq 😀b😀d', 'eq 😀b😀d'],
    ["not like '😀b😀de%'", 'true', 'not-starts-with 😀b😀d'],
    ["in ('abcde', 'abcdf')", 'eq abcd', 'false'],
    ["not in ('abcde', 'abxdf')", 'true', 'not-in abcd abxd'],
  ])('c %s by truncate[4], counted in code points (trap 15)', (where, inclusive, strict) => {
    expect(project(string, 'truncate[4]', `c ${where}`)).toEqual([inclusive, strict])
  })

  it('the ends of the integers do not wrap around', () => {
    expect(project({ kind: 'int' }, 'truncate[10]', 'c > 2147483647')[0]).toBe('gt-eq 2147483640')
    expect(project({ kind: 'int' }, 'truncate[10]', 'c < -2147483648')[0]).toBe('lt-eq -2147483648')
    expect(project({ kind: 'long' }, 'truncate[10]', 'c < -9223372036854775808')[0]).toBe('lt-eq -9223372036854775808')
  })
})

describe('projection through bucket, identity, void and unknown transforms', () => {
  it('buckets project equality inclusively and its negation strictly, and no range', () => {
    const uuid: Type = { kind: 'uuid' }
    const [low, high] = ['00000000-0000-007b-0000-0000000001c8', '00000000-0000-01c8-0000-00000000007b']
    expect(project({ kind: 'int' }, 'bucket[10]', 'c = 100')).toEqual(['eq 6', 'false'])
    expect(project({ kind: 'int' }, 'bucket[10]', 'c <> 100')).toEqual(['true', 'not-eq 6'])
    expect(project({ kind: 'int' }, 'bucket[10]', 'c in (99, 100, 101)')).toEqual(['in 6 7 8', 'false'])
    expect(project({ kind: 'int' }, 'bucket[10]', 'c not in (99, 100, 101)')).toEqual(['true', 'not-in 6 7 8'])
    for (const operator of ['<', '<=', '>', '>=']) expect(project({ kind: 'long' }, 'bucket[10]', `c ${operator} 100`)).toEqual(['true', 'false'])
    expect(project({ kind: 'string' }, 'bucket[10]', "c like 'a%'")).toEqual(['true', 'false'])
    expect(project(uuid, 'bucket[10]', `c = '${low}'`)[0]).toBe('eq 4')
    expect(project(uuid, 'bucket[10]', `c in ('${low}', '${high}')`)[0]).toBe('in 4 6')
    expect(project({ kind: 'decimal', precision: 9, scale: 2 }, 'bucket[10]', 'c in (99.00, 100.00, 101.00)')[0]).toBe('in 2 6')
    expect(project({ kind: 'string' }, 'bucket[10]', "c not in ('abcdefg', 'abcdefgabc')")[1]).toBe('not-in 4 9')
  })

  it('nullness passes through every transform but void and unknown ones', () => {
    for (const transform of ['identity', 'bucket[4]', 'truncate[4]']) {
      expect(project({ kind: 'int' }, transform, 'c is null')).toEqual(['is-null', 'is-null'])
      expect(project({ kind: 'int' }, transform, 'c is not null')).toEqual(['not-null', 'not-null'])
    }
    for (const transform of ['void', 'mystery[3]']) {
      for (const where of ['c is null', 'c = 5', 'c in (1, 2)']) expect(project({ kind: 'int' }, transform, where)).toEqual(['true', 'false'])
    }
  })

  it('identity keeps the predicate, a transform of it too (trap 19)', () => {
    expect(project({ kind: 'double' }, 'identity', 'c is not nan')).toEqual(['not-nan', 'not-nan'])
    expect(project({ kind: 'string' }, 'identity', "c not like 'a%'")).toEqual(['not-starts-with a', 'not-starts-with a'])
    const schema = schemaOf({ kind: 'long' })
    const projected = projectInclusive(bind(parseWhere('bucket(c, 16) = 3'), schema), specOf('identity'), schema)
    expect(expressionText(projected)).toBe('bucket(p0, 16) = 3')
  })

  it('a predicate on a transform projects onto the same transform only (trap 19)', () => {
    expect(project({ kind: 'long' }, 'bucket[16]', 'bucket(c, 16) > 3')).toEqual(['gt 3', 'gt 3'])
    expect(project({ kind: 'long' }, 'bucket[8]', 'bucket(c, 16) = 3')).toEqual(['true', 'false'])
    expect(project({ kind: 'timestamp' }, 'day', "day(c) <= date '2017-12-01'")).toEqual(['lt-eq 2017-12-01', 'lt-eq 2017-12-01'])
    expect(project({ kind: 'timestamp' }, 'hour', "day(c) = date '2017-12-01'")).toEqual(['true', 'false'])
  })
})

describe('projection of whole filters', () => {
  const schema = schemaOf({ kind: 'long' })
  const texts = (where: string, spec: PartitionSpec): readonly [string, string] => {
    const bound = bind(parseWhere(where), schema)
    return [expressionText(projectInclusive(bound, spec, schema)), expressionText(projectStrict(bound, spec, schema))]
  }

  it('several fields of one column narrow together inclusively and suffice alone strictly', () => {
    expect(texts('c > 99', specOf('identity', 'truncate[10]'))).toEqual(['p0 > 99 and p1 >= 100', 'p0 > 99 or p1 > 90'])
  })

  it('columns that do not partition become true inclusively and false strictly', () => {
    expect(texts('c = 5 and other = 6', specOf('identity'))).toEqual(['p0 = 5', 'false'])
    expect(texts('c = 5 or other = 6', specOf('identity'))).toEqual(['true', 'p0 = 5'])
    expect(texts('other = 6', specOf())).toEqual(['true', 'false'])
  })

  it('negations are pushed down before projecting, wherever they stand (trap 17)', () => {
    expect(texts('not (c < 5 or other = 6)', specOf('truncate[10]'))).toEqual(['p0 >= 0', 'false'])
    expect(texts('not (not (c < 5))', specOf('truncate[10]'))).toEqual(['p0 <= 0', 'p0 < 0'])
  })

  it('fields of dropped columns and of several columns are ignored (trap 21)', () => {
    const spec: PartitionSpec = {
      specId: 0,
      fields: [
        { fieldId: 1000, name: 'gone', sourceIds: [99], transform: 'identity' },
        { fieldId: 1001, name: 'both', sourceIds: [1, 2], transform: 'bucket[4]' },
        { fieldId: 1002, name: 'p', sourceIds: [1], transform: 'bucket[4]' },
      ],
    }
    const bound = bind(parseWhere('c = 34'), schema)
    const test = compilePartitionFilter(projectInclusive(bound, spec, schema), spec)
    expect(test.mayMatch(['x', 7, 2017239379 % 4])).toBe(true)
    expect(test.mayMatch(['x', 7, 0])).toBe(false)
    expect(test.explain(['x', 7, 0])).toBe('p = 3: partition value 0')
  })
})
