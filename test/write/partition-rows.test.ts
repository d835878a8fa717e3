import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { rowReader } from '../../src/arrow/row-values.js'
import { sliceBatch, takeBatch } from '../../src/arrow/take.js'
import { partitionKey } from '../../src/partition/partition-key.js'
import type { PartitionField } from '../../src/partition/partition-spec.js'
import { parseTransform } from '../../src/partition/transform.js'
import { Decimal } from '../../src/schema/decimal.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField, Type, Value } from '../../src/schema/type.js'
import { RowPartitioner } from '../../src/write/partition-rows.js'
import { leavesOf, tables } from '../support/arbitrary-tables.js'
import { thrownBy } from '../support/thrown.js'

const TRANSFORMS = ['identity', 'bucket[5]', 'truncate[2]', 'year', 'month', 'day', 'hour', 'void']

/** Specs of one to three fields over the leaf columns of a schema, any transform that fits. */
const specsOf = (schema: Schema): fc.Arbitrary<readonly PartitionField[]> => {
  const choices = leavesOf(schema).flatMap((leaf) =>
    TRANSFORMS.filter((text) => parseTransform(text).accepts(leaf.type)).map((transform) => ({ leaf, transform })),
  )
  return fc.array(fc.constantFrom(...choices), { minLength: 1, maxLength: 3 }).map((chosen) =>
    chosen.map(({ leaf, transform }, i) => ({ fieldId: 1000 + i, name: `p${i}`, sourceIds: [leaf.id], transform })),
  )
}

const input = (type: Type, value: Value): unknown => (type.kind === 'decimal' && typeof value === 'bigint' ? new Decimal(value, type.scale) : value)

/** Rows as callers write them: by name, members of structs inside. */
function rowOf(schema: Schema, values: ReadonlyMap<number, Value>): object {
  const member = (field: NestedField): [string, unknown] => {
    const { type } = field
    if (type.kind !== 'struct') return [field.name, input(type, values.get(field.id) ?? null)]
    const inner = type.fields.map(member)
    const isNull = !field.required && inner.every(([, value]) => value === null)
    return [field.name, isNull ? null : Object.fromEntries(inner)]
  }
  return Object.fromEntries(schema.fields.map(member))
}

describe('rows by partition', () => {
  it('are where the transforms of their values put them, over any batches, slices of batches included', () => {
    const cases = tables.chain((table) =>
      fc.record({ table: fc.constant(table), fields: specsOf(table.schema), start: fc.nat(3), repeat: fc.constantFrom(1, 3) }),
    )
    fc.assert(
      fc.property(cases, ({ table: { schema, rows }, fields, start, repeat }) => {
        const all = Array.from({ length: repeat }, () => rows).flat()
        const builder = new BatchBuilder(schema)
        builder.append(all.map((values) => rowOf(schema, values)))
        const batch = builder.finish()
        const from = Math.min(start, all.length)
        const partitioner = new RowPartitioner({ specId: 0, fields }, schema)
        const apply = fields.map((field) => parseTransform(field.transform).apply(schema.fieldById(field.sourceIds[0]!)!.type))
        const ids = new Map<string, number>()
        for (const part of [sliceBatch(batch, from, all.length - from), batch]) {
          const offset = part === batch ? 0 : from
          const seen: number[] = []
          for (const { id, partition, rows: members } of partitioner.group(part)) {
            const key = partitionKey(partition)
            expect(ids.get(key) ?? id).toBe(id)
            ids.set(key, id)
            for (const member of members) {
              const values = all[offset + member]!
              expect(partitionKey(apply.map((transform, i) => transform(values.get(fields[i]!.sourceIds[0]!) ?? null)))).toBe(key)
            }
            seen.push(...members)
            expect(rowReader(schema)(takeBatch(part, members))).toHaveLength(members.length)
          }
          expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: part.numRows }, (_, i) => i))
        }
        expect(new Set(ids.values()).size).toBe(ids.size)
      }),
      { numRuns: Number(process.env['FLOE_RUNS'] ?? 150) },
    )
  })

  it('of a spec that cannot be evaluated are refused with the field that is to blame', () => {
    const schema = new Schema([{ id: 1, name: 'a', type: { kind: 'int' }, required: false }])
    const spec = (transform: string, sourceId: number) => ({ specId: 0, fields: [{ fieldId: 1000, name: 'p', sourceIds: [sourceId], transform }] })
    expect(thrownBy(() => new RowPartitioner(spec('spiral[3]', 1), schema))).toMatchObject({ code: 'UNSUPPORTED', column: 'p' })
    expect(thrownBy(() => new RowPartitioner(spec('identity', 9), schema))).toMatchObject({ code: 'INVALID', column: 'p' })
  })
})
