import { describe, expect, it } from 'vitest'
import { AvroInput } from '../../src/avro/avro-input.js'
import { AvroOutput } from '../../src/avro/avro-output.js'

const EDGES = [0n, 63n, 64n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 52n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 1n]
const LONGS = EDGES.flatMap((edge) => [edge, -edge, -edge - 1n])

describe('longs', () => {
  it('are exact over 64 bits, as bigint and as number', () => {
    for (const long of [...LONGS, ...LONGS.map((value) => value / 3n), ...LONGS.map((value) => -(value / 7n))]) {
      const output = new AvroOutput()
      output.writeLong(long)
      const asNumber = Number(long)
      if (Number.isSafeInteger(asNumber)) output.writeLong(asNumber)
      const input = new AvroInput(output.bytes().slice())
      expect(input.readLong()).toBe(long)
      input.position = 0
      expect(BigInt(input.readSafeLong())).toBe(long)
      expect(typeof new AvroInput(output.bytes().slice()).readSafeLong()).toBe(Number.isSafeInteger(asNumber) ? 'number' : 'bigint')
      if (Number.isSafeInteger(asNumber)) expect(input.readLong()).toBe(long)
      expect(input.remaining).toBe(0)
    }
  })

  it('take the shortest form', () => {
    for (const value of [0, 63, 64, -64, 2 ** 30, -(2 ** 30), 2 ** 40, -(2 ** 45), Number.MAX_SAFE_INTEGER]) {
      const fromNumber = new AvroOutput()
      fromNumber.writeLong(value)
      const fromBigInt = new AvroOutput()
      fromBigInt.writeLong(BigInt(value))
      expect(fromNumber.bytes()).toEqual(fromBigInt.bytes())
    }
  })

  it('of more than 64 bits are CORRUPT', () => {
    expect(() => new AvroInput(new Uint8Array(11).fill(0xff)).readLong()).toThrow('more than 64 bits')
    expect(() => new AvroInput(Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 255, 2)).readLong()).toThrow('more than 64 bits')
    expect(() => new AvroInput(Uint8Array.of(0x80)).readLong()).toThrow('ends inside a varint')
    expect(() => new AvroInput(new Uint8Array(0)).readLong()).toThrow('ends inside a varint')
  })
})

describe('an int', () => {
  it('of more than 32 bits is CORRUPT', () => {
    const output = new AvroOutput()
    output.writeLong(2 ** 31)
    expect(() => new AvroInput(output.bytes()).readInt()).toThrow('more than 32 bits')
  })
})

describe('a size', () => {
  it('that is negative or past the end is CORRUPT before anything is allocated', () => {
    const negative = new AvroOutput()
    negative.writeLong(-2)
    expect(() => new AvroInput(negative.bytes()).readBytes()).toThrow('negative')
    const huge = new AvroOutput()
    huge.writeLong(2n ** 62n)
    expect(() => new AvroInput(huge.bytes()).readBytes()).toThrow('absurd')
    const long = new AvroOutput()
    long.writeLong(2 ** 40)
    expect(() => new AvroInput(long.bytes()).readBytes()).toThrow('remain')
  })
})

describe('a block count', () => {
  it('that what remains cannot hold is CORRUPT, even for items of no bytes', () => {
    const output = new AvroOutput()
    output.writeLong(2 ** 40)
    expect(() => new AvroInput(output.bytes()).readBlockCount(1)).toThrow('claims')
    expect(() => new AvroInput(output.bytes()).readBlockCount(0)).toThrow('claims')
    const lowest = new AvroOutput()
    lowest.writeLong(-(2n ** 63n))
    lowest.writeLong(0)
    expect(() => new AvroInput(lowest.bytes()).readBlockCount(0)).toThrow('claims')
  })

  it('draws items of no bytes from one budget for the whole input', () => {
    const output = new AvroOutput()
    for (let i = 0; i < 11; i++) output.writeLong(100_000)
    const input = new AvroInput(output.bytes())
    for (let i = 0; i < 10; i++) expect(input.readBlockCount(0)).toBe(100_000)
    expect(() => input.readBlockCount(0)).toThrow('claims')
  })
})

describe('a string', () => {
  it('of malformed UTF-8 is CORRUPT', () => {
    expect(() => new AvroInput(Uint8Array.of(2, 0xff)).readString()).toThrow('UTF-8')
  })
})
