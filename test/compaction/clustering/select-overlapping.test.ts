import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { selectOverlapping } from '../../../src/compaction/clustering/select-overlapping.js'
import { overlapDepth } from '../../../src/compaction/clustering/overlap-depth.js'
import type { OverlapSelection } from '../../../src/compaction/clustering/select-overlapping.js'
import type { ClusteredFile } from '../../../src/compaction/clustering/clustered-file.js'
import { column, fileOf, intervals, orderOf } from './clustered-files.js'

const line: OverlapSelection = { order: orderOf('linear', column(1)), targetFileSizeBytes: 100, maxFileGroupSizeBytes: 100_000 }

function sorted(count: number): ClusteredFile[] {
  return intervals(...Array.from({ length: count }, (_, i) => [i * 10, (i + 1) * 10] as const))
}

describe('selection by overlap', () => {
  it('leaves sorted files alone, however many', () => {
    expect(selectOverlapping(sorted(500), line)).toEqual([])
  })

  it('takes a new file and those it overlaps, and no others', () => {
    const base = sorted(20)
    const [fresh] = intervals([45, 65])
    const [group, ...others] = selectOverlapping([...base, fresh!], line)
    expect(others).toEqual([])
    expect(group!.files).toEqual([base[4], base[5], base[6], fresh])
    expect(group).toMatchObject({ sizeBytes: 400, expectedDepth: 1 })
    expect(group!.depth).toBeGreaterThan(1)
  })

  it('leaves neighbours alone that reach a little into each other', () => {
    const late = intervals(...Array.from({ length: 50 }, (_, i) => [i * 100, i * 100 + 104] as const))
    expect(selectOverlapping(late, line)).toEqual([])
    const later = intervals(...Array.from({ length: 50 }, (_, i) => [i * 100, i * 100 + 150] as const))
    expect(selectOverlapping(later, line).flatMap(({ files }) => files)).toHaveLength(50)
  })

  it('rewrites wide files over many narrow ones among themselves', () => {
    const base = sorted(200)
    const wide = intervals(...Array.from({ length: 12 }, () => [0, 2000] as const))
    const groups = selectOverlapping([...base, ...wide], line)
    expect(groups.map(({ files }) => files)).toEqual([wide])
    expect(groups[0]!.depth).toBeCloseTo(12)
  })

  it('leaves a group alone that is not as deep as asked', () => {
    const files = intervals([0, 10], [0, 10], [100, 110], [100, 110], [100, 110])
    expect(selectOverlapping(files, line).map(({ depth }) => depth)).toEqual([3, 2])
    expect(selectOverlapping(files, { ...line, minDepth: 3 }).map(({ files: members }) => members)).toEqual([files.slice(2)])
  })

  it('cuts groups at their size, neighbours together, and drops parts that no longer overlap', () => {
    const pairs = intervals(...Array.from({ length: 40 }, (_, i) => [Math.floor(i / 2) * 8, Math.floor(i / 2) * 8 + 10] as const))
    const groups = selectOverlapping(pairs, { ...line, maxFileGroupSizeBytes: 1000 })
    expect(groups.length).toBeGreaterThan(3)
    for (const group of groups) {
      expect(group.sizeBytes).toBeLessThanOrEqual(1000)
      expect(group.depth).toBeGreaterThan(1)
    }
    const chosen = groups.flatMap(({ files }) => files)
    expect(new Set(chosen).size).toBe(chosen.length)
  })

  it('never takes files of one value, which no rewrite tells apart', () => {
    const files = intervals(...Array.from({ length: 30 }, () => [7, 7] as const), [0, 10])
    expect(selectOverlapping(files, line)).toEqual([])
  })

  it('takes files without bounds only when asked, by themselves', () => {
    const files = intervals(undefined, [0, 10], undefined, [10, 20])
    expect(selectOverlapping(files, line)).toEqual([])
    expect(selectOverlapping(files, { ...line, rewritesUnbounded: true }).map((group) => group.files)).toEqual([[files[0], files[2]]])
  })

  it('keeps partitions apart', () => {
    const files = ['a', 'b', 'a', 'b', 'c'].map((partitionKey) => fileOf([column(1)], [[0, 10]], { partitionKey }))
    expect(selectOverlapping(files, line).map((group) => [group.partitionKey, group.files.length])).toEqual([['a', 2], ['b', 2]])
  })

  it('chooses the same whatever the order of the files, and each file once', () => {
    const range = fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 60 }))
    fc.assert(
      fc.property(fc.uniqueArray(range, { maxLength: 25, selector: String }), fc.infiniteStream(fc.nat()), (ranges, order) => {
        const files = intervals(...ranges.map(([low, width]) => [low, low + width] as const))
        const keys = new Map(files.map((file) => [file, order.next().value as number]))
        const shuffled = files.toSorted((a, b) => keys.get(a)! - keys.get(b)!)
        const texts = (given: readonly ClusteredFile[]): string[] =>
          selectOverlapping(given, line).map((group) => group.files.map((file) => files.indexOf(file)).sort((a, b) => a - b).join()).sort()
        expect(texts(shuffled)).toEqual(texts(files))
        const chosen = selectOverlapping(files, line).flatMap((group) => group.files)
        expect(new Set(chosen).size).toBe(chosen.length)
      }),
      { numRuns: 60 },
    )
  })

  it('chooses among many files that lie everywhere, in one dimension and in two', () => {
    let seed = 1
    const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
    const fields = [column(1), column(2)]
    const scattered = (count: number, width: number): ClusteredFile[] =>
      Array.from({ length: count }, () => {
        const [x, y] = [Math.floor(random() * 1e6), Math.floor(random() * 1e6)]
        return fileOf(fields, [[x, x + width], [y, y + 100_000]])
      })
    expect(selectOverlapping(scattered(10_000, 200), line).length).toBeGreaterThan(10)
    expect(selectOverlapping(scattered(2000, 20_000), { ...line, order: orderOf('hilbert', ...fields) }).length).toBeGreaterThan(0)
  })
})

describe('selection along curves', () => {
  const fields = [column(1), column(2)]

  /** Files of points along a Z-order curve of a 64 × 64 grid, a share of the curve each. */
  function alongCurve(count: number): ClusteredFile[] {
    const spread = (bits: number, by: number): number =>
      Array.from({ length: 6 }, (_, i) => ((bits >> (2 * i + by)) & 1) << i).reduce((a, b) => a | b)
    const points = Array.from({ length: 4096 }, (_, place) => [spread(place, 1), spread(place, 0)] as const)
    return Array.from({ length: count }, (_, i) => {
      const members = points.slice(Math.floor((i * 4096) / count), Math.floor(((i + 1) * 4096) / count))
      const side = (d: 0 | 1): readonly [number, number] => [Math.min(...members.map((p) => p[d])), Math.max(...members.map((p) => p[d]))]
      return fileOf(fields, [side(0), side(1)])
    })
  }

  it('leaves files along a Z-order alone, though their boxes overlap', () => {
    const order = orderOf('zorder', ...fields)
    for (const count of [11, 23, 37, 90]) {
      expect(overlapDepth(alongCurve(count), order).average).toBeGreaterThan(1.4)
      expect(selectOverlapping(alongCurve(count), { ...line, order })).toEqual([])
    }
  })

  it('takes files that were never clustered', () => {
    const files = Array.from({ length: 30 }, () => fileOf(fields, [[0, 63], [0, 63]]))
    const [group] = selectOverlapping(files, { ...line, order: orderOf('zorder', ...fields) })
    expect(group!.files).toHaveLength(30)
    expect(group!.depth).toBeCloseTo(30)
  })
})
