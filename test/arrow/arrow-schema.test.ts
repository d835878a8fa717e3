import { Binary, Bool, Dictionary, Field, Float16, Int16, Int32, Int64, Int8, LargeUtf8, List, Map_, Schema as ArrowSchema, Struct } from 'apache-arrow'
import { TimestampMillisecond, TimestampNanosecond, Uint32, Uint64, Utf8 } from 'apache-arrow'
import type { DataType } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { arrowSchema, arrowType, fieldIdOf, sameLayout, schemaFromArrow } from '../../src/arrow/arrow-schema.js'
import { Schema } from '../../src/schema/schema.js'
import type { NestedField, Type } from '../../src/schema/type.js'
import { everyType } from './every-type.js'

describe('arrowType', () => {
  it.each([
    [{ kind: 'boolean' }, 'Bool'],
    [{ kind: 'int' }, 'Int32'],
    [{ kind: 'long' }, 'Int64'],
    [{ kind: 'float' }, 'Float32'],
    [{ kind: 'double' }, 'Float64'],
    [{ kind: 'decimal', precision: 9, scale: 2 }, 'Decimal[9e+2]'],
    [{ kind: 'date' }, 'Date32<DAY>'],
    [{ kind: 'time' }, 'Time64<MICROSECOND>'],
    [{ kind: 'timestamp' }, 'Timestamp<MICROSECOND>'],
    [{ kind: 'timestamptz' }, 'Timestamp<MICROSECOND, UTC>'],
    [{ kind: 'timestamp_ns' }, 'Timestamp<NANOSECOND>'],
    [{ kind: 'timestamptz_ns' }, 'Timestamp<NANOSECOND, UTC>'],
    [{ kind: 'string' }, 'Utf8'],
    [{ kind: 'uuid' }, 'FixedSizeBinary[16]'],
    [{ kind: 'fixed', length: 3 }, 'FixedSizeBinary[3]'],
    [{ kind: 'binary' }, 'Binary'],
    [{ kind: 'unknown' }, 'Null'],
    [{ kind: 'geometry', crs: undefined }, 'Binary'],
    [{ kind: 'variant' }, 'Struct<{metadata:Binary, value:Binary}>'],
  ] as [Type, string][])('maps %o to %s', (type, arrow) => {
    expect(String(arrowType(type))).toBe(arrow)
  })

  it('carries field ids, nullability and the canonical child names at every level', () => {
    const schema = arrowSchema(everyType)
    const map = schema.fields.find((field) => field.name === 'm')!
    const entries = map.type.children[0] as Field<Struct>
    expect(fieldIdOf(map)).toBe(everyType.fields.find((field) => field.name === 'm')!.id)
    expect([entries.name, entries.nullable]).toEqual(['key_value', false])
    expect(entries.type.children.map((child) => [child.name, child.nullable, fieldIdOf(child)])).toEqual([
      ['key', false, 101],
      ['value', true, 102],
    ])
    const list = schema.fields.find((field) => field.name === 'l')!
    expect((list.type.children[0] as Field).name).toBe('element')
  })
})

describe('schemaFromArrow', () => {
  it('is the inverse of arrowSchema for types whose Arrow type is theirs alone', () => {
    const ambiguous = new Set(['uuid', 'geometry', 'geography', 'variant'])
    const fields = everyType.fields.filter((field) => !ambiguous.has(field.type.kind))
    expect(schemaFromArrow(arrowSchema(fields)).fields).toEqual(fields.map(bare))
  })

  it('assigns fresh ids a level at a time when any field lacks one or two share one', () => {
    const inner = new Struct([new Field('x', new Int32(), true), new Field('y', new List(new Field('item', new Utf8(), false)), true)])
    const source = new ArrowSchema([new Field('a', inner, false), new Field('b', new Int64(), true, new Map([['PARQUET:field_id', '1']]))])
    const [a, b] = schemaFromArrow(source).fields as [NestedField, NestedField]
    expect([a.id, b.id, a.required, b.required]).toEqual([1, 2, true, false])
    expect(a.type).toEqual({
      kind: 'struct',
      fields: [
        { id: 3, name: 'x', type: { kind: 'int' }, required: false },
        { id: 4, name: 'y', type: { kind: 'list', elementId: 5, element: { kind: 'string' }, elementRequired: true }, required: false },
      ],
    })
  })

  it.each([
    [new Int8(), { kind: 'int' }],
    [new Int16(), { kind: 'int' }],
    [new Uint32(), { kind: 'long' }],
    [new Float16(), { kind: 'float' }],
    [new LargeUtf8(), { kind: 'string' }],
    [new Dictionary(new Utf8(), new Int32()), { kind: 'string' }],
    [new TimestampMillisecond('Europe/Berlin'), { kind: 'timestamptz' }],
    [new TimestampNanosecond(null), { kind: 'timestamp_ns' }],
  ] as [DataType, Type][])('takes %s as %o', (arrow, type) => {
    expect(schemaFromArrow(new ArrowSchema([new Field('c', arrow, true)])).fields[0]!.type).toEqual(type)
  })

  it('recognises the UUID and variant extensions', () => {
    const variant = new Struct([new Field('metadata', new Binary(), false), new Field('value', new Binary(), false)])
    const source = new ArrowSchema([
      new Field('u', arrowType({ kind: 'uuid' }), true, new Map([['ARROW:extension:name', 'arrow.uuid']])),
      new Field('v', variant, true, new Map([['ARROW:extension:name', 'arrow.parquet.variant']])),
    ])
    expect(schemaFromArrow(source).fields.map((field) => field.type.kind)).toEqual(['uuid', 'variant'])
  })

  it('names the column whose type has no equivalent', () => {
    const source = new ArrowSchema([new Field('s', new Struct([new Field('big', new Uint64(), true)]), true)])
    expect(() => schemaFromArrow(source)).toThrow(/Uint64 has no Iceberg type.*column s\.big/)
  })

  it('keeps a column called __proto__', () => {
    const schema = new Schema([{ id: 1, name: '__proto__', type: { kind: 'int' }, required: false }])
    expect(schemaFromArrow(arrowSchema(schema)).fields).toEqual(schema.fields)
  })
})

describe('sameLayout', () => {
  it('ignores names and metadata of children and compares what decides the bytes', () => {
    const list = (name: string, child: DataType): List => new List(new Field(name, child, true))
    expect(sameLayout(list('element', new Int32()), list('item', new Int32()))).toBe(true)
    expect(sameLayout(list('element', new Int32()), list('element', new Int64()))).toBe(false)
    expect(sameLayout(new TimestampMillisecond(null), new TimestampMillisecond('UTC'))).toBe(false)
    expect(sameLayout(new Bool(), new Utf8())).toBe(false)
    expect(sameLayout(arrowType({ kind: 'decimal', precision: 9, scale: 2 }), arrowType({ kind: 'decimal', precision: 9, scale: 3 }))).toBe(false)
    const map = arrowType({ kind: 'map', keyId: 1, key: { kind: 'int' }, valueId: 2, value: { kind: 'int' }, valueRequired: true })
    expect(sameLayout(map, new Map_(new Field('entries', (map.children[0] as Field).type, false) as never))).toBe(true)
  })
})

function bare(field: NestedField): NestedField {
  return { id: field.id, name: field.name, type: field.type, required: field.required }
}
