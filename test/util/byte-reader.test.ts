import { describe, expect, it } from 'vitest'
import { ByteReader } from '../../src/util/byte-reader.js'
import { ByteWriter } from '../support/byte-writer.js'

describe('ByteReader and ByteWriter', () => {
  it('read back what was written, across growth', () => {
    const writer = new ByteWriter(1)
    writer.u8(255)
    writer.u16(0xfffe)
    writer.u32(0xffff_fffd)
    writer.u32BigEndian(1)
    writer.i32(-5)
    writer.u64(-1n)
    writer.f32(0.5)
    writer.f64(-0)
    writer.varint(300n)
    writer.varint(0xffff_ffff_ffff_ffffn)
    writer.utf8('é')
    const reader = new ByteReader(writer.toBytes())
    expect([reader.u8(), reader.u16(), reader.u32(), reader.u32BigEndian(), reader.i32()]).toEqual([255, 0xfffe, 0xffff_fffd, 1, -5])
    expect(reader.i64()).toBe(-1n)
    expect([reader.f32(), reader.f64()]).toEqual([0.5, -0])
    expect([reader.varint(), reader.varint()]).toEqual([300n, 0xffff_ffff_ffff_ffffn])
    expect(reader.utf8(2)).toBe('é')
    expect(reader.remaining).toBe(0)
  })

  it('name what they read when it ends early', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3), 'roaring bitmap')
    expect(() => reader.u32()).toThrow('Corrupt roaring bitmap: it needs 4 bytes at offset 0, but 3 remain')
    expect(() => reader.view8(-1)).toThrow('Corrupt')
    expect(() => reader.view8(Number.NaN)).toThrow('Corrupt')
    expect(reader.position).toBe(0)
  })

  it('refuse a varint of more than 64 bits', () => {
    expect(() => new ByteReader(new Uint8Array(11).fill(0x80)).varint()).toThrow('varint')
    expect(() => new ByteReader(Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 255, 2)).varint()).toThrow('varint')
  })
})
