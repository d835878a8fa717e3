import { describe, expect, it } from 'vitest'
import { appendFiles } from '../../src/commit/append-files.js'
import { changeFiles } from '../../src/commit/change-files.js'
import { metadataOperation } from '../../src/commit/commit-operation.js'
import { manifestWriterOptions } from '../../src/commit/manifest-output.js'
import { encodeManifestList } from '../../src/manifest/manifest-list.js'
import { ManifestWriter } from '../../src/manifest/manifest-writer.js'
import { readContainer } from '../../src/avro/container.js'
import { DELETE_FILE_PATH_FIELD } from '../../src/schema/reserved-fields.js'
import { encodeUtf8 } from '../../src/util/utf8.js'
import { decodeValue } from '../../src/schema/single-value.js'
import { CommitBench, dataFile, equalityDeletes, positionDeletes, vector } from '../support/commit-bench.js'
import { appendUpdates, snapshotOn, table, update } from '../support/metadata-builders.js'

const BY_KIND = { specId: 0, fields: [{ fieldId: 1000, name: 'kind', sourceIds: [3], transform: 'identity' }] } as const
const of = (kind: string | null) => ({ partition: [kind] })
const fast = { mode: 'fast' } as const
const partitioned = (formatVersion: 1 | 2 | 3 = 2) => new CommitBench({ metadata: table({ formatVersion, spec: BY_KIND }) })

/** How often each manifest is read from here on. */
function countReads(bench: CommitBench): () => readonly string[] {
  const read: string[] = []
  const original = bench.io.read.bind(bench.io)
  bench.io.read = (location, options) => {
    if (/-m\d+\.avro$/.test(location)) read.push(location)
    return original(location, options)
  }
  return () => read
}

describe('manifests that a change touches', () => {
  it('are only those that can hold a removed file: of its partition and spec, with live files', async () => {
    const bench = partitioned()
    for (const kind of ['a', 'b', 'c', null]) await bench.change({ addedDataFiles: [dataFile(`file-${kind}`, of(kind))] }, fast)
    const reads = countReads(bench)
    const kept = (await bench.manifests()).length
    const { snapshot } = await bench.change({ removedDataFiles: [dataFile('file-b', of('b'))] }, fast)
    expect(reads()).toHaveLength(1)
    expect(snapshot?.summary.get('manifests-kept')).toBe(String(kept - 1))
    await bench.change({ removedDataFiles: [dataFile('file-null', of(null))] }, fast)
    expect(reads()).toHaveLength(2)
    expect(await bench.paths()).toEqual(['file-a', 'file-c'])
  })

  it('are read once and rewritten once over all attempts', async () => {
    const bench = new CommitBench()
    await bench.append(['a', 'b'])
    const first = bench.backend.requests.length
    bench.backend.beforeCommit = async (n) => {
      if (n - first <= 3) await bench.appendAsOther([`theirs-${n}`], fast)
    }
    const before = bench.io.writes.filter((location) => /-m\d+\.avro$/.test(location)).length
    const reads = countReads(bench)
    const { attempts } = await bench.change({ removedDataFiles: [dataFile('a')], addedDataFiles: [dataFile('c')] }, fast)
    expect(attempts).toBe(4)
    const manifest = (await bench.manifests(bench.backend.metadata.snapshots[0]?.snapshotId))[0]!.manifestPath
    expect(reads().filter((location) => location === manifest)).toHaveLength(1)
    // Three by others, one with the new file, one with the removed.
    expect(bench.io.writes.filter((location) => /-m\d+\.avro$/.test(location))).toHaveLength(before + 5)
    expect(await bench.orphans()).toEqual([])
  })

  it('keep their own spec and get their partition summaries anew (traps 31, 32)', async () => {
    const bench = partitioned()
    await bench.change({ addedDataFiles: ['m', 'a', 'z'].map((kind) => dataFile(kind, of(kind))) })
    await bench.change({ addedDataFiles: [dataFile('null', of(null)), dataFile('k', of('k'))] }, fast)
    await bench.commit(metadataOperation('spec', () => [
      { action: 'add-spec', spec: { specId: 0, fields: [] } }, { action: 'set-default-spec', specId: -1 },
    ]))
    await bench.change({ removedDataFiles: [dataFile('null', of(null))], addedDataFiles: [dataFile('n', { specId: 1 })] }, fast)
    const summaries = async (): Promise<unknown> => (await bench.manifests()).map(({ partitionSpecId, partitions, deletedFilesCount }) => [
      partitionSpecId, deletedFilesCount,
      ...partitions!.map((field) => [field.containsNull, ...[field.lowerBound, field.upperBound].map((bound) => decodeValue({ kind: 'string' }, bound!))]),
    ])
    // Deleted entries count for summaries, as in the reference: readers of changes look for them.
    expect(await summaries()).toEqual([[1, 0], [0, 1, [true, 'k', 'k']], [0, 0, [false, 'a', 'z']]])
    await bench.change({ removedDataFiles: [dataFile('k', of('k'))] }, fast)
    expect(await summaries()).toEqual([[1, 0], [0, 1, [false, 'k', 'k']], [0, 0, [false, 'a', 'z']]])
  })

  it('of deletes say so, and store equality ids as ints (trap 44)', async () => {
    const bench = partitioned(3)
    await bench.change({ addedDataFiles: [dataFile('a', of('x'))] })
    await bench.change({ addedDeleteFiles: [equalityDeletes('e', { ...of('x'), equalityIds: [3, 1] }), vector('v', 'a', of('x'))] })
    const deletes = (await bench.manifests()).find((manifest) => manifest.content === 'deletes')!
    const container = readContainer(await bench.io.read(deletes.manifestPath), deletes.manifestPath)
    expect(container.metadata.get('content')).toEqual(encodeUtf8('deletes'))
    expect(container.schemaText).toMatch(/"name":"equality_ids","type":\["null",\{"type":"array","items":"int"/)
    const entries = (await bench.entries()).filter((entry) => entry.dataFile.content === 'equality-deletes')
    expect(entries.map((entry) => entry.dataFile.equalityIds)).toEqual([[3, 1]])
  })

  it('count row ids of added and existing files, and not of deleted ones (traps 51, 52)', async () => {
    const bench = partitioned(3)
    await bench.change({ addedDataFiles: ['a', 'b', 'c'].map((path) => dataFile(path, of('x'))) })
    const added = dataFile('d', { ...of('x'), firstRowId: 7n })
    const { snapshot } = await bench.change({ removedDataFiles: [dataFile('b', of('x'))], addedDataFiles: [added] })
    expect(snapshot).toMatchObject({ firstRowId: 30n, addedRows: 30n })
    const ids = new Map((await bench.entries()).map((entry) => [entry.dataFile.filePath, entry.dataFile.firstRowId]))
    // Those that stay keep theirs; the new one gets its own, whatever its caller said.
    expect(ids).toEqual(new Map([['d', 30n], ['a', 0n], ['b', 10n], ['c', 20n]]))
  })

  it('of early v2 writers, which left out file sequence numbers, are filtered all the same (trap 47)', async () => {
    const bench = new CommitBench()
    const { metadata } = bench.backend
    const writer = new ManifestWriter(manifestWriterOptions(metadata, { specId: 0, content: 'data', snapshotId: 77n }))
    for (const path of ['a', 'b']) {
      // Past the check: no writer of today makes such entries.
      writer['write']({ status: 'existing', snapshotId: 5n, sequenceNumber: 1n, fileSequenceNumber: undefined, dataFile: dataFile(path) })
    }
    const { bytes, manifestFile } = writer.finish(`${metadata.location}/metadata/early-m0.avro`)
    await bench.io.write(manifestFile.manifestPath, bytes, { ifNoneMatch: '*' })
    const snapshot = snapshotOn(metadata, 77n)
    const listed = { ...manifestFile, existingFilesCount: 2, existingRowsCount: 20n, sequenceNumber: 1n, minSequenceNumber: 1n }
    const ids = { snapshotId: 77n, parentSnapshotId: undefined, sequenceNumber: 1n }
    const list = encodeManifestList([listed], { formatVersion: 2, ...ids })
    await bench.io.write(snapshot.manifestList!, list, { ifNoneMatch: '*' })
    bench.backend.metadata = update(metadata, ...appendUpdates(snapshot))
    expect((await bench.entries()).map((entry) => entry.fileSequenceNumber)).toEqual([undefined, undefined])
    await bench.change({ removedDataFiles: [dataFile('a')] })
    expect(await bench.entries()).toMatchObject([
      { dataFile: { filePath: 'a' }, status: 'deleted', sequenceNumber: 1n, fileSequenceNumber: 1n },
      { dataFile: { filePath: 'b' }, status: 'existing', sequenceNumber: 1n, fileSequenceNumber: 1n },
    ])
  })

  it('of v1 are filtered with sequence numbers of 0 after an upgrade (trap 47)', async () => {
    const bench = new CommitBench({ metadata: table({ formatVersion: 1 }) })
    await bench.append(['a', 'b'])
    await bench.commit(metadataOperation('upgrade', () => [{ action: 'upgrade-format-version', formatVersion: 2 }]))
    await bench.change({ removedDataFiles: [dataFile('a')], addedDataFiles: [dataFile('c')] })
    const entries = (await bench.entries()).map(({ dataFile: file, status, sequenceNumber, fileSequenceNumber }) => [
      file.filePath, status, sequenceNumber, fileSequenceNumber,
    ])
    expect(entries).toEqual([['c', 'added', 1n, 1n], ['a', 'deleted', 0n, 0n], ['b', 'existing', 0n, 0n]])
    expect((await bench.manifests()).map((manifest) => manifest.minSequenceNumber)).toEqual([1n, 0n])
  })

  it('are merged as the table says, deleted entries of this commit included, those of earlier ones not (trap 48)', async () => {
    const bench = new CommitBench({ metadata: table({ properties: { 'commit.manifest.min-count-to-merge': '2' } }) })
    await bench.append(['a', 'b'])
    await bench.change({ removedDataFiles: [dataFile('a')] })
    const { snapshot } = await bench.change({ removedDataFiles: [dataFile('b')], addedDataFiles: [dataFile('c')] })
    const isOurs = (snapshotId: bigint): boolean => snapshotId === snapshot?.snapshotId
    const entries = (await bench.entries()).map((entry) => [entry.dataFile.filePath, entry.status, isOurs(entry.snapshotId)])
    expect(entries).toEqual([['c', 'added', true], ['b', 'deleted', true]])
    expect(await bench.manifests()).toHaveLength(1)
    expect(await bench.orphans()).toEqual([])
  })
})

describe('delete files that apply to nothing', () => {
  it('go once they are older than every data file, and not before (fault 26)', async () => {
    const bench = partitioned(3)
    await bench.change({ addedDataFiles: [dataFile('a', of('x')), dataFile('b', of('y'))] })
    await bench.change({ addedDeleteFiles: [equalityDeletes('e', of('x'))] })
    await bench.change({ removedDataFiles: [dataFile('a', of('x'))], addedDataFiles: [dataFile('a2', of('x'))] }, { operation: 'replace' })
    expect(await bench.paths()).toEqual(['a2', 'b', 'e'])
    // The last file of sequence number 1 goes, and with the next change the delete that nothing needs.
    const { snapshot } = await bench.change({ removedDataFiles: [dataFile('b', of('y'))] })
    expect(await bench.paths()).toEqual(['a2'])
    expect(Object.fromEntries(snapshot!.summary)).toMatchObject({
      'removed-equality-delete-files': '1', 'removed-equality-deletes': '1', 'total-equality-deletes': '0', 'total-delete-files': '0',
    })
  })

  it('are all gone after a rewrite of the whole table (fault 26)', async () => {
    const bench = partitioned(2)
    const files = ['a', 'b'].map((path) => dataFile(path, of('x')))
    await bench.change({ addedDataFiles: files })
    const path = encodeUtf8('b')
    const bounds = { lowerBounds: new Map([[DELETE_FILE_PATH_FIELD.id, path]]), upperBounds: new Map([[DELETE_FILE_PATH_FIELD.id, path]]) }
    await bench.change({
      addedDeleteFiles: [positionDeletes('p', 'a', of('x')), positionDeletes('q', undefined, { ...of('x'), ...bounds }), equalityDeletes('e', of('x'))],
    })
    await bench.change(
      { removedDataFiles: files, addedDataFiles: [dataFile('ab', { ...of('x'), recordCount: 17 })] },
      { operation: 'replace', droppedRowCount: 3 },
    )
    // Position deletes go with their files; the equality delete is of an older number than the new file.
    await bench.change({ addedDataFiles: [dataFile('c', of('y'))] })
    expect(await bench.paths()).toEqual(['ab', 'c'])
  })
})

describe('the operation and the summary of a change', () => {
  it.each([
    ['append', { addedDataFiles: [dataFile('n')] }],
    ['delete', { removedDataFiles: [dataFile('a')] }],
    ['delete', { addedDeleteFiles: [vector('v', 'a')] }],
    ['overwrite', { addedDataFiles: [dataFile('n')], removedDataFiles: [dataFile('a')] }],
    ['overwrite', { addedDataFiles: [dataFile('n')], addedDeleteFiles: [vector('v', 'a')] }],
    ['delete', { removedDataFiles: [dataFile('b')], addedDeleteFiles: [vector('v', 'a')] }],
  ] as const)('%s is what the reference calls it', async (operation, changes) => {
    const bench = new CommitBench({ metadata: table({ formatVersion: 3 }) })
    await bench.append(['a', 'b'])
    expect((await bench.change(changes)).snapshot?.operation).toBe(operation)
  })

  it('counts every kind of file, and carries totals on (trap 69)', async () => {
    const bench = new CommitBench({ metadata: table({ properties: { 'write.summary.partition-limit': '10' }, spec: BY_KIND }) })
    await bench.change({ addedDataFiles: [dataFile('a', of('x')), dataFile('b', of('y'))] })
    await bench.change({ addedDeleteFiles: [positionDeletes('p', 'a', { ...of('x'), recordCount: 4 }), equalityDeletes('e', { ...of('y'), recordCount: 2 })] })
    const { snapshot } = await bench.change(
      {
        addedDataFiles: [dataFile('c', { ...of('x'), recordCount: 6 })],
        removedDataFiles: [dataFile('a', of('x'))],
        removedDeleteFiles: [equalityDeletes('e', of('y'))],
      },
      { properties: new Map([['app', 'test']]) },
    )
    const { 'engine-version': _, ...summary } = Object.fromEntries(snapshot!.summary)
    expect(summary).toEqual({
      app: 'test',
      'manifests-created': '3', 'manifests-kept': '0', 'manifests-replaced': '2',
      'added-data-files': '1', 'deleted-data-files': '1', 'removed-equality-delete-files': '1', 'removed-position-delete-files': '1',
      'removed-delete-files': '2', 'added-records': '6', 'deleted-records': '10', 'added-files-size': '100', 'removed-files-size': '300',
      'removed-position-deletes': '4', 'removed-equality-deletes': '2', 'changed-partition-count': '2', 'partition-summaries-included': 'true',
      'partitions.kind=x': expect.stringContaining('deleted-data-files=1') as string,
      'partitions.kind=y': expect.stringContaining('removed-equality-deletes=2') as string,
      'total-records': '16', 'total-files-size': '200', 'total-data-files': '2', 'total-delete-files': '0', 'total-position-deletes': '0',
      'total-equality-deletes': '0', 'engine-name': 'floe',
    })
  })

  it('refuses files that contradict each other, and rewrites that lose or double rows (trap 83)', () => {
    const bench = new CommitBench()
    const [a, b] = [dataFile('a'), dataFile('b')]
    const wrong = [
      [{ addedDataFiles: [a, a] }, {}],
      [{ addedDataFiles: [a], removedDataFiles: [a] }, {}],
      [{ addedDataFiles: [positionDeletes('p')] }, {}],
      [{ addedDeleteFiles: [a] }, {}],
      [{ removedDataFiles: [a], addedDeleteFiles: [positionDeletes('p', 'a')] }, {}],
      [{ addedDeleteFiles: [vector('v', 'a', { referencedDataFile: undefined })] }, {}],
      [{ addedDataFiles: [b] }, { operation: 'replace' }],
      [{ removedDataFiles: [a], addedDataFiles: [dataFile('n', { recordCount: 20 })] }, { operation: 'replace' }],
      [{ removedDataFiles: [a], addedDataFiles: [dataFile('n', { recordCount: 9 })] }, { operation: 'replace' }],
      [{}, { operation: 'replace' }],
      [{}, { replacePartitions: true }],
    ] as const
    const none = { addedDataFiles: [], removedDataFiles: [], addedDeleteFiles: [], removedDeleteFiles: [] }
    for (const [changes, options] of wrong) {
      expect(() => changeFiles({ ...none, ...changes }, { name: 'change', ...options }, bench.runtime)).toThrow(expect.objectContaining({ code: 'INVALID' }))
    }
    const kept = { ...none, removedDataFiles: [a], addedDataFiles: [dataFile('n', { recordCount: 9 })] }
    expect(() => changeFiles(kept, { name: 'change', operation: 'replace', droppedRowCount: 1 }, bench.runtime)).not.toThrow()
  })
})

describe('a change whose outcome is in doubt', () => {
  it('is found by its token and not made twice, with other commits on top (fault 17)', async () => {
    const bench = new CommitBench({ script: ['ok', 'unknown-landed'] })
    await bench.append(['a', 'b'])
    const change = { removedDataFiles: [dataFile('a')], addedDataFiles: [dataFile('c')] }
    const first = await bench.change(change, { commitToken: 't', ownsFiles: true })
    await bench.appendAsOther(['d'])
    const again = await bench.change(change, { commitToken: 't', ownsFiles: true })
    expect(again.snapshot?.snapshotId).toBe(first.snapshot?.snapshotId)
    expect(await bench.paths()).toEqual(['b', 'c', 'd'])
    expect(bench.io.deleted).not.toContain('c')
  })

  it('keeps its files when it may have landed, and deletes them once it is proven out', async () => {
    const lost = new CommitBench({ script: ['ok', 'unknown-lost'] })
    await lost.append(['a'])
    const change = { removedDataFiles: [dataFile('a')], addedDataFiles: [dataFile('c')] }
    await expect(lost.change(change, { ownsFiles: true })).rejects.toMatchObject({ code: 'COMMIT_STATE_UNKNOWN' })
    expect(lost.io.deleted).toEqual([])
    const rejected = new CommitBench({ script: ['ok', 'rejected-final'] })
    await rejected.append(['a'])
    await expect(rejected.change(change, { ownsFiles: true })).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(rejected.io.deleted).toContain('c')
    expect(rejected.io.deleted).not.toContain('a')
    expect(await rejected.orphans()).toEqual([])
  })

  it('has every file once, however often it was tried again (faults 16 and 19)', async () => {
    const properties = { 'commit.manifest.min-count-to-merge': '2' }
    const bench = new CommitBench({ metadata: table({ formatVersion: 3, properties }) })
    await bench.appendAsOther(['a', 'b'])
    bench.backend.beforeCommit = async (n) => {
      if (n <= 6) await bench.appendAsOther([`theirs-${n}`])
    }
    const changes = { addedDataFiles: [dataFile('c')], removedDataFiles: [dataFile('a')], addedDeleteFiles: [vector('v', 'b'), equalityDeletes('e')] }
    expect((await bench.change(changes)).attempts).toBe(7)
    expect(await bench.paths()).toEqual(['b', 'c', 'e', ...[1, 2, 3, 4, 5, 6].map((n) => `theirs-${n}`), 'v'])
    expect(await bench.orphans()).toEqual([])
  })
})

describe('changes on branches and in transactions', () => {
  it('build on the head of their branch and leave others alone (trap 66, fault 23)', async () => {
    const bench = new CommitBench({ metadata: table({ formatVersion: 3 }) })
    await bench.append(['a', 'b'])
    const stale = bench.backend.current()
    await bench.change({ removedDataFiles: [dataFile('a')] }, { branch: 'audit' })
    await bench.change({ removedDataFiles: [dataFile('b')], addedDataFiles: [dataFile('c')] }, {}, stale)
    const { refs, snapshots } = bench.backend.metadata
    expect(await bench.paths(refs.get('audit')?.snapshotId)).toEqual(['b'])
    expect(await bench.paths(refs.get('main')?.snapshotId)).toEqual(['a', 'c'])
    expect(snapshots.map((snapshot) => snapshot.sequenceNumber)).toEqual([1n, 2n, 3n])
  })

  it('follow one another in one commit, each on what the one before made', async () => {
    const bench = new CommitBench({ metadata: table({ formatVersion: 3 }) })
    await bench.appendAsOther(['a', 'b'])
    const none = { addedDataFiles: [], removedDataFiles: [], addedDeleteFiles: [], removedDeleteFiles: [] }
    bench.backend.beforeCommit = async (n) => {
      if (n === 1) await bench.appendAsOther(['theirs'])
    }
    const { attempts, snapshot } = await bench.transaction([
      appendFiles([dataFile('c')], {}, bench.runtime),
      changeFiles({ ...none, addedDeleteFiles: [vector('v', 'c'), vector('v', 'a', { contentOffset: 44 })] }, { name: 'delete' }, bench.runtime),
      changeFiles({ ...none, removedDataFiles: [dataFile('b'), dataFile('c')] }, { name: 'delete' }, bench.runtime),
    ])
    expect(attempts).toBe(2)
    expect(await bench.paths()).toEqual(['a', 'theirs', 'v'])
    expect(snapshot?.sequenceNumber).toBe(5n)
    expect(bench.backend.metadata.snapshots).toHaveLength(5)
    expect(await bench.orphans()).toEqual([])
  })
})
