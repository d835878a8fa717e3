import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/arrow/row-values.js'
import { ColumnMetricsCollector } from '../../src/parquet/column-metrics.js'
import type { ColumnMetrics } from '../../src/parquet/column-metrics.js'
import { compareValues } from '../../src/schema/compare-values.js'
import { Decimal } from '../../src/schema/decimal.js'
import { Schema } from '../../src/schema/schema.js'
import type { Type, Value } from '../../src/schema/type.js'
import { everyRow, everyType } from '../arrow/every-type.js'
import { anyRowValue } from '../arrow/random-rows.js'
import { batchOf } from './parquet-file.js'

function metricsOf(schema: Schema, ...batches: readonly (readonly Row[])[]): ColumnMetrics {
  const collector = new ColumnMetricsCollector(schema)
  for (const rows of batches) collector.add(batchOf(schema, rows))
  return collector.finish()
}

const one = (type: Type): Schema => new Schema([{ id: 1, name: 'c', type, required: false }])
const ordered: readonly Type[] = everyType.fields
  .map((field) => field.type)
  .filter((type) => !['unknown', 'geometry', 'geography', 'list', 'map', 'struct'].includes(type.kind))

describe('column metrics', () => {
  for (const type of ordered) {
    it(`of ${type.kind} are those that a naive pass finds`, () => {
      fc.assert(
        fc.property(fc.array(anyRowValue(type, false), { maxLength: 20 }), fc.nat(20), (values, split) => {
          const rows = values.map((c) => ({ c }))
          const metrics = metricsOf(one(type), rows.slice(0, split), rows.slice(split))
          const stored = values.map((value) => (value instanceof Decimal ? value.unscaled : (value as Value)))
          const present = stored.filter((value) => value !== null)
          const comparable = present.filter((value) => !Number.isNaN(value)).sort(compareValues(type))
          expect(metrics.valueCounts.get(1)).toBe(values.length)
          expect(metrics.nullCounts.get(1)).toBe(values.length - present.length)
          expect(metrics.nanCounts.get(1)).toBe(type.kind === 'float' || type.kind === 'double' ? present.length - comparable.length : undefined)
          expect(metrics.lower.get(1)).toEqual(comparable[0])
          expect(metrics.upper.get(1)).toEqual(comparable.at(-1))
          if (comparable.length === 0) expect(metrics.lower.has(1) || metrics.upper.has(1)).toBe(false)
        }),
        { numRuns: 60 },
      )
    })
  }

  it('tell the zeros apart and leave NaN out of the bounds (trap 6)', () => {
    const metrics = metricsOf(one({ kind: 'double' }), [{ c: 0 }, { c: NaN }, { c: -0 }])
    expect(metrics.lower.get(1)).toBe(-0)
    expect(metrics.upper.get(1)).toBe(0)
    expect(metricsOf(one({ kind: 'double' }), [{ c: -0 }]).upper.get(1)).toBe(-0)
  })

  it('of columns of nulls, in a later batch, leave the bounds of the others (trap 11)', () => {
    const metrics = metricsOf(one({ kind: 'string' }), [{ c: 'b' }], [{ c: null }], [{ c: '' }])
    expect([metrics.lower.get(1), metrics.upper.get(1)]).toEqual(['', 'b'])
  })

  it('count a leaf of a null struct as null', () => {
    const type: Type = { kind: 'struct', fields: [{ id: 2, name: 'x', type: { kind: 'int' }, required: true }] }
    const metrics = metricsOf(one(type), [{ c: { x: 3 } }, { c: null }, { c: { x: 5 } }])
    expect(metrics.valueCounts).toEqual(new Map([[2, 3]]))
    expect(metrics.nullCounts).toEqual(new Map([[2, 1]]))
    expect([metrics.lower.get(2), metrics.upper.get(2)]).toEqual([3, 5])
  })

  it('leave out the leaves of lists and maps, and the bounds of geometries', () => {
    const metrics = metricsOf(everyType, [everyRow(1), everyRow(2)])
    const idOf = (name: string): number => everyType.fields.find((field) => field.name === name)!.id
    for (const id of [100, 101, 102, 106, 107, idOf('l'), idOf('m'), idOf('unk')]) expect(metrics.valueCounts.has(id)).toBe(false)
    expect(metrics.valueCounts.get(idOf('geo'))).toBe(2)
    expect(metrics.lower.has(idOf('geo'))).toBe(false)
    expect(metrics.lower.get(103)).toBe(1)
  })
})
