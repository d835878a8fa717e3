import { describe, expect, it } from 'vitest'
import { appendFiles } from '../../src/commit/append-files.js'
import { manifestWriterOptions } from '../../src/commit/manifest-output.js'
import { COMMIT_TOKEN_PROPERTY } from '../../src/commit/snapshot-operation.js'
import type { ManifestContent, ManifestFile } from '../../src/manifest/data-file.js'
import { encodeManifestList } from '../../src/manifest/manifest-list.js'
import { ManifestWriter } from '../../src/manifest/manifest-writer.js'
import { Schema } from '../../src/schema/schema.js'
import { CommitBench, dataFile } from '../support/commit-bench.js'
import { appendUpdates, SCHEMA, snapshotOn, table, update } from '../support/metadata-builders.js'

const merging = (minCount: number, targetBytes = 8_388_608) => ({
  'commit.manifest.min-count-to-merge': String(minCount),
  'commit.manifest.target-size-bytes': String(targetBytes),
})

/**
 * A commit such as other engines make: it deletes the file `a0` in a manifest with nothing else but, perhaps, the file `kept`,
 * and adds position deletes. Answers the delete manifest.
 */
async function deleteAsOther(bench: CommitBench, kept?: string): Promise<ManifestFile> {
  const { metadata } = bench.backend
  const snapshotId = 77n
  const inherited = await bench.manifests()
  const write = async (name: string, content: ManifestContent, add: (writer: ManifestWriter) => void): Promise<ManifestFile> => {
    const writer = new ManifestWriter(manifestWriterOptions(metadata, { specId: 0, content, snapshotId }))
    add(writer)
    const { bytes, manifestFile } = writer.finish(`${metadata.location}/metadata/${name}.avro`)
    await bench.io.write(manifestFile.manifestPath, bytes, { ifNoneMatch: '*' })
    return manifestFile
  }
  const gone = await write('gone', 'data', (writer) => {
    const before = { status: 'existing', snapshotId: 5n, sequenceNumber: 1n, fileSequenceNumber: 1n } as const
    writer.deleted({ ...before, dataFile: dataFile('a0') })
    if (kept !== undefined) writer.existing({ ...before, dataFile: dataFile(kept) })
  })
  const deletes = await write('deletes', 'deletes', (writer) => writer.added(dataFile('b.deletes', { content: 'position-deletes' })))
  const snapshot = snapshotOn(metadata, snapshotId, { operation: 'delete' })
  const list = encodeManifestList([gone, deletes, ...inherited], {
    formatVersion: metadata.formatVersion,
    snapshotId,
    parentSnapshotId: snapshot.parentSnapshotId,
    sequenceNumber: snapshot.sequenceNumber,
    firstRowId: undefined,
    compression: { codec: 'uncompressed' },
  })
  await bench.io.write(snapshot.manifestList!, list, { ifNoneMatch: '*' })
  bench.backend.metadata = update(metadata, ...appendUpdates(snapshot))
  return (await bench.manifests())[1]!
}

describe('an append', () => {
  it('makes the first snapshot, its manifest and its list', async () => {
    const bench = new CommitBench()
    const { snapshot, attempts, warnings } = await bench.append(['a', 'b'])
    expect(snapshot).toMatchObject({ parentSnapshotId: undefined, sequenceNumber: 1n, operation: 'append', schemaId: 0 })
    expect({ attempts, warnings }).toEqual({ attempts: 1, warnings: [] })
    expect(snapshot?.manifestList).toMatch(/\/metadata\/snap-\d+-1-[0-9a-f-]{36}\.avro$/)
    expect(await bench.paths()).toEqual(['a', 'b'])
    expect(Object.fromEntries(snapshot!.summary)).toMatchObject({
      'added-data-files': '2',
      'added-records': '20',
      'total-records': '20',
      'changed-partition-count': '1',
      'manifests-created': '1',
      'manifests-kept': '0',
      'engine-name': 'floe',
    })
    expect(await bench.orphans()).toEqual([])
  })

  it.each([1, 2, 3] as const)('keeps all earlier files in a v%i table, and their sequence numbers', async (formatVersion) => {
    const bench = new CommitBench({ metadata: table({ formatVersion }) })
    await bench.append(['a'])
    await bench.append(['b'], { mode: 'fast' })
    await bench.append(['c'])
    expect(await bench.paths()).toEqual(['a', 'b', 'c'])
    const sequence = (await bench.entries()).map((entry) => [entry.dataFile.filePath, entry.sequenceNumber])
    expect(new Map(sequence as [string, bigint][])).toEqual(
      new Map([['a', 1n], ['b', 2n], ['c', 3n]].map(([path, n]) => [path as string, formatVersion === 1 ? 0n : (n as bigint)])),
    )
    expect(bench.backend.metadata.snapshots.at(-1)?.summary.get('total-records')).toBe('30')
  })

  it('refuses the same file twice, and files that are not data (trap 49)', () => {
    const bench = new CommitBench()
    expect(() => appendFiles([dataFile('a'), dataFile('a')], {}, bench.runtime)).toThrow(/twice/)
    expect(() => appendFiles([dataFile('a', { content: 'position-deletes' })], {}, bench.runtime)).toThrow(/data files only/)
  })

  it('inherits every manifest of the parent, also of deletes and of files that are gone (trap 49)', async () => {
    const bench = new CommitBench()
    await bench.append(['a', 'b'])
    await deleteAsOther(bench)
    const before = await bench.manifests()
    expect(before.map(({ content, addedFilesCount, existingFilesCount, deletedFilesCount }) => [
      content, addedFilesCount, existingFilesCount, deletedFilesCount,
    ])).toEqual([['data', 0, 0, 1], ['deletes', 1, 0, 0], ['data', 2, 0, 0]])
    await bench.append(['c'], { mode: 'fast' })
    expect((await bench.manifests()).slice(1)).toEqual(before)
  })

  it('that merges keeps deletes apart from data and under their own numbers, and drops entries of files long gone (trap 49)', async () => {
    const bench = new CommitBench({ metadata: table({ properties: merging(2) }) })
    await bench.append(['a', 'b'])
    const deletes = await deleteAsOther(bench, 'a1')
    await bench.append(['c'])
    const entries = await bench.entries()
    expect((await bench.manifests()).map((manifest) => manifest.content)).toEqual(['data', 'deletes'])
    expect(entries.map(({ dataFile: file, status, sequenceNumber }) => [file.filePath, status, sequenceNumber])).toEqual([
      ['c', 'added', 3n],
      ['a1', 'existing', 1n],
      ['a', 'existing', 1n],
      ['b', 'existing', 1n],
      ['b.deletes', 'added', 2n],
    ])
    expect((await bench.manifests())[1]).toEqual(deletes)
  })

  it('refuses a partition spec that the table does not have', async () => {
    const bench = new CommitBench()
    const operation = appendFiles([dataFile('a', { specId: 7 })], {}, bench.runtime)
    await expect(bench.commit(operation)).rejects.toMatchObject({ code: 'INVALID' })
    expect(bench.io.writes).toEqual([])
  })

  it('refuses to write to an encrypted table', async () => {
    const bench = new CommitBench({ metadata: table({ properties: { 'encryption.key-id': 'k' } }) })
    await expect(bench.append(['a'])).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  it('lists no partition value of a spec in the wrong manifest: one manifest a spec', async () => {
    const spec = { specId: 0, fields: [{ fieldId: 1000, name: 'kind_id', sourceIds: [3], transform: 'identity' }] }
    const base = update(table({ spec }), { action: 'add-spec', spec: { specId: 0, fields: [] } }, { action: 'set-default-spec', specId: -1 })
    const bench = new CommitBench({ metadata: base })
    const files = [dataFile('a', { partition: ['x'] }), dataFile('b', { specId: 1 }), dataFile('c', { partition: ['y'] })]
    await bench.commit(appendFiles(files, { properties: new Map([['app', 'test']]) }, bench.runtime))
    expect((await bench.manifests()).map((manifest) => [manifest.partitionSpecId, manifest.addedFilesCount])).toEqual([
      [1, 1],
      [0, 2],
    ])
    expect(bench.backend.metadata.snapshots[0]?.summary.get('changed-partition-count')).toBe('3')
    expect(bench.backend.metadata.snapshots[0]?.summary.get('app')).toBe('test')
  })

  it('rolls to another manifest at the target size', async () => {
    const bench = new CommitBench({ metadata: table({ properties: { 'commit.manifest.target-size-bytes': '1000' } }) })
    await bench.append(Array.from({ length: 600 }, (_, i) => `mem://lake/data/${i * 7919}.parquet`))
    expect((await bench.manifests()).map((manifest) => manifest.addedFilesCount)).toEqual([250, 250, 100])
  })
})

describe('branches', () => {
  it('append to a branch builds on its own head and keeps its retention (trap 66)', async () => {
    const bench = new CommitBench()
    await bench.append(['a'])
    const first = bench.backend.metadata.currentSnapshotId!
    bench.backend.metadata = update(bench.backend.metadata, {
      action: 'set-snapshot-ref',
      name: 'audit',
      ref: { type: 'branch', snapshotId: first, minSnapshotsToKeep: 5, maxSnapshotAgeMs: 6, maxRefAgeMs: 7 },
    })
    await bench.append(['b'])
    const { snapshot } = await bench.append(['c'], { branch: 'audit' })
    expect(snapshot?.parentSnapshotId).toBe(first)
    expect(await bench.paths(snapshot!.snapshotId)).toEqual(['a', 'c'])
    expect(await bench.paths()).toEqual(['a', 'b'])
    expect(bench.backend.metadata.refs.get('audit')).toMatchObject({
      snapshotId: snapshot!.snapshotId,
      minSnapshotsToKeep: 5,
      maxSnapshotAgeMs: 6,
      maxRefAgeMs: 7,
    })
  })

  it('a branch that does not exist starts at main, totals included', async () => {
    const bench = new CommitBench()
    await bench.append(['a'])
    const { snapshot } = await bench.append(['b'], { branch: 'audit' })
    expect(snapshot?.summary.get('total-records')).toBe('20')
    expect(await bench.paths(snapshot!.snapshotId)).toEqual(['a', 'b'])
    expect(await bench.paths()).toEqual(['a'])
  })

  it('a tag cannot be written to', async () => {
    const bench = new CommitBench()
    await bench.append(['a'])
    const snapshotId = bench.backend.metadata.currentSnapshotId!
    bench.backend.metadata = update(bench.backend.metadata, { action: 'set-snapshot-ref', name: 'v1', ref: { type: 'tag', snapshotId } })
    await expect(bench.append(['b'], { branch: 'v1' })).rejects.toMatchObject({ code: 'INVALID' })
  })

  it('a staged append moves no branch', async () => {
    const bench = new CommitBench()
    await bench.append(['a'])
    const { snapshot } = await bench.append(['b'], { stageOnly: true, properties: new Map([['wap.id', 'w1']]) })
    expect(await bench.paths()).toEqual(['a'])
    expect(await bench.paths(snapshot!.snapshotId)).toEqual(['a', 'b'])
    expect(bench.backend.metadata.snapshotLog).toHaveLength(1)
  })
})

describe('merging manifests', () => {
  it('merges once there are enough, with the numbers and ids that entries had (trap 47)', async () => {
    const bench = new CommitBench({ metadata: table({ properties: merging(3) }) })
    const ids = [(await bench.append(['a'])).snapshot!.snapshotId, (await bench.append(['b'])).snapshot!.snapshotId]
    expect(await bench.manifests()).toHaveLength(2)
    const { snapshot } = await bench.append(['c'])
    expect(await bench.manifests()).toHaveLength(1)
    const entries = await bench.entries()
    expect(entries.map((entry) => [entry.dataFile.filePath, entry.status, entry.sequenceNumber, entry.snapshotId])).toEqual([
      ['c', 'added', 3n, snapshot!.snapshotId],
      ['b', 'existing', 2n, ids[1]],
      ['a', 'existing', 1n, ids[0]],
    ])
    const [manifest] = await bench.manifests()
    expect(manifest).toMatchObject({ sequenceNumber: 3n, minSequenceNumber: 1n, addedFilesCount: 1, existingFilesCount: 2 })
    expect(snapshot?.summary.get('manifests-replaced')).toBe('2')
    expect(await bench.orphans()).toEqual([])
  })

  it('merges manifests of an old spec under that spec, with its tuples, though its column is no longer in the schema (trap 31)', async () => {
    const spec = { specId: 0, fields: [{ fieldId: 1000, name: 'kind_id', sourceIds: [3], transform: 'identity' }] }
    const bench = new CommitBench({ metadata: table({ spec, properties: merging(2) }) })
    const write = (path: string, partition: readonly (string | null)[], specId = 0): Promise<unknown> =>
      bench.commit(appendFiles([dataFile(path, { partition, specId })], { mode: specId === 0 ? 'fast' : 'merge' }, bench.runtime))
    await write('a', ['x'])
    await write('b', [null])
    bench.backend.metadata = update(
      bench.backend.metadata,
      { action: 'add-spec', spec: { specId: 0, fields: [] } },
      { action: 'set-default-spec', specId: -1 },
      { action: 'add-schema', schema: new Schema(SCHEMA.fields.slice(0, 2)) },
      { action: 'set-current-schema', schemaId: -1 },
    )
    await write('c', [], 1)
    const manifests = await bench.manifests()
    expect(manifests).toMatchObject([
      { partitionSpecId: 1, addedFilesCount: 1, existingFilesCount: 0 },
      { partitionSpecId: 0, addedFilesCount: 0, existingFilesCount: 2 },
    ])
    const bound = new TextEncoder().encode('x')
    expect(manifests[1]!.partitions).toEqual([{ containsNull: true, containsNan: false, lowerBound: bound, upperBound: bound }])
    expect((await bench.entries()).map(({ dataFile: file }) => [file.filePath, file.specId, file.partition])).toEqual([
      ['c', 1, []],
      ['b', 0, [null]],
      ['a', 0, ['x']],
    ])
  })

  it('is off when the table says so', async () => {
    const bench = new CommitBench({ metadata: table({ properties: { ...merging(2), 'commit.manifest-merge.enabled': 'false' } }) })
    for (const path of ['a', 'b', 'c']) await bench.append([path])
    expect(await bench.manifests()).toHaveLength(3)
  })

  it('keeps the row ids of files that move to another manifest (trap 51)', async () => {
    const bench = new CommitBench({ metadata: table({ formatVersion: 3, properties: merging(2) }) })
    for (const path of ['a', 'b', 'c']) await bench.append([path])
    const rowIds = (await bench.entries()).map((entry) => [entry.dataFile.filePath, entry.dataFile.firstRowId])
    expect(new Map(rowIds as [string, bigint][])).toEqual(new Map([['a', 0n], ['b', 10n], ['c', 30n]]))
    const ranges = bench.backend.metadata.snapshots.map((snapshot) => [snapshot.firstRowId, snapshot.addedRows])
    // Room for existing rows is left too: the third snapshot lists a manifest of 20 existing rows and 10 new ones.
    expect(ranges).toEqual([[0n, 10n], [10n, 20n], [30n, 30n]])
    expect(bench.backend.metadata.nextRowId).toBe(60n)
  })

  it('gives row ids to the files of a table that was upgraded to v3 (trap 51)', async () => {
    const bench = new CommitBench({ metadata: table({ formatVersion: 1 }) })
    await bench.append(['a'])
    bench.backend.metadata = update(bench.backend.metadata, { action: 'upgrade-format-version', formatVersion: 3 })
    const { snapshot } = await bench.append(['b'])
    expect(snapshot).toMatchObject({ firstRowId: 0n, addedRows: 20n })
    const rowIds = (await bench.entries()).map((entry) => entry.dataFile.firstRowId)
    expect(rowIds.toSorted()).toEqual([0n, 10n])
  })
})

describe('a commit token', () => {
  it('finds the earlier snapshot instead of appending twice, also below a foreign commit', async () => {
    const bench = new CommitBench()
    const first = await bench.append(['a'], { commitToken: 'job-7' })
    await bench.append(['b'])
    const again = await bench.append(['a2'], { commitToken: 'job-7' })
    expect(again.snapshot?.snapshotId).toBe(first.snapshot?.snapshotId)
    expect(again.attempts).toBe(0)
    expect(await bench.paths()).toEqual(['a', 'b'])
    expect(first.snapshot?.summary.get(COMMIT_TOKEN_PROPERTY)).toBe('job-7')
  })

  it('is looked up again on every attempt: a stale base does not append twice', async () => {
    const bench = new CommitBench()
    const stale = bench.backend.current()
    await bench.append(['a'], { commitToken: 'job-7' })
    const again = await bench.append(['a2'], { commitToken: 'job-7', ownsDataFiles: true }, stale)
    expect(await bench.paths()).toEqual(['a'])
    expect(again.snapshot?.summary.get(COMMIT_TOKEN_PROPERTY)).toBe('job-7')
    expect(await bench.orphans()).toEqual([])
    expect(bench.io.deleted).not.toContain('a2')
  })

  it('counts per branch', async () => {
    const bench = new CommitBench()
    await bench.append(['a'], { commitToken: 't' })
    await bench.append(['b'])
    bench.backend.metadata = update(bench.backend.metadata, { action: 'remove-snapshot-ref', name: 'main' })
    await bench.append(['c'], { commitToken: 't' })
    expect(await bench.paths()).toEqual(['c'])
  })

  it('must not be empty', () => {
    expect(() => appendFiles([], { commitToken: '' }, new CommitBench().runtime)).toThrow(expect.objectContaining({ code: 'INVALID' }))
  })
})
