import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expression/bind.js'
import { parseWhere } from '../../src/expression/parse-where.js'
import { expressionText } from '../../src/expression/print.js'
import { compileResidual } from '../../src/expression/residual.js'
import { buildPartitionSpec, bucket, day, truncate } from '../../src/partition/spec-builder.js'
import type { PartitionTerm } from '../../src/partition/spec-builder.js'
import { Schema } from '../../src/schema/schema.js'
import type { Value } from '../../src/schema/type.js'

const schema = new Schema([
  { id: 50, name: 'dateint', type: { kind: 'int' }, required: false },
  { id: 51, name: 'hour', type: { kind: 'int' }, required: false },
  { id: 52, name: 'ts', type: { kind: 'timestamp' }, required: false },
  { id: 53, name: 'x', type: { kind: 'double' }, required: false },
  { id: 54, name: 's', type: { kind: 'string' }, required: false },
])
const residual = (where: string, partitionBy: readonly (string | PartitionTerm)[], ...tuple: readonly Value[]): string =>
  expressionText(compileResidual(bind(parseWhere(where), schema), buildPartitionSpec(partitionBy, schema), schema)(tuple))

describe('residuals', () => {
  const range = 'dateint < 20170815 and dateint > 20170801 or dateint = 20170815 and hour < 12 or dateint = 20170801 and hour > 11'

  it.each([
    [20170815, 'hour < 12'],
    [20170801, 'hour > 11'],
    [20170812, 'true'],
    [20170817, 'false'],
    [null, 'false'],
  ])('a range over an identity partition, in partition %s: %s', (dateint, expected) => {
    expect(residual(range, ['dateint'], dateint)).toBe(expected)
  })

  it('unpartitioned tables keep the filter, the same object', () => {
    const filter = bind(parseWhere("dateint < 5 and s like 'abcd%' or x is nan"), schema)
    expect(compileResidual(filter, { specId: 0, fields: [] }, schema)([])).toBe(filter)
  })

  it.each<[string, Value, string]>([
    ['dateint in (20170815, 20170816, 20170817)', 20170815, 'true'],
    ['dateint in (20170815, 20170816, 20170817)', 20180815, 'false'],
    ['dateint in (20170815, 20170816, 20170817)', null, 'false'],
    ['dateint not in (20170815, 20170816, 20170817)', 20180815, 'true'],
    ['dateint not in (20170815, 20170816, 20170817)', 20170815, 'false'],
    ['dateint not in (20170815, 20170816, 20170817)', null, 'false'],
    ['dateint <> 20170815', null, 'false'],
    ['dateint is null', null, 'true'],
    ['dateint is not null', null, 'false'],
  ])('%s in partition %s: %s (trap 17)', (where, dateint, expected) => {
    expect(residual(where, ['dateint'], dateint)).toBe(expected)
  })

  it('NaN partitions decide is nan, and match no range', () => {
    expect(residual('x is nan', ['x'], NaN)).toBe('true')
    expect(residual('x is nan', ['x'], 2)).toBe('false')
    expect(residual('x is not nan', ['x'], NaN)).toBe('false')
    expect(residual('x is not nan', ['x'], null)).toBe('true')
    expect(residual('x > 1', ['x'], NaN)).toBe('false')
    expect(residual('x <> 1', ['x'], NaN)).toBe('true')
    expect(residual('x = 0', ['x'], -0)).toBe('true')
  })

  it('a day partition decides the days that the bounds do not cut', () => {
    const where = "ts >= timestamp '2019-12-01T12:00:00'"
    const first = 18231
    expect(residual(where, [day('ts')], first)).toBe(where)
    expect(residual(where, [day('ts')], first + 1)).toBe('true')
    expect(residual(where, [day('ts')], first - 1)).toBe('false')
    const set = "ts in (timestamp '2019-12-01T00:00:00', timestamp '2019-12-02T00:00:00')"
    expect(residual(set, [day('ts')], first)).toBe(set)
    expect(residual(set, [day('ts')], first + 3)).toBe('false')
    expect(residual("ts not in (timestamp '2019-12-01', timestamp '2019-12-02')", [day('ts')], first + 3)).toBe('true')
  })

  it('buckets and truncations decide what they can', () => {
    expect(residual('dateint = 34', [bucket('dateint', 16)], 2017239379 % 16)).toBe('dateint = 34')
    expect(residual('dateint = 34', [bucket('dateint', 16)], 0)).toBe('false')
    expect(residual('dateint <> 34', [bucket('dateint', 16)], 0)).toBe('true')
    expect(residual("s like 'abcdef%'", [truncate('s', 4)], 'abcd')).toBe("s like 'abcdef%'")
    expect(residual("s like 'abcdef%'", [truncate('s', 4)], 'abce')).toBe('false')
    expect(residual("s like 'ab%'", [truncate('s', 4)], 'abce')).toBe('true')
    expect(residual("s not like 'abcdef%'", [truncate('s', 4)], 'xbce')).toBe('true')
    expect(residual("s not like 'abcdef%'", [truncate('s', 4)], 'abcd')).toBe("s not like 'abcdef%'")
  })

  it('two fields of one column decide together', () => {
    expect(residual('dateint > 105', [truncate('dateint', 10), bucket('dateint', 4)], 110, 1)).toBe('true')
    expect(residual('dateint = 34', [truncate('dateint', 10), bucket('dateint', 4)], 30, 0)).toBe('false')
  })
})
