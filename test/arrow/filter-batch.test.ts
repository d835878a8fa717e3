import { describe, expect, it } from 'vitest'
import { columnsOf } from '../../src/arrow/arrow-data.js'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { compileBatchFilter } from '../../src/arrow/filter-batch.js'
import { filterBatch, selectedRows } from '../../src/arrow/row-mask.js'
import { rowReader } from '../../src/arrow/row-values.js'
import { sliceBatch } from '../../src/arrow/take.js'
import { bind } from '../../src/expression/bind.js'
import type { Expression } from '../../src/expression/expression.js'
import { and, eq, gt, gtEq, isIn, isNan, isNull, lt, ltEq, not, notEq, notIn, notNan, notNull, or, startsWith } from '../../src/expression/predicates.js'
import { Schema } from '../../src/schema/schema.js'
import type { Type } from '../../src/schema/type.js'

/** The rows of one column that a filter selects. */
function select(type: Type, values: readonly unknown[], filter: Expression): number[] {
  const schema = new Schema([{ id: 1, name: 'c', type, required: false }])
  const builder = new BatchBuilder(schema)
  builder.append(values.map((c) => ({ c })))
  return [...selectedRows(compileBatchFilter(bind(filter, schema), schema)(builder.finish()))]
}

const text: Type = { kind: 'string' }
const long: Type = { kind: 'long' }
const double: Type = { kind: 'double' }

describe('compileBatchFilter', () => {
  it('trap 4: compares text by code point, a prefix first', () => {
    const values = ['a', 'ab', 'b', '\uFFFD', '😀', null, '']
    expect(select(text, values, gt('c', '\uFFFD'))).toEqual([4])
    expect(select(text, values, lt('c', 'ab'))).toEqual([0, 6])
    expect(select(text, values, ltEq('c', 'ab'))).toEqual([0, 1, 6])
    expect(select(text, values, gtEq('c', 'ab'))).toEqual([1, 2, 3, 4])
    expect(select(text, values, eq('c', ''))).toEqual([6])
  })

  it('matches prefixes within a value only, not into the next', () => {
    const values = ['a', 'bc', 'abc', null, 'ab', '']
    expect(select(text, values, startsWith('c', 'ab'))).toEqual([2, 4])
    expect(select(text, values, not(startsWith('c', 'ab')))).toEqual([0, 1, 5])
    expect(select(text, values, startsWith('c', ''))).toEqual([0, 1, 2, 4, 5])
    expect(select(text, values, isIn('c', ['ab', '', 'x']))).toEqual([4, 5])
    expect(select(text, values, notIn('c', ['ab', '', 'x']))).toEqual([0, 1, 2])
  })

  it('tells long texts apart that share their beginning', () => {
    const stem = 'x'.repeat(100)
    expect(select(text, [`${stem}1`, `${stem}2`, stem], isIn('c', [`${stem}2`, `${stem}3`]))).toEqual([1])
  })

  it('trap 60: compares 64-bit integers exactly', () => {
    const values = [2n ** 53n, 2n ** 53n + 1n, -1n, 0xffff_ffffn, 2n ** 31n, 2n ** 63n - 1n, -(2n ** 63n), null]
    expect(select(long, values, eq('c', 2n ** 53n))).toEqual([0])
    expect(select(long, values, gt('c', 2n ** 53n))).toEqual([1, 5])
    expect(select(long, values, lt('c', 0n))).toEqual([2, 6])
    expect(select(long, values, isIn('c', [0xffff_ffffn, 2n ** 31n, 5n]))).toEqual([3, 4])
    expect(select(long, values, isIn('c', [2n ** 53n + 1n, 2n ** 63n - 1n]))).toEqual([1, 5])
    expect(select(long, values, notIn('c', [2n ** 53n - 1n, -1n]))).toEqual([0, 1, 3, 4, 5, 6])
    expect(select(long, values, lt('c', -(2n ** 63n)))).toEqual([])
    expect(select(long, values, gt('c', 2n ** 63n - 1n))).toEqual([])
    expect(select(long, values, lt('c', 2n ** 70n))).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  it('trap 6: takes -0.0 for 0.0, and NaN for nothing but unequal', () => {
    const values = [0, -0, NaN, 1, null, -Infinity]
    expect(select(double, values, eq('c', 0))).toEqual([0, 1])
    expect(select(double, values, isIn('c', [-0, 1]))).toEqual([0, 1, 3])
    expect(select(double, values, lt('c', 1))).toEqual([0, 1, 5])
    expect(select(double, values, gtEq('c', 0))).toEqual([0, 1, 3])
    expect(select(double, values, notEq('c', 0))).toEqual([2, 3, 5])
    expect(select(double, values, isNan('c'))).toEqual([2])
    expect(select(double, values, notNan('c'))).toEqual([0, 1, 3, 4, 5])
  })

  it('trap 17: selects no row for which null leaves the answer unknown', () => {
    const values = [1, null, 3]
    const int: Type = { kind: 'int' }
    expect(select(int, values, not(eq('c', 1)))).toEqual([2])
    expect(select(int, values, not(or(eq('c', 1), eq('c', 5))))).toEqual([2])
    expect(select(int, values, notIn('c', [1, null]))).toEqual([])
    expect(select(int, values, or(isNull('c'), eq('c', 3)))).toEqual([1, 2])
    expect(select(int, values, and(notNull('c'), notEq('c', 3)))).toEqual([0])
  })

  it('evaluates transforms value by value', () => {
    const filter: Expression = { op: 'eq', term: { column: 'c', transform: 'truncate[10]' }, literal: 10n }
    expect(select(long, [9n, 10n, 19n, null, 20n], filter)).toEqual([1, 2])
  })

  const nested = new Schema([
    {
      id: 1,
      name: 's',
      type: {
        kind: 'struct',
        fields: [
          { id: 2, name: 'b', type: { kind: 'boolean' }, required: false },
          { id: 3, name: 'n', type: { kind: 'int' }, required: false },
        ],
      },
      required: false,
    },
  ])

  it('finds members of structs null where the struct is, from any slice', () => {
    const rows = Array.from({ length: 40 }, (_, i) => ({ s: i % 3 === 0 ? null : { b: i % 5 === 0 ? null : i % 2 === 0, n: i } }))
    const builder = new BatchBuilder(nested)
    builder.append(rows)
    const batch = builder.finish()
    for (const start of [0, 1, 3, 8, 13]) {
      const slice = sliceBatch(batch, start, 40 - start)
      const selected = (filter: Expression): number[] => [...selectedRows(compileBatchFilter(bind(filter, nested), nested)(slice))]
      const expected = (test: (row: { b: boolean | null; n: number } | null) => boolean): number[] =>
        rows.slice(start).flatMap((row, i) => (test(row.s) ? [i] : []))
      expect(selected(eq('s.b', true))).toEqual(expected((s) => s?.b === true))
      expect(selected(isNull('s.b'))).toEqual(expected((s) => s === null || s.b === null))
      expect(selected(gtEq('s.n', 20))).toEqual(expected((s) => s !== null && s.n >= 20))
      expect(selected(notNull('s'))).toEqual(expected((s) => s !== null))
    }
  })

  it('narrows a mask that it is given, and leaves that alone', () => {
    const schema = new Schema([{ id: 1, name: 'c', type: long, required: true }])
    const builder = new BatchBuilder(schema)
    builder.append([{ c: 1 }, { c: 2 }, { c: 3 }])
    const batch = builder.finish()
    const within = Uint8Array.of(1, 0, 1)
    const mask = compileBatchFilter(bind(gt('c', 1), schema), schema)(batch, within)
    expect([[...mask], [...within]]).toEqual([[0, 0, 1], [1, 0, 1]])
    expect([...compileBatchFilter(bind(or(eq('c', 1), eq('c', 2)), schema), schema)(batch, within)]).toEqual([1, 0, 0])
  })

  it('refuses a filter on a column that the batches lack', () => {
    const wider = new Schema([{ id: 9, name: 'other', type: long, required: false }])
    expect(() => compileBatchFilter(bind(eq('other', 1n), wider), nested)).toThrow(/no column with field id 9/)
  })
})

describe('filterBatch', () => {
  const schema = new Schema([{ id: 1, name: 'c', type: text, required: false }])
  const builder = new BatchBuilder(schema)
  builder.append(['a', null, 'c', 'd'].map((c) => ({ c })))
  const batch = builder.finish()
  const rows = (mask: Uint8Array): unknown[] => rowReader(schema)(filterBatch(batch, mask)).map((row) => row.c)

  it('returns the batch itself for all rows, and views for rows that follow each other', () => {
    expect(filterBatch(batch, Uint8Array.of(1, 1, 1, 1))).toBe(batch)
    expect(columnsOf(filterBatch(batch, Uint8Array.of(0, 1, 1, 0)))[0]!.values).toBe(columnsOf(batch)[0]!.values)
    expect(rows(Uint8Array.of(0, 1, 1, 0))).toEqual([null, 'c'])
    expect(rows(Uint8Array.of(1, 0, 0, 1))).toEqual(['a', 'd'])
    expect(rows(new Uint8Array(4))).toEqual([])
  })
})
