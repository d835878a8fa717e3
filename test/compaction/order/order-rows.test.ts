import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Row, RowValue } from '../../../src/arrow/row-values.js'
import type { SortField, SortOrder } from '../../../src/partition/partition-spec.js'
import { parseTransform } from '../../../src/partition/transform.js'
import { compareValues } from '../../../src/schema/compare-values.js'
import { Decimal } from '../../../src/schema/decimal.js'
import { Schema } from '../../../src/schema/schema.js'
import type { Type, Value } from '../../../src/schema/type.js'
import { anyRowValue } from '../../arrow/random-rows.js'
import { curveKeyEncoder } from '../../../src/compaction/order/curve-key-encoder.js'
import { compareKeys } from '../../../src/compaction/order/sort-keys.js'
import { batchOf, orderedRows, orderedTypes, sourceOf } from './ordered-rows.js'

const runs = Number(process.env['FLOE_ORDER_RUNS'] ?? 80)

const transforms = ['identity', 'bucket[1]', 'bucket[7]', 'truncate[3]', 'year', 'month', 'day', 'hour', 'void']

/** A column at the top and one within an optional struct, among others that only come along. */
function schemaOf(a: Type, b: Type, required: boolean): Schema {
  return new Schema([
    { id: 1, name: 'row', type: { kind: 'int' }, required: true },
    { id: 2, name: 'a', type: a, required: required && a.kind !== 'unknown' },
    { id: 3, name: 's', type: { kind: 'struct', fields: [{ id: 4, name: 'b', type: b, required: false }] }, required: false },
    { id: 5, name: 'tags', type: { kind: 'list', elementId: 6, element: { kind: 'string' }, elementRequired: false }, required: false },
  ])
}

/** As values are compared: neither decimals nor what transforms take are row values. */
function plain(value: RowValue): Value {
  return value instanceof Decimal ? value.unscaled : (value as Value)
}

function naive(rows: readonly Row[], schema: Schema, fields: readonly SortField[]): Row[] {
  const terms = fields.map(({ sourceIds, transform, direction, nullOrder }) => {
    const { type } = schema.fieldById(sourceIds[0]!)!
    const parsed = parseTransform(transform)
    const apply = parsed.apply(type)
    const compare = parsed.kind === 'void' ? () => 0 : compareValues(parsed.resultType(type))
    const read = (row: Row): Value => apply(plain(sourceIds[0] === 2 ? row.a! : ((row.s as Row | null)?.b ?? null)))
    return (left: Row, right: Row): number => {
      const [a, b] = [read(left), read(right)]
      if (a === null || b === null) return a === b ? 0 : (a === null) === (nullOrder === 'nulls-first') ? -1 : 1
      return direction === 'asc' ? compare(a, b) : compare(b, a)
    }
  })
  return [...rows].sort((left, right) => terms.reduce((order, term) => (order !== 0 ? order : term(left, right)), 0))
}

const anyOrder = (schema: Schema): fc.Arbitrary<SortOrder> => {
  const field = fc.constantFrom(2, 4).chain((id) => {
    const accepted = transforms.filter((text) => parseTransform(text).accepts(schema.fieldById(id)!.type))
    return fc.record<SortField>({
      sourceIds: fc.constant([id]),
      transform: fc.oneof({ weight: 2, arbitrary: fc.constant('identity') }, { weight: 1, arbitrary: fc.constantFrom(...accepted) }),
      direction: fc.constantFrom('asc', 'desc'),
      nullOrder: fc.constantFrom('nulls-first', 'nulls-last'),
    })
  })
  return fc.array(field, { minLength: 1, maxLength: 3 }).map((fields) => ({ orderId: 1, fields }))
}

const anyCase = fc.tuple(fc.constantFrom(...orderedTypes), fc.constantFrom(...orderedTypes), fc.boolean()).chain(([a, b, required]) => {
  const schema = schemaOf(a, b, required)
  const row = fc.record({
    a: anyRowValue(a, required && a.kind !== 'unknown'),
    s: fc.option(fc.record({ b: anyRowValue(b, false) }), { freq: 5 }),
    tags: fc.option(fc.array(fc.option(fc.string()), { maxLength: 3 })),
  })
  const rows = fc.array(row, { maxLength: 60 }).map((list) => list.map((item, i): Row => ({ row: i, ...item })))
  // Few distinct rows, many times: ties within and between runs
  const repeated = fc.tuple(rows, fc.array(fc.nat(), { maxLength: 150 })).map(([pool, picks]) =>
    pool.length === 0 ? [] : picks.map((pick, i): Row => ({ ...pool[pick % Math.min(pool.length, 9)]!, row: i })),
  )
  return fc.record({
    schema: fc.constant(schema),
    order: anyOrder(schema),
    rows: fc.oneof(rows, repeated),
    memoryBudgetBytes: fc.constantFrom(1, 300, 2000, 20_000, 2 ** 26),
    batchRows: fc.integer({ min: 1, max: 40 }),
  })
})

describe('orderRows with a sort order', () => {
  it('agrees with a stable sort of values, for any type, transform, direction, null order and budget', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, async ({ schema, order, rows, memoryBudgetBytes, batchRows }) => {
        const found = await orderedRows(sourceOf(schema, rows, batchRows), { type: 'sort', order }, { memoryBudgetBytes })
        const expected = naive(rows, schema, order.fields)
        expect(found.map(({ row }) => row)).toEqual(expected.map(({ row }) => row))
        expect(found).toEqual(expected)
      }),
      { numRuns: runs },
    )
  })
})

describe('orderRows along a curve', () => {
  it('agrees with a stable sort by places on the curve, for any types and budget', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(anyCase, fc.constantFrom('zorder' as const, 'hilbert' as const), async (anyRows, type) => {
        const { schema, rows, memoryBudgetBytes, batchRows } = anyRows
        const order = { type, fieldIds: [4, 2] }
        const found = await orderedRows(sourceOf(schema, rows, batchRows), order, { memoryBudgetBytes })
        const sample = { schema: schema.selectIds(order.fieldIds), batch: batchOf(schema.selectIds(order.fieldIds), rows) }
        const keys = rows.length === 0 ? undefined : curveKeyEncoder(schema, order, sample)(batchOf(schema, rows))
        const expected = [...rows].sort((a, b) => compareKeys(keys!, a.row as number, keys!, b.row as number))
        expect(found).toEqual(expected)
      }),
      { numRuns: runs },
    )
  })

  it('learns from the first rows when the source has no sample', async () => {
    const schema = schemaOf({ kind: 'long' }, { kind: 'string' }, true)
    const rows = Array.from({ length: 200 }, (_, row): Row => ({ row, a: BigInt((row * 37) % 200), s: { b: `${(row * 11) % 7}` }, tags: null }))
    const source = { ...sourceOf(schema, rows, 50), async *sample() {} }
    const expected = await orderedRows(sourceOf(schema, rows, 50), { type: 'hilbert', fieldIds: [2, 4] })
    expect(await orderedRows(source, { type: 'hilbert', fieldIds: [2, 4] })).toEqual(expected)
  })
})
