/** Changes by two writers at once: what goes together, what does not, and that counts are true either way. */
import { describe, expect, it } from 'vitest'
import { identity } from '../../src/index.js'
import type { IsolationLevel, Row, RowChangeResult, Table, WriteMode } from '../../src/index.js'
import { FloeError, isFloeError } from '../../src/util/errors.js'
import { changeBench, expectRows, MODES, people, person } from '../support/changed-rows.js'
import type { ChangeBench } from '../support/changed-rows.js'

type Person = Record<string, unknown>
const id = (row: Person): number => Number(row['id'])

/**
 * Runs `ours`, and `theirs` at the moment when ours has planned and written all of its files, before its commit. Answers what
 * became of ours.
 */
async function race<T>({ lake }: ChangeBench, ours: () => Promise<T>, theirs: () => Promise<unknown>): Promise<T | FloeError> {
  let isPending = true
  lake.io.hook = async (call, effect) => {
    // The manifest list is the last file that a commit writes: the other commit comes first.
    if (isPending && call.operation === 'write' && call.location.includes('/metadata/snap-')) {
      isPending = false
      await theirs()
    }
    return effect()
  }
  try {
    return await ours()
  } catch (error) {
    if (isFloeError(error)) return error
    throw error
  } finally {
    lake.io.hook = (_, effect) => effect()
    expect(isPending).toBe(false)
  }
}

async function benchOf(version: 2 | 3): Promise<ChangeBench & { readonly other: Table }> {
  const bench = await changeBench(version, { partitionBy: [identity('part')] })
  await bench.table.append(people(0, 20).map((row) => ({ ...row, part: 0 })))
  return { ...bench, other: await bench.lake.catalog.loadTable('a.t') }
}

const base = people(0, 20).map((row) => ({ ...row, part: 0 }))
const without = (...ids: readonly number[]): Person[] => base.filter((row) => !ids.includes(id(row)))

describe.each(['serializable', 'snapshot'] as const)('two deletes, %s', (isolation) => {
  it('on version 3 of different rows of one file both succeed: their vectors are merged, and there is one', async () => {
    const bench = await benchOf(3)
    const { table, other } = bench
    const mode = 'merge-on-read'
    await table.delete('id = 0', { mode })
    const result = await race(bench, () => table.delete('id = 1 or id = 2', { mode, isolation }), () => other.delete('id = 3', { mode }))
    expect(result).toMatchObject({ deletedRows: 2 })
    const vectors = await table.inspect.deleteFiles()
    expect(vectors.map((file) => file.record_count)).toEqual([4])
    await expectRows(table, without(0, 1, 2, 3))
  })
})

describe('two deletes', () => {
  it('of the same rows count each row once when they are serializable, and conflict under snapshot isolation', async () => {
    for (const isolation of ['serializable', 'snapshot'] as const) {
      const bench = await benchOf(3)
      const { table, other } = bench
      const result = await race(
        bench,
        () => table.delete('id < 5', { mode: 'merge-on-read', isolation }),
        () => other.delete('id >= 3 and id < 8', { mode: 'merge-on-read' }),
      )
      if (isolation === 'serializable') expect((result as RowChangeResult).deletedRows).toBe(3)
      else expect((result as FloeError).code).toBe('CONFLICT')
      await table.refresh()
      await expectRows(table, isolation === 'serializable' ? without(0, 1, 2, 3, 4, 5, 6, 7) : without(3, 4, 5, 6, 7))
    }
  })

  it('trap 78: a delete whose data file was rewritten meanwhile conflicts, and deletes nothing', async () => {
    for (const version of [2, 3] as const) {
      const bench = await benchOf(version)
      const { table, other } = bench
      const result = await race(
        bench,
        () => table.delete('id = 1', { mode: 'merge-on-read' }),
        () => other.update('id = 5', { name: 'x' }, { mode: 'copy-on-write' }),
      )
      expect((result as FloeError).code).toBe('CONFLICT')
      await table.refresh()
      await expectRows(table, base.map((row) => (id(row) === 5 ? { ...row, name: 'x' } : row)))
      expect((await bench.lake.files()).filter((file) => file.endsWith('.puffin'))).toEqual([])
    }
  })
})

describe('position deletes in one file for several data files', () => {
  it('conflict when one of those was rewritten meanwhile, though the delete file does not name it, and nothing is there twice', async () => {
    const bench = await changeBench(2, { partitionBy: [identity('part')] })
    const { table, lake } = bench
    await lake.catalog.loadTable('a.t').then((loaded) => loaded.updateProperties({ 'write.delete.granularity': 'partition' }))
    const rows = people(0, 20).map((row) => ({ ...row, part: 0 }))
    await table.append(rows.slice(0, 10))
    await table.append(rows.slice(10))
    const other = await lake.catalog.loadTable('a.t')
    const result = await race(
      bench,
      () => table.update('id = 1 or id = 11', { name: 'y' }, { mode: 'merge-on-read', isolation: 'snapshot' }),
      () => other.update('id = 5', { name: 'x' }, { mode: 'copy-on-write' }),
    )
    expect((result as FloeError).code).toBe('CONFLICT')
    await table.refresh()
    await expectRows(table, rows.map((row) => (id(row) === 5 ? { ...row, name: 'x' } : row)))
  })
})

/** What a pair may come to: the state after ours alone, theirs alone, or both in either order. */
interface Pair {
  readonly name: string
  readonly ours: (table: Table, options: { mode: WriteMode; isolation: IsolationLevel }) => Promise<RowChangeResult>
  readonly theirs: (table: Table, options: { mode: WriteMode }) => Promise<RowChangeResult>
  /** The rows when theirs was committed, and ours after it. */
  readonly both: readonly Person[]
  readonly theirsAlone: readonly Person[]
}

function renamed(rows: readonly Person[], ids: readonly number[], name: string): Person[] {
  return rows.map((row) => (ids.includes(id(row)) ? { ...row, name } : row))
}

const PAIRS: readonly Pair[] = [
  {
    name: 'an update of rows that another deletes',
    ours: (table, options) => table.update('id < 4', { name: 'x' }, options),
    theirs: (table, options) => table.delete('id = 2', options),
    both: renamed(without(2), [0, 1, 3], 'x'),
    theirsAlone: without(2),
  },
  {
    name: 'a delete of rows that another updates',
    ours: (table, options) => table.delete('id < 4', options),
    theirs: (table, options) => table.update('id = 2', { name: 'x' }, options),
    both: without(0, 1, 2, 3),
    theirsAlone: renamed(base, [2], 'x'),
  },
  {
    name: 'an update of rows that another updates',
    ours: (table, options) => table.update('id < 4', { name: 'x' }, options),
    theirs: (table, options) => table.update('id = 2', { name: 'y' }, options),
    both: renamed(base, [0, 1, 2, 3], 'x'),
    theirsAlone: renamed(base, [2], 'y'),
  },
  {
    name: 'an overwrite of rows that another updates',
    ours: (table, options) => table.overwrite([{ ...person(50), part: 0 }], 'id < 4', options),
    theirs: (table, options) => table.update('id = 2', { name: 'y' }, options),
    both: [...without(0, 1, 2, 3), { ...person(50), part: 0 }],
    theirsAlone: renamed(base, [2], 'y'),
  },
  {
    name: 'an overwrite of a partition that another appends to',
    ours: (table, { isolation }) => table.overwritePartitions([{ ...person(50), part: 0 }], { isolation }),
    theirs: (table, options) => table.overwrite([{ ...person(60), part: 0 }], 'id = 1000', options),
    both: [{ ...person(50), part: 0 }],
    theirsAlone: [...base, { ...person(60), part: 0 }],
  },
]

const ISOLATIONS = ['serializable', 'snapshot'] as const
const MODE_PAIRS = MODES.flatMap((mode) => MODES.map((theirs) => [mode, theirs] as const))

describe.each([2, 3] as const)('FAULTS 28: two writers on version %d', (version) => {
  it.each(PAIRS.map((pair) => pair.name))('%s: both or theirs alone, never a row that survived its delete', async (name) => {
    const pair = PAIRS.find((candidate) => candidate.name === name)!
    for (const isolation of ISOLATIONS) {
      for (const [mode, theirMode] of MODE_PAIRS) {
        const bench = await benchOf(version)
        const ours = (): Promise<RowChangeResult> => pair.ours(bench.table, { mode, isolation })
        const result = await race(bench, ours, () => pair.theirs(bench.other, { mode: theirMode }))
        await bench.table.refresh()
        const place = `${isolation}, ${mode} against ${theirMode}`
        if (result instanceof FloeError) expect([result.code, result.table], place).toEqual(['CONFLICT', 'a.t'])
        await expectRows(bench.table, (result instanceof FloeError ? pair.theirsAlone : pair.both) as Row[], place)
      }
    }
  })
})

describe('isolation', () => {
  it('serializable refuses rows that another added and the filter may select; snapshot lets them be', async () => {
    for (const mode of MODES) {
      for (const isolation of ISOLATIONS) {
        const bench = await benchOf(3)
        const { table, other } = bench
        const theirs = (): Promise<unknown> => other.append([{ ...person(1), part: 0 }])
        const result = await race(bench, () => table.delete('id < 3', { mode, isolation }), theirs)
        await table.refresh()
        if (isolation === 'serializable') {
          expect(result).toMatchObject({ code: 'CONFLICT' })
          await expectRows(table, [...base, { ...person(1), part: 0 }])
        } else {
          expect(result).toMatchObject({ deletedRows: 3 })
          await expectRows(table, [...without(0, 1, 2), { ...person(1), part: 0 }])
        }
      }
    }
  })

  it('trap 79: what others add where the filter cannot select it is no conflict', async () => {
    for (const mode of MODES) {
      const bench = await benchOf(3)
      const { table, other } = bench
      const theirs = (): Promise<unknown> => other.append([{ ...person(1), part: 7 }])
      const result = await race(bench, () => table.update('part = 0 and id < 3', { name: 'x' }, { mode }), theirs)
      expect(result).toMatchObject({ updatedRows: 3 })
      await expectRows(table, [...renamed(base, [0, 1, 2], 'x'), { ...person(1), part: 7 }])
    }
  })

  it('is the table’s property for each operation, unless the call says otherwise', async () => {
    const bench = await benchOf(3)
    const { table, other } = bench
    await table.updateProperties({ 'write.delete.isolation-level': 'snapshot', 'write.delete.mode': 'merge-on-read' })
    const theirs = (): Promise<unknown> => other.append([{ ...person(1), part: 0 }])
    expect(await race(bench, () => table.delete('id < 3'), theirs)).toMatchObject({ deletedRows: 3 })
    expect(await race(bench, () => table.delete('id < 5', { isolation: 'serializable' }), theirs)).toMatchObject({ code: 'CONFLICT' })
    expect(await race(bench, () => table.update('id < 5', { name: 'x' }), theirs)).toMatchObject({ code: 'CONFLICT' })
  })

  it('a conflict leaves no file behind', async () => {
    for (const mode of MODES) {
      const bench = await benchOf(3)
      const { table, other, lake } = bench
      const theirs = (): Promise<unknown> => other.append([{ ...person(1), part: 0 }])
      const result = await race(bench, () => table.update('id < 3', { name: 'x' }, { mode }), theirs)
      expect(result).toMatchObject({ code: 'CONFLICT' })
      await table.refresh()
      const live = new Set((await table.inspect.allFiles()).map((file) => file.file_path))
      expect((await lake.files()).filter((file) => /\.(?:parquet|puffin)$/.test(file) && !live.has(file))).toEqual([])
    }
  })
})
