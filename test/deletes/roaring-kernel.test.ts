import { describe, expect, it } from 'vitest'
import { PositionBitmap } from '../../src/deletes/position-bitmap.js'
import { roaringKernel } from '../../src/deletes/roaring-kernel.js'

const kernel = roaringKernel()!
let seed = 11
const random = (below: number): number => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 4) % below
const ascending = (count: number, below: number): number[] =>
  [...new Set(Array.from({ length: count }, () => random(below)))].sort((a, b) => a - b)
const united = (a: readonly number[], b: readonly number[]): number[] => [...new Set([...a, ...b])].sort((x, y) => x - y)

/** A bitmap of runs of two values, whichever form was smaller. */
function bytesOfRuns(runCount: number, step: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(23 + 4 * runCount))
  view.setBigUint64(0, 1n, true)
  view.setUint32(12, 12347, true)
  view.setUint8(16, 1)
  view.setUint16(19, 2 * runCount - 1, true)
  view.setUint16(21, runCount, true)
  for (let i = 0; i < runCount; i++) {
    view.setUint16(23 + 4 * i, step * i, true)
    view.setUint16(25 + 4 * i, 1, true)
  }
  return new Uint8Array(view.buffer)
}

describe('the kernel', () => {
  it('counts the bits of blocks of any length', () => {
    for (const length of [0, 64, 640, 8192]) {
      const bytes = Uint8Array.from({ length }, () => random(256))
      kernel.bytes.set(bytes)
      kernel.bytes[length] = 255
      expect(kernel.countBits(length)).toBe(bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0))
    }
  })

  it('finds values out of order at every place of arrays of every length, and none beyond them', () => {
    for (let length = 1; length <= 40; length++) {
      const values = Uint16Array.from({ length }, (_, i) => 65_535 - length + i)
      kernel.values.set(values, 9)
      kernel.values[8] = 65_535
      kernel.values[9 + length] = 0
      expect(kernel.findDisorder(18, 18 + 2 * length)).toBe(0)
      for (let at = 1; at < length; at++) {
        for (const wrong of [values[at - 1]!, 0]) {
          kernel.values[9 + at] = wrong
          expect(kernel.findDisorder(18, 18 + 2 * length)).not.toBe(0)
        }
        kernel.values[9 + at] = values[at]!
      }
    }
  })
})

type Run = readonly [first: number, length: number]

/** Runs that are apart; some of them end with the last value. */
function randomRuns(count: number, spread: number): Run[] {
  const runs: Run[] = []
  for (let first = random(spread), i = 0; i < count && first <= 65_535; i++) {
    const length = random(8) === 0 ? random(65_536 - first) : Math.min(random(spread), 65_535 - first)
    runs.push([first, length])
    first += length + 2 + random(spread)
  }
  return runs
}

function unitedRuns(runs: readonly Run[]): Run[] {
  const result: [number, number][] = []
  for (const [first, length] of [...runs].sort((a, b) => a[0] - b[0])) {
    const before = result.at(-1)
    if (before === undefined || first > before[0] + before[1] + 1) result.push([first, length])
    else before[1] = Math.max(before[1], first + length - before[0])
  }
  return result
}

describe('the kernel, on runs,', () => {
  it('measures those that are apart, and no others', () => {
    for (let count = 1; count <= 20; count++) {
      const runs = Array.from({ length: count }, (_, i) => [65_536 - 10 * (count - i), i === count - 1 ? 9 : random(9)] as const)
      kernel.values.set(runs.flat(), 9)
      // What lies before and behind belongs to others
      kernel.values[8] = 65_535
      kernel.values[9 + 2 * count] = 0
      expect(kernel.measureRuns(18, 18 + 4 * count)).toBe(runs.reduce((sum, [, length]) => sum + length, 0))
      for (let i = 0; i < count; i++) {
        for (const wrong of i === count - 1 ? [10, 65_535] : [9, 10, 65_535]) {
          kernel.values[10 + 2 * i] = wrong
          expect(kernel.measureRuns(18, 18 + 4 * count)).toBe(-1)
        }
        kernel.values[10 + 2 * i] = runs[i]![1]
      }
    }
  })

  it('unites lists wherever they are parted, and writes nothing before the result or two runs behind it', () => {
    for (let round = 0; round < 2000; round++) {
      const spread = [3, 30, 3000][round % 3]!
      const [a, b] = [randomRuns(random(20), spread), randomRuns(random(20), spread)]
      const half = random(a.length + 1)
      const pivot = a[half]?.[0] ?? 65_536
      const otherHalf = b.filter(([first]) => first < pivot).length
      const [i, j, out] = [16, 16 + 4 * a.length, 512]
      const total = a.length + b.length
      kernel.values.fill(7, out / 2 - 8, out / 2 + 2 * total + 12)
      kernel.values.set([...a, ...b].flat(), i / 2)
      const end = kernel.uniteRuns(i, i + 4 * half, j, j, j + 4 * otherHalf, j + 4 * b.length, out)
      const expected = unitedRuns([...a, ...b])
      expect([...kernel.values.subarray(out / 2, end / 2)]).toEqual(expected.flat())
      expect(kernel.values[0]! + 65_536 * kernel.values[1]!).toBe(expected.reduce((sum, [, length]) => sum + length + 1, 0))
      expect([...kernel.values.subarray(out / 2 - 8, out / 2)]).toEqual(new Array(8).fill(7))
      expect([...kernel.values.subarray(out / 2 + 2 * total + 4, out / 2 + 2 * total + 12)]).toEqual(new Array(8).fill(7))
    }
  })
})

describe('a union by the kernel', () => {
  it('has the values of many small arrays that lie in several windows, next to containers that only one side has', () => {
    const [a, b] = [ascending(60_000, 60_000_000), ascending(60_000, 50_000_000)]
    const [left, right] = [a, b].map((values) => PositionBitmap.decode(PositionBitmap.of(values).encode()))
    expect([...left!.union(right!)]).toEqual(united(a, b))
    left!.addAll(right!)
    expect([...left!]).toEqual(united(a, b))
    expect([...right!]).toEqual(b)
  })

  it('has the values of the largest arrays, and of runs that touch and overlap', () => {
    for (const step of [3, 17, 1000]) {
      for (const length of [1, step >>> 1, step - 1]) {
        const lists: number[][] = [[], []]
        for (let at = 0; at + 2 * step < 70_000; at += step) {
          const from = at + random(step - length)
          for (let i = 0; i < length; i++) {
            lists[0]!.push(at + i)
            lists[1]!.push(from + i)
          }
        }
        const [left, right] = lists.map((list) => PositionBitmap.decode(PositionBitmap.of(list).encode()))
        expect(left!.union(right!).encode()).toEqual(PositionBitmap.of(united(lists[0]!, lists[1]!)).encode())
      }
    }
  })

  it('has the values of lists of runs that are too long for a window', () => {
    const bytes = bytesOfRuns(10_000, 6)
    const [left, right] = [PositionBitmap.decode(bytes), PositionBitmap.of([4, 65_000])]
    expect([...left.union(right)]).toEqual(united([...left], [4, 65_000]))
    const other = PositionBitmap.decode(bytesOfRuns(9000, 7))
    expect([...left.union(other)]).toEqual(united([...left], [...other]))
  })

  it('leaves results apart: changing one changes no other', () => {
    const [a, b] = [ascending(500, 1_000_000), ascending(500, 1_000_000)]
    const both = PositionBitmap.of(a).union(PositionBitmap.of(b))
    const other = PositionBitmap.of(b).union(PositionBitmap.of(a))
    for (let at = 0; at < 1_000_000; at += 7) both.add(at)
    expect([...other]).toEqual(united(a, b))
  })
})
