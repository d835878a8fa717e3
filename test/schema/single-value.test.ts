import { describe, expect, it } from 'vitest'
import { decodeUnscaled, decodeValue, encodeUnscaled, encodeValue } from '../../src/schema/single-value.js'
import type { Type, Value } from '../../src/schema/type.js'
import { codeThrownBy } from '../support/thrown.js'

const decimal: Type = { kind: 'decimal', precision: 38, scale: 2 }

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'))
}

// Spec: Appendix D › Binary single-value serialization
const vectors: readonly [Type, Value, string][] = [
  [{ kind: 'boolean' }, false, '00'],
  [{ kind: 'boolean' }, true, '01'],
  [{ kind: 'int' }, 84202, 'ea480100'],
  [{ kind: 'int' }, 0, '00000000'],
  [{ kind: 'int' }, -2147483648, '00000080'],
  [{ kind: 'long' }, 200n, 'c800000000000000'],
  [{ kind: 'long' }, -9223372036854775808n, '0000000000000080'],
  [{ kind: 'float' }, -4.5, '000090c0'],
  [{ kind: 'float' }, -0, '00000080'],
  [{ kind: 'double' }, 6, '0000000000001840'],
  [{ kind: 'double' }, -0, '0000000000000080'],
  [{ kind: 'double' }, NaN, '000000000000f87f'],
  [{ kind: 'double' }, Infinity, '000000000000f07f'],
  [{ kind: 'date' }, 1000, 'e8030000'],
  [{ kind: 'date' }, -1, 'ffffffff'],
  [{ kind: 'time' }, 10000n, '1027000000000000'],
  [{ kind: 'timestamp' }, 400000n, '801a060000000000'],
  [{ kind: 'timestamptz' }, -1n, 'ffffffffffffffff'],
  [{ kind: 'timestamp_ns' }, 400000n, '801a060000000000'],
  [{ kind: 'timestamptz_ns' }, 9223372036854775807n, 'ffffffffffffff7f'],
  [{ kind: 'string' }, 'ABC', '414243'],
  [{ kind: 'string' }, '', ''],
  [{ kind: 'string' }, '\uFEFF😀', 'efbbbff09f9880'],
  [{ kind: 'uuid' }, 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'f79c3e09677c4bbda4793f349cb785e7'],
  [{ kind: 'fixed', length: 2 }, bytes('6162'), '6162'],
  [{ kind: 'binary' }, bytes('5a'), '5a'],
  [{ kind: 'binary' }, new Uint8Array(0), ''],
  [decimal, 34567n, '008707'],
  [decimal, 0n, '00'],
  [decimal, -1n, 'ff'],
  [{ kind: 'geometry', crs: undefined }, bytes('0101'), '0101'],
]

describe('binary single values', () => {
  it.each(vectors)('%j: %s encodes to the bytes of the specification, and back (trap 5)', (type, value, expected) => {
    expect(hex(encodeValue(type, value))).toBe(expected)
    expect(decodeValue(type, bytes(expected))).toEqual(value)
  })

  it.each([
    [127n, '7f'], [128n, '0080'], [-128n, '80'], [-129n, 'ff7f'], [32767n, '7fff'], [32768n, '008000'], [-32768n, '8000'], [-32769n, 'ff7fff'],
    [255n, '00ff'], [256n, '0100'], [10n ** 38n - 1n, '4b3b4ca85a86c47a098a223fffffffff'], [1n - 10n ** 38n, 'b4c4b357a5793b85f675ddc000000001'],
  ])('the decimal %s takes the fewest two\'s-complement bytes, sign bit included (trap 9)', (unscaled, expected) => {
    expect(hex(encodeUnscaled(unscaled))).toBe(expected)
    expect(decodeUnscaled(bytes(expected))).toBe(unscaled)
    expect(decodeValue(decimal, bytes(expected))).toBe(unscaled)
  })

  it('reads decimals of more bytes than needed', () => {
    expect(decodeValue(decimal, bytes('00000001'))).toBe(1n)
    expect(decodeValue(decimal, bytes('ffffff80'))).toBe(-128n)
  })

  it.each<[string, Type, string, Value]>([
    ['int under long', { kind: 'long' }, 'ffffffff', -1n],
    ['float under double', { kind: 'double' }, '000090c0', -4.5],
    ['date under timestamp', { kind: 'timestamp' }, '01000000', 86_400_000_000n],
    ['date before 1970 under timestamp', { kind: 'timestamp' }, 'ffffffff', -86_400_000_000n],
    ['date under timestamp_ns', { kind: 'timestamp_ns' }, '02000000', 172_800_000_000_000n],
    ['a narrower decimal', decimal, '7f', 127n],
  ])('a bound from before a promotion decodes by its length: %s (trap 10)', (_, type, encoded, value) => {
    expect(decodeValue(type, bytes(encoded))).toBe(value)
  })

  it('refuses a date from before the promotion that timestamp_ns cannot hold', () => {
    expect(codeThrownBy(() => decodeValue({ kind: 'timestamp_ns' }, bytes('ffffff7f')))).toBe('CORRUPT')
  })

  it.each<[Type, string]>([
    [{ kind: 'boolean' }, ''], [{ kind: 'boolean' }, '0101'], [{ kind: 'int' }, '0000'], [{ kind: 'int' }, '0000000000'], [{ kind: 'long' }, '00'],
    [{ kind: 'time' }, '00000000'], [{ kind: 'timestamptz' }, '00000000'], [{ kind: 'timestamptz_ns' }, '00000000'], [{ kind: 'float' }, '0000000000000000'],
    [{ kind: 'double' }, '00'], [{ kind: 'uuid' }, '00'], [{ kind: 'fixed', length: 1 }, '0000'], [decimal, ''], [decimal, '00'.repeat(17)], [{ kind: 'string' }, 'ff'],
  ])('%j refuses the bytes "%s"', (type, encoded) => {
    expect(codeThrownBy(() => decodeValue(type, bytes(encoded)))).toBe('CORRUPT')
  })

  it('reads a truncated bound of a fixed column', () => {
    expect(decodeValue({ kind: 'fixed', length: 20 }, bytes('00ff'))).toEqual(bytes('00ff'))
  })

  it('any byte but zero is true', () => {
    expect(decodeValue({ kind: 'boolean' }, bytes('80'))).toBe(true)
  })

  it('copies bytes, so that a value does not keep its file in memory or change with it', () => {
    const buffer = new Uint8Array([1, 2, 3])
    const value = decodeValue({ kind: 'binary' }, buffer.subarray(1)) as Uint8Array
    buffer.fill(0)
    expect(value).toEqual(new Uint8Array([2, 3]))
    expect(value.buffer.byteLength).toBe(2)
  })

  it('decodes from any offset of a larger buffer', () => {
    const buffer = bytes('aa0000000000001840aa')
    expect(decodeValue({ kind: 'double' }, buffer.subarray(1, 9))).toBe(6)
  })

  it.each<[Type, Value]>([
    [{ kind: 'boolean' }, 0], [{ kind: 'int' }, 2147483648], [{ kind: 'int' }, 1.5], [{ kind: 'int' }, 1n], [{ kind: 'long' }, 1], [{ kind: 'long' }, 2n ** 63n],
    [{ kind: 'float' }, 0.1], [{ kind: 'double' }, '1'], [decimal, 1], [{ kind: 'string' }, '\ud800'], [{ kind: 'uuid' }, 'f79c3e09'],
    [{ kind: 'fixed', length: 1 }, new Uint8Array(2)], [{ kind: 'binary' }, 'ab'], [{ kind: 'int' }, null],
  ])('%j refuses the value %s', (type, value) => {
    expect(codeThrownBy(() => encodeValue(type, value))).toBe('INVALID')
  })

  it('has no form for unknown and nested values', () => {
    for (const type of [{ kind: 'unknown' }, { kind: 'struct', fields: [] }] as Type[]) expect(codeThrownBy(() => encodeValue(type, 1))).toBe('UNSUPPORTED')
    expect(codeThrownBy(() => decodeValue({ kind: 'struct', fields: [] }, new Uint8Array(0)))).toBe('UNSUPPORTED')
    expect(decodeValue({ kind: 'unknown' }, new Uint8Array(0))).toBeNull()
  })
})
