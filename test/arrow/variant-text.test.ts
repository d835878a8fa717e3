import { describe, expect, it } from 'vitest'
import { BatchBuilder } from '../../src/arrow/batch-builder.js'
import { canonicalRows } from '../../src/arrow/canonical-row.js'
import { variantText } from '../../src/arrow/variant-text.js'
import { Schema } from '../../src/schema/schema.js'

/** A dictionary with one-byte offsets. */
function metadataOf(...names: string[]): Uint8Array {
  const bytes = names.map((name) => Buffer.from(name))
  const ends = bytes.map((_, i) => bytes.slice(0, i + 1).reduce((sum, part) => sum + part.length, 0))
  return Buffer.concat([Uint8Array.of(1, names.length, 0, ...ends), ...bytes])
}

const none = metadataOf()
const primitive = (type: number, ...payload: number[]): Uint8Array => Uint8Array.of(type << 2, ...payload)
const long = (value: bigint): number[] => [...new Uint8Array(BigInt64Array.of(value).buffer)]
const double = (value: number): number[] => [...new Uint8Array(Float64Array.of(value).buffer)]
const float = (value: number): number[] => [...new Uint8Array(Float32Array.of(value).buffer)]
const short = (text: string): Uint8Array => Buffer.concat([Uint8Array.of((Buffer.byteLength(text) << 2) | 1), Buffer.from(text)])

/** An array or object with one-byte counts, ids and offsets. */
function container(basic: 2 | 3, values: readonly Uint8Array[], ids: readonly number[] = []): Uint8Array {
  const offsets = [0, ...values.map((_, i) => values.slice(0, i + 1).reduce((sum, value) => sum + value.length, 0))]
  return Buffer.concat([Uint8Array.of(basic, values.length, ...ids, ...offsets), ...values])
}

describe('variantText', () => {
  it.each([
    [primitive(0), 'null'],
    [primitive(1), 'true'],
    [primitive(2), 'false'],
    [primitive(3, 0xff), '-1'],
    [primitive(4, 0x00, 0x80), '-32768'],
    [primitive(5, 0xff, 0xff, 0xff, 0x7f), '2147483647'],
    [primitive(6, ...long(-(2n ** 63n))), '-9223372036854775808'],
    [primitive(7, ...double(1e300)), '1e+300'],
    [primitive(7, ...double(-0)), '-0'],
    [primitive(7, ...double(NaN)), 'NaN'],
    [primitive(8, 2, 0x9c, 0xff, 0xff, 0xff), '-1.00'],
    [primitive(9, 0, ...long(5n)), '5'],
    [primitive(10, 3, ...long(-1n), ...long(-1n)), '-0.001'],
    [primitive(11, 0xff, 0xff, 0xff, 0xff), '"date:-1"'],
    [primitive(12, ...long(1n)), '"timestamptz:1"'],
    [primitive(13, ...long(-1n)), '"timestamp:-1"'],
    [primitive(14, ...float(0.1)), '0.10000000149011612'],
    [primitive(15, 2, 0, 0, 0, 0, 255), '"hex:00ff"'],
    [primitive(16, 2, 0, 0, 0, 0xc3, 0xa9), '"é"'],
    [primitive(17, ...long(3n)), '"time:3"'],
    [primitive(18, ...long(4n)), '"timestamptz_ns:4"'],
    [primitive(19, ...long(5n)), '"timestamp_ns:5"'],
    [primitive(20, ...Array.from({ length: 16 }, (_, i) => i)), '"00010203-0405-0607-0809-0a0b0c0d0e0f"'],
    [short('a"b'), '"a\\"b"'],
    [short(''), '""'],
    [container(3, []), '[]'],
    [container(3, [primitive(0), short('x'), container(3, [])]), '[null,"x",[]]'],
  ])('decodes %o as %s', (value, expected) => {
    expect(variantText(none, value)).toBe(expected)
  })

  it('sorts members by name in code-point order, not by their place in the dictionary', () => {
    const metadata = metadataOf('😀', '\uFFFD', 'a')
    const value = container(2, [primitive(3, 1), primitive(3, 2), container(2, [primitive(0)], [2])], [0, 1, 2])
    expect(variantText(metadata, value)).toBe('{"a":{"a":null},"\uFFFD":2,"😀":1}')
    expect(variantText(none, container(2, []))).toBe('{}')
  })

  it('reads wide counts, ids and offsets', () => {
    // Large object: four-byte count, two-byte ids, three-byte offsets
    const header = 2 | (2 << 2) | (1 << 4) | (1 << 6)
    const value = Uint8Array.of(header, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0)
    expect(variantText(metadataOf('k'), value)).toBe('{"k":null}')
    const metadata = Uint8Array.of(1 | (3 << 6), 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 107)
    expect(variantText(metadata, container(2, [primitive(1)], [0]))).toBe('{"k":true}')
  })

  it.each([
    ['an empty value', none, new Uint8Array(0)],
    ['an empty dictionary', new Uint8Array(0), primitive(0)],
    ['a payload that is cut', none, primitive(6, 1, 2)],
    ['text longer than the bytes', none, primitive(16, 255, 255, 255, 127, 97)],
    ['a count beyond the bytes', none, Uint8Array.of(3 | (4 << 2), 255, 255, 255, 127, 0)],
    ['an offset beyond the bytes', none, Uint8Array.of(3, 1, 200, 201, 0)],
    ['a member that the dictionary lacks', none, container(2, [primitive(0)], [5])],
    ['text that is not UTF-8', none, Uint8Array.of((1 << 2) | 1, 0xff)],
    ['dictionary offsets that go back', Uint8Array.of(1, 2, 0, 2, 1, 97, 98), primitive(0)],
    ['a huge dictionary', Uint8Array.of(1 | (3 << 6), 255, 255, 255, 127), primitive(0)],
  ])('refuses %s', (_name, metadata, value) => {
    expect(() => variantText(metadata, value)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
  })

  it('refuses versions and primitives that it does not know', () => {
    expect(() => variantText(Uint8Array.of(2, 0, 0), primitive(0))).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
    expect(() => variantText(none, primitive(21))).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })

  it('refuses children that share their bytes before they multiply', () => {
    // Each of 40 levels names the next one twice: 2^40 values in 160 bytes
    let value: Uint8Array = primitive(0)
    for (let i = 0; i < 40; i++) value = Buffer.concat([Uint8Array.of(3, 2, 0, 0, value.length), value])
    expect(() => variantText(none, value)).toThrow(/overlap/)
  })

  it('refuses nesting without end', () => {
    const levels = 100_000
    const value = new Uint8Array(levels * 10 + 1)
    const view = new DataView(value.buffer)
    for (let i = 0; i < levels; i++) {
      // An array of one element, with offsets of four bytes
      value.set([3 | (3 << 2), 1], i * 10)
      view.setUint32(i * 10 + 6, value.length - i * 10 - 10, true)
    }
    expect(() => variantText(none, value)).toThrow(/nested more than 500 levels/)
  })

  it('is a string in the canonical form of a row', () => {
    const schema = new Schema([{ id: 1, name: 'v', type: { kind: 'variant' }, required: false }])
    const builder = new BatchBuilder(schema)
    builder.append([{ v: { metadata: metadataOf('a'), value: container(2, [short('x')], [0]) } }, { v: null }])
    expect(canonicalRows(schema, builder.finish())).toEqual(['{"v":"{\\"a\\":\\"x\\"}"}', '{"v":null}'])
  })
})
