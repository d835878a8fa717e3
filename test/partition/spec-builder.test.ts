import { describe, expect, it } from 'vitest'
import { partitionPath } from '../../src/partition/partition-path.js'
import { partitionType, unifiedPartitionType } from '../../src/partition/partition-type.js'
import type { PartitionSpec } from '../../src/partition/partition-spec.js'
import { asc, bucket, buildPartitionSpec, buildSortOrder, day, desc, hour, identity, month, truncate, voidTransform, year } from '../../src/partition/spec-builder.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField, Type } from '../../src/schema/type.js'

const field = (id: number, name: string, type: Type): NestedField => ({ id, name, type, required: false })
const schema = new Schema([
  field(1, 'id', { kind: 'long' }),
  field(2, 'ts', { kind: 'timestamptz' }),
  field(3, 'kind', { kind: 'string' }),
  field(4, 'at', { kind: 'struct', fields: [field(5, 'city', { kind: 'string' }), field(6, 'when', { kind: 'date' })] }),
  field(7, 'tags', { kind: 'list', elementId: 8, element: { kind: 'struct', fields: [field(9, 'tag', { kind: 'string' })] }, elementRequired: false }),
  field(10, 'score', { kind: 'double' }),
  field(11, 'blob', { kind: 'variant' }),
  field(12, 'id_bucket_x', { kind: 'int' }),
])

describe('building partition specs', () => {
  it('names and numbers fields as the reference does', () => {
    const spec = buildPartitionSpec(['kind', bucket('id', 16), truncate('kind', 10), year('at.when'), day('ts'), voidTransform('score')], schema, { specId: 4 })
    expect(spec).toEqual({
      specId: 4,
      fields: [
        { fieldId: 1000, name: 'kind', sourceIds: [3], transform: 'identity' },
        { fieldId: 1001, name: 'id_bucket', sourceIds: [1], transform: 'bucket[16]' },
        { fieldId: 1002, name: 'kind_trunc', sourceIds: [3], transform: 'truncate[10]' },
        { fieldId: 1003, name: 'at.when_year', sourceIds: [6], transform: 'year' },
        { fieldId: 1004, name: 'ts_day', sourceIds: [2], transform: 'day' },
        { fieldId: 1005, name: 'score_null', sourceIds: [10], transform: 'void' },
      ],
    })
    expect(buildPartitionSpec([month('ts', { name: 'm' }), hour('at.city', { name: 'x' })].slice(0, 1), schema).fields[0]!.name).toBe('m')
  })

  it('column names may differ in letter case when asked', () => {
    expect(buildPartitionSpec([day('TS')], schema, { caseSensitive: false }).fields[0]).toMatchObject({ name: 'ts_day', sourceIds: [2] })
    expect(() => buildPartitionSpec([day('TS')], schema)).toThrow(/There is no column "TS"/)
  })

  it('two time units of one column are redundant, and so is one column twice (trap 29)', () => {
    expect(() => buildPartitionSpec([day('ts'), hour('ts')], schema)).toThrow(/redundant beside "ts_day" = day\(2\)/)
    expect(() => buildPartitionSpec([identity('kind'), identity('kind', { name: 'k2' })], schema)).toThrow(/choose another|redundant/)
    expect(buildPartitionSpec([bucket('id', 4), bucket('id', 8, { name: 'b8' })], schema).fields).toHaveLength(2)
  })

  it('a field may share its name only with the column it holds unchanged (trap 29)', () => {
    expect(() => buildPartitionSpec([day('ts', { name: 'ts' })], schema)).toThrow(/the schema has a column "ts"/)
    expect(() => buildPartitionSpec([identity('id', { name: 'kind' })], schema)).toThrow(/the schema has a column "kind"/)
    expect(() => buildPartitionSpec([bucket('id', 4, { name: 'id_bucket_x' })], schema)).toThrow(/the schema has a column/)
    expect(buildPartitionSpec([identity('id')], schema).fields[0]!.name).toBe('id')
    expect(() => buildPartitionSpec([day('ts', { name: '' })], schema)).toThrow(/name is empty/)
    expect(() => buildPartitionSpec([day('ts', { name: 'a' }), bucket('id', 2, { name: 'a' })], schema)).toThrow(/same name/)
  })

  it.each([
    ['a transform that does not take the type', [day('id')], /day does not take values of type long/],
    ['hours of dates', [hour('at.when')], /hour does not take values of type date/],
    ['a struct', [identity('at')], /source column is a struct/],
    ['a variant', [identity('blob')], /source column is a variant/],
    ['a column inside a list', [identity('tags.element.tag')], /lies in a list or map/],
    ['an unknown column', [identity('nope')], /There is no column "nope"/],
    ['an unknown transform', [{ column: 'id', transform: 'mystery' }], /unknown transform mystery/],
  ])('%s is refused', (_, terms, message) => {
    expect(() => buildPartitionSpec(terms, schema)).toThrow(message)
  })

  it.each([0, -1, 1.5, NaN])('a bucket count of %d is refused', (count) => {
    expect(() => bucket('id', count)).toThrow()
  })
})

describe('building sort orders', () => {
  it('ascends with nulls first and descends with nulls last unless told, through transforms too', () => {
    expect(buildSortOrder(['id', asc(day('ts')), desc('kind'), desc('score', { nulls: 'first' }), bucket('id', 4)], schema)).toEqual({
      orderId: 1,
      fields: [
        { sourceIds: [1], transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' },
        { sourceIds: [2], transform: 'day', direction: 'asc', nullOrder: 'nulls-first' },
        { sourceIds: [3], transform: 'identity', direction: 'desc', nullOrder: 'nulls-last' },
        { sourceIds: [10], transform: 'identity', direction: 'desc', nullOrder: 'nulls-first' },
        { sourceIds: [1], transform: 'bucket[4]', direction: 'asc', nullOrder: 'nulls-first' },
      ],
    })
  })

  it('no terms give the unsorted order, whose id is reserved (trap 72)', () => {
    expect(buildSortOrder([], schema)).toEqual({ orderId: 0, fields: [] })
    expect(() => buildSortOrder(['id'], schema, { orderId: 0 })).toThrow(/reserved/)
    expect(() => buildSortOrder([], schema, { orderId: 2 })).toThrow(/must have id 0/)
  })

  it('nested and variant columns cannot be sorted by', () => {
    expect(() => buildSortOrder(['at'], schema)).toThrow(/Cannot sort by identity of a column of type struct/)
    expect(() => buildSortOrder(['blob'], schema)).toThrow(/variant/)
  })
})

describe('partition types and paths', () => {
  const spec = buildPartitionSpec([identity('kind'), day('ts'), bucket('id', 16), truncate('kind', 2), hour('ts', { name: 'h' })].slice(0, 4), schema)

  it('the struct of a tuple has optional fields with partition field ids and result types (trap 26)', () => {
    expect(partitionType(spec, schema).fields.map(({ id, name, type, required }) => [id, name, type.kind, required])).toEqual([
      [1000, 'kind', 'string', false],
      [1001, 'ts_day', 'date', false],
      [1002, 'id_bucket', 'int', false],
      [1003, 'kind_trunc', 'string', false],
    ])
  })

  it('a dropped source column leaves fixed result types intact and takes others from older schemas (trap 28, trap 21)', () => {
    const dropped = new Schema([field(1, 'id', { kind: 'long' })])
    expect(partitionType(spec, dropped).fields.map(({ type }) => type.kind)).toEqual(['unknown', 'date', 'int', 'unknown'])
    expect(partitionType(spec, dropped, [schema]).fields.map(({ type }) => type.kind)).toEqual(['string', 'date', 'int', 'string'])
  })

  it('the tuples of all specs together take names from the newest and types from where a field is not void', () => {
    const specs: readonly PartitionSpec[] = [
      { specId: 0, fields: [{ fieldId: 1000, name: 'old', sourceIds: [3], transform: 'identity' }, { fieldId: 1001, name: 'ts_day', sourceIds: [2], transform: 'day' }] },
      { specId: 1, fields: [{ fieldId: 1000, name: 'new', sourceIds: [3], transform: 'void' }, { fieldId: 1002, name: 'b', sourceIds: [1], transform: 'bucket[4]' }] },
    ]
    expect(unifiedPartitionType(specs, schema).fields.map(({ id, name, type }) => [id, name, type.kind])).toEqual([
      [1000, 'new', 'string'],
      [1001, 'ts_day', 'date'],
      [1002, 'b', 'int'],
    ])
  })

  it('folders are escaped as Java escapes them', () => {
    expect(partitionPath(spec, schema, ['a/b=c d', 17501, 3, 'ü+'])).toBe('kind=a%2Fb%3Dc+d/ts_day=2017-12-01/id_bucket=3/kind_trunc=%C3%BC%2B')
    expect(partitionPath(spec, schema, [null, null, null, ''])).toBe('kind=null/ts_day=null/id_bucket=null/kind_trunc=')
    expect(partitionPath({ specId: 0, fields: [] }, schema, [])).toBe('')
    const odd = buildPartitionSpec([identity('kind'), day('ts', { name: 'a b/😀' })], schema)
    expect(partitionPath(odd, schema, ["*-._~!'()", 0])).toBe('kind=*-._%7E%21%27%28%29/a+b%2F%F0%9F%98%80=1970-01-01')
    expect(partitionPath(odd, schema, ['\ud800x', 0])).toMatch(/^kind=%3Fx\//)
  })
})
