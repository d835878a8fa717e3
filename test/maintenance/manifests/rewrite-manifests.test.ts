import { describe, expect, it } from 'vitest'
import { metadataOperation } from '../../../src/commit/commit-operation.js'
import { rewriteManifests, type RewriteManifestsOptions } from '../../../src/maintenance/manifests/rewrite-manifests.js'
import type { ManifestEntry } from '../../../src/manifest/data-file.js'
import { CommitBench, dataFile, positionDeletes, vector } from '../../support/commit-bench.js'
import { table } from '../../support/metadata-builders.js'

const BY_KIND = { specId: 0, fields: [{ fieldId: 1000, name: 'kind', sourceIds: [3], transform: 'identity' }] } as const
const fast = { mode: 'fast' } as const
const METRICS = { lowerBounds: new Map([[1, Uint8Array.of(1, 2)]]), valueCounts: new Map([[1, 10]]) }
const of = (kind: string | null) => ({ ...METRICS, partition: [kind] })
const partitioned = (formatVersion: 1 | 2 | 3 = 2) => new CommitBench({ metadata: table({ formatVersion, spec: BY_KIND }) })

const upgrade = (formatVersion: 2 | 3) => metadataOperation('upgrade', () => [{ action: 'upgrade-format-version', formatVersion }])

async function rewrite(bench: CommitBench, options: RewriteManifestsOptions = {}) {
  const context = { backend: bench.backend, loaded: bench.backend.current(), runtime: bench.runtime }
  return (await rewriteManifests(context, options)).result
}

/** Everything of live entries that must not change. */
async function liveEntries(bench: CommitBench): Promise<unknown[]> {
  const keep = ({ dataFile: file, snapshotId, sequenceNumber, fileSequenceNumber }: ManifestEntry) => {
    return { file, snapshotId, sequenceNumber, fileSequenceNumber }
  }
  const live = (await bench.entries()).filter((entry) => entry.status !== 'deleted').map(keep)
  return live.sort((a, b) => (a.file.filePath < b.file.filePath ? -1 : 1))
}

describe('rewriting manifests', () => {
  it('keeps every live entry with its sequence numbers, snapshot and row ids, in one manifest of existing entries (trap 47, trap 51)', async () => {
    for (const formatVersion of [1, 2, 3] as const) {
      const bench = partitioned(formatVersion)
      for (const kind of ['b', 'a', null, 'c']) await bench.change({ addedDataFiles: [dataFile(`file-${kind}`, of(kind)), dataFile(`more-${kind}`, of(kind))] }, fast)
      await bench.change({ removedDataFiles: [dataFile('more-a', of('a'))] }, fast)
      const before = await liveEntries(bench)
      const result = await rewrite(bench)
      expect(result).toMatchObject({ rewrittenManifests: 4, addedManifests: 1, keptManifests: 0, entries: 7 })
      expect(await liveEntries(bench)).toEqual(before)
      const entries = await bench.entries()
      expect(entries.every((entry) => entry.status === 'existing')).toBe(true)
      expect(entries.map((entry) => entry.dataFile.partition[0])).toEqual([null, null, 'a', 'b', 'b', 'c', 'c'])
      const summary = result.snapshot!.summary
      expect(result.snapshot!.operation).toBe('replace')
      expect(['manifests-created', 'manifests-kept', 'manifests-replaced', 'entries-processed'].map((name) => summary.get(name))).toEqual(['1', '0', '4', '7'])
      expect(summary.get('total-data-files')).toBe('7')
      expect(await bench.orphans()).toEqual([])
    }
  })

  it('makes delete manifests of the partitions that they are in, by the spec they were written under (trap 31)', async () => {
    const bench = partitioned(3)
    await bench.change({ addedDataFiles: [dataFile('a', of('a')), dataFile('b', of('b'))] }, fast)
    for (const kind of ['b', 'a']) await bench.change({ addedDeleteFiles: [vector(`dv-${kind}`, kind, { partition: [kind] })] }, fast)
    const before = await liveEntries(bench)
    const result = await rewrite(bench)
    expect(result.groups).toMatchObject([{ content: 'deletes', specId: 0, rewritten: 2, added: 1 }, { content: 'data', rewritten: 0 }])
    expect(await liveEntries(bench)).toEqual(before)
    expect((await bench.manifests()).map((manifest) => [manifest.content, manifest.firstRowId === undefined])).toEqual([['deletes', true], ['data', false]])
  })

  it('carries entries over that version 1 and 2 wrote, when the table was upgraded (trap 47, trap 53)', async () => {
    const bench = partitioned(1)
    for (const kind of ['b', 'a']) await bench.change({ addedDataFiles: [dataFile(kind, of(kind))] }, fast)
    await bench.commit(upgrade(2))
    for (const kind of ['d', 'c']) await bench.change({ addedDataFiles: [dataFile(kind, of(kind))] }, fast)
    await bench.change({ addedDeleteFiles: [positionDeletes('old-deletes', 'c', { partition: ['c'] })] }, fast)
    await bench.commit(upgrade(3))
    await bench.change({ addedDataFiles: [dataFile('e', of('e'))] }, fast)
    const before = await liveEntries(bench)
    const result = await rewrite(bench)
    expect(result).toMatchObject({ rewrittenManifests: 5, addedManifests: 1, keptManifests: 1, entries: 5 })
    expect(await liveEntries(bench)).toEqual(before)
  })

  it('gives files without row ids the ids that come next, once, and leaves the others theirs (trap 51)', async () => {
    const bench = partitioned(2)
    for (const kind of ['b', 'a']) await bench.change({ addedDataFiles: [dataFile(kind, of(kind))] }, fast)
    await bench.commit(upgrade(3))
    await rewrite(bench)
    const ids = (await bench.entries()).map(({ dataFile: file }) => [file.filePath, file.firstRowId])
    expect(ids).toEqual([['a', 0n], ['b', 10n]])
    await bench.change({ addedDataFiles: [dataFile('c', of('a'))] }, fast)
    await rewrite(bench)
    const again = (await bench.entries()).map(({ dataFile: file }) => [file.filePath, file.firstRowId])
    expect(new Map(again as [string, bigint][])).toEqual(new Map([...(ids as [string, bigint][]), ['c', 20n]]))
  })

  it('keeps what others append meanwhile, and does the work once', async () => {
    const bench = partitioned()
    for (const kind of ['b', 'a', 'c']) await bench.change({ addedDataFiles: [dataFile(kind, of(kind))] }, fast)
    const first = bench.backend.requests.length
    bench.backend.beforeCommit = async (n) => {
      if (n - first <= 2) await bench.changeAsOther({ addedDataFiles: [dataFile(`theirs-${n}`, of('z'))] }, fast)
    }
    const written = bench.io.writes.filter((location) => /-m\d+\.avro$/.test(location)).length
    const result = await rewrite(bench)
    expect(result).toMatchObject({ rewrittenManifests: 3, addedManifests: 1, keptManifests: 2 })
    expect((await bench.paths()).length).toBe(5)
    // Two by others, one by the rewrite.
    expect(bench.io.writes.filter((location) => /-m\d+\.avro$/.test(location))).toHaveLength(written + 3)
    expect(await bench.orphans()).toEqual([])
  })

  it('starts over with what is there when another commit removed a file, which stays removed', async () => {
    const bench = partitioned()
    for (const kind of ['b', 'a', 'c']) await bench.change({ addedDataFiles: [dataFile(kind, of(kind)), dataFile(`more-${kind}`, of(kind))] }, fast)
    const first = bench.backend.requests.length
    bench.backend.beforeCommit = async (n) => {
      if (n - first === 1) await bench.changeAsOther({ removedDataFiles: [dataFile('more-b', of('b'))] }, fast)
    }
    await rewrite(bench)
    expect(await bench.paths()).toEqual(['a', 'b', 'c', 'more-a', 'more-c'])
    expect(await bench.manifests()).toHaveLength(1)
    expect(await bench.orphans()).toEqual([])
  })

  it('answers without a commit when another process was faster, and when there is nothing to gain', async () => {
    const bench = partitioned()
    expect(await rewrite(bench)).toMatchObject({ snapshot: undefined, groups: [] })
    for (const kind of ['b', 'a']) await bench.change({ addedDataFiles: [dataFile(kind, of(kind))] }, fast)
    const first = bench.backend.requests.length
    bench.backend.beforeCommit = async (n) => {
      bench.backend.beforeCommit = () => Promise.resolve()
      if (n - first !== 1) return
      const other = { backend: bench.backend, loaded: bench.backend.current(), runtime: bench.runtime }
      await rewriteManifests(other, {})
    }
    expect((await rewrite(bench)).snapshot).toBeUndefined()
    expect(await bench.manifests()).toHaveLength(1)
    const again = await rewrite(bench)
    expect(again).toMatchObject({ snapshot: undefined, rewrittenManifests: 0, keptManifests: 1 })
    expect((await rewrite(bench, { rewriteAll: true })).snapshot?.operation).toBe('replace')
  })

  it('orders by the fields that are named, splits at the target size, and reads fewer manifests for a partition', async () => {
    const spec = { specId: 0, fields: [BY_KIND.fields[0], { fieldId: 1001, name: 'id_bucket', sourceIds: [1], transform: 'bucket[64]' }] } as const
    const bench = new CommitBench({ metadata: table({ spec, properties: { 'commit.manifest.target-size-bytes': '6000' } }) })
    for (let commit = 0; commit < 6; commit++) {
      const files = Array.from({ length: 64 }, (_, bucket) => dataFile(`${commit}-${bucket}`, { ...of('k'), partition: [`k${bucket % 4}`, bucket] }))
      await bench.change({ addedDataFiles: files }, fast)
    }
    const planned = await rewrite(bench, { clusterBy: ['id_bucket'], dryRun: true })
    expect(planned).toMatchObject({ snapshot: undefined, rewrittenManifests: 6 })
    const before = await liveEntries(bench)
    const result = await rewrite(bench, { clusterBy: ['id_bucket'] })
    expect(await liveEntries(bench)).toEqual(before)
    const { before: readsBefore, after: readsAfter } = result.groups[0]!.readsPerPartition!
    expect(readsBefore).toBe(6)
    expect(readsAfter).toBeLessThan(2)
    const manifests = await bench.manifests()
    expect(manifests.length).toBe(result.addedManifests)
    expect(manifests.length).toBeGreaterThan(1)
    for (const { manifestLengthBytes } of manifests) expect(manifestLengthBytes).toBeLessThan(7200)
    const buckets = (await bench.entries()).map((entry) => entry.dataFile.partition[1] as number)
    expect(buckets).toEqual([...buckets].sort((a, b) => a - b))
    // In order by one field is not in order by another; the same once more is.
    expect((await rewrite(bench, { clusterBy: ['id_bucket'], dryRun: true })).rewrittenManifests).toBe(0)
    expect((await rewrite(bench, { clusterBy: ['kind'], dryRun: true })).rewrittenManifests).toBeGreaterThan(0)
  })

  it('lets entries beyond the memory budget wait on disk', async () => {
    const bench = partitioned(3)
    for (let commit = 0; commit < 4; commit++) {
      await bench.change({ addedDataFiles: Array.from({ length: 50 }, (_, i) => dataFile(`${commit}-${i}`, of(`k${i % 7}`))) }, fast)
    }
    const before = await liveEntries(bench)
    await rewrite(bench, { memoryBudgetBytes: 4000 })
    expect(await liveEntries(bench)).toEqual(before)
    const kinds = (await bench.entries()).map((entry) => entry.dataFile.partition[0] as string)
    expect(kinds).toEqual([...kinds].sort())
  })

  it('refuses fields and specs that the table does not have, and leaves other specs and branches alone', async () => {
    const bench = partitioned()
    await expect(rewrite(bench, { clusterBy: ['day'] })).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining('there are kind') })
    await expect(rewrite(bench, { specId: 7 })).rejects.toMatchObject({ code: 'INVALID' })
    for (const kind of ['b', 'a']) await bench.change({ addedDataFiles: [dataFile(kind, of(kind))] }, { ...fast, branch: 'audit' })
    const main = bench.backend.metadata.currentSnapshotId
    expect(await rewrite(bench, { branch: 'audit', predicate: (manifest) => manifest.manifestLengthBytes > 10 })).toMatchObject({ rewrittenManifests: 2 })
    expect(bench.backend.metadata.currentSnapshotId).toBe(main)
  })
})
