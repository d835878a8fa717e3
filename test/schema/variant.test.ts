import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { variantText } from '../../src/arrow/variant-text.js'
import { Decimal } from '../../src/schema/decimal.js'
import { variantMembers, variantNames } from '../../src/schema/variant-format.js'
import { Variant, VariantScalar } from '../../src/schema/variant.js'
import { FloeError } from '../../src/util/errors.js'

const textOf = ({ metadata, value }: Variant): string => variantText(metadata, value)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('a variant made of a JavaScript value', () => {
  it.each([
    [null, '00'],
    [true, '04'],
    [false, '08'],
    [0, '0c00'],
    [-128, '0c80'],
    [128, '108000'],
    [-32_769, '14ff7fffff'],
    [2 ** 31, '180000008000000000'],
    [-(2n ** 63n), '180000000000000080'],
    [2n ** 63n, '280000000000000000800000000000000000'],
    [-0, '1c0000000000000080'],
    [0.5, '1c000000000000e03f'],
    [new Decimal(-1n, 2), '2002ffffffff'],
    [new Decimal(10n ** 9n, 0), '240000ca9a3b00000000'],
    [new VariantScalar('date', -1), '2cffffffff'],
    [new Date(1), '30e803000000000000'],
    [new VariantScalar('timestamp', 1n), '340100000000000000'],
    [new VariantScalar('float', 1), '380000803f'],
    [Uint8Array.of(7), '3c0100000007'],
    [new VariantScalar('time', 2n), '440200000000000000'],
    [new VariantScalar('timestamptz_ns', 1n), '480100000000000000'],
    [new VariantScalar('timestamp_ns', 1n), '4c0100000000000000'],
    [new VariantScalar('uuid', '00010203-0405-0607-0809-0a0b0c0d0e0f'), '50000102030405060708090a0b0c0d0e0f'],
    ['é', '09c3a9'],
    ['x'.repeat(64), `4040000000${'78'.repeat(64)}`],
    [[1, []], '0302000205' + '0c01' + '030000'],
    [{ b: 1, a: null }, '0202000100010300' + '0c01'],
  ] as [unknown, string][])('of %o has the bytes of the format', (value, expected) => {
    const variant = Variant.of(value)
    expect(hex(variant.value)).toBe(expected)
  })

  it('names each member once, in the order of code points, whatever its depth (trap 4)', () => {
    const variant = Variant.of({ '😀': { '\uFFFD': 1 }, '\uFFFD': [new Map([['', 2]])], gone: undefined })
    expect(variantNames(variant.metadata)).toEqual(['', '\uFFFD', '😀'])
    expect(hex(variant.metadata)).toBe('11030000' + '0307' + 'efbfbdf09f9880')
    expect(textOf(variant)).toBe('{"\uFFFD":[{"":2}],"😀":{"\uFFFD":1}}')
  })

  it('gives the value back, members called __proto__ included', () => {
    const value = JSON.parse('{"__proto__":{"a":[1,2.5,"x",null,true,{}]},"constructor":-1}') as object
    const back = Variant.of(value).toValue() as Record<string, unknown>
    expect(Object.keys(back)).toEqual(['__proto__', 'constructor'])
    expect(JSON.stringify(back)).toBe(JSON.stringify(value))
    expect(Variant.of(new VariantScalar('date', 5)).toValue()).toEqual(new VariantScalar('date', 5))
    expect(Variant.of(2n ** 40n).toValue()).toBe(2n ** 40n)
    expect(Variant.of(2n ** 100n).toValue()).toEqual(new Decimal(2n ** 100n, 0))
  })

  it('holds objects and arrays of any size', () => {
    const wide = Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`key${i}`, i]))
    expect(Variant.of(wide).toValue()).toEqual(wide)
    const long = Array.from({ length: 300 }, () => 'x'.repeat(300))
    expect(Variant.of(long).toValue()).toEqual(long)
  })

  it('is refused for what no variant can hold', () => {
    const cycle: unknown[] = []
    cycle.push(cycle)
    const wrong = [
      () => 1,
      Symbol('s'),
      10n ** 38n,
      new Decimal(1n, 39),
      new Date(NaN),
      new Map([[1, 2]]),
      cycle,
      '\uD800',
      new VariantScalar('date', 1.5),
      new VariantScalar('uuid', 'x'),
      new VariantScalar('timestamp', 2n ** 63n),
    ]
    for (const value of wrong) expect(() => Variant.of({ value })).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })
})

describe('a variant made of JSON text', () => {
  it.each([
    ['{"b":[1,2.50,-0.001,"\\u00e9\\n"],"a":{}}', '{"a":{},"b":[1,2.50,-0.001,"é\\n"]}'],
    [' [ 9223372036854775808 , 1e3 , -0 , true , null ] ', '[9223372036854775808,1000,-0,true,null]'],
    ['12345678901234567890123456789012345678', '12345678901234567890123456789012345678'],
    ['0.12345678901234567890123456789', '0.12345678901234567890123456789'],
    [`1${'0'.repeat(40)}`, '1e+40'],
    ['{"a":1,"a":2,"__proto__":3}', '{"__proto__":3,"a":2}'],
  ])('of %s loses nothing', (text, expected) => {
    expect(textOf(Variant.parseJson(text))).toBe(expected)
  })

  const broken = ['', '{', '[1,]', '{"a"}', '{a:1}', 'nul', '01', '1.', '.5', '"\\x"', '"a', '1 2', '+1', '\u00a01', '"\n"', '['.repeat(1000)]
  it.each(broken)('is refused for %o', (text) => {
    expect(() => Variant.parseJson(text)).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })

  it('is the same as of the parsed value for any JSON', () => {
    // Integers beyond 32 bits are bigints.
    const numberOf = (_: string, member: unknown): unknown => (typeof member === 'bigint' ? Number(member) : member)
    const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value, numberOf))
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const parsed = Variant.parseJson(JSON.stringify(value))
        expect(textOf(Variant.of(parsed.toValue()))).toBe(textOf(parsed))
        expect(plain(Variant.of(value).toValue())).toEqual(plain(value))
      }),
      { numRuns: 100, examples: [[{ '': [[-1063035913403548]] }]] },
    )
  })
})

describe('members of an object', () => {
  it('are the stored bytes of each, whatever order they are stored in', () => {
    // {"a": 1, "b": "xy"}: the value of b is stored first
    const names = ['a', 'b']
    const value = Uint8Array.of(2, 2, 0, 1, 3, 0, 5, 0x09, 0x78, 0x79, 0x0c, 1)
    const stored = [{ name: 'a', bytes: Uint8Array.of(0x0c, 1) }, { name: 'b', bytes: Uint8Array.of(0x09, 0x78, 0x79) }]
    expect(variantMembers(names, value)).toEqual(stored)
    expect(variantMembers(names, Uint8Array.of(0))).toBeUndefined()
  })
})

describe('damaged variants', () => {
  it('are typed errors or other values after any change', () => {
    const { metadata, value } = Variant.of({ a: [1, 'two', { b: new Decimal(1n, 2), c: Uint8Array.of(1, 2) }], d: new Date(0) })
    fc.assert(
      fc.property(fc.nat(metadata.length + value.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
        const [names, bytes] = [metadata.slice(), value.slice()]
        if (at < names.length) names[at] = byte
        else bytes[at - names.length] = byte
        try {
          new Variant(names, cut ? bytes.subarray(0, byte % bytes.length) : bytes).toValue()
        } catch (error) {
          if (!(error instanceof FloeError)) throw error
          expect(['CORRUPT', 'UNSUPPORTED']).toContain(error.code)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('are refused for two members of one name and for a scale that no decimal has', () => {
    expect(() => new Variant(Uint8Array.of(1, 1, 0, 1, 97), Uint8Array.of(2, 2, 0, 0, 0, 1, 2, 0, 0)).toValue()).toThrow(/two members/)
    expect(() => new Variant(Uint8Array.of(1, 0, 0), Uint8Array.of(32, 39, 0, 0, 0, 0)).toValue()).toThrow(/scale 39/)
  })
})
