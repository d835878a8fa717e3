import { describe, expect, it } from 'vitest'
import type { FileScanTask } from '../../src/scan/file-scan-task.js'
import { combineTasks, splitFile } from '../../src/scan/split-planning.js'

const task = (filePath: string, fileSizeBytes: number): FileScanTask => ({
  filePath,
  fileFormat: 'parquet',
  fileSizeBytes,
  recordCount: 10,
  specId: 0,
  partition: '[]',
  start: 0,
  length: fileSizeBytes,
  sequenceNumber: '1',
  firstRowId: undefined,
  deletes: [],
  schemaId: 0,
  residual: 'true',
})

const ranges = (tasks: readonly FileScanTask[]): [number, number][] => tasks.map(({ start, length }) => [start, length])

describe('splitting a file', () => {
  it('cuts only at row groups, each split about the target', () => {
    expect(ranges(splitFile(task('a', 400), [4, 104, 204, 304], 200))).toEqual([[4, 200], [204, 196]])
  })

  it('covers every row group exactly once, whatever the target', () => {
    const offsets = [4, 50, 51, 220, 300, 399]
    for (let target = 1; target <= 500; target += 7) {
      const splits = ranges(splitFile(task('a', 400), offsets, target))
      for (const offset of offsets) expect(splits.filter(([start, length]) => offset >= start && offset < start + length)).toHaveLength(1)
      expect(splits.at(-1)![0] + splits.at(-1)![1]).toBe(400)
    }
  })

  it('leaves a file whole without offsets, with one row group, and with offsets that lie', () => {
    const whole = [task('a', 400)]
    expect(splitFile(task('a', 400), undefined, 10)).toEqual(whole)
    expect(splitFile(task('a', 400), [4], 10)).toEqual(whole)
    expect(splitFile(task('a', 400), [4, 4], 10)).toEqual(whole)
    expect(splitFile(task('a', 400), [4, 500], 10)).toEqual(whole)
    expect(splitFile(task('a', 400), [200, 4], 10)).toEqual(whole)
  })
})

describe('combining tasks', () => {
  it('packs small files together, each weighing at least the cost of opening it', () => {
    const files = Array.from({ length: 10 }, (_, i) => task(`f${i}`, 1))
    const options = { splitSizeBytes: 40, lookback: 10, openFileCostBytes: 10 }
    const combined = [...combineTasks(files, options)]
    expect(combined.map(({ tasks }) => tasks.length)).toEqual([4, 4, 2])
    expect(combined.map(({ sizeBytes }) => sizeBytes)).toEqual([4, 4, 2])
  })

  it('is plain JSON data', () => {
    const [combined] = [...combineTasks([task('a', 1)], { splitSizeBytes: 40, lookback: 10, openFileCostBytes: 10 })]
    expect(JSON.parse(JSON.stringify(combined))).toEqual(JSON.parse(JSON.stringify({ tasks: [task('a', 1)], sizeBytes: 1 })))
  })
})
