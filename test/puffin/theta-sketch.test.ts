import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  decodeThetaSketch, encodeThetaSketch, THETA_SEED, ThetaSketch, thetaEstimate, thetaNdv, uniteThetaSketches, type CompactThetaSketch,
} from '../../src/puffin/theta-sketch.js'
import { hash128, murmur3Bytes, murmur3Int, murmur3Long } from '../../src/util/murmur3-128.js'

/** Made by datasketches-java 6.1.1 as Spark makes its sketches: of the family Alpha, then united with an empty one. */
interface Vectors {
  readonly hashes: readonly (readonly [hex: string, hash: string])[]
  readonly sketches: readonly (Sketched & { readonly values: number; readonly bytes?: string })[]
  readonly union: Sketched
}

interface Sketched {
  readonly ndv: string
  readonly theta: string
  readonly sha256: string
}
const vectors = JSON.parse(readFileSync(new URL('theta-vectors.json', import.meta.url), 'utf8')) as Vectors

const unsigned = ({ low, high }: typeof hash128): string => String((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0))
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** The sketch of squares of `[from, to)`, or of those numbers themselves. */
function sketchOf(from: number, to: number, valueOf: (i: number) => number): CompactThetaSketch {
  const sketch = new ThetaSketch()
  for (let i = from; i < to; i++) {
    const value = valueOf(i)
    murmur3Long(value | 0, Math.floor(value / 2 ** 32), THETA_SEED)
    sketch.update(hash128.low, hash128.high)
    if (i % 3 === 0) sketch.update(hash128.low, hash128.high)
  }
  return sketch.compact()
}

describe('MurmurHash3 of 128 bits', () => {
  it('is that of the library for bytes of every length up to 40', () => {
    for (const [hex, hash] of vectors.hashes) {
      const bytes = Buffer.from(`ff${hex}ff`, 'hex')
      murmur3Bytes(bytes, 1, bytes.length - 1, THETA_SEED)
      expect(unsigned(hash128)).toBe(hash)
    }
  })

  it('hashes numbers as their little-endian bytes', () => {
    const bytes = Uint8Array.of(1, 2, 3, 0x84, 5, 6, 7, 0x88)
    const view = new DataView(bytes.buffer)
    murmur3Bytes(bytes, 0, 8, THETA_SEED)
    const whole = unsigned(hash128)
    murmur3Long(view.getInt32(0, true), view.getInt32(4, true), THETA_SEED)
    expect(unsigned(hash128)).toBe(whole)
    murmur3Bytes(bytes, 0, 4, THETA_SEED)
    const half = unsigned(hash128)
    murmur3Int(view.getInt32(0, true), THETA_SEED)
    expect(unsigned(hash128)).toBe(half)
  })
})

describe('theta sketches', () => {
  it('have the bytes that the library writes, exact and estimated', () => {
    for (const { values, ndv, theta, sha256: digest, bytes } of vectors.sketches) {
      const sketch = sketchOf(0, values, (i) => i * i + i)
      const encoded = encodeThetaSketch(sketch)
      expect([values, String(sketch.theta), String(thetaNdv(sketch))]).toEqual([values, theta, ndv])
      if (bytes !== undefined) expect(Buffer.from(encoded).toString('hex')).toBe(bytes)
      expect(sha256(encoded)).toBe(digest)
      expect(decodeThetaSketch(encoded)).toEqual(sketch)
    }
  })

  it('unite to what the library makes of them, in any order', () => {
    const parts = [sketchOf(0, 30_000, (i) => i), sketchOf(20_000, 90_000, (i) => i)]
    for (const sketches of [parts, parts.toReversed()]) {
      const united = uniteThetaSketches(sketches)
      expect([String(united.theta), String(thetaNdv(united)), sha256(encodeThetaSketch(united))]).toEqual([
        vectors.union.theta, vectors.union.ndv, vectors.union.sha256,
      ])
    }
    expect(thetaEstimate(uniteThetaSketches([]))).toBe(0)
    const one = sketchOf(0, 10, (i) => i)
    expect(uniteThetaSketches([one, one])).toEqual(one)
  })

  it('are read unordered, and refused when they are damaged or of another kind', () => {
    const bytes = encodeThetaSketch(sketchOf(0, 3, (i) => i))
    const unordered = bytes.slice()
    unordered[5]! &= ~16
    unordered.set(bytes.subarray(16, 24), 24)
    unordered.set(bytes.subarray(24, 32), 16)
    expect(decodeThetaSketch(unordered)).toEqual(decodeThetaSketch(bytes))
    const changed = (at: number, value: number): Uint8Array => {
      const copy = bytes.slice()
      copy[at] = value
      return copy
    }
    expect(() => decodeThetaSketch(bytes.subarray(0, 30))).toThrow('claims 3 hashes in 30 bytes')
    expect(() => decodeThetaSketch(changed(11, 0x7f))).toThrow(/claims \d+ hashes/)
    expect(() => decodeThetaSketch(changed(0, 9))).toThrow('its preamble takes 9 longs')
    expect(() => decodeThetaSketch(changed(1, 2))).toThrow('version 2')
    expect(() => decodeThetaSketch(changed(2, 1))).toThrow('family 1')
    expect(() => decodeThetaSketch(changed(6, 1))).toThrow('seed hash')
    expect(() => decodeThetaSketch(changed(23, 0xff))).toThrow('do not ascend')
    expect(() => decodeThetaSketch(Uint8Array.of(1))).toThrow('it has 1 bytes')
  })
})
