import { describe, expect, it } from 'vitest'
import { compareBytes, compareUtf8, decodeUtf8, encodeUtf8 } from '../../src/util/utf8.js'

describe('compareUtf8', () => {
  it('orders by code point where UTF-16 would not (trap 4)', () => {
    expect('\uFFFD' < '😀').toBe(false)
    expect(compareUtf8('\uFFFD', '😀')).toBeLessThan(0)
    expect(compareUtf8('😀', '\uFFFD')).toBeGreaterThan(0)
    expect(compareUtf8('\uE000', '\u{10000}')).toBeLessThan(0)
    expect(compareUtf8('a', '\uE000')).toBeLessThan(0)
  })

  it('agrees with the order of the UTF-8 bytes', () => {
    const texts = ['', 'a', 'ab', 'b', 'é', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff', '😀', '😀a', '\u{10ffff}', '\u{10000}\u{10001}', '\u{10000}\u{10000}']
    for (const a of texts) {
      for (const b of texts) expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(compareBytes(encodeUtf8(a), encodeUtf8(b))))
    }
  })
})

describe('compareBytes', () => {
  it('is unsigned and puts a prefix first', () => {
    expect(compareBytes(Uint8Array.of(0x7f), Uint8Array.of(0x80))).toBeLessThan(0)
    expect(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBeLessThan(0)
    expect(compareBytes(new Uint8Array(0), new Uint8Array(0))).toBe(0)
  })
})

describe('UTF-8', () => {
  it('round-trips every plane and keeps a byte order mark', () => {
    for (const text of ['', '\ufeffx', 'é😀\u0000', '\ufffd']) expect(decodeUtf8(encodeUtf8(text))).toBe(text)
  })

  it('refuses a lone surrogate and malformed bytes instead of replacing them', () => {
    for (const text of ['a\ud800b', '\ud800\ue000', '\udbff\ud800\udc00', 'abc\ud800']) {
      expect(() => encodeUtf8(text)).toThrow('lone surrogate')
    }
    expect(() => encodeUtf8('\udc00')).toThrow('lone surrogate')
    expect(() => decodeUtf8(Uint8Array.of(0xff))).toThrow('Malformed')
  })
})
