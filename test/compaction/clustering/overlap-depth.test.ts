import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { boxDepths, probesOf } from '../../../src/compaction/clustering/box-depths.js'
import { BoxTree } from '../../../src/compaction/clustering/box-tree.js'
import { fileBoxes } from '../../../src/compaction/clustering/boxes.js'
import type { Boxes } from '../../../src/compaction/clustering/boxes.js'
import { overlapDepth } from '../../../src/compaction/clustering/overlap-depth.js'
import { column, countAt, fileOf, intervals, orderOf } from './clustered-files.js'
import type { Range } from './clustered-files.js'

const byC1 = orderOf('linear', column(1))
const ints = fc.integer({ min: -20, max: 20 })
const range = fc.tuple(ints, ints).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)])

/** The average over a file's extent of how many files there are, unit interval by unit interval; of files with an extent. */
function naiveDepths(ranges: readonly (readonly [number, number])[]): { depths: number[]; maximum: number } {
  const wide = ranges.filter(([low, high]) => low < high)
  const depthAt = (x: number): number => wide.filter(([low, high]) => low < x && x < high).length
  const depths = wide.map(([low, high]) => {
    const units = Array.from({ length: high - low }, (_, i) => depthAt(low + i + 0.5))
    return units.reduce((sum, depth) => sum + depth, 0) / units.length
  })
  const maximum = Math.max(0, ...Array.from({ length: 41 }, (_, i) => depthAt(i - 20 + 0.5)))
  return { depths, maximum }
}

describe('the overlap depth by one column', () => {
  it('is what counting unit by unit gives', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), (ranges) => {
        const { depths, maximum } = naiveDepths(ranges)
        const depth = overlapDepth(intervals(...ranges), byC1)
        const expected = depths.length > 0 ? depths.reduce((sum, one) => sum + one, 0) / depths.length : ranges.length > 0 ? 1 : 0
        expect(depth.average).toBeCloseTo(expected, 6)
        expect(depth.constantFiles).toBe(ranges.length - depths.length)
        expect(depth.maximum).toBe(depths.length > 0 ? maximum : ranges.length > 0 ? 1 : 0)
      }),
    )
  })

  it('is 1 for sorted files, also where neighbours share a bound', () => {
    expect(overlapDepth(intervals([0, 10], [10, 20], [20, 30], [30, 40]), byC1)).toMatchObject({ average: 1, maximum: 1 })
  })

  it('counts files of one value nowhere but as such', () => {
    const depth = overlapDepth(intervals([5, 5], [5, 5], [5, 5], [0, 10]), byC1)
    expect(depth).toMatchObject({ files: 4, average: 1, maximum: 1, constantFiles: 3 })
  })

  it('finds a file without bounds everywhere', () => {
    const depth = overlapDepth(intervals([0, 10], [10, 20], undefined), byC1)
    expect(depth).toMatchObject({ average: 2, maximum: 2, unboundedFiles: 1 })
  })

  it('keeps files of nulls apart from those of values', () => {
    expect(overlapDepth(intervals(null, null, [0, 10]), byC1)).toMatchObject({ average: 1, maximum: 1, constantFiles: 2 })
  })

  it('takes inverted and damaged bounds as not known', () => {
    const damaged = fileOf([column(1, { kind: 'string' })], [['a', 'b']])
    expect(overlapDepth([damaged, ...intervals([5, 2])], byC1)).toMatchObject({ unboundedFiles: 2 })
  })

  it('compares only files of one partition', () => {
    const files = ['a', 'a', 'b'].map((partitionKey) => fileOf([column(1)], [[0, 10]], { partitionKey }))
    expect(overlapDepth(files, byC1)).toMatchObject({ average: 5 / 3, maximum: 2 })
  })

  it('counts files by their depth, in classes that double', () => {
    const files = intervals(...Array.from({ length: 6 }, (): Range => [0, 10]), [20, 30])
    expect(overlapDepth(files, byC1).histogram).toEqual([
      { fromDepth: 1, files: 1 },
      { fromDepth: 2, files: 0 },
      { fromDepth: 3, files: 0 },
      { fromDepth: 5, files: 6 },
    ])
  })

  it('is 0 for no files', () => {
    expect(overlapDepth([], byC1)).toMatchObject({ files: 0, average: 0, maximum: 0, histogram: [] })
  })
})

describe('bounds of every type', () => {
  const depthOf = (type: Parameters<typeof column>[1], ...ranges: Range[]): number => {
    const field = column(1, type)
    return overlapDepth(ranges.map((one) => fileOf([field], [one])), orderOf('linear', field)).maximum
  }

  it('are told apart exactly where doubles are not: longs over 2^53', () => {
    const big = 2n ** 60n
    expect(depthOf({ kind: 'long' }, [big, big + 1n], [big + 1n, big + 2n], [big + 2n, big + 3n])).toBe(1)
    expect(depthOf({ kind: 'long' }, [big, big + 2n], [big + 1n, big + 3n])).toBe(2)
  })

  it('compare text by code point: trap 4', () => {
    expect(depthOf({ kind: 'string' }, ['\uFFFD', '😀'], ['😀', '😁'])).toBe(1)
    expect(depthOf({ kind: 'string' }, ['a', '\uFFFD'], ['b', '😀'])).toBe(2)
  })

  it('are values also when they are empty: trap 5', () => {
    expect(depthOf({ kind: 'string' }, ['', 'b'], ['a', 'c'])).toBe(2)
    expect(depthOf({ kind: 'boolean' }, [false, true], [false, true])).toBe(2)
  })

  it('take -0.0 and 0.0 as one value, and infinities as ends: trap 6', () => {
    expect(depthOf({ kind: 'double' }, [-Infinity, -0], [0, Infinity])).toBe(1)
    expect(depthOf({ kind: 'double' }, [-Infinity, 1], [0, Infinity])).toBe(2)
  })

  it('say nothing when they are NaN', () => {
    const field = column(1, { kind: 'double' })
    expect(overlapDepth([fileOf([field], [[NaN, NaN]]), fileOf([field], [[0, 1]])], orderOf('linear', field)).unboundedFiles).toBe(1)
  })

  it('that were cut from text which begins alike are those of one value: no rewrite would tell them apart', () => {
    const field = column(1, { kind: 'string' })
    const cut = fileOf([field], [['https://example.', 'https://example/']])
    expect(overlapDepth([cut, cut, cut], orderOf('linear', field))).toMatchObject({ constantFiles: 3, maximum: 1 })
    const whole = fileOf([field], [['a', 'b']])
    expect(overlapDepth([whole, whole], orderOf('linear', field))).toMatchObject({ constantFiles: 0, maximum: 2 })
  })

  it('of decimals, dates and UUIDs keep their order', () => {
    expect(depthOf({ kind: 'decimal', precision: 20, scale: 2 }, [-500n, 127n], [127n, 128n], [128n, 40_000n])).toBe(1)
    const [a, b, c] = ['0', '8', 'f'].map((digit) => `${digit.repeat(8)}-0000-0000-0000-000000000000`)
    expect(depthOf({ kind: 'uuid' }, [a!, b!], [b!, c!])).toBe(1)
  })
})

describe('the overlap depth by a sort order of two columns', () => {
  const [a, b] = [column(1), column(2)]
  const order = orderOf('linear', a, b)

  it('is that of the second within one value of the first', () => {
    const files = [[0, 5], [5, 10], [10, 15]].map(([low, high]) => fileOf([a, b], [[1, 1], [low!, high!]]))
    expect(overlapDepth([...files, fileOf([a, b], [[1, 2], [0, 15]])], order)).toMatchObject({ average: 1, maximum: 1 })
  })

  it('is that of the first as soon as it has several values, whatever the second says', () => {
    const files = [fileOf([a, b], [[0, 9], [0, 1]]), fileOf([a, b], [[1, 8], [5, 6]])]
    expect(overlapDepth(files, order).maximum).toBe(2)
  })

  it('tells files of one value between the bounds of another', () => {
    const files = [fileOf([a, b], [[0, 9], [0, 1]]), fileOf([a, b], [[4, 4], [5, 6]])]
    expect(overlapDepth(files, order).maximum).toBe(2)
  })
})

describe('boxes of several columns', () => {
  const fields = [column(1), column(2), column(3)]
  const boxesOf = (ranges: readonly (readonly [number, number])[][]): Boxes =>
    fileBoxes(ranges.map((one) => fileOf(fields, one)), orderOf('hilbert', ...fields)).boxes
  const someBoxes = fc.array(fc.tuple(range, range, range), { minLength: 1, maxLength: 40 }).map(boxesOf)

  it('are counted at any point as one by one', () => {
    fc.assert(
      fc.property(someBoxes, fc.tuple(ints, ints, ints), (boxes, point) => {
        expect(new BoxTree(boxes).countAt(point)).toBe(countAt(boxes, point))
      }),
    )
  })

  it('hang together as far as naive merging says', () => {
    fc.assert(
      fc.property(someBoxes, (boxes) => {
        expect(new BoxTree(boxes).components()).toEqual(naiveComponents(boxes))
      }),
    )
  })

  it('are as deep as their points say, counted one by one', () => {
    fc.assert(
      fc.property(someBoxes, (boxes) => {
        const { depths, maximum } = boxDepths(boxes)
        const counted = Array.from(depths, (_, box) => Array.from(probesOf(boxes, box, 16), (point) => countAt(boxes, point)))
        expect(maximum).toBe(Math.max(1, ...counted.flat()))
        counted.forEach((counts, box) => expect(depths[box]).toBeCloseTo(counts.reduce((sum, count) => sum + count, 0) / 16, 9))
      }),
      { numRuns: 30 },
    )
  })

  it('that share only a side do not overlap', () => {
    const order = orderOf('zorder', fields[0]!, fields[1]!)
    const grid = [0, 1, 2].flatMap((x) => [0, 1, 2].map((y) => fileOf(fields, [[x, x + 1], [y, y + 1]])))
    expect(overlapDepth(grid, order)).toMatchObject({ average: 1, maximum: 1 })
    const flat = [fileOf(fields, [[5, 5], [0, 9]]), fileOf(fields, [[5, 10], [0, 9]]), fileOf(fields, [[0, 5], [0, 9]])]
    expect(overlapDepth(flat, order).maximum).toBe(1)
  })
})

function naiveComponents({ dimensions, count, lower, upper }: Boxes): number[][] {
  const group = Array.from({ length: count }, (_, box) => box)
  const meet = (a: number, b: number): boolean =>
    Array.from({ length: dimensions }, (_, d) => [a * dimensions + d, b * dimensions + d] as const).every(
      ([i, j]) => lower[i]! <= upper[j]! && lower[j]! <= upper[i]!,
    )
  for (let a = 0; a < count; a++) {
    for (let b = 0; b < a; b++) {
      if (!meet(a, b) || group[a] === group[b]) continue
      const [from, to] = [Math.max(group[a]!, group[b]!), Math.min(group[a]!, group[b]!)]
      group.forEach((one, box) => (group[box] = one === from ? to : one))
    }
  }
  return [...new Set(group)].sort((a, b) => a - b).map((one) => group.flatMap((other, box) => (other === one ? [box] : [])))
}
