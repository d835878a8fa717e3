import { describe, expect, it } from 'vitest'
import type { PartitionSpec } from '../../src/partition/partition-spec.js'
import { asc, bucket, buildPartitionSpec, day, hour, identity, month, truncate, year } from '../../src/partition/spec-builder.js'
import { evolvePartitionSpec, evolveSortOrder, isEquivalentSortOrder, PartitionSpecUpdate, sortOrderIdFor } from '../../src/partition/spec-evolution.js'
import type { SpecEvolutionBase } from '../../src/partition/spec-evolution.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField, Type } from '../../src/schema/type.js'

const column = (id: number, name: string, type: Type): NestedField => ({ id, name, type, required: true })
const schema = new Schema([
  column(1, 'id', { kind: 'long' }),
  column(2, 'ts', { kind: 'timestamptz' }),
  column(3, 'category', { kind: 'string' }),
  column(4, 'data', { kind: 'string' }),
])
const unpartitioned: PartitionSpec = { specId: 0, fields: [] }
const partitioned = buildPartitionSpec([identity('category'), day('ts'), bucket('id', 16, { name: 'shard' })], schema)

const base = (formatVersion: number, ...specs: readonly PartitionSpec[]): SpecEvolutionBase => ({
  formatVersion,
  schema,
  specs,
  defaultSpecId: specs.at(-1)!.specId,
  lastPartitionId: Math.max(999, ...specs.flatMap((spec) => spec.fields.map((field) => field.fieldId))),
})
const evolve = (from: SpecEvolutionBase, change: (update: PartitionSpecUpdate) => unknown): PartitionSpec => {
  const update = new PartitionSpecUpdate()
  change(update)
  return evolvePartitionSpec(from, update.changes)
}
const summary = (spec: PartitionSpec): string => spec.fields.map((field) => `${field.fieldId} ${field.name}=${field.transform}`).join(', ')

describe.each([1, 2, 3])('evolving the spec of a v%i table', (version) => {
  it('added fields are named with their parameters and numbered after the last id', () => {
    const spec = evolve(base(version, unpartitioned), (u) => u.addField('category').addField(bucket('id', 16)).addField(truncate('data', 4)).addField(day('ts')))
    expect(summary(spec)).toBe('1000 category=identity, 1001 id_bucket_16=bucket[16], 1002 data_trunc_4=truncate[4], 1003 ts_day=day')
    expect(spec.specId).toBe(1)
    for (const [term, name] of [[year('ts'), 'ts_year'], [month('ts'), 'ts_month'], [hour('ts'), 'ts_hour']] as const) {
      expect(evolve(base(version, unpartitioned), (u) => u.addField(term)).fields[0]!.name).toBe(name)
    }
  })

  it('a removed field goes, or stays as void in v1 (trap 28)', () => {
    const expected = version === 1 ? '1000 category=void, 1001 ts_day=day, 1002 shard=bucket[16]' : '1001 ts_day=day, 1002 shard=bucket[16]'
    expect(summary(evolve(base(version, partitioned), (u) => u.removeField('category')))).toBe(expected)
    expect(summary(evolve(base(version, partitioned), (u) => u.removeField(identity('category'))))).toBe(expected)
  })

  it('renames, removals and additions combine', () => {
    const spec = evolve(base(version, partitioned), (u) =>
      u.renameField('shard', 'id_bucket').removeField(day('ts')).addField(truncate('data', 4, { name: 'prefix' })),
    )
    expect(summary(spec)).toBe(
      version === 1
        ? '1000 category=identity, 1001 ts_day=void, 1002 id_bucket=bucket[16], 1003 prefix=truncate[4]'
        : '1000 category=identity, 1002 id_bucket=bucket[16], 1003 prefix=truncate[4]',
    )
  })

  it('a field removed and added again is not changed, and the equal spec keeps its id', () => {
    expect(evolve(base(version, partitioned), (u) => u.removeField('shard').addField(bucket('id', 16)))).toEqual(partitioned)
    expect(evolve(base(version, partitioned), (u) => u.removeField('shard').addField(bucket('id', 16, { name: 'shard' })))).toEqual(partitioned)
    expect(summary(evolve(base(version, partitioned), (u) => u.removeField('shard').addField(bucket('id', 16, { name: 'new_shard' }))))).toBe(
      '1000 category=identity, 1001 ts_day=day, 1002 new_shard=bucket[16]',
    )
  })

  it('a finer time unit may join an existing one but not one just added (trap 29)', () => {
    const byDay = evolve(base(version, unpartitioned), (u) => u.addField(day('ts')))
    expect(summary(evolve(base(version, unpartitioned, byDay), (u) => u.addField(hour('ts'))))).toBe('1000 ts_day=day, 1001 ts_hour=hour')
    expect(() => evolve(base(version, unpartitioned), (u) => u.addField(day('ts')).addField(hour('ts')))).toThrow(/redundant beside ts_day/)
    expect(() => evolve(base(version, partitioned), (u) => u.addField(hour('ts')).addField(month('ts')))).toThrow(/redundant beside ts_hour/)
  })

  it('the name of a removed field is free for another transform', () => {
    const monthly = buildPartitionSpec([month('ts', { name: 'ts_transformed' })], schema)
    const spec = evolve(base(version, monthly), (u) => u.removeField('ts_transformed').addField(day('ts', { name: 'ts_transformed' })))
    expect(summary(spec)).toBe(version === 1 ? '1000 ts_transformed_1000=void, 1001 ts_transformed=day' : '1001 ts_transformed=day')
  })

  it('adding and removing one name again and again ends well', () => {
    const specs = [unpartitioned]
    const step = (change: (update: PartitionSpecUpdate) => unknown): void => {
      const spec = evolve(base(version, ...specs), change)
      if (!specs.some((other) => other.specId === spec.specId)) specs.push(spec)
      else specs.push(...specs.splice(specs.findIndex((other) => other.specId === spec.specId), 1))
    }
    step((u) => u.addField(day('ts', { name: 'ts_date' })))
    step((u) => u.removeField(day('ts')))
    step((u) => u.addField(day('ts', { name: 'ts_date' })))
    step((u) => u.removeField(day('ts')))
    step((u) => u.addField(month('ts')))
    step((u) => u.renameField('ts_month', 'ts_date'))
    const last = specs.at(-1)!
    expect(last.fields.map((field) => field.transform)).toEqual(version === 1 ? ['void', 'void', 'month'] : ['month'])
    expect(last.fields.at(-1)!.name).toBe('ts_date')
  })

  it.each<[string, (update: PartitionSpecUpdate) => unknown, RegExp]>([
    ['removing a field just added by name', (u) => u.addField(truncate('data', 4, { name: 'prefix' })).removeField('prefix'), /just added/],
    ['removing a field just added by transform', (u) => u.addField(truncate('data', 4, { name: 'prefix' })).removeField(truncate('data', 4)), /just added/],
    ['adding a transform twice', (u) => u.addField(truncate('data', 4, { name: 'prefix' })).addField(truncate('data', 4)), /just added/],
    ['adding a name twice', (u) => u.addField(truncate('data', 4, { name: 'p' })).addField(truncate('data', 6, { name: 'p' })), /just added/],
    ['adding a column that partitions already', (u) => u.addField('category'), /category is the same/],
    ['adding a transform that partitions already', (u) => u.addField(bucket('id', 16)), /shard is the same/],
    ['adding under a name in use', (u) => u.addField(bucket('id', 8, { name: 'ts_day' })), /named ts_day already/],
    ['removing a field that is not there', (u) => u.removeField('moon'), /no such field/],
    ['removing a transform that is not there', (u) => u.removeField(hour('ts')), /no such field/],
    ['renaming a field that is not there', (u) => u.renameField('moon', 'sun'), /no such field/],
    ['renaming a field just added', (u) => u.addField(truncate('data', 4, { name: 'p' })).renameField('p', 'q'), /just added/],
    ['renaming, then removing', (u) => u.renameField('shard', 'b').removeField(bucket('id', 16)), /just renamed/],
    ['removing, then renaming', (u) => u.removeField(bucket('id', 16)).renameField('shard', 'b'), /just removed/],
    ['renaming to a name in use', (u) => u.renameField('shard', 'ts_day'), /same name/],
    ['naming a field like another column', (u) => u.addField(bucket('id', 8, { name: 'data' })), /has a column "data"/],
  ])('%s is refused', (_, change, message) => {
    expect(() => evolve(base(version, partitioned), change)).toThrow(message)
  })
})

describe('partition field ids (trap 27)', () => {
  it('an equivalent field of an older spec gives its id back from v2 on, and never in v1', () => {
    const second = evolve(base(2, partitioned), (u) => u.removeField('shard').addField(truncate('data', 4)))
    expect(summary(second)).toBe('1000 category=identity, 1001 ts_day=day, 1003 data_trunc_4=truncate[4]')
    const third = evolve(base(2, partitioned, second), (u) => u.addField(bucket('id', 16)))
    expect(summary(third)).toBe('1000 category=identity, 1001 ts_day=day, 1003 data_trunc_4=truncate[4], 1002 shard=bucket[16]')
    expect(summary(evolve(base(2, partitioned, second), (u) => u.addField(bucket('id', 16, { name: 'other' }))))).toContain('1004 other=bucket[16]')
  })

  it('ids go on from the last one ever assigned, not from the current spec', () => {
    const spec = evolve({ ...base(2, unpartitioned), lastPartitionId: 1007 }, (u) => u.addField('id'))
    expect(summary(spec)).toBe('1008 id=identity')
  })

  it('a spec with an unknown transform cannot be changed', () => {
    const odd: PartitionSpec = { specId: 0, fields: [{ fieldId: 1000, name: 'x', sourceIds: [1], transform: 'zoo[3]' }] }
    expect(() => evolve(base(2, odd), (u) => u.addField('id'))).toThrow(/unknown transform zoo\[3\]/)
  })
})

describe('evolving sort orders', () => {
  const first = evolveSortOrder({ schema, sortOrders: [{ orderId: 0, fields: [] }] }, [asc('ts')])

  it('an equal order keeps its id and a new one gets the next', () => {
    const orders = [{ orderId: 0, fields: [] }, first]
    expect(first.orderId).toBe(1)
    expect(evolveSortOrder({ schema, sortOrders: orders }, [asc('ts')]).orderId).toBe(1)
    expect(evolveSortOrder({ schema, sortOrders: orders }, [asc(day('ts'))]).orderId).toBe(2)
    expect(evolveSortOrder({ schema, sortOrders: orders }, []).orderId).toBe(0)
    expect(sortOrderIdFor({ orderId: 9, fields: [] }, orders)).toBe(0)
  })

  it('null order and direction tell orders apart', () => {
    const flipped = { ...first, fields: [{ ...first.fields[0]!, nullOrder: 'nulls-last' as const }] }
    expect(isEquivalentSortOrder(first, flipped)).toBe(false)
    expect(isEquivalentSortOrder(first, { ...first, orderId: 5 })).toBe(true)
  })
})
