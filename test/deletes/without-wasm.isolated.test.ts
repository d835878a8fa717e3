import { afterEach, describe, expect, it, vi } from 'vitest'
import { PositionBitmap } from '../../src/deletes/position-bitmap.js'

let seed = 11
const random = (below: number): number => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 4) % below
const ascending = (count: number, below: number): number[] =>
  [...new Set(Array.from({ length: count }, () => random(below)))].sort((a, b) => a - b)
const united = (a: readonly number[], b: readonly number[]): number[] => [...new Set([...a, ...b])].sort((x, y) => x - y)

describe('without WebAssembly', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  it('bitmaps are decoded, checked and united all the same', async () => {
    const sets = [ascending(9000, 3_000_000), ascending(9000, 30_000), Array.from({ length: 9000 }, (_, i) => i + 37 * (i >>> 6))]
    const bytes = sets.map((values) => PositionBitmap.of(values).encode())
    vi.stubGlobal('WebAssembly', undefined)
    vi.resetModules()
    const { PositionBitmap: PlainBitmap } = await import('../../src/deletes/position-bitmap.js')
    expect((await import('../../src/deletes/roaring-kernel.js')).roaringKernel()).toBeUndefined()
    for (const [i, a] of sets.entries()) {
      for (const [j, b] of sets.entries()) {
        expect([...PlainBitmap.decode(bytes[i]!).union(PlainBitmap.decode(bytes[j]!))]).toEqual(united(a, b))
      }
    }
    for (const [i, damaged] of bytes.entries()) {
      damaged.fill(0x55, damaged.length - 4)
      expect(() => PlainBitmap.decode(damaged), `set ${i}`).toThrow(/damaged/)
    }
  })
})
