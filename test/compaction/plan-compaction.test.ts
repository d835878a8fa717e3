/** The planner against the rules of the reference: `SizeBasedFileRewritePlanner` and `BinPackRewriteFilePlanner`. */
import { describe, expect, it } from 'vitest'
import { identity, isIn, lt, parseCompactionPlan, printCompactionPlan, sortBy, zOrder } from '../../src/index.js'
import type { CompactCallOptions, DataFile, Table } from '../../src/index.js'
import { expectedOutputFiles, OutputSizes, writeMaxFileSizeBytes } from '../../src/compaction/output-sizes.js'
import { changeBench, people } from '../support/changed-rows.js'
import { failureOf } from '../support/lake.js'

const MB = 2 ** 20

/** A table with entries of files that nobody opens. */
async function tableOf(sizesMb: readonly number[], options: { readonly parts?: readonly (number | null)[] } = {}): Promise<Table> {
  const { table } = await changeBench(2, { partitionBy: options.parts === undefined ? [] : [identity('part')] })
  const files = sizesMb.map((size, i): DataFile => ({
    content: 'data',
    filePath: `${table.location}/data/${i}.parquet`,
    fileFormat: 'parquet',
    specId: 0,
    partition: options.parts === undefined ? [] : [options.parts[i]!],
    recordCount: 1000,
    fileSizeBytes: size * MB,
  }))
  await table.appendFiles(files)
  return table
}

const plannedOf = async (table: Table, options: CompactCallOptions = {}): Promise<number[][]> => {
  const plan = await table.planCompaction({ targetFileSizeBytes: 100 * MB, ...options })
  return plan.groups.map((group) => group.tasks.map((task) => Number(task.filePath.slice(task.filePath.lastIndexOf('/') + 1, -'.parquet'.length))))
}

describe('planning a compaction', () => {
  it.each<[string, readonly number[], CompactCallOptions, number[][]]>([
    ['takes files below 75 % and above 180 % of the target, when there are five', [74, 75, 100, 180, 181, 1, 2, 3], {}, [[0, 4, 5, 6, 7]]],
    ['leaves fewer small files than min-input-files alone', [1, 2, 3, 4], {}, []],
    ['takes two small files that make more than a target', [60, 60], {}, [[0, 1]]],
    ['leaves two small files that make less than a target', [30, 30], {}, []],
    ['takes a single file that is too large', [200], {}, [[0]]],
    ['never takes a single small file', [1], { minInputFiles: 1 }, []],
    ['takes two files with min-input-files 2', [1, 1], { minInputFiles: 2 }, [[0, 1]]],
    ['takes every file with rewrite-all', [100, 110], { rewriteAll: true }, [[0, 1]]],
    ['takes a single right file with rewrite-all', [100], { rewriteAll: true }, [[0]]],
    ['fills groups up to the group size in order', [50, 50, 50, 50, 50, 50], { maxFileGroupSizeBytes: 120 * MB, minInputFiles: 2 }, [[0, 1], [2, 3], [4, 5]]],
    ['closes a group for a file that does not fit, and does not come back to it', [50, 60, 10, 60], { maxFileGroupSizeBytes: 100 * MB, minInputFiles: 2 }, [[1, 2]]],
    ['fills groups up to the number of files', [1, 1, 1, 1, 1], { maxFileGroupInputFiles: 2, minInputFiles: 2 }, [[0, 1], [2, 3]]],
    ['stops at max-files-to-rewrite', [1, 1, 1, 1, 1, 1, 1], { maxFilesToRewrite: 3 }, [[0, 1, 2]]],
    ['stops at max-files-to-rewrite over groups', [50, 50, 50, 50], { maxFileGroupSizeBytes: 100 * MB, minInputFiles: 2, maxFilesToRewrite: 3 }, [[0, 1], [2]]],
    ['takes own sizes', [10, 20, 30, 40, 50, 60], { minFileSizeBytes: 31 * MB, minInputFiles: 3 }, [[0, 1, 2]]],
  ])('%s', async (_, sizes, options, expected) => {
    expect(await plannedOf(await tableOf(sizes), options)).toEqual(expected)
  })

  it('keeps partitions apart, a null one too', async () => {
    const table = await tableOf([1, 1, 1, 1, 1, 1], { parts: [1, 2, 1, null, 2, null] })
    expect(await plannedOf(table, { minInputFiles: 2 })).toEqual([[0, 2], [1, 4], [3, 5]])
    const plan = await table.planCompaction({ minInputFiles: 2 })
    expect(plan.groups.map(({ partition, partitionPath }) => [partition, partitionPath])).toEqual([['[1]', 'part=1'], ['[2]', 'part=2'], ['[null]', 'part=null']])
  })

  it('plans only files that the filter may select, and all of their rows', async () => {
    const table = await tableOf([1, 1, 1, 1], { parts: [1, 2, 1, 2] })
    expect(await plannedOf(table, { minInputFiles: 2, filter: 'part = 2 and id > 3' })).toEqual([[1, 3]])
    const plan = await table.planCompaction({ minInputFiles: 2, filter: 'part = 2 and id > 3' })
    expect(plan.groups[0]!.tasks.map((task) => task.residual)).toEqual(['true', 'true'])
  })

  it('orders jobs by bytes and by files', async () => {
    const table = await tableOf([1, 1, 1, 50, 50, 30, 30], { parts: [1, 1, 1, 2, 2, 3, 3] })
    const parts = async (jobOrder: CompactCallOptions['jobOrder']): Promise<string[]> => {
      const plan = await table.planCompaction({ minInputFiles: 2, jobOrder, targetFileSizeBytes: 100 * MB })
      return plan.groups.map((group) => group.partitionPath.slice('part='.length))
    }
    expect(await parts('none')).toEqual(['1', '2', '3'])
    expect(await parts('bytes-asc')).toEqual(['1', '3', '2'])
    expect(await parts('bytes-desc')).toEqual(['2', '3', '1'])
    expect(await parts('files-asc')).toEqual(['2', '3', '1'])
    expect(await parts('files-desc')).toEqual(['1', '2', '3'])
  })

  it('takes a file of right size with so many deletes, or so large a share of rows deleted, and its group whatever its size', async () => {
    const { table } = await changeBench(3)
    await table.append(people(0, 10))
    const wide = { minFileSizeBytes: 0, maxFileSizeBytes: 2 ** 40, targetFileSizeBytes: MB }
    const groups = async (options: CompactCallOptions): Promise<number> => {
      return (await table.planCompaction({ ...wide, ...options })).groups.length
    }
    expect(await groups({})).toBe(0)
    await table.delete(lt('id', 2n), { mode: 'merge-on-read' })
    expect([await groups({}), await groups({ deleteRatioThreshold: 0.2 }), await groups({ deleteRatioThreshold: 0.21 })]).toEqual([0, 1, 0])
    expect([await groups({ deleteFileThreshold: 1 }), await groups({ deleteFileThreshold: 2 })]).toEqual([1, 0])
    await table.delete(isIn('id', [2n]), { mode: 'merge-on-read' })
    expect(await groups({})).toBe(1)
    // Rows of equality deletes may be anywhere: they do not count.
    const { table: keyed } = await changeBench(2)
    await keyed.append(people(0, 2))
    await keyed.deleteByKeys(people(0, 2).map(({ id }) => ({ id })), ['id'])
    expect((await keyed.planCompaction({ ...wide })).groups).toHaveLength(0)
    expect((await keyed.planCompaction({ ...wide, deleteFileThreshold: 1 })).groups).toHaveLength(1)
  })

  it('takes files of another spec as one group', async () => {
    const table = await tableOf([1, 1, 1, 1, 1], { parts: [1, 2, 3, 1, 2] })
    await table.updateSpec((spec) => spec.addField(identity('name')))
    const plan = await table.planCompaction()
    expect(plan.groups.map(({ partition, tasks, specId }) => [partition, tasks.length, specId])).toEqual([[undefined, 5, 1]])
    // The old spec is one to write to, if asked.
    expect((await table.planCompaction({ outputSpecId: 0, minInputFiles: 2 })).groups.map(({ partition }) => partition)).toEqual(['[1]', '[2]'])
  })

  it('is JSON data, frozen, that comes back as it was', async () => {
    const table = await tableOf([1, 1, 1, 1, 1])
    for (const strategy of ['binpack', sortBy('name'), zOrder('id', 'score')] as const) {
      const plan = await table.planCompaction({ strategy })
      expect(parseCompactionPlan(printCompactionPlan(plan))).toEqual(JSON.parse(JSON.stringify(plan)))
      expect(Object.isFrozen(plan) && Object.isFrozen(plan.groups[0]) && Object.isFrozen(plan.groups[0]!.tasks[0])).toBe(true)
    }
  })

  it.each<[string, CompactCallOptions, string]>([
    ['a target below the minimum', { targetFileSizeBytes: 10, minFileSizeBytes: 10 }, 'targetFileSizeBytes (10) must be above minFileSizeBytes (10)'],
    ['a target above the maximum', { targetFileSizeBytes: 10, maxFileSizeBytes: 10 }, 'must be below maxFileSizeBytes'],
    ['a target of nothing', { targetFileSizeBytes: 0 }, 'targetFileSizeBytes must be a whole number from 1'],
    ['no input files', { minInputFiles: 0 }, 'minInputFiles must be a whole number from 1'],
    ['a ratio of nothing', { deleteRatioThreshold: 0 }, 'deleteRatioThreshold must be above 0'],
    ['a ratio over one', { deleteRatioThreshold: 1.1 }, 'at most 1'],
    ['a negative delete threshold', { deleteFileThreshold: -1 }, 'deleteFileThreshold'],
    ['a spec that is not there', { outputSpecId: 7 }, 'outputSpecId is 7'],
    ['an unknown job order', { jobOrder: 'random' as never }, 'jobOrder is one of'],
    ['an unknown strategy', { strategy: 'best' as never }, 'There is no strategy'],
    ['a table order that is not there', { strategy: 'sort' }, 'no sort order'],
    ['clustering without an order', { selection: 'clustering' }, 'needs a strategy'],
    ['an unknown selection', { selection: 'luck' as never }, 'selection is one of size, clustering'],
  ])('refuses %s', async (_, options, message) => {
    const error = await failureOf((await tableOf([1, 1])).planCompaction(options))
    expect(error.code).toBe('INVALID')
    expect(error.message).toContain(message)
  })

  it('refuses branches that are not there, and texts that are no plan', async () => {
    const table = await tableOf([1, 1])
    expect((await failureOf(table.planCompaction({ branch: 'nowhere' }))).code).toBe('NOT_FOUND')
    const text = printCompactionPlan(await table.planCompaction({ rewriteAll: true }))
    for (const bad of ['', '{}', '[]', text.replace('"binpack"', '"magic"'), text.replace('"groups":[', '"groups":[1,'), text.replace(/"sequenceNumber":"\d+"/, '"sequenceNumber":"x"')]) {
      expect(() => parseCompactionPlan(bad), bad).toThrow('This is no compaction plan')
    }
    const other = await tableOf([1, 1])
    expect((await failureOf(other.rewriteGroup(1, text))).message).toContain('The plan is of table')
    expect((await failureOf(table.rewriteGroup(9, text))).message).toContain('The plan has no group 9')
  })

  it('with selection by clustering takes files that overlap, whatever their size', async () => {
    const { table } = await changeBench(2)
    for (const [from, end] of [[0, 20], [10, 30], [100, 120], [200, 220]] as const) await table.append(people(from, end))
    const plan = await table.planCompaction({ strategy: sortBy('id'), selection: 'clustering', targetFileSizeBytes: 4096, minFileSizeBytes: 0 })
    expect(plan.groups.map((group) => group.inputRows)).toEqual([40])
  })
})

describe('the number of output files', () => {
  const sizes = { targetFileSizeBytes: 100, minFileSizeBytes: 75, maxFileSizeBytes: 180 }

  it.each([[0, 1], [99, 1], [100, 1], [110, 1], [150, 2], [175, 2], [200, 2], [220, 2], [226, 3], [1050, 10], [1099, 11], [1100, 11]])(
    'for %i bytes is %i, as the reference has it', (bytes, files) => {
      expect(expectedOutputFiles(bytes, sizes)).toBe(files)
    },
  )

  it.each([[111, 1], [149, 1], [222, 2]])('for %i bytes is %i, where another file would be below the minimum', (bytes, files) => {
    expect(expectedOutputFiles(bytes, sizes)).toBe(files)
  })

  it('is reached by files that all lie within the thresholds, also when their bytes are not what was expected', () => {
    expect(writeMaxFileSizeBytes(sizes)).toBe(140)
    for (const totalRows of [100, 137, 250, 999, 1001, 1075]) {
      // One byte a row; bounds are looked at every 3 rows
      const plan = new OutputSizes(sizes, { totalRows, bytesPerRow: 1 })
      const files: number[] = []
      let rows = 0
      for (let done = 0; done < totalRows; done += 3) {
        rows += Math.min(3, totalRows - done)
        if (!plan.isFull(files.length === 0 ? undefined : rows, rows)) continue
        plan.finished(rows)
        files.push(rows)
        rows = 0
      }
      if (rows > 0) files.push(rows)
      expect(files.length, String(totalRows)).toBe(expectedOutputFiles(totalRows, sizes))
      for (const size of files) expect(size >= 70 && size <= 180, `${totalRows}: ${files.join()}`).toBe(true)
    }
  })
})
