import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PositionBitmap } from '../../src/deletes/position-bitmap.js'

/** A part of a set of positions: loose positions, a dense stretch, or a run, somewhere among a few blocks and 32-bit halves. */
const base = fc.oneof(
  fc.nat(300_000),
  fc.nat(300_000),
  fc.constantFrom(65_536 - 3, 2 ** 32 - 3, 2 ** 32, 3 * 2 ** 32 + 7, 2 ** 40),
)
const part = fc.oneof(
  fc.array(base, { maxLength: 40 }),
  fc.record({ base, count: fc.integer({ min: 3_900, max: 4_300 }), step: fc.integer({ min: 1, max: 9 }) })
    .map(({ base: from, count, step }) => Array.from({ length: count }, (_, i) => from + i * step)),
  fc.record({ base, count: fc.integer({ min: 1, max: 5_000 }) })
    .map(({ base: from, count }) => Array.from({ length: count }, (_, i) => from + i)),
)
const positions = fc.array(part, { maxLength: 4 }).map((parts) => parts.flat())
/** The same positions, come in one by one, by ranges or from bytes. */
const bitmaps = fc.record({ values: positions, build: fc.constantFrom('add', 'ranges', 'bytes') }).map(({ values, build }) => {
  const bitmap = new PositionBitmap()
  const model = new Set(values)
  if (build === 'ranges') {
    for (const [from, to] of rangesOf(model)) bitmap.addRange(from, to)
    return { model, bitmap }
  }
  for (const value of values) bitmap.add(value)
  return { model, bitmap: build === 'add' ? bitmap : PositionBitmap.decode(bitmap.encode()) }
})
const runs = { numRuns: 100 }

describe('a bitmap of positions agrees with a set', () => {
  it('holds what was added, in order', () => {
    fc.assert(fc.property(bitmaps, ({ model, bitmap }) => {
      expectSame(bitmap, model)
      for (const value of [...model].slice(0, 20)) expect(bitmap.contains(value)).toBe(true)
    }), runs)
  })

  it('contains nothing else', () => {
    fc.assert(fc.property(bitmaps, fc.array(base), ({ model, bitmap }, probes) => {
      for (const probe of probes) expect(bitmap.contains(probe)).toBe(model.has(probe))
    }), runs)
  })

  it('unites, intersects and subtracts, and leaves the operands alone', () => {
    fc.assert(fc.property(bitmaps, bitmaps, (a, b) => {
      expectSame(a.bitmap.union(b.bitmap), new Set([...a.model, ...b.model]))
      expectSame(a.bitmap.intersection(b.bitmap), new Set([...a.model].filter((value) => b.model.has(value))))
      expectSame(a.bitmap.difference(b.bitmap), new Set([...a.model].filter((value) => !b.model.has(value))))
      expectSame(a.bitmap, a.model)
      expectSame(b.bitmap, b.model)
    }), runs)
  })

  it('adds another in place, and clones stay apart', () => {
    fc.assert(fc.property(bitmaps, bitmaps, fc.array(base, { maxLength: 20 }), (a, b, more) => {
      const clone = a.bitmap.clone()
      const target = a.bitmap.clone()
      target.addAll(b.bitmap)
      for (const value of more) target.add(value)
      expectSame(target, new Set([...a.model, ...b.model, ...more]))
      expect(clone.equals(a.bitmap)).toBe(true)
      expectSame(clone, a.model)
      expectSame(b.bitmap, b.model)
    }), runs)
  })

  it('adds ranges over what it has', () => {
    fc.assert(fc.property(bitmaps, base, fc.nat(140_000), ({ model, bitmap }, from, length) => {
      bitmap.addRange(from, from + length)
      const expected = new Set(model)
      for (let value = from; value < from + length; value++) expected.add(value)
      expectSame(bitmap, expected)
    }), { numRuns: 40 })
  })

  it('ranks and counts ranges', () => {
    fc.assert(fc.property(bitmaps, fc.array(base, { minLength: 1 }), fc.nat(100_000), ({ model, bitmap }, probes, length) => {
      for (const probe of probes) {
        let rank = 0
        let inRange = 0
        for (const value of model) {
          if (value <= probe) rank++
          if (value >= probe && value < probe + length) inRange++
        }
        expect(bitmap.rank(probe)).toBe(rank)
        expect(bitmap.countInRange(probe, probe + length)).toBe(inRange)
      }
    }), { numRuns: 60 })
  })

  it('clears the rows of a mask that are deleted', () => {
    fc.assert(fc.property(bitmaps, base, fc.nat(70_000), ({ model, bitmap }, first, count) => {
      const mask = new Uint8Array(count).fill(1)
      bitmap.removeFrom(mask, first, count)
      const expected = new Uint8Array(count).fill(1)
      for (const value of model) if (value >= first && value < first + count) expected[value - first] = 0
      expect(Buffer.compare(mask, expected)).toBe(0)
    }), runs)
  })

  it('survives its bytes, wherever they lie in memory', () => {
    fc.assert(fc.property(bitmaps, fc.nat(3), fc.boolean(), ({ model, bitmap }, shift, isBuffer) => {
      const bytes = bitmap.encode()
      const moved = (isBuffer ? Buffer.alloc(bytes.length + shift) : new Uint8Array(bytes.length + shift)).subarray(shift)
      moved.set(bytes)
      const decoded = PositionBitmap.decode(moved)
      expectSame(decoded, model)
      expect(decoded.equals(bitmap)).toBe(true)
      expect(Buffer.compare(decoded.encode(), bytes)).toBe(0)
    }), runs)
  })
})

function expectSame(bitmap: PositionBitmap, model: ReadonlySet<number>): void {
  const expected = Float64Array.from(model).sort()
  const found = Float64Array.from(bitmap)
  expect(bitmap.cardinality).toBe(expected.length)
  expect(bitmap.isEmpty).toBe(expected.length === 0)
  expect(Buffer.compare(new Uint8Array(found.buffer), new Uint8Array(expected.buffer))).toBe(0)
}

function rangesOf(model: ReadonlySet<number>): [number, number][] {
  const ranges: [number, number][] = []
  for (const value of Float64Array.from(model).sort()) {
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === value) last[1]++
    else ranges.push([value, value + 1])
  }
  return ranges
}
