import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { columnsOf } from '../../src/arrow/arrow-data.js'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { columnByPath } from '../../src/arrow/column-by-path.js'
import { columnReader } from '../../src/arrow/column-reader.js'
import { compileBatchFilter } from '../../src/arrow/filter-batch.js'
import { concatBatches } from '../../src/arrow/concat-batches.js'
import { filterBatch, selectedRows } from '../../src/arrow/row-mask.js'
import { rowReader } from '../../src/arrow/row-values.js'
import { sliceBatch, takeBatch } from '../../src/arrow/take.js'
import type { BoundExpression, BoundTerm } from '../../src/expression/expression.js'
import { compileRowFilter } from '../../src/expression/row-evaluator.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField } from '../../src/schema/type.js'
import { everyType } from '../arrow/every-type.js'
import { anyRow, anyValue } from '../arrow/random-rows.js'

const rows = fc.array(anyRow(everyType.fields), { maxLength: 30 })

function build(values: readonly unknown[], schema: Schema = everyType): ReturnType<BatchBuilder['finish']> {
  const builder = new BatchBuilder(schema)
  builder.append(values)
  return builder.finish()
}

const read = rowReader(everyType)

describe('batches', () => {
  it('rows → batch → rows is identity', () => {
    fc.assert(
      fc.property(rows, (values) => {
        expect(read(build(values))).toEqual(values)
      }),
      { numRuns: 60 },
    )
  })

  it('taking rows equals taking them from the array, from any slice', () => {
    const cases = rows.chain((values) =>
      fc.tuple(fc.constant(values), fc.nat(values.length), fc.array(fc.nat(Math.max(0, values.length - 1)), { maxLength: 20 })),
    )
    fc.assert(
      fc.property(cases, ([values, start, picks]) => {
        const slice = sliceBatch(build(values), start, values.length - start)
        const expected = values.slice(start)
        const indices = expected.length === 0 ? [] : picks.map((pick) => pick % expected.length)
        expect(read(takeBatch(slice, Uint32Array.from(indices)))).toEqual(indices.map((index) => expected[index]))
      }),
      { numRuns: 60 },
    )
  })

  it('putting slices together again is identity', () => {
    fc.assert(
      fc.property(rows, fc.array(fc.nat(30), { maxLength: 4 }), (values, cuts) => {
        const batch = build(values)
        const ends = [...cuts.map((cut) => Math.min(cut, values.length)), values.length].sort((a, b) => a - b)
        const parts = ends.map((end, i) => sliceBatch(batch, i === 0 ? 0 : ends[i - 1]!, end - (i === 0 ? 0 : ends[i - 1]!)))
        expect(read(concatBatches(parts))).toEqual(values)
        const whole = concatBatches(parts.toReversed())
        expect(read(whole)).toEqual(parts.toReversed().flatMap((part) => read(part)))
        expect(columnsOf(whole).map((column) => column.length)).toEqual(everyType.fields.map(() => values.length))
      }),
      { numRuns: 60 },
    )
  })
})

describe('compileBatchFilter', () => {
  const primitives = everyType.fields.filter((field) => !['list', 'map', 'struct', 'unknown', 'geometry', 'geography'].includes(field.type.kind))
  const inner: NestedField[] = primitives.map((field) => ({ ...field, id: field.id + 500 }))
  const schema = new Schema([...primitives, { id: 499, name: 's', type: { kind: 'struct', fields: inner }, required: false }])
  const fields = [...primitives, ...inner]

  const predicate: fc.Arbitrary<BoundExpression> = fc.constantFrom(...fields).chain((field): fc.Arbitrary<BoundExpression> => {
    const term: BoundTerm = { field, path: field.name }
    const literal = anyValue(field.type).filter((value) => !Number.isNaN(value))
    const unary = field.type.kind === 'float' || field.type.kind === 'double' ? (['is-nan', 'not-nan'] as const) : []
    const prefix = field.type.kind === 'string' ? (['starts-with', 'not-starts-with'] as const) : []
    return fc.oneof(
      fc.constantFrom('is-null' as const, 'not-null' as const, ...unary).map((op) => ({ op, term })),
      fc.record({
        op: fc.constantFrom('lt' as const, 'lt-eq' as const, 'gt' as const, 'gt-eq' as const, 'eq' as const, 'not-eq' as const, ...prefix),
        term: fc.constant(term),
        literal,
      }),
      fc.record({
        op: fc.constantFrom('in' as const, 'not-in' as const),
        term: fc.constant(term),
        literals: fc.array(literal, { minLength: 2, maxLength: 5 }),
      }),
    )
  })
  const filter = fc.letrec<{ tree: BoundExpression }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      predicate,
      fc.record({ op: fc.constantFrom('and' as const, 'or' as const), left: tie('tree'), right: tie('tree') }),
      fc.constantFrom({ op: 'true' as const }, { op: 'false' as const }),
    ),
  })).tree

  it('agrees with the row evaluator on every type, nulls, NaN and slices included', () => {
    const cases = fc.tuple(filter, fc.array(anyRow(schema.fields), { maxLength: 20 }), fc.nat(5))
    fc.assert(
      fc.property(cases, ([expression, values, start]) => {
        const batch = sliceBatch(build(values, schema), Math.min(start, values.length), Math.max(0, values.length - start))
        const readers = new Map(fields.map((field) => [field.id, columnReader(columnByPath(schema, field.id)(batch), field.type)]))
        const matches = compileRowFilter(expression)
        const expected = Array.from({ length: batch.numRows }, (_, row) => row).filter((row) => matches((id) => readers.get(id)!(row)))
        const mask = compileBatchFilter(expression, schema)(batch)
        expect([...selectedRows(mask)]).toEqual(expected)
        const filtered = rowReader(schema)(filterBatch(batch, mask))
        const all = rowReader(schema)(batch)
        expect(filtered).toEqual(expected.map((row) => all[row]))
      }),
      { numRuns: 400 },
    )
  })
})
