import { Bool, Int32 } from 'apache-arrow'
import type { DataType, Vector } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { fixedChunk, makeBatch, structChunk } from '../../src/arrow/arrow-data.js'
import { arrowSchema } from '../../src/arrow/arrow-schema.js'
import { columnByPath } from '../../src/arrow/column-by-path.js'
import { columnReader, vectorReader } from '../../src/arrow/column-reader.js'
import { sliceBatch } from '../../src/arrow/take.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField, Type } from '../../src/schema/type.js'
import { vectorOf } from '../support/arrow-vectors.js'

const boolean: Type = { kind: 'boolean' }
const int: Type = { kind: 'int' }
const inner: NestedField[] = [
  { id: 3, name: 'b', type: boolean, required: false },
  { id: 4, name: 'n', type: int, required: true },
]
const schema = new Schema([
  { id: 1, name: 'outer', type: { kind: 'struct', fields: [{ id: 2, name: 's', type: { kind: 'struct', fields: inner }, required: false }] }, required: false },
  { id: 5, name: 'l', type: { kind: 'list', elementId: 6, element: int, elementRequired: false }, required: false },
])
const arrow = arrowSchema(schema)

describe('columnByPath', () => {
  const outerType = arrow.fields[0]!.type as DataType
  const innerType = outerType.children[0]!.type as DataType
  // Values lie below null structs, as other libraries leave them
  const b = fixedChunk(new Bool(), 10, Uint8Array.of(0b0110_1011, 0b10), { bitmap: Uint8Array.of(0b1111_1110, 0b11), nullCount: 1 })
  const n = fixedChunk(new Int32(), 10, Int32Array.from({ length: 10 }, (_, i) => i))
  const s = structChunk(innerType, 10, [b, n], { bitmap: Uint8Array.of(0b1111_1011, 0b11), nullCount: 1 })
  const outer = structChunk(outerType, 10, [s], { bitmap: Uint8Array.of(0b1101_1111, 0b11), nullCount: 1 })
  const whole = makeBatch(arrowSchema(schema.fields.slice(0, 1)), 10, [outer])
  const bits = [null, true, null, true, false, null, true, false, false, true]
  const numbers = [0, 1, null, 3, 4, null, 6, 7, 8, 9]

  it.each([0, 1, 3, 5, 8, 9])('is null wherever a struct around the column is, from row %i on', (start) => {
    const batch = sliceBatch(whole, start, 10 - start)
    const values = (id: number, type: Type): unknown[] => {
      const read = columnReader(columnByPath(schema, id)(batch), type)
      return Array.from({ length: batch.numRows }, (_, row) => read(row))
    }
    expect(values(3, boolean)).toEqual(bits.slice(start))
    expect(values(4, int)).toEqual(numbers.slice(start))
  })

  it('refuses ids inside of lists, and ids that the schema lacks', () => {
    expect(() => columnByPath(schema, 6)).toThrow(/no column with field id 6/)
    expect(() => columnByPath(schema, 99)).toThrow(/no column with field id 99/)
  })
})

describe('vectorReader', () => {
  it('reads over the chunks of a vector', () => {
    const part = (...values: (number | null)[]): Vector<Int32> => vectorOf(values, new Int32())
    const vector = part(1, null, 3).concat(part(4), part(5, null))
    const read = vectorReader(vector.slice(1, 6), int)
    expect([0, 1, 2, 3, 4].map(read)).toEqual([null, 3, 4, 5, null])
  })
})
