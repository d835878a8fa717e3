import { describe, expect, it } from 'vitest'
import type { ChangeFilesOptions, ConflictValidation, VectorMerger } from '../../src/commit/change-files.js'
import { metadataOperation } from '../../src/commit/commit-operation.js'
import { alwaysTrue, eq } from '../../src/expression/predicates.js'
import type { DataFile } from '../../src/manifest/data-file.js'
import { encodeUtf8 } from '../../src/util/utf8.js'
import { CommitBench, dataFile, equalityDeletes, positionDeletes, vector } from '../support/commit-bench.js'
import { table, type TableOptions } from '../support/metadata-builders.js'

const BY_KIND = { specId: 0, fields: [{ fieldId: 1000, name: 'kind', sourceIds: [3], transform: 'identity' }] } as const
const x = { partition: ['x'] }
const y = { partition: ['y'] }

/** A partitioned v3 table with the files `a` and `b` in partition `x`, and `c` in `y`. */
async function shop(options: TableOptions = {}): Promise<CommitBench> {
  const bench = new CommitBench({ metadata: table({ formatVersion: 3, spec: BY_KIND, ...options }) })
  await bench.changeAsOther({ addedDataFiles: [dataFile('a', x), dataFile('b', x), dataFile('c', y)] })
  return bench
}

const since = (bench: CommitBench, overrides: Partial<ConflictValidation> = {}): { validation: ConflictValidation } => ({
  validation: {
    startingSnapshotId: bench.backend.metadata.currentSnapshotId,
    isolation: 'serializable',
    conflictFilter: eq('kind', 'x'),
    ...overrides,
  },
})

const conflict = (file: string) => ({ code: 'CONFLICT', table: 'shop.events', file, retryable: false })

/** Adds the rows of both sides up, as if they were disjoint, into one Puffin file. */
function merger(log: string[] = []): VectorMerger {
  return (conflicts) => {
    const path = `merged-${log.length}`
    log.push(conflicts.map(({ ours, theirs }) => [ours, ...theirs.map(({ file }) => file)].map((file) => file.filePath).join('+')).join(','))
    return Promise.resolve(
      conflicts.map(({ dataFile: target, ours, theirs }, i) =>
        vector(path, target, {
          partition: ours.partition,
          contentOffset: 4 + i * 40,
          recordCount: ours.recordCount + theirs.reduce((rows, { file }) => rows + file.recordCount, 0),
        }),
      ),
    )
  }
}

const liveVectors = async (bench: CommitBench): Promise<readonly (readonly [string, string, number])[]> =>
  (await bench.entries())
    .filter((entry) => entry.status !== 'deleted' && entry.dataFile.content === 'position-deletes')
    .map(({ dataFile: file }) => [file.filePath, file.referencedDataFile ?? '', file.recordCount] as const)
    .sort()

describe('rows that others added meanwhile', () => {
  it.each(['x', 'y'])('conflict under serializable isolation when the filter may select them: %s (traps 78, 79)', async (kind) => {
    const bench = await shop()
    const options = since(bench)
    await bench.changeAsOther({ addedDataFiles: [dataFile('new', { partition: [kind] })] })
    const commit = bench.change({ removedDataFiles: [dataFile('a', x)], addedDataFiles: [dataFile('a2', x)] }, options)
    if (kind === 'x') await expect(commit).rejects.toMatchObject(conflict('new'))
    else expect((await commit).snapshot?.operation).toBe('overwrite')
  })

  it('do not conflict under snapshot isolation', async () => {
    const bench = await shop()
    const options = since(bench, { isolation: 'snapshot' })
    await bench.changeAsOther({ addedDataFiles: [dataFile('new', x)] })
    await bench.change({ removedDataFiles: [dataFile('a', x)], addedDataFiles: [dataFile('a2', x)] }, options)
    expect(await bench.paths()).toEqual(['a2', 'b', 'c', 'new'])
  })

  it('are told from others by their metrics too', async () => {
    const bench = new CommitBench({ metadata: table({ formatVersion: 3 }) })
    await bench.appendAsOther(['a'])
    const bounds = (from: string, to: string): Partial<DataFile> => ({
      lowerBounds: new Map([[3, encodeUtf8(from)]]),
      upperBounds: new Map([[3, encodeUtf8(to)]]),
      nullValueCounts: new Map([[3, 0]]),
    })
    const options = since(bench)
    await bench.changeAsOther({ addedDataFiles: [dataFile('far', bounds('m', 'n'))] })
    const change = { removedDataFiles: [dataFile('a')], addedDataFiles: [dataFile('a2')] }
    bench.backend.beforeCommit = async (n) => {
      if (n === 1) await bench.changeAsOther({ addedDataFiles: [dataFile('near', bounds('w', 'z'))] })
    }
    // The first attempt passes the check, the second does not (trap 78).
    await expect(bench.change(change, options)).rejects.toMatchObject(conflict('near'))
    expect(bench.backend.requests).toHaveLength(1)
  })

  it('all count when the table was empty at the start (trap 79)', async () => {
    const bench = new CommitBench({ metadata: table({ formatVersion: 3 }) })
    const options = since(bench, { conflictFilter: alwaysTrue() })
    await bench.appendAsOther(['theirs'])
    await expect(bench.change({ addedDataFiles: [dataFile('ours')] }, options)).rejects.toMatchObject(conflict('theirs'))
  })

  it('do not count when a rewrite added them, for its rows are not new', async () => {
    const bench = await shop()
    const options = since(bench)
    await bench.changeAsOther({ removedDataFiles: [dataFile('b', x)], addedDataFiles: [dataFile('b2', x)] }, { operation: 'replace' })
    await bench.change({ removedDataFiles: [dataFile('a', x)], addedDataFiles: [dataFile('a2', x)] }, options)
    expect(await bench.paths()).toEqual(['a2', 'b2', 'c'])
  })
})

describe('a history that is not known', () => {
  it('is a conflict that says to plan again, after an expiry as after a rollback', async () => {
    const bench = await shop()
    const options = since(bench)
    await bench.changeAsOther({ addedDataFiles: [dataFile('d', y)] })
    await bench.changeAsOther({ addedDataFiles: [dataFile('e', y)] })
    const [first, second] = bench.backend.metadata.snapshots
    await bench.commitAsOther(metadataOperation('expiry', () => [
      { action: 'remove-snapshots', snapshotIds: [first!.snapshotId, second!.snapshotId] },
    ]))
    const commit = bench.change({ removedDataFiles: [dataFile('a', x)] }, options)
    await expect(commit).rejects.toMatchObject({ code: 'CONFLICT', retryable: false })
    await expect(commit).rejects.toThrow(/expired or was rolled back; load the table and plan the change again/)
  })

  it('is known while only snapshots up to the start have expired', async () => {
    const bench = await shop()
    const options = since(bench)
    await bench.changeAsOther({ addedDataFiles: [dataFile('d', y)] })
    const [first] = bench.backend.metadata.snapshots
    await bench.commitAsOther(metadataOperation('expiry', () => [{ action: 'remove-snapshots', snapshotIds: [first!.snapshotId] }]))
    await bench.change({ removedDataFiles: [dataFile('a', x)] }, options)
    expect(await bench.paths()).toEqual(['b', 'c', 'd'])
  })
})

describe('deletes of others in data files that a change replaces', () => {
  const rewriteA = { removedDataFiles: [dataFile('a', x)], addedDataFiles: [dataFile('a2', x)] }

  it('conflict, so that no row returns from the dead (trap 78, fault 27)', async () => {
    for (const deletes of [vector('v', 'a', x), equalityDeletes('e', x)]) {
      const bench = await shop()
      const options = since(bench, { isolation: 'snapshot' })
      await bench.changeAsOther({ addedDeleteFiles: [deletes] })
      await expect(bench.change(rewriteA, options)).rejects.toMatchObject(conflict('a'))
      // Also for a caller who asked for no validation: the start is the version that it holds then.
      const stale = bench.backend.current()
      const other = await shop()
      const base = other.backend.current()
      await other.changeAsOther({ addedDeleteFiles: [deletes] })
      await expect(other.change(rewriteA, {}, base)).rejects.toMatchObject(conflict('a'))
      expect((await bench.change(rewriteA, {}, stale)).attempts).toBe(1)
    }
  })

  it('do not conflict where they are for other files or partitions (trap 79)', async () => {
    const bench = await shop()
    const options = since(bench)
    await bench.changeAsOther({ addedDeleteFiles: [vector('v', 'b', x), equalityDeletes('e', y)] })
    await bench.change(rewriteA, options)
    expect(await bench.paths()).toEqual(['a2', 'b', 'c', 'e', 'v'])
  })

  it('conflict as v2 position delete files too, for one file or a whole partition', async () => {
    for (const deletes of [positionDeletes('p', 'a', x), positionDeletes('p', undefined, x)]) {
      const bench = await shop({ formatVersion: 2 })
      const options = since(bench)
      await bench.changeAsOther({ addedDeleteFiles: [deletes] })
      await expect(bench.change(rewriteA, options)).rejects.toMatchObject(conflict('a'))
    }
  })

  it('that delete by keys stay in force over files that keep their sequence number (fault 25)', async () => {
    const bench = await shop()
    const options: Partial<ChangeFilesOptions> = { ...since(bench), operation: 'replace', dataSequenceNumber: 1n }
    await bench.changeAsOther({ addedDeleteFiles: [equalityDeletes('e', x)] })
    await bench.changeAsOther({ addedDataFiles: [dataFile('d', y)] }, { mode: 'fast' })
    await bench.change({ removedDataFiles: ['a', 'b'].map((path) => dataFile(path, x)), addedDataFiles: [dataFile('ab', { ...x, recordCount: 20 })] }, options)
    await bench.change({ removedDataFiles: [dataFile('c', y)] })
    // The oldest data file is of sequence number 1, so the delete of number 2 may not go.
    expect(await bench.paths()).toEqual(['ab', 'd', 'e'])
    expect((await bench.entries()).find((entry) => entry.dataFile.filePath === 'ab')?.sequenceNumber).toBe(1n)
  })

  it('are carried over to the new files by a hook, and again when there are more (trap 78)', async () => {
    const bench = await shop()
    const calls: string[] = []
    const options: Partial<ChangeFilesOptions> = {
      ...since(bench),
      operation: 'replace',
      ownsFiles: true,
      carryDeletes: (newDeletes) => {
        calls.push(newDeletes.map(({ replaced, deletes }) => [replaced.filePath, ...deletes.map(({ file }) => file.filePath)].join('<')).join())
        return Promise.resolve([vector(`carried-${calls.length}`, 'a2', x)])
      },
    }
    await bench.changeAsOther({ addedDeleteFiles: [vector('v1', 'a', x)] })
    bench.backend.beforeCommit = async (n) => {
      if (n === 1) await bench.changeAsOther({ addedDeleteFiles: [vector('v2', 'a', x)], removedDeleteFiles: [vector('v1', 'a', x)] })
      if (n === 2) await bench.changeAsOther({ addedDataFiles: [dataFile('d', y)] })
    }
    const { attempts } = await bench.change(rewriteA, options)
    expect({ attempts, calls }).toEqual({ attempts: 3, calls: ['a<v1', 'a<v2'] })
    expect(await liveVectors(bench)).toEqual([['carried-2', 'a2', 1]])
    expect(bench.io.deleted).toContain('carried-1')
    expect(bench.io.deleted).not.toContain('carried-2')
  })

  it('that come and go count once: a history of several vectors of one file does not stall a rewrite (fault 30)', async () => {
    const bench = await shop()
    const options = since(bench)
    await bench.changeAsOther({ addedDeleteFiles: [vector('v1', 'b', x)] })
    await bench.changeAsOther({ addedDeleteFiles: [vector('v2', 'b', x)], removedDeleteFiles: [vector('v1', 'b', x)] })
    await bench.change({ ...rewriteA }, { ...options, operation: 'replace' })
    expect(await bench.paths()).toEqual(['a2', 'b', 'c', 'v2'])
  })
})

describe('vectors that others added for the data file of a vector of ours', () => {
  const ours = { addedDeleteFiles: [vector('ours', 'a', x), vector('ours', 'b', { ...x, contentOffset: 44 })] }
  const plainDelete = { isolation: 'serializable', allowConcurrentDeletes: true } as const

  it('conflict without a hook (fault 29)', async () => {
    const bench = await shop()
    const options = since(bench, plainDelete)
    await bench.changeAsOther({ addedDeleteFiles: [vector('theirs', 'a', x)] })
    await expect(bench.change(ours, options)).rejects.toMatchObject(conflict('a'))
    expect(await liveVectors(bench)).toEqual([['theirs', 'a', 1]])
  })

  it('are merged by the hook: one live vector for each file, and what it replaces goes (faults 29, 31)', async () => {
    const bench = await shop()
    const log: string[] = []
    const options = { ...since(bench, plainDelete), mergeVectors: merger(log), ownsFiles: true }
    await bench.changeAsOther({ addedDeleteFiles: [vector('theirs', 'a', x)] })
    const { snapshot } = await bench.change(ours, options)
    expect(log).toEqual(['ours+theirs'])
    expect(await liveVectors(bench)).toEqual([['merged-0', 'a', 2], ['ours', 'b', 1]])
    // The Puffin file of ours still holds the other vector.
    expect(bench.io.deleted).toEqual([])
    expect(Object.fromEntries(snapshot!.summary)).toMatchObject({
      'added-dvs': '2', 'removed-dvs': '1', 'added-position-deletes': '3', 'removed-position-deletes': '1', 'total-position-deletes': '3',
      'total-delete-files': '2',
    })
    expect(await bench.orphans()).toEqual([])
  })

  it('are merged anew when more come, and nothing of earlier attempts stays (fault 31)', async () => {
    const bench = await shop()
    const log: string[] = []
    const options = { ...since(bench, plainDelete), mergeVectors: merger(log) }
    bench.backend.beforeCommit = async (n) => {
      if (n === 1) await bench.changeAsOther({ addedDeleteFiles: [vector('t1', 'a', x)] })
      if (n === 2) {
        await bench.changeAsOther({
          addedDeleteFiles: [vector('t2', 'a', { ...x, recordCount: 2 }), vector('t2', 'b', { ...x, contentOffset: 44 })],
          removedDeleteFiles: [vector('t1', 'a', x)],
        })
      }
      if (n === 3) await bench.changeAsOther({ addedDataFiles: [dataFile('d', y)] })
    }
    const { attempts } = await bench.change(ours, options)
    expect({ attempts, log }).toEqual({ attempts: 4, log: ['ours+t1', 'ours+t2,ours+t2'] })
    expect(await liveVectors(bench)).toEqual([['merged-1', 'a', 3], ['merged-1', 'b', 2]])
    expect([...bench.io.deleted].filter((file) => !file.endsWith('.avro')).sort()).toEqual(['merged-0', 'ours'])
    expect(await bench.orphans()).toEqual([])
  })

  it('replace the vector that ours was made from without being missed', async () => {
    const bench = await shop()
    const old = vector('old', 'a', x)
    await bench.change({ addedDeleteFiles: [old] })
    const options = { ...since(bench, plainDelete), mergeVectors: merger() }
    await bench.changeAsOther({ addedDeleteFiles: [vector('theirs', 'a', { ...x, recordCount: 2 })], removedDeleteFiles: [old] })
    await bench.change({ addedDeleteFiles: [vector('ours', 'a', { ...x, recordCount: 2 })], removedDeleteFiles: [old] }, options)
    expect(await liveVectors(bench)).toEqual([['merged-0', 'a', 4]])
  })

  it('are removed with all files of the hook when nothing could be committed', async () => {
    const bench = await shop()
    const options = { ...since(bench, { ...plainDelete, isolation: 'snapshot' }), mergeVectors: merger(), ownsFiles: true }
    await bench.changeAsOther({ addedDeleteFiles: [vector('theirs', 'a', x)] })
    bench.backend.beforeCommit = async (n) => {
      if (n === 1) await bench.changeAsOther({ removedDataFiles: [dataFile('b', x)], addedDataFiles: [dataFile('b2', x)] })
    }
    await expect(bench.change(ours, options)).rejects.toMatchObject(conflict('b'))
    expect([...bench.io.deleted].filter((file) => !file.endsWith('.avro')).sort()).toEqual(['merged-0', 'ours'])
  })

  it('are not merged by a hook that returns something else', async () => {
    const bench = await shop()
    await bench.changeAsOther({ addedDeleteFiles: [vector('theirs', 'a', x)] })
    for (const wrong of [[], [vector('m', 'b', x)], [vector('m', 'a', { ...x, recordCount: 0 })], [positionDeletes('m', 'a', x)]]) {
      const options = { ...since(bench, plainDelete), mergeVectors: () => Promise.resolve(wrong) }
      await expect(bench.change(ours, options)).rejects.toMatchObject({ code: 'INVALID', file: 'a' })
    }
  })

  it('conflict with an update where they may have deleted rows that it changes elsewhere (fault 28)', async () => {
    const update = { addedDeleteFiles: [vector('ours', 'a', x)], addedDataFiles: [dataFile('updated', x)] }
    for (const isolation of ['serializable', 'snapshot'] as const) {
      const bench = await shop()
      const options = { ...since(bench, { isolation }), mergeVectors: merger() }
      await bench.changeAsOther({ addedDeleteFiles: [vector('theirs', 'c', y)] })
      await bench.change(update, options)
      const again = { ...since(bench, { isolation }), mergeVectors: merger() }
      await bench.changeAsOther({ addedDeleteFiles: [equalityDeletes('keys', x)] })
      const next = { addedDeleteFiles: [vector('next', 'b', x)], addedDataFiles: [dataFile('updated-2', x)] }
      await expect(bench.change(next, again)).rejects.toMatchObject(conflict('keys'))
    }
  })

  it('as position delete files of a writer that does not know vectors are merged too (trap 42)', async () => {
    const bench = await shop({ formatVersion: 2 })
    await bench.changeAsOther({ addedDeleteFiles: [positionDeletes('before', 'a', x)] })
    await bench.commitAsOther(metadataOperation('upgrade', () => [{ action: 'upgrade-format-version', formatVersion: 3 }]))
    const log: string[] = []
    const start = bench.backend.metadata.snapshots[0]!.snapshotId
    const options = { ...since(bench, { ...plainDelete, startingSnapshotId: start }), mergeVectors: merger(log) }
    await bench.change(ours, options)
    expect(log).toEqual(['ours+before'])
    expect(await liveVectors(bench)).toEqual([['merged-0', 'a', 2], ['ours', 'b', 1]])
  })
})

describe('data files that others removed', () => {
  const deleteRows = { addedDeleteFiles: [vector('ours', 'a', x)] }
  const compaction = { removedDataFiles: [dataFile('a', x)], addedDataFiles: [dataFile('a2', x)] }

  it('conflict with deletes of their rows, which live on in another file (fault 27)', async () => {
    for (const allowConcurrentDeletes of [true, false]) {
      const bench = await shop()
      const options = since(bench, { allowConcurrentDeletes })
      await bench.changeAsOther(compaction, { operation: 'replace' })
      await expect(bench.change(deleteRows, options)).rejects.toMatchObject(conflict('a'))
    }
    // Without validation, the version that the caller holds is the start.
    const bench = await shop()
    const base = bench.backend.current()
    await bench.changeAsOther(compaction, { operation: 'replace' })
    await expect(bench.change(deleteRows, {}, base)).rejects.toMatchObject(conflict('a'))
  })

  it('do not conflict with a plain delete when all of their rows were deleted: its vector is left out', async () => {
    const bench = await shop()
    const options = since(bench, { allowConcurrentDeletes: true })
    await bench.changeAsOther({ removedDataFiles: [dataFile('a', x)] })
    await bench.change({ addedDeleteFiles: [vector('ours', 'a', x), vector('ours', 'b', { ...x, contentOffset: 44 })] }, options)
    expect(await liveVectors(bench)).toEqual([['ours', 'b', 1]])
    const second = await shop()
    const again = since(second, { allowConcurrentDeletes: true })
    await second.changeAsOther({ removedDataFiles: [dataFile('a', x)] })
    await second.change({ removedDataFiles: [dataFile('a', x), dataFile('b', x)] }, again)
    expect(await second.paths()).toEqual(['c'])
  })

  it('conflict with an update of them', async () => {
    const bench = await shop()
    const options = since(bench)
    await bench.changeAsOther({ removedDataFiles: [dataFile('a', x)] })
    await expect(bench.change({ ...deleteRows, addedDataFiles: [dataFile('n', x)] }, options)).rejects.toMatchObject(conflict('a'))
  })

  it('conflict with a rewrite of them: rows are not doubled (traps 78, 83)', async () => {
    const bench = await shop()
    const options: Partial<ChangeFilesOptions> = { ...since(bench), operation: 'replace' }
    await bench.changeAsOther(compaction, { operation: 'replace' })
    await expect(bench.change({ ...compaction, addedDataFiles: [dataFile('a3', x)] }, options)).rejects.toMatchObject(conflict('a'))
  })
})

describe('an upgrade of the format while rows change', () => {
  it('makes position delete files a conflict at every step, and never puts them into a v3 table (fault 33)', async () => {
    const upgrade = metadataOperation('upgrade', () => [{ action: 'upgrade-format-version', formatVersion: 3 }])
    for (const step of ['before', 'during'] as const) {
      const bench = await shop({ formatVersion: 2 })
      const options = { ...since(bench), ownsFiles: true }
      const base = bench.backend.current()
      if (step === 'before') await bench.commitAsOther(upgrade)
      else bench.backend.beforeCommit = async (n) => { if (n === 1) await bench.commitAsOther(upgrade) }
      const commit = bench.change({ addedDeleteFiles: [positionDeletes('p', 'a', x)] }, options, base)
      await expect(commit).rejects.toMatchObject({ code: 'CONFLICT', file: 'p', retryable: false })
      expect(await bench.paths()).toEqual(['a', 'b', 'c'])
      expect(bench.io.deleted).toContain('p')
    }
  })

  it('lets equality deletes and whole files through, and data files get row ids then (fault 33)', async () => {
    const bench = await shop({ formatVersion: 2 })
    const base = bench.backend.current()
    const options = since(bench)
    await bench.commitAsOther(metadataOperation('upgrade', () => [{ action: 'upgrade-format-version', formatVersion: 3 }]))
    await bench.change({ addedDeleteFiles: [equalityDeletes('e', y)], addedDataFiles: [dataFile('n', x)] }, options, base)
    expect(await bench.paths()).toEqual(['a', 'b', 'c', 'e', 'n'])
    const rowIds = (await bench.entries()).filter((entry) => entry.dataFile.content === 'data').map((entry) => entry.dataFile.firstRowId)
    expect(new Set(rowIds)).toEqual(new Set([0n, 10n, 20n, 30n]))
  })

  it('refuses vectors in v2 tables and deletes in v1 tables before anything is written', async () => {
    for (const [formatVersion, file] of [[1, equalityDeletes('e', x)], [2, vector('v', 'a', x)], [3, positionDeletes('p', 'a', x)]] as const) {
      const bench = await shop({ formatVersion })
      const writes = bench.io.writes.length
      await expect(bench.change({ addedDeleteFiles: [file] })).rejects.toMatchObject({ code: 'INVALID', file: file.filePath })
      expect(bench.io.writes).toHaveLength(writes)
    }
  })
})

describe('an overwrite of all rows of a filter', () => {
  it('conflicts with deletes and removals of others in it, and not with those elsewhere', async () => {
    const others = [{ addedDeleteFiles: [vector('v', 'b', x)] }, { removedDataFiles: [dataFile('b', x)] }]
    for (const theirs of others) {
      const bench = await shop()
      const options = since(bench, { replacesFilter: true, isolation: 'snapshot' })
      await bench.changeAsOther(theirs)
      await expect(bench.change({ removedDataFiles: [dataFile('a', x)], addedDataFiles: [dataFile('n', x)] }, options)).rejects.toMatchObject({ code: 'CONFLICT' })
    }
    const bench = await shop()
    const options = since(bench, { replacesFilter: true, isolation: 'snapshot' })
    await bench.changeAsOther({ removedDataFiles: [dataFile('c', y)] })
    await bench.change({ removedDataFiles: [dataFile('a', x)], addedDataFiles: [dataFile('n', x)] }, options)
    expect(await bench.paths()).toEqual(['b', 'n'])
  })
})

describe('replacing partitions', () => {
  it('drops all files and deletes of the partitions, those of others too, anew in every attempt', async () => {
    const bench = await shop()
    await bench.changeAsOther({ addedDeleteFiles: [vector('v', 'a', x), equalityDeletes('e', x), equalityDeletes('f', y)] })
    bench.backend.beforeCommit = async (n) => {
      if (n === 1) await bench.changeAsOther({ addedDataFiles: [dataFile('late', x), dataFile('kept', y)] })
    }
    const { snapshot } = await bench.change({ addedDataFiles: [dataFile('n', x)] }, { replacePartitions: true })
    expect(await bench.paths()).toEqual(['c', 'f', 'kept', 'n'])
    expect(snapshot?.operation).toBe('overwrite')
    expect(Object.fromEntries(snapshot!.summary)).toMatchObject({
      'replace-partitions': 'true', 'deleted-data-files': '3', 'removed-delete-files': '2', 'total-data-files': '3', 'changed-partition-count': '1',
    })
  })

  it('of an unpartitioned table replaces all of it, whatever specs it once had', async () => {
    const bench = await shop()
    await bench.commitAsOther(metadataOperation('spec', () => [
      { action: 'add-spec', spec: { specId: 0, fields: [] } }, { action: 'set-default-spec', specId: -1 },
    ]))
    await bench.change({ addedDataFiles: [dataFile('n', { specId: 1 })] }, { replacePartitions: true })
    expect(await bench.paths()).toEqual(['n'])
  })

  it('conflicts with what others did in these partitions only (trap 79)', async () => {
    const cases = [
      [{ addedDataFiles: [dataFile('new', x)] }, 'serializable', 'new'],
      [{ addedDeleteFiles: [vector('v', 'b', x)] }, 'snapshot', 'v'],
      [{ removedDataFiles: [dataFile('b', x)] }, 'snapshot', 'b'],
      [{ addedDataFiles: [dataFile('new', y)], removedDataFiles: [dataFile('c', y)] }, 'serializable', undefined],
      [{ addedDataFiles: [dataFile('new', x)] }, 'snapshot', undefined],
    ] as const
    for (const [theirs, isolation, file] of cases) {
      const bench = await shop()
      const options = { ...since(bench, { isolation, conflictFilter: alwaysTrue() }), replacePartitions: true }
      await bench.changeAsOther(theirs)
      const commit = bench.change({ addedDataFiles: [dataFile('n', x)] }, options)
      if (file === undefined) expect((await commit).snapshot).toBeDefined()
      else await expect(commit).rejects.toMatchObject(conflict(file))
    }
  })
})
