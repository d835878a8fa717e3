import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { rowReader } from '../../src/arrow/row-values.js'
import type { RowValue } from '../../src/arrow/row-values.js'
import { sortBatches, sortPermutation } from '../../src/arrow/sort-batches.js'
import { sliceBatch } from '../../src/arrow/take.js'
import type { SortField, SortOrder } from '../../src/partition/partition-spec.js'
import { compareValues } from '../../src/schema/compare-values.js'
import { Decimal } from '../../src/schema/decimal.js'
import { Schema } from '../../src/schema/schema.js'
import type { Type, Value } from '../../src/schema/type.js'
import { anyRowValue } from './random-rows.js'

function schemaOf(type: Type): Schema {
  return new Schema([
    { id: 1, name: 'c', type, required: false },
    { id: 2, name: 'row', type: { kind: 'int' }, required: true },
  ])
}

function orderBy(...fields: Partial<SortField>[]): SortOrder {
  const defaults: SortField = { sourceIds: [1], transform: 'identity', direction: 'asc', nullOrder: 'nulls-first' }
  return { orderId: 1, fields: fields.map((field) => ({ ...defaults, ...field })) }
}

function sorted(type: Type, values: readonly unknown[], order: SortOrder): RowValue[] {
  const schema = schemaOf(type)
  const builder = new BatchBuilder(schema)
  builder.append(values.map((c, row) => ({ c, row })))
  const batch = builder.finish()
  const middle = values.length >> 1
  const parts = [sliceBatch(batch, 0, middle), sliceBatch(batch, middle, values.length - middle)]
  return [...sortBatches(parts, schema, order)].flatMap((part) => rowReader(schema)(part)).map((row) => row.c!)
}

describe('sortBatches', () => {
  it('trap 4: sorts strings by code point', () => {
    expect(sorted({ kind: 'string' }, ['b', '😀', '\uFFFD', 'a', 'aa', ''], orderBy({}))).toEqual(['', 'a', 'aa', 'b', '\uFFFD', '😀'])
  })

  it('trap 6: sorts -0.0 before 0.0 and NaN last, in both directions', () => {
    const values = [NaN, 1, 0, -0, -Infinity, Infinity]
    expect(sorted({ kind: 'double' }, values, orderBy({}))).toEqual([-Infinity, -0, 0, 1, Infinity, NaN])
    expect(sorted({ kind: 'float' }, values, orderBy({ direction: 'desc' }))).toEqual([NaN, Infinity, 1, 0, -0, -Infinity])
  })

  it.each([
    ['asc', 'nulls-first', [null, 1, 2]],
    ['asc', 'nulls-last', [1, 2, null]],
    ['desc', 'nulls-first', [null, 2, 1]],
    ['desc', 'nulls-last', [2, 1, null]],
  ] as const)('%s with %s gives %o', (direction, nullOrder, expected) => {
    expect(sorted({ kind: 'int' }, [2, null, 1], orderBy({ direction, nullOrder }))).toEqual(expected)
  })

  it('sorts by transforms and keeps the sequence of equal rows', () => {
    expect(sorted({ kind: 'string' }, ['bz', 'aa', 'ba', 'ab'], orderBy({ transform: 'truncate[1]' }))).toEqual(['aa', 'ab', 'bz', 'ba'])
    const byDay = sorted({ kind: 'timestamp' }, [86_400_000_000n, 5n, -1n, 4n], orderBy({ transform: 'day' }))
    expect(byDay).toEqual([-1n, 5n, 4n, 86_400_000_000n])
  })

  it('keeps the sequence of equal rows over runs of any length', () => {
    const values = Array.from({ length: 1000 }, (_, i) => `${(i * 7) % 5}`)
    const schema = schemaOf({ kind: 'string' })
    const builder = new BatchBuilder(schema)
    builder.append(values.map((c, row) => ({ c, row })))
    const expected = values.map((_, row) => row).sort((a, b) => Number(values[a]) - Number(values[b]) || a - b)
    expect([...sortPermutation(builder.finish(), schema, orderBy({}))!]).toEqual(expected)
  })

  it('takes further fields where the first are equal', () => {
    const order = orderBy({ transform: 'truncate[10]' }, { direction: 'desc' })
    expect(sorted({ kind: 'int' }, [11, 5, 19, 7], order)).toEqual([7, 5, 19, 11])
  })

  it('agrees with the order of values on every type that has one', () => {
    const types: Type[] = [
      { kind: 'boolean' },
      { kind: 'int' },
      { kind: 'long' },
      { kind: 'float' },
      { kind: 'double' },
      { kind: 'decimal', precision: 38, scale: 2 },
      { kind: 'date' },
      { kind: 'timestamptz_ns' },
      { kind: 'string' },
      { kind: 'uuid' },
      { kind: 'fixed', length: 2 },
      { kind: 'binary' },
    ]
    const valuesOf = (type: Type): fc.Arbitrary<RowValue[]> => fc.array(anyRowValue(type, false), { maxLength: 80 })
    const cases = fc.constantFrom(...types).chain((type) => fc.tuple(fc.constant(type), valuesOf(type)))
    fc.assert(
      fc.property(cases, ([type, values]) => {
        const key = (value: RowValue): Value => (value instanceof Decimal ? value.unscaled : (value as Value))
        const compare = compareValues(type)
        expect(sorted(type, values, orderBy({}))).toEqual(values.toSorted((a, b) => compare(key(a), key(b))))
      }),
      { numRuns: 150 },
    )
  })

  it('finds no permutation for rows in order, and refuses what has no order', () => {
    const schema = schemaOf({ kind: 'int' })
    const builder = new BatchBuilder(schema)
    builder.append([{ c: 1, row: 0 }, { c: 1, row: 1 }, { c: 2, row: 2 }])
    const batch = builder.finish()
    expect(sortPermutation(batch, schema, orderBy({}))).toBeUndefined()
    expect(() => sortPermutation(batch, schema, orderBy({ transform: 'curve[3]' }))).toThrow(/curve\[3\]/)
    expect([...sortBatches([], schema, orderBy({}))]).toEqual([])
  })
})
