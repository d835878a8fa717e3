import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { xxhash64, xxhash64OfInt, xxhash64OfLong } from '../../src/util/xxhash64.js'
import type { Halves } from '../../src/util/xxhash64.js'

const valueOf = ([low, high]: Halves): bigint => (BigInt(high!) << 32n) | BigInt(low!)

function hash(bytes: Uint8Array, start = 0, end = bytes.length): bigint {
  const result = new Uint32Array(2)
  xxhash64(bytes, start, end, result)
  return valueOf(result)
}

/** The bytes that xxHash's own self-test hashes. */
function sanityBytes(length: number): Uint8Array {
  let state = 2654435761n
  return Uint8Array.from({ length }, () => {
    const byte = Number(state >> 56n)
    state = BigInt.asUintN(64, state * 11400714785074694797n)
    return byte
  })
}

describe('XXH64', () => {
  it.each([
    [0, 0xef46db3751d8e999n],
    [1, 0xe934a84adb052768n],
    [4, 0x9136a0dca57457een],
    [14, 0x8282dcc4994e35c8n],
    [222, 0xb641ae8cb691c174n],
  ])('gives the value of the self-test for %i bytes', (length, expected) => {
    expect(hash(sanityBytes(length))).toBe(expected)
  })

  it.each([
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
    ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
  ])('gives the published value of «%s»', (text, expected) => {
    expect(hash(new TextEncoder().encode(text))).toBe(expected)
  })

  it('agrees with the definition for any bytes, wherever they lie', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 150 }), fc.nat(9), (bytes, before) => {
        const shifted = new Uint8Array(before + bytes.length + 3).fill(7)
        shifted.set(bytes, before)
        expect(hash(shifted, before, before + bytes.length)).toBe(byDefinition(bytes))
      }),
    )
  })

  it('hashes numbers as their little-endian bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (bytes) => {
        const words = new DataView(bytes.buffer, bytes.byteOffset)
        const result = new Uint32Array(2)
        xxhash64OfLong(words.getInt32(0, true), words.getInt32(4, true), result)
        expect(valueOf(result)).toBe(hash(bytes))
        xxhash64OfInt(words.getInt32(0, true), result)
        expect(valueOf(result)).toBe(hash(bytes, 0, 4))
      }),
    )
  })
})

const p1 = 0x9e3779b185ebca87n
const p2 = 0xc2b2ae3d27d4eb4fn
const p3 = 0x165667b19e3779f9n
const p4 = 0x85ebca77c2b2ae63n
const p5 = 0x27d4eb2f165667c5n
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value)
const rotl = (value: bigint, bits: bigint): bigint => u64((value << bits) | (value >> (64n - bits)))
const round = (lane: bigint, input: bigint): bigint => u64(rotl(u64(lane + input * p2), 31n) * p1)

/** The specification word for word. */
function byDefinition(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  let hashed: bigint = p5
  if (bytes.length >= 32) {
    let lanes = [u64(p1 + p2), p2, 0n, u64(-p1)]
    for (; at + 32 <= bytes.length; at += 32) lanes = lanes.map((lane, i) => round(lane, view.getBigUint64(at + 8 * i, true)))
    const [a, b, c, d] = lanes as [bigint, bigint, bigint, bigint]
    hashed = u64(rotl(a, 1n) + rotl(b, 7n) + rotl(c, 12n) + rotl(d, 18n))
    for (const lane of lanes) hashed = u64((hashed ^ round(0n, lane)) * p1 + p4)
  }
  hashed = u64(hashed + BigInt(bytes.length))
  for (; at + 8 <= bytes.length; at += 8) hashed = u64(rotl(hashed ^ round(0n, view.getBigUint64(at, true)), 27n) * p1 + p4)
  if (at + 4 <= bytes.length) {
    hashed = u64(rotl(hashed ^ u64(BigInt(view.getUint32(at, true)) * p1), 23n) * p2 + p3)
    at += 4
  }
  for (; at < bytes.length; at++) hashed = u64(rotl(hashed ^ u64(BigInt(bytes[at]!) * p5), 11n) * p1)
  hashed = u64((hashed ^ (hashed >> 33n)) * p2)
  hashed = u64((hashed ^ (hashed >> 29n)) * p3)
  return hashed ^ (hashed >> 32n)
}
