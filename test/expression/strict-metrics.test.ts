import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expression/bind.js'
import type { FileStats } from '../../src/expression/expression.js'
import { parseWhere } from '../../src/expression/parse-where.js'
import { compileStrictMetrics } from '../../src/expression/strict-metrics.js'
import { Schema } from '../../src/schema/schema.js'
import { encodeValue } from '../../src/schema/single-value.js'
import type { NestedField, Type, Value } from '../../src/schema/type.js'
import { fileStats } from '../support/file-stats.js'
import type { ColumnStats } from '../support/file-stats.js'

const int: Type = { kind: 'int' }
const string: Type = { kind: 'string' }
const float: Type = { kind: 'float' }
const double: Type = { kind: 'double' }
const column = (id: number, name: string, type: Type, required = false): NestedField => ({ id, name, type, required })
const bounds = (type: Type, lower: Value, upper: Value): ColumnStats => ({
  lower: encodeValue(type, lower),
  upper: encodeValue(type, upper),
})

const schema = new Schema([
  column(1, 'id', int, true),
  column(2, 'no_stats', int),
  column(3, 'required', string, true),
  column(4, 'all_nulls', string),
  column(5, 'some_nulls', string),
  column(6, 'no_nulls', string),
  column(7, 'always_5', int, true),
  column(8, 'all_nans', double),
  column(9, 'some_nans', float),
  column(10, 'no_nans', float),
  column(11, 'all_nulls_double', double),
  column(12, 'nan_bounds', float),
  column(13, 'nan_and_null_only', double),
  column(14, 'no_nan_stats', double),
  column(15, 'struct', { kind: 'struct', fields: [column(16, 'no_stats', int), column(17, 'with_stats', int), column(18, 'text', string)] }),
])

const file = fileStats(50, {
  1: bounds(int, 30, 79),
  4: { values: 50, nulls: 50 },
  5: { values: 50, nulls: 10, ...bounds(string, 'bbb', 'eee') },
  6: { values: 50, nulls: 0 },
  7: bounds(int, 5, 5),
  8: { values: 50, nulls: 0, nans: 50 },
  9: { values: 50, nulls: 0, nans: 10, ...bounds(float, 1, 2) },
  10: { values: 50, nulls: 0, nans: 0, ...bounds(float, 1, 2) },
  11: { values: 50, nulls: 50 },
  12: { values: 50, nulls: 0, ...bounds(float, NaN, NaN) },
  13: { values: 50, nulls: 1, ...bounds(double, NaN, NaN) },
  14: { values: 50, nulls: 0, ...bounds(double, 1, 2) },
  17: { values: 50, nulls: 0, ...bounds(int, 30, 79) },
})
const matchesAll = (where: string, stats: FileStats = file): boolean => compileStrictMetrics(bind(parseWhere(where), schema))(stats)

describe('files that match as a whole', () => {
  it.each([
    'no_nulls is not null', 'all_nulls is null', 'required is not null',
    'all_nans is nan', 'no_nans is not nan', 'all_nulls_double is not nan',
    'not id < 5', 'id > 5 and id >= 30', 'id < 5 or id >= 30',
    'id < 80', 'id <= 79', 'id <= 80', 'id > 29', 'id >= 30', 'id >= 29',
    'id <> 5', 'id <> 29', 'id <> 80', 'id <> 85', 'not id = 5', 'id not in (5, 6)', 'id not in (29, 80)',
    'always_5 = 5', 'always_5 in (5, 6)', 'always_5 not in (4, 6)', 'no_nans <= 2', 'no_nans > 0', 'no_nans <> 3',
    'all_nans <> 3', 'all_nans not in (3, 4)', 'some_nans <> 3',
  ])('%s', (where) => {
    expect(matchesAll(where)).toBe(true)
  })

  it.each([
    'all_nulls is not null', 'some_nulls is not null', 'some_nulls is null', 'no_nulls is null',
    'some_nans is nan', 'no_nans is nan', 'all_nulls_double is nan', 'no_nan_stats is nan', 'nan_bounds is nan', 'nan_and_null_only is nan',
    'all_nans is not nan', 'some_nans is not nan', 'no_nan_stats is not nan', 'nan_bounds is not nan', 'nan_and_null_only is not nan',
    'not id > 5', 'id > 5 and id < 30', 'id < 5 or id >= 31',
    'id < 30', 'id < 79', 'id <= 78', 'id > 79', 'id > 30', 'id >= 31', 'id = 30', 'id = 75', 'id = 79', 'id <> 30', 'id <> 75', 'id <> 79',
    'id in (5, 6)', 'id in (30, 79)', 'id not in (79, 80)', 'always_5 not in (5, 6)', 'always_5 = 4',
    "no_nulls in ('abc', 'def')", "no_nulls not in ('abc', 'def')", 'no_stats < 5', 'no_stats is null', 'no_stats is not null',
    'some_nans <= 2', 'some_nans > 0', 'nan_bounds < 5', 'nan_bounds > 5', 'nan_bounds = 5', 'nan_bounds <> 5', 'nan_and_null_only <> 5',
    'bucket(id, 4) = 3', 'truncate(id, 10) >= 30',
  ])('not: %s', (where) => {
    expect(matchesAll(where)).toBe(false)
  })

  it('nulls match no comparison, not even a negative one, so some nulls are enough to say no (trap 16)', () => {
    for (const where of ["< 'ggg'", "<= 'eee'", "> 'aaa'", ">= 'bbb'", "<> 'zzz'", "not in ('abc', 'zzz')", "not like 'zzz%'", "like '%'"]) {
      expect(matchesAll(`some_nulls ${where}`), where).toBe(false)
      expect(matchesAll(`all_nulls ${where}`), where).toBe(false)
    }
  })

  it('a NaN count that was not recorded is not zero (trap 7)', () => {
    for (const where of ['no_nan_stats < 5', 'no_nan_stats >= 1', 'no_nan_stats in (1, 2)']) expect(matchesAll(where), where).toBe(false)
    expect(matchesAll('no_nan_stats <> 5')).toBe(true)
  })

  it('a null count that was not recorded is not zero, unless the column is required (trap 8)', () => {
    expect(matchesAll('no_stats < 5', fileStats(5, { 2: bounds(int, 1, 2) }))).toBe(false)
    expect(matchesAll('id < 5', fileStats(5, { 1: bounds(int, 1, 2) }))).toBe(true)
  })

  it('members of structs never match as a whole', () => {
    for (const name of ['struct.no_stats', 'struct.with_stats']) {
      for (const where of ['> 0', '>= 30', '< 100', '<> 5', 'is not null', 'in (30, 79)', 'not in (5, 6)']) {
        expect(matchesAll(`${name} ${where}`), `${name} ${where}`).toBe(false)
      }
    }
    expect(matchesAll("struct.text not like 'a%'")).toBe(false)
  })

  it('a file without metrics does not match, and one without rows does', () => {
    for (const where of ['no_stats < 5', 'no_stats <> 1', 'no_stats is null', 'some_nans is not nan', "some_nulls not like 'a%'"]) {
      expect(matchesAll(where, fileStats(50, {})), where).toBe(false)
      expect(matchesAll(where, fileStats(0, {})), where).toBe(true)
    }
  })

  const strings = (lower: string, upper: string): FileStats => fileStats(50, { 3: { values: 50, ...bounds(string, lower, upper) } })
  it.each([
    ['like', 'a', 'abc', 'abd', true], ['like', 'ab', 'abc', 'abd', true], ['like', 'abc', 'abc', 'abd', false], ['like', 'a', 'a', 'dC', false],
    ['like', 'abcd', 'abc', 'abcd', false], ['not like', 'aaa', 'abc', 'abd', true], ['not like', 'zzz', 'abc', 'abd', true],
    ['not like', 'ab', 'abc', 'abd', false], ['not like', 'abc', 'abc', 'abd', false], ['not like', 'e', 'aa', 'dC', true], ['not like', 'b', 'aa', 'dC', false],
    ['not like', 'aaaaaaa', 'abc', 'abd', true],
  ])("required %s '%s%%' within %s to %s: %j", (operator, prefix, lower, upper, expected) => {
    expect(matchesAll(`required ${operator} '${prefix}%'`, strings(lower, upper))).toBe(expected)
  })

  it('zero bounds of either sign equal zero (trap 6)', () => {
    const zeros = fileStats(3, { 10: { values: 3, nulls: 0, nans: 0, ...bounds(float, -0, 0) } })
    expect(matchesAll('no_nans = 0', zeros)).toBe(true)
    expect(matchesAll('no_nans <> 0', zeros)).toBe(false)
    expect(matchesAll('no_nans < 0.0', zeros)).toBe(false)
  })
})
