import { describe, expect, it } from 'vitest'
import { parseAvroSchema, printAvroSchema } from '../../src/avro/avro-schema-json.js'
import { minEncodedBytes } from '../../src/avro/avro-schema.js'

describe('parseAvroSchema', () => {
  it('reads Iceberg attributes, ids as numbers or as text', () => {
    const text = JSON.stringify({
      type: 'record',
      name: 'root',
      fields: [
        { name: 'a_x2Eb', type: ['null', 'long'], default: null, 'iceberg-field-name': 'a.b', 'field-id': '7' },
        { name: 'l', type: { type: 'array', items: 'int', 'element-id': 8 }, 'field-id': 2 },
        { name: 'm', type: { type: 'map', values: 'string', 'key-id': 9, 'value-id': 10 }, 'field-id': 3 },
        { name: 't', type: { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true }, 'field-id': 4 },
        { name: 'd', type: { type: 'fixed', name: 'decimal_9_2', size: 4, logicalType: 'decimal', precision: 9, scale: 2 }, 'field-id': 5 },
      ],
    })
    const schema = parseAvroSchema(text)
    expect(schema).toEqual({
      kind: 'record',
      name: 'root',
      fields: [
        {
          name: 'a_x2Eb', fieldId: 7, icebergName: 'a.b', defaultValue: null,
          schema: { kind: 'union', branches: [{ kind: 'null' }, { kind: 'long' }] },
        },
        { name: 'l', fieldId: 2, schema: { kind: 'array', items: { kind: 'int' }, elementId: 8 } },
        { name: 'm', fieldId: 3, schema: { kind: 'map', values: { kind: 'string' }, keyId: 9, valueId: 10 } },
        { name: 't', fieldId: 4, schema: { kind: 'long', logicalType: 'timestamp-micros', adjustToUtc: true } },
        { name: 'd', fieldId: 5, schema: { kind: 'fixed', name: 'decimal_9_2', size: 4, logicalType: 'decimal', precision: 9, scale: 2 } },
      ],
    })
    expect(parseAvroSchema(printAvroSchema(schema))).toEqual(schema)
  })

  it('resolves names in their namespaces and prints a named type once', () => {
    const text = JSON.stringify({
      type: 'record', name: 'R', namespace: 'a.b',
      fields: [{ name: 'x', type: { type: 'fixed', name: 'F', size: 2 } }, { name: 'y', type: 'F' }, { name: 'z', type: ['null', 'a.b.F'] }],
    })
    const schema = parseAvroSchema(text)
    expect(minEncodedBytes(schema)).toBe(5)
    const printed = printAvroSchema(schema)
    expect(printed.match(/"size"/g)).toHaveLength(1)
    expect(parseAvroSchema(printed)).toEqual(schema)
  })

  it('accepts a type that is defined again instead of referred to, as some writers do', () => {
    const schema = parseAvroSchema('[{"type":"fixed","name":"f","size":1},{"type":"fixed","name":"f","size":2}]')
    expect(minEncodedBytes(schema)).toBe(2)
  })

  it('keeps names such as __proto__', () => {
    const schema = parseAvroSchema('{"type":"record","name":"r","fields":[{"name":"__proto__","type":"int"},{"name":"constructor","type":"int"}]}')
    expect(schema.kind === 'record' && schema.fields.map((field) => field.name)).toEqual(['__proto__', 'constructor'])
    expect(parseAvroSchema(printAvroSchema(schema))).toEqual(schema)
  })

  it.each([
    ['not JSON', '{'],
    ['a number', '1'],
    ['an unknown name', '"integer"'],
    ['an empty union', '[]'],
    ['a union in a union', '["null",["int"]]'],
    ['a record without fields', '{"type":"record","name":"r"}'],
    ['a record without a name', '{"type":"record","fields":[]}'],
    ['two fields of one name', '{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}'],
    ['a fixed of negative size', '{"type":"fixed","name":"f","size":-1}'],
    ['a fixed of enormous size', '{"type":"fixed","name":"f","size":1e12}'],
    ['an enum without symbols', '{"type":"enum","name":"e"}'],
    ['a field id that is a fraction', '{"type":"record","name":"r","fields":[{"name":"a","type":"int","field-id":1.5}]}'],
  ])('refuses %s as CORRUPT', (_what, text) => {
    expect(() => parseAvroSchema(text, 'f.avro')).toThrow(expect.objectContaining({ code: 'CORRUPT' }) as Error)
  })

  it('refuses a recursive type, which no Iceberg table has', () => {
    const text = '{"type":"record","name":"r","fields":[{"name":"next","type":["null","r"]}]}'
    expect(() => parseAvroSchema(text)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }) as Error)
  })

  it('refuses deep nesting and short text that stands for an enormous tree, at once', () => {
    const deep = '{"type":"array","items":'.repeat(150) + '"int"' + '}'.repeat(150)
    expect(() => parseAvroSchema(deep)).toThrow('deeper')
    expect(() => parseAvroSchema('{"type":'.repeat(100_000))).toThrow()
    const doubled = (leaf: string, levels = 40): string => {
      let type = leaf
      for (let i = 0; i < levels; i++) type = `{"type":"record","name":"r${i}","fields":[{"name":"a","type":${type}},{"name":"b","type":"${i === 0 ? 'int' : `r${i - 1}`}"}]}`
      return type
    }
    expect(() => parseAvroSchema(doubled('"int"'))).toThrow('more values')
    const empty = '{"type":"record","name":"e","fields":[]}'
    expect(() => parseAvroSchema(doubled(empty))).toThrow('more values')
    // Values that take no bytes are worth far less than others.
    expect(() => parseAvroSchema(doubled(empty, 12))).toThrow('more values')
    expect(parseAvroSchema(doubled('"int"', 12)).kind).toBe('record')
  })
})
