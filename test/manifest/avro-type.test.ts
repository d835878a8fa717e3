import { describe, expect, it } from 'vitest'
import { parseAvroSchema, printAvroSchema } from '../../src/avro/avro-schema-json.js'
import { avroRecordOf, avroTypeOf, decimalBytes, requiredList } from '../../src/manifest/avro-type.js'
import type { StructType, Type } from '../../src/schema/type.js'

describe('decimalBytes', () => {
  it('is the least width that holds every value and its sign', () => {
    const widths = Array.from({ length: 38 }, (_, i) => decimalBytes(i + 1))
    // TypeUtil.decimalRequiredBytes of the Java reference, for precisions 1 to 38.
    expect(widths).toEqual([
      1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6, 6, 6, 7, 7, 8, 8, 9, 9, 9, 10, 10, 11, 11, 11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16,
    ])
  })
})

describe('avroTypeOf', () => {
  const text = (type: Type): string => printAvroSchema(avroTypeOf(type, 9))

  it('spells every type as the reference does', () => {
    expect(text({ kind: 'date' })).toBe('{"type":"int","logicalType":"date"}')
    expect(text({ kind: 'time' })).toBe('{"type":"long","logicalType":"time-micros"}')
    expect(text({ kind: 'timestamp' })).toBe('{"type":"long","logicalType":"timestamp-micros","adjust-to-utc":false}')
    expect(text({ kind: 'timestamptz' })).toBe('{"type":"long","logicalType":"timestamp-micros","adjust-to-utc":true}')
    expect(text({ kind: 'timestamp_ns' })).toBe('{"type":"long","logicalType":"timestamp-nanos","adjust-to-utc":false}')
    expect(text({ kind: 'timestamptz_ns' })).toBe('{"type":"long","logicalType":"timestamp-nanos","adjust-to-utc":true}')
    expect(text({ kind: 'uuid' })).toBe('{"type":"fixed","name":"uuid_fixed","size":16,"logicalType":"uuid"}')
    expect(text({ kind: 'fixed', length: 3 })).toBe('{"type":"fixed","name":"fixed_3","size":3}')
    expect(text({ kind: 'decimal', precision: 19, scale: 1 })).toBe('{"type":"fixed","name":"decimal_19_1","size":9,"logicalType":"decimal","precision":19,"scale":1}')
    expect(text({ kind: 'geometry', crs: undefined })).toBe('"bytes"')
    expect(text({ kind: 'unknown' })).toBe('"null"')
    expect(text({ kind: 'variant' })).toBe(
      '{"type":"record","name":"r9","fields":[{"name":"metadata","type":"bytes"},{"name":"value","type":"bytes"}],"logicalType":"variant"}',
    )
  })

  it('nests structs, lists and maps of either kind, with their ids', () => {
    expect(text(requiredList(5, { kind: 'int' }))).toBe('{"type":"array","items":"int","element-id":5}')
    const value: StructType = { kind: 'struct', fields: [{ id: 8, name: 'x y', type: { kind: 'unknown' }, required: false }] }
    const map = (key: Type): Type => ({ kind: 'map', keyId: 6, key, valueId: 7, value, valueRequired: false })
    const record = '{"type":"record","name":"r7","fields":[{"name":"x_x20y","type":"null","default":null,"iceberg-field-name":"x y","field-id":8}]}'
    expect(text(map({ kind: 'string' }))).toBe(`{"type":"map","values":["null",${record}],"key-id":6,"value-id":7}`)
    expect(text(map({ kind: 'int' }))).toBe(
      '{"type":"array","items":{"type":"record","name":"k6_v7","fields":[{"name":"key","type":"int","field-id":6},' +
        `{"name":"value","type":["null",${record}],"default":null,"field-id":7}]},"logicalType":"map"}`,
    )
  })

  it('prints one fixed type that two fields share once', () => {
    const decimal: Type = { kind: 'decimal', precision: 9, scale: 2 }
    const fields = ['a', 'b'].map((name, i) => ({ id: i, name, type: decimal, required: true }))
    const printed = printAvroSchema(avroRecordOf({ kind: 'struct', fields }, 'r'))
    expect(printed).toContain('{"name":"b","type":"decimal_9_2","field-id":1}')
    expect(parseAvroSchema(printed)).toEqual(avroRecordOf({ kind: 'struct', fields }, 'r'))
  })
})
