import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expression/bind.js'
import type { FileStats } from '../../src/expression/expression.js'
import { compileInclusiveMetrics } from '../../src/expression/inclusive-metrics.js'
import { parseWhere } from '../../src/expression/parse-where.js'
import { isIn } from '../../src/expression/predicates.js'
import type { SkipTest } from '../../src/expression/skip-test.js'
import { Schema } from '../../src/schema/schema.js'
import { encodeValue } from '../../src/schema/single-value.js'
import type { NestedField, PrimitiveType, Type, Value } from '../../src/schema/type.js'
import { fileStats } from '../support/file-stats.js'
import type { ColumnStats } from '../support/file-stats.js'

const t = (kind: Exclude<PrimitiveType['kind'], 'decimal' | 'fixed' | 'geometry' | 'geography'>): Type => ({ kind })
const column = (id: number, name: string, type: Type, required = false): NestedField => ({ id, name, type, required })
const bounds = (type: Type, lower: Value, upper: Value): ColumnStats => ({
  lower: encodeValue(type, lower),
  upper: encodeValue(type, upper),
})

const schema = new Schema([
  column(1, 'id', t('int'), true),
  column(2, 'no_stats', t('int')),
  column(3, 'required', t('string'), true),
  column(4, 'all_nulls', t('string')),
  column(5, 'some_nulls', t('string')),
  column(6, 'no_nulls', t('string')),
  column(7, 'all_nans', t('double')),
  column(8, 'some_nans', t('float')),
  column(9, 'no_nans', t('float')),
  column(10, 'all_nulls_double', t('double')),
  column(11, 'nan_bounds', t('float')),
  column(12, 'nan_and_null_only', t('double')),
  column(13, 'no_nan_stats', t('double')),
  column(14, 'some_empty', t('string')),
  column(15, 'null_or_nan', t('double')),
])

const file = fileStats(50, {
  1: bounds(t('int'), 30, 79),
  4: { values: 50, nulls: 50 },
  5: { values: 50, nulls: 10 },
  6: { values: 50, nulls: 0 },
  7: { values: 50, nans: 50 },
  8: { values: 50, nans: 10 },
  9: { values: 50, nans: 0 },
  10: { values: 50, nulls: 50 },
  11: { values: 50, nulls: 0, ...bounds(t('float'), NaN, NaN) },
  12: { values: 50, nulls: 1, ...bounds(t('double'), NaN, NaN) },
  13: { values: 50 },
  14: { values: 50, nulls: 0, ...bounds(t('string'), '', '房东整租霍营小区二层两居室') },
  15: { values: 50, nulls: 20, nans: 30 },
})
const strings = (lower: string, upper: string): FileStats => fileStats(50, { 3: { values: 50, nulls: 0, ...bounds(t('string'), lower, upper) } })

const compile = (where: string, of: Schema): SkipTest<FileStats> => compileInclusiveMetrics(bind(parseWhere(where), of))
const mayMatch = (where: string, stats: FileStats, of = schema): boolean => compile(where, of).mayMatch(stats)
const explain = (where: string, stats: FileStats, of = schema): string | undefined => compile(where, of).explain(stats)

describe('files are skipped by their metrics', () => {
  it.each([
    'all_nulls is not null', "all_nulls < 'a'", "all_nulls <= 'a'", "all_nulls > 'a'", "all_nulls >= 'a'", "all_nulls = 'a'", "all_nulls like 'a%'",
    "all_nulls in ('abc', 'def')", "all_nulls like '%'",
    'no_nulls is null', 'required is null',
    'no_nans is nan', 'all_nulls_double is nan', 'all_nans is not nan',
    'all_nans < 1', 'all_nans = 1', 'all_nans in (1, 2)', 'null_or_nan > 0', 'null_or_nan = 0', 'null_or_nan in (0, 1)',
    'id < 5', 'id < 30', 'id <= 5', 'id <= 29', 'id > 85', 'id > 79', 'id >= 85', 'id >= 80', 'id = 5', 'id = 29', 'id = 80', 'id = 85',
    'not id > 5', 'id < 5 and id >= 0', 'id < 5 and id >= 80', 'id < 5 or id >= 80',
    'id in (5, 6)', 'id in (28, 29)', 'id in (80, 81)', 'id in (85, 86)', 'id in (29, 80)',
    'truncate(id, 10) < 30', 'truncate(id, 10) >= 80',
  ])('%s excludes the file', (where) => {
    expect(mayMatch(where, file)).toBe(false)
    expect(explain(where, file)).toBeTypeOf('string')
  })

  it.each([
    "all_nulls not like 'a%'", "all_nulls <> 'a'", "all_nulls not in ('abc', 'def')", 'all_nulls is null',
    'some_nulls is not null', 'some_nulls is null', 'no_nulls is not null', 'required is not null',
    'all_nans is nan', 'some_nans is nan', 'no_nan_stats is nan', 'nan_bounds is nan', 'nan_and_null_only is nan', 'null_or_nan is nan',
    'some_nans is not nan', 'no_nans is not nan', 'all_nulls_double is not nan', 'no_nan_stats is not nan', 'nan_bounds is not nan', 'nan_and_null_only is not nan',
    'nan_bounds < 5', 'nan_bounds > 5', 'nan_bounds = 5', 'nan_bounds <> 5', 'nan_bounds in (5, 6)', 'no_nan_stats < 5', 'all_nans <> 1',
    'no_stats < 5', 'no_stats = 70', 'no_stats > 78', 'no_stats <> 101', 'no_stats is null', 'no_stats is not null', 'no_stats in (1, 2)',
    'id < 31', 'id < 79', 'id <= 30', 'id <= 79', 'id > 78', 'id > 75', 'id >= 79', 'id >= 75', 'id = 30', 'id = 75', 'id = 79',
    'id <> 5', 'id <> 30', 'id <> 79', 'id <> 85', 'not id = 30', 'not id < 5', 'id > 5 and id <= 30', 'id < 5 or id >= 60',
    'id in (29, 30)', 'id in (75, 76)', 'id in (79, 80)', 'id in (5, 50, 85)', 'id not in (5, 6)', 'id not in (79, 80)',
    "some_empty like '房东整租霍%'", "some_empty = ''", "some_nulls in ('abc', 'def')",
    'bucket(id, 4) = 3', 'bucket(id, 4) <> 3', 'truncate(id, 10) = 30', 'truncate(id, 10) <= 30',
  ])('%s keeps the file', (where) => {
    expect(mayMatch(where, file)).toBe(true)
    expect(explain(where, file)).toBeUndefined()
  })

  it('a file without metrics is kept whatever the filter, and one without rows never (trap 8, trap 18)', () => {
    for (const where of ['id < 5', 'no_stats is null', 'no_stats is not null', 'some_nans is nan', 'some_nans is not nan', 'no_stats <> 1', "some_nulls like 'a%'"]) {
      expect(mayMatch(where, fileStats(50, {})), where).toBe(true)
      expect(mayMatch(where, fileStats(0, {})), where).toBe(false)
    }
    expect(explain('id < 5', fileStats(0, {}))).toBe('the file has no rows')
  })

  it('a column with counts of zero, as if the file lacked it, is not taken for null (trap 18)', () => {
    expect(mayMatch('no_stats = 7', fileStats(50, { 2: { values: 0, nulls: 0, nans: 0 } }))).toBe(true)
    expect(mayMatch('no_stats is null', fileStats(50, { 2: { values: -1, nulls: -1 } }))).toBe(true)
  })
})

describe('string bounds', () => {
  it.each([
    ['a', 'aa', 'dC', true], ['aa', 'aa', 'dC', true], ['aaa', 'aa', 'dC', true], ['1s', '1str1', '3str3', true], ['1str1x', '1str1', '3str3', true],
    ['ff', 'abc', 'イロハニホヘト', true], ['aB', 'aa', 'dC', false], ['dWX', 'aa', 'dC', false], ['5', '1str1', '3str3', false],
    ['3str3x', '1str1', '3str3', false], ['イロハヒ', 'abc', 'イロハニホヘト', false], ['', 'aa', 'dC', true],
  ])('the prefix %j within %j to %j: %j', (prefix, lower, upper, expected) => {
    expect(mayMatch(`required like '${prefix}%'`, strings(lower, upper))).toBe(expected)
  })

  it.each([
    ['a', 'aa', 'dC', true], ['aB', 'aa', 'dC', true], ['5', '1str1', '3str3', true], ['abc', 'abc', 'abcdefghi', false], ['abcd', 'abc', 'abcdefghi', true],
    ['abcd', 'abcde', 'abc', true], ['', 'a', 'b', false],
  ])('all but the prefix %j within %j to %j: %j', (prefix, lower, upper, expected) => {
    expect(mayMatch(`required not like '${prefix}%'`, strings(lower, upper))).toBe(expected)
  })

  it('strings above the BMP sort after U+FFFD, not before it (trap 4)', () => {
    expect(mayMatch("required = '😀'", strings('a', '\uFFFD'))).toBe(false)
    expect(mayMatch("required = '\uFFFD'", strings('a', '😀'))).toBe(true)
    expect(mayMatch("required > '\uFFFD'", strings('a', '😀'))).toBe(true)
    expect(mayMatch("required in ('😀', '😁')", strings('a', '\uFFFD'))).toBe(false)
  })

  it('truncated bounds are bounds, not values (trap 1, trap 2)', () => {
    const truncated = strings('abcdefghijklmnop', 'abcdefghijklmnoq')
    expect(mayMatch("required = 'abcdefghijklmnopqrst'", truncated)).toBe(true)
    expect(mayMatch("required <> 'abcdefghijklmnop'", truncated)).toBe(true)
    expect(mayMatch("required > 'abcdefghijklmnoq'", truncated)).toBe(false)
  })

  it('a lower bound cut inside a character is compared by its bytes (trap 2)', () => {
    const cut = fileStats(5, { 3: { lower: Uint8Array.of(0x61, 0xe3, 0x82), upper: encodeValue(t('string'), 'z') } })
    expect(mayMatch("required = 'a'", cut)).toBe(false)
    expect(mayMatch("required = 'aイ'", cut)).toBe(true)
  })

  it('empty strings and bytes, zero and false are bounds like others (trap 5)', () => {
    expect(mayMatch("required > ''", strings('', ''))).toBe(false)
    expect(mayMatch("required = ''", strings('', ''))).toBe(true)
    expect(mayMatch("required = 'a'", strings('', ''))).toBe(false)
    const other = new Schema([column(1, 'flag', t('boolean')), column(2, 'n', t('long')), column(3, 'b', t('binary'))])
    const zeros = fileStats(1, { 1: bounds(t('boolean'), false, false), 2: bounds(t('long'), 0n, 0n), 3: bounds(t('binary'), new Uint8Array(), new Uint8Array()) })
    expect(mayMatch('flag = true', zeros, other)).toBe(false)
    expect(mayMatch('flag = false', zeros, other)).toBe(true)
    expect(mayMatch('n > 0', zeros, other)).toBe(false)
    expect(mayMatch("b > X''", zeros, other)).toBe(false)
    expect(mayMatch("b = X''", zeros, other)).toBe(true)
  })
})

describe('files of one value', () => {
  const single = (nulls: number | undefined): FileStats => fileStats(10, { 14: { values: 10, nulls, ...bounds(t('string'), 'abc', 'abc') } })
  const five = (nans: number | undefined): FileStats => fileStats(10, { 9: { values: 10, nulls: 0, nans, ...bounds(t('float'), 5, 5) } })

  it('are excluded by the negation of that value, unless nulls or NaNs may be among it (trap 16)', () => {
    expect(mayMatch("some_empty <> 'abc'", single(0))).toBe(false)
    expect(mayMatch("some_empty <> 'def'", single(0))).toBe(true)
    expect(mayMatch("some_empty <> 'abc'", single(2))).toBe(true)
    expect(mayMatch("some_empty <> 'abc'", single(undefined))).toBe(true)
    expect(mayMatch("some_empty not in ('abc', 'def')", single(0))).toBe(false)
    expect(mayMatch("some_empty not in ('def', 'ghi')", single(0))).toBe(true)
    expect(mayMatch("required <> 'abc'", fileStats(1, { 3: bounds(t('string'), 'abc', 'abc') }))).toBe(false)
    expect(mayMatch('no_nans <> 5', five(0))).toBe(false)
    expect(mayMatch('no_nans <> 5', five(2))).toBe(true)
    expect(mayMatch('no_nans <> 5', five(undefined))).toBe(true)
    expect(mayMatch('no_nans not in (5, 10)', five(2))).toBe(true)
    expect(mayMatch('no_nans not in (5, 10)', five(0))).toBe(false)
  })

  it('negative and positive zero are one value to a filter (trap 6)', () => {
    const negativeZero = fileStats(10, { 9: { values: 10, nulls: 0, nans: 0, ...bounds(t('float'), -0, -0) } })
    const positiveZero = fileStats(10, { 9: { values: 10, nulls: 0, nans: 0, ...bounds(t('float'), 0, 0) } })
    for (const zero of [negativeZero, positiveZero]) {
      for (const literal of ['0', '0.0', '-0.0']) {
        expect(mayMatch(`no_nans = ${literal}`, zero)).toBe(true)
        expect(mayMatch(`no_nans >= ${literal}`, zero)).toBe(true)
        expect(mayMatch(`no_nans < ${literal}`, zero)).toBe(false)
        expect(mayMatch(`no_nans in (${literal}, 9)`, zero)).toBe(true)
      }
    }
  })

  it('a missing NaN count does not hide a file behind the bounds of its other values (trap 7)', () => {
    const unknown = fileStats(10, { 13: { values: 10, nulls: 0 } })
    expect(mayMatch('no_nan_stats < 5', unknown)).toBe(true)
    expect(mayMatch('no_nan_stats is nan', fileStats(10, { 13: { values: 10, nulls: 0, ...bounds(t('double'), 1, 2) } }))).toBe(true)
    expect(mayMatch('not no_nan_stats > 5', unknown)).toBe(true)
  })
})

describe('bounds from before a promotion (trap 10)', () => {
  it.each<[string, Type, Type, Value, Value, string, boolean]>([
    ['int to long', t('int'), t('long'), 5, 9, 'c > 9', false],
    ['int to long', t('int'), t('long'), -9, -5, 'c = -7', true],
    ['int to long', t('int'), t('long'), -9, -5, 'c = 4294967290', false],
    ['float to double', t('float'), t('double'), 0.5, 1.5, 'c > 1.5', false],
    ['float to double', t('float'), t('double'), 0.5, 1.5, 'c = 1.25', true],
    ['date to timestamp', t('date'), t('timestamp'), 0, 1, "c >= timestamp '1970-01-02T00:00:00.000001'", false],
    ['date to timestamp', t('date'), t('timestamp'), 0, 1, "c = timestamp '1970-01-02T00:00:00'", true],
    ['narrower decimal', { kind: 'decimal', precision: 4, scale: 2 }, { kind: 'decimal', precision: 20, scale: 2 }, -500n, -1n, 'c > -0.01', false],
    ['narrower decimal', { kind: 'decimal', precision: 4, scale: 2 }, { kind: 'decimal', precision: 20, scale: 2 }, -500n, -1n, 'c < -4.99', true],
  ])('%s', (_, from, to, lower, upper, where, expected) => {
    const promoted = new Schema([column(1, 'c', to)])
    expect(mayMatch(where, fileStats(5, { 1: bounds(from, lower, upper) }), promoted)).toBe(expected)
  })

  it('bounds of a length that is no value’s prove nothing', () => {
    const damaged = fileStats(5, { 1: { lower: Uint8Array.of(1, 2, 3), upper: Uint8Array.of(1) } })
    for (const where of ['id = 5', 'id < 5', 'id in (5, 6)', 'id <> 5']) expect(mayMatch(where, damaged)).toBe(true)
  })
})

describe('members of structs', () => {
  const nested = new Schema([
    column(100, 'required_address', { kind: 'struct', fields: [column(102, 'required_street', t('string'), true), column(103, 'optional_street', t('string'))] }, true),
    column(101, 'optional_address', { kind: 'struct', fields: [column(104, 'required_street', t('string'), true), column(105, 'optional_street', t('string'))] }),
    column(106, 'tags', { kind: 'list', elementId: 107, element: t('string'), elementRequired: false }),
  ])
  const nulls = { values: 5, nulls: 5 }
  const stats = fileStats(10, { 102: { values: 5 }, 103: nulls, 104: nulls, 105: nulls })

  it.each([
    ['required_address is null', false], ['required_address.required_street is null', false], ['required_address.optional_street is null', true],
    ['optional_address is null', true], ['optional_address.required_street is null', true], ['optional_address.optional_street is null', true],
    ['required_address is not null', true], ['required_address.required_street is not null', true], ['required_address.optional_street is not null', false],
    ['optional_address is not null', true], ['optional_address.required_street is not null', false], ['optional_address.optional_street is not null', false],
  ])('%s: %j', (where, expected) => {
    expect(mayMatch(where, stats, nested)).toBe(expected)
  })

  it('members of lists and maps cannot be filtered by, so they cannot prune', () => {
    expect(() => mayMatch("tags.element = 'a'", stats, nested)).toThrow(/cannot look into a list or map/)
  })
})

describe('explanations name the predicate and the bound', () => {
  it.each([
    ['id > 100', 'id > 100: upper bound 79'],
    ['id < 5', 'id < 5: lower bound 30'],
    ['id in (5, 90)', 'id in (5, 90): bounds 30 to 79'],
    ["all_nulls = 'a'", "all_nulls = 'a': every value is null"],
    ['all_nans > 1', 'all_nans > 1: every value is NaN'],
    ['null_or_nan > 1', 'null_or_nan > 1: every value is null or NaN'],
    ['no_nulls is null', 'no_nulls is null: no value is null'],
    ['no_nans is nan', 'no_nans is nan: no value is NaN'],
    ['no_stats = 1 and id > 100', 'id > 100: upper bound 79'],
    ['id > 100 or id < 5', 'id > 100: upper bound 79; id < 5: lower bound 30'],
    ['required is null', 'the filter selects nothing'],
  ])('%s: %s', (where, expected) => {
    expect(explain(where, file)).toBe(expected)
  })
})

describe('long lists', () => {
  it('a list of any length prunes, and a value in a gap of it does not', () => {
    const evens = bind(isIn('id', Array.from({ length: 100_000 }, (_, index) => index * 2 - 100_000)), schema)
    const test = compileInclusiveMetrics(evens)
    expect(test.mayMatch(fileStats(5, { 1: bounds(t('int'), 31, 31) }))).toBe(false)
    expect(test.mayMatch(fileStats(5, { 1: bounds(t('int'), 31, 32) }))).toBe(true)
    expect(test.mayMatch(fileStats(5, { 1: bounds(t('int'), 500_000, 600_000) }))).toBe(false)
  })
})
