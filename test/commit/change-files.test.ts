import { describe, expect, it } from 'vitest'
import { CommitBench, dataFile, positionDeletes, vector } from '../support/commit-bench.js'
import { table } from '../support/metadata-builders.js'

const v3 = () => new CommitBench({ metadata: table({ formatVersion: 3 }) })

describe('a change of files', () => {
  it('removes a file: its entry is deleted by this snapshot, with the sequence numbers of the file (traps 47, 48)', async () => {
    const bench = new CommitBench()
    await bench.append(['a', 'b'])
    await bench.append(['c'])
    const before = (await bench.manifests())[0]!
    const { snapshot } = await bench.change({ removedDataFiles: [dataFile('a')], addedDataFiles: [dataFile('d')] })
    expect(await bench.paths()).toEqual(['b', 'c', 'd'])
    const entries = (await bench.entries()).map((entry) => [
      entry.dataFile.filePath, entry.status, entry.snapshotId === snapshot?.snapshotId, entry.sequenceNumber, entry.fileSequenceNumber,
    ])
    expect(entries).toEqual([
      ['d', 'added', true, 3n, 3n],
      ['c', 'added', false, 2n, 2n],
      ['a', 'deleted', true, 1n, 1n],
      ['b', 'existing', false, 1n, 1n],
    ])
    expect((await bench.manifests())[1]).toEqual(before)
    expect(snapshot?.operation).toBe('overwrite')
    expect(Object.fromEntries(snapshot!.summary)).toMatchObject({
      'added-data-files': '1',
      'deleted-data-files': '1',
      'added-records': '10',
      'deleted-records': '10',
      'total-data-files': '3',
      'total-records': '30',
      'changed-partition-count': '1',
      'manifests-created': '2',
      'manifests-kept': '1',
      'manifests-replaced': '1',
    })
    expect(await bench.orphans()).toEqual([])
  })

  it('removes the vector and the position delete files of a removed data file with it (trap 42)', async () => {
    const bench = v3()
    await bench.append(['a', 'b'])
    await bench.change({ addedDeleteFiles: [vector('v', 'a'), vector('v', 'b', { contentOffset: 44 })] })
    const { snapshot } = await bench.change({ removedDataFiles: [dataFile('a')] })
    expect(await bench.paths()).toEqual(['b', 'v'])
    expect(snapshot?.operation).toBe('delete')
    expect(Object.fromEntries(snapshot!.summary)).toMatchObject({
      'removed-dvs': '1', 'removed-delete-files': '1', 'removed-position-deletes': '1', 'total-delete-files': '1', 'total-position-deletes': '1',
    })
    const live = (await bench.entries()).filter((entry) => entry.status !== 'deleted' && entry.dataFile.content !== 'data')
    expect(live.map((entry) => entry.dataFile.referencedDataFile)).toEqual(['b'])

    const v2 = new CommitBench()
    await v2.append(['a', 'b'])
    await v2.change({ addedDeleteFiles: [positionDeletes('p', 'a'), positionDeletes('q', 'b'), positionDeletes('r')] })
    await v2.change({ removedDataFiles: [dataFile('a')] })
    expect(await v2.paths()).toEqual(['b', 'q', 'r'])
  })

  it('that removes a file which is not there is a conflict that names table and file', async () => {
    const bench = new CommitBench()
    await bench.append(['a'])
    await expect(bench.change({ removedDataFiles: [dataFile('x')] })).rejects.toMatchObject({ code: 'CONFLICT', table: 'shop.events', file: 'x', retryable: false })
    expect(await bench.paths()).toEqual(['a'])
    expect(await bench.orphans()).toEqual([])
  })

  it('replaces a vector by another of the same Puffin file, told apart by their offsets (trap 40)', async () => {
    const bench = v3()
    await bench.append(['a', 'b'])
    const old = vector('v', 'a')
    await bench.change({ addedDeleteFiles: [old, vector('v', 'b', { contentOffset: 44 })] })
    await bench.change({ addedDeleteFiles: [vector('w', 'a')], removedDeleteFiles: [old] })
    const live = (await bench.entries()).filter((entry) => entry.status !== 'deleted' && entry.dataFile.content !== 'data')
    expect(live.map(({ dataFile: file }) => [file.filePath, file.referencedDataFile]).sort()).toEqual([['v', 'b'], ['w', 'a']])
  })

  it('never leaves two live vectors of one data file (trap 42, fault 29)', async () => {
    const bench = v3()
    await bench.append(['a'])
    await bench.change({ addedDeleteFiles: [vector('v', 'a')] })
    await expect(bench.change({ addedDeleteFiles: [vector('w', 'a')] })).rejects.toMatchObject({ code: 'CONFLICT', file: 'a' })
    await expect(async () => bench.change({ addedDeleteFiles: [vector('w', 'a'), vector('x', 'a')] })).rejects.toMatchObject({ code: 'INVALID' })
  })

  it.each([1, 2, 3] as const)('removes files of a v%i table', async (formatVersion) => {
    const bench = new CommitBench({ metadata: table({ formatVersion }) })
    await bench.append(['a', 'b'])
    await bench.change({ removedDataFiles: [dataFile('a')] })
    expect(await bench.paths()).toEqual(['b'])
  })
})
