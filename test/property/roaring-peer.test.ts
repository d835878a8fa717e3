import fc from 'fast-check'
import { RoaringBitmap32, roaringLibraryInitialize } from 'roaring-wasm'
import { describe, expect, it } from 'vitest'
import { PositionBitmap } from '../../src/deletes/position-bitmap.js'

await roaringLibraryInitialize()

/** Stretches of up to 70,000 numbers, one in `step` of them, over the whole 32-bit range. */
const stretch = fc.record({
  first: fc.oneof(fc.nat(200_000), fc.integer({ min: 0, max: 2 ** 32 - 700_001 })),
  count: fc.oneof(fc.nat(50), fc.integer({ min: 3_000, max: 9_000 }), fc.constant(70_000)),
  step: fc.integer({ min: 1, max: 10 }),
})
const numbers = fc.array(stretch, { maxLength: 3 }).map((stretches) =>
  Uint32Array.from(stretches.flatMap(({ first, count, step }) => Array.from({ length: count }, (_, i) => first + i * step))),
)
const runs = { numRuns: 20 }

describe('a bitmap of positions and roaring-wasm', () => {
  it('read each other\'s bytes', () => {
    fc.assert(fc.property(numbers, (values) => {
      const [ours, theirs] = [PositionBitmap.of(values), new RoaringBitmap32(values)]
      expectSame(ours, theirs)
      theirs.runOptimize()
      expectSame(ours, theirs)
      theirs.dispose()
    }), runs)
  })

  it('agree on unions, intersections, differences, ranks and membership', () => {
    fc.assert(fc.property(numbers, numbers, fc.array(fc.nat(2 ** 32 - 1)), (a, b, probes) => {
      const [ours, others] = [PositionBitmap.of(a), PositionBitmap.of(b)]
      const [theirs, theirOthers] = [new RoaringBitmap32(a), new RoaringBitmap32(b)]
      const results = (['or', 'and', 'andNot'] as const).map((name) => RoaringBitmap32[name](theirs, theirOthers))
      expectSame(ours.union(others), results[0]!)
      expectSame(ours.intersection(others), results[1]!)
      expectSame(ours.difference(others), results[2]!)
      for (const probe of [...probes, ...a.subarray(0, 20)]) {
        expect(ours.rank(probe)).toBe(theirs.rank(probe))
        expect(ours.contains(probe)).toBe(theirs.has(probe))
      }
      for (const bitmap of [theirs, theirOthers, ...results]) bitmap.dispose()
    }), runs)
  })
})

function expectSame(ours: PositionBitmap, theirs: RoaringBitmap32): void {
  expect(ours.cardinality).toBe(theirs.size)
  if (theirs.isEmpty) return
  // Theirs is what ours holds for key 0
  const header = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
  const read = PositionBitmap.decode(Buffer.concat([header, theirs.serialize('portable')]))
  expect(read.equals(ours)).toBe(true)
  const back = RoaringBitmap32.deserialize(ours.encode().subarray(header.length), 'portable')
  expect(back.isEqual(theirs)).toBe(true)
  back.dispose()
}
