import { describe, expect, it } from 'vitest'
import { MAX_CURVE_COLUMNS } from '../../src/compaction/order/curve.js'
import { hilbert, resolveStrategy, sortBy, zOrder } from '../../src/compaction/strategy.js'
import type { CompactionStrategy } from '../../src/compaction/strategy.js'
import { asc, bucket, buildSortOrder, day, desc } from '../../src/partition/spec-builder.js'
import { schema as buildSchema, t } from '../../src/schema/schema-builder.js'
import type { SortOrder } from '../../src/partition/partition-spec.js'

const schema = buildSchema({
  id: t.long.required,
  ts: t.timestamptz,
  name: t.string,
  place: t.struct({ x: t.double, y: t.double }),
  tags: t.list(t.string),
  attributes: t.map(t.string, t.int),
  doc: t.variant,
  ...Object.fromEntries(Array.from({ length: MAX_CURVE_COLUMNS }, (_, i) => [`c${i}`, t.int])),
})
const unsorted: SortOrder = { orderId: 0, fields: [] }
const byDay = buildSortOrder([asc(day('ts')), desc('id')], schema, { orderId: 3 })
const table = { schema, sortOrders: [unsorted, byDay], defaultSortOrderId: 3 }

describe('resolveStrategy', () => {
  it('keeps rows as they are for binpack, and takes the table\'s own order for sort', () => {
    expect(resolveStrategy('binpack', table)).toBeUndefined()
    expect(resolveStrategy('sort', table)).toEqual({ type: 'sort', order: byDay })
    expect(() => resolveStrategy('sort', { ...table, defaultSortOrderId: 0 })).toThrow(/no sort order/)
  })

  it('trap 72: gives a sort order the id under which the table knows it, else 0', () => {
    expect(resolveStrategy(sortBy(day('ts'), desc('id')), table)).toMatchObject({ order: { orderId: 3 } })
    expect(resolveStrategy(sortBy(day('ts'), desc('id', { nulls: 'first' })), table)).toMatchObject({ order: { orderId: 0 } })
    expect(resolveStrategy(sortBy('name', bucket('id', 16)), table)).toEqual({
      type: 'sort',
      order: {
        orderId: 0,
        fields: [
          { sourceIds: [3], transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' },
          { sourceIds: [1], transform: 'bucket[16]', direction: 'asc', nullOrder: 'nulls-first' },
        ],
      },
    })
  })

  it('names columns of curves by id, fields of structs by path', () => {
    const fieldIds = [schema.requireField('place.y').id, schema.requireField('ts').id]
    expect(resolveStrategy(hilbert('place.y', 'ts'), table)).toEqual({ type: 'hilbert', fieldIds })
    expect(resolveStrategy(zOrder('PLACE.Y', 'Ts'), { ...table, caseSensitive: false })).toEqual({ type: 'zorder', fieldIds })
  })

  it.each<[string, CompactionStrategy, string]>([
    ['a list', zOrder('tags'), 'tags'],
    ['an element of a list', hilbert('tags.element'), 'tags.element'],
    ['a value of a map', sortBy('attributes.value'), 'attributes.value'],
    ['a struct', sortBy('place'), 'place'],
    ['a variant', zOrder('id', 'doc'), 'doc'],
    ['a column twice', hilbert('id', 'ts', 'id'), 'id'],
    ['a transform that does not take the type', sortBy(day('name')), 'name'],
  ])('refuses %s, and names the column', (_, strategy, column) => {
    expect(() => resolveStrategy(strategy, table)).toThrow(expect.objectContaining({ code: 'INVALID', column }))
  })

  it('refuses unknown columns, no columns, more than a curve takes, and what is no strategy', () => {
    expect(() => resolveStrategy(zOrder('nope'), table)).toThrow(expect.objectContaining({ code: 'NOT_FOUND', column: 'nope' }))
    for (const strategy of [zOrder(), sortBy(), hilbert('id', ...Array.from({ length: MAX_CURVE_COLUMNS }, (_, i) => `c${i}`)), 'zorder', null]) {
      expect(() => resolveStrategy(strategy as CompactionStrategy, table)).toThrow(expect.objectContaining({ code: 'INVALID' }))
    }
  })

  it('refuses the table\'s order where it cannot be computed', () => {
    const unknown: SortOrder = { orderId: 3, fields: [{ ...byDay.fields[0]!, transform: 'geo[7]' }] }
    expect(() => resolveStrategy('sort', { ...table, sortOrders: [unknown] })).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
    const dropped: SortOrder = { orderId: 3, fields: [{ ...byDay.fields[0]!, sourceIds: [99_999] }] }
    expect(() => resolveStrategy('sort', { ...table, sortOrders: [dropped] })).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })

  it('takes strategies that went through JSON', () => {
    for (const strategy of [sortBy(desc(bucket('id', 4))), zOrder('id', 'ts'), hilbert('name'), 'sort' as const]) {
      const copy = JSON.parse(JSON.stringify(strategy)) as CompactionStrategy
      expect(resolveStrategy(copy, table)).toEqual(resolveStrategy(strategy, table))
    }
  })
})
