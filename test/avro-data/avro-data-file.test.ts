import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/arrow/row-values.js'
import type { AvroRecord } from '../../src/avro/avro-schema.js'
import type { NestedField, Type } from '../../src/schema/type.js'
import { Decimal } from '../../src/schema/decimal.js'
import { Schema } from '../../src/schema/schema.js'
import { DELETE_FILE_PATH_FIELD, DELETE_FILE_POS_FIELD, LAST_UPDATED_SEQUENCE_NUMBER_FIELD, ROW_ID_FIELD } from '../../src/schema/reserved-fields.js'
import { everyRow, everyType } from '../arrow/every-type.js'
import { anyRow } from '../arrow/random-rows.js'
import { failureOf } from '../support/lake.js'
import { avroBytes, fileOf, readBatches, readRows, writeAvroFile } from './avro-file.js'

const field = (id: number, name: string, type: Type, required = false): NestedField => ({ id, name, type, required })
const int: Type = { kind: 'int' }
const long: Type = { kind: 'long' }
const text: Type = { kind: 'string' }

/** Nested every way there is, with maps whose keys are no text. */
const nested = new Schema([
  field(1, 'id', long, true),
  field(2, 'byDay', { kind: 'map', keyId: 3, key: { kind: 'date' }, valueId: 4, value: { kind: 'list', elementId: 5, element: text, elementRequired: false }, valueRequired: false }),
  field(6, 'points', {
    kind: 'list',
    elementId: 7,
    elementRequired: true,
    element: { kind: 'struct', fields: [field(8, 'x', { kind: 'double' }, true), field(9, 'tag', { kind: 'map', keyId: 10, key: text, valueId: 11, value: { kind: 'uuid' }, valueRequired: true })] },
  }),
  field(12, 'v', { kind: 'variant' }),
])

describe('what an Avro data file holds', () => {
  it('reads every type, written with every codec, exactly', async () => {
    const rows = Array.from({ length: 50 }, (_, i) => (i % 7 === 3 ? Object.fromEntries(everyType.fields.map(({ name }) => [name, null])) : everyRow(i + 1))) as Row[]
    for (const codec of ['null', 'deflate', 'zstandard', 'snappy'] as const) {
      const file = await writeAvroFile(everyType, rows, { codec, blockBytes: 500 })
      expect(await readRows({ ...file, projection: everyType })).toEqual(rows)
    }
  })

  it('reads random rows of nested columns whatever the sizes of blocks and batches', async () => {
    const fields = [...everyType.fields, ...nested.fields.slice(1, 3).map((column) => ({ ...column, id: column.id + 200 }))]
    const schema = new Schema(fields.map((column, i) => ({ ...column, name: `c${i}`, type: withIds(column.type, 1000 * (i + 1)) })))
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow(schema.fields), { maxLength: 12 }), fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 5 }), async (rows, blockBytes, batchRows) => {
        const file = await writeAvroFile(schema, rows as Row[], { codec: 'null', blockBytes })
        expect(await readRows({ ...file, projection: schema, batchRows })).toEqual(rows)
      }),
      { numRuns: 100 },
    )
  })
})

/** The same type with ids of its own. */
function withIds(type: Type, from: number): Type {
  let next = from
  const visit = (inner: Type): Type => {
    switch (inner.kind) {
      case 'struct':
        return { ...inner, fields: inner.fields.map((child) => ({ ...child, id: ++next, type: visit(child.type) })) }
      case 'list':
        return { ...inner, elementId: ++next, element: visit(inner.element) }
      case 'map':
        return { ...inner, keyId: ++next, key: visit(inner.key), valueId: ++next, value: visit(inner.value) }
      default:
        return inner
    }
  }
  return visit(type)
}
