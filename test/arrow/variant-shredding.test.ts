import { Binary, Bool, DateDay, Decimal as ArrowDecimal, Field, FixedSizeBinary, Float32, Float64, Int16, Int32, Int64, Int8, List } from 'apache-arrow'
import { Struct, TimeMicrosecond, TimestampMicrosecond, TimestampMillisecond, TimestampNanosecond, Uint32, Utf8 } from 'apache-arrow'
import type { DataType } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import type { Chunk } from '../../src/arrow/arrow-data.js'
import { arrowType } from '../../src/arrow/arrow-schema.js'
import { assembleVariants } from '../../src/arrow/variant-shredding.js'
import { variantText } from '../../src/arrow/variant-text.js'
import { fixedValues, offsetsOf, validityBitmap } from '../../src/arrow/arrow-data.js'
import { Variant } from '../../src/schema/variant.js'
import { thrownBy } from '../support/thrown.js'
import { vectorOf } from '../support/arrow-vectors.js'

const canonical = arrowType({ kind: 'variant' })
const binary = new Binary()
/** A group of `value` and, where a type is given, `typed_value`. */
const group = (typed?: DataType): DataType =>
  new Struct([new Field('value', binary, true), ...(typed === undefined ? [] : [new Field('typed_value', typed, true)])])
const column = (typed: DataType): DataType => new Struct([new Field('metadata', binary, false), ...(group(typed) as Struct).children])
const fields = (members: Readonly<Record<string, DataType>>): DataType =>
  new Struct(Object.entries(members).map(([name, type]) => new Field(name, type, false)))

interface Shredded {
  readonly metadata: Uint8Array
  readonly value: Uint8Array | null
  readonly typed_value: unknown
}

const assemble = (typed: DataType, rows: readonly (Shredded | null)[]): Chunk =>
  assembleVariants(vectorOf(rows, column(typed)).data[0] as unknown as Chunk, canonical, 'v')

/** Canonical texts; null where the row is. */
function textsOf(chunk: Chunk): (string | null)[] {
  const [metadata, value] = chunk.children.map((child) => (row: number) => {
    const offsets = offsetsOf(child)
    return fixedValues<Uint8Array>(child).subarray(offsets[row], offsets[row + 1])
  }) as [(row: number) => Uint8Array, (row: number) => Uint8Array]
  const validity = validityBitmap(chunk)
  return Array.from({ length: chunk.length }, (_, row) =>
    validity !== undefined && (validity[row >> 3]! & (1 << (row & 7))) === 0 ? null : variantText(metadata(row), value(row)),
  )
}

/** Metadata that names members, and the bytes of a value under it. */
const { metadata: none } = Variant.of(null)
const { metadata: named } = Variant.of({ a: 0, b: 0, c: 0, d: 0, '😀': 0, '\uFFFD': 0 })
const bytesOf = (value: unknown): Uint8Array => Variant.of(value).value
const nothing = { value: null, typed_value: null }
const typed = (value: unknown): { value: null; typed_value: unknown } => ({ value: null, typed_value: value })
const untyped = (value: unknown): { value: Uint8Array; typed_value: null } => ({ value: bytesOf(value), typed_value: null })

describe('a shredded primitive', () => {
  it.each([
    [new Bool(), true, 'true'],
    [new Int8(), -128, '-128'],
    [new Int16(), 300, '300'],
    [new Int32(), -70_000, '-70000'],
    [new Int64(), 2n ** 62n, '4611686018427387904'],
    [new Float32(), 0.5, '0.5'],
    [new Float64(), 1e300, '1e+300'],
    // apache-arrow's builders take timestamps in milliseconds
    [new TimeMicrosecond(), 5n, '"time:5"'],
    [new TimestampMicrosecond('UTC'), -1, '"timestamptz:-1000"'],
    [new TimestampMicrosecond(null), -1, '"timestamp:-1000"'],
    [new TimestampNanosecond('UTC'), -1, '"timestamptz_ns:-1000000"'],
    [new TimestampNanosecond(null), -1, '"timestamp_ns:-1000000"'],
    [new Utf8(), 'é', '"é"'],
    [new Utf8(), 'x'.repeat(64), `"${'x'.repeat(64)}"`],
    [new Binary(), Uint8Array.of(0, 255), '"hex:00ff"'],
    [new FixedSizeBinary(16), Uint8Array.from({ length: 16 }, (_, i) => i), '"00010203-0405-0607-0809-0a0b0c0d0e0f"'],
  ] as [DataType, unknown, string][])('of %s is the value, else what is stored beside it, else null', (type, value, expected) => {

    const rows = [typed(value), untyped([1]), null, nothing].map((row) => row && { metadata: none, ...row })
    const chunk = assemble(type, rows)
    expect(textsOf(chunk)).toEqual([expected, '[1]', null, 'null'])
  })

  it('of a decimal keeps all its digits, whatever its width (trap 12)', () => {
    for (const [precision, unscaled] of [[9, -5n], [18, 10n ** 17n], [38, 10n ** 38n - 1n], [38, 1n - 10n ** 38n]] as const) {
      const words = Uint32Array.from({ length: 4 }, (_, i) => Number(BigInt.asUintN(32, unscaled >> BigInt(32 * i))))
      const chunk = assemble(new ArrowDecimal(2, precision, 128), [{ metadata: none, ...typed(words) }])
      const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(3, '0')
      expect(textsOf(chunk)).toEqual([`${unscaled < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`])
    }
  })

  it('of a date is its days', () => {
    const days = vectorOf([new Date(86_400_000)], new DateDay()).data[0]!
    expect(fixedValues<Int32Array>(days as unknown as Chunk)[0]).toBe(1)
    expect(textsOf(assemble(new DateDay(), [{ metadata: none, ...typed(new Date(86_400_000)) }]))).toEqual(['"date:1"'])
  })

  it('is refused with two values, and with a type that no variant has', () => {
    const both = [{ metadata: none, value: bytesOf(1), typed_value: 2 }]
    expect(thrownBy(() => assemble(new Int32(), both))).toMatchObject({ code: 'CORRUPT', column: 'v' })
    for (const type of [new Uint32(), new TimestampMillisecond(null), new FixedSizeBinary(8)]) {
      expect(thrownBy(() => assemble(type, []))).toMatchObject({ code: 'UNSUPPORTED', column: 'v' })
    }
  })
})

describe('a shredded array', () => {
  const list = new List(new Field('element', group(new Utf8()), false))

  it('has the elements of both columns, and null for what is missing', () => {
    const chunk = assemble(list, [
      { metadata: none, ...typed([typed('x'), untyped(null), untyped({}), nothing]) },
      { metadata: none, ...typed([]) },
      { metadata: none, ...untyped('no array') },
    ])
    expect(textsOf(chunk)).toEqual(['["x",null,{},null]', '[]', '"no array"'])
  })
})

describe('a shredded object', () => {
  const object = fields({ b: group(new Int32()), a: group(new Utf8()), '😀': group(fields({ d: group() })) })
  const row = (a: object, b: object, face: object = nothing): unknown => ({ a, b, '😀': face })

  it('has its shredded fields and those that were left, in the order of code points (traps 4 and 12)', () => {
    // Members of the value are encoded with the ids of the column's metadata
    const residual = Variant.of({ a: 0, b: 0, c: 0, d: 0, '😀': 0, '\uFFFD': 0 })
    expect(residual.metadata).toEqual(named)
    const left = Uint8Array.of(2, 2, 2, 4, 0, 2, 3, 0x0c, 9, 0)
    const chunk = assemble(object, [
      { metadata: named, ...typed(row(typed('x'), typed(1))) },
      { metadata: named, value: left, typed_value: row(untyped(null), untyped('not a number'), typed({ d: { value: bytesOf([]) } })) },
      { metadata: named, ...typed(row(nothing, nothing)) },
      { metadata: named, ...untyped('no object') },
      { metadata: none, ...nothing },
    ])
    expect(textsOf(chunk)).toEqual(['{"a":"x","b":1}', '{"a":null,"b":"not a number","c":9,"\uFFFD":null,"😀":{"d":[]}}', '{}', '"no object"', 'null'])
  })

  it('takes the shredded field where a writer stored it twice', () => {
    const twice = Uint8Array.of(2, 1, 0, 0, 2, 0x0c, 9)
    expect(textsOf(assemble(object, [{ metadata: named, value: twice, typed_value: row(typed('x'), nothing) }]))).toEqual(['{"a":"x"}'])
  })

  it('is refused when it is beside a value that is no object, or has a field that its metadata does not name', () => {
    expect(thrownBy(() => assemble(object, [{ metadata: named, value: bytesOf(1), typed_value: row(nothing, nothing) }]))).toMatchObject({ code: 'CORRUPT' })
    expect(thrownBy(() => assemble(object, [{ metadata: none, ...typed(row(typed('x'), nothing)) }]))).toMatchObject({ code: 'CORRUPT', column: 'v' })
  })
})
