import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expression/bind.js'
import type { FieldSummary } from '../../src/expression/expression.js'
import { compileManifestEvaluator } from '../../src/expression/manifest-evaluator.js'
import type { FieldSummaries } from '../../src/expression/manifest-evaluator.js'
import { parseWhere } from '../../src/expression/parse-where.js'
import { compilePartitionFilter, projectInclusive } from '../../src/expression/projection.js'
import { buildPartitionSpec, bucket, day, month, truncate } from '../../src/partition/spec-builder.js'
import { Schema } from '../../src/schema/schema.js'
import { encodeValue } from '../../src/schema/single-value.js'
import type { Type, Value } from '../../src/schema/type.js'

const int: Type = { kind: 'int' }
const string: Type = { kind: 'string' }
const float: Type = { kind: 'float' }
const summary = (
  containsNull: boolean,
  containsNan: boolean | undefined,
  type?: Type,
  lower: Value = null,
  upper: Value = null,
): FieldSummary => ({
  containsNull,
  containsNan,
  lowerBound: type === undefined ? undefined : encodeValue(type, lower),
  upperBound: type === undefined ? undefined : encodeValue(type, upper),
})

const columns: readonly (readonly [string, Type, FieldSummary])[] = [
  ['id', int, summary(false, undefined, int, 30, 79)],
  ['all_nulls', string, summary(true, undefined)],
  ['some_nulls', string, summary(true, undefined, string, 'a', 'z')],
  ['no_nulls', string, summary(false, undefined, string, 'a', 'z')],
  ['float_unknown', float, summary(false, undefined, float, 0, 20)],
  ['nulls_nan_unknown', float, summary(true, undefined)],
  ['nulls_no_nans', float, summary(true, false)],
  ['all_nans', float, summary(false, true)],
  ['nan_and_null', float, summary(true, true)],
  ['no_nan_or_null', float, summary(false, false, float, 0, 20)],
  ['same_or_null', string, summary(true, undefined, string, 'a', 'a')],
  ['same', string, summary(false, undefined, string, 'a', 'a')],
  ['five_with_nan', float, summary(false, true, float, 5, 5)],
  ['five_nan_unknown', float, summary(false, undefined, float, 5, 5)],
  ['five', float, summary(false, false, float, 5, 5)],
]
const schema = new Schema(columns.map(([name, type], index) => ({ id: index + 1, name, type, required: name === 'id' })))
const spec = buildPartitionSpec(columns.map(([name]) => name), schema)
const manifest = columns.map(([, , fieldSummary]) => fieldSummary)

const evaluate = (where: string, ...given: readonly FieldSummaries[]): readonly [boolean, string | undefined] => {
  const summaries = given.length === 0 ? manifest : given[0]
  const test = compileManifestEvaluator(projectInclusive(bind(parseWhere(where), schema), spec, schema), spec)
  return [test.mayMatch(summaries), test.explain(summaries)]
}

describe('manifests are skipped by their partition summaries', () => {
  it.each([
    'all_nulls is not null', "all_nulls like 'asad%'", "all_nulls in ('abc', 'def')", "all_nulls = 'a'",
    'no_nulls is null', 'nulls_no_nans is nan', 'no_nan_or_null is nan', 'all_nans is not nan', 'all_nans > 1', 'nan_and_null = 1', 'nulls_no_nans is not null',
    'not id > 5', 'id < 5 and id >= 0', 'id < 5 and id >= 80', 'id < 5 or id >= 80',
    'id < 5', 'id < 30', 'id <= 29', 'id > 79', 'id > 85', 'id >= 80', 'id = 5', 'id = 29', 'id = 80', 'id in (5, 6)', 'id in (28, 29)', 'id in (80, 81)',
    "some_nulls like 'zzzz%'", "some_nulls like '1%'", "same not like 'a%'", "same <> 'a'", "same not in ('a', 'b')", 'five <> 5', 'five not in (5, 10)',
  ])('%s excludes the manifest', (where) => {
    const [mayMatch, reason] = evaluate(where)
    expect(mayMatch).toBe(false)
    expect(reason).toBeTypeOf('string')
  })

  it.each([
    'nulls_nan_unknown is not null', 'some_nulls is not null', 'no_nulls is not null', "all_nulls not like 'asad%'", 'all_nulls is null', 'some_nulls is null',
    'nan_and_null is null', 'float_unknown is nan', 'nulls_nan_unknown is nan', 'all_nans is nan', 'nan_and_null is nan',
    'float_unknown is not nan', 'nulls_nan_unknown is not nan', 'nulls_no_nans is not nan', 'nan_and_null is not nan', 'no_nan_or_null is not nan', 'all_nans is not null',
    'not id < 5', 'id > 5 and id <= 30', 'id < 5 or id >= 60', 'id < 31', 'id <= 30', 'id > 78', 'id >= 79', 'id = 30', 'id = 75', 'id = 79',
    'id <> 5', 'id <> 30', 'id <> 79', 'not id = 30', 'id in (29, 30)', 'id in (75, 76)', 'id in (79, 80)', 'id not in (5, 6)', 'id not in (30, 79)',
    "some_nulls like 'a%'", "some_nulls like 'aa%'", "some_nulls like 'dddd%'", "some_nulls like 'z%'", "some_nulls not like 'zzzz%'",
    "same_or_null not like 'a%'", "same_or_null not like 'A%'", "no_nulls <> 'a'", "same <> 'b'", "same_or_null <> 'a'", 'five_with_nan <> 5', 'five_nan_unknown <> 5',
    "no_nulls not in ('a', 'b')", "same not in ('b', 'c')", "same_or_null not in ('a', 'b')", 'five_with_nan not in (5, 10)', 'five_nan_unknown not in (5, 10)',
  ])('%s keeps the manifest', (where) => {
    expect(evaluate(where)).toEqual([true, undefined])
  })

  it('a manifest without summaries, or with too few, is kept', () => {
    for (const where of ['id < 5', 'id is not null', "some_nulls like 'a%'"]) {
      expect(evaluate(where, undefined)[0]).toBe(true)
      expect(evaluate(where, [])[0]).toBe(true)
    }
  })

  it('a summary without bounds or nulls contradicts itself, and proves nothing', () => {
    expect(evaluate('id < 5', [summary(false, undefined)])[0]).toBe(true)
  })

  it('explanations name the partition field and its bounds', () => {
    expect(evaluate('id > 100')[1]).toBe('id > 100: upper bound 79')
    expect(evaluate("all_nulls = 'a'")[1]).toBe("all_nulls = 'a': every value is null or NaN")
    expect(evaluate("same <> 'a'")[1]).toBe("same != 'a': every value is 'a'")
  })

  it('transformed fields are compared in their own values, upper bounds rounded up (trap 3)', () => {
    const events = new Schema([
      { id: 1, name: 'ts', type: { kind: 'timestamptz' }, required: false },
      { id: 2, name: 'name', type: string, required: false },
      { id: 3, name: 'user', type: { kind: 'long' }, required: false },
    ])
    const daily = buildPartitionSpec([day('ts'), truncate('name', 4), bucket('user', 16)], events)
    const summaries = [
      summary(false, undefined, { kind: 'date' }, 19_000, 19_002),
      summary(false, undefined, string, 'abc', 'abd'),
      summary(false, undefined, int, 3, 3),
    ]
    const mayMatch = (where: string): boolean =>
      compileManifestEvaluator(projectInclusive(bind(parseWhere(where), events), daily, events), daily).mayMatch(summaries)
    expect(mayMatch("ts >= timestamp '2022-01-11T00:00:00Z'")).toBe(false)
    expect(mayMatch("ts >= timestamp '2022-01-10T00:00:00Z'")).toBe(true)
    expect(mayMatch("ts < timestamp '2022-01-08T00:00:00Z'")).toBe(false)
    expect(mayMatch("name = 'abcdefgh'")).toBe(true)
    expect(mayMatch("name = 'abe'")).toBe(false)
    expect(mayMatch('user = 34')).toBe((2017239379 & 0x7fffffff) % 16 === 3)
    expect(mayMatch('bucket(user, 16) = 3')).toBe(true)
    expect(mayMatch('bucket(user, 16) = 4')).toBe(false)
    expect(mayMatch('bucket(user, 8) = 4')).toBe(true)
  })

  it('explanations show months and days as partition paths do', () => {
    const events = new Schema([{ id: 1, name: 'ts', type: { kind: 'timestamptz' }, required: false }])
    const monthly = buildPartitionSpec([month('ts')], events)
    const filter = projectInclusive(bind(parseWhere("ts >= timestamp '2024-01-01T00:00:00Z'"), events), monthly, events)
    expect(compileManifestEvaluator(filter, monthly).explain([summary(false, undefined, int, 640, 647)])).toBe('ts_month >= 2024-01: upper bound 2023-12')
    expect(compilePartitionFilter(filter, monthly).explain([600])).toBe('ts_month >= 2024-01: partition value 2020-01')
    expect(compilePartitionFilter(filter, monthly).explain([null])).toBe('ts_month >= 2024-01: partition value null')
    const plain = buildPartitionSpec(['ts'], events)
    const byDay = projectInclusive(bind(parseWhere("day(ts) > date '2024-01-01'"), events), plain, events)
    expect(compilePartitionFilter(byDay, plain).explain([0n])).toBe("day(ts) > date '2024-01-01': partition value timestamp '1970-01-01T00:00:00+00:00'")
  })
})
