import { describe, expect, it } from 'vitest'
import { AvroInput } from '../../src/avro/avro-input.js'
import { AvroOutput } from '../../src/avro/avro-output.js'
import { parseAvroSchema } from '../../src/avro/avro-schema-json.js'
import type { AvroValue } from '../../src/avro/avro-schema.js'
import { compileDecoder, type DecoderOptions } from '../../src/avro/decoder.js'
import { compileEncoder } from '../../src/avro/encoder.js'

function reread(writer: unknown, value: AvroValue, reader: unknown = writer, options?: DecoderOptions): AvroValue {
  const written = parseAvroSchema(JSON.stringify(writer))
  const output = new AvroOutput()
  compileEncoder(written)(output, value)
  const input = new AvroInput(output.bytes().slice())
  const read = compileDecoder(written, parseAvroSchema(JSON.stringify(reader)), options)(input)
  expect(input.remaining).toBe(0)
  return read
}

const record = (...fields: object[]): object => ({ type: 'record', name: 'r', fields })

describe('reading what was written', () => {
  it('gives every kind of value back', () => {
    const bytes = Uint8Array.of(1, 2, 255)
    expect(reread('null', null)).toBe(null)
    expect(reread('boolean', false)).toBe(false)
    expect(reread('int', -(2 ** 31))).toBe(-(2 ** 31))
    expect(reread('long', 2n ** 63n - 1n)).toBe(2n ** 63n - 1n)
    expect(reread('long', 5)).toBe(5n)
    expect(reread('double', -0)).toBe(-0)
    expect(reread('float', Number.NaN)).toBe(Number.NaN)
    expect(reread('bytes', bytes)).toEqual(bytes)
    expect(reread('string', '\ufeffé😀\u0000')).toBe('\ufeffé😀\u0000')
    expect(reread({ type: 'fixed', name: 'f', size: 3 }, bytes)).toEqual(bytes)
    expect(reread({ type: 'enum', name: 'e', symbols: ['A', 'B'] }, 'B')).toBe('B')
    expect(reread({ type: 'array', items: ['null', 'int'] }, [1, null, 3])).toEqual([1, null, 3])
    expect(reread({ type: 'array', items: 'int' }, [])).toEqual([])
    const map = new Map<string, AvroValue>([['__proto__', 1], ['', 2]])
    expect(reread({ type: 'map', values: 'int' }, map)).toEqual(map)
    expect(reread(record({ name: 'a', type: 'int' }, { name: 'b', type: record() }), [1, []])).toEqual([1, []])
  })

  it('gives logical types their exact values', () => {
    const decimal = { type: 'fixed', name: 'd', size: 16, logicalType: 'decimal', precision: 38, scale: 4 }
    for (const unscaled of [0n, -1n, 10n ** 38n - 1n, -(10n ** 38n) + 1n, 32768n]) {
      expect(reread(decimal, unscaled)).toBe(unscaled)
      expect(reread({ type: 'bytes', logicalType: 'decimal', precision: 38, scale: 4 }, unscaled)).toBe(unscaled)
      expect(reread(decimal, unscaled, { type: 'bytes', logicalType: 'decimal', precision: 38, scale: 4 })).toBe(unscaled)
    }
    const uuid = { type: 'fixed', name: 'uuid_fixed', size: 16, logicalType: 'uuid' }
    expect(reread(uuid, 'F79C3E09-677C-4BBD-A479-3F349CB785E7')).toBe('f79c3e09-677c-4bbd-a479-3f349cb785e7')
    expect(reread({ type: 'int', logicalType: 'date' }, -1)).toBe(-1)
    expect(reread({ type: 'long', logicalType: 'timestamp-nanos' }, -1n)).toBe(-1n)
  })

  it('reads longs as numbers where the reader asks and they are exact', () => {
    expect(reread('long', 7n, 'long', { longs: 'safe-number' })).toBe(7)
    expect(reread('int', 7, 'long', { longs: 'safe-number' })).toBe(7)
    expect(reread('long', 2n ** 53n, 'long', { longs: 'safe-number' })).toBe(2n ** 53n)
    const reader = record({ name: 'x', type: ['null', 'long'], default: 7, 'field-id': 2 })
    expect(reread(record({ name: 'y', type: 'int', 'field-id': 1 }), [1], reader, { longs: 'safe-number' })).toEqual([7])
  })
})

describe('reading by field id', () => {
  const written = record(
    { name: 'a', type: 'int', 'field-id': 1 },
    { name: 'gone', type: { type: 'array', items: { type: 'map', values: ['null', 'string', 'double'] } }, 'field-id': 2 },
    { name: 'c', type: ['null', 'string'], 'field-id': 3 },
  )
  const value: AvroValue = [7, [new Map<string, AvroValue>([['k', 'v'], ['n', null]]), new Map()], 'x']

  it('reorders, renames, skips the unknown and fills in the missing', () => {
    const reader = record(
      { name: 'new', type: ['null', 'long'], default: null, 'field-id': 9 },
      { name: 'renamed', type: ['null', 'string'], default: null, 'field-id': 3 },
      { name: 'with_default', type: 'long', default: 9007199254740993, 'field-id': 10 },
      { name: 'gone', type: 'long', 'field-id': 1 },
    )
    const text = JSON.stringify(reader).replace('9007199254740992', '9007199254740993')
    const read = compileDecoder(parseAvroSchema(JSON.stringify(written)), parseAvroSchema(text))
    const output = new AvroOutput()
    compileEncoder(parseAvroSchema(JSON.stringify(written)))(output, value)
    expect(read(new AvroInput(output.bytes()))).toEqual([null, 'x', 9007199254740993n, 7n])
  })

  it('refuses a required field that was not written', () => {
    const reader = record({ name: 'must', type: 'int', 'field-id': 99 })
    expect(() => reread(written, value, reader)).toThrow('no field must (id 99)')
  })

  it('refuses a null in a required field when it meets one', () => {
    const reader = record({ name: 'c', type: 'string', 'field-id': 3 })
    expect(reread(written, value, reader)).toEqual(['x'])
    expect(() => reread(written, [7, [], null], reader)).toThrow('required')
  })

  it('falls back to names where the writer has no ids', () => {
    expect(reread(record({ name: 'b', type: 'int' }, { name: 'a', type: 'int' }), [1, 2], record({ name: 'a', type: 'int', 'field-id': 5 }))).toEqual([2])
  })

  it('refuses two written fields with one id', () => {
    const twice = record({ name: 'a', type: 'int', 'field-id': 1 }, { name: 'b', type: 'int', 'field-id': 1 })
    expect(() => reread(twice, [1, 2], record({ name: 'a', type: 'int', 'field-id': 1 }))).toThrow('one field id')
  })

  it('promotes int to long, float to double, and required to optional; nothing else', () => {
    expect(reread('int', 5, 'long')).toBe(5n)
    expect(reread('float', 0.5, 'double')).toBe(0.5)
    expect(reread('int', 5, ['null', 'long'])).toBe(5n)
    expect(reread(['null', 'int'], 5, ['null', 'long'])).toBe(5n)
    for (const [writer, reader] of [['long', 'int'], ['double', 'float'], ['string', 'int'], ['int', 'string'], ['int', 'boolean']]) {
      expect(() => reread(writer, writer === 'string' ? '' : 1, reader)).toThrow(expect.objectContaining({ code: 'CORRUPT' }) as Error)
    }
  })
})

describe('what other writers do', () => {
  const pair = record({ name: 'key', type: 'string', 'field-id': 1 }, { name: 'value', type: 'int', 'field-id': 2 })
  const pairs = { type: 'array', logicalType: 'map', items: pair }
  const map = { type: 'map', values: ['null', 'long'], 'key-id': 1, 'value-id': 2 }

  it('is read: maps as arrays of pairs, and the other way round', () => {
    expect(reread(pairs, [['a', 1], ['__proto__', 2]], map)).toEqual(new Map([['a', 1n], ['__proto__', 2n]]))
    expect(reread({ type: 'map', values: 'int' }, new Map([['a', 1]]), pairs)).toEqual([['a', 1]])
    expect(() => reread({ type: 'array', items: 'int' }, [1], map)).toThrow('is expected')
    expect(() => reread({ type: 'map', values: 'int' }, new Map(), { type: 'array', items: 'int' })).toThrow('is expected')
  })

  it('is read: enums as strings', () => {
    expect(reread({ type: 'enum', name: 'e', symbols: ['A', 'B'] }, 'B', 'string')).toBe('B')
  })

  it('is read: coarser units of time, in the unit of the reader', () => {
    const timestamp = { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': false }
    expect(reread({ type: 'long', logicalType: 'timestamp-millis' }, -1n, timestamp)).toBe(-1000n)
    expect(reread({ type: 'int', logicalType: 'time-millis' }, 5, { type: 'long', logicalType: 'time-micros' })).toBe(5000n)
    expect(reread({ type: 'int', logicalType: 'date' }, -1, timestamp)).toBe(-86_400_000_000n)
    expect(reread({ type: 'int', logicalType: 'date' }, 1, { type: 'long', logicalType: 'timestamp-nanos' })).toBe(86_400_000_000_000n)
    expect(reread({ type: 'int', logicalType: 'date' }, 1, timestamp, { longs: 'safe-number' })).toBe(86_400_000_000)
    expect(reread({ type: 'long', logicalType: 'timestamp-micros' }, 7n, timestamp)).toBe(7n)
  })
})

describe('blocks of arrays', () => {
  const decode = compileDecoder(parseAvroSchema('{"type":"array","items":"int"}'))

  it('may be many, and may carry their size', () => {
    const output = new AvroOutput()
    output.writeLong(1)
    output.writeInt(5)
    output.writeLong(-2)
    output.writeLong(2)
    output.writeInt(6)
    output.writeInt(7)
    output.writeLong(0)
    expect(decode(new AvroInput(output.bytes()))).toEqual([5, 6, 7])
  })

  it('are skipped by their size', () => {
    const output = new AvroOutput()
    output.writeLong(-2)
    output.writeLong(3)
    output.writeFixed(Uint8Array.of(0xff, 0xff, 0xff))
    output.writeLong(0)
    output.writeInt(42)
    const written = parseAvroSchema(JSON.stringify(record({ name: 'l', type: { type: 'array', items: 'string' }, 'field-id': 1 }, { name: 'x', type: 'int', 'field-id': 2 })))
    const reader = parseAvroSchema(JSON.stringify(record({ name: 'x', type: 'int', 'field-id': 2 })))
    expect(compileDecoder(written, reader)(new AvroInput(output.bytes()))).toEqual([42])
  })
})

describe('encoding', () => {
  it.each([
    ['a fraction as int', 'int', 1.5],
    ['too large an int', 'int', 2 ** 31],
    ['too large a long', 'long', 2n ** 63n],
    ['an unsafe number as long', 'long', 2 ** 53],
    ['null where required', 'string', null],
    ['a string as bytes', 'bytes', 'x'],
    ['a lone surrogate', 'string', '\ud800'],
    ['too few fixed bytes', { type: 'fixed', name: 'f', size: 2 }, Uint8Array.of(1)],
    ['too large a decimal', { type: 'fixed', name: 'f', size: 1, logicalType: 'decimal', precision: 2, scale: 0 }, 128n],
    ['a text that is no UUID', { type: 'fixed', name: 'f', size: 16, logicalType: 'uuid' }, 'zz'],
    ['an unknown symbol', { type: 'enum', name: 'e', symbols: ['A'] }, 'B'],
    ['a record with too few fields', record({ name: 'a', type: 'int' }), []],
    ['a value that no branch takes', ['null', 'int'], 'x'],
  ])('refuses %s as INVALID', (_what, schema, value) => {
    const encode = compileEncoder(parseAvroSchema(JSON.stringify(schema)))
    expect(() => encode(new AvroOutput(), value as AvroValue)).toThrow(expect.objectContaining({ code: 'INVALID' }) as Error)
  })
})
